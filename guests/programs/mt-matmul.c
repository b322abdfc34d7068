// mt-matmul: one product of 128x128 matrices of double per round, rows shared out over the
// harts. The total work does not depend on the number of harts. Patch `iterations` for
// another number of rounds.
#include "guest.h"

enum { N = 128 };

CONFIG(iterations, 4);

static double a[N][N] BIG, b[N][N] BIG, c[N][N] BIG;

static void rows(u64 from, u64 to)
{
	for (u64 i = from; i < to; i++) {
		for (u64 j = 0; j < N; j++)
			c[i][j] = 0;
		for (u64 k = 0; k < N; k++) {
			double x = a[i][k];
			for (u64 j = 0; j < N; j++)
				c[i][j] += x * b[k][j];
		}
	}
}

int main(unsigned hart, unsigned harts)
{
	u64 from, to;
	share(N, hart, harts, &from, &to);
	for (u64 i = from; i < to; i++)
		for (u64 j = 0; j < N; j++) {
			a[i][j] = (double)(mix(i * N + j) & 15) - 8;
			b[i][j] = (double)(mix(~(i * N + j)) & 15) - 8;
		}
	sync_harts();
	struct stopwatch w = watch_start();
	for (u64 n = 0; n < iterations; n++) {
		rows(from, to);
		sync_harts();
		// Every hart changes a column of what all read in the next round.
		for (u64 i = hart; i < N; i += harts)
			b[i][n % N] += c[i][(n + 1) % N] > 0 ? 1 : -1;
		sync_harts();
	}
	if (hart)
		return 0;
	watch_print(w, "rounds", hart);
	double sum = 0;
	for (u64 i = 0; i < N; i++)
		for (u64 j = 0; j < N; j++)
			sum += c[i][j] * (double)(1 + (i + 3 * j) % 7);
	print("mt-matmul: n %u rounds %u checksum %d\n", (u64)N, iterations, (i64)sum);
	return 0;
}
