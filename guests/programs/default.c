// default: the experiment that mcsim runs when it is given none. All harts fill an array
// with keys, count them in a shared histogram, sort them in tasks from a locked queue, merge
// the sorted chunks in pieces, and count on packed and on padded words. The result checks
// itself and is the same for every number of harts; cycles show what sharing costs.
#include "guest.h"

enum { KEYS = 1 << 17, CHUNK = 1 << 11, PIECE = 1 << 12, BINS = 256, STEPS = 40000 };

enum { FILL, HISTOGRAM, SORT, MERGE, PACKED, PADDED, PHASES };
static const char *const phase_names[PHASES] = {
	"fill", "histogram", "sort", "merge", "packed counters", "padded counters",
};

static u32 buffers[2][KEYS] BIG;
static u32 bins[BINS] LINE_ALIGNED;
static volatile u64 packed[MAX_HARTS] LINE_ALIGNED;
static struct padded padded[MAX_HARTS];

// A queue of task numbers behind a lock, as a simple run-time system would have it.
static struct {
	struct spin lock;
	u64 next;
} queue;

static struct {
	u64 phase[PHASES], instructions, tasks;
} log[MAX_HARTS] LINE_ALIGNED;

static int take(u64 tasks, u64 *task)
{
	spin_lock(&queue.lock);
	u64 t = queue.next;
	if (t < tasks)
		queue.next++;
	spin_unlock(&queue.lock);
	*task = t;
	return t < tasks;
}

static void quicksort(u32 *a, i64 n)
{
	while (n > 12) {
		u32 pivot = a[n / 2], t;
		i64 i = 0, j = n - 1;
		while (i <= j) {
			while (a[i] < pivot)
				i++;
			while (a[j] > pivot)
				j--;
			if (i <= j) {
				t = a[i];
				a[i++] = a[j];
				a[j--] = t;
			}
		}
		if (j + 1 < n - i) { // recurse into the smaller part
			quicksort(a, j + 1);
			a += i;
			n -= i;
		} else {
			quicksort(a + i, n - i);
			n = j + 1;
		}
	}
	for (i64 i = 1; i < n; i++) {
		u32 x = a[i];
		i64 j = i;
		for (; j > 0 && a[j - 1] > x; j--)
			a[j] = a[j - 1];
		a[j] = x;
	}
}

// rank is how many of the first k elements of merge(a, b), each of n elements, are a's.
static u64 rank(const u32 *a, const u32 *b, u64 n, u64 k)
{
	u64 low = k > n ? k - n : 0, high = k < n ? k : n;
	while (low < high) {
		u64 mid = (low + high) / 2;
		if (a[mid] <= b[k - mid - 1])
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

// merge_piece writes elements [at, at+PIECE) of the result whose runs are n long.
static void merge_piece(const u32 *from, u32 *to, u64 n, u64 at)
{
	u64 base = at & ~(2 * n - 1), k = at - base;
	const u32 *a = from + base, *b = a + n;
	u64 i = rank(a, b, n, k), j = k - i;
	for (u64 end = k + PIECE; k < end; k++)
		to[base + k] = j >= n || (i < n && a[i] <= b[j]) ? a[i++] : b[j++];
}

static u64 phase_end(unsigned hart, int phase, u64 since)
{
	sync_harts();
	log[hart].phase[phase] = cycles() - since;
	return cycles();
}

static u32 *sort_and_merge(unsigned hart, u64 *now)
{
	u64 task;
	while (take(KEYS / CHUNK, &task)) {
		quicksort(buffers[0] + task * CHUNK, CHUNK);
		log[hart].tasks++;
	}
	*now = phase_end(hart, SORT, *now);
	int from = 0;
	for (u64 run = CHUNK; run < KEYS; run *= 2, from ^= 1) {
		if (hart == 0)
			queue.next = 0;
		sync_harts();
		while (take(KEYS / PIECE, &task)) {
			merge_piece(buffers[from], buffers[!from], run, task * PIECE);
			log[hart].tasks++;
		}
		sync_harts();
	}
	*now = phase_end(hart, MERGE, *now);
	return buffers[from];
}

static int report(const u32 *sorted, unsigned harts)
{
	u64 order = 1, sum = 0, expected = 0, counted = 0, steps = 0;
	u32 seen[BINS] = {0};
	for (u64 i = 0; i < KEYS; i++) {
		order &= i == 0 || sorted[i - 1] <= sorted[i];
		sum += mix(sorted[i]);
		expected += mix((u32)mix(i));
		seen[sorted[i] >> 24]++;
	}
	for (unsigned i = 0; i < BINS; i++)
		counted += seen[i] == bins[i];
	for (unsigned h = 0; h < harts; h++)
		steps += (packed[h] == STEPS) + (padded[h].v == STEPS);

	int wrong = 0;
	print("%u harts sorted %u keys\n", (u64)harts, (u64)KEYS);
	wrong |= check(order && sum == expected, "sorted, and every key still there");
	wrong |= check(counted == BINS, "shared histogram");
	wrong |= check(steps == 2 * harts, "counters");
	print("checksum %x\n\n", sum);
	for (int p = 0; p < PHASES; p++)
		print("  %16s %10u cycles\n", phase_names[p], log[0].phase[p]);
	print("\n");
	for (unsigned h = 0; h < harts; h++)
		print("  hart %2u: %10u instructions, %4u tasks\n", (u64)h, log[h].instructions, log[h].tasks);
	return wrong;
}

int main(unsigned hart, unsigned harts)
{
	u64 from, to, start = instructions();
	sync_harts();
	u64 now = cycles();

	share(KEYS, hart, harts, &from, &to);
	for (u64 i = from; i < to; i++)
		buffers[0][i] = (u32)mix(i);
	now = phase_end(hart, FILL, now);

	for (u64 i = from; i < to; i++)
		__atomic_fetch_add(&bins[buffers[0][i] >> 24], 1, __ATOMIC_RELAXED);
	now = phase_end(hart, HISTOGRAM, now);

	u32 *sorted = sort_and_merge(hart, &now);

	for (u64 i = 0; i < STEPS; i++)
		packed[hart]++;
	now = phase_end(hart, PACKED, now);
	for (u64 i = 0; i < STEPS; i++)
		padded[hart].v++;
	now = phase_end(hart, PADDED, now);

	log[hart].instructions = instructions() - start;
	sync_harts();
	return hart == 0 ? report(sorted, harts) : 0;
}
