package isa

import (
	"math/rand/v2"
	"testing"
)

// What 16-bit instructions expand to: unprivileged manual, chapters "C" and
// "Zc*", written out by hand.
func TestExpansions(t *testing.T) {
	cases := []struct {
		raw        uint32
		text, base string
	}{
		{0x0808, "c.addi4spn\ta0,sp,16", "addi\ta0,sp,16"},
		{0x2188, "c.fld\tfa0,0(a1)", "fld\tfa0,0(a1)"},
		{0x41c8, "c.lw\ta0,4(a1)", "lw\ta0,4(a1)"},
		{0x6588, "c.ld\ta0,8(a1)", "ld\ta0,8(a1)"},
		{0xa588, "c.fsd\tfa0,8(a1)", "fsd\tfa0,8(a1)"},
		{0xc1c8, "c.sw\ta0,4(a1)", "sw\ta0,4(a1)"},
		{0xe588, "c.sd\ta0,8(a1)", "sd\ta0,8(a1)"},
		{0x0001, "c.addi\tzero,0", "addi\tzero,zero,0"},
		{0x157d, "c.addi\ta0,-1", "addi\ta0,a0,-1"},
		{0x357d, "c.addiw\ta0,-1", "addiw\ta0,a0,-1"},
		{0x5575, "c.li\ta0,-3", "addi\ta0,zero,-3"},
		{0x7139, "c.addi16sp\tsp,-64", "addi\tsp,sp,-64"},
		{0x757d, "c.lui\ta0,0xfffff", "lui\ta0,0xfffff"},
		{0x9101, "c.srli\ta0,0x20", "srli\ta0,a0,0x20"},
		{0x9501, "c.srai\ta0,0x20", "srai\ta0,a0,0x20"},
		{0x9971, "c.andi\ta0,-4", "andi\ta0,a0,-4"},
		{0x8d0d, "c.sub\ta0,a1", "sub\ta0,a0,a1"},
		{0x8d2d, "c.xor\ta0,a1", "xor\ta0,a0,a1"},
		{0x8d4d, "c.or\ta0,a1", "or\ta0,a0,a1"},
		{0x8d6d, "c.and\ta0,a1", "and\ta0,a0,a1"},
		{0x9d0d, "c.subw\ta0,a1", "subw\ta0,a0,a1"},
		{0x9d2d, "c.addw\ta0,a1", "addw\ta0,a0,a1"},
		{0xa001, "c.j\t0x1000", "jal\tzero,0x1000"},
		{0xc101, "c.beqz\ta0,0x1000", "beq\ta0,zero,0x1000"},
		{0xe101, "c.bnez\ta0,0x1000", "bne\ta0,zero,0x1000"},
		{0x1502, "c.slli\ta0,0x20", "slli\ta0,a0,0x20"},
		{0x2522, "c.fldsp\tfa0,8(sp)", "fld\tfa0,8(sp)"},
		{0x4522, "c.lwsp\ta0,8(sp)", "lw\ta0,8(sp)"},
		{0x6522, "c.ldsp\ta0,8(sp)", "ld\ta0,8(sp)"},
		{0x8082, "c.jr\tra", "jalr\tzero,0(ra)"},
		{0x852e, "c.mv\ta0,a1", "add\ta0,zero,a1"},
		{0x9002, "c.ebreak", "ebreak"},
		{0x9582, "c.jalr\ta1", "jalr\tra,0(a1)"},
		{0x952e, "c.add\ta0,a1", "add\ta0,a0,a1"},
		{0xa42a, "c.fsdsp\tfa0,8(sp)", "fsd\tfa0,8(sp)"},
		{0xc42a, "c.swsp\ta0,8(sp)", "sw\ta0,8(sp)"},
		{0xe42a, "c.sdsp\ta0,8(sp)", "sd\ta0,8(sp)"},

		{0x81c8, "c.lbu\ta0,1(a1)", "lbu\ta0,1(a1)"}, // bit 6 is offset bit 0
		{0x81a8, "c.lbu\ta0,2(a1)", "lbu\ta0,2(a1)"},
		{0x85a8, "c.lhu\ta0,2(a1)", "lhu\ta0,2(a1)"},
		{0x85e8, "c.lh\ta0,2(a1)", "lh\ta0,2(a1)"},
		{0x89c8, "c.sb\ta0,1(a1)", "sb\ta0,1(a1)"},
		{0x8da8, "c.sh\ta0,2(a1)", "sh\ta0,2(a1)"},
		{0x9d61, "c.zext.b\ta0", "andi\ta0,a0,255"},
		{0x9d65, "c.sext.b\ta0", "sext.b\ta0,a0"},
		{0x9d69, "c.zext.h\ta0", "zext.h\ta0,a0"},
		{0x9d6d, "c.sext.h\ta0", "sext.h\ta0,a0"},
		{0x9d71, "c.zext.w\ta0", "add.uw\ta0,a0,zero"},
		{0x9d75, "c.not\ta0", "xori\ta0,a0,-1"},
		{0x9d4d, "c.mul\ta0,a1", "mul\ta0,a0,a1"},
	}
	d := NewDecoder(AllExtensions)
	seen := map[string]bool{}
	for _, c := range cases {
		in := d.Decode(c.raw)
		seen[rowOf(in).Name] = true
		if got := Disassemble(in, 0x1000); got != c.text {
			t.Errorf("%04x: got %q, want %q", c.raw, got, c.text)
		}
		// The expansion, encoded as 32 bits by the manual's layouts.
		for _, r := range Rows() {
			if !r.Compressed() && r.Op == in.Op {
				wide := in
				wide.Size, wide.Raw = 4, encode(r, in, nil)
				if got := Disassemble(d.Decode(wide.Raw), 0x1000); got != c.base {
					t.Errorf("%04x %s expands to %q, want %q", c.raw, c.text, got, c.base)
				}
				if got := d.Decode(wide.Raw); got != wide {
					t.Errorf("%04x: got %+v, want %+v", c.raw, in, got)
				}
			}
		}
	}
	for _, r := range Rows() {
		if r.Compressed() && !seen[r.Name] {
			t.Errorf("%s has no case", r.Name)
		}
	}
}

// What binutils 2.40 has no words for; Zcb is in TestExpansions.
func TestZicond(t *testing.T) {
	d := NewDecoder(AllExtensions)
	for raw, want := range map[uint32]string{
		0x0ec5d533: "czero.eqz\ta0,a1,a2",
		0x0ec5f533: "czero.nez\ta0,a1,a2",
	} {
		if got := Disassemble(d.Decode(raw), 0); got != want {
			t.Errorf("%08x: got %q, want %q", raw, got, want)
		}
	}
}

func TestReserved(t *testing.T) {
	d := NewDecoder(AllExtensions)
	for raw, what := range map[uint32]string{
		0x0000:     "all zeros: defined illegal",
		0x0004:     "c.addi4spn with immediate 0",
		0x2001:     "c.addiw to x0",
		0x6101:     "c.addi16sp with immediate 0",
		0x6501:     "c.lui with immediate 0",
		0x6081:     "c.mop.1, not here",
		0x8002:     "c.jr x0",
		0x4002:     "c.lwsp to x0",
		0x6002:     "c.ldsp to x0",
		0x8d68:     "c.sh with bit 6 set",
		0x9c79:     "Zcb's unused unary",
		0x9c7d:     "Zcb's unused unary",
		0xffffffff: "all ones",
		0x0000001f: "48 bits and longer",
		0x0200101b: "slliw by 32",
		0x0000402f: "an AMO of no width",
	} {
		in := d.Decode(raw)
		if in.Op != OpIllegal || in.Raw != raw || in.Size != 2 && raw&3 != 3 || in.Size != 4 && raw&3 == 3 {
			t.Errorf("%08x: %s: got %+v", raw, what, in)
		}
	}
}

// HINTs do nothing as what they expand to: computations to x0, and moves and
// shifts that change nothing.
func TestHints(t *testing.T) {
	d := NewDecoder(AllExtensions)
	for raw, want := range map[uint32]Op{
		0x0005:     OpADDI, // c.nop 1
		0x0501:     OpADDI, // c.addi a0,0
		0x4005:     OpADDI, // c.li zero,1
		0x6005:     OpLUI,  // c.lui zero,1
		0x0006:     OpSLLI, // c.slli zero,1
		0x0502:     OpSLLI, // c.slli a0,0
		0x8101:     OpSRLI, // c.srli a0,0
		0x802a:     OpADD,  // c.mv zero,a0
		0x900a:     OpADD,  // c.ntl.p1: c.add zero,sp
		0x00100013: OpADDI,
		0x00200033: OpADD, // ntl.p1
	} {
		in := d.Decode(raw)
		if in.Op != want {
			t.Errorf("%08x: got %v, want %v", raw, in.Op, want)
		}
		if in.Rd != SinkReg && in.Imm != 0 {
			t.Errorf("%08x: writes %d", raw, in.Rd)
		}
	}
}

// Without an extension, its instructions are illegal or what they are special
// cases of.
func TestExtensionsGateRows(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 0))
	all := NewDecoder(AllExtensions)
	for _, x := range extensions {
		d := NewDecoder(AllExtensions &^ x.bit)
		for _, r := range Rows() {
			raw := r.Match | rnd.Uint32()&^r.Mask
			if r.Compressed() {
				raw &= 0xffff
			}
			if !r.matches(raw) || rowOf(all.Decode(raw)).Name != r.Name {
				continue
			}
			want := r.Op
			switch {
			case !r.Ext.Has(x.bit):
			case r.Over == "" || x.bit == ExtI || x.bit == ExtZca:
				want = OpIllegal
			default:
				for _, under := range Rows() {
					if under.Name == r.Over {
						want = under.Op
					}
				}
			}
			in := d.Decode(raw)
			if in.Op != want {
				t.Errorf("without %s, %s %08x: got %v, want %v", x.name, r.Name, raw, in.Op, want)
			}
		}
	}
	in := NewDecoder(AllExtensions &^ ExtZicbop).Decode(0x02056013)
	if got := Disassemble(in, 0); in.Rd != SinkReg || got != "ori\tzero,a0,32" {
		t.Errorf("a prefetch without Zicbop: %q, %+v", got, in)
	}
}

func TestNames(t *testing.T) {
	for op, want := range map[Op]string{
		OpNone: "none", OpIllegal: "illegal", OpSH1ADDUW: "sh1add.uw", OpFENCE: "fence", OpFCVTWUD: "fcvt.wu.d",
		OpAMOMAXUD: "amomaxu.d", OpPREFETCHI: "prefetch.i", OpSINVALVMA: "sinval.vma", NumOps: "invalid",
	} {
		if op.String() != want {
			t.Errorf("%d: got %s, want %s", op, op, want)
		}
	}
	if XName(10) != "a0" || XName(SinkReg) != "zero" || XName(33) != "" || FName(31) != "ft11" || FName(32) != "" {
		t.Error("register names")
	}
	if CSRName(0x3bf) != "pmpaddr15" || CSRName(0x3a1) != "0x3a1" || CSRName(0xffff) != "0xffff" {
		t.Error("CSR names")
	}
}

func FuzzDecode(f *testing.F) {
	for _, r := range Rows() {
		f.Add(r.Match, uint64(AllExtensions), uint64(0))
		f.Add(r.Match|^r.Mask, uint64(AllExtensions), ^uint64(0))
	}
	f.Fuzz(func(t *testing.T, raw uint32, ext, pc uint64) {
		d := everything()
		if Extensions(ext) != AllExtensions {
			d = NewDecoder(Extensions(ext))
		}
		in := d.Decode(raw)
		switch {
		case in != d.Decode(raw):
			t.Error("decodes differently the second time")
		case in != d.Decode(in.Raw):
			t.Error("Raw decodes differently")
		case in.Op == OpNone || in.Op >= NumOps || in.Rd > SinkReg || in.Rs1 > 31 || in.Rs2 > 31 || in.RM > 7 || in.Cost != 1:
			t.Errorf("out of range: %+v", in)
		case in.Size != 4 && raw&3 == 3, in.Size != 2 && raw&3 != 3:
			t.Errorf("size %d", in.Size)
		case Disassemble(in, pc) == "":
			t.Error("no text")
		case in.Op != OpIllegal && rowOf(in) == nil:
			t.Errorf("no row for %+v", in)
		}
	})
}
