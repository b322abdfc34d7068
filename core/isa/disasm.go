package isa

import (
	"strconv"
	"sync"
)

var xNames = [33]string{
	"zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5",
	"a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
	SinkReg: "zero",
}

var fNames = [32]string{
	"ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2", "fa3", "fa4", "fa5",
	"fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
}

var roundings = [8]string{"rne", "rtz", "rdn", "rup", "rmm", "unknown", "unknown", "dyn"}

var orderings = [4]string{"", ".rl", ".aq", ".aqrl"}

// XName is the ABI name of integer register r, also for SinkReg; empty if there
// is no such register.
func XName(r uint8) string {
	if int(r) >= len(xNames) {
		return ""
	}
	return xNames[r]
}

// FName is the ABI name of floating-point register r; empty if there is no such
// register.
func FName(r uint8) string {
	if int(r) >= len(fNames) {
		return ""
	}
	return fNames[r]
}

// everything decodes all extensions; the disassembler finds rows through it.
var everything = sync.OnceValue(func() *Decoder { return NewDecoder(AllExtensions) })

// rowOf finds the row by which in was decoded; nil if there is none. With
// another set of extensions a special case may have been passed over (an ori
// that could have been a prefetch), so the operation must agree too.
func rowOf(in Inst) *Row {
	entries := everything().compactRows(in.Raw)
	if in.Raw&3 == 3 {
		entries = everything().wideRows(in.Raw)
	}
	for len(entries) > 0 {
		e := find(entries, in.Raw)
		if e == nil {
			return nil
		}
		if e.op == in.Op {
			return &Rows()[e.row]
		}
		entries = entries[1:]
	}
	return nil
}

// Disassemble writes a decoded instruction as GNU objdump -M no-aliases does:
// mnemonic, tab, operands. pc is the virtual address of the instruction, in
// bytes; targets of branches are absolute, in hexadecimal. What is no instruction
// comes out as data.
func Disassemble(in Inst, pc uint64) string {
	r := rowOf(in)
	switch {
	case r != nil:
	case in.Size == 2 && in.Raw == 0:
		return "c.unimp"
	case in.Size == 2:
		return ".2byte\t0x" + strconv.FormatUint(uint64(in.Raw), 16)
	default:
		return ".4byte\t0x" + strconv.FormatUint(uint64(in.Raw), 16)
	}
	b := append(make([]byte, 0, 40), r.Name...)
	if r.Format == FmtAMO || r.Format == FmtLR {
		b = append(b, orderings[in.RM&3]...)
	}
	text := formatText[r.Format]
	if text != "" {
		b = append(b, '\t')
	}
	for i := range len(text) {
		b = appendOperand(b, text[i], &in, pc)
	}
	return string(b)
}

// appendOperand writes what one letter of formatText stands for.
func appendOperand(b []byte, letter byte, in *Inst, pc uint64) []byte {
	hex := func(v uint64) []byte { return strconv.AppendUint(append(b, "0x"...), v, 16) }
	switch letter {
	case 'd':
		return append(b, XName(in.Rd)...)
	case 's':
		return append(b, XName(in.Rs1)...)
	case 't':
		return append(b, XName(in.Rs2)...)
	case 'D':
		return append(b, FName(in.Rd)...)
	case 'S':
		return append(b, FName(in.Rs1)...)
	case 'T':
		return append(b, FName(in.Rs2)...)
	case 'R':
		return append(b, FName(uint8(in.Imm))...)
	case 'i':
		return strconv.AppendInt(b, int64(in.Imm), 10)
	case 'h':
		return hex(uint64(uint32(in.Imm)))
	case 'u':
		return hex(uint64(uint32(in.Imm) >> 12))
	case 'p':
		return hex(pc + uint64(int64(in.Imm)))
	case 'c':
		return append(b, CSRName(uint16(in.Imm))...)
	case 'z':
		return strconv.AppendUint(b, uint64(in.Rs1), 10)
	case 'r', 'e':
		if letter == 'r' && in.RM == 7 || letter == 'e' && in.RM == 0 {
			return b
		}
		return append(append(b, ','), roundings[in.RM&7]...)
	case 'P':
		return appendFenceSet(b, in.Imm>>4)
	case 'Q':
		return appendFenceSet(b, in.Imm)
	}
	return append(b, letter)
}

func appendFenceSet(b []byte, set int32) []byte {
	if set&15 == 0 {
		return append(b, "unknown"...)
	}
	for i, letter := range []byte("iorw") {
		if set>>(3-i)&1 != 0 {
			b = append(b, letter)
		}
	}
	return b
}
