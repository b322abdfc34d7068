package config

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"regexp"
	"strings"
)

// WriteSchema writes the JSON Schema (2020-12) of the YAML, for editors:
// names, kinds, ranges and documentation. What depends on several fields, only
// Load knows.
func WriteSchema(w io.Writer) error {
	s := schemaOf(root.Section)
	s = append(object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"title", "mcsim configuration"},
	}, s...)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	key string
	val any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(jsonString(m.key))
		b.WriteByte(':')
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(m.val); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func jsonString(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic(err) // a string always has a notation
	}
	return strings.TrimSpace(b.String())
}

func schemaOf(fields []*Field) object {
	def := Default()
	var props object
	for _, f := range fields {
		var s object
		if f.Section != nil {
			s = append(object{{"description", f.Doc}}, schemaOf(f.Section)...)
			// A section may be left empty.
			s[1].val = []string{"object", "null"}
		} else {
			s = f.schema(def)
		}
		props = append(props, member{f.Name, s})
	}
	return object{{"type", "object"}, {"additionalProperties", false}, {"properties", props}}
}

func (f *Field) schema(def *Config) object {
	out := object{{"description", f.Comment()}, {"default", f.jsonDefault(def)}}
	if f.Path == "preset" {
		return append(out, member{"enum", Presets()})
	}
	item := f.itemSchema()
	if f.list() {
		return append(out, member{"type", []string{"array", "null"}}, member{"items", item})
	}
	return append(out, item...)
}

func (f *Field) itemSchema() object {
	switch {
	case f.Enum != nil && f.elem().Kind() == reflect.String:
		return object{{"enum", f.Enum}}
	case f.elem() == reflect.TypeFor[Size]():
		return f.unitSchema(sizeUnits)
	case f.elem() == reflect.TypeFor[Hertz]():
		return f.unitSchema(hertzUnits)
	case f.elem() == reflect.TypeFor[Nanos]():
		return f.unitSchema(nanosUnits)
	case f.elem().Kind() == reflect.String:
		return object{{"type", []string{"string", "null"}}}
	case f.elem().Kind() == reflect.Bool:
		return object{{"type", "boolean"}}
	case f.Enum != nil:
		var nums []uint64
		for _, e := range f.Enum {
			nums = append(nums, f.number(e))
		}
		return object{{"enum", nums}}
	}
	return append(object{{"type", "integer"}}, f.bounds()...)
}

// unitSchema takes a plain number or one with a unit.
func (f *Field) unitSchema(units []unit) object {
	var names []string
	for _, u := range units {
		names = append(names, regexp.QuoteMeta(u.suffix))
	}
	pattern := `^\s*[0-9]+(\.[0-9]+)?\s*(` + strings.Join(names, "|") + `)?\s*$`
	return object{{"type", []string{"integer", "string"}}, {"pattern", pattern}, {"minimum", 0}}
}

func (f *Field) bounds() object {
	out := object{{"minimum", uint64(0)}}
	if f.Max != "" {
		if !f.Optional {
			out[0].val = f.number(f.Min)
		}
		out = append(out, member{"maximum", f.number(f.Max)})
	}
	return out
}

func (f *Field) jsonDefault(def *Config) any {
	v := f.of(def)
	switch {
	case f.list():
		return f.texts(def)
	case f.elem().Kind() == reflect.String, f.elem().Kind() == reflect.Bool, f.elem().Kind() == reflect.Int:
		return v.Interface()
	case f.elem() == reflect.TypeFor[uint64]():
		return v.Interface()
	}
	return f.Value(def)
}

// MarshalJSON writes the configuration as it is written in YAML, in the order
// of the fields: sizes as "32KiB".
func (c *Config) MarshalJSON() ([]byte, error) { return jsonOf(root.Section, c).MarshalJSON() }

func jsonOf(fields []*Field, c *Config) object {
	var out object
	for _, f := range fields {
		if f.Section != nil {
			out = append(out, member{f.Name, jsonOf(f.Section, c)})
		} else {
			out = append(out, member{f.Name, f.jsonDefault(c)})
		}
	}
	return out
}
