package isa

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// layouts are the manual's pictures of the formats, from the top bit down, as
// an encoder that shares nothing with the decoder. #n are n bits of the row's
// Match, _n are ignored; imm is sign-extended and uimm is not; rd is an integer
// register, frd is not; a prime marks three-bit registers x8 to x15, a slash
// one field in two roles; Rs1=2 is an operand without a field.
var layouts = map[Format]string{
	FmtR:         "#7 rs2 rs1 #3 rd #7",
	FmtUnary:     "#12 rs1 #3 rd #7",
	FmtI:         "imm[11:0] rs1 #3 rd #7",
	FmtShift6:    "#6 uimm[5:0] rs1 #3 rd #7",
	FmtShift5:    "#7 uimm[4:0] rs1 #3 rd #7",
	FmtU:         "imm[31:12] rd #7",
	FmtJ:         "imm[20|10:1|11|19:12] rd #7",
	FmtB:         "imm[12|10:5] rs2 rs1 #3 imm[4:1|11] #7",
	FmtLoad:      "imm[11:0] rs1 #3 rd #7",
	FmtStore:     "imm[11:5] rs2 rs1 #3 imm[4:0] #7",
	FmtAMO:       "#5 aqrl rs2 rs1 #3 rd #7",
	FmtLR:        "#5 aqrl #5 rs1 #3 rd #7",
	FmtCSR:       "uimm[11:0] rs1 #3 rd #7",
	FmtCSRI:      "uimm[11:0] rs1 #3 rd #7",
	FmtFence:     "_4 uimm[7:0] _5 #3 _5 #7",
	FmtFenceTSO:  "#12 _5 #3 _5 #7 Imm=2099", // fm 8, rw, rw
	FmtCBO:       "#12 rs1 #3 #5 #7",
	FmtPrefetch:  "imm[11:5] #5 rs1 #3 #5 #7",
	FmtSFence:    "#7 rs2 rs1 #3 #5 #7",
	FmtFLoad:     "imm[11:0] rs1 #3 frd #7",
	FmtFStore:    "imm[11:5] rs2 rs1 #3 imm[4:0] #7",
	FmtFR:        "#7 rs2 rs1 #rm frd #7",
	FmtFRM:       "#7 rs2 rs1 rm frd #7",
	FmtFMA:       "uimm[4:0] #2 rs2 rs1 rm frd #7", // rs3 is in Imm
	FmtFUnaryRM:  "#12 rs1 rm frd #7",
	FmtFExact:    "#12 rs1 rm frd #7",
	FmtFCompare:  "#7 rs2 rs1 #rm rd #7",
	FmtFToX:      "#12 rs1 #3 rd #7",
	FmtFToXRM:    "#12 rs1 rm rd #7",
	FmtXToF:      "#12 rs1 #rm frd #7",
	FmtXToFRM:    "#12 rs1 rm frd #7",
	FmtXToFExact: "#12 rs1 rm frd #7",

	FmtCADDI4SPN: "#3 uimm[5:4|9:6|2|3] rd' #2 Rs1=2",
	FmtCADDI16SP: "#3 imm[9] #5 imm[4|6|8:7|5] #2 Rd=2 Rs1=2",
	FmtCI:        "#3 imm[5] rd/rs1 imm[4:0] #2",
	FmtCLI:       "#3 imm[5] rd imm[4:0] #2",
	FmtCLUI:      "#3 imm[17] rd imm[16:12] #2",
	FmtCSLLI:     "#3 uimm[5] rd/rs1 uimm[4:0] #2",
	FmtCShift:    "#3 uimm[5] #2 rd'/rs1' uimm[4:0] #2",
	FmtCANDI:     "#3 imm[5] #2 rd'/rs1' imm[4:0] #2",
	FmtCA:        "#6 rd'/rs1' #2 rs2' #2",
	FmtCMV:       "#4 rd rs2 #2",
	FmtCADD:      "#4 rd/rs1 rs2 #2",
	FmtCJ:        "#3 imm[11|4|9:8|10|6|7|3:1|5] #2",
	FmtCB:        "#3 imm[8|4:3] rs1' imm[7:6|2:1|5] #2",
	FmtCJR:       "#4 rs1 #5 #2",
	FmtCJALR:     "#4 rs1 #5 #2 Rd=1",
	FmtCLW:       "#3 uimm[5:3] rs1' uimm[2|6] rd' #2",
	FmtCLD:       "#3 uimm[5:3] rs1' uimm[7:6] rd' #2",
	FmtCFLD:      "#3 uimm[5:3] rs1' uimm[7:6] frd' #2",
	FmtCSW:       "#3 uimm[5:3] rs1' uimm[2|6] rs2' #2",
	FmtCSD:       "#3 uimm[5:3] rs1' uimm[7:6] rs2' #2",
	FmtCFSD:      "#3 uimm[5:3] rs1' uimm[7:6] rs2' #2",
	FmtCLWSP:     "#3 uimm[5] rd uimm[4:2|7:6] #2 Rs1=2",
	FmtCLDSP:     "#3 uimm[5] rd uimm[4:3|8:6] #2 Rs1=2",
	FmtCFLDSP:    "#3 uimm[5] frd uimm[4:3|8:6] #2 Rs1=2",
	FmtCSWSP:     "#3 uimm[5:2|7:6] rs2 #2 Rs1=2",
	FmtCSDSP:     "#3 uimm[5:3|8:6] rs2 #2 Rs1=2",
	FmtCFSDSP:    "#3 uimm[5:3|8:6] rs2 #2 Rs1=2",
	FmtCLB:       "#6 rs1' uimm[0|1] rd' #2",
	FmtCLH:       "#6 rs1' #1 uimm[1] rd' #2",
	FmtCSB:       "#6 rs1' uimm[0|1] rs2' #2",
	FmtCSH:       "#6 rs1' #1 uimm[1] rs2' #2",
	FmtCUnary:    "#6 rd'/rs1' #7",
	FmtCZEXTB:    "#6 rd'/rs1' #7 Imm=255",
	FmtCNOT:      "#6 rd'/rs1' #7 Imm=-1",
}

// field finds what a token of a layout writes: width in bits and value.
func field(token string, in Inst, match uint32, top int, rnd *rand.Rand) (width int, value uint32) {
	number := func(s string) int { n, _ := strconv.Atoi(s); return n }
	reg, _, _ := strings.Cut(token, "/")
	width, offset := 5, uint32(0)
	if short, ok := strings.CutSuffix(reg, "'"); ok {
		reg, width, offset = short, 3, 8
	}
	switch reg {
	case "rd", "frd":
		return width, (uint32(in.Rd) - offset) & 31 // SinkReg is x0
	case "rs1":
		return width, uint32(in.Rs1) - offset
	case "rs2":
		return width, uint32(in.Rs2) - offset
	case "rm":
		return 3, uint32(in.RM)
	case "aqrl":
		return 2, uint32(in.RM)
	case "#rm":
		return 3, uint32(in.RM)
	}
	switch {
	case token[0] == '#':
		width = number(token[1:])
		return width, match >> (top - width) & (1<<width - 1)
	case token[0] == '_':
		width = number(token[1:])
		return width, rnd.Uint32() & (1<<width - 1)
	case strings.Contains(token, "="):
		return 0, 0
	}
	width = 0
	for _, bit := range immediateBits(token) {
		width, value = width+1, value<<1|uint32(in.Imm)>>bit&1
	}
	return width, value
}

// immediateBits lists the bits of "imm[12|10:5]": 12 10 9 8 7 6 5.
func immediateBits(token string) (bits []int) {
	list := strings.TrimSuffix(token[strings.IndexByte(token, '[')+1:], "]")
	for part := range strings.SplitSeq(list, "|") {
		high, low, ok := strings.Cut(part, ":")
		if !ok {
			low = high
		}
		from, _ := strconv.Atoi(high)
		to, _ := strconv.Atoi(low)
		for bit := from; bit >= to; bit-- {
			bits = append(bits, bit)
		}
	}
	return bits
}

// encode writes in by the layout of r.
func encode(r Row, in Inst, rnd *rand.Rand) uint32 {
	top := 32
	if r.Compressed() {
		top = 16
	}
	if r.Format == FmtNone {
		return r.Match
	}
	raw := uint32(0)
	for token := range strings.FieldsSeq(layouts[r.Format]) {
		width, value := field(token, in, r.Match, top, rnd)
		top -= width
		raw |= value << top
	}
	if top != 0 {
		panic(fmt.Sprintf("layout of %s leaves %d bits", r.Name, top))
	}
	return raw
}

// randomInst picks operands that the layout of r can express.
func randomInst(r Row, rnd *rand.Rand) Inst {
	in := Inst{Op: r.Op, Rd: SinkReg, Size: 4, Cost: 1}
	if r.Compressed() {
		in.Size = 2
	}
	imm, signed, sign := uint32(0), false, 0
	for token := range strings.FieldsSeq(layouts[r.Format]) {
		register := uint8(rnd.IntN(32))
		if strings.HasSuffix(token, "'") {
			register = 8 + register&7
		}
		for role := range strings.SplitSeq(token, "/") {
			name, value, _ := strings.Cut(role, "=")
			fixed, _ := strconv.Atoi(value)
			switch strings.TrimSuffix(name, "'") {
			case "rd":
				if in.Rd = register; register == 0 {
					in.Rd = SinkReg
				}
			case "frd":
				in.Rd = register
			case "rs1":
				in.Rs1 = register
			case "rs2":
				in.Rs2 = register
			case "rm":
				in.RM = uint8(rnd.IntN(8))
			case "#rm":
				in.RM = uint8(r.Match >> 12 & 7)
			case "aqrl":
				in.RM = uint8(rnd.IntN(4))
			case "Rd":
				in.Rd = uint8(fixed)
			case "Rs1":
				in.Rs1 = uint8(fixed)
			case "Imm":
				in.Imm = int32(fixed)
			}
		}
		if strings.Contains(token, "imm[") {
			signed = token[0] == 'i'
			for _, bit := range immediateBits(token) {
				imm |= rnd.Uint32() & 1 << bit
				sign = max(sign, bit)
			}
		}
	}
	if imm != 0 {
		in.Imm = int32(imm)
		if signed {
			in.Imm = int32(imm<<(31-sign)) >> (31 - sign)
		}
	}
	return in
}

// What the manual's pictures encode, the decoder decodes.
func TestDecodeLayouts(t *testing.T) {
	const seed = 4
	rnd := rand.New(rand.NewPCG(seed, 0))
	d := NewDecoder(AllExtensions)
	specials := map[string][]Row{}
	for _, r := range Rows() {
		specials[r.Over] = append(specials[r.Over], r)
	}
	for _, r := range Rows() {
		tried := 0
		for tries := 0; tried < 2000 && tries < 100_000; tries++ {
			var want Inst
			if r.Format == FmtNone { // all is fixed, or ignored (fence.i)
				want = Inst{Op: r.Op, Rd: SinkReg, Size: 4, Cost: 1, Raw: r.Match | rnd.Uint32()&^r.Mask}
				if r.Compressed() {
					want.Size, want.Raw = 2, want.Raw&0xffff
				}
			} else {
				want = randomInst(r, rnd)
				want.Raw = encode(r, want, rnd)
			}
			if !r.matches(want.Raw) && r.NonZero != 0 || matchesAny(specials[r.Name], want.Raw) {
				continue
			}
			tried++
			if got := d.Decode(want.Raw); got != want {
				t.Fatalf("seed %d: %s %#08x:\n got %+v\nwant %+v", seed, r.Name, want.Raw, got, want)
			}
		}
		if tried < 100 {
			t.Errorf("%s: only %d encodings tried", r.Name, tried)
		}
	}
}

func matchesAny(rows []Row, raw uint32) bool {
	for _, r := range rows {
		if r.matches(raw) {
			return true
		}
	}
	return false
}
