#include "textflag.h"

// func warm(a, b, c, d, e, f unsafe.Pointer)
TEXT ·warm(SB), NOSPLIT|NOFRAME, $0-48
	MOVQ a+0(FP), AX
	MOVQ b+8(FP), BX
	MOVQ c+16(FP), CX
	MOVQ d+24(FP), DX
	MOVQ e+32(FP), SI
	MOVQ f+40(FP), DI
	PREFETCHT0 (AX)
	PREFETCHT0 (BX)
	PREFETCHT0 (CX)
	PREFETCHT0 (DX)
	PREFETCHT0 (SI)
	PREFETCHT0 (DI)
	RET
