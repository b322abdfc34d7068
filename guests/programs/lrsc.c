// lrsc: all harts increase one word in constrained LR/SC loops (RISC-V unprivileged
// manual, "Eventual Success of Store-Conditional Instructions"): nothing may get lost
// and every hart must get on. A second part shows when an SC has to fail. Patch
// `iterations` for another number of increments per hart.
#include "guest.h"

CONFIG(iterations, 20000);

static struct padded word, narrow, other;
static struct padded failures[MAX_HARTS];

static u64 increment(volatile u64 *p)
{
	u64 tries = 0, t, fail;
	__asm__ volatile("1:	lr.d	%0, (%3)\n"
			 "	addi	%0, %0, 1\n"
			 "	sc.d	%1, %0, (%3)\n"
			 "	addi	%2, %2, 1\n"
			 "	bnez	%1, 1b\n"
			 : "=&r"(t), "=&r"(fail), "+r"(tries) : "r"(p) : "memory");
	return tries;
}

static void increment_word(volatile u64 *p)
{
	u64 t, fail;
	__asm__ volatile("1:	lr.w.aq	%0, (%2)\n"
			 "	addi	%0, %0, 1\n"
			 "	sc.w.rl	%1, %0, (%2)\n"
			 "	bnez	%1, 1b\n"
			 : "=&r"(t), "=&r"(fail) : "r"(p) : "memory");
}

static u64 sc(volatile u64 *p, u64 v)
{
	u64 fail;
	__asm__ volatile("sc.d %0, %2, (%1)" : "=&r"(fail) : "r"(p), "r"(v) : "memory");
	return fail;
}

static u64 lr(volatile u64 *p)
{
	u64 v;
	__asm__ volatile("lr.d %0, (%1)" : "=r"(v) : "r"(p) : "memory");
	return v;
}

static int rules(void)
{
	int wrong = 0;
	volatile u64 *p = &other.v;
	*p = 5;
	lr(p);
	sc(&narrow.v, narrow.v); // whatever it gives, it ends the reservation
	wrong |= check(sc(p, 6) != 0 && *p == 5, "SC after another SC fails");
	lr(p);
	u64 first = sc(p, 7), value = *p;
	wrong |= check(sc(p, 8) != 0 && *p == value, "SC without LR fails");
	print("  plain LR/SC pair: %s\n", first ? "failed" : "stored");
	lr(p);
	*p = 9;
	u64 own = sc(p, 10);
	wrong |= check(*p == (own ? 9 : 10), "own store between LR and SC");
	print("  own store between LR and SC: SC %s\n", own ? "failed" : "stored");
	return wrong;
}

int main(unsigned hart, unsigned harts)
{
	u64 n = iterations, tries = 0;
	sync_harts();
	struct stopwatch w = watch_start();
	for (u64 i = 0; i < n; i++)
		tries += increment(&word.v);
	failures[hart].v = tries - n;
	for (u64 i = 0; i < n / 4; i++)
		increment_word(&narrow.v);
	sync_harts();
	if (hart)
		return 0;
	watch_print(w, "increments", hart);
	for (unsigned h = 0; h < harts; h++)
		print("  hart %u: %u SC failed\n", (u64)h, failures[h].v);
	print("lrsc: %u harts, %u increments\n", (u64)harts, word.v);
	return check(word.v == n * harts, "lr.d/sc.d") | check(narrow.v == n / 4 * harts, "lr.w/sc.w") | rules();
}
