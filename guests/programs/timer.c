// timer: machine timer interrupts on every hart, interprocessor interrupts round the harts, the
// UART's interrupt through the PLIC, and Sstc's stimecmp. Harts wait in wfi.
#include "guest.h"

enum { MSIP = 0x2000000, MTIMECMP = 0x2004000, MTIME = 0x200bff8 };
enum { PLIC = 0xc000000, PLIC_ENABLE = 0x2000, PLIC_CONTEXT = 0x200000 };
enum { UART = 0x10000000, UART_IER = 1, UART_IIR = 2, IER_THR_EMPTY = 2 };
enum { TICKS = 5, PERIOD = 1000, LAPS = 10 };
enum { SOFTWARE = 3, S_TIMER = 5, TIMER = 7, EXTERNAL = 11 };
#define STCE (1ul << 63)

static struct padded ticks[MAX_HARTS], early, visits[MAX_HARTS], external, supervisor;
static volatile u64 claimed, claimed_again;

static u64 now(void) { return *(volatile u64 *)MTIME; }
static void alarm(u64 hart, u64 at) { ((volatile u64 *)MTIMECMP)[hart] = at; }
static void ipi(u64 hart, u32 v) { ((volatile u32 *)MSIP)[hart] = v; }
static volatile u32 *plic(u64 offset) { return (volatile u32 *)(PLIC + offset); }

static void on_timer(u64 hart)
{
	early.v += now() < ((volatile u64 *)MTIMECMP)[hart];
	ticks[hart].v++;
	alarm(hart, ticks[hart].v < TICKS ? now() + PERIOD : ~0ul);
}

static void on_external(void)
{
	volatile u8 *uart = (volatile u8 *)UART;
	claimed = *plic(PLIC_CONTEXT + 4);
	uart[UART_IER] = 0;
	(void)uart[UART_IIR];
	*plic(PLIC_CONTEXT + 4) = (u32)claimed;
	claimed_again = *plic(PLIC_CONTEXT + 4);
	external.v++;
}

static void on_interrupt(struct trap_frame *f)
{
	u64 hart = csr_read(mhartid);
	if ((i64)f->cause >= 0)
		trap_unexpected(f);
	switch (f->cause & 63) {
	case TIMER:
		on_timer(hart);
		break;
	case SOFTWARE:
		ipi(hart, 0);
		visits[hart].v++;
		break;
	case EXTERNAL:
		on_external();
		break;
	case S_TIMER:
		csr_write(0x14d, ~0ul); // stimecmp
		supervisor.v++;
		break;
	default:
		trap_unexpected(f);
	}
}

// await sleeps until the word, which an interrupt of this hart increases, is at least n.
// Interrupts are off while it decides to sleep, so none is missed; wfi wakes all the same.
static void await(volatile u64 *word, u64 n)
{
	csr_clear(mstatus, 8);
	while (load(word) < n) {
		__asm__ volatile("wfi" ::: "memory");
		csr_set(mstatus, 8);
		csr_clear(mstatus, 8);
	}
}

static void uart_interrupt(void)
{
	*plic(4 * uart_irq) = 1;
	plic(PLIC_ENABLE)[uart_irq / 32] = 1u << uart_irq % 32;
	*plic(PLIC_CONTEXT) = 0;
	((volatile u8 *)UART)[UART_IER] = IER_THR_EMPTY;
	await(&external.v, 1);
}

static int sstc(void)
{
	csr_set(0x30a, STCE); // menvcfg
	if (!(csr_read(0x30a) & STCE)) {
		print("sstc: absent\n");
		return 0;
	}
	csr_write(0x14d, now() + PERIOD);
	csr_set(mie, 1 << S_TIMER);
	await(&supervisor.v, 1);
	return check(supervisor.v == 1, "stimecmp");
}

int main(unsigned hart, unsigned harts)
{
	on_trap = on_interrupt;
	alarm(hart, now() + PERIOD);
	csr_set(mie, 1 << TIMER);
	await(&ticks[hart].v, TICKS);
	csr_clear(mie, 1 << TIMER);
	csr_set(mie, 1 << SOFTWARE);
	sync_harts();

	struct stopwatch w = watch_start();
	if (hart == 0)
		ipi(0, 1);
	for (u64 lap = 1; lap <= LAPS; lap++) {
		await(&visits[hart].v, lap);
		if (hart + 1 < harts || lap < LAPS)
			ipi((hart + 1) % harts, 1);
	}
	sync_harts();
	if (hart)
		return 0;
	watch_print(w, "IPI laps", hart);
	csr_write(mie, 1 << 11);
	uart_interrupt();

	u64 right = 0;
	for (unsigned h = 0; h < harts; h++)
		right += ticks[h].v == TICKS && visits[h].v == LAPS;
	print("timer: %u harts, %u ticks and %u IPIs each\n", (u64)harts, (u64)TICKS, (u64)LAPS);
	return check(right == harts && early.v == 0, "no tick early, none lost") |
	       check(external.v == 1 && claimed == uart_irq && claimed_again == 0, "UART through the PLIC") | sstc();
}
