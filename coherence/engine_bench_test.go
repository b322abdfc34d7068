package coherence

import (
	"fmt"
	"testing"

	"mcsim/cache"
)

// spinner is an agent that computes and never needs the bus.
type spinner struct {
	clock, x, n uint64
	per, limit  uint64
	stop        func()
}

func (s *spinner) Run(end uint64) (bool, uint64) {
	for s.clock < end {
		for range s.per {
			s.x = s.x*6364136223846793005 + 1442695040888963407
		}
		s.n += s.per
		s.clock++
	}
	if s.clock >= s.limit {
		s.stop()
	}
	return false, 0
}
func (s *spinner) Clock() uint64   { return s.clock }
func (s *spinner) WakeAt(c uint64) { s.clock = max(s.clock, c) }
func (s *spinner) Instret() uint64 { return s.n }

// BenchmarkRounds is the cost of a quantum of 4 agents that do work each.
func BenchmarkRounds(b *testing.B) {
	for _, lanes := range []int{1, 2} {
		for _, work := range []uint64{1, 1000, 4000, 20000} {
			b.Run(fmt.Sprintf("lanes=%d/work=%d", lanes, work), func(b *testing.B) {
				var m Map
				if err := m.Add(Region{Name: "ram", Base: 1 << 31, Size: 1 << 20}); err != nil {
					b.Fatal(err)
				}
				shape := cache.Config{Size: 4096, Ways: 4, Line: 64}
				bus, err := New(Config{Harts: 4, Protocol: MESI, L1I: shape, L1D: shape, BusWidth: 8, LLCBanks: 1}, m, nil)
				if err != nil {
					b.Fatal(err)
				}
				e := NewEngine(bus, 1, 1)
				for i := range 4 {
					e.Add(&spinner{per: work, limit: uint64(b.N), stop: e.Stop}, &bus.Private(i).Port)
				}
				b.ResetTimer()
				if err := e.Run(lanes); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
