#include "guest.h"

struct barrier all_harts;

void spin_lock(struct spin *s)
{
	while (__atomic_exchange_n(&s->held, 1, __ATOMIC_ACQUIRE))
		while (s->held)
			pause();
}

void spin_unlock(struct spin *s)
{
	__atomic_store_n(&s->held, 0, __ATOMIC_RELEASE);
}

void barrier_wait(struct barrier *b, unsigned harts)
{
	u64 sense = load(&b->sense.v);
	if (__atomic_fetch_add(&b->arrived.v, 1, __ATOMIC_ACQ_REL) == harts - 1) {
		b->arrived.v = 0;
		store_release(&b->sense.v, !sense);
		return;
	}
	while (load_acquire(&b->sense.v) == sense)
		pause();
}

void watch_print(struct stopwatch w, const char *name, unsigned hart)
{
	u64 c = cycles(), i = instructions();
	print("  %s: %u cycles, %u instructions (hart %u)\n", name, c - w.cycles, i - w.instructions, (u64)hart);
}
