/* Four threads that share memory in the usual ways: a table that all read,
 * counters of their own side by side in one line, a total under a mutex, and a
 * ring from one thread to another. */
#include <pthread.h>
#include <stdio.h>

enum { THREADS = 4, STEPS = 300, RING = 16 };

static unsigned table[256];
static unsigned counters[THREADS] __attribute__((aligned(64)));
static struct { pthread_mutex_t lock; unsigned long sum; } total __attribute__((aligned(64))) = { PTHREAD_MUTEX_INITIALIZER, 0 };
static struct { unsigned slot[RING]; unsigned head, tail; } ring __attribute__((aligned(64)));

static void *work(void *arg)
{
	int me = (int)(long)arg;
	for (int i = 0; i < STEPS; i++) {
		unsigned v = table[(i * 7 + me * 31) & 255];
		counters[me] += v;
		if (i % 8 == 0) {
			pthread_mutex_lock(&total.lock);
			total.sum += v;
			pthread_mutex_unlock(&total.lock);
		}
		if (me == 0) {
			unsigned head = ring.head;
			if (head - __atomic_load_n(&ring.tail, __ATOMIC_ACQUIRE) < RING) {
				ring.slot[head % RING] = v;
				__atomic_store_n(&ring.head, head + 1, __ATOMIC_RELEASE);
			}
		} else if (me == 1) {
			unsigned tail = ring.tail;
			if (__atomic_load_n(&ring.head, __ATOMIC_ACQUIRE) != tail) {
				counters[me] += ring.slot[tail % RING];
				__atomic_store_n(&ring.tail, tail + 1, __ATOMIC_RELEASE);
			}
		}
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	for (int i = 0; i < 256; i++)
		table[i] = i * i;
	for (long i = 1; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	work((void *)0);
	for (int i = 1; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%lu\n", total.sum);
	return 0;
}
