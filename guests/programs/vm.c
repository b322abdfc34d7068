// vm: S-mode and U-mode under Sv39, Sv48 and Sv57: permissions, superpages, stale
// translations with and without sfence.vma, ASIDs, A and D bits by software (Svade) and by
// hardware (Svadu), Svnapot, Svpbmt, Svinval. Hart 0 alone runs it. What an implementation may
// do either way (use a stale entry) is a measurement.
#include "guest.h"

enum { V = 1, R = 2, W = 4, X = 8, U = 16, G = 32, A = 64, D = 128 };
enum { RW = V | R | W | A | D, RX = V | R | X | A, RO = V | R | A };
#define NAPOT (1ul << 63)
#define PBMT_NC (1ul << 61)
#define ADUE (1ul << 61)
#define PBMTE (1ul << 62)
enum { FETCH_FAULT = 12, LOAD_FAULT = 13, STORE_FAULT = 15, USER_CALL = 8, ILLEGAL = 2 };
enum { CALL_ENVCFG, CALL_DONE, CALL_TRAP = 9 };
enum { SUM = 1 << 18, MXR = 1 << 19 };
enum { PAGE = 4096 };
#define MEGA (2ul << 20)

// The tested addresses: 4 KiB pages, a 2 MiB page, one with a bad frame, NAPOT, user pages.
#define TEST 0x40000000ul
#define LARGE (TEST + MEGA)
#define BAD_LARGE (TEST + 2 * MEGA)
#define CONTIGUOUS (TEST + 3 * MEGA)
#define USER (TEST + 4 * MEGA)

u64 enter_s(void (*)(void));
u64 call_m(u64 number, u64 a, u64 b);
u64 run_user(u64 pc, u64 argument);
u64 probe_load(u64 address, u64 *value);
u64 probe_store(u64 address, u64 *value);
u64 probe_fetch(u64 address);
u64 probe_sinval(u64 address);
void s_entry(void);
void m_return(void);
extern u8 user_code[], user_store[], user_load[], user_csr[];
extern volatile u64 fault_address, user_result;

static u64 root57[512] PAGE_ALIGNED, root48[512] PAGE_ALIGNED;
// Two address spaces that differ in their 4 KiB pages.
static struct space {
	u64 root[512], middle[512], pages[512];
} first PAGE_ALIGNED, second PAGE_ALIGNED;
static u64 contiguous[512] PAGE_ALIGNED, user_pages[512] PAGE_ALIGNED;
static u64 frame[6][512] PAGE_ALIGNED;
static u64 block[16][512] __attribute__((aligned(65536)));

static u64 mode; // of satp: 8, 9, 10
static int wrong;

static u64 pte(const void *to, u64 bits) { return (u64)to >> 12 << 10 | bits; }

static void flush(void) { __asm__ volatile("sfence.vma" ::: "memory"); }
static void flush_page(u64 va) { __asm__ volatile("sfence.vma %0, zero" ::"r"(va) : "memory"); }
static void flush_asid(u64 asid) { __asm__ volatile("sfence.vma zero, %0" ::"r"(asid) : "memory"); }

static void map(u64 page, u64 entry)
{
	*(volatile u64 *)&first.pages[page] = entry;
	flush_page(TEST + page * PAGE);
}

static void verdict(int ok, const char *what)
{
	print("Sv%u ", mode == 8 ? 39ul : mode == 9 ? 48ul : 57ul);
	wrong |= check(ok, what);
}

static u64 value_at(u64 va)
{
	u64 v = 0, fault = probe_load(va, &v);
	return fault ? fault : v; // the frames' values are above any cause
}

static void build(struct space *s, void *page0)
{
	s->root[0] = pte(0, RW);
	s->root[1] = pte(s->middle, V);
	s->root[2] = pte((void *)0x80000000, RW | X);
	s->middle[0] = pte(s->pages, V);
	s->middle[1] = pte((void *)0x80000000, RO);
	s->middle[2] = pte((void *)0x80001000, RO); // not aligned to 2 MiB
	s->middle[3] = pte(contiguous, V);
	s->middle[4] = pte(user_pages, V);
	s->pages[0] = pte(page0, RW);
}

static u64 satp_of(struct space *s, u64 asid)
{
	u64 *top = s->root;
	if (mode >= 9) {
		root48[0] = pte(top, V);
		top = root48;
	}
	if (mode == 10) {
		root57[0] = pte(top, V);
		top = root57;
	}
	return mode << 60 | asid << 44 | (u64)top >> 12;
}

static void aliases(void)
{
	u64 v = 4242;
	map(0, pte(frame[0], RW));
	map(1, pte(frame[0], RW));
	int ok = probe_store(TEST + 8, &v) == 0 && value_at(TEST + PAGE + 8) == v && frame[0][1] == v;
	verdict(ok, "two addresses of one page");
}

static void permissions(void)
{
	u64 v = 0, ok = 1;
	map(0, pte(frame[0], RO));
	ok &= probe_store(TEST + 16, &v) == STORE_FAULT && fault_address == TEST + 16;
	verdict(ok, "store to a read-only page");
	ok = probe_fetch(TEST) == FETCH_FAULT && fault_address == TEST;
	verdict(ok, "fetch from a page without X");
	map(0, pte(frame[0], V | X | A));
	ok = probe_load(TEST, &v) == LOAD_FAULT;
	csr_set(sstatus, MXR);
	ok &= probe_load(TEST, &v) == 0;
	csr_clear(sstatus, MXR);
	verdict(ok, "load from an X page, with and without MXR");
	map(0, pte(frame[0], V | W | A | D));
	ok = probe_load(TEST, &v) == LOAD_FAULT && probe_store(TEST, &v) == STORE_FAULT;
	verdict(ok, "W without R is reserved");
	map(0, pte(frame[0], RW | U));
	ok = probe_load(TEST, &v) == LOAD_FAULT;
	csr_set(sstatus, SUM);
	ok &= probe_load(TEST, &v) == 0;
	csr_clear(sstatus, SUM);
	verdict(ok, "user page, with and without SUM");
	map(0, 0);
	ok = probe_load(TEST, &v) == LOAD_FAULT && probe_load(1ul << 63, &v) == LOAD_FAULT &&
	     fault_address == 1ul << 63;
	verdict(ok, "invalid entry, non-canonical address");
}

static void superpages(void)
{
	u64 v;
	verdict(value_at(LARGE + 0x100) == *(u64 *)0x80000100, "2 MiB page");
	verdict(probe_load(BAD_LARGE, &v) == LOAD_FAULT, "misaligned 2 MiB page");
}

static void crossing(void)
{
	u64 v = 0x1122334455667788;
	map(4, pte(frame[4], RW));
	map(5, pte(frame[2], RW));
	u64 edge = TEST + 5 * PAGE;
	int ok = probe_store(edge - 4, &v) == 0 && frame[4][511] >> 32 == 0x55667788 &&
		 (u32)frame[2][0] == 0x11223344;
	ok &= value_at(edge - 4) == v;
	verdict(ok, "access across two pages");
	map(5, 0);
	ok = probe_store(edge - 4, &v) == STORE_FAULT && fault_address == edge;
	ok &= probe_load(edge - 2, &v) == LOAD_FAULT && fault_address == edge;
	verdict(ok, "second page missing");
	frame[4][511] = frame[4][0], frame[2][0] = 1002;
}

static void staleness(void)
{
	map(0, pte(frame[0], RW));
	value_at(TEST);
	*(volatile u64 *)first.pages = pte(frame[1], RW);
	u64 before = value_at(TEST);
	flush_page(TEST);
	u64 after = value_at(TEST);
	print("  before sfence.vma the %s page is read\n", before == 1000 ? "old" : "new");
	verdict((before == 1000 || before == 1001) && after == 1001, "remapped page after sfence.vma");
	*(volatile u64 *)first.pages = 0;
	before = value_at(TEST);
	flush();
	after = value_at(TEST);
	print("  before sfence.vma an unmapped page is %s\n", before == 1001 ? "readable" : "gone");
	verdict((before == 1001 || before == LOAD_FAULT) && after == LOAD_FAULT, "unmapped page after sfence.vma");
	*(volatile u64 *)first.pages = pte(frame[2], RW);
	before = value_at(TEST);
	u64 cause = probe_sinval(TEST);
	if (cause == ILLEGAL)
		flush();
	print("  before any fence a mapped page is %s\n", before == 1002 ? "readable" : "not yet there");
	verdict(value_at(TEST) == 1002, cause ? "mapped page after sfence.vma" : "mapped page after sinval.vma");
}

static void asids(void)
{
	csr_write(satp, satp_of(&first, 0xffff));
	u64 widest = csr_read(satp) >> 44 & 0xffff;
	csr_write(satp, satp_of(&first, 0));
	flush();
	if (widest < 2 || mode != 8) { // the upper tables of the others are shared
		if (mode == 8)
			print("Sv39 ASIDs: absent\n");
		return;
	}
	map(0, pte(frame[0], RW));
	second.pages[0] = pte(frame[1], RW);
	flush();
	u64 seen = 0;
	for (int i = 0; i < 4; i++) {
		csr_write(satp, satp_of(&first, 1));
		seen += value_at(TEST) == 1000;
		csr_write(satp, satp_of(&second, 2));
		seen += value_at(TEST) == 1001;
	}
	verdict(seen == 8, "ASIDs keep two spaces apart");
	second.pages[0] = pte(frame[3], RW);
	*(volatile u64 *)first.pages = pte(frame[2], RW);
	flush_asid(1);
	u64 other = value_at(TEST);
	csr_write(satp, satp_of(&first, 1));
	int ok = value_at(TEST) == 1002 && (other == 1001 || other == 1003);
	verdict(ok, "sfence.vma of one ASID");
	print("  the other ASID then reads the %s page\n", other == 1001 ? "old" : "new");
	csr_write(satp, satp_of(&first, 0));
	flush();
}

static void accessed_and_dirty(void)
{
	u64 v = 5, bare = pte(frame[3], V | R | W);
	call_m(CALL_ENVCFG, ADUE, 0);
	map(3, bare);
	u64 load = probe_load(TEST + 3 * PAGE, &v);
	map(3, bare | A);
	u64 store = probe_store(TEST + 3 * PAGE + 8, &v);
	if (load == 0 && store == 0) {
		print("Sv%u Svade: absent\n", mode == 8 ? 39ul : mode == 9 ? 48ul : 57ul);
	} else {
		int untouched = first.pages[3] == (bare | A);
		verdict(load == LOAD_FAULT && store == STORE_FAULT && untouched, "Svade: A=0 and D=0 fault");
	}
	if (!(call_m(CALL_ENVCFG, ADUE, ADUE) & ADUE)) {
		print("Sv%u Svadu: absent\n", mode == 8 ? 39ul : mode == 9 ? 48ul : 57ul);
		return;
	}
	volatile u64 *entry = &first.pages[3];
	map(3, bare);
	flush();
	load = probe_load(TEST + 3 * PAGE, &v);
	u64 after_load = *entry;
	store = probe_store(TEST + 3 * PAGE + 8, &v);
	u64 after_store = *entry;
	verdict(!load && !store && (after_load & A) && !(after_load & D) && after_store == (bare | A | D),
		"Svadu: load sets A, store sets D");
	call_m(CALL_ENVCFG, ADUE, 0);
	flush();
}

static void contiguous_pages(void)
{
	for (int i = 0; i < 16; i++) {
		block[i][0] = 2000 + i;
		contiguous[i] = pte(block, RW | NAPOT) | 8ul << 10;
	}
	flush();
	u64 seen = 0;
	for (u64 i = 0; i < 16; i++)
		seen += value_at(CONTIGUOUS + i * PAGE) == 2000 + i;
	if (value_at(CONTIGUOUS) == LOAD_FAULT)
		print("Sv%u Svnapot: absent\n", mode == 8 ? 39ul : mode == 9 ? 48ul : 57ul);
	else
		verdict(seen == 16, "Svnapot: 64 KiB in one entry");
	for (int i = 0; i < 16; i++)
		contiguous[i] = pte(block, RW | NAPOT) | 4ul << 10; // reserved
	flush();
	verdict(value_at(CONTIGUOUS) == LOAD_FAULT, "NAPOT of another size is reserved");
}

static void memory_types(void)
{
	call_m(CALL_ENVCFG, PBMTE, 0);
	map(0, pte(frame[1], RW | PBMT_NC));
	verdict(value_at(TEST) == LOAD_FAULT, "PBMT bits without PBMTE are reserved");
	if (call_m(CALL_ENVCFG, PBMTE, PBMTE) & PBMTE) {
		flush();
		verdict(value_at(TEST) == 1001, "Svpbmt: non-cacheable page");
	} else {
		print("Sv%u Svpbmt: absent\n", mode == 8 ? 39ul : mode == 9 ? 48ul : 57ul);
	}
	call_m(CALL_ENVCFG, PBMTE, 0);
	map(0, 0);
}

static void user_mode(void)
{
	user_pages[0] = pte(user_code, RX | U);
	user_pages[1] = pte(frame[5], RW | U);
	user_pages[2] = pte(frame[1], RW);
	flush();
	u64 cause = run_user(USER + (user_store - user_code), USER + PAGE + 24);
	verdict(cause == USER_CALL && user_result == 78 && frame[5][3] == 77, "user code and its call");
	cause = run_user(USER + (user_load - user_code), USER + 2 * PAGE);
	verdict(cause == LOAD_FAULT && fault_address == USER + 2 * PAGE, "user load of a supervisor page");
	cause = run_user((u64)user_store, 0);
	verdict(cause == FETCH_FAULT, "user fetch from a supervisor page");
	verdict(run_user(USER + (user_csr - user_code), 0) == ILLEGAL, "user read of sstatus");
	csr_set(sstatus, SUM);
	verdict(probe_fetch(USER) == FETCH_FAULT, "supervisor never fetches from a user page");
	csr_clear(sstatus, SUM);
}

static void supervisor_main(void)
{
	csr_write(stvec, (u64)s_entry);
	for (mode = 8; mode <= 10; mode++) {
		for (int i = 0; i < 6; i++)
			frame[i][0] = 1000 + i;
		build(&first, frame[0]);
		build(&second, frame[1]);
		u64 satp_value = satp_of(&first, 0);
		csr_write(satp, satp_value);
		flush();
		if (csr_read(satp) != satp_value) {
			print("Sv%u: absent\n", mode == 9 ? 48ul : 57ul);
			continue;
		}
		aliases();
		permissions();
		superpages();
		crossing();
		staleness();
		asids();
		accessed_and_dirty();
		contiguous_pages();
		memory_types();
		user_mode();
		csr_write(satp, 0);
		flush();
	}
	call_m(CALL_DONE, wrong, 0);
}

// M-mode serves the three requests of S-mode.
static void machine_trap(struct trap_frame *f)
{
	if (f->cause != 9)
		trap_unexpected(f);
	f->x[0] += 4;
	switch (f->x[17]) {
	case CALL_ENVCFG:
		csr_clear(0x30a, f->x[10]);
		csr_set(0x30a, f->x[11]);
		f->x[10] = csr_read(0x30a);
		break;
	case CALL_DONE:
		f->x[0] = (u64)m_return;
		csr_set(mstatus, 0x1800);
		break;
	default:
		print("unexpected S-mode trap: cause %x epc %x tval %x\n", f->x[10], f->x[11], fault_address);
		machine_exit(2);
	}
}

int main(unsigned hart, unsigned harts)
{
	(void)harts;
	if (hart)
		return 0;
	on_trap = machine_trap;
	csr_write(pmpaddr0, ~0ul >> 10);
	csr_write(pmpcfg0, 0x1f); // NAPOT over everything, RWX
	csr_write(medeleg, 1 << FETCH_FAULT | 1 << LOAD_FAULT | 1 << STORE_FAULT | 1 << USER_CALL | 1 << ILLEGAL);
	return (int)enter_s(supervisor_main);
}
