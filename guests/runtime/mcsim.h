// Markers for mcsim: a hint of its own for each wish of a program to the simulator.
// A hint is slti x0, rs1, code. With x0 as destination it computes nothing, and it is
// of those that are "designated for custom use" (unprivileged manual, "HINT
// Instructions"): elsewhere, on hardware or other simulators, it does nothing. It may
// be executed in any mode. It takes one cycle.
//
//	#include "mcsim.h"
//	mcsim_begin("sort");
//	sort();
//	mcsim_end("sort");
//
// Names have up to eight characters, in a register; longer ones are cut.
#ifndef MCSIM_H
#define MCSIM_H

#define MCSIM_HINT(code, value) __asm__ volatile("slti x0, %0, " #code ::"r"(value) : "memory")

// mcsim_name packs a name into a word; with a constant name the compiler does it.
static inline __attribute__((always_inline)) unsigned long mcsim_name(const char *s)
{
	unsigned long v = 0;
	for (int i = 0; i < 8 && s[i]; i++)
		v |= (unsigned long)(unsigned char)s[i] << (8 * i);
	return v;
}

// mcsim_number is the name of a number: its decimal digits, the last eight.
static inline unsigned long mcsim_number(unsigned long n)
{
	unsigned long v = 0;
	int i = 0;
	do {
		v = v << 8 | ('0' + n % 10);
		n /= 10;
	} while (n && ++i < 8);
	return v;
}

// A point: what comes up to the next point is a phase of this name.
#define mcsim_point(name) MCSIM_HINT(0x6d0, mcsim_name(name))
#define mcsim_point_number(n) MCSIM_HINT(0x6d0, mcsim_number(n))
// A region is a phase, too. If several harts begin it, it ends with the last of them.
#define mcsim_begin(name) MCSIM_HINT(0x6d1, mcsim_name(name))
#define mcsim_end(name) MCSIM_HINT(0x6d2, mcsim_name(name))
// Statistics begin at zero here.
#define mcsim_reset() MCSIM_HINT(0x6d3, 0)
// What was counted since the last dump or reset is a phase of this name.
#define mcsim_dump(name) MCSIM_HINT(0x6d4, mcsim_name(name))
// A checkpoint, to the file of --checkpoint, when the quantum ends.
#define mcsim_checkpoint(name) MCSIM_HINT(0x6d5, mcsim_name(name))
// The run ends with the quantum.
#define mcsim_stop() MCSIM_HINT(0x6d6, 0)

#endif
