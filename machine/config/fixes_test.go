package config

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// apply follows what a message advises: each alternative, as a user would type it
// after --set.
func advice(hint string) (alternatives [][]string) {
	_, list, ok := strings.Cut(hint, "try ")
	if !ok {
		return nil
	}
	list = regexp.MustCompile(` or |, `).ReplaceAllString(list, "\n")
	for _, a := range strings.Split(list, "\n") {
		alternatives = append(alternatives, strings.Split(a, " with "))
	}
	return alternatives
}

// A mistake in how fields go together names the fields with their values and where
// these come from, and a way out that is one: each that the text names, applied
// alone, gives a valid configuration.
func TestAdviceMends(t *testing.T) {
	for _, c := range []struct{ text, set, want string }{
		{"", "machine.itlb.entries=16", "--set machine.itlb.entries=16: machine.itlb.ways: 32 ways are more than the 16 entries there are, with machine.itlb.ways=32 (default) and machine.itlb.entries=16 (--set); try machine.itlb.ways=16 or machine.itlb.entries=32"},
		{"", "machine.dtlb.entries=48", "machine.dtlb.ways: 48 entries cannot be divided into sets of 32 ways"},
		{"", "machine.l2tlb.entries=1000", "machine.l2tlb.entries: 1000 entries in sets of 8 ways make 125 sets"},
		{"machine:\n  l2tlb:\n    entries: 96\n    ways: 8\n", "", "m.yaml:4: machine.l2tlb.ways: 96 entries in sets of 8 ways make 12 sets, which is no power of two, with machine.l2tlb.entries=96 (m.yaml:3); try machine.l2tlb.ways=6 or machine.l2tlb.ways=12"},
		{"machine: {l1d: {size: 3KiB}}", "", "m.yaml:1: machine.l1d.size: 48 lines in sets of 8 ways make 6 sets, which is no power of two, with machine.l1d.ways=8 (default) and machine.l1d.line=64B (default); try machine.l1d.size=2KiB or machine.l1d.size=4KiB"},
		{"machine: {l1d: {size: 256}}", "", "machine.l1d.ways: 8 ways are more than the 4 lines there are"},
		{"machine: {l2: {size: 8MiB}}", "", "m.yaml:1: machine.l2.size: an inclusive LLC of 4MiB cannot hold an L2 of 8MiB, with machine.llc.size=4MiB (default) and machine.llc.inclusive=true (default); try machine.l2.size=4MiB or machine.llc.size=8MiB"},
		{"machine: {l2: {size: 512KiB}}", "machine.llc.size=256KiB", "--set machine.llc.size=256KiB: machine.llc.size: an inclusive LLC of 256KiB cannot hold an L2 of 512KiB, with machine.l2.size=512KiB (m.yaml:1)"},
		{"machine: {l2: {size: 32KiB}}", "", "m.yaml:1: machine.l2.size: a private L2 of 32KiB cannot include the 64KiB of both L1s"},
		{"preset: server", "machine.l1d.size=1MiB", "--set machine.l1d.size=1MiB: machine.l1d.size: a private L2 of 1MiB cannot include the 1088KiB of both L1s, with machine.l2.size=1MiB (preset server:"},
		{"machine: {llc: {inclusive: false}}", "machine.llc.size=4KiB", "machine.llc.size: 8 banks cannot share 4 sets"},
		{"", "machine.llc.banks=6", "machine.llc.banks: 6 is no power of two; try machine.llc.banks=4 or machine.llc.banks=8"},
		{"", "machine.bus.width=24", "machine.bus.width: 24B is no power of two; try machine.bus.width=16B or machine.bus.width=32B"},
		{"", "machine.dram.row=300", "machine.dram.row: 300B is no power of two; try machine.dram.row=256B or machine.dram.row=512B"},
		{"", "machine.l1d.line=24", "machine.l1d.line: 24B is no power of two; try machine.l1d.line=16B or machine.l1d.line=32B"},
		{"", "machine.l1d.line=200", "machine.l1d.line: 200B is no power of two"},
		{"machine: {l1i: {line: 32}, l2: {line: 128}}", "", "m.yaml:1: machine.l2.line: 128B differs from machine.l1i.line=32B (m.yaml:1)"},
		{"machine: {l1i: {size: 1000}}", "", "machine.l1i.size: 1000B is no whole number of 64B lines"},
		{"", "machine.l1d.size=24KiB,machine.l1d.replacement=plru", "machine.l1d.size: 384 lines in sets of 8 ways make 48 sets"},
		{"machine: {l1d: {size: 48KiB, ways: 12, replacement: plru}}", "", "machine.l1d.replacement: the tree of plru needs ways that are a power of two, not 12, with machine.l1d.ways=12 (m.yaml:1); try machine.l1d.replacement=lru"},
		{"machine: {itlb: {page_sizes: [2MiB, 2MiB, 4KiB]}}", "", "machine.itlb.page_sizes: 2MiB is given twice"},
		{"machine: {itlb: {page_sizes: [1GiB]}}", "", "machine.itlb.page_sizes: a TLB must hold 4KiB pages"},
		{"", "machine.dram.t_refi=300ns", "machine.dram.t_refi: a refresh of 350ns every 300ns leaves no time to work, with machine.dram.t_rfc=350ns (default); try machine.dram.t_refi=7.8us or machine.dram.t_refi=0"},
		{"", "machine.clock=1MHz", "machine.clock: a timebase of 10MHz is faster than the clock, 1MHz"},
		{"", "machine.memory=1048577", "machine.memory: 1048577B is no whole number of 4KiB pages; try machine.memory=1MiB or machine.memory=1028KiB"},
		{"machine: {memory: 8MiB}\nprogram: {kernel: k}", "", "m.yaml:1: machine.memory: 8MiB is too little memory for a kernel, which begins at 2 MiB and needs 16MiB, with program.kernel=k (m.yaml:2); try machine.memory=16MiB"},
		{"run: {markers: false, stop_at: marker:roi}", "", "m.yaml:1: run.stop_at: marker:roi is never reached: markers are off, with run.markers=false (m.yaml:1); try run.markers=true"},
		{"machine: {isa: rv64i, virtio: {coherent: false, rng: true}}", "", "which takes Zicbom"},
		{"machine: {virtio: {rng: true}}", "machine.devices.plic=false", "--set machine.devices.plic=false: machine.devices.plic: these devices need an interrupt controller, with machine.interrupts=plic (default), machine.virtio.rng=true (m.yaml:1) and machine.devices.uart=true (default); try machine.devices.plic=true or machine.interrupts=aplic"},
		{"", "machine.devices.plic=false", "machine.devices.plic: these devices need an interrupt controller, with machine.interrupts=plic (default) and machine.devices.uart=true (default); try machine.devices.uart=false or machine.devices.plic=true"},
		{"machine: {virtio: {disks: [a, b, c, d, e, f, g, h, i]}}", "", "machine.virtio.transport: 9 devices do not fit into 8 places, with machine.virtio.transport=mmio (default)"},
		{"machine: {virtio: {network: {forward: ['2222:22']}}}", "", "machine.virtio.network.forward: there is no network to forward ports to"},
	} {
		var set []string
		if c.set != "" {
			set = strings.Split(c.set, ",machine")
			for i := range set[1:] {
				set[i+1] = "machine" + set[i+1]
			}
		}
		_, err := load(t, c.text, set...)
		list, _ := err.(Errors)
		if len(list) != 1 || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s\n got  %v\n want %s", c.text, c.set, err, c.want)
			continue
		}
		alternatives := advice(list[0].Hint)
		if len(alternatives) == 0 || len(alternatives) != len(list[0].Fixes) {
			t.Errorf("%s %s: %d ways out in %q", c.text, c.set, len(alternatives), list[0].Hint)
		}
		for _, a := range alternatives {
			if _, err := load(t, c.text, append(set, a...)...); err != nil {
				t.Errorf("%s %s: then %v: %v", c.text, c.set, a, err)
			}
		}
	}
}

// Whatever numbers people write, following the first advice of each message ends in
// a valid configuration after a few rounds.
func TestAdviceEnds(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	choices := map[string][]string{}
	for _, level := range []string{"l1i", "l1d", "l2", "llc"} {
		choices["machine."+level+".size"] = []string{"256", "3KiB", "16KiB", "24KiB", "1000", "1MiB", "6MiB", "64MiB"}
		choices["machine."+level+".ways"] = []string{"1", "3", "6", "8", "16", "64"}
		choices["machine."+level+".replacement"] = []string{"lru", "plru"}
	}
	for _, level := range []string{"itlb", "dtlb", "l2tlb"} {
		choices["machine."+level+".entries"] = []string{"1", "7", "16", "48", "1000", "4096"}
		choices["machine."+level+".ways"] = []string{"1", "3", "4", "16", "100", "4096"}
		choices["machine."+level+".replacement"] = []string{"lru", "plru"}
		choices["machine."+level+".page_sizes"] = []string{"4KiB", "2MiB", "2MiB,2MiB", "4KiB,1GiB"}
	}
	for path, values := range map[string]string{
		"machine.l1d.line": "16 24 64 256", "machine.llc.banks": "1 3 64", "machine.llc.inclusive": "true false",
		"machine.dram.row": "256 300 64KiB", "machine.dram.t_rfc": "0 9us", "machine.dram.t_refi": "0 1ns 1us", "machine.bus.width": "1 3 256",
		"machine.clock": "1MHz 1GHz", "machine.timebase": "1kHz 1GHz", "machine.memory": "1MiB 5000001", "preset": "default server inorder-soc",
	} {
		choices[path] = strings.Fields(values)
	}
	var paths []string
	for _, f := range Fields() {
		if choices[f.Path] != nil {
			paths = append(paths, f.Path)
		}
	}
	for range 100 {
		var set []string
		for range 1 + r.IntN(8) {
			p := paths[r.IntN(len(paths))]
			set = append(set, p+"="+choices[p][r.IntN(len(choices[p]))])
		}
		follow(t, set)
	}
}

func follow(t *testing.T, set []string) {
	t.Helper()
	begin := fmt.Sprint(set)
	for round := 0; ; round++ {
		_, err := load(t, "", set...)
		if err == nil {
			return
		}
		if round == 10 {
			t.Fatalf("%s: after ten rounds, %v:\n%v", begin, set, err)
		}
		for _, p := range err.(Errors) {
			if len(p.Fixes) == 0 {
				t.Fatalf("%s: then %v: no way out of %v", begin, set, p)
			}
		}
		set = append(set, err.(Errors)[0].Fixes[0]...)
	}
}

// Names that other tools use, and names of which several sections have one.
func TestUnknownNames(t *testing.T) {
	for path, want := range map[string]string{
		"machine.dtlb.size":     "did you mean machine.dtlb.entries?",
		"machine.cores":         "did you mean machine.harts?",
		"machine.l1d.assoc":     "did you mean machine.l1d.ways?",
		"machine.l3":            "did you mean machine.llc?",
		"machine.inclusive":     "did you mean machine.llc.inclusive?",
		"l1d.ways":              "did you mean machine.l1d.ways?",
		"machine.lld.ways":      "did you mean machine.l1d.ways?",
		"machine.bus.size":      "there is width, latency, snoop, io",
		"machine.store_bufer":   "did you mean machine.store_buffer?",
		"run.max-cycles":        "did you mean run.max_cycles?",
		"machine.itlb.xyzzyfoo": "there is entries, ways, replacement, page_sizes",
	} {
		if got := unknownHint(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
