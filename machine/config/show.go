package config

import (
	"bufio"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// WriteYAML writes every field of c with its documentation, so that Load reads
// back the same configuration.
func (c *Config) WriteYAML(w io.Writer) error {
	type line struct{ text, comment string }
	var lines []line
	var walk func(fields []*Field, indent string)
	walk = func(fields []*Field, indent string) {
		for _, f := range fields {
			if f.Section != nil {
				if indent == "" {
					lines = append(lines, line{})
				}
				lines = append(lines, line{indent + f.Name + ":", f.Doc})
				walk(f.Section, indent+"  ")
				continue
			}
			lines = append(lines, line{indent + f.Name + ": " + f.yaml(c), f.Comment()})
		}
	}
	walk(root.Section, "")
	const column = 30
	out := bufio.NewWriter(w)
	for _, l := range lines {
		switch {
		case l.comment == "":
			fmt.Fprintln(out, l.text)
		case utf8.RuneCountInString(l.text) > 60:
			// A long value pushes its comment onto the line above.
			indent := l.text[:len(l.text)-len(strings.TrimLeft(l.text, " "))]
			fmt.Fprintf(out, "%s# %s\n%s\n", indent, l.comment, l.text)
		default:
			fmt.Fprintf(out, "%-*s # %s\n", column, l.text, l.comment)
		}
	}
	return out.Flush()
}

// Comment is the documentation with unit and range.
func (f *Field) Comment() string {
	allowed := strings.TrimSpace(f.Range() + " " + f.Unit)
	if allowed == "" {
		return f.Doc
	}
	return f.Doc + " (" + allowed + ")"
}

// yaml is the field's value as YAML.
func (f *Field) yaml(c *Config) string {
	texts := f.texts(c)
	for i := range texts {
		if f.elem().Kind() == reflect.String {
			texts[i] = quoted(texts[i])
		}
	}
	if f.list() {
		return "[" + strings.Join(texts, ", ") + "]"
	}
	return texts[0]
}

var plainRE = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./-]*$`)

// quoted is a string as a YAML scalar; JSON's notation is YAML's too.
func quoted(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null":
		return strconv.Quote(s)
	}
	if plainRE.MatchString(s) {
		return s
	}
	return jsonString(s)
}
