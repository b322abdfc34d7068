package machine_test

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mcsim/addr"
	"mcsim/event"
	"mcsim/guests"
	"mcsim/machine"
	"mcsim/machine/config"
	"mcsim/machine/log"
	"mcsim/stats"
)

// job is one run of a program on one machine.
type job struct {
	guest  string            // of package guests
	image  []byte            // or this program
	words  map[string]uint64 // data words of the program to be patched
	harts  int
	set    []string // settings, as for --set
	check  bool
	log    bool
	limits limits
	forget bool // empty the line tables every 64 quanta
	record *machine.Recording
}

// limits are machine.Limits that compare; none means a bound against hanging.
type limits struct{ Instructions, Cycles uint64 }

// outcome is all that a run leaves.
type outcome struct {
	machine.Result
	err     error
	console string
	log     string
	m       *machine.Machine
	image   []byte
}

func configure(t testing.TB, set []string) *config.Config {
	t.Helper()
	in := config.Input{}
	for _, arg := range set {
		s, err := config.ParseSetting(arg)
		if err != nil {
			t.Fatal(err)
		}
		in.Set = append(in.Set, s)
	}
	c, err := config.Load(in)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// program is the image that a job runs.
func (j job) program(t testing.TB) []byte {
	t.Helper()
	im, err := j.image, error(nil)
	if im == nil {
		if im, err = guests.Get(j.guest); err != nil {
			t.Fatal(err)
		}
	}
	for name, v := range j.words {
		if im, err = guests.SetWord(im, name, v); err != nil {
			t.Fatal(err)
		}
	}
	return im
}

// run builds the machine and runs the job to its end. A machine that cannot be
// built fails the test; how the run ended is for the caller to judge.
func (j job) run(t testing.TB) *outcome {
	t.Helper()
	return j.runContext(t, context.Background())
}

func (j job) runContext(t testing.TB, ctx context.Context) *outcome {
	t.Helper()
	set := append([]string{fmt.Sprintf("machine.harts=%d", max(1, j.harts)), "machine.memory=16MiB"}, j.set...)
	var console, events bytes.Buffer
	o := machine.Options{Console: &console, Check: j.check, Record: j.record}
	if j.log {
		o.Log = log.New(&events, log.Options{Level: event.Debug})
	}
	m, err := machine.New(configure(t, set), o)
	if err != nil {
		t.Fatal(err)
	}
	out := &outcome{m: m, image: j.program(t)}
	if err := m.LoadELF(j.guest, out.image); err != nil {
		t.Fatal(err)
	}
	if j.limits == (limits{}) {
		j.limits.Cycles = 200e6 // against tests that hang
	}
	l := machine.Limits{Instructions: j.limits.Instructions, Cycles: j.limits.Cycles}
	if j.forget {
		l.Progress = func(machine.Progress) {
			for _, h := range m.Harts() {
				h.ForgetLines()
			}
		}
	}
	out.Result, out.err = m.Run(ctx, l)
	if out.HostSeconds > 1 {
		t.Logf("%s, %d harts, %v: %d cycles, %d instructions, %.2f s", j.guest, j.harts, j.set, out.Cycles, out.Instructions, out.HostSeconds)
	}
	if j.log {
		if err := o.Log.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	out.console, out.log = console.String(), events.String()
	return out
}

// counts is every statistic that must be the same in equal runs, as text.
func (o *outcome) counts() string {
	var b strings.Builder
	for i, d := range values(o.m.Stats().Snapshot()) {
		fmt.Fprintf(&b, "%d %s\n", i, d)
	}
	return b.String()
}

func values(s *stats.Snapshot) (list []string) {
	for _, v := range s.Values {
		if v.Name != "sim.mips" && !strings.HasPrefix(v.Name, "sim.host_") {
			list = append(list, fmt.Sprintf("%s %d %v", v.Name, v.U, v.F))
		}
	}
	return list
}

// count is one counter.
func (o *outcome) count(t testing.TB, name string) uint64 {
	t.Helper()
	v, ok := o.m.Stats().Snapshot().Get(name)
	if !ok {
		t.Fatalf("no statistic %s", name)
	}
	return v.U
}

// data is what the program's variable holds in the end.
func (o *outcome) data(t testing.TB, symbol string) []byte {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(o.image))
	if err != nil {
		t.Fatal(err)
	}
	list, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.Name == symbol {
			b := make([]byte, s.Size)
			if err := o.m.ReadMemory(addr.PA(s.Value), b); err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	t.Fatalf("no symbol %s", symbol)
	return nil
}

// mustEnd fails the test unless the guest ended the run itself.
func (o *outcome) mustEnd(t testing.TB) {
	t.Helper()
	if o.err != nil || o.Reason != "exit" {
		t.Fatalf("ended by %q after %d cycles: %v\nconsole:\n%s", o.Reason, o.Cycles, o.err, o.console)
	}
}

// recorded is what an independent implementation prints for a guest program on
// four harts.
func recorded(t testing.TB, guest string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "guests", "testdata", guest+".out"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// firstDifference is the first line in which two texts differ.
func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d: %q and %q", i+1, x[i], y[i])
		}
	}
	return fmt.Sprintf("%d and %d lines", len(x), len(y))
}

// assemble makes an ELF image of 32-bit instructions at the start of memory.
func assemble(code ...uint32) []byte {
	var text bytes.Buffer
	for _, w := range code {
		_ = binary.Write(&text, binary.LittleEndian, w)
	}
	return image(uint64(machine.RAMBase), text.Bytes(), uint64(text.Len()))
}

// image makes an ELF image of one segment, entered at its start.
func image(at uint64, text []byte, memSize uint64) []byte {
	const header, prog = 64, 56
	h := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_RISCV), Version: 1, Entry: at,
		Phoff: header, Ehsize: header, Phentsize: prog, Phnum: 1, Shentsize: 64,
	}
	copy(h.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	p := elf.Prog64{
		Type: uint32(elf.PT_LOAD), Off: header + prog, Vaddr: at, Paddr: at,
		Filesz: uint64(len(text)), Memsz: memSize,
	}
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, h)
	_ = binary.Write(&b, binary.LittleEndian, p)
	b.Write(text)
	return b.Bytes()
}
