#include "textflag.h"

// func mark(code int, name uint64)
//
// slti x0, x12, 0x6d0 + code, one instruction for each code.
TEXT ·mark(SB), NOSPLIT, $0-16
	MOV	code+0(FP), X5
	MOV	name+8(FP), X12
	BEQZ	X5, point
	ADD	$-1, X5
	BEQZ	X5, begin
	ADD	$-1, X5
	BEQZ	X5, end
	WORD	$0x6d562013
	RET
point:
	WORD	$0x6d062013
	RET
begin:
	WORD	$0x6d162013
	RET
end:
	WORD	$0x6d262013
	RET

// func measure(counter int, name uint64, lines *byte, n int) uint64
//
// A marker begins the region of that name, the counter is read, a byte is changed
// in each of n lines, the counter is read again, and a marker ends the region.
// Between the readings and the markers there are five instructions. They are in
// one line of code, which has been fetched when the region begins, as has that of
// the reading.
TEXT ·measure(SB), NOSPLIT, $0-40
	MOV	counter+0(FP), X5
	SLL	$3, X5
	MOV	$·counters(SB), X6
	ADD	X6, X5
	MOV	name+8(FP), X12
	MOV	lines+16(FP), X13
	MOV	n+24(FP), X14
	PCALIGN	$64
	JALR	X6, (X5)
	WORD	$0x6d162013 // slti x0, x12, begin
	JALR	X6, (X5)
	MOV	X10, X15
	BEQZ	X14, read
touch:
	MOVBU	(X13), X16
	ADD	$1, X16
	MOVB	X16, (X13)
	ADD	$64, X13
	ADD	$-1, X14
	BNEZ	X14, touch
read:
	JALR	X6, (X5)
	SUB	X15, X10
	WORD	$0x6d262013 // slti x0, x12, end
	MOV	X10, ret+32(FP)
	RET

// func spinOn(line *byte, n int)
//
// Six instructions for each turn.
TEXT ·spinOn(SB), NOSPLIT, $0-16
	MOV	line+0(FP), X13
	MOV	n+8(FP), X14
spin:
	MOVBU	(X13), X16
	ADD	$1, X16
	MOVB	X16, (X13)
	ADD	$1, X17
	ADD	$-1, X14
	BNEZ	X14, spin
	RET

// func spinRange() (from, to uint64)
//
// The code of spinOn, up to what follows it.
TEXT ·spinRange(SB), NOSPLIT, $0-16
	MOV	$·spinOn(SB), X5
	MOV	X5, from+0(FP)
	MOV	$·spinRange(SB), X5
	MOV	X5, to+8(FP)
	RET

// counters has for each of cycle to hpmcounter31: csrr x10, counter; jalr x0, (x6).
TEXT ·counters(SB), NOSPLIT|NOFRAME, $0-0
	WORD	$0xc0002573; WORD $0x00030067
	WORD	$0xc0102573; WORD $0x00030067
	WORD	$0xc0202573; WORD $0x00030067
	WORD	$0xc0302573; WORD $0x00030067
	WORD	$0xc0402573; WORD $0x00030067
	WORD	$0xc0502573; WORD $0x00030067
	WORD	$0xc0602573; WORD $0x00030067
	WORD	$0xc0702573; WORD $0x00030067
	WORD	$0xc0802573; WORD $0x00030067
	WORD	$0xc0902573; WORD $0x00030067
	WORD	$0xc0a02573; WORD $0x00030067
	WORD	$0xc0b02573; WORD $0x00030067
	WORD	$0xc0c02573; WORD $0x00030067
	WORD	$0xc0d02573; WORD $0x00030067
	WORD	$0xc0e02573; WORD $0x00030067
	WORD	$0xc0f02573; WORD $0x00030067
	WORD	$0xc1002573; WORD $0x00030067
	WORD	$0xc1102573; WORD $0x00030067
	WORD	$0xc1202573; WORD $0x00030067
	WORD	$0xc1302573; WORD $0x00030067
	WORD	$0xc1402573; WORD $0x00030067
	WORD	$0xc1502573; WORD $0x00030067
	WORD	$0xc1602573; WORD $0x00030067
	WORD	$0xc1702573; WORD $0x00030067
	WORD	$0xc1802573; WORD $0x00030067
	WORD	$0xc1902573; WORD $0x00030067
	WORD	$0xc1a02573; WORD $0x00030067
	WORD	$0xc1b02573; WORD $0x00030067
	WORD	$0xc1c02573; WORD $0x00030067
	WORD	$0xc1d02573; WORD $0x00030067
	WORD	$0xc1e02573; WORD $0x00030067
	WORD	$0xc1f02573; WORD $0x00030067
