package config

import (
	"embed"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed presets/*.yaml
var presetFiles embed.FS

// Input is what a configuration is made from; the zero Input gives the
// default.
type Input struct {
	File   string    // path of a YAML file; "" for none
	Data   []byte    // its contents, if not to be read from File
	Preset string    // goes before the file's own preset; "" for none
	Set    []Setting // in order; later ones win

	// Check finds mistakes in fields whose notation others know; nil for none. It
	// may be asked more than once, of configurations that it must not change.
	Check func(*Config) []Mistake

	Origins map[string]Origin // where fields got their values, by path; filled by Load if not nil
}

// Mistake is what Input.Check finds.
type Mistake struct {
	Field string   // the one that should change
	With  []string // the others that it is about
	Err   error    // what is wrong; the likely fix
}

// Setting sets one field from the command line.
type Setting struct {
	Flag  string // as given, for messages: --harts=8
	Key   string // machine.harts
	Value string // 8
}

// ParseSetting splits the argument of --set.
func ParseSetting(arg string) (Setting, error) {
	key, value, ok := strings.Cut(arg, "=")
	key = strings.TrimSpace(key)
	if !ok || key == "" {
		return Setting{}, fmt.Errorf("--set %s: write a field and its value, as in --set machine.harts=8", arg)
	}
	return Setting{"--set " + clipped(arg), key, value}, nil
}

// DefaultPreset is the name of the preset below all others.
const DefaultPreset = "default"

// Presets lists the names of the presets, the default first.
func Presets() []string {
	entries, err := presetFiles.ReadDir("presets")
	if err != nil {
		panic(err)
	}
	names := []string{DefaultPreset}
	for _, e := range entries {
		if n := strings.TrimSuffix(e.Name(), ".yaml"); n != DefaultPreset {
			names = append(names, n)
		}
	}
	return names
}

// PresetSource is the text of a preset, with the sources of its figures.
func PresetSource(name string) ([]byte, error) {
	if !slices.Contains(Presets(), name) {
		hint := "there is " + orList(Presets())
		if near := Nearest(name, Presets()); near != "" {
			hint = "did you mean " + near + "?"
		}
		return nil, fmt.Errorf("preset %q is unknown; %s", clipped(name), hint)
	}
	return presetFiles.ReadFile("presets/" + name + ".yaml")
}

// layers, in the order in which they cover each other.
const (
	rankDefault = iota
	rankPreset
	rankFile
	rankFlag // and above: flags in their order

	rankTrial = 1 << 30 // a fix that is tried
)

// Default is the configuration without any input.
func Default() *Config {
	c, err := Load(Input{})
	if err != nil {
		panic(fmt.Sprintf("config: the default is wrong: %v", err))
	}
	return c
}

// Load makes a configuration. The error of one that has mistakes is Errors;
// another error is one of reading the file.
func Load(in Input) (*Config, error) {
	if in.File != "" && in.Data == nil {
		data, err := ReadFile(in.File)
		if err != nil {
			return nil, err
		}
		in.Data = data
	}
	if in.File == "" {
		in.File = "config"
	}
	d := &decoder{cfg: &Config{}, from: map[string]Origin{}}
	d.preset(DefaultPreset, rankDefault)
	d.from = map[string]Origin{} // a default is nobody's choice

	// The preset lies below the file, but the file may name it.
	d.source, d.rank = in.File, rankFile
	file := d.parseYAML(in.Data)
	name, origin := d.choosePreset(in, file)
	if name != DefaultPreset && len(d.problems) == 0 {
		d.source, d.rank, d.onFlag = origin.Source, origin.rank, origin.Line == 0
		if _, err := PresetSource(name); err != nil {
			msg, hint, _ := strings.Cut(err.Error(), "; ")
			d.problem(origin.Line, "preset", hint, "%s", msg)
		} else {
			d.preset(name, rankPreset)
		}
	}
	d.source, d.rank, d.onFlag = in.File, rankFile, false
	if file != nil {
		d.section(root, file)
	}
	for i, s := range in.Set {
		d.setting(s, rankFlag+i)
	}
	d.cfg.Preset = name
	if in.Origins != nil {
		maps.Copy(in.Origins, d.from)
	}
	return d.finish(in.Check)
}

// ReadFile reads a configuration's file, or as much of it as it may have and a byte
// more, of which Load makes a mistake.
func ReadFile(path string) ([]byte, error) {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

func (d *decoder) preset(name string, rank int) {
	text, err := PresetSource(name)
	if err != nil {
		panic(err)
	}
	d.source, d.rank, d.onFlag = "preset "+name, rank, false
	if n := d.parseYAML(text); n != nil {
		d.section(root, n)
	}
}

// setting applies one flag.
func (d *decoder) setting(s Setting, rank int) {
	d.source, d.rank, d.onFlag = s.Flag, rank, true
	if s.Key == "preset" {
		return // choosePreset has seen it
	}
	f := byPath[s.Key]
	if f == nil {
		d.problem(0, clipped(s.Key), unknownHint(s.Key), "no such field")
		return
	}
	d.field(s.Key, 0, d.flagValue(f, s.Value))
}

// finish checks the whole.
func (d *decoder) finish(more func(*Config) []Mistake) (*Config, error) {
	bad := map[string]bool{}
	for _, p := range d.problems {
		bad[p.Path] = true
	}
	line := d.oneLine()
	c := checker{cfg: d.cfg, from: d.from, bad: bad, line: line, more: more}
	c.check()
	if all := append(d.problems, c.problems()...); len(all) > 0 {
		return nil, all.sorted()
	}
	return d.cfg, nil
}

// oneLine gives the line size that the highest layer sets to every level, and
// returns the field that it took it from, "" for the default's.
func (d *decoder) oneLine() string {
	m := &d.cfg.Machine
	levels := map[string]*Size{"machine.l1i.line": &m.L1I.Line, "machine.l1d.line": &m.L1D.Line, "machine.l2.line": &m.L2.Line, "machine.llc.line": &m.LLC.Line}
	order := []string{"machine.l1i.line", "machine.l1d.line", "machine.l2.line", "machine.llc.line"}
	layer := func(path string) int {
		if r := d.from[path].rank; r < rankTrial {
			return min(r, rankFlag)
		}
		return rankTrial
	}
	top := ""
	for _, p := range order {
		if _, set := d.from[p]; set && (top == "" || layer(p) > layer(top)) {
			top = p
		}
	}
	if top == "" {
		return ""
	}
	line := *levels[top]
	for _, p := range order {
		if _, set := d.from[p]; set && layer(p) == layer(top) && *levels[p] != line {
			d.problems = append(d.problems, Problem{
				Origin: d.from[p], Path: p, Msg: fmt.Sprintf("%v differs from %s", *levels[p], Part{top, line.String(), d.from[top]}),
				Hint: "one machine has one line size, so leave one out, or try " + fix(p, line).String(), Fixes: Fixes{fix(p, line)},
			})
			continue
		}
		if layer(p) < layer(top) {
			d.from[p] = d.from[top]
		}
		*levels[p] = line
	}
	return top
}
