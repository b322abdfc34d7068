package coherence

import (
	"fmt"
	"strings"
)

var stateNames = [NumStates]string{"Invalid", "Shared", "Exclusive", "Owned", "Modified", "Forward"}

// String is the state's name; its first letter is the customary one.
func (s State) String() string { return nameOf(stateNames[:], int(s), "State") }

var eventNames = [NumEvents]string{
	"Load", "Store", "Evict",
	"SnoopGetS", "SnoopGetM", "SnoopUpgrade", "SnoopRead", "SnoopInval", "SnoopClean",
	"FillShared", "FillExclusive", "FillForward", "FillModified", "UpgradeAck",
}

func (e Event) String() string { return nameOf(eventNames[:], int(e), "Event") }

var actionNames = [numActions]string{
	"Hit", "SendGetS", "SendGetM", "SendUpgrade", "PutClean", "PutDirty",
	"SupplyData", "WriteBackHome", "DropLine",
}

// String lists the actions, joined with +.
func (a Action) String() string {
	var names []string
	for i := range 16 {
		if a>>i&1 != 0 {
			names = append(names, nameOf(actionNames[:], i, "Action"))
		}
	}
	return strings.Join(names, "+")
}

func nameOf(names []string, i int, kind string) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s(%d)", kind, i)
}

// Title is the protocol's name as the literature writes it.
func (p *Protocol) Title() string { return strings.ToUpper(p.Name) }

var protocols = []*Protocol{MSI, MESI, MOESI, MESIF}

// ByName returns the protocol of that name, in lower or upper case.
func ByName(name string) (*Protocol, error) {
	for _, p := range protocols {
		if strings.EqualFold(p.Name, name) {
			return p, nil
		}
	}
	return nil, fmt.Errorf("unknown protocol %q; known are %s", name, strings.Join(Names(), ", "))
}

// Names lists the names that ByName knows.
func Names() []string {
	var names []string
	for _, p := range protocols {
		names = append(names, p.Name)
	}
	return names
}
