#include "textflag.h"

// func marker(code int, value uint64)
//
// slti x0, x10, 0x6d0 + code, one instruction for each code.
TEXT ·marker(SB), NOSPLIT, $0-16
	MOV	code+0(FP), X5
	MOV	value+8(FP), X10
	BEQZ	X5, point
	ADD	$-1, X5
	BEQZ	X5, begin
	ADD	$-1, X5
	BEQZ	X5, end
	ADD	$-1, X5
	BEQZ	X5, reset
	ADD	$-1, X5
	BEQZ	X5, dump
	ADD	$-1, X5
	BEQZ	X5, checkpoint
	WORD	$0x6d652013
	RET
point:
	WORD	$0x6d052013
	RET
begin:
	WORD	$0x6d152013
	RET
end:
	WORD	$0x6d252013
	RET
reset:
	WORD	$0x6d352013
	RET
dump:
	WORD	$0x6d452013
	RET
checkpoint:
	WORD	$0x6d552013
	RET
