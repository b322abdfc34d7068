// pingpong: two harts hand a line to each other; the others sleep. Each bounce is a
// write that invalidates the other's copy and a read that fetches it back. Patch
// `iterations` for another number of round trips.
#include "guest.h"

CONFIG(iterations, 10000);

static struct padded ball;

int main(unsigned hart, unsigned harts)
{
	if (harts < 2) {
		print("pingpong: needs 2 harts\n");
		return 2;
	}
	sync_harts();
	if (hart > 1)
		return 0;
	struct stopwatch w = watch_start();
	u64 n = iterations;
	for (u64 i = 0; i < n; i++) {
		while (load_acquire(&ball.v) != 2 * i + hart)
			;
		store_release(&ball.v, 2 * i + hart + 1);
	}
	if (hart == 0)
		return 0;
	watch_print(w, "round trips", hart);
	print("pingpong: %u round trips, ball at %u\n", n, ball.v);
	return ball.v != 2 * n;
}
