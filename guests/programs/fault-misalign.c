// fault-misalign: loads and stores of every size at every offset across a line's and a
// page's end, integer and floating point, against what single bytes say; then an access
// half of which lies below memory, and misaligned atomics. (Spike needs Zicclsm in its --isa.)
#include "guest.h"

static u8 area[2 * 4096] PAGE_ALIGNED;
static u64 cause;

static void caught(struct trap_frame *f)
{
	cause = f->cause;
	trap_skip(f);
}

static u64 bytes_at(const volatile u8 *p, int size)
{
	u64 v = 0;
	for (int i = size; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

static u64 load_at(const volatile u8 *p, int size)
{
	u64 v;
	switch (size) {
	case 2: __asm__ volatile("lhu %0, (%1)" : "=r"(v) : "r"(p) : "memory"); break;
	case 4: __asm__ volatile("lwu %0, (%1)" : "=r"(v) : "r"(p) : "memory"); break;
	default: __asm__ volatile("ld %0, (%1)" : "=r"(v) : "r"(p) : "memory"); break;
	}
	return v;
}

static void store_at(volatile u8 *p, int size, u64 v)
{
	switch (size) {
	case 2: __asm__ volatile("sh %1, (%0)" ::"r"(p), "r"(v) : "memory"); break;
	case 4: __asm__ volatile("sw %1, (%0)" ::"r"(p), "r"(v) : "memory"); break;
	default: __asm__ volatile("sd %1, (%0)" ::"r"(p), "r"(v) : "memory"); break;
	}
}

static u64 through_fp(volatile u8 *from, volatile u8 *to)
{
	__asm__ volatile("fld ft0, (%0); fsd ft0, (%1)" ::"r"(from), "r"(to) : "ft0", "memory");
	return bytes_at(from, 8) == bytes_at(to, 8);
}

static int around(u64 edge, const char *name)
{
	u64 wrong = 0;
	for (int size = 2; size <= 8; size *= 2)
		for (u64 at = edge - 8; at <= edge + 1; at++) {
			u64 mask = size == 8 ? ~0ul : (1ul << 8 * size) - 1, v = mix(at * 8 + size);
			for (u64 i = 0; i < sizeof area; i++)
				area[i] = (u8)mix(i);
			wrong += load_at(area + at, size) != bytes_at(area + at, size);
			u64 before = area[at - 1], after = area[at + size];
			store_at(area + at, size, v);
			wrong += bytes_at(area + at, size) != (v & mask);
			wrong += area[at - 1] != before || area[at + size] != after;
			wrong += !through_fp(area + at, area + 64 + (at & 7));
		}
	return check(wrong == 0, name);
}

int main(unsigned hart, unsigned harts)
{
	(void)harts;
	if (hart)
		return 0;
	int wrong = around(32, "inside a line") | around(1024, "across a line") | around(4096, "across a page");
	u64 t;
	on_trap = caught;
	cause = 0;
	__asm__ volatile("ld %0, (%1)" : "=r"(t) : "r"(0x7ffffffcul) : "memory");
	wrong |= check(cause == 4 || cause == 5, "half below memory");
	cause = 0;
	__asm__ volatile("amoadd.d %0, zero, (%1)" : "=r"(t) : "r"(area + 4) : "memory");
	wrong |= check(cause == 6 || cause == 7, "misaligned amoadd traps");
	cause = 0;
	__asm__ volatile("lr.w %0, (%1)" : "=r"(t) : "r"(area + 2) : "memory");
	wrong |= check(cause == 4 || cause == 5, "misaligned lr traps");
	return wrong;
}
