// mt-compute: every hart sweeps a private 4 KiB of doubles and hashes integers between
// barriers: work that stays in the L1D, so that harts rarely meet. The total work does not
// depend on the number of harts. Patch `iterations` for another number of rounds.
#include "guest.h"

enum { N = 512, JOBS = 32, SWEEPS = 8 };

CONFIG(iterations, 20);

static double rows[JOBS][N] BIG;
static u64 hashes[JOBS][LINE_BYTES / 8] BIG;

// job smooths a row in place.
static u64 job(double *row, u64 h)
{
	for (unsigned s = 0; s < SWEEPS; s++) {
		for (unsigned i = 1; i < N; i++)
			row[i] = row[i] * 0.5 + row[i - 1] * 0.25 + (double)(h >> 60);
		for (unsigned i = 0; i < N; i++)
			h = (h ^ (h >> 31)) * 0x9e3779b97f4a7c15 + i;
	}
	return h;
}

int main(unsigned hart, unsigned harts)
{
	u64 from, to;
	share(JOBS, hart, harts, &from, &to);
	for (u64 j = from; j < to; j++) {
		hashes[j][0] = mix(j);
		for (u64 i = 0; i < N; i++)
			rows[j][i] = (double)(mix(j * N + i) & 15);
	}
	sync_harts();
	struct stopwatch w = watch_start();
	for (u64 n = 0; n < iterations; n++) {
		// A job is done to its end before the next one, so that its row is warm.
		for (u64 j = from; j < to; j++)
			hashes[j][0] = job(rows[j], hashes[j][0]);
		sync_harts();
	}
	if (hart)
		return 0;
	watch_print(w, "rounds", hart);
	u64 sum = 0;
	for (u64 j = 0; j < JOBS; j++)
		sum = mix(sum ^ hashes[j][0] ^ (u64)(i64)(rows[j][N - 1] * 1024));
	print("mt-compute: rounds %u checksum %x\n", iterations, sum);
	return 0;
}
