package device

import (
	"reflect"
	"testing"
)

// wires records the notifications of a PLIC, by context.
type wires []bool

func (w wires) notify(hart int, machine, level bool) {
	i := 2*hart + 1
	if machine {
		i--
	}
	w[i] = level
}

func newPLIC(t testing.TB, harts, sources int) (*PLIC, wires) {
	t.Helper()
	w := make(wires, 2*harts)
	p, err := NewPLIC(harts, sources, w.notify)
	if err != nil {
		t.Fatal(err)
	}
	return p, w
}

func enableAt(context, source uint64) uint64 { return plicEnable + 0x80*context + source/32*4 }
func thresholdAt(context uint64) uint64      { return plicContext + 0x1000*context }
func claimAt(context uint64) uint64          { return thresholdAt(context) + 4 }

// One interrupt from its wire to its completion ("Interrupt Flow").
func TestPLICFlow(t *testing.T) {
	p, w := newPLIC(t, 2, 95)
	irq := p.Line(10)
	mustWrite(t, p, 0, 4*10, 4, 1)
	mustWrite(t, p, 0, enableAt(1, 10), 4, 1<<10)
	irq(true)
	if !w[1] || w[0] || w[2] || w[3] {
		t.Fatalf("notifications %v, want SEIP of hart 0 alone", w)
	}
	wantRead(t, p, 0, plicPending, 4, 1<<10)
	wantRead(t, p, 0, claimAt(0), 4, 0) // not enabled there
	wantRead(t, p, 0, claimAt(1), 4, 10)
	wantRead(t, p, 0, plicPending, 4, 0)
	if w[1] {
		t.Error("SEIP is high after the claim")
	}
	wantRead(t, p, 0, claimAt(1), 4, 0) // the gateway waits for completion
	mustWrite(t, p, 0, claimAt(1), 4, 10)
	if !w[1] {
		t.Error("SEIP is low after completion, though the wire is still high")
	}
	irq(false)
	wantRead(t, p, 0, claimAt(1), 4, 10) // the request outlives the wire ("Interrupt Gateways")
	mustWrite(t, p, 0, claimAt(1), 4, 10)
	wantRead(t, p, 0, plicPending, 4, 0)
}

// A pulsed source asks again after completion if it was driven since the claim, and
// is still high: nothing that came in is lost, and a handler that changed nothing
// is not called for ever.
func TestPLICPulsed(t *testing.T) {
	for name, x := range map[string]struct {
		drive []bool // between claim and completion
		again bool
	}{
		"nothing changed": {nil, false}, "low": {[]bool{false}, false}, "news": {[]bool{true}, true},
		"low and high": {[]bool{false, true}, true}, "news, low": {[]bool{true, false}, false},
	} {
		p, w := newPLIC(t, 1, 31)
		irq := p.PulsedLine(10)
		mustWrite(t, p, 0, 4*10, 4, 1)
		mustWrite(t, p, 0, enableAt(1, 10), 4, 1<<10)
		irq(true)
		irq(true) // one request, not two
		wantRead(t, p, 0, claimAt(1), 4, 10)
		for _, level := range x.drive {
			irq(level)
			if w[1] {
				t.Errorf("%s: notified before completion", name)
			}
		}
		mustWrite(t, p, 0, claimAt(1), 4, 10)
		if w[1] != x.again {
			t.Errorf("%s: notified after completion: %v, want %v", name, w[1], x.again)
		}
		for w[1] {
			wantRead(t, p, 0, claimAt(1), 4, 10)
			mustWrite(t, p, 0, claimAt(1), 4, 10)
		}
		irq(true) // and later news are heard
		if !w[1] {
			t.Errorf("%s: deaf from then on", name)
		}
	}
}

// "Interrupt Claim Process": the threshold holds back the notification, not
// the claim.
func TestPLICThreshold(t *testing.T) {
	p, w := newPLIC(t, 1, 31)
	mustWrite(t, p, 0, 4*3, 4, 2)
	mustWrite(t, p, 0, enableAt(0, 3), 4, 1<<3)
	mustWrite(t, p, 0, thresholdAt(0), 4, 2)
	p.SetLevel(3, true)
	if w[0] {
		t.Error("MEIP is high at a priority equal to the threshold")
	}
	mustWrite(t, p, 0, thresholdAt(0), 4, 1)
	if !w[0] {
		t.Error("MEIP is low at a priority above the threshold")
	}
	mustWrite(t, p, 0, thresholdAt(0), 4, 7)
	wantRead(t, p, 0, claimAt(0), 4, 3)
}

// "Interrupt Priorities": the highest first, the lowest id among equals, and
// never one of priority 0.
func TestPLICOrder(t *testing.T) {
	p, _ := newPLIC(t, 1, 1023)
	for i, priority := range map[int]uint64{5: 1, 40: 3, 41: 3, 1023: 7, 77: 0} {
		mustWrite(t, p, 0, 4*uint64(i), 4, priority)
		p.SetLevel(i, true)
	}
	for i := uint64(0); i < 1024; i += 32 {
		mustWrite(t, p, 0, enableAt(0, i), 4, 0xffffffff)
	}
	wantRead(t, p, 0, enableAt(0, 0), 4, 0xfffffffe) // source 0 does not exist
	for _, id := range []uint64{1023, 40, 41, 5, 0} {
		wantRead(t, p, 0, claimAt(0), 4, id)
	}
}

// "Interrupt Completion": an id that is not enabled for the context is
// silently ignored.
func TestPLICForeignCompletion(t *testing.T) {
	p, w := newPLIC(t, 1, 31)
	mustWrite(t, p, 0, 4*3, 4, 1)
	mustWrite(t, p, 0, enableAt(0, 3), 4, 1<<3)
	p.SetLevel(3, true)
	wantRead(t, p, 0, claimAt(0), 4, 3)
	mustWrite(t, p, 0, claimAt(1), 4, 3)
	for _, id := range []uint64{0, 1, 31, 32, 1023, 1024, 0xffffffff} {
		mustWrite(t, p, 0, claimAt(0), 4, id)
	}
	if w[0] {
		t.Error("completed by others")
	}
	mustWrite(t, p, 0, claimAt(0), 4, 3)
	if !w[0] {
		t.Error("not completed by its own context")
	}
}

func TestPLICRegisters(t *testing.T) {
	p, _ := newPLIC(t, 2, 40)
	mustWrite(t, p, 0, 4*7, 4, 0xffffffff) // WARL: as many bits as there are priorities
	wantRead(t, p, 0, 4*7, 4, PLICMaxPriority)
	mustWrite(t, p, 0, thresholdAt(3), 4, 0xffffffff)
	wantRead(t, p, 0, thresholdAt(3), 4, PLICMaxPriority)
	for _, off := range []uint64{0, 4 * 41, plicPending, plicPending + 0x80, enableAt(4, 0), enableAt(0, 64), thresholdAt(4), thresholdAt(0) + 8, 0x1ff000, PLICSize - 4} {
		mustWrite(t, p, 0, off, 4, 0xffffffff)
		wantRead(t, p, 0, off, 4, 0)
	}
	wantFaults(t, p, 4, 0, 1, 2, 8)
	wantFaults(t, p, 6, 4)
	wantFaults(t, p, PLICSize, 4)
	for _, c := range [][2]int{{0, 5}, {65, 5}, {1, 0}, {1, 1024}} {
		if _, err := NewPLIC(c[0], c[1], nil); err == nil {
			t.Errorf("%d harts, %d sources: no error", c[0], c[1])
		}
	}
}

type plicSource struct {
	wire, ip, busy bool
	priority       uint32

	pulsed          bool
	driven, claimed int // when, counted in steps
}

// plicModel is the specification told one source at a time: each has a
// gateway, and a core that looks at all of them whenever asked.
type plicModel struct {
	source    []plicSource
	enable    [][]bool // context, source
	threshold []uint32
}

func (m *plicModel) gateways() {
	for i := range m.source {
		if s := &m.source[i]; i > 0 && s.wire && !s.ip && !s.busy && (!s.pulsed || s.driven > s.claimed) {
			s.ip = true
		}
	}
}

func (m *plicModel) top(context int) (id int) {
	for i := len(m.source) - 1; i > 0; i-- {
		s := m.source[i]
		if s.ip && m.enable[context][i] && s.priority > 0 && (id == 0 || s.priority >= m.source[id].priority) {
			id = i
		}
	}
	return id
}

func (m *plicModel) claim(context, step int) int {
	id := m.top(context)
	if id != 0 {
		m.source[id].claimed = step
		m.source[id].ip, m.source[id].busy = false, true
	}
	return id
}

func (m *plicModel) complete(context, id int) {
	if id > 0 && id < len(m.source) && m.enable[context][id] {
		m.source[id].busy = false
	}
}

func TestPLICAgainstModel(t *testing.T) {
	rng := seeded(t)
	const sources, contexts = 70, 4
	for range 6 {
		p, w := newPLIC(t, contexts/2, sources)
		m := &plicModel{source: make([]plicSource, sources+1), threshold: make([]uint32, contexts)}
		for range contexts {
			m.enable = append(m.enable, make([]bool, sources+1))
		}
		for _, id := range []int{3, 10, 33, 70} {
			p.PulsedLine(id)
			m.source[id].pulsed = true
		}
		for step := range 2000 {
			id, c := rng.IntN(sources+1), rng.IntN(contexts)
			switch rng.IntN(8) {
			case 0, 1:
				level := rng.IntN(2) == 0
				p.SetLevel(id, level)
				m.source[id].wire, m.source[id].driven = level, step+1
			case 2:
				v := rng.Uint32N(8)
				mustWrite(t, p, 0, 4*uint64(id), 4, uint64(v))
				m.source[id].priority = v
			case 3:
				v := rng.Uint32() & rng.Uint32()
				mustWrite(t, p, 0, enableAt(uint64(c), uint64(id)), 4, uint64(v))
				for b := range 32 {
					if i := id/32*32 + b; i > 0 && i <= sources {
						m.enable[c][i] = v>>b&1 != 0
					}
				}
			case 4:
				v := rng.Uint32N(4)
				mustWrite(t, p, 0, thresholdAt(uint64(c)), 4, uint64(v))
				m.threshold[c] = v
			case 5, 6:
				if got, want := mustRead(t, p, 0, claimAt(uint64(c)), 4), m.claim(c, step+1); got != uint64(want) {
					t.Fatalf("step %d: context %d claims %d, want %d", step, c, got, want)
				}
			case 7:
				mustWrite(t, p, 0, claimAt(uint64(c)), 4, uint64(id))
				m.complete(c, id)
			}
			m.gateways()
			for i := range w {
				if want := m.source[m.top(i)].priority > m.threshold[i] && m.top(i) > 0; w[i] != want {
					t.Fatalf("step %d: notification of context %d is %v, want %v", step, i, w[i], want)
				}
			}
			for i := range m.source {
				if got := mustRead(t, p, 0, plicPending+uint64(i/32*4), 4)>>(i%32)&1 != 0; got != m.source[i].ip {
					t.Fatalf("step %d: IP of source %d is %v", step, i, got)
				}
			}
		}
	}
}

func FuzzPLIC(f *testing.F) {
	for _, p := range programs(4) {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, _ := newPLIC(t, 2, 60)
		p.PulsedLine(5)
		for _, o := range program(data) {
			off := o.off % (PLICSize + 64)
			switch o.kind % 4 {
			case 0:
				off %= 4 * 64
			case 1:
				off = plicEnable + off%0x400
			case 2:
				off = plicContext + off%0x5008
			}
			ok := o.size == 4 && off%4 == 0 && off < PLICSize
			if p.Write(0, off, o.size, o.v) != ok {
				t.Fatalf("write of %d bytes at %#x", o.size, off)
			}
			p.SetLevel(int(o.skip%64), o.v&1 != 0)
			if _, got := p.Read(0, off, o.size); got != ok {
				t.Fatalf("read of %d bytes at %#x", o.size, off)
			}
			for i, m := range p.mask {
				if s := &p.st; (s.Pending[i]|s.InService[i]|s.Level[i])&^m|s.Heard[i]&^p.pulsed[i] != 0 {
					t.Fatalf("word %d has bits of sources that do not exist", i)
				} else if lost := s.Level[i] &^ s.Pending[i] &^ s.InService[i] &^ s.Heard[i]; lost != 0 {
					t.Fatalf("word %d: high wires %#x are neither pending nor in service", i, lost)
				}
			}
		}
		q, _ := newPLIC(t, 2, 60)
		q.PulsedLine(5)
		copyState(t, p, q)
		if !reflect.DeepEqual(p.st, q.st) || !reflect.DeepEqual(p.wires, q.wires) {
			t.Fatal("restored differently")
		}
	})
}
