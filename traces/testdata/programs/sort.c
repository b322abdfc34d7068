/* Sorts records of 40 bytes by quicksort, and counts them by key: branches,
 * calls, copies that cross lines, read-modify-writes. */
#include <stdio.h>
#include <string.h>

enum { N = 1500 };

struct record {
	unsigned key;
	char text[36];
};

static struct record records[N];
static unsigned counts[256];

static void sort(struct record *a, int n)
{
	while (n > 1) {
		struct record pivot = a[n / 2];
		int i = 0, j = n - 1;
		while (i <= j) {
			while (a[i].key < pivot.key)
				i++;
			while (a[j].key > pivot.key)
				j--;
			if (i <= j) {
				struct record t = a[i];
				a[i++] = a[j];
				a[j--] = t;
			}
		}
		sort(a, j + 1);
		a += i;
		n -= i;
	}
}

int main(void)
{
	unsigned x = 1;
	for (int i = 0; i < N; i++) {
		x = x * 1664525 + 1013904223;
		records[i].key = x >> 8;
		memset(records[i].text, 'a' + x % 26, sizeof records[i].text);
	}
	sort(records, N);
	for (int i = 0; i < N; i++)
		counts[records[i].key >> 16 & 255]++;
	unsigned most = 0;
	for (int i = 0; i < 256; i++)
		if (counts[i] > most)
			most = counts[i];
	for (int i = 1; i < N; i++)
		if (records[i - 1].key > records[i].key)
			return 1;
	printf("%u\n", most);
	return 0;
}
