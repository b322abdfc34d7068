package coherence

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// ExportMurphi writes the protocol as a model in the Murphi language, for one line
// and the caches, values, evictions and home of o, with the rules that Explore
// checks as invariants. The model is generated from the table alone, so that
// an independent checker (rumur, CMurphi) judges what the simulator runs:
//
//	rumur model.m --output model.c && cc -O2 -o model model.c -lpthread && ./model
//
// Caches and values are scalarsets: the checker explores them up to symmetry, and
// finds as many states as Explore. The error is Validate's, o's, or w's.
func ExportMurphi(w io.Writer, p *Protocol, o Options) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if o.Caches < 2 || o.Values < 2 || o.Lines != 1 || o.Home >= NumHomeKinds {
		return fmt.Errorf("a Murphi model has one line and at least 2 caches and 2 values, not %d, %d and %d", o.Lines, o.Caches, o.Values)
	}
	m := murphi{w: bufio.NewWriter(w), p: p, o: o, llc: o.Home != HomeMemory}
	m.header()
	m.home()
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
	w   *bufio.Writer
	p   *Protocol
	o   Options
	llc bool // the home has an LLC
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

func (m *murphi) header() {
	var names []string
	for _, s := range m.used() {
		names = append(names, s.String())
	}
	m.line("-- %s, generated from the simulator's table.", m.p.Title())
	evictions := "announced"
	if m.o.Silent {
		evictions = "silent"
	}
	m.line("-- Clean evictions are %s. Home: %v.", evictions, m.o.Home)
	m.line("const")
	m.line("  NumCaches: %d;", m.o.Caches)
	m.line("  NumValues: %d;", m.o.Values)
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
  filter: array[Cache] of boolean; -- the home believes that it has a copy
  memory: Value;
`)
	if m.llc {
		m.line("  llc: Value;                   -- undefined where it does not hold the line")
	}
	m.text(`
  last: Value;                  -- the latest write, in bus order
  -- the request being served; cleared after each rule
  supplied: boolean;            -- a cache has put the data on the bus
  onBus: Value;

`)
}

// home writes what reads and writes the line at its home.
func (m *murphi) home() {
	if !m.llc {
		m.text(`
procedure HomeWrites(v: Value); begin memory := v; end;
procedure HomeReads(); begin onBus := memory; end;
procedure FlushLLC(); begin end;

`)
		return
	}
	m.text(`
procedure HomeWrites(v: Value); begin llc := v; end;
procedure HomeReads();
begin
  if isundefined(llc) then onBus := memory; else onBus := llc; end;
end;
procedure FlushLLC();
begin
  if !isundefined(llc) then memory := llc; end;
end;

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
			m.line("    HomeWrites(data[c]);")
		}
		m.enter("    ", s, cell)
		if cell.Next == Invalid {
			m.line("    filter[c] := false;")
		}
	}
	m.line("  end;")
	m.line("end;")
	m.line("")
}

func (m *murphi) cannot(indent string, s State, e Event) {
	why := strings.ReplaceAll(m.p.Table[s][e].Why, `"`, `'`)
	m.line("%serror \"%v met %v, which cannot be: %s\";", indent, e, s, why)
}

// bus writes the procedures that snoop all caches but one that the filter names, and
// those that get one cache what it asked for.
func (m *murphi) bus() {
	for _, e := range []Event{SnoopGetS, SnoopGetM, SnoopUpgrade} {
		m.line("procedure Others%v(asker: Cache);", e)
		m.line("begin")
		m.line("  for c: Cache do if c != asker & filter[c] then %v(c); end; end;", e)
		m.line("  if !supplied then")
		m.line("    HomeReads();")
		if m.o.Home == HomeNonInclusive && e != SnoopUpgrade {
			m.line("    llc := onBus;")
		}
		m.line("  end;")
		m.line("end;")
		m.line("")
	}
	for _, e := range []Event{SnoopRead, SnoopInval, SnoopClean} {
		m.line("procedure All%v();", e)
		m.line("begin")
		m.line("  for c: Cache do if filter[c] then %v(c); end; end;", e)
		m.line("  if !supplied then HomeReads(); end;")
		m.line("end;")
		m.line("")
	}
	m.text(`
procedure Given(c: Cache);
begin
  if onBus != last then error "a cache is given old data"; end;
  data[c] := onBus;
  filter[c] := true;
`)
	if m.o.Home == HomeInclusive {
		m.line("  if isundefined(llc) then llc := onBus; end;")
	}
	m.text(`
end;

procedure GetS(c: Cache; share: boolean);
begin
  OthersSnoopGetS(c);
  if share | exists o: Cache do o != c & filter[o] end then
`)
	m.line("    %v(c);", m.p.Others)
	m.line("  else")
	m.line("    %v(c);", m.p.Alone)
	m.text(`
  end;
  Given(c);
end;

procedure GetM(c: Cache);
begin
  OthersSnoopGetM(c);
  FillModified(c);
  Given(c);
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

procedure TakeAway();
begin
  AllSnoopInval();
  if exists c: Cache do state[c] != Invalid end then error "a cache keeps a line that the home takes away"; end;
end;

`)
}
