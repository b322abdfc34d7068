// falseshare: each hart counts on a word of its own, first with all words on as few lines as
// they fit, then with a line per word, then on a line that everybody reads too. Patch
// `iterations` for another number of steps per hart.
#include "guest.h"

CONFIG(iterations, 100000);

static volatile u64 packed[MAX_HARTS] LINE_ALIGNED;
static struct padded padded[MAX_HARTS];
static struct {
	volatile u64 read_by_all, written_by_one;
} mixed LINE_ALIGNED;

static void report(struct stopwatch w, unsigned hart, const char *name)
{
	sync_harts();
	if (hart == 0)
		watch_print(w, name, hart);
}

int main(unsigned hart, unsigned harts)
{
	u64 n = iterations, sum = 0;
	sync_harts();
	struct stopwatch w = watch_start();
	for (u64 i = 0; i < n; i++)
		packed[hart]++;
	report(w, hart, "packed");

	w = watch_start();
	for (u64 i = 0; i < n; i++)
		padded[hart].v++;
	report(w, hart, "padded");

	if (hart == 0)
		mixed.read_by_all = 1;
	sync_harts();
	w = watch_start();
	for (u64 i = 0; i < n; i++) {
		if (hart == 0)
			mixed.written_by_one++;
		else
			sum += mixed.read_by_all;
	}
	report(w, hart, "one writes beside what the others read");
	amo_add(&padded[hart].v, sum);
	sync_harts();
	if (hart)
		return 0;

	u64 right = padded[0].v == n && mixed.written_by_one == n;
	for (unsigned h = 1; h < harts; h++)
		right += packed[h] == n && padded[h].v == 2 * n;
	print("falseshare: %u harts, %u steps each\n", (u64)harts, n);
	return check(right == harts && packed[0] == n, "counts");
}
