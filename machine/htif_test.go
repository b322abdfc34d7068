package machine_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"mcsim/event"
	"mcsim/machine"
	"mcsim/machine/log"
)

// What a program asks of HTIF in vain is in the log each time, and is told to the user
// once: a program that waits for the answer would stand still without a word.
func TestHTIFWarnings(t *testing.T) {
	const at = 0x40 // of tohost
	code := []uint32{auipc(t1, 0), addi(t0, zero, 512), sd(t0, t1, at), sd(t0, t1, at), addi(t0, zero, 5), slli(t0, t0, 48), sd(t0, t1, at),
		addi(t0, zero, 3), sd(t0, t1, at), spin}
	text := assemble(append(code, make([]uint32, 32-len(code))...)...)
	im, err := machine.ReadELF(bytes.NewReader(text), int64(len(text)), "asks")
	if err != nil {
		t.Fatal(err)
	}
	im.Symbols = []machine.Symbol{{Name: "tohost", Value: uint64(machine.RAMBase) + at, Size: 8}}
	var lines bytes.Buffer
	w := log.New(&lines, log.Options{Level: event.Warn})
	m, err := machine.New(configure(t, nil), machine.Options{Log: w})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Load(im); err != nil {
		t.Fatal(err)
	}
	var said []string
	res, err := m.Run(t.Context(), machine.Limits{Cycles: 1e5, Warn: func(text string) { said = append(said, text) }})
	if err != nil || res.Reason != "exit" || res.ExitCode != 1 {
		t.Errorf("%+v %v", res, err)
	}
	if len(said) != 2 || !strings.Contains(said[0], "system call outside of memory (0x200)") || !strings.Contains(said[1], "unknown command (0x5000000000000)") {
		t.Errorf("said %q", said)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(lines.String()) {
		if strings.Contains(line, "htif-warning") {
			_, what, _ := strings.Cut(strings.TrimSpace(line), `"what":`)
			got = append(got, what)
		}
	}
	if want := []string{`"memory","value":"0x200"}`, `"memory","value":"0x200"}`, `"command","value":"0x5000000000000"}`}; !slices.Equal(got, want) {
		t.Errorf("logged %q, want %q", got, want)
	}
}
