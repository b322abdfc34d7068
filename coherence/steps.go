package coherence

import "fmt"

// step is one thing that can happen in a model.
type step struct {
	kind   stepKind
	cache  uint8
	line   uint8
	op     Event // stepHart
	value  uint8 // of a Store
	share  bool  // stepServe: fill a GetS with Others even if nobody else holds the line
	victim bool  // stepServe: the hart's copy of the other line makes room first
}

type stepKind uint8

const (
	stepHart   stepKind = iota // a hart accesses or evicts a line, or parks with a request
	stepServe                  // the bus serves a parked hart
	stepEvict                  // the LLC evicts the line; an inclusive one recalls it from the caches
	stepClean                  // cbo.clean
	stepFlush                  // cbo.flush; a DMA write begins likewise
	stepRead                   // a DMA read
	stepRecall                 // the filter is full and recalls the line; not where it lies beside an inclusive LLC
)

func (s step) String() string {
	switch s.kind {
	case stepHart:
		return fmt.Sprintf("c%d: %v line %d", s.cache, s.op, s.line)
	case stepServe:
		text := fmt.Sprintf("bus: serves c%d", s.cache)
		if s.victim {
			text += ", the other line makes room"
		}
		if s.share {
			text += ", as if the line were shared"
		}
		return text
	}
	what := map[stepKind]string{
		stepEvict: "home: evicts", stepClean: "home: cleans", stepFlush: "home: flushes", stepRead: "device: reads",
		stepRecall: "home: recalls",
	}
	return fmt.Sprintf("%s line %d", what[s.kind], s.line)
}

// steps lists what can happen in m, appending to buf: of twins, to one of them.
//
// Caches have room for all lines, and evict what they please, so that the ways of
// caches of every size are among the ways explored. What a hart that is not parked
// evicts is a step of its own. What makes room for the line that it waits for
// leaves when the bus serves it, and in the same step: victim.
func (w *world) steps(m *model, buf []step) []step {
	for c := range uint8(w.Caches) {
		if c > 0 && !w.everyStep && w.twins(m, c-1, c) {
			continue
		}
		if m.want[c].on {
			buf = w.services(m, c, buf)
			continue
		}
		for i := range uint8(w.Lines) {
			st := m.lines[i].st[c]
			buf = append(buf, step{kind: stepHart, cache: c, line: i, op: Load})
			for v := range w.stores(w.p.Table[st][Store].Do&Hit != 0) {
				buf = append(buf, step{kind: stepHart, cache: c, line: i, op: Store, value: v})
			}
			if st != Invalid {
				buf = append(buf, step{kind: stepHart, cache: c, line: i, op: Evict})
			}
		}
	}
	last := stepRecall
	if w.Home == HomeInclusive {
		last = stepRead
	}
	for i := range uint8(w.Lines) {
		for k := stepEvict; k <= last; k++ {
			buf = append(buf, step{kind: k, line: i})
		}
	}
	return buf
}

// twins says whether m stays as it is if caches a and b change places. Then what
// one can do leads to the same states, but for that, as what the other can.
func (w *world) twins(m *model, a, b uint8) bool {
	if m.want[a] != m.want[b] {
		return false
	}
	for i := range w.Lines {
		l := &m.lines[i]
		if l.st[a] != l.st[b] || l.val[a] != l.val[b] || l.filter>>a&1 != l.filter>>b&1 {
			return false
		}
	}
	return true
}

// stores is how many values a step may write: one stands for all where it does not.
func (w *world) stores(writes bool) uint8 {
	if writes {
		return uint8(w.Values)
	}
	return 1
}

// services lists how the bus may serve parked hart c.
func (w *world) services(m *model, c uint8, buf []step) []step {
	wt := m.want[c]
	l := &m.lines[wt.line]
	one := step{kind: stepServe, cache: c}
	for range 2 {
		for v := range w.stores(wt.op == Store) {
			one.value = v
			buf = append(buf, one)
		}
		if wt.op == Load && l.filter&^(1<<c) == 0 {
			shared := one
			shared.share = true
			buf = append(buf, shared)
		}
		if w.Lines == 1 || wt.op == Evict || l.st[c] != Invalid || m.lines[1-wt.line].st[c] == Invalid {
			break
		}
		one.victim = true
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
	w.take(m, s)
	return ""
}

// take is apply, which throws the rule that is broken.
func (w *world) take(m *model, s step) { w.takeFrom(m, s, w.rank(m)) }

// takeFrom is take where the rank of m is known.
func (w *world) takeFrom(m *model, s step, rank int) {
	w.move(m, s)
	if s.calms() && w.rank(m) >= rank {
		w.fail("the machine never comes to rest: what c%d does leads no nearer to it", s.cache)
	}
}

func (w *world) move(m *model, s step) {
	switch s.kind {
	case stepHart:
		w.hart(m, s)
		w.check(m, int(s.line))
	case stepServe:
		line := m.want[s.cache].line
		if s.victim {
			w.serveEvict(&m.lines[1-line], int(s.cache))
			w.check(m, int(1-line))
		}
		w.serve(m, s)
		w.check(m, int(line))
	default:
		w.atHome(&m.lines[s.line], s.kind)
		w.check(m, int(s.line))
	}
}

// calms says whether s leads towards rest: a request is served, or a copy is on
// its way out. Where there is no such step, all is at rest.
func (s step) calms() bool { return s.kind == stepServe || s.kind == stepHart && s.op == Evict }

// hart lets a running hart use its own cache.
func (w *world) hart(m *model, s step) {
	l, c := &m.lines[s.line], int(s.cache)
	cell := w.cell(l.st[c], s.op)
	switch {
	case s.op == Evict && w.quiet(cell):
		w.enter(l, c, Evict, cell)
	case s.op != Evict && cell.Do&Hit != 0:
		w.access(l, c, s.op, s.value, cell)
	default:
		if w.say != nil {
			w.say("  c%d parks with %v", c, cell.Do)
		}
		m.want[c] = want{true, s.op, s.line}
	}
}

// quiet says that an eviction needs no message.
func (w *world) quiet(cell *Cell) bool {
	return cell.Do&PutDirty == 0 && (w.Silent || cell.Do&PutClean == 0)
}

// serve carries out a parked hart's request by the state that its line has now.
func (w *world) serve(m *model, s step) {
	c, wt := int(s.cache), m.want[s.cache]
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
	case stepRecall:
		w.takeAway(l)
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
