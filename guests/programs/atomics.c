// atomics: all harts add to words of one line, with amoadd of 64 and 32 bits, and take part in
// amomax, amoxor and amoswap on the same line. Nothing may get lost. Patch `iterations` for
// another number of additions per hart.
#include "guest.h"

CONFIG(iterations, 50000);

static struct {
	volatile u64 sum;
	volatile u32 low, high;
	volatile u64 max, parity, token;
} line LINE_ALIGNED;

static struct padded tokens; // sum of the tokens that the harts hold at the end

int main(unsigned hart, unsigned harts)
{
	u64 n = iterations, held = hart + 1;
	sync_harts();
	struct stopwatch w = watch_start();
	for (u64 i = 0; i < n; i++)
		amo_add(&line.sum, hart + 1);
	sync_harts();
	if (hart == 0)
		watch_print(w, "amoadd.d on one line", hart);
	for (u64 i = 0; i < n / 8; i++) {
		__atomic_fetch_add(&line.low, 1, __ATOMIC_RELAXED);
		__atomic_fetch_sub(&line.high, 1, __ATOMIC_RELAXED);
		u64 candidate = mix(i * 64 + hart) >> 1, old;
		__asm__ volatile("amomaxu.d %0, %2, (%1)" : "=r"(old) : "r"(&line.max), "r"(candidate) : "memory");
		__atomic_fetch_xor(&line.parity, mix(hart) ^ mix(i), __ATOMIC_RELAXED);
		held = __atomic_exchange_n(&line.token, held, __ATOMIC_RELAXED);
	}
	amo_add(&tokens.v, held);
	sync_harts();
	if (hart)
		return 0;

	u64 max = 0, parity = 0;
	for (u64 i = 0; i < n / 8; i++)
		for (u64 h = 0; h < harts; h++) {
			u64 v = mix(i * 64 + h) >> 1;
			max = v > max ? v : max;
			parity ^= mix(h) ^ mix(i);
		}
	u64 ids = (u64)harts * (harts + 1) / 2;
	print("atomics: %u harts, sum %u\n", (u64)harts, line.sum);
	return check(line.sum == n * ids, "amoadd.d") |
	       check(line.low == (u32)(n / 8 * harts), "amoadd.w") |
	       check(line.high == (u32) - (n / 8 * harts), "amoadd.w negative, neighbour untouched") |
	       check(line.max == max, "amomaxu.d") |
	       check(line.parity == parity, "amoxor.d") |
	       check(tokens.v + line.token == ids, "amoswap.d");
}
