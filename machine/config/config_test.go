package config

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"mcsim/core/isa"
)

// load is Load for tests: the text of a file and --set arguments.
func load(t *testing.T, text string, set ...string) (*Config, error) {
	t.Helper()
	in := Input{File: "m.yaml", Data: []byte(text)}
	for _, s := range set {
		setting, err := ParseSetting(s)
		if err != nil {
			t.Fatal(err)
		}
		in.Set = append(in.Set, setting)
	}
	return Load(in)
}

func TestDefault(t *testing.T) {
	m := Default().Machine
	if m.Harts != 1 || m.L1D.Size != 32<<10 || m.LLC.Size != 4<<20 || m.L2.Enabled() || m.Clock != 1e9 || m.ISA != (isa.AllExtensions&^isa.ExtSmaia&^isa.ExtSsaia).String() { // those come with machine.interrupts
		t.Errorf("%+v", m)
	}
}

// A field whose default nobody wrote down would silently be zero.
func TestDefaultNamesEveryField(t *testing.T) {
	text, _ := PresetSource(DefaultPreset)
	d := decoder{cfg: &Config{}, from: map[string]Origin{}, source: "default"}
	d.section(root, d.parseYAML(text))
	for _, f := range Fields() {
		if _, ok := d.from[f.Path]; !ok {
			t.Errorf("%s is not in default.yaml", f.Path)
		}
		if f.Doc == "" {
			t.Errorf("%s has no documentation", f.Path)
		}
	}
}

func TestLayers(t *testing.T) {
	c, err := load(t, "preset: server\nmachine:\n  harts: 4\n  l1d: {size: 128KiB}\n", "machine.harts=8", "log.only=trap,bus", "stats.file=a: #b")
	if err != nil {
		t.Fatal(err)
	}
	if m := c.Machine; m.Harts != 8 || m.L1D.Size != 128<<10 || m.L2.Size != 1<<20 || c.Preset != "server" {
		t.Errorf("%+v", m)
	}
	if !reflect.DeepEqual(c.Log.Only, []string{"trap", "bus"}) || c.Stats.File != "a: #b" {
		t.Errorf("%+v", c)
	}
}

// The line size is the machine's: one level's setting is everybody's.
func TestOneLineSize(t *testing.T) {
	c, err := load(t, "", "machine.l1d.line=128")
	if err != nil || c.Machine.LLC.Line != 128 || c.Machine.L2.Line != 128 {
		t.Error(c, err)
	}
}

// Each mistake, with the place and the words that a user gets.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ text, set, want string }{
		{"machine: {l1d: {ways: 3}}", "", "m.yaml:1: machine.l1d.ways: 512 lines cannot be divided into sets of 3 ways, with machine.l1d.size=32KiB (default) and machine.l1d.line=64B (default); try machine.l1d.ways=2 or machine.l1d.ways=4"},
		{"machine:\n  hart: 2\n", "", "m.yaml:2: machine.hart: no such field; did you mean machine.harts?"},
		{"\nl1d: {ways: 3}", "", "m.yaml:2: l1d: no such field; did you mean machine.l1d?"},
		{"", "l1d.ways=2", "--set l1d.ways=2: l1d.ways: no such field; did you mean machine.l1d.ways?"},
		{"", "machine.harts=99", "--set machine.harts=99: machine.harts: 99 is out of range; it goes from 1 to 64"},
		{"", "machine.harts=two", `--set machine.harts=two: machine.harts: "two" is not a whole number from 0 up`},
		{"machine: {memory: 32KB}", "", `m.yaml:1: machine.memory: "32KB" is not a size; try 32KiB`},
		{"machine: {memory: 65GiB}", "", "m.yaml:1: machine.memory: 65GiB is out of range; it goes from 1MiB to 64GiB"},
		{"machine: {protocol: MOSEI}", "", `m.yaml:1: machine.protocol: "MOSEI" is unknown; did you mean MOESI?`},
		{"machine: {pmp: 8}", "", "m.yaml:1: machine.pmp: 8 is none of 0, 16"},
		{"machine: {isa: rv64imafdc_zbbb}", "", `m.yaml:1: machine.isa: extension "zbbb" is unknown; did you mean zbb?`},
		{"machine: {isa: rv32i}", "", `m.yaml:1: machine.isa: must begin with rv64`},
		{"machine: {llc: {size: 3MiB}}", "", "m.yaml:1: machine.llc.size: 49152 lines in sets of 16 ways make 3072 sets, which is no power of two, with machine.llc.ways=16 (default) and machine.llc.line=64B (default); try machine.llc.size=2MiB or machine.llc.size=4MiB"},
		{"machine: {l1i: {size: 1000}}", "", "m.yaml:1: machine.l1i.size: 1000B is no whole number of 64B lines, with machine.l1i.line=64B (default) and machine.l1i.ways=8 (default); try machine.l1i.size=512B or machine.l1i.size=1KiB"},
		{"machine: {l1d: {line: 48}}", "", "m.yaml:1: machine.l1d.line: 48B is no power of two; try machine.l1d.line=32B or machine.l1d.line=64B"},
		{"machine: {l1i: {line: 32}, l1d: {line: 64}}", "", "m.yaml:1: machine.l1d.line: 64B differs from machine.l1i.line=32B (m.yaml:1); one machine has one line size, so leave one out, or try machine.l1d.line=32B"},
		{"machine: {llc: {size: 16KiB}}", "", "m.yaml:1: machine.llc.size: an inclusive LLC of 16KiB cannot hold an L1D of 32KiB, with machine.l1d.size=32KiB (default), machine.l1i.size=32KiB (default) and machine.llc.inclusive=true (default); try machine.llc.size=32KiB or machine.llc.inclusive=false"},
		{"machine: {l1d: {ways: 16}}", "machine.l1d.replacement=fifoo", `--set machine.l1d.replacement=fifoo: machine.l1d.replacement: "fifoo" is unknown; did you mean fifo?`},
		{"machine: {dtlb: {entries: 24, ways: 24, replacement: plru}}", "", "m.yaml:1: machine.dtlb.replacement: the tree of plru needs ways that are a power of two, not 24, with machine.dtlb.ways=24 (m.yaml:1); try machine.dtlb.replacement=lru"},
		{"machine: {dtlb: {page_sizes: [2MiB]}}", "", "m.yaml:1: machine.dtlb.page_sizes: a TLB must hold 4KiB pages; try machine.dtlb.page_sizes=4KiB,2MiB"},
		{"machine: {dram: {t_rfc: 9us}}", "", "m.yaml:1: machine.dram.t_rfc: a refresh of 9us every 7.8us leaves no time to work, with machine.dram.t_refi=7.8us (default); try machine.dram.t_rfc=350ns or machine.dram.t_refi=0"},
		{"machine: {dram: {t_cl: 14}}", "", `m.yaml:1: machine.dram.t_cl: "14" is not a time; write 13.75ns or 7.8us`},
		{"machine: {timebase: 1GHz, clock: 10MHz}", "", "m.yaml:1: machine.timebase: a timebase of 1GHz is faster than the clock, 10MHz, with machine.clock=10MHz (m.yaml:1); try machine.timebase=10MHz or machine.clock=1GHz"},
		{"machine: 4", "", `m.yaml:1: machine: machine is a section of names and values, not "4"; set one of its fields, as in machine.harts`},
		{"machine: {harts: [1]}", "", "m.yaml:1: machine.harts: a single value belongs here, not a list"},
		{"- a", "", "m.yaml:1: a configuration is a section of names and values, not a list"},
		{"run: {check: yes}", "", `m.yaml:1: run.check: "yes" is neither true nor false; try true`},
		{"machine: {seed: 18446744073709551616}", "", "m.yaml:1: machine.seed: 18446744073709551616 is out of range; no number is larger than 18446744073709551615"},
		{"machine: {l1d: {size: 64KiB}}\nmachine.l1d.size: 32KiB", "", "m.yaml:2: machine.l1d.size: given twice, first in line 1; drop one"},
		{"machine:\n\tharts: 2\n", "", "m.yaml:2: not YAML: found character that cannot start any token; this line begins with a tab: YAML is indented by spaces"},
		{"? [a, b]\n: 3\n", "", "m.yaml:1: a name belongs here, not a list"},
		{"run: {check: maybe}", "", `m.yaml:1: run.check: "maybe" is neither true nor false`},
		{"preset: sever", "", `m.yaml:1: preset: preset "sever" is unknown; did you mean server?`},
		{"", "preset=x", `--set preset=x: preset: preset "x" is unknown; there is default, inorder-soc or server`},
		{"run:\n  check: true\n  check: false", "", "m.yaml:3: run.check: given twice, first in line 2; drop one"},
		{"a: b\n---\nc: d", "", "m.yaml:1: a: no such field; there is preset, machine, program, run, log, stats, record\nm.yaml:2: a second document begins here; leave one and drop the line ---"},
		{"machine:\n  isa: rv64imafdc\n  virtio: {coherent: false, rng: true}\n", "", "m.yaml:3: machine.virtio.coherent: without snooping, drivers must clean and invalidate lines, which takes Zicbom, with machine.isa=rv64imafdc_zicsr (m.yaml:2); try machine.virtio.coherent=true or machine.isa=rv64imafdc_zicbom_zicsr"},
		{"run: {<<: {check: true}}", "", "m.yaml:1: run: merge keys (<<) are not supported"},
	} {
		set := []string{}
		if c.set != "" {
			set = append(set, c.set)
		}
		_, err := load(t, c.text, set...)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s %s\n got  %v\n want %s", c.text, c.set, err, c.want)
		}
	}
}

// Syntax errors are the library's words, but our place.
func TestSyntax(t *testing.T) {
	for text, want := range map[string]string{
		"run:\n  check: [1\n":   "m.yaml:",
		"a: *b":                 "m.yaml:1: not YAML: unknown anchor",
		"a: &a [*a]":            "m.yaml:1: ",
		"\x00":                  "m.yaml:1: not YAML: control characters",
		"run:\n\tcheck: true\n": "m.yaml:2: not YAML",
	} {
		if _, err := load(t, text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	_, err := load(t, "machine:\n  harts: 0\n  quantums: 3\n  l1d: {ways: 5}\nstat: {}\n", "run.checks=true")
	want := `m.yaml:2: machine.harts: 0 is out of range; it goes from 1 to 64
m.yaml:3: machine.quantums: no such field; did you mean machine.quantum?
m.yaml:4: machine.l1d.ways: 512 lines cannot be divided into sets of 5 ways, with machine.l1d.size=32KiB (default) and machine.l1d.line=64B (default); try machine.l1d.ways=4 or machine.l1d.ways=8
m.yaml:5: stat: no such field; did you mean stats?
--set run.checks=true: run.checks: no such field; did you mean run.check?`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// What config show prints is read back as the same configuration.
func TestShowRoundTrip(t *testing.T) {
	for _, name := range Presets() {
		c, err := load(t, "", "preset="+name, "stats.file=a\"b ü", "log.file=-", "machine.dram.t_cl=13.333ns")
		if err != nil {
			t.Fatal(name, err)
		}
		roundTrip(t, c)
	}
}

func roundTrip(t *testing.T, c *Config) {
	t.Helper()
	var b bytes.Buffer
	if err := c.WriteYAML(&b); err != nil {
		t.Fatal(err)
	}
	back, err := load(t, b.String())
	if err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	if !reflect.DeepEqual(c, back) {
		t.Errorf("%+v\nis read back as\n%+v", c, back)
	}
}

// The schema is checked by an implementation that is not ours.
func TestSchema(t *testing.T) {
	var b bytes.Buffer
	if err := WriteSchema(&b); err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(&b)
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("mcsim.json", doc); err != nil {
		t.Fatal(err)
	}
	schema := compiler.MustCompile("mcsim.json")
	validate := func(text string) error {
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		j, _ := json.Marshal(v)
		inst, err := jsonschema.UnmarshalJSON(bytes.NewReader(j))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(inst)
	}
	for _, name := range Presets() {
		text, _ := PresetSource(name)
		if err := validate(string(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var shown bytes.Buffer
	Default().WriteYAML(&shown)
	if err := validate(shown.String()); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"machine: {hart: 1}", "machine: {harts: 0}", "machine: {memory: 32KB}", "machine: {pmp: 3}", "log: {only: [traps]}", "machine: {protocol: M}"} {
		if validate(bad) == nil {
			t.Errorf("the schema takes %s", bad)
		}
	}
}

func TestJSONHasEveryField(t *testing.T) {
	c, _ := load(t, "preset: server")
	j, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	back, err := load(t, string(j)) // JSON is YAML
	if err != nil || !reflect.DeepEqual(c, back) {
		t.Error(err, string(j))
	}
}

func TestUnits(t *testing.T) {
	for text, want := range map[string]Size{"0": 0, "64": 64, "1KiB": 1024, "1.5KiB": 1536, " 2 MiB ": 2 << 20, "16B": 16} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "KiB", "-1", "1e3", "1.0001KiB", "1kib", "0x10", "99999999999TiB", "1..5KiB", "18446744073709551616"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
	if n, _ := ParseNanos("13.75ns"); n.Cycles(1e9) != 14 || n.Cycles(3e9) != 42 {
		t.Error(n)
	}
	if h, _ := ParseHertz("1.2GHz"); h != 1.2e9 || h.String() != "1.2GHz" {
		t.Error(h)
	}
}

func FuzzLoad(f *testing.F) {
	for _, name := range Presets() {
		text, _ := PresetSource(name)
		f.Add(string(text), "machine.harts=2")
	}
	f.Add("machine: &x {l1d: *x}", "machine={harts: 3}")
	f.Add("run: {max_seconds: 0x10}\nlog: {only: [trap]}", "log.only=")
	f.Fuzz(func(t *testing.T, text, set string) {
		s, err := ParseSetting(set)
		if err != nil {
			return
		}
		c, err := Load(Input{File: "f.yaml", Data: []byte(text), Set: []Setting{s}})
		if err == nil {
			roundTrip(t, c)
		}
	})
}
