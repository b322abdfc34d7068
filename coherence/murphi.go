package coherence

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// ExportMurphi writes the protocol as a model in the Murphi language, for one
// line, nCaches caches and nValues data values, with the rules that Explore
// checks as invariants. The model is generated from the table alone, so that
// an independent checker (rumur, CMurphi) judges what the simulator runs:
//
//	rumur model.m --output model.c && cc -O2 -o model model.c -lpthread && ./model
//
// Caches and values are scalarsets: the checker explores them up to symmetry.
// Clean evictions are silent and announced, as the model's rules please. The
// home is one value: where the LLC ends and memory begins is no matter of the
// table. The error is Validate's, or w's.
func ExportMurphi(w io.Writer, p *Protocol, nCaches, nValues int) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if nCaches < 2 || nValues < 2 {
		return fmt.Errorf("a Murphi model needs at least 2 caches and 2 values, not %d and %d", nCaches, nValues)
	}
	m := murphi{w: bufio.NewWriter(w), p: p}
	m.header(nCaches, nValues)
	for e := SnoopGetS; e <= UpgradeAck; e++ {
		m.event(e)
	}
	m.bus()
	m.accesses()
	m.rules()
	m.invariants()
	return m.w.Flush()
}

type murphi struct {
	w *bufio.Writer
	p *Protocol
}

func (m *murphi) line(format string, args ...any) { fmt.Fprintf(m.w, format+"\n", args...) }

func (m *murphi) text(s string) { m.w.WriteString(strings.TrimPrefix(s, "\n")) }

// used lists the protocol's states.
func (m *murphi) used() (states []State) {
	for s := range NumStates {
		if m.p.States[s].Used {
			states = append(states, s)
		}
	}
	return states
}

func (m *murphi) header(nCaches, nValues int) {
	var names []string
	for _, s := range m.used() {
		names = append(names, s.String())
	}
	m.line("-- %s, generated from the simulator's table.", m.p.Title())
	m.line("const")
	m.line("  NumCaches: %d;", nCaches)
	m.line("  NumValues: %d;", nValues)
	m.line("type")
	m.line("  Cache: scalarset(NumCaches);")
	m.line("  Value: scalarset(NumValues);")
	m.line("  State: enum { %s };", strings.Join(names, ", "))
	m.text(`
  Wish: enum { Nothing, ToLoad, ToStore, ToEvict };
var
  state: array[Cache] of State;
  data: array[Cache] of Value;  -- undefined where Invalid
  wish: array[Cache] of Wish;   -- a parked hart's request
  home: Value;
  last: Value;                  -- the latest write, in bus order
  -- the request being served; cleared after each rule
  supplied: boolean;            -- a cache has put the data on the bus
  onBus: Value;

`)
}

// enter writes a change of cache c's state.
func (m *murphi) enter(indent string, from State, cell *Cell) {
	if cell.Next == from {
		return
	}
	m.line("%sstate[c] := %v;", indent, cell.Next)
	if cell.Next == Invalid {
		m.line("%sundefine data[c];", indent)
	}
}

// event writes what a snoop or an answer does to a cache, as a procedure.
func (m *murphi) event(e Event) {
	m.line("procedure %v(c: Cache);", e)
	m.line("begin")
	m.line("  switch state[c]")
	for _, s := range m.used() {
		m.line("  case %v:", s)
		cell := &m.p.Table[s][e]
		if cell.Cannot() {
			m.cannot("    ", s, e)
			continue
		}
		if cell.Do&SupplyData != 0 {
			m.line("    if supplied then error \"two caches supply the data\"; end;")
			m.line("    supplied := true;")
			m.line("    onBus := data[c];")
		}
		if cell.Do&WriteBackHome != 0 {
			m.line("    home := data[c];")
		}
		m.enter("    ", s, cell)
	}
	m.line("  end;")
	m.line("end;")
	m.line("")
}

func (m *murphi) cannot(indent string, s State, e Event) {
	why := strings.ReplaceAll(m.p.Table[s][e].Why, `"`, `'`)
	m.line("%serror \"%v met %v, which cannot be: %s\";", indent, e, s, why)
}

// bus writes the procedures that snoop all caches but one, and those that get
// one cache what it asked for.
func (m *murphi) bus() {
	for _, e := range []Event{SnoopGetS, SnoopGetM, SnoopUpgrade} {
		m.line("procedure Others%v(asker: Cache);", e)
		m.line("begin")
		m.line("  for c: Cache do if c != asker then %v(c); end; end;", e)
		m.line("  if !supplied then onBus := home; end;")
		m.line("end;")
		m.line("")
	}
	for _, e := range []Event{SnoopRead, SnoopInval, SnoopClean} {
		m.line("procedure All%v();", e)
		m.line("begin")
		m.line("  for c: Cache do %v(c); end;", e)
		m.line("  if !supplied then onBus := home; end;")
		m.line("end;")
		m.line("")
	}
	m.line("procedure GetS(c: Cache; share: boolean);")
	m.line("begin")
	m.line("  OthersSnoopGetS(c);")
	m.line("  if share | exists o: Cache do o != c & state[o] != Invalid end then")
	m.line("    %v(c);", m.p.Others)
	m.line("  else")
	m.line("    %v(c);", m.p.Alone)
	m.line("  end;")
	m.text(`
  data[c] := onBus;
end;

procedure GetM(c: Cache);
begin
  OthersSnoopGetM(c);
  if onBus != last then error "a writer is given old data"; end;
  FillModified(c);
  data[c] := onBus;
end;

procedure Upgrade(c: Cache);
begin
  OthersSnoopUpgrade(c);
  UpgradeAck(c);
end;

procedure Finish();
begin
  supplied := false;
  undefine onBus;
end;

`)
}

// accesses writes three procedures: an access that hits, a hart's attempt that
// hits or parks, and the service of a parked one.
func (m *murphi) accesses() {
	for _, op := range []Event{Load, Store} {
		m.line("procedure Hit%v(c: Cache; v: Value);", op)
		m.line("begin")
		m.line("  switch state[c]")
		for _, s := range m.used() {
			m.line("  case %v:", s)
			cell := &m.p.Table[s][op]
			switch {
			case cell.Do&Hit == 0:
				m.line("    error \"%v does not hit in %v after its request was served\";", op, s)
				continue
			case op == Load:
				m.line("    if data[c] != last then error \"a load reads an old value\"; end;")
			case op == Store:
				m.line("    data[c] := v;")
				m.line("    last := v;")
			}
			m.enter("    ", s, cell)
		}
		m.line("  end;")
		m.line("end;")
		m.line("")
		m.access("Try", op, func(cell *Cell) string {
			if cell.Do&Hit != 0 {
				return fmt.Sprintf("Hit%v(c, v);", op)
			}
			return fmt.Sprintf("wish[c] := To%v;", op)
		})
		m.access("Serve", op, func(cell *Cell) string {
			request := map[Action]string{SendGetS: "GetS(c, share); ", SendGetM: "GetM(c); ", SendUpgrade: "Upgrade(c); "}
			return fmt.Sprintf("%sHit%v(c, v);", request[cell.Do], op)
		})
	}
	m.evict()
}

func (m *murphi) access(verb string, op Event, do func(*Cell) string) {
	m.line("procedure %s%v(c: Cache; v: Value; share: boolean);", verb, op)
	m.line("begin")
	m.line("  switch state[c]")
	for _, s := range m.used() {
		m.line("  case %v:", s)
		if cell := &m.p.Table[s][op]; cell.Cannot() {
			m.cannot("    ", s, op)
		} else {
			m.line("    %s", do(cell))
		}
	}
	m.line("  end;")
	m.line("end;")
	m.line("")
}

// evict writes the service of an eviction. A line that has gone in the meantime
// needs none.
func (m *murphi) evict() {
	m.line("procedure ServeEvict(c: Cache);")
	m.line("begin")
	m.line("  switch state[c]")
	for _, s := range m.used() {
		m.line("  case %v:", s)
		cell := &m.p.Table[s][Evict]
		switch {
		case s == Invalid:
			continue
		case cell.Cannot():
			m.cannot("    ", s, Evict)
			continue
		case cell.Do&PutDirty != 0:
			m.line("    home := data[c];")
		}
		m.enter("    ", s, cell)
	}
	m.line("  end;")
	m.line("end;")
	m.line("")
}

func (m *murphi) rules() {
	m.text(`
ruleset c: Cache; v: Value do
  rule "store" wish[c] = Nothing ==> begin
    TryStore(c, v, false);
  end;
  rule "bus serves store" wish[c] = ToStore ==> begin
    wish[c] := Nothing;
    ServeStore(c, v, false);
    Finish();
  end;
end;

ruleset c: Cache; share: boolean do
  rule "bus serves load" wish[c] = ToLoad ==> begin
    wish[c] := Nothing;
    ServeLoad(c, last, share);
    Finish();
  end;
end;

ruleset c: Cache do
  rule "load" wish[c] = Nothing ==> begin
    TryLoad(c, last, false);
  end;
  rule "evict" wish[c] = Nothing & state[c] != Invalid ==> begin
    wish[c] := ToEvict;
  end;
  rule "bus serves eviction" wish[c] = ToEvict ==> begin
    wish[c] := Nothing;
    ServeEvict(c);
  end;
end;

rule "home takes the line away" true ==> begin
  AllSnoopInval();
  if exists c: Cache do state[c] != Invalid end then error "a cache keeps a line that the home takes away"; end;
  if home != last then error "memory is old after a flush"; end;
  Finish();
end;

rule "home cleans the line" true ==> begin
  AllSnoopClean();
  if home != last then error "memory is old after a clean"; end;
  Finish();
end;

rule "device reads" true ==> begin
  AllSnoopRead();
  if onBus != last then error "a device reads an old value"; end;
  Finish();
end;

ruleset v: Value do
  startstate begin
    for c: Cache do
      state[c] := Invalid;
      undefine data[c];
      wish[c] := Nothing;
    end;
    home := v;
    last := v;
    supplied := false;
    undefine onBus;
  end;
end;

`)
}

// those is a Murphi expression: cache c is in a state that has the property.
func (m *murphi) those(has func(StateInfo) bool) string {
	var terms []string
	for _, s := range m.used() {
		if has(m.p.States[s]) {
			terms = append(terms, fmt.Sprintf("state[%%[1]s] = %v", s))
		}
	}
	if terms == nil {
		return "(false)"
	}
	return "(" + strings.Join(terms, " | ") + ")"
}

func (m *murphi) invariants() {
	in := func(c, set string) string { return strings.ReplaceAll(set, "%[1]s", c) }
	read := m.those(func(i StateInfo) bool { return i.Read })
	write := m.those(func(i StateInfo) bool { return i.Write })
	dirty := m.those(func(i StateInfo) bool { return i.Dirty })
	m.line("invariant \"one writer or many readers\"")
	m.line("  forall a: Cache do forall b: Cache do")
	m.line("    a != b & %s -> !%s", in("a", write), in("b", read))
	m.line("  end end;")
	m.line("")
	m.line("invariant \"every readable copy is the last write\"")
	m.line("  forall c: Cache do %s -> data[c] = last end;", in("c", read))
	m.line("")
	m.line("invariant \"one dirty copy at most\"")
	m.line("  forall a: Cache do forall b: Cache do")
	m.line("    a != b & %s -> !%s", in("a", dirty), in("b", dirty))
	m.line("  end end;")
	m.line("")
	m.line("invariant \"without a dirty copy, the home is up to date\"")
	m.line("  exists c: Cache do %s end | home = last;", in("c", dirty))
	m.line("")
	m.line("liveness \"the machine can come to rest\"")
	m.line("  forall c: Cache do state[c] = Invalid & wish[c] = Nothing end;")
}
