// The runtime of the guest programs: what a bare-metal program here may use.
//
// A program defines main(hart, harts), which every hart runs. What main returns is
// ORed over the harts and becomes the exit code. Output follows one rule: a line that
// begins with a blank is a measurement and may differ between machines; every other
// line depends only on the program and the number of harts.
#ifndef GUEST_H
#define GUEST_H

#include "layout.h"

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef long i64;

#define LINE_ALIGNED __attribute__((aligned(LINE_BYTES)))
#define PAGE_ALIGNED __attribute__((aligned(4096)))
#define BIG __attribute__((section(".bigbss,\"aw\",@nobits#"), aligned(64)))

// CONFIG is a word that a host may patch in the ELF, by its symbol.
#define CONFIG(name, value) volatile u64 name __attribute__((used)) = (value)

int main(unsigned hart, unsigned harts);

// Machine, from the device tree.
extern unsigned hart_count; // 1..MAX_HARTS
extern unsigned uart_irq;   // PLIC source of the first NS16550
void machine_probe(const void *fdt);

// Console and end. print knows %d %u %x %s %c %%, a width, and 0-padding; numbers
// are 64-bit. One call is one write, whole even when harts print together.
void print(const char *format, ...);
void console_use_uart(void); // NS16550 and test finisher instead of HTIF
void console_write(const char *bytes, u64 n);
void machine_exit(u64 code) __attribute__((noreturn));
void park(void) __attribute__((noreturn));
int check(int ok, const char *what); // prints "what: ok|WRONG", returns 0 or 1

// Traps. on_trap is null by default: a trap is reported and ends the run with exit
// code 64 + cause.
struct trap_frame {
	u64 x[32]; // x[0] is the pc
	u64 cause, tval;
};
extern void (*volatile on_trap)(struct trap_frame *);
void trap_unexpected(struct trap_frame *) __attribute__((noreturn));
static inline void trap_skip(struct trap_frame *f)
{
	f->x[0] += (*(u16 *)f->x[0] & 3) == 3 ? 4 : 2;
}

#define csr_read(r) ({ u64 v_; __asm__ volatile("csrr %0, " #r : "=r"(v_)::"memory"); v_; })
#define csr_write(r, v) __asm__ volatile("csrw " #r ", %0" ::"rK"(v) : "memory")
#define csr_set(r, v) __asm__ volatile("csrs " #r ", %0" ::"rK"(v) : "memory")
#define csr_clear(r, v) __asm__ volatile("csrc " #r ", %0" ::"rK"(v) : "memory")
#define fence(p, s) __asm__ volatile("fence " #p "," #s ::: "memory")

static inline u64 cycles(void) { return csr_read(mcycle); }
static inline u64 instructions(void) { return csr_read(minstret); }
// pause is the Zihintpause hint, a fence w,0 for a machine that lacks it.
static inline void pause(void) { __asm__ volatile(".word 0x0100000f" ::: "memory"); }

static inline u64 load(const volatile u64 *p) { return *p; }
static inline u64 load_acquire(const volatile u64 *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
static inline void store_release(volatile u64 *p, u64 v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
static inline u64 amo_add(volatile u64 *p, u64 v) { return __atomic_fetch_add(p, v, __ATOMIC_RELAXED); }

// A word on a line of its own.
struct padded {
	volatile u64 v;
} LINE_ALIGNED;

// spin is a test-and-test-and-set lock.
struct spin {
	volatile u32 held;
} LINE_ALIGNED;
void spin_lock(struct spin *);
void spin_unlock(struct spin *);

// barrier is sense-reversing; the count and the sense lie on different lines, so that
// arrivals do not disturb those who wait.
struct barrier {
	struct padded arrived, sense;
};
void barrier_wait(struct barrier *, unsigned harts);
extern struct barrier all_harts;
static inline void sync_harts(void) { barrier_wait(&all_harts, hart_count); }

// share is hart's part [*from, *to) of n items.
static inline void share(u64 n, unsigned hart, unsigned harts, u64 *from, u64 *to)
{
	*from = n * hart / harts;
	*to = n * (hart + 1) / harts;
}

// mix is a bijective hash of 64 bits (multiply and xor-shift), the programs' source
// of random data: the same on every machine.
static inline u64 mix(u64 x)
{
	x = (x + 0x632be59bd9b4e019) * 0x9e3779b97f4a7c15;
	x ^= x >> 29;
	x *= 0xff51afd7ed558ccd;
	return x ^ x >> 32;
}

// A stopwatch prints "  name: C cycles, I instructions (hart h)".
struct stopwatch {
	u64 cycles, instructions;
};
static inline struct stopwatch watch_start(void) { return (struct stopwatch){cycles(), instructions()}; }
void watch_print(struct stopwatch, const char *name, unsigned hart);

#endif
