// mcsim-marker executes a marker of mcsim's in a guest, from a shell:
//
//	mcsim-marker begin sort && sort big > sorted; mcsim-marker end sort
//	mcsim-marker stop
//
// It is a static program for Linux on riscv64, without a C library; on hardware and in
// other simulators the instruction does nothing.
#include "mcsim.h"

static const char usage[] =
	"usage: mcsim-marker point|begin|end|dump|checkpoint NAME\n"
	"       mcsim-marker reset|stop\n"
	"NAME has up to eight characters.\n";

static long call(long number, long a, long b, long c)
{
	register long a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c, a7 __asm__("a7") = number;
	__asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
	return a0;
}

static __attribute__((noreturn)) void leave(int code)
{
	for (;;)
		call(93, code, 0, 0); // exit
}

static int same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

// mark executes the marker of that name with a value; it gives 0 if there is none.
static int mark(const char *what, const char *name)
{
	if (same(what, "point"))
		mcsim_point(name);
	else if (same(what, "begin"))
		mcsim_begin(name);
	else if (same(what, "end"))
		mcsim_end(name);
	else if (same(what, "dump"))
		mcsim_dump(name);
	else if (same(what, "checkpoint"))
		mcsim_checkpoint(name);
	else
		return 0;
	return 1;
}

// start is what _start calls with the stack that the kernel made: argc, argv.
__attribute__((used, noreturn)) void start(long *stack)
{
	long argc = *stack;
	char **argv = (char **)(stack + 1);
	int n = 0;
	if (argc == 3) {
		while (argv[2][n])
			n++;
		if (n >= 1 && n <= 8 && mark(argv[1], argv[2]))
			leave(0);
	} else if (argc == 2 && same(argv[1], "reset")) {
		mcsim_reset();
		leave(0);
	} else if (argc == 2 && same(argv[1], "stop")) {
		mcsim_stop();
		leave(0);
	}
	call(64, 2, (long)usage, sizeof usage - 1); // write
	leave(2);
}

__asm__(".globl _start\n_start:\n\tmv a0, sp\n\tandi sp, sp, -16\n\tj start\n");
