// selfmod: a function is overwritten and called. Without fence.i the old code may still run, and
// how often it did is a measurement; with fence.i the new must. The second part does it
// across harts: hart 0 writes, the others fence and call. Patch `iterations` for another
// number of rewrites.
#include "guest.h"

CONFIG(iterations, 200);

static u32 code[16] LINE_ALIGNED;
static struct padded version;

enum { RET = 0x00008067 };

// set writes the function { return n; }: addi a0, zero, n; ret.
static void set(u64 n)
{
	volatile u32 *c = code;
	c[0] = (u32)(n & 0x7ff) << 20 | 10 << 7 | 0x13;
	c[1] = RET;
}

static u64 call_code(void)
{
	u64 (*f)(void) = (u64(*)(void))code;
	__asm__("" : "+r"(f));
	return f();
}

static void fence_i(void) { __asm__ volatile("fence.i" ::: "memory"); }

int main(unsigned hart, unsigned harts)
{
	u64 n = iterations, wrong = 0, stale = 0;
	if (hart == 0) {
		set(0);
		fence_i();
		for (u64 i = 1; i <= n; i++) {
			set(i);
			u64 got = call_code();
			stale += got == i - 1;
			fence_i();
			wrong += call_code() != i || (got != i && got != i - 1);
		}
		print("  without fence.i the old code ran %u of %u times\n", stale, n);
		check(wrong == 0, "with fence.i the new code runs");
	}
	// Everybody calls the code first, so that every L1I holds it.
	sync_harts();
	fence_i();
	call_code();
	for (u64 i = 1; i <= n / 4; i++) {
		sync_harts();
		if (hart == 0) {
			set(i + 1000);
			store_release(&version.v, i);
		}
		while (load_acquire(&version.v) != i)
			pause();
		fence_i();
		wrong += call_code() != i + 1000;
		sync_harts();
	}
	sync_harts();
	static struct padded sum;
	amo_add(&sum.v, wrong);
	sync_harts();
	return hart == 0 && check(sum.v == 0 && harts > 0, "code written by another hart runs after fence.i");
}
