// intloop: integer arithmetic and branches in a small loop, no data memory. Patch
// `iterations` for another length.
#include "guest.h"

CONFIG(iterations, 32000000);

int main(unsigned hart, unsigned harts)
{
	(void)harts;
	if (hart)
		return 0;
	struct stopwatch w = watch_start();
	u64 a = 1, b = 0x123456789abcdef, odd = 0;
	for (u64 n = iterations; n; n--) {
		a += b ^ n;
		b = (b << 7 | b >> 57) + a;
		if (b & 1)
			odd++;
		else
			a ^= b >> 3;
	}
	print("intloop: iterations %u checksum %x odd %u\n", iterations, a ^ b, odd);
	watch_print(w, "loop", hart);
	return 0;
}
