// mt-stream: copy, scale, add and triad over three arrays of 1 MiB of 64-bit integers, a slice
// per hart. The total work does not depend on the number of harts. Patch `iterations` for
// another number of rounds.
#include "guest.h"

// STAGGER keeps equal indices of the three arrays out of one set of a cache or TLB.
enum { N = 1 << 17, STAGGER = 520 };

CONFIG(iterations, 10);

static u64 a[N + STAGGER] BIG, b[N + STAGGER] BIG, c[N + STAGGER] BIG;

int main(unsigned hart, unsigned harts)
{
	u64 from, to;
	share(N, hart, harts, &from, &to);
	for (u64 i = from; i < to; i++)
		a[i] = mix(i);
	sync_harts();
	struct stopwatch w = watch_start();
	for (u64 n = 0; n < iterations; n++) {
		for (u64 i = from; i < to; i++)
			c[i] = a[i];
		for (u64 i = from; i < to; i++)
			b[i] = 3 * c[i];
		for (u64 i = from; i < to; i++)
			c[i] = a[i] + b[i];
		for (u64 i = from; i < to; i++)
			a[i] = b[i] + 5 * c[i];
		sync_harts();
	}
	if (hart)
		return 0;
	watch_print(w, "rounds", hart);
	u64 sum = 0;
	for (u64 i = 0; i < N; i++)
		sum = sum * 31 + a[i];
	print("mt-stream: rounds %u checksum %x\n", iterations, sum);
	return 0;
}
