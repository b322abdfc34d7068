// The console and the end of the run: HTIF (a write through the proxied system call,
// the exit through tohost), or the UART and the test finisher of a virt board.
#include "guest.h"

enum { SYS_WRITE = 64 };
enum { UART = 0x10000000, UART_LSR = 5, LSR_THR_EMPTY = 0x20 };
enum { FINISHER = 0x100000, FINISHER_PASS = 0x5555, FINISHER_FAIL = 0x3333 };

extern volatile u64 tohost, fromhost;

static int use_uart;
static struct spin console_lock;
static volatile u64 call[8] LINE_ALIGNED;

void console_use_uart(void) { use_uart = 1; }

static void uart_write(const char *bytes, u64 n)
{
	volatile u8 *uart = (volatile u8 *)UART;
	for (; n; n--, bytes++) {
		while (!(uart[UART_LSR] & LSR_THR_EMPTY))
			;
		uart[0] = *bytes;
	}
}

// The host reads the call's words and the bytes when it sees tohost, so they must be
// in memory before; it answers in fromhost, which we hand back as zero.
static void htif_write(const char *bytes, u64 n)
{
	call[0] = SYS_WRITE;
	call[1] = 1;
	call[2] = (u64)bytes;
	call[3] = n;
	fence(rw, rw);
	tohost = (u64)call;
	while (!fromhost)
		pause();
	fromhost = 0;
	fence(rw, rw);
}

void console_write(const char *bytes, u64 n)
{
	spin_lock(&console_lock);
	if (use_uart)
		uart_write(bytes, n);
	else
		htif_write(bytes, n);
	spin_unlock(&console_lock);
}

void machine_exit(u64 code)
{
	fence(rw, rw);
	if (use_uart)
		*(volatile u32 *)FINISHER = code ? (u32)code << 16 | FINISHER_FAIL : FINISHER_PASS;
	for (;;)
		tohost = code << 1 | 1;
}
