package machine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/u-root/u-root/pkg/dt"
)

// cpus describes the harts, their caches and who shares what.
func (b *dtBuilder) cpus() *dt.Node {
	c := &b.c
	cpus := node("cpus", cells("#address-cells", 1), cells("#size-cells", 0), cells("timebase-frequency", uint32(c.TimebaseHz)))
	cluster := node("cluster0")
	for h := range c.Harts {
		cpus.Children = append(cpus.Children, b.cpu(h))
		cluster.Children = append(cluster.Children, node(fmt.Sprintf("core%d", h), cells("cpu", b.phCPU(h))))
	}
	cpuMap := node("cpu-map")
	cpuMap.Children = []*dt.Node{cluster}
	cpus.Children = append(cpus.Children, cpuMap)
	if c.LLC.Size != 0 {
		level := uint32(2)
		if c.L2.Size != 0 {
			level = 3
		}
		cpus.Children = append(cpus.Children, cacheNode(level, c.LLC, phLLC, 0))
	}
	return cpus
}

func (b *dtBuilder) cpu(h int) *dt.Node {
	c := &b.c
	base, exts := isaNames(c.Extensions)
	n := node(fmt.Sprintf("cpu@%x", h),
		text("device_type", "cpu"), cells("reg", uint32(h)), text("status", "okay"), text("compatible", "riscv"),
		cells("phandle", b.phCPU(h)),
		text("riscv,isa", isaString(exts)), text("riscv,isa-base", base), text("riscv,isa-extensions", exts...))
	add := func(p ...dt.Property) { n.Properties = append(n.Properties, p...) }
	if c.MMU != "" {
		add(text("mmu-type", "riscv,"+c.MMU))
	}
	for _, x := range []struct {
		name  string
		bytes uint32
	}{{"riscv,cbom-block-size", c.CBOMBlock}, {"riscv,cboz-block-size", c.CBOZBlock}, {"riscv,cbop-block-size", c.CBOPBlock}} {
		if x.bytes != 0 {
			add(cells(x.name, x.bytes))
		}
	}
	add(cacheShape("i-cache-", c.L1I)...)
	add(cacheShape("d-cache-", c.L1D)...)
	add(tlbShape("i-tlb-", c.ITLB)...)
	add(tlbShape("d-tlb-", c.DTLB)...)
	if c.ITLB.Size != 0 && c.DTLB.Size != 0 {
		add(empty("tlb-split"))
	}
	n.Children = append(n.Children, node("interrupt-controller", text("compatible", "riscv,cpu-intc"),
		empty("interrupt-controller"), cells("#interrupt-cells", 1), cells("#address-cells", 0),
		cells("phandle", b.phIntc(h))))
	next := uint32(0)
	if c.LLC.Size != 0 {
		next = phLLC
	}
	if c.L2.Size != 0 {
		n.Children = append(n.Children, cacheNode(2, c.L2, b.phL2(h), next))
		next = b.phL2(h)
	}
	if next != 0 {
		add(cells("next-level-cache", next))
	}
	return n
}

// cacheNode describes a unified cache; next is the phandle of the one behind
// it, or 0.
func cacheNode(level uint32, c DTCache, phandle, next uint32) *dt.Node {
	n := node(fmt.Sprintf("l%d-cache", level), text("compatible", "cache"), empty("cache-unified"),
		cells("cache-level", level), cells("phandle", phandle))
	n.Properties = append(n.Properties, cacheShape("cache-", c)...)
	if next != 0 {
		n.Properties = append(n.Properties, cells("next-level-cache", next))
	}
	return n
}

func cacheShape(prefix string, c DTCache) []dt.Property {
	if c.Size == 0 {
		return nil
	}
	return []dt.Property{
		cells(prefix+"size", uint32(c.Size)),
		cells(prefix+"sets", uint32(c.Size/(c.Ways*c.Line))),
		cells(prefix+"block-size", uint32(c.Line)),
	}
}

func tlbShape(prefix string, c DTCache) []dt.Property {
	if c.Size == 0 {
		return nil
	}
	return []dt.Property{cells(prefix+"size", uint32(c.Size)), cells(prefix+"sets", uint32(c.Size/c.Ways))}
}

// Order of the single-letter extensions in an ISA string (unprivileged manual,
// "ISA Extension Naming Conventions").
const letterOrder = "iemafdqlcbkjtpvnh"

// isaNames returns the base ISA and the extensions in the order of an ISA
// string: letters, then Z by their second letter, then S, then others.
func isaNames(exts []string) (base string, ordered []string) {
	rank := func(e string) string {
		if len(e) == 1 {
			return fmt.Sprintf("0%02d", strings.Index(letterOrder, e)+1)
		}
		switch e[0] {
		case 'z':
			return fmt.Sprintf("1%02d%s", strings.IndexByte(letterOrder, e[1])+1, e)
		case 's':
			return "2" + e
		}
		return "3" + e
	}
	ordered = slices.Clone(exts)
	slices.SortStableFunc(ordered, func(a, b string) int { return strings.Compare(rank(a), rank(b)) })
	ordered = slices.Compact(ordered)
	base = "rv64i"
	if slices.Contains(ordered, "e") {
		base = "rv64e"
	}
	return base, ordered
}

// isaString joins ordered extensions as older software reads them.
func isaString(exts []string) string {
	s := "rv64"
	for i, e := range exts {
		if len(e) > 1 && i > 0 {
			s += "_"
		}
		s += e
	}
	return s
}
