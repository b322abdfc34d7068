package coherence

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"mcsim/addr"
	"mcsim/cache"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the scenarios' expected logs")

// TestScenarios runs the files in testdata/scenarios: commands, a line of
// dashes, and the log that they must give. Blank lines separate scenarios, and
// # begins a comment.
//
//	machine protocol=mesi harts=2 ...   a new machine: caches of two lines
//	load h0 x; store h1 x=5; and so on  one access; x, y, z, w are lines of one L1D set, i of another
//	race                                the accesses up to end park first and are then served in order
//	dma read x; dma write x=5           a device
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			var out []string
			s := &scenario{t: t}
			for _, block := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
				input, want, ok := strings.Cut(block+"\n", "----\n")
				if !ok {
					out = append(out, strings.TrimSpace(block))
					continue
				}
				got := s.run(input)
				if got != want && !*rewrite {
					t.Errorf("%s:\n%s----\n%s\nwant\n%s", f, input, got, want)
				}
				out = append(out, strings.TrimSpace(input+"----\n"+got))
			}
			if *rewrite {
				if err := os.WriteFile(f, []byte(strings.Join(out, "\n\n")+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

type scenario struct {
	t      *testing.T
	bus    *Bus
	log    strings.Builder
	racing []*Request
	resume []func()
}

func (s *scenario) run(input string) string {
	s.log.Reset()
	race := false
	for _, line := range strings.Split(input, "\n") {
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || f[0][0] == '#':
		case f[0] == "machine":
			s.machine(f[1:])
		case f[0] == "race":
			race = true
		case f[0] == "end":
			race = false
			s.settle()
		case f[0] == "dma":
			s.dma(f[1], f[2])
		case race:
			s.park(f)
		default:
			s.access(f)
		}
	}
	if s.bus != nil {
		if err := s.bus.Check(); err != nil {
			s.t.Error(err)
		}
	}
	return s.log.String()
}

func (s *scenario) machine(options []string) {
	one := cache.Config{Size: 2 * 64, Ways: 2, Line: 64}
	cfg := testConfig(2)
	cfg.L1D, cfg.L1I, cfg.LLC, cfg.Inclusive, cfg.Check = one, one, cache.Config{}, false, true
	for _, o := range options {
		k, v, _ := strings.Cut(o, "=")
		n, _ := strconv.Atoi(v)
		switch k {
		case "protocol":
			p, err := ByName(v)
			if err != nil {
				s.t.Fatal(err)
			}
			cfg.Protocol = p
		case "harts":
			cfg.Harts = n
		case "llc": // lines, inclusive
			cfg.LLC, cfg.Inclusive = cache.Config{Size: n * 64, Ways: n, Line: 64}, true
		case "noninclusive":
			cfg.LLC = cache.Config{Size: n * 64, Ways: n, Line: 64}
		case "l2":
			cfg.L2 = cache.Config{Size: n * 64, Ways: n, Line: 64}
		case "filter":
			cfg.FilterEntries, cfg.FilterWays = n, n
		case "announce":
			cfg.Announce = true
		case "incoherent-l1i":
			cfg.IncoherentL1I = true
		default:
			s.t.Fatalf("machine: unknown option %q", o)
		}
	}
	s.bus, _ = newMachine(s.t, cfg, 1<<20)
	s.bus.Notify = s.note
}

const scenarioLines = "xyzwuvi"

func lineName(line uint64) string { return scenarioLines[line-ramBase/64:][:1] }

func agentName(a int32) string {
	switch a {
	case Home:
		return "llc"
	case FromMemory:
		return "memory"
	}
	return fmt.Sprintf("h%d", a)
}

// letter is a state as in the literature.
func (st State) letter() string { return st.String()[:1] }

func (s *scenario) note(n Note) {
	who, line := agentName(n.Agent), lineName(n.Line)
	if int(n.Agent) == s.bus.Harts() {
		who = "device"
	}
	switch n.What {
	case NoteBus:
		fmt.Fprintf(&s.log, "bus %v %s %s\n", n.Kind, who, line)
	case NoteSnoop:
		fmt.Fprintf(&s.log, "  %s %s %s->%s\n", who, line, n.From.letter(), n.To.letter())
	case NoteFill:
		from := ", data from " + agentName(n.Source)
		if n.Source == NoSource {
			from = ""
		}
		fmt.Fprintf(&s.log, "  %s %s ->%s%s\n", who, line, n.To.letter(), from)
	case NoteEvict:
		if n.Agent == Home {
			fmt.Fprintf(&s.log, "  llc evicts %s\n", line)
			return
		}
		fmt.Fprintf(&s.log, "  %s evicts %s %s\n", who, line, n.From.letter())
	case NoteWriteBack:
		fmt.Fprintf(&s.log, "  %s to %s\n", line, agentName(n.Source))
	}
}

// parse is "store h1 x=5": an access and its hart.
func (s *scenario) parse(f []string) (hart int, a Access) {
	ops := map[string]Op{"load": OpLoad, "store": OpStore, "fetch": OpFetch, "lr": OpLR, "sc": OpSC, "amoadd": OpAMOAdd,
		"clean": OpClean, "flush": OpFlush, "inval": OpInval, "zero": OpZero, "prefetch.w": OpPrefetchW}
	op, ok := ops[f[0]]
	if !ok || len(f) < 3 {
		s.t.Fatalf("unknown command %q", f)
	}
	hart, err := strconv.Atoi(strings.TrimPrefix(f[1], "h"))
	if err != nil {
		s.t.Fatalf("%q: %v", f, err)
	}
	name, value, _ := strings.Cut(f[2], "=")
	v, _ := strconv.ParseUint(value, 0, 64)
	return hart, Access{Op: op, Size: 8, PA: ramBase + addr.PA(64*strings.Index(scenarioLines, name)), Value: v, Uncached: len(f) > 3 && f[3] == "uncached"}
}

func (s *scenario) access(f []string) {
	hart, a := s.parse(f)
	s.bus.Private(hart).Do(&a, 0)
	s.result(f, &a)
}

func (s *scenario) result(f []string, a *Access) {
	switch a.Op {
	case OpLoad, OpFetch, OpLR, OpAMOAdd:
		fmt.Fprintf(&s.log, "%s = %d\n", strings.Join(f[:3], " "), a.Result)
	case OpSC:
		fmt.Fprintf(&s.log, "%s: %v\n", strings.Join(f[:3], " "), a.OK)
	}
}

// park lets a hart come to its request, which settle serves.
func (s *scenario) park(f []string) {
	hart, a := s.parse(f)
	p := s.bus.Private(hart)
	parked, served, done := make(chan *Request), make(chan bool), make(chan bool)
	p.Port.Park = func(r *Request) {
		parked <- r
		<-served
	}
	go func() {
		p.Do(&a, 0)
		close(done)
	}()
	select {
	case r := <-parked:
		s.racing = append(s.racing, r)
		s.resume = append(s.resume, func() {
			close(served)
			<-done
			s.result(f, &a)
		})
	case <-done:
		s.t.Fatalf("%q needs no bus", f)
	}
	p.Port.Park = nil
}

func (s *scenario) settle() {
	for i, r := range s.racing {
		s.bus.Serve(r)
		s.resume[i]()
	}
	s.racing, s.resume = nil, nil
}

func (s *scenario) dma(what, arg string) {
	name, value, _ := strings.Cut(arg, "=")
	pa := addr.PA(ramBase + 64*strings.Index(scenarioLines, name))
	buf := make([]byte, 8)
	if what == "write" {
		v, _ := strconv.ParseUint(value, 0, 64)
		put(buf, 8, v)
		s.bus.DMAWrite(s.bus.Harts(), pa, buf, 0)
		return
	}
	s.bus.DMARead(s.bus.Harts(), pa, buf, 0)
	fmt.Fprintf(&s.log, "dma read %s = %d\n", name, get(buf, 8))
}
