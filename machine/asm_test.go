package machine_test

// A tiny assembler for directed programs: each function is one instruction.
// Registers are numbers, immediates are in range.

func rType(op, f3, f7 uint32, rd, rs1, rs2 uint32) uint32 {
	return op | rd<<7 | f3<<12 | rs1<<15 | rs2<<20 | f7<<25
}

func iType(op, f3 uint32, rd, rs1 uint32, imm int) uint32 {
	return op | rd<<7 | f3<<12 | rs1<<15 | uint32(imm)<<20
}

func sType(op, f3 uint32, rs2, rs1 uint32, imm int) uint32 {
	u := uint32(imm)
	return op | u&31<<7 | f3<<12 | rs1<<15 | rs2<<20 | u>>5<<25
}

func addi(rd, rs1 uint32, imm int) uint32   { return iType(0x13, 0, rd, rs1, imm) }
func slli(rd, rs1 uint32, n int) uint32     { return iType(0x13, 1, rd, rs1, n) }
func add(rd, rs1, rs2 uint32) uint32        { return rType(0x33, 0, 0, rd, rs1, rs2) }
func lui(rd, v uint32) uint32               { return 0x37 | rd<<7 | v<<12 }
func auipc(rd, v uint32) uint32             { return 0x17 | rd<<7 | v<<12 }
func load(f3, rd, rs1 uint32, o int) uint32 { return iType(0x03, f3, rd, rs1, o) }
func store(f3, rs2, rs1 uint32, o int) uint32 {
	return sType(0x23, f3, rs2, rs1, o)
}
func ld(rd, rs1 uint32, o int) uint32   { return load(3, rd, rs1, o) }
func sd(rs2, rs1 uint32, o int) uint32  { return store(3, rs2, rs1, o) }
func lr(rd, rs1 uint32) uint32          { return rType(0x2f, 3, 2<<2, rd, rs1, 0) }
func sc(rd, rs1, rs2 uint32) uint32     { return rType(0x2f, 3, 3<<2, rd, rs1, rs2) }
func amoadd(rd, rs1, rs2 uint32) uint32 { return rType(0x2f, 3, 0, rd, rs1, rs2) }
func csrw(csr int, rs1 uint32) uint32   { return iType(0x73, 1, 0, rs1, csr) }
func csrr(rd uint32, csr int) uint32    { return iType(0x73, 2, rd, 0, csr) }
func fence(pred, succ int) uint32       { return iType(0x0f, 0, 0, 0, pred<<4|succ) }
func jalr(rd, rs1 uint32, o int) uint32 { return iType(0x67, 0, rd, rs1, o) }

// branch is beq (f3 0), bne (1), blt (4) or bge (5) over o bytes.
func branch(f3, rs1, rs2 uint32, o int) uint32 {
	u := uint32(o)
	return 0x63 | u>>11&1<<7 | u>>1&15<<8 | f3<<12 | rs1<<15 | rs2<<20 | u>>5&63<<25 | u>>12&1<<31
}

func bne(rs1, rs2 uint32, o int) uint32 { return branch(1, rs1, rs2, o) }
func beq(rs1, rs2 uint32, o int) uint32 { return branch(0, rs1, rs2, o) }

const (
	wfi        = 0x10500073
	spin       = 0x0000006f // j .
	mhartid    = 0xf14
	mtvec      = 0x305
	fenceRW    = 3
	zero       = 0
	t0, t1, t2 = 5, 6, 7
	s0, s1     = 8, 9
	a0, a1, a2 = 10, 11, 12
	a3, a4, a5 = 13, 14, 15
)

// powerOff writes the finisher: the run ends with exit code 0.
func powerOff() []uint32 {
	return []uint32{lui(t0, 0x100), lui(t1, 5), addi(t1, t1, 0x555), store(2, t1, t0, 0), spin}
}

const (
	mret          = 0x30200073
	sret          = 0x10200073
	ecall         = 0x00000073
	ebreak        = 0x00100073
	nop           = 0x00000013
	fenceI        = 0x0000100f
	mstatus, mie  = 0x300, 0x304
	medeleg, mepc = 0x302, 0x341
	stvec, sepc   = 0x105, 0x141
	mcauseCSR     = 0x342
	pmpaddr0      = 0x3b0
	pmpcfg0       = 0x3a0
	sp            = 2
)

// program is code with labels: what is in between is put together as it comes.
type program struct {
	code []uint32
	at   map[string]int
	fix  []func()
}

func newProgram() *program { return &program{at: map[string]int{}} }

func (p *program) add(code ...uint32) *program {
	p.code = append(p.code, code...)
	return p
}

func (p *program) label(name string) *program {
	p.at[name] = 4 * len(p.code)
	return p
}

// to adds an instruction that depends on how far away a label is.
func (p *program) to(name string, with func(o int) uint32) *program {
	i := len(p.code)
	p.code = append(p.code, 0)
	p.fix = append(p.fix, func() { p.code[i] = with(p.at[name] - 4*i) })
	return p
}

// la loads a label's address.
func (p *program) la(rd uint32, name string) *program {
	i := len(p.code)
	p.code = append(p.code, auipc(rd, 0), 0)
	p.fix = append(p.fix, func() { p.code[i+1] = addi(rd, rd, p.at[name]-4*i) })
	return p
}

func (p *program) j(name string) *program {
	return p.to(name, func(o int) uint32 { return beq(zero, zero, o) })
}

func (p *program) image() []byte {
	for _, f := range p.fix {
		f()
	}
	return assemble(p.code...)
}

// lower goes on in U-mode or S-mode (0 or 1) behind it, with all of memory open.
func (p *program) lower(mode int) *program {
	p.add(addi(t0, zero, -1), csrw(pmpaddr0, t0), addi(t0, zero, 0x1f), csrw(pmpcfg0, t0))
	p.add(lui(t0, 2), addi(t0, t0, -0x800), iType(0x73, 3, 0, t0, mstatus)) // csrc: MPP
	p.add(addi(t0, zero, mode), slli(t0, t0, 11), iType(0x73, 2, 0, t0, mstatus))
	return p.la(t0, "lower").add(csrw(mepc, t0), mret).label("lower")
}

// handler sets the handler of M-mode.
func (p *program) handler(name string) *program { return p.la(t0, name).add(csrw(mtvec, t0)) }
