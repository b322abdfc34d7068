// fault-illegal: words that are no instruction, and CSRs that are none or may not be written.
// Each must trap with cause 2, and mtval must be zero or the instruction. Then the
// same trap 10,000 times.
#include "guest.h"

static u32 code[4] LINE_ALIGNED;
static u64 cause, tval, count;

static void caught(struct trap_frame *f)
{
	cause = f->cause;
	tval = f->tval;
	count++;
	f->x[0] = f->x[1]; // return to the caller of the code
}

static const u32 words[] = {
	0x00000000, // all zeros, defined as illegal
	0xffffffff, // all ones, likewise
	0x0000100b, // custom-0
	0xfe007033, // OP, unused funct7
	0x00002063, // BRANCH, funct3 2
	0x00007003, // LOAD, funct3 7
	0x00007023, // STORE, funct3 7
	0x1010302f, // lr.d with an rs2
	0x9800302f, // AMO, unused funct5
	0x6e000053, // OP-FP, unused funct7
	0x00005053, // fadd.s, rounding mode 5
	0xfff01073, // csrw to CSR 0xfff, which is none
	0xf1401073, // csrw to mhartid, which is read-only
	0xc0001073, // csrw to cycle, which is read-only
	0x105000f3, // wfi with an rd
	0x7b200073, // dret outside debug mode
	0x8002, // c.jr x0
	0x6101, // c.addi16sp 0
	0x4002, // c.lwsp to x0
	0x2001, // c.addiw to x0
	0x9c00, // quadrant 0, reserved also with Zcb
};

int main(unsigned hart, unsigned harts)
{
	(void)harts;
	if (hart)
		return 0;
	on_trap = caught;
	int wrong = 0;
	for (u64 i = 0; i < sizeof words / sizeof *words; i++) {
		u32 w = words[i];
		code[0] = w;
		code[1] = code[2] = 0x00008067; // ret
		__asm__ volatile("fence.i" ::: "memory");
		cause = 0;
		((void (*)(void))code)();
		u64 bits = (w & 3) == 3 ? w : w & 0xffff;
		int ok = cause == 2 && (tval == 0 || tval == bits);
		print("%08x: %s\n", (u64)w, ok ? "illegal" : "WRONG");
		if (!ok)
			print("  cause %u tval %x\n", cause, tval);
		wrong |= !ok;
	}
	code[0] = 0;
	__asm__ volatile("fence.i" ::: "memory");
	count = 0;
	for (int i = 0; i < 10000; i++)
		((void (*)(void))code)();
	print("%u traps\n", count);
	return wrong;
}
