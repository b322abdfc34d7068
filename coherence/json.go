package coherence

import (
	"encoding/json"
	"strings"
)

// protocolJSON is a protocol for programs: its cells in the order of states and events.
type protocolJSON struct {
	Name   string      `json:"name"`
	Doc    string      `json:"description"`
	Alone  string      `json:"gets_alone"`  // the event that answers a GetS if no other cache holds the line
	Others string      `json:"gets_others"` // if one does
	States []stateJSON `json:"states"`
	Cells  []cellJSON  `json:"transitions"`
}

type stateJSON struct {
	Name string `json:"name"`
	Doc  string `json:"description"`
}

// cellJSON has either what is done, or why the event cannot come.
type cellJSON struct {
	State   string   `json:"state"`
	Event   string   `json:"event"`
	Next    string   `json:"next,omitempty"`
	Actions []string `json:"actions,omitempty"`
	Cannot  string   `json:"cannot,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (p *Protocol) MarshalJSON() ([]byte, error) {
	out := protocolJSON{Name: p.Name, Doc: p.Doc, Alone: p.Alone.String(), Others: p.Others.String()}
	for s := range NumStates {
		if !p.States[s].Used {
			continue
		}
		out.States = append(out.States, stateJSON{s.String(), p.States[s].Doc})
		for e := range NumEvents {
			cell := &p.Table[s][e]
			c := cellJSON{State: s.String(), Event: e.String(), Cannot: cell.Why}
			if !cell.Cannot() {
				c.Next = cell.Next.String()
				if cell.Do != 0 {
					c.Actions = strings.Split(cell.Do.String(), "+")
				}
			}
			out.Cells = append(out.Cells, c)
		}
	}
	return json.Marshal(out)
}
