// Package stub stands in for package machine until that exists: the calls that
// the command line makes, and a run that only counts.
package stub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"mcsim/event"
	"mcsim/machine/config"
	"mcsim/machine/log"
	"mcsim/stats"
)

type Options struct {
	Console io.Writer
	Stdin   io.Reader
	Log     *log.Writer
	Check   bool
}

type Limits struct {
	Instructions, Cycles uint64
	Progress             func(Progress)
}

type Progress struct{ Instructions, Cycles uint64 }

type Result struct {
	ExitCode             int
	Reason               string // "exit", "max-instructions", "max-cycles", "interrupted", "stuck"
	Cycles, Instructions uint64
	HostSeconds          float64
}

type Machine struct {
	cfg          *config.Config
	o            Options
	r            stats.Registry
	insts        uint64
	cycles, miss []uint64
	host         float64
	loaded       bool
	code         int
}

func New(cfg *config.Config, o Options) (*Machine, error) {
	m := &Machine{cfg: cfg, o: o}
	m.cycles = make([]uint64, cfg.Machine.Harts)
	m.miss = make([]uint64, cfg.Machine.Harts)
	m.r.Counter("sim.instructions", stats.Instructions, "instructions retired by all harts", &m.insts)
	m.r.Counter("sim.cycles", stats.Cycles, "the cycle at which the machine stopped", &m.cycles[0])
	m.r.Gauge("sim.host_seconds", stats.Seconds, "host time that the run took", func() float64 { return m.host })
	for h := range m.cycles {
		p := fmt.Sprintf("harts[%d].", h)
		m.r.Counter(p+"cycles", stats.Cycles, "cycles that the hart ran", &m.cycles[h])
		m.r.Counter(p+"l1d.misses", stats.Events, "accesses that found no line", &m.miss[h])
		m.r.Quotient(p+"l1d.rate", stats.Ratio, "misses per cycle", 1, p+"l1d.misses", p+"cycles")
	}
	m.r.Freeze()
	return m, nil
}

func (m *Machine) LoadBare(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return m.LoadELF(path, data)
}

func (m *Machine) LoadELF(name string, data []byte) error {
	if len(data) < 4 || string(data[:4]) != "\x7fELF" {
		return errors.New(name + ": not an ELF file")
	}
	m.loaded = true
	if strings.Contains(name, "loop") {
		m.code = 9
	}
	return nil
}

func (m *Machine) Stats() *stats.Registry { return &m.r }

func (m *Machine) Run(ctx context.Context, l Limits) (Result, error) {
	start := time.Now()
	reason := "exit"
	if m.code == 9 {
		fmt.Fprint(m.o.Console, "looping\n")
	} else {
		fmt.Fprintf(m.o.Console, "hello from %d harts\n", len(m.cycles))
	}
	if m.o.Log != nil {
		m.o.Log.Write(&event.Event{Hart: -1, Kind: event.RunBegin, Arg: [4]uint64{uint64(len(m.cycles)), m.cfg.Machine.Seed, uint64(m.cfg.Machine.Quantum)}})
	}
	for i := 0; i < 1000 || m.code == 9; i++ {
		if ctx.Err() != nil {
			reason = "interrupted"
			break
		}
		if l.Instructions > 0 && m.insts >= l.Instructions {
			reason = "max-instructions"
			break
		}
		for h := range m.cycles {
			m.insts += 10
			m.cycles[h] += 20 + m.cfg.Machine.Seed%3
			m.miss[h]++
		}
		if l.Progress != nil {
			l.Progress(Progress{m.insts, m.cycles[0]})
		}
		if m.code == 9 {
			time.Sleep(time.Millisecond)
		}
	}
	m.host = time.Since(start).Seconds()
	return Result{m.code, reason, m.cycles[0], m.insts, m.host}, nil
}
