// locks: the same critical section under four locks: test-and-set, test-and-test-and-set,
// ticket and MCS (Mellor-Crummey and Scott, TOCS 1991). The section is not atomic, so a
// lock that fails loses counts. Patch `iterations` for another number of entries per hart.
#include "guest.h"

CONFIG(iterations, 500);

static struct spin tas, ttas;
static struct padded next_ticket, now_serving;

struct node {
	struct node *volatile next;
	volatile u64 waiting;
} LINE_ALIGNED;
static struct node nodes[MAX_HARTS];
static struct node *volatile tail LINE_ALIGNED;

// What the lock guards: two words on different lines that must move together.
static struct padded left, right;
static volatile u64 torn LINE_ALIGNED;

static void tas_lock(unsigned hart)
{
	(void)hart;
	while (__atomic_exchange_n(&tas.held, 1, __ATOMIC_ACQUIRE))
		;
}
static void tas_unlock(unsigned hart)
{
	(void)hart;
	spin_unlock(&tas);
}

static void ttas_lock(unsigned hart)
{
	(void)hart;
	spin_lock(&ttas);
}
static void ttas_unlock(unsigned hart)
{
	(void)hart;
	spin_unlock(&ttas);
}

static void ticket_lock(unsigned hart)
{
	(void)hart;
	u64 mine = amo_add(&next_ticket.v, 1);
	while (load_acquire(&now_serving.v) != mine)
		pause();
}
static void ticket_unlock(unsigned hart)
{
	(void)hart;
	store_release(&now_serving.v, now_serving.v + 1);
}

static void mcs_lock(unsigned hart)
{
	struct node *me = &nodes[hart];
	me->next = 0;
	me->waiting = 1;
	struct node *before = __atomic_exchange_n(&tail, me, __ATOMIC_ACQ_REL);
	if (!before)
		return;
	__atomic_store_n(&before->next, me, __ATOMIC_RELEASE);
	while (load_acquire(&me->waiting))
		pause();
}
static void mcs_unlock(unsigned hart)
{
	struct node *me = &nodes[hart], *expected = me;
	if (!me->next) {
		if (__atomic_compare_exchange_n(&tail, &expected, 0, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return;
		while (!__atomic_load_n(&me->next, __ATOMIC_ACQUIRE))
			pause();
	}
	store_release(&me->next->waiting, 0);
}

static const struct {
	const char *name;
	void (*lock)(unsigned), (*unlock)(unsigned);
} locks[] = {
	{"test-and-set", tas_lock, tas_unlock},
	{"test-and-test-and-set", ttas_lock, ttas_unlock},
	{"ticket", ticket_lock, ticket_unlock},
	{"MCS", mcs_lock, mcs_unlock},
};

int main(unsigned hart, unsigned harts)
{
	int wrong = 0;
	u64 n = iterations;
	for (u64 k = 0; k < sizeof locks / sizeof *locks; k++) {
		if (hart == 0)
			left.v = right.v = torn = 0;
		sync_harts();
		struct stopwatch w = watch_start();
		for (u64 i = 0; i < n; i++) {
			locks[k].lock(hart);
			u64 l = left.v, r = right.v;
			torn += l != r;
			left.v = l + 1;
			right.v = r + 1;
			locks[k].unlock(hart);
		}
		sync_harts();
		if (hart == 0) {
			wrong |= check(left.v == n * harts && right.v == left.v && !torn, locks[k].name);
			watch_print(w, locks[k].name, hart);
		}
	}
	return wrong;
}
