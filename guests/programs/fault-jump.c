// fault-jump: jumps, loads and stores to where nothing is. The traps are caught and shown; the
// last jump has no handler, so the runtime reports it and the run ends with code 65
// (64 + instruction access fault).
#include "guest.h"

// Unmapped on Spike, on QEMU's virt and here; beyond 32 bits, and in the low hole.
static const u64 nowhere[] = {0x100000000000, 0x70000, 0x60000};

static u64 cause, tval;
static u64 resume;

static void caught(struct trap_frame *f)
{
	cause = f->cause;
	tval = f->tval;
	f->x[0] = resume;
}

#define TRY(body, address)                                                      \
	({                                                                      \
		cause = 99;                                                     \
		__asm__ volatile("la t0, 1f; sd t0, %0; " body "; 1:"           \
				 : "=m"(resume)                                 \
				 : "r"(address)                                 \
				 : "t0", "t1", "ra", "memory");                 \
		print("  tval %x\n", tval);                                     \
		cause;                                                          \
	})

int main(unsigned hart, unsigned harts)
{
	(void)harts;
	if (hart)
		return 0;
	on_trap = caught;
	for (u64 i = 0; i < sizeof nowhere / sizeof *nowhere; i++) {
		u64 a = nowhere[i];
		u64 load = TRY("ld t1, (%1)", a);
		u64 store = TRY("sd t1, (%1)", a);
		u64 amo = TRY("amoadd.d t1, t1, (%1)", a);
		u64 jump = TRY("jalr ra, (%1)", a);
		print("%x: load cause %u, store cause %u, amo cause %u, jump cause %u\n", a, load, store, amo, jump);
	}
	on_trap = 0;
	((void (*)(void))nowhere[0])();
	return 0;
}
