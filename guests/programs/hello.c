// hello: every hart says its name in turn, by the UART and the test finisher, for
// boards without HTIF. Where there is no finisher, HTIF ends the run.
#include "guest.h"

static struct padded turn;

static void no_device(struct trap_frame *f) { trap_skip(f); }

int main(unsigned hart, unsigned harts)
{
	if (hart == 0) {
		console_use_uart();
		print("hello from %u harts\n", (u64)harts);
	}
	sync_harts();
	while (load_acquire(&turn.v) != hart)
		pause();
	print("hart %u\n", (u64)hart);
	store_release(&turn.v, hart + 1);
	on_trap = no_device;
	return 0;
}
