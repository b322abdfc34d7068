// chase: a chain of dependent loads through 8 MiB in random order, one 64-byte node at a
// time. The order is one cycle over all nodes (Sattolo's shuffle), so no hop repeats
// before every node was visited. Patch `iterations` for another number of hops.
#include "guest.h"

enum { NODES = 8 << 20 >> 6 };

CONFIG(iterations, 9500000);

struct node {
	struct node *next;
	u64 rest[7];
};

static struct node pool[NODES] BIG;

static void link_one_cycle(void)
{
	u64 seed = 42;
	for (u64 i = 0; i < NODES; i++)
		pool[i].next = &pool[i];
	for (u64 i = NODES - 1; i > 0; i--) {
		seed = seed * 6364136223846793005 + 1442695040888963407;
		u64 j = (seed >> 32) * i >> 32; // 0..i-1
		struct node *t = pool[i].next;
		pool[i].next = pool[j].next;
		pool[j].next = t;
	}
}

int main(unsigned hart, unsigned harts)
{
	(void)harts;
	if (hart)
		return 0;
	struct stopwatch w = watch_start();
	link_one_cycle();
	watch_print(w, "set-up", hart);

	w = watch_start();
	struct node *p = pool;
	u64 sum = 0;
	for (u64 n = iterations; n; n--) {
		p = p->next;
		sum += (u64)p;
	}
	print("chase: hops %u checksum %x\n", iterations, sum - iterations * (u64)pool);
	watch_print(w, "chase", hart);
	return 0;
}
