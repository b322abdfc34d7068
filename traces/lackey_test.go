package traces

import (
	"io"
	"strings"
	"testing"
)

// readAll reads a whole stream in batches of the given length.
func readAll(r Reader, batch int) (all []Ref, err error) {
	refs := make([]Ref, batch)
	for {
		n, err := r.Read(refs)
		all = append(all, refs[:n]...)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}

func readString(t *testing.T, content, format string) ([]Ref, error) {
	t.Helper()
	trace, err := Open("-", Options{Format: format, Stdin: strings.NewReader(content)})
	if err != nil {
		return nil, err
	}
	defer trace.Close()
	return readAll(trace.Readers()[0], 3)
}

func TestLackey(t *testing.T) {
	refs, err := readString(t, `==1== Lackey
I  04001f00,3
 L 1ffefff6c8,8
 M 0421b4f0,4
I  ffffffffffffffff,1
 S 1000,16`, "")
	if err != nil {
		t.Fatal(err)
	}
	want := []Ref{
		{VA: 0x4001f00, PC: 0x4001f00, Kind: Fetch, Size: 3, Instructions: 1},
		{VA: 0x1ffefff6c8, PC: 0x4001f00, Kind: Load, Size: 8},
		{VA: 0x421b4f0, PC: 0x4001f00, Kind: Load, Size: 4},
		{VA: 0x421b4f0, PC: 0x4001f00, Kind: Store, Size: 4},
		{VA: 1<<64 - 1, PC: 1<<64 - 1, Kind: Fetch, Size: 1, Instructions: 1},
		{VA: 0x1000, PC: 1<<64 - 1, Kind: Store, Size: 16},
	}
	if len(refs) != len(want) {
		t.Fatalf("%d references: %+v", len(refs), refs)
	}
	for i, w := range want {
		w.Has = HasVA | HasPC | HasSize
		if refs[i] != w {
			t.Errorf("reference %d is %+v, want %+v", i, refs[i], w)
		}
	}
}

// In a trace without its fetches each line of data is an instruction, up to the
// first fetch: else no time would pass in it.
func TestLackeyOfDataAlone(t *testing.T) {
	refs, err := readString(t, " L 1000,8\n M 2000,4\n S 3000,8\nI  5000,4\n L 6000,4\n", "")
	if err != nil {
		t.Fatal(err)
	}
	want := []uint32{1, 1, 0, 1, 1, 0} // a modify is one instruction, of two references
	if len(refs) != len(want) {
		t.Fatalf("%d references: %+v", len(refs), refs)
	}
	for i, w := range want {
		if refs[i].Instructions != w {
			t.Errorf("reference %d: %d instructions, want %d", i, refs[i].Instructions, w)
		}
	}
}
