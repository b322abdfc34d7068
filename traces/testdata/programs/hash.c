/* Builds a hash table of packed nodes, which do not respect lines, and walks a
 * list through all of them: pointers, unaligned accesses, a heap. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 6000, BUCKETS = 1024 };

struct __attribute__((packed)) node {
	struct node *next, *after;
	uint64_t value;
	uint16_t count;
	char tag[3];
};

static struct node *table[BUCKETS];
static char pool[N * sizeof(struct node)];

int main(void)
{
	struct node *list = NULL;
	uint64_t x = 88172645463325252u;
	int used = 0;
	for (int i = 0; i < 2 * N; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		uint64_t value = x % N;
		struct node **at = &table[value * 2654435761u % BUCKETS];
		struct node *n = *at;
		while (n && n->value != value)
			n = n->next;
		if (!n) {
			n = (struct node *)(pool + sizeof(struct node) * used++);
			n->next = *at;
			*at = n;
			n->value = value;
			n->after = list;
			list = n;
		}
		n->count++;
	}
	uint64_t sum = 0;
	for (int round = 0; round < 4; round++)
		for (struct node *n = list; n; n = n->after)
			sum += n->value * n->count;
	char *text = malloc(64);
	snprintf(text, 64, "%d nodes, %llu", used, (unsigned long long)sum);
	puts(text);
	free(text);
	return 0;
}
