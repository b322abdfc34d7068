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
