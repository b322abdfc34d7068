package core

import (
	"math/rand/v2"
	"testing"

	"mcsim/core/isa"
)

// read and write access a CSR in M mode by instructions.
func (r *rig) readCSR(num uint32) uint64 {
	r.Helper()
	r.setPriv(Machine)
	r.must(opCSR("csrrs", 5, num, 0))
	return r.x[5]
}

func (r *rig) writeCSR(num uint32, v uint64) {
	r.Helper()
	r.setPriv(Machine)
	r.x[6] = v
	r.must(opCSR("csrrw", 0, num, 6))
}

// A warl row says what a register reads as after a write: the bits that hold
// what was written, those that are always set, and fields with values that are
// not legal, which leave a legal one. All other bits are zero.
type warl struct {
	num     uint32
	section string // of the privileged manual, if not said otherwise
	holds   uint64
	ones    uint64
	fields  []warlField
	start   func(*rig)
}

type warlField struct {
	mask  uint64
	legal func(field uint64) bool
}

func oneOf(mask uint64, values ...uint64) warlField {
	return warlField{mask, func(f uint64) bool {
		for _, v := range values {
			if f == v*(mask&-mask) {
				return true
			}
		}
		return false
	}}
}

const (
	statusBits = mstatusSIE | mstatusMIE | mstatusSPIE | mstatusMPIE | mstatusSPP | mstatusMPRV |
		mstatusSUM | mstatusMXR | mstatusTVM | mstatusTW | mstatusTSR | mstatusFS
	supBits = mstatusSIE | mstatusSPIE | mstatusSPP | mstatusSUM | mstatusMXR | mstatusFS
)

func delegateAll(r *rig) { r.csr.mideleg = supInterrupts | 1<<irqLCOFI }

var warlRows = []warl{
	{0x300, "Machine Status (mstatus)", statusBits, 2<<32 | 2<<34, []warlField{oneOf(mstatusMPP, 0, 1, 3)}, nil},
	{0x100, "Supervisor Status (sstatus)", supBits, 2 << 32, nil, nil},
	{0x302, "Machine Trap Delegation: exceptions of S and U, and no call from M", 0xb3ff, 0, nil, nil},
	{0x303, "Machine Trap Delegation: no delegation of M's interrupts", supInterrupts | 1<<13, 0, nil, nil},
	{0x304, "Machine Interrupt (mip and mie; LCOFIE: Sscofpmf)", 0x2aaa, 0, nil, nil},
	{0x344, "Machine Interrupt: LCOFIP, SEIP, STIP and SSIP are writable", supInterrupts | 1<<13, 0, nil, nil},
	{0x104, "Supervisor Interrupt (sip and sie): nothing is delegated", 0, 0, nil, nil},
	{0x104, "Supervisor Interrupt (sip and sie)", supInterrupts | 1<<13, 0, nil, delegateAll},
	{0x144, "Supervisor Interrupt: only LCOFIP and SSIP are writable", 1<<irqSSI | 1<<13, 0, nil, delegateAll},
	{0x305, "Machine Trap-Vector Base-Address (mtvec)", ^uint64(3), 0, []warlField{oneOf(3, 0, 1)}, nil},
	{0x105, "Supervisor Trap Vector Base Address (stvec)", ^uint64(3), 0, []warlField{oneOf(3, 0, 1)}, nil},
	{0x306, "Machine Counter-Enable (mcounteren)", 0xffff_ffff, 0, nil, nil},
	{0x106, "Supervisor Counter-Enable (scounteren)", 0xffff_ffff, 0, nil, nil},
	{0x320, "Machine Counter-Inhibit (mcountinhibit): bit 1 is zero", 0xffff_fffd, 0, nil, nil},
	{0x340, "Machine Scratch (mscratch)", ^uint64(0), 0, nil, nil},
	{0x140, "Supervisor Scratch (sscratch)", ^uint64(0), 0, nil, nil},
	{0x341, "Machine Exception Program Counter (mepc)", ^uint64(1), 0, nil, nil},
	{0x141, "Supervisor Exception Program Counter (sepc)", ^uint64(1), 0, nil, nil},
	{0x343, "Machine Trap Value (mtval)", ^uint64(0), 0, nil, nil},
	{0x143, "Supervisor Trap Value (stval)", ^uint64(0), 0, nil, nil},
	{0x30a, "Machine Environment Configuration (menvcfg)", envcfgFIOM | envcfgCBCFE | envcfgCBZE | menvcfgADUE | menvcfgPBMTE | menvcfgSTCE, 0,
		[]warlField{oneOf(envcfgCBIE, 0, 1, 3)}, nil},
	{0x10a, "Supervisor Environment Configuration (senvcfg)", envcfgFIOM | envcfgCBCFE | envcfgCBZE, 0, []warlField{oneOf(envcfgCBIE, 0, 1, 3)}, nil},
	{0x14d, "Supervisor Timer (stimecmp)", ^uint64(0), 0, nil, nil},
	{0x001, "unprivileged: fflags", 31, 0, nil, nil},
	{0x002, "unprivileged: frm", 7, 0, nil, nil},
	{0x003, "unprivileged: fcsr", 255, 0, nil, nil},
}

// TestWARL writes random values to the registers and reads them back.
func TestWARL(t *testing.T) {
	for _, row := range warlRows {
		r := newRig(t)
		if row.start != nil {
			row.start(r)
		}
		seeded(t, 100, func(t *testing.T, rnd *rand.Rand) {
			v := operand(rnd)
			r.csr.mstatus &^= mstatusMPRV
			r.csr.mstatus |= mstatusFS
			r.fpOff = false
			r.csr.mie = 0
			old := r.readCSR(row.num)
			r.writeCSR(row.num, v)
			r.csr.mstatus &^= mstatusMIE
			got := r.readCSR(row.num)
			fields := uint64(0)
			for _, f := range row.fields {
				fields |= f.mask
				if got&f.mask != v&f.mask && f.legal(v&f.mask) || !f.legal(got&f.mask) {
					t.Fatalf("%s: %#x over %#x: field %#x is %#x", row.section, v, old, f.mask, got&f.mask)
				}
			}
			want := v&row.holds | row.ones
			if want&mstatusFS == mstatusFS && (row.num == 0x300 || row.num == 0x100) {
				want |= mstatusSD
			}
			if row.num == 0x300 { // MIE was cleared above, to stay
				want &^= mstatusMIE
			}
			if got&^fields != want {
				t.Fatalf("%s: %#x over %#x reads %#x; want %#x", row.section, v, old, got&^fields, want)
			}
		})
	}
}

// readOnly lists registers that ignore writes or refuse them, with their values.
func TestReadOnlyCSRs(t *testing.T) {
	r := newRig(t, withHarts(2))
	r.Hart = r.harts[1]
	misa := uint64(2) << 62
	for _, c := range "ABCDFIMSU" {
		misa |= 1 << (c - 'A')
	}
	for num, want := range map[uint32]uint64{0xf11: 0, 0xf12: 0, 0xf13: 0, 0xf14: 1, 0xf15: 0, 0x301: misa} {
		if got := r.readCSR(num); got != want {
			t.Errorf("%s reads %#x; want %#x", isa.CSRName(uint16(num)), got, want)
		}
	}
	r.writeCSR(0x301, 0)
	if got := r.readCSR(0x301); got != misa {
		t.Errorf("misa changed to %#x", got)
	}
}

// there says whether the machine has a CSR (privileged manual, CSR Listing; no
// hypervisor, no debug mode, PMP of 16 regions).
func there(num uint32) bool {
	for _, span := range [][2]uint32{
		{1, 3}, {0xc00, 0xc1f},
		{0x100, 0x100}, {0x104, 0x106}, {0x10a, 0x10a}, {0x140, 0x144}, {0x14d, 0x14d}, {0x180, 0x180},
		{0xf11, 0xf15}, {0x300, 0x306}, {0x30a, 0x30a}, {0x340, 0x344}, {0x320, 0x320}, {0x323, 0x33f},
		{0x3a0, 0x3a0}, {0x3a2, 0x3a2}, {0x3b0, 0x3bf}, {0xb00, 0xb00}, {0xb02, 0xb1f}, {0x7a0, 0x7a3},
		{0xda0, 0xda0}, // Sscofpmf
	} {
		if num >= span[0] && num <= span[1] {
			return true
		}
	}
	return false
}

// TestCSRAccess tries every number in every mode: bits 9:8 are the lowest
// privilege, bits 11:10 both set mean read-only (privileged manual, CSR Address
// Mapping Conventions), and a write is what the instruction says, not its value
// (unprivileged manual, Zicsr).
func TestCSRAccess(t *testing.T) {
	r := newRig(t)
	r.csr.mcounteren, r.csr.scounteren, r.csr.menvcfg = ^uint64(0), ^uint64(0), menvcfgSTCE
	for num := range uint32(4096) {
		for _, p := range []Priv{User, Supervisor, Machine} {
			for _, how := range []struct {
				inst  uint32
				write bool
			}{
				{opCSR("csrrs", 5, num, 0), false}, {opCSR("csrrci", 5, num, 0), false},
				{opCSR("csrrc", 5, num, 31), true}, {opCSR("csrrw", 5, num, 0), true}, {opCSR("csrrwi", 0, num, 0), true},
			} {
				if how.write && there(num) && num>>10 != 3 {
					continue // would change the rig
				}
				r.x[31] = 0
				if there(num) && uint32(p) >= num>>8&3 && !how.write {
					r.setPriv(p)
					r.must(how.inst)
				} else {
					r.traps(p, how.inst, causeIllegal, uint64(how.inst))
				}
			}
		}
	}
}

// TestGatedCSRs has the registers that other registers open or close.
func TestGatedCSRs(t *testing.T) {
	const satp, time, stimecmp, cycle, hpm5 = 0x180, 0xc01, 0x14d, 0xc00, 0xc05
	for _, c := range []struct {
		name  string
		num   uint32
		p     Priv
		setup func(*rig)
		legal bool
	}{
		{"satp under TVM", satp, Supervisor, func(r *rig) { r.csr.mstatus |= mstatusTVM }, false},
		{"satp under TVM in M", satp, Machine, func(r *rig) { r.csr.mstatus |= mstatusTVM }, true},
		{"satp", satp, Supervisor, nil, true},
		{"cycle in M", cycle, Machine, nil, true},
		{"cycle in S", cycle, Supervisor, nil, false},
		{"cycle in S, mcounteren.CY", cycle, Supervisor, func(r *rig) { r.csr.mcounteren = 1 }, true},
		{"cycle in U, mcounteren.CY", cycle, User, func(r *rig) { r.csr.mcounteren = 1 }, false},
		{"cycle in U, scounteren.CY", cycle, User, func(r *rig) { r.csr.scounteren = 1 }, false},
		{"cycle in U, both", cycle, User, func(r *rig) { r.csr.mcounteren, r.csr.scounteren = 1, 1 }, true},
		{"time in U, both", time, User, func(r *rig) { r.csr.mcounteren, r.csr.scounteren = 2, 2 }, true},
		{"time in U, others", time, User, func(r *rig) { r.csr.mcounteren, r.csr.scounteren = ^uint64(2), ^uint64(0) }, false},
		{"hpmcounter5 in S", hpm5, Supervisor, func(r *rig) { r.csr.mcounteren = 1 << 5 }, true},
		{"hpmcounter5 in S, not its bit", hpm5, Supervisor, func(r *rig) { r.csr.mcounteren = 1 << 4 }, false},
		{"stimecmp", stimecmp, Supervisor, nil, false},
		{"stimecmp, STCE", stimecmp, Supervisor, func(r *rig) { r.csr.menvcfg = menvcfgSTCE }, false},
		{"stimecmp, TM", stimecmp, Supervisor, func(r *rig) { r.csr.mcounteren = 2 }, false},
		{"stimecmp, both", stimecmp, Supervisor, func(r *rig) { r.csr.menvcfg, r.csr.mcounteren = menvcfgSTCE, 2 }, true},
		{"stimecmp in M", stimecmp, Machine, nil, true},
	} {
		r := newRig(t)
		if c.setup != nil {
			c.setup(r)
		}
		inst := opCSR("csrrs", 5, c.num, 0)
		if c.legal {
			r.setPriv(c.p)
			r.must(inst)
		} else {
			r.traps(c.p, inst, causeIllegal, uint64(inst))
		}
		if t.Failed() {
			t.Fatal(c.name)
		}
	}
}

// Registers of extensions that the machine does not have.
func TestAbsentCSRs(t *testing.T) {
	for num, x := range map[uint32]isa.Extensions{0xc00: isa.ExtZicntr, 0xc01: isa.ExtZicntr, 0xc02: isa.ExtZicntr,
		0xc03: isa.ExtZihpm, 0xc1f: isa.ExtZihpm, 0x14d: isa.ExtSstc} {
		r := newRig(t, withoutISA(x))
		inst := opCSR("csrrs", 5, num, 0)
		r.traps(Machine, inst, causeIllegal, uint64(inst))
	}
	r := newRig(t, withoutISA(isa.ExtF|isa.ExtD|isa.ExtZcd|isa.ExtZfhmin|isa.ExtSstc|isa.ExtSvadu|isa.ExtSvpbmt|isa.ExtZicbom|isa.ExtZicboz))
	inst := opCSR("csrrs", 5, 3, 0)
	r.traps(Machine, inst, causeIllegal, uint64(inst))
	r.writeCSR(0x300, mstatusFS)
	if v := r.readCSR(0x300); v&(mstatusFS|mstatusSD) != 0 {
		t.Errorf("mstatus.FS without F: %#x", v)
	}
	r.writeCSR(0x30a, ^uint64(0))
	if v := r.readCSR(0x30a); v != envcfgFIOM {
		t.Errorf("menvcfg holds %#x", v)
	}
}

// Who updates A and D after reset: the hart if it has Svadu alone, else software
// until it sets menvcfg.ADUE (device tree binding riscv/extensions, svade and svadu).
// A guest in M-mode that never writes menvcfg, with clear A and D in its tables,
// runs on the first only.
func TestResetADUE(t *testing.T) {
	for _, c := range []struct {
		without isa.Extensions
		adue    uint64
	}{
		{0, 0},
		{isa.ExtSvade, menvcfgADUE},
		{isa.ExtSvadu, 0},
		{isa.ExtSvade | isa.ExtSvadu, 0},
	} {
		r := newRig(t, withoutISA(c.without))
		if got := r.readCSR(0x30a); got != c.adue {
			t.Errorf("without %v: menvcfg %#x after reset, not %#x", c.without, got, c.adue)
		}
	}
}

// The six instructions: what is read, what is written (Zicsr, table of the
// conditions on rd and rs1).
func TestCSRInstructions(t *testing.T) {
	r := newRig(t)
	const num = 0x340
	seeded(t, 200, func(t *testing.T, rnd *rand.Rand) {
		old, v, imm := operand(rnd), operand(rnd), rnd.Uint32N(32)
		for name, want := range map[string]uint64{
			"csrrw": v, "csrrs": manual("or", old, v), "csrrc": manual("andn", old, v),
			"csrrwi": uint64(imm), "csrrsi": manual("or", old, uint64(imm)), "csrrci": manual("andn", old, uint64(imm)),
		} {
			r.csr.mscratch = old
			from := imm
			if len(name) == 5 {
				from = 6
				r.x[6] = v
			}
			rd := []uint32{0, 5, 6}[rnd.IntN(3)]
			r.x[rd] = 0
			if rd == 6 {
				r.x[6] = v
			}
			if r.must(opCSR(name, rd, num, from)); r.csr.mscratch != want || rd != 0 && r.x[rd] != old || r.x[0] != 0 {
				t.Fatalf("%s: mscratch %#x, rd %#x; want %#x, %#x", name, r.csr.mscratch, r.x[rd], want, old)
			}
		}
	})
}
