package core

import (
	"encoding/binary"
	"testing"

	"mcsim/core/isa"
)

// FuzzCSRs executes a stream of CSR instructions in the modes that traps and
// the stream itself lead to. Twelve bytes are one: what, number, value. Nothing
// may panic, and the registers keep their invariants.
func FuzzCSRs(f *testing.F) {
	stream := func(steps ...[3]uint64) (b []byte) {
		for _, s := range steps {
			b = binary.LittleEndian.AppendUint16(b, uint16(s[0]))
			b = binary.LittleEndian.AppendUint16(b, uint16(s[1]))
			b = binary.LittleEndian.AppendUint64(b, s[2])
		}
		return b
	}
	f.Add(stream([3]uint64{1, 0x300, ^uint64(0)}, [3]uint64{1, 0x180, 8 << 60}, [3]uint64{0x12, 0x100, 3}))
	f.Add(stream([3]uint64{1, 0x303, 0x222}, [3]uint64{1, 0x304, 0xaaa}, [3]uint64{1, 0x344, 0x222}, [3]uint64{2, 0x300, 10}))
	f.Add(stream([3]uint64{1, 0x3a0, ^uint64(0)}, [3]uint64{1, 0x3b0, 5}, [3]uint64{1, 0x30a, ^uint64(0)}, [3]uint64{1, 0x14d, 0}))
	f.Add(stream([3]uint64{1, 0x320, ^uint64(0)}, [3]uint64{1, 0x323, 4}, [3]uint64{1, 0xb02, 0}, [3]uint64{7, 0, 0}))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := newRig(t)
		r.quiet()
		clock := uint64(0)
		for ; len(data) >= 12; data = data[12:] {
			what, num := uint32(data[0]), uint32(binary.LittleEndian.Uint16(data[2:])&4095)
			r.x[6] = binary.LittleEndian.Uint64(data[4:])
			inst := match("csrrw")&^0x7000 | what&7<<12 | 5<<7 | 6<<15 | num<<20
			switch what & 7 {
			case 0, 4:
				inst = []uint32{match("mret"), match("sret"), match("wfi"), match("sfence.vma")}[num&3]
			}
			r.pc = codeAt
			r.code(codeAt, inst)
			if what&8 != 0 {
				r.SetInterrupt([]uint{irqMSI, irqSEI, irqMEI}[num%3], what&16 != 0)
			}
			if what&32 != 0 {
				r.SetTimer(r.Clock() + r.x[6]%64)
			}
			for range 3 {
				if asleep, wake := r.Run(r.Clock() + 1); asleep {
					r.WakeAt(min(wake, r.Clock()+5))
				}
			}
			if now := r.Clock(); now < clock {
				t.Fatalf("the clock goes back from %d to %d", clock, now)
			}
			clock = r.Clock()
			r.checkCSRs(t)
		}
	})
}

// checkCSRs verifies what holds of the registers at any time.
func (h *Hart) checkCSRs(t *testing.T) {
	t.Helper()
	c := &h.csr
	read := func(num uint16) uint64 { return csrTable[num].read(h, num) }
	status := read(0x300)
	must := func(ok bool, what string) {
		t.Helper()
		if !ok {
			t.Fatalf("%s: mstatus %#x mip %#x mie %#x mideleg %#x in mode %d", what, status, c.mip, c.mie, c.mideleg, h.priv)
		}
	}
	must(h.priv == User || h.priv == Supervisor || h.priv == Machine, "mode")
	must(status>>mstatusMPPShift&3 != 2, "MPP")
	must(status>>32&15 == 0b1010 && status&^(statusBits|mstatusMPP|15<<32|mstatusSD) == 0, "fields that are not there")
	must((status>>63 == 1) == (status&mstatusFS == mstatusFS), "SD")
	must(h.fpOff == (status&mstatusFS == 0), "the FP switch")
	must(read(0x100) == status&(supBits|mstatusSD|2<<32), "sstatus")
	must(read(0x344)&^uint64(0xaaa) == 0 && c.mip == read(0x344), "mip")
	must(read(0x144) == c.mip&c.mideleg && read(0x104) == c.mie&c.mideleg, "sip, sie")
	must(c.mideleg&^uint64(supInterrupts) == 0 && c.medeleg>>11&1 == 0, "delegation")
	must(read(0x341)&1 == 0 && read(0x141)&1 == 0, "epc")
	must(c.mtvec&2 == 0 && c.stvec&2 == 0, "vectors")
	must(c.menvcfg>>4&3 != 2 && c.senvcfg>>4&3 != 2, "CBIE")
	mode := read(0x180) >> 60
	must(mode == 0 || mode >= 8 && mode <= 10, "satp")
	must(read(0x003) == read(0x002)<<5|read(0x001), "fcsr")
	must(h.x[0] == 0, "x0")
	for cfg := read(0x3a0); cfg != 0; cfg >>= 8 {
		must(cfg&3 != 2, "PMP of W without R")
	}
	for num, row := range csrTable {
		if row != nil && (row.check == nil || row.check(h, uint16(num))) {
			row.read(h, uint16(num)) // does not panic
		}
	}
}

// FuzzProgram executes arbitrary bytes as code, in every mode, with everything
// on: nothing may panic or stop the clock.
func FuzzProgram(f *testing.F) {
	f.Add(uint8(3), []byte{0x13, 0, 0, 0})
	f.Add(uint8(1), binary.LittleEndian.AppendUint32(nil, match("sret")))
	f.Add(uint8(0), binary.LittleEndian.AppendUint32(nil, opR("cbo.zero", 0, 1, 4)))
	var all []byte
	for _, row := range isa.Rows() {
		if row.Compressed() {
			all = binary.LittleEndian.AppendUint16(all, uint16(row.Match))
		} else {
			all = binary.LittleEndian.AppendUint32(all, row.Match)
		}
	}
	f.Add(uint8(7), all)
	f.Fuzz(func(t *testing.T, how uint8, code []byte) {
		if len(code) == 0 || len(code) > 8192 {
			return
		}
		r := newRig(t, withStores(int(how>>4&3)), func(c *rigConfig) { c.bus.IncoherentL1I = how&8 != 0 })
		r.poke(codeAt, code)
		r.poke(handler, code)
		r.csr.menvcfg, r.csr.senvcfg = ^uint64(0)&^uint64(2<<4), ^uint64(0)&^uint64(2<<4)
		for i := range 32 {
			r.x[i] = dataAt + uint64(i)*13
			r.f[i] = uint64(i) * 0x0123_4567_89ab_cdef
		}
		r.x[0] = 0
		if how&4 != 0 {
			r.mapPages(0x4000_0000, codeAt, pteV|pteR|pteW|pteX|pteA|pteD|uint64(how&1)<<4)
			r.pc = 0x4000_0000
		}
		if p := Priv(how & 3); p != 2 {
			r.setPriv(p)
		}
		for range 40 {
			before := r.Clock()
			if asleep, wake := r.Run(before + 50); asleep {
				r.WakeAt(min(wake, before+50))
			}
			if r.Clock() < before {
				t.Fatalf("the clock goes back from %d to %d", before, r.Clock())
			}
		}
		r.checkCSRs(t)
	})
}
