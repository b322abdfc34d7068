package coherence

import "fmt"

// step is one thing that can happen in a model.
type step struct {
	kind  stepKind
	cache int
	line  int
	op    Event // stepHart
	value uint8 // of a Store
	share bool  // stepServe: fill a GetS with Others even if nobody else holds the line
}

type stepKind uint8

const (
	stepHart  stepKind = iota // a hart accesses or evicts a line, or parks with a request
	stepServe                 // the bus serves a parked hart
	stepEvict                 // the home evicts the line from the LLC
	stepClean                 // cbo.clean
	stepFlush                 // cbo.flush; a DMA write begins likewise
	stepRead                  // a DMA read
)

func (s step) String() string {
	switch s.kind {
	case stepHart:
		return fmt.Sprintf("c%d: %v line %d", s.cache, s.op, s.line)
	case stepServe:
		if s.share {
			return fmt.Sprintf("bus: serves c%d, as if the line were shared", s.cache)
		}
		return fmt.Sprintf("bus: serves c%d", s.cache)
	}
	what := map[stepKind]string{
		stepEvict: "home: evicts", stepClean: "home: cleans", stepFlush: "home: flushes", stepRead: "device: reads",
	}
	return fmt.Sprintf("%s line %d", what[s.kind], s.line)
}

// steps lists what can happen in m, appending to buf.
func (w *world) steps(m *model, buf []step) []step {
	for c := range w.Caches {
		if wt := m.want[c]; wt.on {
			l := &m.lines[wt.line]
			for v := range uint8(w.Values) {
				if v == 0 || wt.op == Store {
					buf = append(buf, step{kind: stepServe, cache: c, value: v})
				}
			}
			if wt.op == Load && l.filter&^(1<<c) == 0 {
				buf = append(buf, step{kind: stepServe, cache: c, share: true})
			}
			continue
		}
		for i := range w.Lines {
			buf = append(buf, step{kind: stepHart, cache: c, line: i, op: Load})
			for v := range uint8(w.Values) {
				if v == 0 || w.p.Table[m.lines[i].st[c]][Store].Do&Hit != 0 {
					buf = append(buf, step{kind: stepHart, cache: c, line: i, op: Store, value: v})
				}
			}
			if m.lines[i].st[c] != Invalid {
				buf = append(buf, step{kind: stepHart, cache: c, line: i, op: Evict})
			}
		}
	}
	for i := range w.Lines {
		for k := stepEvict; k <= stepRead; k++ {
			buf = append(buf, step{kind: k, line: i})
		}
	}
	return buf
}

// apply carries out s and checks the result. A broken rule is returned in
// words.
func (w *world) apply(m *model, s step) (broken string) {
	defer func() {
		if r := recover(); r != nil {
			why, ok := r.(rule)
			if !ok {
				panic(r)
			}
			broken = string(why)
		}
	}()
	switch s.kind {
	case stepHart:
		w.hart(m, s)
	case stepServe:
		w.serve(m, s)
	default:
		w.atHome(&m.lines[s.line], s.kind)
	}
	w.check(m)
	return ""
}

// hart lets a running hart use its own cache.
func (w *world) hart(m *model, s step) {
	l := &m.lines[s.line]
	cell := w.cell(l.st[s.cache], s.op)
	switch {
	case s.op == Evict && w.quiet(cell):
		w.enter(l, s.cache, Evict, cell)
	case s.op != Evict && cell.Do&Hit != 0:
		w.access(l, s.cache, s.op, s.value, cell)
	default:
		if w.say != nil {
			w.say("  c%d parks with %v", s.cache, cell.Do)
		}
		m.want[s.cache] = want{true, s.op, uint8(s.line)}
	}
}

// quiet says that an eviction needs no message.
func (w *world) quiet(cell *Cell) bool {
	return cell.Do&PutDirty == 0 && (w.Silent || cell.Do&PutClean == 0)
}

// serve carries out a parked hart's request by the state that its line has now.
func (w *world) serve(m *model, s step) {
	c, wt := s.cache, m.want[s.cache]
	l := &m.lines[wt.line]
	m.want[c] = want{}
	if wt.op == Evict {
		w.serveEvict(l, c)
		return
	}
	cell := w.cell(l.st[c], wt.op)
	switch {
	case cell.Do&SendGetS != 0:
		data := w.snoop(l, c, SnoopGetS)
		answer := w.p.Alone
		if s.share || l.filter&^(1<<c) != 0 {
			answer = w.p.Others
		}
		w.fill(l, c, answer, data)
	case cell.Do&SendGetM != 0:
		w.fill(l, c, FillModified, w.snoop(l, c, SnoopGetM))
	case cell.Do&SendUpgrade != 0:
		w.snoop(l, c, SnoopUpgrade)
		w.fill(l, c, UpgradeAck, 0)
	case cell.Do&Hit == 0:
		w.fail("c%d's %v is stuck: nothing to send in %v", c, wt.op, l.st[c])
	}
	cell = w.cell(l.st[c], wt.op)
	if cell.Do&Hit == 0 {
		w.fail("c%d was answered, but its %v does not hit in %v", c, wt.op, l.st[c])
	}
	w.access(l, c, wt.op, s.value, cell)
}

func (w *world) serveEvict(l *mLine, c int) {
	if l.st[c] == Invalid {
		return // taken away before the bus came to it
	}
	cell := w.cell(l.st[c], Evict)
	if cell.Do&PutDirty != 0 {
		w.homeWrite(l, l.val[c])
	}
	w.enter(l, c, Evict, cell)
	if !w.quiet(cell) {
		l.filter &^= 1 << c
	}
}

// atHome is what the home or a device does.
func (w *world) atHome(l *mLine, kind stepKind) {
	switch kind {
	case stepEvict:
		if w.Home == HomeInclusive {
			w.takeAway(l)
		}
		l.flushLLC()
		l.llc = absent
	case stepClean:
		w.snoop(l, -1, SnoopClean)
		l.flushLLC()
		w.inMemory(l)
	case stepFlush:
		w.takeAway(l)
		l.flushLLC()
		l.llc = absent
		w.inMemory(l)
	case stepRead:
		if v := w.snoop(l, -1, SnoopRead); v != l.last {
			w.fail("a device reads %d, but the last write was %d", v, l.last)
		}
	}
}

func (w *world) takeAway(l *mLine) {
	w.snoop(l, -1, SnoopInval)
	for c := range w.Caches {
		if l.st[c] != Invalid {
			w.fail("c%d keeps a line that the home takes away", c)
		}
	}
}

func (w *world) inMemory(l *mLine) {
	if l.mem != l.last {
		w.fail("memory has %d after the clean, but the last write was %d", l.mem, l.last)
	}
}

// drain is a step towards quiet: serve the parked harts, then empty the caches.
// There is none when all is quiet.
func (w *world) drain(m *model) (s step, ok bool) {
	for c := range w.Caches {
		if m.want[c].on {
			return step{kind: stepServe, cache: c}, true
		}
	}
	for i := range w.Lines {
		for c := range w.Caches {
			if m.lines[i].st[c] != Invalid {
				return step{kind: stepHart, cache: c, line: i, op: Evict}, true
			}
		}
	}
	return step{}, false
}
