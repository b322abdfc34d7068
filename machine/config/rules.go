package config

import (
	"slices"
	"strings"
)

// l2 checks that a private L2 can include both L1s.
func (c *checker) l2(m *Machine) {
	const l2, l1d, l1i = "machine.l2.size", "machine.l1d.size", "machine.l1i.size"
	l1 := m.L1I.Size + m.L1D.Size
	if m.L2.Size >= l1 {
		return
	}
	at := c.last(l2, l1d, l1i)
	larger := []Fix{fix(l2, fits(m.L2.Cache, l1)), fix(l2, 0)}
	fixes := larger
	if at != l2 {
		other := m.L1D.Size
		if at == l1d {
			other = m.L1I.Size
		}
		if other < m.L2.Size {
			below, _ := pow2s(uint64(m.L2.Size - other))
			fixes = append([]Fix{fix(at, Size(below))}, larger...)
		}
	}
	c.add(conflict{rule: "L2 includes L1s", at: at, with: without(at, l2, l1d, l1i), fixes: fixes},
		"a private L2 of %v cannot include the %v of both L1s", m.L2.Size, l1)
}

// fits is the least size of a cache's shape that holds n bytes.
func fits(k Cache, n Size) Size {
	size := k.Line * Size(k.Ways)
	for size > 0 && size < n {
		size *= 2
	}
	return size
}

// llc checks the home node: banks, and what it includes.
func (c *checker) llc(m *Machine) {
	const banks, size, ways, inclusive = "machine.llc.banks", "machine.llc.size", "machine.llc.ways", "machine.llc.inclusive"
	set := m.LLC.Line * Size(m.LLC.Ways)
	if sets := m.LLC.Size / max(1, set); power2(uint64(m.LLC.Banks)) && uint64(sets) < uint64(m.LLC.Banks) {
		below, _ := pow2s(uint64(sets))
		at := c.last(banks, size, ways)
		fixes := []Fix{fix(banks, below), fix(size, set*Size(m.LLC.Banks))}
		if at == size {
			slices.Reverse(fixes)
		}
		c.add(conflict{rule: "LLC banks", at: at, with: append(without(at, banks, size, ways), c.lineOf("machine.llc")), fixes: fixes},
			"%d banks cannot share %d sets", m.LLC.Banks, sets)
	}
	if !m.LLC.Inclusive {
		return
	}
	// The inner caches that are too large; the largest decides.
	var names string
	var inner []string
	most := Size(0)
	for _, k := range []struct {
		name string
		size Size
	}{{"L2", m.L2.Size}, {"L1D", m.L1D.Size}, {"L1I", m.L1I.Size}} {
		if k.size > m.LLC.Size {
			inner = append(inner, "machine."+strings.ToLower(k.name)+".size")
			if most < k.size {
				most, names = k.size, k.name
			}
		}
	}
	if inner == nil {
		return
	}
	at := c.last(append([]string{size}, inner...)...)
	fixes := []Fix{fix(size, fits(m.LLC.Cache, most)), fix(inclusive, false)}
	if at != size {
		fixes = append([]Fix{fix(at, m.LLC.Size)}, fixes...)
	}
	c.add(conflict{rule: "LLC includes", at: at, with: append(without(at, append([]string{size}, inner...)...), inclusive), fixes: fixes},
		"an inclusive LLC of %v cannot hold an %s of %v", m.LLC.Size, names, most)
}

func (c *checker) dram(m *Machine) {
	d := m.DRAM
	const row, rfc, refi = "machine.dram.row", "machine.dram.t_rfc", "machine.dram.t_refi"
	line := c.lineOf("machine.llc")
	if d.Row < m.LLC.Line {
		at := c.last(row, line)
		c.add(conflict{rule: "row holds line", at: at, with: without(at, row, line), fixes: []Fix{fix(row, m.LLC.Line), fix(line, d.Row)}},
			"a row of %v does not hold a line of %v", d.Row, m.LLC.Line)
	}
	if d.TREFI > 0 && d.TREFI <= d.TRFC {
		at := c.last(rfc, refi)
		c.add(conflict{rule: "refresh", at: at, with: without(at, rfc, refi), fixes: []Fix{fix(at, defaultOf(at)), fix(refi, 0)}},
			"a refresh of %v every %v leaves no time to work", d.TRFC, d.TREFI)
	}
}

// times checks clocks, memory's pages and the start of the real-time clock.
func (c *checker) times(m *Machine) {
	const timebase, clock, memory = "machine.timebase", "machine.clock", "machine.memory"
	if m.Timebase > m.Clock {
		at := c.last(timebase, clock)
		c.add(conflict{rule: "timebase", at: at, with: without(at, timebase, clock), fixes: []Fix{fix(timebase, m.Clock), fix(clock, m.Timebase)}},
			"a timebase of %v is faster than the clock, %v", m.Timebase, m.Clock)
	}
	if down := m.Memory &^ 4095; down != m.Memory {
		c.add(conflict{rule: "memory", at: memory, fixes: []Fix{fix(memory, down), fix(memory, down+4096)}},
			"%v is no whole number of 4KiB pages", m.Memory)
	}
	_, err := ParseEpoch(m.Devices.Epoch)
	c.refused("machine.devices.epoch", err)
}

// points checks where a run changes or ends.
func (c *checker) points(r *Run) {
	for _, p := range []struct{ path, text string }{{"run.fast_until", r.FastUntil}, {"run.stop_at", r.StopAt}} {
		t, err := ParseTrigger(p.text)
		c.refused(p.path, err)
		if err == nil && t.Kind == AtMarker && !r.Markers {
			c.add(conflict{rule: "markers " + p.path, at: c.last(p.path, "run.markers"), with: without(c.last(p.path, "run.markers"), p.path, "run.markers"),
				fixes: []Fix{fix("run.markers", true)}}, "%v is never reached: markers are off", t)
		}
	}
}

// minBoot is the memory that a kernel needs at least: its place, and that of the
// device tree.
const minBoot = 16 << 20

// Boots tells whether a system is booted, instead of a bare-metal program.
func (p *Program) Boots() bool { return p.Kernel != "" || p.BIOS != "" && p.BIOS != "none" }

// program checks what is to run.
func (c *checker) program() {
	p, m := &c.cfg.Program, &c.cfg.Machine
	const bare, kernel, bios, memory = "program.bare", "program.kernel", "program.bios", "machine.memory"
	what := kernel
	if p.Kernel == "" {
		what = bios
	}
	if p.Bare != "" && p.Boots() {
		at := c.last(bare, what)
		c.add(conflict{rule: "bare or kernel", at: at, with: without(at, bare, what), hint: "leave one of them out"},
			"a bare-metal program and a system to boot cannot both run")
	}
	for _, k := range []struct{ path, text, noun string }{{"program.initrd", p.Initrd, "an initrd"}, {"program.append", p.Append, "a command line"}} {
		if k.text != "" && p.Kernel == "" {
			c.add(conflict{rule: "kernel for " + k.path, at: k.path, with: []string{kernel}, hint: "name a kernel too, as in program.kernel=guest:debian, or leave this out"},
				"%s is of no use without a kernel", k.noun)
		}
	}
	if strings.ContainsRune(p.Append, 0) {
		c.add(conflict{rule: "NUL", at: "program.append", hint: "leave it out"}, "a command line ends at a NUL character, and this has one")
	}
	if p.Boots() && m.Memory < minBoot {
		c.add(conflict{rule: "memory of kernel", at: memory, with: []string{what}, fixes: []Fix{fix(memory, Size(minBoot))}},
			"%v is too little memory for a kernel, which begins at 2 MiB and needs %v", m.Memory, Size(minBoot))
	}
}

// outputs checks what is written.
func (c *checker) outputs() {
	const interval, dir = "stats.interval", "stats.dir"
	if s := &c.cfg.Stats; s.Interval > 0 && s.Dir == "" {
		c.add(conflict{rule: "folder of intervals", at: interval, with: []string{dir}, hint: "name a folder by --out DIR or stats.dir, as in stats.dir=results"},
			"intervals of %d cycles have no folder to be written to", s.Interval)
	}
}

// defaultOf is the default value of a field.
func defaultOf(path string) string { return byPath[path].Value(Default()) }
