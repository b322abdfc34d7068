package debian_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"mcsim/event"
	"mcsim/gdb"
	"mcsim/guests/debian"
	"mcsim/machine"
	"mcsim/machine/config"
	"mcsim/machine/log"
	"mcsim/stats"
)

// requireVariable is set where the kernel must be there: in CI, which fetches it.
const requireVariable = "MCSIM_REQUIRE_GUESTS"

// fetched is the guest of a suite, "" for the default; tests of it are skipped where
// nobody fetched it.
func fetched(t testing.TB, suite string) *debian.Guest {
	t.Helper()
	g, err := debian.CachedSuite(suite)
	if err != nil {
		if os.Getenv(requireVariable) != "" && suite == "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return g
}

var builds struct {
	sync.Once
	dir          string
	guest        []byte
	host, failed string
}

// selftest is the self-test for the guest, and the path of one for the host.
func selftest(t testing.TB) (guest []byte, host string) {
	t.Helper()
	b := &builds
	b.Do(func() {
		var err error
		if b.dir, err = os.MkdirTemp("", "selftest-"); err != nil {
			b.failed = err.Error()
			return
		}
		b.host = filepath.Join(b.dir, "host")
		inGuest := filepath.Join(b.dir, "guest")
		for out, env := range map[string][]string{inGuest: {"GOOS=linux", "GOARCH=riscv64"}, b.host: nil} {
			c := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, "./selftest")
			c.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
			if text, err := c.CombinedOutput(); err != nil {
				b.failed = fmt.Sprintf("%v: %s", err, text)
				return
			}
		}
		b.guest, err = os.ReadFile(inGuest)
		if err != nil {
			b.failed = err.Error()
		}
	})
	if b.failed != "" {
		t.Fatal(b.failed)
	}
	return b.guest, b.host
}

func TestMain(m *testing.M) {
	code := m.Run()
	if builds.dir != "" {
		os.RemoveAll(builds.dir)
	}
	os.Exit(code)
}

// boot is a boot of the self-test.
type boot struct {
	suite   string // of Debian, "" for the default
	harts   int
	opensbi bool
	set     []string
	args    string // appended to the command line
	check   bool

	saveAt string        // a point to take a checkpoint at
	saved  *bytes.Buffer // where it goes; without saveAt, the checkpoint to go on from

	log bool // write a log, of devices and the run

	debugger *gdb.Server // waited for before it begins

	record io.Writer // of a recording, or nil

	initramfs debian.Initramfs // instead of the self-test's
	ends      string           // the reason that the run ends with; "" is exit, with code 0
}

type outcome struct {
	machine.Result
	console string
	values  map[string]string // statistics that must be the same in equal runs
	phases  []stats.Phase
	total   *stats.Snapshot // what was counted from the start, or the guest's reset
	events  string          // the log, if it was wanted
	digest  string          // of the machine where the guest has asked for a checkpoint
}

func (b boot) run(t testing.TB) outcome {
	t.Helper()
	g := fetched(t, b.suite)
	if b.initramfs.Init == nil {
		b.initramfs.Init, _ = selftest(t)
	}
	initrd, err := g.Initramfs(b.initramfs)
	if err != nil {
		t.Fatal(err)
	}
	in := config.Input{}
	for _, s := range append([]string{fmt.Sprintf("machine.harts=%d", b.harts), "program.kernel=guest:debian"}, b.set...) {
		setting, err := config.ParseSetting(s)
		if err != nil {
			t.Fatal(err)
		}
		in.Set = append(in.Set, setting)
	}
	cfg, err := config.Load(in)
	if err != nil {
		t.Fatal(err)
	}
	read := func(path string) machine.File {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return machine.File{Name: filepath.Base(path), Data: data}
	}
	s := machine.Boot{
		Kernel: read(g.KernelFile()), Initrd: machine.File{Name: "initramfs", Data: initrd},
		Append: "console=ttyS0 " + b.args, RNGSeed: true,
	}
	if b.opensbi {
		s.BIOS = read(g.BIOSFile())
	}
	var console, events bytes.Buffer
	o := machine.Options{Console: &console, Check: b.check, Debugger: b.debugger}
	if b.log {
		o.Log = log.New(&events, log.Options{Level: event.Debug, Only: []event.Category{event.Run, event.Device}})
	}
	if b.record != nil {
		o.Record = &machine.Recording{To: b.record, Version: "test", Program: "guest:debian"}
	}
	m, err := machine.New(cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	l := machine.Limits{Cycles: 8e9}
	if b.saved == nil || b.saveAt != "" {
		err = m.LoadBoot(s)
	} else {
		err = restore(m, b.saved)
	}
	if err != nil {
		t.Fatal(err)
	}
	if b.saveAt != "" {
		if l.CheckpointAt, err = config.ParseTrigger(b.saveAt); err != nil {
			t.Fatal(err)
		}
	}
	var out outcome
	l.Checkpoint = func(reason string) error {
		if reason == b.saveAt {
			return m.Checkpoint(b.saved, reason)
		}
		var file bytes.Buffer
		err := m.Checkpoint(&file, reason)
		out.digest += fmt.Sprintf("%s %x\n", reason, sha256.Sum256(state(file.Bytes())))
		return err
	}
	res, err := m.Run(context.Background(), l)
	if o.Log != nil {
		if err := o.Log.Close(); err != nil {
			t.Fatal(err)
		}
	}
	out.Result, out.console, out.events, out.values = res, console.String(), events.String(), map[string]string{}
	if b.ends == "" {
		b.ends = "exit"
	}
	if err != nil || res.Reason != b.ends || res.ExitCode != 0 {
		t.Fatalf("ended by %q with code %d: %v\n%s", res.Reason, res.ExitCode, err, tail(out.console))
	}
	out.total, out.phases = m.Report()
	for _, v := range m.Stats().Snapshot().Values {
		if v.Name != "sim.mips" && !strings.HasPrefix(v.Name, "sim.host_") {
			out.values[v.Name] = fmt.Sprint(v.U, v.F)
		}
	}
	t.Logf("%d harts: %d instructions, %d cycles, %.1f s", b.harts, res.Instructions, res.Cycles, res.HostSeconds)
	return out
}

// state is what a checkpoint has behind its header (docs/checkpoint-format.md),
// which counts the bytes of the log: a restored run's has a line more.
func state(file []byte) []byte {
	const fixed = 17 + 4 + 4
	return file[fixed+int(binary.LittleEndian.Uint32(file[fixed-4:]))+4:]
}

// tail is the end of a console log.
func tail(s string) string { return s[max(0, len(s)-3000):] }

// passed fails the test unless the self-test came through.
func (o outcome) passed(t testing.TB) {
	t.Helper()
	if !strings.Contains(o.console, "selftest: all ok") {
		t.Errorf("the self-test failed:\n%s", tail(o.console))
	}
}

// says is what the self-test printed for one of its tests.
func (o outcome) says(name string) string {
	_, text, _ := strings.Cut(o.console, "selftest: "+name+": ")
	line, _, _ := strings.Cut(text, "\r\n")
	return line
}

// Debian's kernel boots, runs on one hart and on four, and powers off. What it
// finds is the machine that was configured, and its floating point is the host's.
func TestBoot(t *testing.T) {
	_, host := selftest(t)
	want, err := exec.Command(host, "series").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, harts := range []int{1, 4} {
		o := boot{harts: harts, args: "quiet"}.run(t)
		o.passed(t)
		if found := o.says("harts"); !strings.HasPrefix(found, fmt.Sprintf("%d, rv64imafdc_", harts)) ||
			!strings.Contains(found, "_zba_") || !strings.HasSuffix(found, "sv57; Instruction 32K, Data 32K, Unified 4096K") {
			t.Errorf("%d harts: the kernel found %q", harts, found)
		}
		if got, _, _ := strings.Cut(o.says("float"), " "); got != strings.TrimSpace(string(want)) {
			t.Errorf("%d harts: floating point gave %s, the host %s", harts, got, want)
		}
	}
}

// Equal boots are equal, console, statistics and the machine's whole state, on one
// core of the host and on two.
func TestBootRepeats(t *testing.T) {
	b := boot{harts: 2, args: "selftest.only=shared,futex,memory,shell selftest.digest=1"}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one := b.run(t)
	runtime.GOMAXPROCS(2)
	two := b.run(t)
	one.same(t, two)
}

// same compares consoles, all that was counted, and the machines as the guest has
// saved them.
func (o outcome) same(t *testing.T, other outcome) {
	t.Helper()
	if o.console != other.console {
		t.Errorf("consoles differ:\n%s\n%s", tail(o.console), tail(other.console))
	}
	o.sameStats(t, other)
	if o.digest == "" || o.digest != other.digest {
		t.Errorf("machines differ:\n%s%s", o.digest, other.digest)
	}
}

// Other machines boot the same kernel.
func TestBootElsewhere(t *testing.T) {
	const isa = "machine.isa=rv64imafdc_zicbom_zicboz_zicntr_zicsr_zifencei_zihpm_zba_zbb_zbs"
	for name, b := range map[string]boot{
		"OpenSBI, Svade, Sv39":         {harts: 4, opensbi: true, set: []string{isa + "_sstc_svade", "machine.mmu=sv39"}},
		"Svadu, Sv48, MOESI, no Sstc":  {harts: 2, set: []string{isa + "_svadu", "machine.mmu=sv48", "machine.protocol=MOESI"}},
		"OpenSBI, Svadu, no Sstc":      {harts: 2, opensbi: true, set: []string{isa + "_svadu", "machine.l1i.coherent=false"}},
		"checked, private L2, MESIF":   {harts: 2, check: true, set: []string{"machine.l2.size=256KiB", "machine.protocol=MESIF"}, args: "selftest.only=shared,futex,memory"},
		"no counters, no store buffer": {harts: 2, set: []string{"machine.isa=rv64imafdc_zicsr_zifencei", "machine.store_buffer.depth=0"}, args: "selftest.only=harts,fork,shared,shell"},
		"eight harts, another quantum": {harts: 8, set: []string{"machine.quantum=300", "machine.seed=9"}, args: "selftest.only=harts,fork,shared,futex,memory"},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() {
				t.Skip("a boot takes seconds")
			}
			b.args += " quiet"
			b.run(t).passed(t)
		})
	}
}
