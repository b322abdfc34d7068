// fault-devices: every hart reads and writes the device regions at random offsets, in all sizes,
// aligned or not, also where no register is. Access faults and misaligned traps are fine; the
// machine must live on. Patch `iterations` for another number of accesses per hart.
#include "guest.h"

CONFIG(iterations, 20000);

static const struct {
	u64 base, size, first_write; // no writes below first_write (UART data, mtime)
	u64 last_write;
} regions[] = {
	{0x100000, 0x1000, 4, 0x1000},
	{0x2000000, 0x10000, 0x4000, 0xbff0},
	{0xc000000, 0x600000, 0, 0x600000},
	{0x10000000, 0x100, 2, 8},
};

static struct padded traps, other;

static void caught(struct trap_frame *f)
{
	if (f->cause >= 4 && f->cause <= 7)
		amo_add(&traps.v, 1);
	else
		trap_unexpected(f);
	trap_skip(f);
}

static void touch(u64 at, unsigned size, int write)
{
	u64 t = 0;
	if (write) {
		switch (size) {
		case 0: __asm__ volatile("sb zero, (%0)" ::"r"(at) : "memory"); break;
		case 1: __asm__ volatile("sh zero, (%0)" ::"r"(at) : "memory"); break;
		case 2: __asm__ volatile("sw zero, (%0)" ::"r"(at) : "memory"); break;
		default: __asm__ volatile("sd zero, (%0)" ::"r"(at) : "memory"); break;
		}
		return;
	}
	switch (size) {
	case 0: __asm__ volatile("lbu %0, (%1)" : "=r"(t) : "r"(at) : "memory"); break;
	case 1: __asm__ volatile("lhu %0, (%1)" : "=r"(t) : "r"(at) : "memory"); break;
	case 2: __asm__ volatile("lw %0, (%1)" : "=r"(t) : "r"(at) : "memory"); break;
	default: __asm__ volatile("ld %0, (%1)" : "=r"(t) : "r"(at) : "memory"); break;
	}
}

int main(unsigned hart, unsigned harts)
{
	u64 n = iterations;
	on_trap = caught;
	sync_harts();
	for (u64 i = 0; i < n; i++) {
		u64 random = mix(i * 64 + hart);
		unsigned k = random & 3, size = random >> 2 & 3;
		u64 offset = (random >> 8) % (regions[k].size - 8);
		if (random & 0x10)
			offset &= ~((1ul << size) - 1);
		int write = (random & 0x20) && offset >= regions[k].first_write && offset < regions[k].last_write;
		touch(regions[k].base + offset, size, write);
	}
	amo_add(&other.v, n);
	sync_harts();
	if (hart)
		return 0;
	print("  %u of the accesses trapped\n", traps.v);
	print("fault-devices: %u accesses by %u harts\n", other.v, (u64)harts);
	return 0;
}
