// litmus: the classic two- to four-hart shapes, with and without fences, over many lines, delays
// and placements. For each it counts the outcomes; one that RVWMO (RISC-V unprivileged
// manual, chapter "RVWMO Memory Consistency Model") forbids makes the run fail. One that is merely
// weak is a measurement: a machine need not show it. Patch `iterations` for another number of
// instances per shape, `shapes` (a bit mask) to choose.
#include "guest.h"

enum { BATCH = 64, ROLES = 4 };

CONFIG(iterations, 2560);
CONFIG(shapes, ~0ul);

static struct {
	struct padded x, y;
} place[BATCH];
static struct {
	u64 r[2];
} result[ROLES][BATCH] LINE_ALIGNED;

typedef void thread(volatile u64 *x, volatile u64 *y, u64 *r);

// A thread's body sees %0 and %1, its two results, %2 and %3, the addresses of x and y,
// and %4, which holds 1.
#define THREAD(name, body)                                                             \
	static void name(volatile u64 *x, volatile u64 *y, u64 *r)                     \
	{                                                                              \
		u64 a = 0, b = 0;                                                      \
		__asm__ volatile(body : "+&r"(a), "+&r"(b) : "r"(x), "r"(y), "r"(1ul) : "memory"); \
		r[0] = a;                                                              \
		r[1] = b;                                                              \
	}

THREAD(write_x, "sd %4,(%2)")
THREAD(write_y, "sd %4,(%3)")
// store buffering
THREAD(sb0, "sd %4,(%2); ld %0,(%3)")
THREAD(sb1, "sd %4,(%3); ld %0,(%2)")
THREAD(sb0_fence, "sd %4,(%2); fence rw,rw; ld %0,(%3)")
THREAD(sb1_fence, "sd %4,(%3); fence rw,rw; ld %0,(%2)")
THREAD(sb0_amo, "amoswap.d.aqrl %1,%4,(%2); lr.d.aq %0,(%3); li %1,0")
THREAD(sb1_amo, "amoswap.d.aqrl %1,%4,(%3); lr.d.aq %0,(%2); li %1,0")
// message passing
THREAD(mp0, "sd %4,(%2); sd %4,(%3)")
THREAD(mp1, "ld %0,(%3); ld %1,(%2)")
THREAD(mp0_fence, "sd %4,(%2); fence w,w; sd %4,(%3)")
THREAD(mp1_fence, "ld %0,(%3); fence r,r; ld %1,(%2)")
THREAD(mp0_tso, "sd %4,(%2); fence.tso; sd %4,(%3)")
THREAD(mp1_address, "ld %0,(%3); xor %1,%0,%0; add %1,%1,%2; ld %1,(%1)")
THREAD(mp0_release, "sd %4,(%2); amoswap.d.rl x0,%4,(%3)")
THREAD(mp1_acquire, "lr.d.aq %0,(%3); ld %1,(%2)")
// load buffering
THREAD(lb0, "ld %0,(%2); sd %4,(%3)")
THREAD(lb1, "ld %0,(%3); sd %4,(%2)")
THREAD(lb0_data, "ld %0,(%2); xor %1,%0,%0; addi %1,%1,1; sd %1,(%3); li %1,0")
THREAD(lb1_data, "ld %0,(%3); xor %1,%0,%0; addi %1,%1,1; sd %1,(%2); li %1,0")
// independent reads of independent writes, write to read causality, coherence
THREAD(read_xy, "ld %0,(%2); ld %1,(%3)")
THREAD(read_yx, "ld %0,(%3); ld %1,(%2)")
THREAD(read_xy_fence, "ld %0,(%2); fence r,r; ld %1,(%3)")
THREAD(read_yx_fence, "ld %0,(%3); fence r,r; ld %1,(%2)")
THREAD(wrc1_data, "ld %0,(%2); sd %0,(%3)")
THREAD(read_xx, "ld %0,(%2); ld %1,(%2)")
THREAD(write_read_x, "sd %4,(%2); ld %0,(%2)")
THREAD(amo_x, "amoadd.d %0,%4,(%2)")

// An outcome is the results of all roles, two bits each: bit 2*role+i is result i.
#define R(role, i, value) ((u64)(value) << (2 * (role) + (i)))
static const struct shape {
	const char *name;
	thread *role[ROLES];
	u64 mask, match; // the outcome of interest: (outcome & mask) == match
	int forbidden;
} all_shapes[] = {
	{"SB", {sb0, sb1}, 3 | 3 << 2, 0, 0},
	{"SB+fences", {sb0_fence, sb1_fence}, 3 | 3 << 2, 0, 1},
	{"SB+amos", {sb0_amo, sb1_amo}, 3 | 3 << 2, 0, 1},
	{"MP", {mp0, mp1}, 3 << 2, R(1, 0, 1), 0},
	{"MP+fences", {mp0_fence, mp1_fence}, 3 << 2, R(1, 0, 1), 1},
	{"MP+tso+address", {mp0_tso, mp1_address}, 3 << 2, R(1, 0, 1), 1},
	{"MP+release+acquire", {mp0_release, mp1_acquire}, 3 << 2, R(1, 0, 1), 1},
	{"LB", {lb0, lb1}, 5, 5, 0},
	{"LB+datas", {lb0_data, lb1_data}, 5, 5, 1},
	{"WRC+data+fence", {write_x, wrc1_data, mp1_fence}, 0x34, R(1, 0, 1) | R(2, 0, 1), 1},
	{"IRIW", {write_x, write_y, read_xy, read_yx}, 0xf0, R(2, 0, 1) | R(3, 0, 1), 0},
	{"IRIW+fences", {write_x, write_y, read_xy_fence, read_yx_fence}, 0xf0, R(2, 0, 1) | R(3, 0, 1), 1},
	{"CoRR", {write_x, read_xx}, 3 << 2, R(1, 0, 1), 1},
	{"CoWR", {write_read_x, read_xx}, 1, 0, 1},
	{"AMO atomicity", {amo_x, amo_x}, 5, 0, 1},
};

static unsigned roles_of(const struct shape *s)
{
	unsigned n = 0;
	while (n < ROLES && s->role[n])
		n++;
	return n;
}

static void delay(u64 steps)
{
	for (; steps; steps--)
		__asm__ volatile("");
}

// run_batch plays one role in every place. Some rounds first read a line, so that it
// is shared when the others write it.
static void run_batch(thread *t, unsigned role, u64 round)
{
	for (u64 i = 0; i < BATCH; i++) {
		u64 random = mix((round * BATCH + i) << 2 | role);
		if (random & 0x100)
			(void)load(&place[i].x.v);
		if (random & 0x200)
			(void)load(&place[i].y.v);
		delay(random & (random & 0x400 ? 3 : 31));
		t(&place[i].x.v, &place[i].y.v, result[role][i].r);
	}
}

static int run_shape(const struct shape *s, unsigned hart, unsigned harts, unsigned roles)
{
	u64 seen[256] = {0}, interesting = 0, total = 0;
	for (u64 round = 0; round * BATCH < iterations; round++) {
		for (u64 i = hart; i < BATCH; i += harts)
			place[i].x.v = place[i].y.v = 0;
		sync_harts();
		unsigned role = (hart + round) % harts;
		if (role < roles)
			run_batch(s->role[role], role, round);
		sync_harts();
		for (u64 i = 0; hart == 0 && i < BATCH; i++) {
			u64 outcome = 0;
			for (unsigned k = 0; k < roles; k++)
				outcome |= R(k, 0, result[k][i].r[0]) | R(k, 1, result[k][i].r[1]);
			seen[outcome & 255]++;
			interesting += (outcome & s->mask) == s->match;
			total++;
		}
	}
	if (hart)
		return 0;
	int wrong = s->forbidden && interesting;
	print("%s: %s\n", s->name, wrong ? "FORBIDDEN outcome" : "ok");
	print("  %u of %u show the %s outcome;", interesting, total, s->forbidden ? "forbidden" : "weak");
	for (u64 o = 0; o < 256; o++)
		if (seen[o])
			print(" %x:%u", o, seen[o]);
	print("\n");
	return wrong;
}

int main(unsigned hart, unsigned harts)
{
	int wrong = 0;
	for (u64 k = 0; k < sizeof all_shapes / sizeof *all_shapes; k++) {
		const struct shape *s = &all_shapes[k];
		unsigned roles = roles_of(s);
		if (!(shapes >> k & 1))
			continue;
		if (roles <= harts)
			wrong |= run_shape(s, hart, harts, roles);
		else if (hart == 0)
			print("%s: needs %u harts\n", s->name, (u64)roles);
		sync_harts();
	}
	return wrong;
}
