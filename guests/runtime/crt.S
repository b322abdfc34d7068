# Entry and traps. Every hart starts at _start with a0 = hart id and a1 = device
# tree. The loader has cleared .bss (ELF says so), so no hart does.

#include "layout.h"

	.section .text.start, "ax"
	.globl _start
_start:
	csrw	mie, zero
	la	t0, trap_entry
	csrw	mtvec, t0
	.option push
	.option norelax
	la	gp, __global_pointer$
	.option pop
	li	t0, 0x2000		# mstatus.FS = Initial
	csrs	mstatus, t0
	fscsr	zero
	li	t0, MAX_HARTS
	bgeu	a0, t0, park
	mv	tp, a0
	la	sp, stacks
	li	t0, STACK_STRIDE
	addi	t1, a0, 1
	mul	t0, t0, t1
	add	sp, sp, t0
	la	t0, trap_stacks
	slli	t1, t1, TRAP_STACK_SHIFT
	add	t0, t0, t1
	csrw	mscratch, t0
	call	hart_start		# does not return for hart 0
	.globl park
park:
	csrw	mie, zero
1:	wfi
	j	1b

# All registers go to a frame on the hart's trap stack (mscratch), trap_dispatch
# may change them and the pc, and mret takes up the frame again.
	.text
	.balign 4
trap_entry:
	csrrw	sp, mscratch, sp
	addi	sp, sp, -FRAME_BYTES
	.irp n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	sd	x\n, 8*\n(sp)
	.endr
	csrr	t0, mscratch
	sd	t0, 8*2(sp)
	csrr	t0, mepc
	sd	t0, 8*0(sp)
	csrr	t0, mcause
	sd	t0, 8*32(sp)
	csrr	t0, mtval
	sd	t0, 8*33(sp)
	.option push
	.option norelax
	la	gp, __global_pointer$
	.option pop
	mv	a0, sp
	call	trap_dispatch
	ld	t0, 8*0(sp)
	csrw	mepc, t0
	addi	t0, sp, FRAME_BYTES
	csrw	mscratch, t0
	.irp n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	ld	x\n, 8*\n(sp)
	.endr
	ld	sp, 8*2(sp)
	mret

	.section .htif, "aw"
	.globl tohost, fromhost
	.balign 64
tohost:
	.dword	0
	.size	tohost, 8
	.balign 64
fromhost:
	.dword	0
	.size	fromhost, 8
	.balign 64

# The strides differ from a power of two by three lines, so that equal frames of
# different harts do not all fall into one set of a shared cache.
	.section .bss
	.globl stacks, trap_stacks
	.balign 64
stacks:
	.space	MAX_HARTS * STACK_STRIDE
trap_stacks:
	.space	MAX_HARTS << TRAP_STACK_SHIFT
