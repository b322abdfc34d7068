// fault-loop: mtvec points to nothing, so the first trap traps for ever. The run never ends
// by itself: a simulator must say so, and stop at its limit.
#include "guest.h"

int main(unsigned hart, unsigned harts)
{
	(void)harts;
	if (hart)
		return 0;
	print("trap loop\n");
	csr_write(mtvec, 0x100000000000);
	__asm__ volatile("ecall");
	return 0;
}
