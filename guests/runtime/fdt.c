// What the guest needs of the flattened device tree (Devicetree Specification 0.4,
// chapter 5): how many cpu nodes, the UART's interrupt, and whether the board is
// QEMU's virt, which has no HTIF.
#include "guest.h"

enum { FDT_MAGIC = 0xd00dfeed };
enum { BEGIN_NODE = 1, END_NODE, PROP, NOP, END = 9 };
enum { OFF_STRUCT = 2, OFF_STRINGS = 3 }; // header words

unsigned hart_count = 1;
unsigned uart_irq = 10;

static u32 big_endian(const void *p)
{
	const u8 *b = p;
	return (u32)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
}

static int same(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return *a == *b;
}

// A compatible property is a list of strings, one after the other.
static int lists(const char *strings, u32 n, const char *wanted)
{
	for (u32 i = 0; i < n;) {
		if (same(strings + i, wanted))
			return 1;
		while (i < n && strings[i])
			i++;
		i++;
	}
	return 0;
}

void machine_probe(const void *fdt)
{
	const u32 *header = fdt;
	if (!fdt || big_endian(header) != FDT_MAGIC)
		return;
	const u8 *p = (const u8 *)fdt + big_endian(header + OFF_STRUCT);
	const char *strings = (const char *)fdt + big_endian(header + OFF_STRINGS);
	unsigned depth = 0, cpus = 0, irq = 0, is_uart = 0;
	for (;;) {
		u32 token = big_endian(p);
		p += 4;
		if (token == BEGIN_NODE) {
			while (*p++)
				;
			p += -(u64)p & 3;
			depth++;
			irq = is_uart = 0;
		} else if (token == END_NODE) {
			depth--;
		} else if (token == PROP) {
			u32 n = big_endian(p);
			const char *name = strings + big_endian(p + 4);
			p += 8;
			if (same(name, "device_type") && same((const char *)p, "cpu"))
				cpus++;
			if (same(name, "interrupts") && n == 4)
				irq = big_endian(p);
			if (same(name, "compatible")) {
				is_uart |= lists((const char *)p, n, "ns16550a");
				if (depth == 1 && lists((const char *)p, n, "riscv-virtio"))
					console_use_uart();
			}
			if (is_uart && irq)
				uart_irq = irq;
			p += (n + 3) & ~3u;
		} else if (token != NOP) {
			break;
		}
	}
	if (cpus)
		hart_count = cpus < MAX_HARTS ? cpus : MAX_HARTS;
}
