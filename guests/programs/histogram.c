// histogram: the same counts three ways: atomic additions on shared bins (true sharing),
// private bins packed side by side (false sharing at their seams) and merged, and bins
// behind one lock each. Patch `iterations` for another number of items.
#include "guest.h"

enum { BINS = 64 };

CONFIG(iterations, 200000);

static volatile u64 shared[BINS] LINE_ALIGNED;
static u64 private[MAX_HARTS][BINS] LINE_ALIGNED, merged[BINS] LINE_ALIGNED;
static struct {
	struct spin lock;
	u64 n;
} locked[BINS];
static struct padded under_lock;

static u64 bin_of(u64 i) { return mix(i) >> 32 & (mix(~i) & (BINS - 1)); } // skewed to low bins

static void timed(struct stopwatch *w, unsigned hart, const char *name)
{
	sync_harts();
	if (hart == 0)
		watch_print(*w, name, hart);
	*w = watch_start();
}

int main(unsigned hart, unsigned harts)
{
	u64 from, to, n = iterations;
	share(n, hart, harts, &from, &to);
	sync_harts();
	struct stopwatch w = watch_start();
	for (u64 i = from; i < to; i++)
		amo_add(&shared[bin_of(i)], 1);
	timed(&w, hart, "shared");

	for (u64 i = from; i < to; i++)
		private[hart][bin_of(i)]++;
	sync_harts();
	for (u64 b = hart; b < BINS; b += harts)
		for (unsigned h = 0; h < harts; h++)
			merged[b] += private[h][b];
	timed(&w, hart, "private");

	for (u64 i = from; i < from + (to - from) / 16; i++) { // the locks are slow: a part of the items
		u64 b = bin_of(i);
		spin_lock(&locked[b].lock);
		locked[b].n++;
		spin_unlock(&locked[b].lock);
		amo_add(&under_lock.v, 1);
	}
	timed(&w, hart, "locked");
	if (hart)
		return 0;

	u64 same = 0, guarded = 0, total = 0, sum = 0;
	for (u64 b = 0; b < BINS; b++) {
		same += shared[b] == merged[b];
		guarded += locked[b].n;
		total += shared[b];
		sum = sum * 31 + shared[b];
	}
	print("histogram: %u items, checksum %x\n", total, sum);
	return check(total == n, "no item lost") | check(same == BINS, "shared = private") |
	       check(guarded == under_lock.v, "locked");
}
