// regions: marks its phases for the simulator. Every hart fills its share of an array,
// then all add up everything, then one hart alone writes; each is a region, with points
// and a dump between. Where markers mean nothing the program computes the same.
#include "guest.h"
#include "mcsim.h"

CONFIG(iterations, 4096);

static u64 numbers[1 << 16] LINE_ALIGNED;
static struct padded sums[MAX_HARTS];

int main(unsigned hart, unsigned harts)
{
	u64 n = iterations < 1 << 16 ? iterations : 1 << 16, from, to, sum = 0;
	share(n, hart, harts, &from, &to);
	sync_harts();
	if (hart == 0) {
		mcsim_reset();
		mcsim_point("parallel");
	}
	sync_harts();
	mcsim_begin("fill");
	for (u64 i = from; i < to; i++)
		numbers[i] = i + 1;
	mcsim_end("fill");
	sync_harts();
	mcsim_begin("sum");
	for (u64 i = 0; i < n; i++)
		sum += numbers[i];
	sums[hart].v = sum;
	mcsim_end("sum");
	sync_harts();
	if (hart)
		return 0;
	mcsim_dump("half");
	mcsim_point("alone");
	mcsim_begin("clear");
	for (u64 i = 0; i < n; i++)
		numbers[i] = 0;
	mcsim_end("clear");
	mcsim_point_number(harts);
	mcsim_checkpoint("done");
	u64 wrong = 0;
	for (unsigned h = 0; h < harts; h++)
		wrong += sums[h].v != n * (n + 1) / 2;
	print("regions: %u harts, %u numbers\n", (u64)harts, n);
	return check(wrong == 0, "every hart has the sum");
}
