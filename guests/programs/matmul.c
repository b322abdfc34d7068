// matmul: the product of two 160x160 matrices of double, in the order i, k, j, whose inner
// loop walks rows. The values are small integers, so the sums are exact. Patch
// `iterations` for another number of products.
#include "guest.h"

enum { N = 160 };

CONFIG(iterations, 7);

static double a[N][N] BIG, b[N][N] BIG, c[N][N] BIG;

static void multiply(void)
{
	for (u64 i = 0; i < N; i++) {
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
	(void)harts;
	if (hart)
		return 0;
	for (u64 i = 0; i < N; i++)
		for (u64 j = 0; j < N; j++) {
			a[i][j] = (double)(mix(i * N + j) & 15) - 8;
			b[i][j] = (double)(mix(~(i * N + j)) & 15) - 8;
		}
	struct stopwatch w = watch_start();
	double sum = 0;
	for (u64 n = 0; n < iterations; n++) {
		a[n % N][n % N] += 1;
		multiply();
		sum += c[n % N][(n + 1) % N];
	}
	watch_print(w, "products", hart);
	for (u64 i = 0; i < N; i++)
		for (u64 j = 0; j < N; j++)
			sum += c[i][j] * (double)(1 + (i + 3 * j) % 7);
	print("matmul: n %u products %u checksum %d\n", (u64)N, iterations, (i64)sum);
	return 0;
}
