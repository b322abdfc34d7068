package coherence

import (
	"bytes"
	"strings"
	"testing"
)

func TestProtocolForm(t *testing.T) {
	for _, p := range protocols {
		if err := p.Validate(); err != nil {
			t.Error(err)
		}
		if found, err := ByName(strings.ToUpper(p.Name)); err != nil || found != p {
			t.Errorf("ByName(%s) is %v, %v", p.Title(), found, err)
		}
		if p.Doc == "" || !p.States[Invalid].Used || p.Table[Invalid][Load].Next != Invalid {
			t.Errorf("%s: incomplete", p.Name)
		}
		for s := range NumStates {
			if info := p.States[s]; info.Used != (info.Doc != "") {
				t.Errorf("%s: state %v: used %v, described %q", p.Name, s, info.Used, info.Doc)
			}
		}
	}
	if _, err := ByName("dragon"); err == nil || !strings.Contains(err.Error(), "msi, mesi, moesi, mesif") {
		t.Errorf("an unknown protocol: %v", err)
	}
}

// Each malformed cell is named.
func TestValidate(t *testing.T) {
	for _, test := range []struct {
		s    State
		e    Event
		cell Cell
		want string
	}{
		{Shared, Load, Cell{}, "mesi: Shared on Load: the cell is empty"},
		{Shared, Load, cannot(""), "no reason given"},
		{Owned, Load, to(Shared, Hit), "the protocol has no such state"},
		{Shared, Load, to(Forward, Hit), "no state Forward to go to"},
		{Shared, Load, to(Shared, SupplyData), "SupplyData makes no sense here"},
		{Shared, SnoopGetM, to(Invalid), "DropLine goes with"},
		{Shared, SnoopGetS, to(Shared, DropLine), "DropLine goes with"},
		{Shared, SnoopInval, to(Shared), "the home takes the copy away"},
		{Shared, Store, to(Shared, Hit, SendGetM), "either hits or sends one request"},
		{Shared, Store, to(Modified, SendGetM), "changes nothing before it is served"},
		{Exclusive, Store, to(Exclusive, Hit), "a written copy is dirty"},
		{Exclusive, Load, to(Shared, Hit), "a read changes nothing"},
		{Exclusive, SnoopInval, to(Invalid, DropLine, WriteBackHome), "nothing to write back"},
		{Modified, Evict, to(Invalid, DropLine, PutClean, PutDirty), "put once"},
		{Modified, SnoopClean, to(Modified, WriteBackHome), "a cleaned copy is not dirty"},
		{Modified, SnoopGetS, to(Invalid, SupplyData, WriteBackHome, DropLine), "takes no copy away"},
		{Modified, SnoopRead, to(Shared, SupplyData, WriteBackHome), "a device's read changes nothing"},
		{Invalid, FillShared, to(Exclusive), "FillShared means Shared"},
	} {
		p := *MESI
		p.Table[test.s][test.e] = test.cell
		err := p.Validate()
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v on %v: %v, want only %q", test.s, test.e, err, test.want)
		}
		if _, err := Explore(t.Context(), &p, Options{Caches: 2, Lines: 1, Values: 2}, nil); err == nil {
			t.Errorf("%v on %v: explored", test.s, test.e)
		}
		if err := ExportMurphi(&bytes.Buffer{}, &p, Options{Caches: 2, Lines: 1, Values: 2}); err == nil {
			t.Errorf("%v on %v: exported", test.s, test.e)
		}
	}
	p := *MESI
	p.Alone = FillModified
	if err := p.Validate(); err == nil || !strings.Contains(err.Error(), "cannot be answered with FillModified") {
		t.Errorf("alone FillModified: %v", err)
	}
}

// The printed tables are what reviewers and the documentation read.
func TestTables(t *testing.T) {
	for _, p := range protocols {
		var text bytes.Buffer
		if err := p.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		golden(t, p.Name+".txt", text.String())
	}
	var md bytes.Buffer
	if err := MESIF.WriteMarkdown(&md); err != nil {
		t.Fatal(err)
	}
	golden(t, "mesif.md", md.String())
}

func TestNames(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{(SupplyData | WriteBackHome).String(), "SupplyData+WriteBackHome"},
		{Action(1 << 15).String(), "Action(15)"},
		{Owned.String(), "Owned"},
		{NumStates.String(), "State(6)"},
		{UpgradeAck.String(), "UpgradeAck"},
		{NumEvents.String(), "Event(14)"},
	} {
		if test.got != test.want {
			t.Errorf("%s, want %s", test.got, test.want)
		}
	}
}

// The bus looks a cell up for every snoop.
func BenchmarkCell(b *testing.B) {
	p, sum := MOESI, Action(0)
	for i := range b.N {
		c := &p.Table[State(i)%NumStates][Event(i)%NumEvents]
		sum += c.Do
	}
	_ = sum
}
