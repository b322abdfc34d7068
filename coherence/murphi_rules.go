package coherence

import (
	"fmt"
	"strings"
)

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

// evict writes a hart's eviction and the service of one that parked. A line that
// has gone in the meantime needs none.
func (m *murphi) evict() {
	w := world{p: m.p, Options: m.o}
	for _, verb := range []string{"Try", "Serve"} {
		m.line("procedure %sEvict(c: Cache);", verb)
		m.line("begin")
		m.line("  switch state[c]")
		for _, s := range m.used() {
			m.line("  case %v:", s)
			cell := &m.p.Table[s][Evict]
			quiet := w.quiet(cell)
			switch {
			case s == Invalid:
				continue
			case cell.Cannot():
				m.cannot("    ", s, Evict)
				continue
			case verb == "Try" && !quiet:
				m.line("    wish[c] := ToEvict;")
				continue
			case cell.Do&PutDirty != 0:
				m.line("    HomeWrites(data[c]);")
			}
			m.enter("    ", s, cell)
			if !quiet {
				m.line("    filter[c] := false;")
			}
		}
		m.line("  end;")
		m.line("end;")
		m.line("")
	}
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
    TryEvict(c);
  end;
  rule "bus serves eviction" wish[c] = ToEvict ==> begin
    wish[c] := Nothing;
    ServeEvict(c);
  end;
end;

rule "home flushes the line" true ==> begin
  TakeAway();
  FlushLLC();
`)
	m.forgetLLC()
	m.text(`
  if memory != last then error "memory is old after a flush"; end;
  Finish();
end;

rule "home cleans the line" true ==> begin
  AllSnoopClean();
  FlushLLC();
  if memory != last then error "memory is old after a clean"; end;
  Finish();
end;

rule "device reads" true ==> begin
  AllSnoopRead();
  if onBus != last then error "a device reads an old value"; end;
  Finish();
end;

`)
	m.homeRules()
	m.text(`
ruleset v: Value do
  startstate begin
    for c: Cache do
      state[c] := Invalid;
      undefine data[c];
      wish[c] := Nothing;
      filter[c] := false;
    end;
    memory := v;
`)
	m.forgetLLC()
	m.text(`
    last := v;
    supplied := false;
    undefine onBus;
  end;
end;

`)
}

func (m *murphi) forgetLLC() {
	if m.llc {
		m.line("  undefine llc;")
	}
}

// homeRules writes how the home makes room for other lines.
func (m *murphi) homeRules() {
	if m.o.Home != HomeInclusive {
		m.line("rule \"filter recalls the line\" true ==> begin")
		m.line("  TakeAway();")
		m.line("  Finish();")
		m.line("end;")
		m.line("")
	}
	if m.llc {
		m.line("rule \"LLC evicts the line\" true ==> begin")
		if m.o.Home == HomeInclusive {
			m.line("  TakeAway();")
		}
		m.line("  FlushLLC();")
		m.forgetLLC()
		m.line("  Finish();")
		m.line("end;")
		m.line("")
	}
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
	home := "memory = last"
	if m.llc {
		home = "isundefined(llc) & memory = last | !isundefined(llc) & llc = last"
	}
	m.line("  exists c: Cache do %s end | %s;", in("c", dirty), home)
	m.line("")
	m.line("invariant \"the filter knows of every copy\"")
	m.line("  forall c: Cache do state[c] != Invalid -> filter[c] end;")
	m.line("")
	if !m.o.Silent {
		m.line("invariant \"no copy leaves unannounced\"")
		m.line("  forall c: Cache do filter[c] -> state[c] != Invalid end;")
		m.line("")
	}
	m.line("liveness \"the machine can come to rest\"")
	m.line("  forall c: Cache do state[c] = Invalid & wish[c] = Nothing end;")
}
