package config

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// checker looks for combinations that cannot be. Each mistake is blamed on
// whichever of the fields involved was set last: that is where its author is.
type checker struct {
	cfg      *Config
	from     map[string]Origin
	bad      map[string]bool // fields whose own value was refused
	problems Errors
}

// blame reports a mistake about the fields at paths. The message is put at the
// one set last, the first path if none was.
func (c *checker) blame(paths []string, hint, format string, args ...any) {
	at := paths[0]
	for _, p := range paths {
		if c.bad[p] {
			return // its value is not what the user wrote
		}
		if c.from[p].rank > c.from[at].rank {
			at = p
		}
	}
	c.problems = append(c.problems, Problem{c.from[at], at, fmt.Sprintf(format, args...), hint})
}

func (c *checker) check() {
	m := &c.cfg.Machine
	if ext, err := parseISA(m.ISA); err != nil {
		msg, hint, _ := strings.Cut(err.Error(), "; ")
		c.blame([]string{"machine.isa"}, hint, "%s", msg)
	} else {
		m.ISA = ext.String()
	}
	c.cache("machine.l1i", m.L1I.Cache)
	c.cache("machine.l1d", m.L1D)
	if m.L2.Enabled() {
		c.cache("machine.l2", m.L2.Cache)
		if l1 := m.L1I.Size + m.L1D.Size; m.L2.Size < l1 {
			c.blame([]string{"machine.l2.size", "machine.l1d.size", "machine.l1i.size"}, "",
				"%v cannot include the %v of machine.l1i and machine.l1d", m.L2.Size, l1)
		}
	}
	c.cache("machine.llc", m.LLC.Cache)
	c.llc(m)
	c.tlb("machine.itlb", m.ITLB)
	c.tlb("machine.dtlb", m.DTLB)
	if m.L2TLB.Entries > 0 {
		c.tlb("machine.l2tlb", m.L2TLB.TLB)
	}
	c.powers()
	c.dram(m)
	if m.Timebase > m.Clock {
		c.blame([]string{"machine.timebase", "machine.clock"}, "", "a timebase of %v is faster than the clock, %v", m.Timebase, m.Clock)
	}
	if _, err := ParseEpoch(m.Devices.Epoch); err != nil {
		msg, hint, _ := strings.Cut(err.Error(), "; ")
		c.blame([]string{"machine.devices.epoch"}, hint, "%s", msg)
	}
	for path, s := range map[string]string{"run.fast_until": c.cfg.Run.FastUntil, "run.stop_at": c.cfg.Run.StopAt} {
		if _, err := ParseTrigger(s); err != nil {
			msg, hint, _ := strings.Cut(err.Error(), "; ")
			c.blame([]string{path}, hint, "%s", msg)
		}
	}
	c.program()
	c.virtio(&m.Virtio)
	if uint64(m.Memory)%4096 != 0 {
		c.blame([]string{"machine.memory"}, fmt.Sprintf("try %v", m.Memory&^4095), "%v is no whole number of 4KiB pages", m.Memory)
	}
}

// program checks what is to run.
func (c *checker) program() {
	p, m := &c.cfg.Program, &c.cfg.Machine
	boots := p.Boots()
	switch {
	case p.Bare != "" && boots:
		c.blame([]string{"program.bare", "program.kernel", "program.bios"}, "leave one of them out", "a bare-metal program and a kernel cannot both run")
	case p.Initrd != "" && p.Kernel == "":
		c.blame([]string{"program.initrd"}, "name a kernel too", "an initrd without a kernel")
	case p.Append != "" && p.Kernel == "":
		c.blame([]string{"program.append"}, "name a kernel too", "a command line without a kernel")
	case boots && m.Memory < minBoot:
		c.blame([]string{"machine.memory", "program.kernel"}, "", "%v is too little memory for a kernel, which begins at 2 MiB; give it at least %v", m.Memory, Size(minBoot))
	}
}

// minBoot is the memory that a kernel needs at least: its place, and that of the
// device tree.
const minBoot = 16 << 20

// Boots tells whether a system is booted, instead of a bare-metal program.
func (p *Program) Boots() bool { return p.Kernel != "" || p.BIOS != "" && p.BIOS != "none" }

// cache checks that lines, ways and sets divide.
func (c *checker) cache(path string, k Cache) {
	geometry := []string{path + ".ways", path + ".size", path + ".line"}
	if k.Line == 0 || k.Ways == 0 || uint64(k.Line)&uint64(k.Line-1) != 0 {
		return // reported where it was read, or by powers
	}
	if k.Size%k.Line != 0 || k.Size < k.Line {
		c.blame([]string{path + ".size", path + ".line"}, "", "%v is no whole number of %v lines", k.Size, k.Line)
		return
	}
	lines := uint64(k.Size / k.Line)
	if lines%uint64(k.Ways) != 0 || !power2(lines/uint64(k.Ways)) {
		why := fmt.Sprintf("%d does not divide %d lines", k.Ways, lines)
		if lines%uint64(k.Ways) == 0 {
			why = fmt.Sprintf("%d lines in %d ways make %d sets, no power of two", lines, k.Ways, lines/uint64(k.Ways))
		}
		c.blame(geometry, tryWays(lines, k.Ways, 64, k.Replacement == "plru"), "%s", why)
		return
	}
	if k.Replacement == "plru" && !power2(uint64(k.Ways)) {
		c.blame([]string{path + ".replacement", path + ".ways"}, "try lru", "the tree of plru needs ways that are a power of two, not %d", k.Ways)
	}
}

// tryWays names the nearest associativities below and above that would do.
func tryWays(lines uint64, ways, most int, onlyPowers bool) string {
	fits := func(w int) bool {
		return lines%uint64(w) == 0 && power2(lines/uint64(w)) && (!onlyPowers || power2(uint64(w)))
	}
	var try []string
	for w := ways - 1; w >= 1; w-- {
		if fits(w) {
			try = append(try, strconv.Itoa(w))
			break
		}
	}
	for w := ways + 1; w <= most; w++ {
		if fits(w) {
			try = append(try, strconv.Itoa(w))
			break
		}
	}
	if len(try) == 0 {
		return ""
	}
	return "try " + strings.Join(try, " or ")
}

// holds checks that an inclusive outer cache is at least as large as each of
// the inner ones.
func (c *checker) holds(outer string, inner ...string) {
	size := func(path string) Size { return byPath[path+".size"].of(c.cfg).Interface().(Size) }
	for _, in := range inner {
		if size(outer) < size(in) {
			c.blame([]string{outer + ".size", in + ".size"}, "", "%v cannot include the %v of %s", size(outer), size(in), in)
			return
		}
	}
}

func (c *checker) llc(m *Machine) {
	if sets := uint64(m.LLC.Size) / max(1, uint64(m.LLC.Line)*uint64(m.LLC.Ways)); power2(uint64(m.LLC.Banks)) && sets < uint64(m.LLC.Banks) {
		c.blame([]string{"machine.llc.banks", "machine.llc.size", "machine.llc.ways"}, "", "%d banks share %d sets", m.LLC.Banks, sets)
	}
	if m.LLC.Inclusive {
		c.holds("machine.llc", "machine.l2", "machine.l1d", "machine.l1i")
	}
}

func (c *checker) tlb(path string, t TLB) {
	if t.Ways == 0 || t.Entries == 0 {
		return
	}
	if t.Entries%t.Ways != 0 || !power2(uint64(t.Entries/t.Ways)) {
		why := fmt.Sprintf("%d does not divide %d entries", t.Ways, t.Entries)
		if t.Entries%t.Ways == 0 {
			why = fmt.Sprintf("%d entries in %d ways make %d sets, no power of two", t.Entries, t.Ways, t.Entries/t.Ways)
		}
		c.blame([]string{path + ".ways", path + ".entries"}, tryWays(uint64(t.Entries), t.Ways, t.Entries, t.Replacement == "plru"), "%s", why)
	} else if t.Replacement == "plru" && !power2(uint64(t.Ways)) {
		c.blame([]string{path + ".replacement", path + ".ways"}, "try lru", "the tree of plru needs ways that are a power of two, not %d", t.Ways)
	}
	has4K := false
	seen := map[Size]bool{}
	for _, s := range t.PageSizes {
		has4K = has4K || s == 4<<10
		if seen[s] {
			c.blame([]string{path + ".page_sizes"}, "", "%v is given twice", s)
		}
		seen[s] = true
	}
	if !has4K {
		c.blame([]string{path + ".page_sizes"}, "", "a TLB must hold 4KiB pages")
	}
}

// powers checks the fields that must be powers of two. The L1I's line stands
// for all, as oneLine has made them equal.
func (c *checker) powers() {
	for _, path := range []string{
		"machine.l1i.line", "machine.llc.banks",
		"machine.bus.width", "machine.dram.channels", "machine.dram.banks", "machine.dram.row", "machine.dram.width",
	} {
		f := byPath[path]
		n := f.number(f.Value(c.cfg))
		if n == 0 || power2(n) {
			continue
		}
		below := uint64(1) << (bits.Len64(n) - 1)
		show := func(n uint64) string {
			if f.Unit == "" && f.typ.Name() == "Size" {
				return Size(n).String()
			}
			return strconv.FormatUint(n, 10)
		}
		c.blame([]string{path}, fmt.Sprintf("try %s or %s", show(below), show(2*below)), "%s is no power of two", show(n))
	}
}

func (c *checker) dram(m *Machine) {
	d := m.DRAM
	if d.Row < m.LLC.Line {
		c.blame([]string{"machine.dram.row", "machine.llc.line"}, "", "a row of %v does not hold a line of %v", d.Row, m.LLC.Line)
	}
	if d.TREFI > 0 && d.TREFI <= d.TRFC {
		c.blame([]string{"machine.dram.t_rfc", "machine.dram.t_refi"}, "", "a refresh of %v every %v leaves no time to work", d.TRFC, d.TREFI)
	}
}

func power2(n uint64) bool { return n != 0 && n&(n-1) == 0 }
