// prodcons: a queue of 64 slots between each pair of harts (2k, 2k+1), one producer and one
// consumer, ordered by fences alone. The consumer checks every message. Patch
// `iterations` for another number of messages per pair.
#include "guest.h"

enum { SLOTS = 64 };

CONFIG(iterations, 50000);

static struct queue {
	struct padded head, tail; // written by the consumer, by the producer
	struct {
		u64 number, hash;
	} slot[SLOTS] LINE_ALIGNED;
} queues[MAX_HARTS / 2];

static struct padded bad, received;

static void produce(struct queue *q, u64 n)
{
	for (u64 i = 0; i < n; i++) {
		while (i - load(&q->head.v) == SLOTS)
			pause();
		fence(r, w); // the slot was read before we overwrite it
		q->slot[i % SLOTS].number = i;
		q->slot[i % SLOTS].hash = mix(i);
		fence(w, w); // the message before its announcement
		q->tail.v = i + 1;
	}
}

static void consume(struct queue *q, u64 n)
{
	u64 wrong = 0;
	for (u64 i = 0; i < n; i++) {
		while (load(&q->tail.v) == i)
			pause();
		fence(r, r);
		volatile u64 *s = &q->slot[i % SLOTS].number;
		wrong += s[0] != i || s[1] != mix(i);
		fence(r, w);
		q->head.v = i + 1;
	}
	amo_add(&bad.v, wrong);
	amo_add(&received.v, n);
}

int main(unsigned hart, unsigned harts)
{
	if (harts < 2) {
		print("prodcons: needs 2 harts\n");
		return 2;
	}
	u64 n = iterations;
	unsigned pairs = harts / 2;
	struct queue *q = &queues[hart / 2];
	sync_harts();
	struct stopwatch w = watch_start();
	if (hart / 2 < pairs)
		hart & 1 ? consume(q, n) : produce(q, n);
	sync_harts();
	if (hart)
		return 0;
	watch_print(w, "messages", hart);
	print("prodcons: %u pairs, %u messages\n", (u64)pairs, received.v);
	return check(received.v == n * pairs && bad.v == 0, "every message whole and in order");
}
