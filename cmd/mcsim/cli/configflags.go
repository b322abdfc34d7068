package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"mcsim/machine/config"
	"mcsim/snapshot"
)

// configFlags are the flags that make up a configuration.
type configFlags struct {
	preset textValue
	set    []string
	short  []shortFlag
	from   map[string]config.Origin // of what was loaded
}

// shortFlag is a flag of its own for a field that is set often.
type shortFlag struct {
	name  string
	key   string
	value *textValue
	list  *listValue // instead of value: the flag is repeated
}

// text is what the flag sets its field to.
func (s *shortFlag) text() string {
	if s.list == nil {
		return s.value.text
	}
	b, err := json.Marshal(s.list.texts) // YAML, too
	must(err)
	return string(b)
}

// add declares --preset and --set.
func (f *configFlags) add(c *cobra.Command) {
	f.preset.metavar = "NAME"
	c.Flags().Var(&f.preset, "preset", "machine to start from: "+strings.Join(config.Presets(), ", "))
	c.Flags().Var((*settings)(&f.set), "set", "set a field, as in --set machine.l1d.size=64KiB; repeatable")
	complete(c, "preset", config.Presets())
	must(c.RegisterFlagCompletionFunc("set", completeSet))
}

// field declares a flag for one field; its help is the field's.
func (f *configFlags) field(c *cobra.Command, name, key, metavar string) {
	row := fieldAt(key)
	doc := row.Doc
	if r := row.Range(); r != "" && len(r) < 40 {
		doc += "; " + r
	}
	v := &textValue{metavar: metavar}
	c.Flags().Var(v, name, doc)
	if row.Type() == "bool" {
		c.Flags().Lookup(name).NoOptDefVal = "true"
	}
	if len(row.Enum) > 0 {
		complete(c, name, row.Enum)
	}
	f.short = append(f.short, shortFlag{name: name, key: key, value: v})
}

// flag is the flag as it was given.
func (s *shortFlag) flag() string {
	if s.list != nil {
		return "--" + s.name + "=" + s.list.String()
	}
	return "--" + s.name + "=" + s.value.text
}

// list declares a flag that adds an element to a field each time it is given.
func (f *configFlags) list(c *cobra.Command, name, key, metavar, doc string) {
	fieldAt(key)
	v := &listValue{metavar: metavar}
	c.Flags().Var(v, name, doc)
	f.short = append(f.short, shortFlag{name: name, key: key, list: v})
}

// listValue collects the texts of a repeated flag.
type listValue struct {
	texts   []string
	metavar string
}

func (v *listValue) Set(s string) error { v.texts = append(v.texts, s); return nil }
func (v *listValue) String() string     { return strings.Join(v.texts, " ") }
func (v *listValue) Type() string       { return v.metavar }

// textValue keeps a flag's text for package config to read, so that its
// mistakes are reported along with all others.
type textValue struct{ text, metavar string }

func (v *textValue) Set(s string) error { v.text = s; return nil }
func (v *textValue) String() string     { return v.text }
func (v *textValue) Type() string       { return v.metavar }

// settings collects repeated --set.
type settings []string

func (s *settings) Set(text string) error { *s = append(*s, text); return nil }
func (s *settings) String() string        { return strings.Join(*s, " ") }
func (s *settings) Type() string          { return "FIELD=VALUE" }

func fieldAt(key string) *config.Field {
	for _, f := range config.Fields() {
		if f.Path == key {
			return f
		}
	}
	panic("cli: no field " + key)
}

// load makes the configuration; file may be "". Settings in below are covered
// by those that the user gave.
func (f *configFlags) load(c *cobra.Command, file string, below ...config.Setting) (*config.Config, error) {
	return f.loadOver(c, config.Input{File: file, Preset: f.preset.text, Set: below})
}

// loadOver is load over any input; a file without data is read.
func (f *configFlags) loadOver(c *cobra.Command, in config.Input) (*config.Config, error) {
	for _, s := range f.set {
		setting, err := config.ParseSetting(s)
		if err != nil {
			return nil, &usageError{err}
		}
		in.Set = append(in.Set, setting)
	}
	for _, s := range f.short {
		if c.Flags().Changed(s.name) {
			in.Set = append(in.Set, config.Setting{Flag: s.flag(), Key: s.key, Value: s.text()})
		}
	}
	if file := in.File; file != "" && in.Data == nil {
		data, err := config.ReadFile(file)
		if err != nil {
			return nil, unreadable(err, "a configuration, in YAML")
		}
		if bytes.HasPrefix(data, []byte("\x7fELF")) {
			return nil, usagef("%s is a program, not a configuration; run it with --bare %s", file, file)
		}
		if bytes.HasPrefix(data, []byte(snapshot.Magic)) {
			return nil, usagef("%s is a checkpoint, not a configuration; go on from it with --restore %s", file, file)
		}
		in.Data = append([]byte{}, data...)
	}
	in.Check, in.Origins = checkRecord, map[string]config.Origin{}
	f.from = in.Origins
	return config.Load(in)
}

// blame names the line of the configuration, instead of a flag that was not given,
// in an error about a file.
func (f *configFlags) blame(err error) error {
	var e *fileError
	if f == nil || !errors.As(err, &e) {
		return err
	}
	for i := range f.short {
		if s := &f.short[i]; "--"+s.name == e.flag && f.from[s.key].Line > 0 {
			e.place = f.from[s.key].String() + ": " + s.key + ":"
		}
	}
	return err
}

// complete offers fixed values for a flag.
func complete(c *cobra.Command, flag string, values []string) {
	must(c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)))
}

func completeSet(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	key, _, hasValue := strings.Cut(word, "=")
	var out []string
	for _, f := range config.Fields() {
		switch {
		case hasValue && f.Path == key:
			for _, e := range f.Enum {
				out = append(out, key+"="+e)
			}
		case !hasValue && strings.HasPrefix(f.Path, word):
			out = append(out, f.Path+"=\t"+f.Doc)
		}
	}
	sort.Strings(out)
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// must is for declarations that only a mistake of ours can spoil.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
