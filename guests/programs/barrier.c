// barrier: sense-reversing barriers, one central and one a tree of fan-in 2 (a tournament).
// Between barriers every hart writes its phase and reads its neighbours', which shows a hart
// that was let go too soon. Patch `iterations` for another number of barriers.
#include "guest.h"

CONFIG(iterations, 500);

static struct barrier central;
static struct padded arrived[MAX_HARTS], released;
static struct padded at[MAX_HARTS];
static struct padded early;

static void tournament_wait(unsigned hart, unsigned harts, u64 round)
{
	for (unsigned step = 1; step < harts; step *= 2) {
		if (hart & step) {
			store_release(&arrived[hart].v, round);
			while (load_acquire(&released.v) != round)
				pause();
			return;
		}
		if (hart + step < harts)
			while (load_acquire(&arrived[hart + step].v) != round)
				pause();
	}
	store_release(&released.v, round);
}

int main(unsigned hart, unsigned harts)
{
	u64 n = iterations, wrong = 0;
	sync_harts();
	for (int tree = 0; tree < 2; tree++) {
		struct stopwatch w = watch_start();
		for (u64 i = 1; i <= n; i++) {
			at[hart].v = i;
			tree ? tournament_wait(hart, harts, 2 * i) : barrier_wait(&central, harts);
			for (unsigned k = 1; k < harts; k *= 2)
				wrong += at[(hart + k) % harts].v != i;
			tree ? tournament_wait(hart, harts, 2 * i + 1) : barrier_wait(&central, harts);
		}
		if (hart == 0)
			watch_print(w, tree ? "tournament" : "central", hart);
	}
	amo_add(&early.v, wrong);
	sync_harts();
	if (hart)
		return 0;
	print("barrier: %u harts, 4 x %u barriers\n", (u64)harts, n);
	return check(early.v == 0, "nobody passed early");
}
