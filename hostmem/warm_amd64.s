#include "textflag.h"

// func Warm(p1, p2, p3, p4 unsafe.Pointer)
TEXT ·Warm(SB), NOSPLIT|NOFRAME, $0-32
	MOVQ p1+0(FP), AX
	MOVQ p2+8(FP), BX
	MOVQ p3+16(FP), CX
	MOVQ p4+24(FP), DX
	PREFETCHT0 (AX)
	PREFETCHT0 (BX)
	PREFETCHT0 (CX)
	PREFETCHT0 (DX)
	RET
