package machine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"mcsim/guests"
	"mcsim/machine/config"
)

// guest is a program of package guests with its word `iterations` set; 0 leaves it.
type guest struct {
	name       string
	iterations uint64
	harts      int
}

// kernels are the one-hart programs of the project's speed figures.
var kernels = []guest{{"intloop", 1_000_000, 1}, {"chase", 2_000_000, 1}, {"stream", 4, 1}, {"matmul", 1, 1}}

// build is a machine with g loaded, in the default configuration plus settings such as
// "machine.quantum=10".
func (g guest) build(tb testing.TB, settings ...string) *Machine {
	tb.Helper()
	image, err := guests.Get(g.name)
	if err == nil && g.iterations != 0 {
		image, err = guests.SetWord(image, "iterations", g.iterations)
	}
	in := config.Input{}
	for _, s := range append([]string{"machine.harts=" + strconv.Itoa(g.harts)}, settings...) {
		set, err := config.ParseSetting(s)
		if err != nil {
			tb.Fatal(err)
		}
		in.Set = append(in.Set, set)
	}
	if err != nil {
		tb.Fatal(err)
	}
	cfg, err := config.Load(in)
	if err != nil {
		tb.Fatal(err)
	}
	m, err := New(cfg, Options{})
	if err == nil {
		err = m.LoadELF(g.name, image)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// mustRun runs m to the guest's end, or to a limit.
func mustRun(tb testing.TB, m *Machine, l Limits) Result {
	tb.Helper()
	res, err := m.Run(context.Background(), l)
	if err != nil || res.ExitCode != 0 {
		tb.Fatalf("%s, exit code %d, %v", res.Reason, res.ExitCode, err)
	}
	return res
}

// benchmark runs g b.N times and reports millions of instructions per second and, from per,
// further figures of all the runs together.
func (g guest) benchmark(b *testing.B, per func(m *Machine, r Result), settings ...string) {
	var total Result
	for range b.N {
		b.StopTimer()
		m := g.build(b, settings...)
		runtime.GC()
		b.StartTimer()
		r := mustRun(b, m, Limits{})
		total.Instructions += r.Instructions
		total.HostSeconds += r.HostSeconds
		if per != nil {
			per(m, r)
		}
	}
	b.ReportMetric(float64(total.Instructions)/total.HostSeconds/1e6, "MIPS")
}

// BenchmarkKernel is one hart at the default quantum, with all caches, TLBs and the bus.
func BenchmarkKernel(b *testing.B) {
	for _, g := range kernels {
		b.Run(g.name, func(b *testing.B) { g.benchmark(b, nil) })
	}
}

// BenchmarkHarts is four harts on one and on two of the host's processors.
func BenchmarkHarts(b *testing.B) {
	for _, g := range []guest{{"mt-compute", 20, 4}, {"mt-matmul", 4, 4}, {"mt-stream", 4, 4}} {
		for procs := 1; procs <= 2; procs++ {
			b.Run(fmt.Sprintf("%s/procs=%d", g.name, procs), func(b *testing.B) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
				g.benchmark(b, nil)
			})
		}
	}
}

// BenchmarkContended is harts that fight for one line: what counts is bus transactions. In a long
// quantum the guests mostly spin or use the line that they have, so a short one says more.
func BenchmarkContended(b *testing.B) {
	for _, g := range []guest{{"atomics", 50_000, 4}, {"pingpong", 5_000, 2}} {
		for _, quantum := range []int{10, 100, 1000} {
			b.Run(fmt.Sprintf("%s/quantum=%d", g.name, quantum), func(b *testing.B) {
				var n uint64
				var seconds float64
				g.benchmark(b, func(m *Machine, r Result) {
					for _, k := range m.bus.Stats.Kinds {
						n += k
					}
					seconds += r.HostSeconds
				}, fmt.Sprintf("machine.quantum=%d", quantum))
				b.ReportMetric(float64(n)/seconds/1e6, "Mtransactions/s")
			})
		}
	}
}

// BenchmarkStart is from nothing to the end of the first quantum, the program in memory.
func BenchmarkStart(b *testing.B) {
	for _, harts := range []int{1, 4, 64} {
		b.Run(fmt.Sprintf("harts=%d", harts), func(b *testing.B) {
			begin := time.Now()
			for range b.N {
				mustRun(b, guest{"hello", 0, harts}.build(b), Limits{Cycles: 1})
			}
			b.ReportMetric(float64(time.Since(begin).Milliseconds())/float64(b.N), "ms/start")
		})
	}
}

// memoryGuest tells a process of this test binary to run one guest and print its own peak.
const memoryGuest = "MCSIM_BENCH_MEMORY"

// BenchmarkMemory is the host memory that a process at most had, against the memory that the
// guest touched (in whole pages).
func BenchmarkMemory(b *testing.B) {
	for _, g := range []guest{{"hello", 0, 1}, {"hello", 0, 64}, {"chase", 200_000, 1}, {"mt-stream", 1, 4}} {
		b.Run(fmt.Sprintf("%s/harts=%d", g.name, g.harts), func(b *testing.B) {
			var peak, touched float64
			for range b.N {
				c := exec.Command(os.Args[0], "-test.run=^TestMemoryOfGuest$", "-test.v")
				c.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %d", memoryGuest, g.name, g.iterations, g.harts))
				out, err := c.CombinedOutput()
				_, figures, ok := strings.Cut(string(out), "figures ")
				if _, err2 := fmt.Sscan(figures, &peak, &touched); err != nil || err2 != nil || !ok {
					b.Fatalf("%v %v\n%s", err, err2, out)
				}
			}
			b.ReportMetric(peak/(1<<20), "MiB-peak")
			b.ReportMetric(touched/(1<<20), "MiB-touched")
		})
	}
}

// TestMemoryOfGuest is BenchmarkMemory's process.
func TestMemoryOfGuest(t *testing.T) {
	var g guest
	if _, err := fmt.Sscan(os.Getenv(memoryGuest), &g.name, &g.iterations, &g.harts); err != nil {
		t.Skip("only as a process of BenchmarkMemory")
	}
	m := g.build(t)
	mustRun(t, m, Limits{})
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, hwm, _ := strings.Cut(string(status), "VmHWM:")
	var kib float64
	if _, err := fmt.Sscan(hwm, &kib); err != nil {
		t.Fatal("no VmHWM in /proc/self/status")
	}
	fmt.Printf("figures %.0f %d\n", kib*1024, touched(m))
}

// touched counts the bytes of the pages of guest memory that are not all zero: what the program,
// its loader and the device tree wrote, as far as caches have written it back or hold it.
func touched(m *Machine) (n int) {
	const page = 4096
	buf := make([]byte, page)
	for pa := RAMBase; pa < RAMBase+256<<20; pa += page {
		if m.ReadMemory(pa, buf) != nil {
			break
		}
		for _, x := range buf {
			if x != 0 {
				n += page
				break
			}
		}
	}
	return n
}
