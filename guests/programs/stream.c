// stream: a = b + s*c in double over three arrays of 2 MiB, which no L1 or L2 holds.
// Every value is a small integer, so the sums are exact. Patch `iterations` for another
// number of passes.
#include "guest.h"

// STAGGER keeps equal indices of the three arrays out of one set of a cache or TLB.
enum { N = 1 << 18, STAGGER = 520 };

CONFIG(iterations, 110);

static double a[N + STAGGER] BIG, b[N + STAGGER] BIG, c[N + STAGGER] BIG;

static void triad(double s)
{
	for (u64 i = 0; i < N; i++)
		a[i] = b[i] + s * c[i];
}

int main(unsigned hart, unsigned harts)
{
	(void)harts;
	if (hart)
		return 0;
	struct stopwatch w = watch_start();
	for (u64 i = 0; i < N; i++) {
		b[i] = (double)(i & 1023);
		c[i] = (double)(i >> 8);
	}
	watch_print(w, "set-up", hart);

	w = watch_start();
	double sum = 0;
	for (u64 n = 1; n <= iterations; n++) {
		triad((double)n);
		sum += a[mix(n) % N];
	}
	watch_print(w, "triad", hart);
	for (u64 i = 0; i < N; i++)
		sum += a[i];
	print("stream: passes %u checksum %u\n", iterations, (u64)sum);
	return 0;
}
