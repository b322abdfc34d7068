package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxFile bounds a configuration, in bytes.
const maxFile = 1 << 20

// decoder puts layers over a Config and remembers where each value came from.
type decoder struct {
	cfg      *Config
	from     map[string]Origin // by path of the leaf
	source   string
	rank     int
	onFlag   bool // values come from a flag, which has no lines
	problems Errors
}

func (d *decoder) problem(line int, path, hint, format string, args ...any) {
	d.problems = append(d.problems, Problem{Origin: d.origin(line), Path: path, Msg: fmt.Sprintf(format, args...), Hint: hint})
}

func (d *decoder) origin(line int) Origin {
	if d.onFlag {
		line = 0
	}
	return Origin{d.source, line, d.rank}
}

// parseYAML gives the document's root, or nil for an empty one. Mistakes of
// syntax become problems.
func (d *decoder) parseYAML(data []byte) *yaml.Node {
	if len(data) > maxFile {
		d.problem(1, "", "", "more than %d bytes are too many for a configuration", maxFile)
		return nil
	}
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if !errors.Is(err, io.EOF) {
			d.syntax(data, err)
		}
		return nil
	}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		d.problem(second.Line, "", "leave one and drop the line ---", "a second document begins here")
	} else if !errors.Is(err, io.EOF) {
		d.syntax(data, err)
	}
	if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
		return doc.Content[0]
	}
	return nil
}

var lineRE = regexp.MustCompile(`line (\d+)(, column \d+)?:? *`)

// syntax takes the line out of the library's message.
func (d *decoder) syntax(data []byte, err error) {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := lineRE.FindStringSubmatchIndex(msg); m != nil {
		line, _ = strconv.Atoi(msg[m[2]:m[3]])
		msg = msg[:m[0]] + msg[m[1]:]
	}
	hint := ""
	if lines := bytes.Split(data, []byte("\n")); line <= len(lines) {
		text := lines[max(0, line-1)]
		if indent := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]; bytes.ContainsRune(indent, '\t') {
			hint = "this line begins with a tab: YAML is indented by spaces"
		}
	}
	d.problem(line, "", hint, "not YAML: %s", strings.TrimSpace(msg))
}

// example is the first field of a section.
func (f *Field) example() string {
	for f.Section != nil {
		f = f.Section[0]
	}
	return f.Path
}

// section decodes a mapping into the fields of f.
func (d *decoder) section(f *Field, n *yaml.Node) {
	n = resolve(n)
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return // "machine:" with nothing below it changes nothing
	}
	if n.Kind != yaml.MappingNode {
		what := f.Path
		if what == "" {
			what = "a configuration"
		}
		hint := ""
		if f.Path != "" {
			hint = "set one of its fields, as in " + f.example()
		}
		d.problem(n.Line, f.Path, hint, "%s is a section of names and values, not %s", what, kindName(n))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		if k := resolve(key); k.Kind != yaml.ScalarNode {
			d.problem(key.Line, f.Path, "", "a name belongs here, not %s", kindName(k))
			continue
		}
		name := resolve(key).Value
		path := strings.TrimPrefix(f.Path+"."+name, ".")
		if first, twice := seen[name]; twice {
			d.problem(key.Line, path, "drop one", "given twice, first in line %d", first)
			continue
		}
		seen[name] = key.Line
		if name == "<<" {
			d.problem(key.Line, f.Path, "", "merge keys (<<) are not supported")
			continue
		}
		d.field(path, key.Line, val)
	}
}

// field decodes the value of one name; dotted names reach down.
func (d *decoder) field(path string, line int, val *yaml.Node) {
	f := byPath[path]
	switch {
	case f == nil:
		d.problem(line, clipped(path), unknownHint(path), "no such field")
	case f.Section != nil:
		d.section(f, val)
	default:
		d.leaf(f, resolve(val))
	}
}

func (d *decoder) leaf(f *Field, n *yaml.Node) {
	if was, ok := d.from[f.Path]; ok && was.rank == d.rank && !d.onFlag {
		d.problem(n.Line, f.Path, "drop one", "given twice, first in line %d", was.Line) // by a dotted name
		return
	}
	items := []*yaml.Node{n}
	switch {
	case n.Kind == yaml.SequenceNode && f.list():
		items = n.Content
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null" && (f.list() || f.typ.Kind() == reflect.String):
		items = nil // the empty list or string
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null":
		d.problem(n.Line, f.Path, "", "a single value belongs here, not %s", kindName(n))
		return
	case f.list() && !f.Whole && d.onFlag && n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0:
		items = commaList(n) // --set log.only=trap,bus
	}
	list := reflect.MakeSlice(reflect.SliceOf(f.elem()), 0, len(items))
	for _, it := range items {
		it = resolve(it)
		if it.Kind != yaml.ScalarNode {
			d.problem(it.Line, f.Path, "", "a single value belongs here, not %s", kindName(it))
			return
		}
		v, err := f.parse(it.Value)
		if err != nil {
			msg, hint, _ := strings.Cut(err.Error(), "; ")
			d.problem(it.Line, f.Path, hint, "%s", msg)
			return
		}
		list = reflect.Append(list, v)
	}
	d.from[f.Path] = d.origin(n.Line)
	dst := f.of(d.cfg)
	switch {
	case f.list():
		dst.Set(list)
	case list.Len() == 1:
		dst.Set(list.Index(0))
	default:
		dst.SetZero()
	}
}

func commaList(n *yaml.Node) []*yaml.Node {
	var out []*yaml.Node
	for _, s := range strings.Split(n.Value, ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, &yaml.Node{Kind: yaml.ScalarNode, Value: s, Line: n.Line})
		}
	}
	return out
}

// resolve follows aliases. The library refuses an alias inside its own anchor,
// and a chain of aliases to aliases cannot be written.
func resolve(n *yaml.Node) *yaml.Node {
	for i := 0; n.Kind == yaml.AliasNode && n.Alias != nil && i < 8; i++ {
		n = n.Alias
	}
	return n
}

func kindName(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a section"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return "nothing"
	}
	return strconv.Quote(clipped(n.Value))
}

func clipped(s string) string {
	if len(s) > 60 {
		return s[:57] + "..."
	}
	return s
}

// choosePreset finds the preset that the flags, the file or nobody names, and
// where.
func (d *decoder) choosePreset(in Input, file *yaml.Node) (string, Origin) {
	name, origin := DefaultPreset, Origin{}
	if file = orNil(file); file != nil && file.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(file.Content); i += 2 {
			if v := resolve(file.Content[i+1]); file.Content[i].Value == "preset" && v.Kind == yaml.ScalarNode && v.Value != "" {
				name, origin = v.Value, Origin{d.source, v.Line, rankFile}
			}
		}
	}
	if in.Preset != "" {
		name, origin = in.Preset, Origin{Source: "--preset", rank: rankFlag}
	}
	for i, s := range in.Set {
		if s.Key == "preset" {
			name, origin = s.Value, Origin{Source: s.Flag, rank: rankFlag + i}
		}
	}
	return name, origin
}

func orNil(n *yaml.Node) *yaml.Node {
	if n == nil {
		return nil
	}
	return resolve(n)
}

// flagValue is the value of a flag as a node: YAML for sections and lists in
// brackets, else the text as it stands, so that no character needs quoting.
func (d *decoder) flagValue(f *Field, value string) *yaml.Node {
	trimmed := strings.TrimSpace(value)
	if f.Section != nil || f.list() && strings.HasPrefix(trimmed, "[") {
		if n := d.parseYAML([]byte(value)); n != nil {
			return n
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}
