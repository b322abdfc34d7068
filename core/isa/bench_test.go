package isa

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkDecode decodes a mix like that of compiled code: mostly integer
// arithmetic, loads, stores and branches, half of it compressed.
func BenchmarkDecode(b *testing.B) {
	d := NewDecoder(AllExtensions)
	rnd := rand.New(rand.NewPCG(1, 0))
	common := []string{"addi", "add", "ld", "sd", "lw", "beq", "bne", "jal", "lui", "slli", "mul", "fld", "fmadd.d",
		"fadd.d", "c.addi", "c.li", "c.mv", "c.add", "c.ldsp", "c.sdsp", "c.ld", "c.beqz", "c.j", "c.addiw", "c.and"}
	byName := map[string]Row{}
	for _, r := range Rows() {
		byName[r.Name] = r
	}
	raws := make([]uint32, 1024)
	for i := range raws {
		r := byName[common[rnd.IntN(len(common))]]
		raws[i] = r.Match | rnd.Uint32()&^r.Mask
	}
	var sink Inst
	i := 0
	for b.Loop() {
		sink = d.Decode(raws[i&1023])
		i++
	}
	_ = sink
}

func BenchmarkDisassemble(b *testing.B) {
	in := everything().Decode(0x02c59553)
	for b.Loop() {
		_ = Disassemble(in, 0)
	}
}

func BenchmarkNewDecoder(b *testing.B) {
	for b.Loop() {
		NewDecoder(AllExtensions)
	}
}
