package coherence

import (
	"encoding/json"
	"strings"
	"testing"
)

// The JSON of a protocol is its whole table.
func TestProtocolJSON(t *testing.T) {
	for _, name := range Names() {
		p, err := ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Name        string
			States      []struct{ Name, Description string }
			Transitions []struct {
				State, Event, Next, Cannot string
				Actions                    []string
			}
		}
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		cells, used := map[string]*Cell{}, 0
		for s := range NumStates {
			if p.States[s].Used {
				used++
				for e := range NumEvents {
					cells[s.String()+" "+e.String()] = &p.Table[s][e]
				}
			}
		}
		if got.Name != p.Name || len(got.States) != used || len(got.Transitions) != used*int(NumEvents) {
			t.Errorf("%s: %s, %d states, %d transitions", name, got.Name, len(got.States), len(got.Transitions))
		}
		for _, c := range got.Transitions {
			key := c.State + " " + c.Event
			want := cells[key]
			delete(cells, key)
			switch {
			case want == nil:
				t.Errorf("%s: %s is not in the table, or twice in the JSON", name, key)
			case want.Cannot():
				if c.Cannot != want.Why || c.Cannot == "" || c.Next != "" || c.Actions != nil {
					t.Errorf("%s: %s: %+v", name, key, c)
				}
			case c.Cannot != "" || c.Next != want.Next.String() || strings.Join(c.Actions, "+") != want.Do.String():
				t.Errorf("%s: %s: %+v", name, key, c)
			}
		}
	}
}
