package stub

import "fmt"

// DefaultName, Default and Get stand in for package guests.
const DefaultName = "default"

func Default() []byte { return []byte("\x7fELF") }

func Get(name string) ([]byte, error) {
	if name != "hello" && name != "default" && name != "fault-loop" {
		return nil, fmt.Errorf("no guest program %q; there are fault-loop, hello", name)
	}
	return []byte("\x7fELF"), nil
}
