/* Multiplies matrices, plainly and in blocks: strides of a row and a column. */
#include <stdio.h>

enum { N = 40, B = 8 };

static double a[N][N], b[N][N], c[N][N];

int main(void)
{
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			a[i][j] = i + j;
			b[i][j] = i - j;
		}
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
			for (int k = 0; k < N; k++)
				c[i][j] += a[i][k] * b[k][j];
	for (int ii = 0; ii < N; ii += B)
		for (int kk = 0; kk < N; kk += B)
			for (int j = 0; j < N; j++)
				for (int i = ii; i < ii + B; i++) {
					double sum = c[i][j];
					for (int k = kk; k < kk + B; k++)
						sum -= a[i][k] * b[k][j];
					c[i][j] = sum;
				}
	double rest = 0;
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
			rest += c[i][j] * c[i][j];
	printf("%g\n", rest);
	return 0;
}
