# The parts of vm.c that are not C: changes of mode, probes that survive a fault, user code.

	.text

	.macro save_context where
	la	t0, \where
	sd	ra, 0(t0)
	sd	sp, 8(t0)
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11
	sd	s\n, 16+8*\n(t0)
	.endr
	sd	tp, 112(t0)
	.endm
	.macro restore_context where
	la	t0, \where
	ld	ra, 0(t0)
	ld	sp, 8(t0)
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11
	ld	s\n, 16+8*\n(t0)
	.endr
	ld	tp, 112(t0)
	.endm

# u64 enter_s(void (*f)(void)): runs f in S-mode until it asks M-mode to go on at m_return.
	.globl enter_s, m_return
enter_s:
	save_context m_context
	li	t1, 0x1800
	csrc	mstatus, t1
	li	t1, 0x0800
	csrs	mstatus, t1
	csrw	mepc, a0
	mret
m_return:
	restore_context m_context
	ret

# u64 call_m(u64 number, u64 a, u64 b): a request to M-mode.
	.globl call_m
call_m:
	mv	a7, a0
	mv	a0, a1
	mv	a1, a2
	ecall
	ret

# u64 run_user(u64 pc, u64 argument): runs U-mode code to its trap, returns scause.
	.globl run_user
run_user:
	save_context s_context
	csrw	sepc, a0
	li	t1, 0x100
	csrc	sstatus, t1
	mv	a0, a1
	sret

# S-mode's traps: from U-mode back into run_user's caller, from a probe to the place that
# the probe named in `recover`. A trap nobody expected ends the run through M-mode.
	.globl s_entry
	.balign 4
s_entry:
	csrr	t0, stval
	la	t1, fault_address
	sd	t0, (t1)
	csrr	t0, sstatus
	andi	t0, t0, 0x100
	beqz	t0, 1f
	la	t0, recover
	ld	t1, (t0)
	beqz	t1, 2f
	sd	zero, (t0)
	csrw	sepc, t1
	csrr	a0, scause
	sret
1:	la	t0, user_result
	sd	a0, (t0)
	csrr	a0, scause
	restore_context s_context
	ret
2:	li	a7, 9
	csrr	a0, scause
	csrr	a1, sepc
	ecall

# u64 probe_*(u64 address, u64 *value): 0, or the cause of the fault.
	.macro probe_begin name
	.globl	\name
\name:
	la	t2, 9f
	la	t3, recover
	sd	t2, (t3)
	.endm
	.macro probe_end
	la	t3, recover
	sd	zero, (t3)
	li	a0, 0
9:	ret
	.endm

	probe_begin probe_load
	ld	t4, (a0)
	sd	t4, (a1)
	probe_end

	probe_begin probe_store
	ld	t4, (a1)
	sd	t4, (a0)
	probe_end

	probe_begin probe_sinval
	.word	0x18000073		# sfence.w.inval
	.insn r 0x73, 0, 0x0b, x0, a0, x0	# sinval.vma a0, zero
	.word	0x18100073		# sfence.inval.ir
	probe_end

	.globl	probe_fetch
probe_fetch:
	mv	t5, ra
	la	t2, 9f
	la	t3, recover
	sd	t2, (t3)
	jalr	a0
	la	t3, recover
	sd	zero, (t3)
	li	a0, 0
9:	mv	ra, t5
	ret

	.section .user, "ax"		# the linker script gives it a page of its own
	.globl user_code, user_store, user_load, user_csr
user_code:
just_return:
	ret
user_store:				# writes 77 at a0, reads it back, calls
	li	t0, 77
	sd	t0, (a0)
	ld	a0, (a0)
	addi	a0, a0, 1
	ecall
user_load:				# reads at a0
	ld	a0, (a0)
	ecall
user_csr:				# may not
	csrr	a0, sstatus
	ecall

	.bss
	.globl fault_address, user_result
m_context: .space 120
s_context: .space 120
recover: .space 8
fault_address: .space 8
user_result: .space 8
