#include "guest.h"

enum { BUFFER = 256 };

struct out {
	char b[BUFFER];
	u64 n;
};

static void put(struct out *o, char c)
{
	if (o->n < BUFFER)
		o->b[o->n++] = c;
}

static void put_number(struct out *o, u64 v, unsigned base, int width, char pad, int minus)
{
	char d[24];
	int n = 0;
	do
		d[n++] = "0123456789abcdef"[v % base];
	while ((v /= base));
	if (minus)
		d[n++] = '-';
	for (; width > n; width--)
		put(o, pad);
	while (n)
		put(o, d[--n]);
}

void print(const char *f, ...)
{
	struct out o;
	__builtin_va_list args;
	__builtin_va_start(args, f);
	o.n = 0;
	for (; *f; f++) {
		if (*f != '%') {
			put(&o, *f);
			continue;
		}
		char pad = *++f == '0' ? '0' : ' ';
		int width = 0;
		for (; *f >= '0' && *f <= '9'; f++)
			width = width * 10 + *f - '0';
		if (*f == 'd') {
			i64 v = __builtin_va_arg(args, i64);
			put_number(&o, v < 0 ? -(u64)v : (u64)v, 10, width, pad, v < 0);
		} else if (*f == 'u') {
			put_number(&o, __builtin_va_arg(args, u64), 10, width, pad, 0);
		} else if (*f == 'x') {
			put_number(&o, __builtin_va_arg(args, u64), 16, width, pad, 0);
		} else if (*f == 'c') {
			put(&o, (char)__builtin_va_arg(args, int));
		} else if (*f == 's') {
			const char *s = __builtin_va_arg(args, const char *);
			for (; *s; s++, width--)
				put(&o, *s);
			for (; width > 0; width--)
				put(&o, ' ');
		} else {
			put(&o, *f);
		}
	}
	__builtin_va_end(args);
	console_write(o.b, o.n);
}

int check(int ok, const char *what)
{
	print("%s: %s\n", what, ok ? "ok" : "WRONG");
	return !ok;
}

// The compiler may call these two for structures and arrays.
void *memset(void *p, int c, u64 n)
{
	for (u8 *d = p; n; n--)
		*d++ = c;
	return p;
}

void *memcpy(void *to, const void *from, u64 n)
{
	u8 *d = to;
	for (const u8 *s = from; n; n--)
		*d++ = *s++;
	return to;
}
