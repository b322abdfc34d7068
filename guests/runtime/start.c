// Bring-up of the harts, their common end, and the way of an unexpected trap.
#include "guest.h"

static volatile u64 ready;
static volatile u64 status; // OR of what every main returned
static struct padded returned;

void (*volatile on_trap)(struct trap_frame *);

void hart_start(u64 hart, const void *fdt)
{
	if (hart == 0) {
		machine_probe(fdt);
		store_release(&ready, 1);
	}
	while (!load_acquire(&ready))
		pause();
	if (hart >= hart_count)
		return;
	int code = main(hart, hart_count);
	__atomic_fetch_or(&status, (u64)(u32)code, __ATOMIC_RELAXED);
	__atomic_fetch_add(&returned.v, 1, __ATOMIC_RELEASE);
	if (hart)
		return;
	while (load_acquire(&returned.v) != hart_count)
		pause();
	machine_exit(status);
}

void trap_unexpected(struct trap_frame *f)
{
	print("unexpected trap: hart %u cause %x epc %x tval %x\n",
	      csr_read(mhartid), f->cause, f->x[0], f->tval);
	machine_exit(64 + (f->cause & 63));
}

void trap_dispatch(struct trap_frame *f)
{
	void (*hook)(struct trap_frame *) = on_trap;
	if (!hook)
		trap_unexpected(f);
	hook(f);
}
