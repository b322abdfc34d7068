package core

import (
	"math/rand/v2"
	"testing"

	"mcsim/core/isa"
)

// operand is a value that carries, overflows or is at an end more often than a
// uniform one.
func operand(r *rand.Rand) uint64 {
	switch r.IntN(6) {
	case 0:
		return uint64(r.IntN(5)) - 2
	case 1:
		return 1<<63 + uint64(r.IntN(3)) - 1
	case 2:
		return uint64(int64(int32(1<<31 + uint32(r.IntN(3)) - 1)))
	case 3:
		return 1 << r.IntN(64)
	case 4:
		return uint64(r.Uint32()) << r.IntN(33)
	}
	return r.Uint64()
}

// TestIntegerAgainstManual executes every computational integer instruction,
// compressed ones too, on random operands and registers.
func TestIntegerAgainstManual(t *testing.T) {
	rows := map[string]isa.Row{}
	names := map[isa.Op]string{}
	for _, row := range isa.Rows() {
		switch row.Format {
		case isa.FmtR, isa.FmtUnary, isa.FmtI, isa.FmtShift6, isa.FmtShift5:
			if row.Op != isa.OpJALR && row.Over == "" {
				rows[row.Name] = row
				names[row.Op] = row.Name
			}
		}
	}
	if len(rows) < 83 {
		t.Fatalf("only %d instructions", len(rows))
	}
	rig := newRig(t)
	seeded(t, 200, func(t *testing.T, r *rand.Rand) {
		for name, row := range rows {
			inst := row.Match | r.Uint32()&^row.Mask
			rd, rs1, rs2 := inst>>7&31, inst>>15&31, inst>>20&31
			if r.IntN(4) == 0 {
				inst, rs1 = inst&^(31<<15)|rd<<15, rd
			}
			for i := 1; i < 32; i++ {
				rig.x[i] = operand(r)
			}
			a, b := rig.x[rs1], rig.x[rs2]
			switch row.Format {
			case isa.FmtI:
				b = uint64(int64(int32(inst)) >> 20)
			case isa.FmtShift6:
				b = uint64(inst >> 20 & 63)
			case isa.FmtShift5:
				b = uint64(inst >> 20 & 31)
			}
			want := manual(name, a, b)
			if rd == 0 {
				want = 0
			}
			if rig.must(inst); rig.x[rd] != want || rig.x[0] != 0 || rig.pc != codeAt+4 {
				t.Fatalf("%s (%#x) of %#x and %#x: %#x; want %#x", name, inst, a, b, rig.x[rd], want)
			}
		}
	})
	seeded(t, 200, func(t *testing.T, r *rand.Rand) { compressedOnce(t, r, rig, names) })
}

// compressedOnce executes a random compressed computation and the instruction
// that the C chapter's listing says it expands to.
func compressedOnce(t *testing.T, r *rand.Rand, rig *rig, names map[isa.Op]string) {
	for _, row := range isa.Rows() {
		if !row.Compressed() {
			continue
		}
		c := (row.Match | r.Uint32()&^row.Mask) & 0xffff
		rd, rs2, hi, lo := uint64(c>>7&31), uint64(c>>2&31), uint64(c>>7&7+8), uint64(c>>2&7+8)
		imm := uint64(int64(int32(c<<19)>>31<<5 | int32(c>>2&31)))
		for i := 1; i < 32; i++ {
			rig.x[i] = operand(r)
		}
		x := rig.x
		dest, want := rd, uint64(0)
		switch row.Name {
		case "c.addi", "c.nop":
			want = manual("add", x[rd], imm)
		case "c.addiw":
			want = manual("addw", x[rd], imm)
		case "c.li":
			want = imm
		case "c.lui":
			want = imm << 12
		case "c.slli":
			want = manual("sll", x[rd], imm&63)
		case "c.srli":
			dest, want = hi, manual("srl", x[hi], imm&63)
		case "c.srai":
			dest, want = hi, manual("sra", x[hi], imm&63)
		case "c.andi":
			dest, want = hi, manual("and", x[hi], imm)
		case "c.sub", "c.xor", "c.or", "c.and", "c.subw", "c.addw", "c.mul":
			dest, want = hi, manual(row.Name[2:], x[hi], x[lo])
		case "c.mv":
			want = x[rs2]
		case "c.add":
			want = manual("add", x[rd], x[rs2])
		case "c.not":
			dest, want = hi, manual("xor", x[hi], ^uint64(0))
		case "c.zext.b":
			dest, want = hi, manual("and", x[hi], 255)
		case "c.zext.w":
			dest, want = hi, manual("add.uw", x[hi], 0)
		case "c.sext.b", "c.sext.h", "c.zext.h":
			dest, want = hi, manual(row.Name[2:], x[hi], 0)
		default:
			continue
		}
		if row.NonZero != 0 && c&row.NonZero == 0 || row.Name == "c.lui" && rd == 2 {
			continue
		}
		if dest == 0 {
			want = 0
		}
		if rig.must(c); rig.x[dest] != want || rig.pc != codeAt+2 {
			t.Fatalf("%s (%#x): x%d is %#x; want %#x", row.Name, c, dest, rig.x[dest], want)
		}
	}
}

// TestBranches takes each branch on random operands, and checks targets and
// links of the jumps.
func TestBranches(t *testing.T) {
	rig := newRig(t)
	seeded(t, 100, func(t *testing.T, r *rand.Rand) {
		a, b := operand(r), operand(r)
		if r.IntN(3) == 0 {
			b = a
		}
		off := int32(r.IntN(1<<12)-1<<11) * 2
		less, lessU := manual("slt", a, b) == 1, manual("sltu", a, b) == 1
		for name, taken := range map[string]bool{"beq": a == b, "bne": a != b, "blt": less, "bge": !less, "bltu": lessU, "bgeu": !lessU} {
			rig.x[5], rig.x[6] = a, b
			want := uint64(codeAt + 4)
			if taken {
				want = codeAt + uint64(int64(off))
			}
			if rig.must(opB(name, 5, 6, off)); rig.pc != want {
				t.Fatalf("%s of %#x and %#x by %d: pc %#x", name, a, b, off, rig.pc)
			}
		}
		far := int32(r.IntN(1<<20)-1<<19) * 2
		if rig.must(opJ(1, far)); rig.pc != codeAt+uint64(int64(far)) || rig.x[1] != codeAt+4 {
			t.Fatalf("jal by %d: pc %#x, ra %#x", far, rig.pc, rig.x[1])
		}
		imm := int32(r.IntN(1<<12) - 1<<11)
		rig.x[1] = codeAt + r.Uint64N(1<<12)
		to := (rig.x[1] + uint64(int64(imm))) &^ 1
		if rig.must(opI("jalr", 1, 1, imm)); rig.pc != to || rig.x[1] != codeAt+4 {
			t.Fatalf("jalr: pc %#x, want %#x; ra %#x", rig.pc, to, rig.x[1])
		}
		up := r.Uint32() &^ 0xfff
		rig.must(match("auipc") | 7<<7 | up)
		rig.pc = codeAt
		if want := codeAt + uint64(int64(int32(up))); rig.x[7] != want {
			t.Fatalf("auipc %#x: %#x", up, rig.x[7])
		}
		if rig.must(match("lui") | 7<<7 | up); rig.x[7] != uint64(int64(int32(up))) {
			t.Fatalf("lui %#x: %#x", up, rig.x[7])
		}
	})
}

// Without C a target off a multiple of 4 is misaligned: reported for the jump
// itself, which writes no link (unprivileged manual, Control Transfer).
func TestMisalignedTarget(t *testing.T) {
	r := newRig(t, withoutISA(isa.ExtC|isa.ExtZca|isa.ExtZcb|isa.ExtZcd))
	r.x[1], r.x[5] = 77, codeAt+0x102
	r.traps(Machine, opJ(1, 6), causeMisalignedFetch, codeAt+6)
	r.traps(Machine, opI("jalr", 1, 5, 0), causeMisalignedFetch, codeAt+0x102)
	r.traps(Machine, opB("beq", 0, 0, 10), causeMisalignedFetch, codeAt+10)
	if r.x[1] != 77 {
		t.Errorf("link written: %#x", r.x[1])
	}
	r.must(opB("bne", 0, 0, 10)) // not taken
	r.csr.mepc = 0
	if r.must(opCSR("csrrw", 0, 0x341, 5)); r.csr.mepc != codeAt+0x100 {
		t.Errorf("mepc keeps bit 1 without C: %#x", r.csr.mepc)
	}
}
