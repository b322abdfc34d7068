package config

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// Field is a row of the table of fields: a leaf of Config, or a section.
type Field struct {
	Name     string // last part of Path
	Path     string // machine.l1d.ways
	Doc      string
	Unit     string
	Min, Max string   // bounds in the field's notation; "" for none
	Enum     []string // the values allowed; for lists, of each element
	Optional bool     // 0 is allowed though below Min
	Whole    bool     // a list of which a flag's text is one element, even with commas
	Section  []*Field // the fields of a section; nil for a leaf

	index []int // for reflect.Value.FieldByIndex, from Config
	typ   reflect.Type
}

var (
	root    = &Field{Section: sectionOf(reflect.TypeFor[Config](), "", nil, "")}
	byPath  = map[string]*Field{}
	inOrder []*Field // the leaves

	everything []*Field // leaves and sections
)

func init() {
	var walk func(f *Field)
	walk = func(f *Field) {
		byPath[f.Path] = f
		everything = append(everything, f)
		if f.Section == nil {
			inOrder = append(inOrder, f)
		}
		for _, s := range f.Section {
			walk(s)
		}
	}
	walk(root)
	delete(byPath, "")
}

// Fields lists all leaves in the order of the configuration.
func Fields() []*Field { return inOrder }

func sectionOf(t reflect.Type, path string, index []int, optional string) []*Field {
	var out []*Field
	for i := range t.NumField() {
		sf := t.Field(i)
		at := append(append([]int{}, index...), i)
		name, option, _ := strings.Cut(sf.Tag.Get("yaml"), ",")
		if option == "inline" {
			out = append(out, sectionOf(sf.Type, path, at, sf.Tag.Get("optional"))...)
			continue
		}
		f := &Field{
			Name: name, Path: strings.TrimPrefix(path+"."+name, "."),
			Doc: sf.Tag.Get("doc"), Unit: sf.Tag.Get("unit"), Min: sf.Tag.Get("min"), Max: sf.Tag.Get("max"),
			Optional: optional == name, Whole: sf.Tag.Get("whole") != "", index: at, typ: sf.Type,
		}
		if e := sf.Tag.Get("enum"); e != "" {
			f.Enum = strings.Split(e, "|")
		}
		if sf.Type.Kind() == reflect.Struct {
			f.Section = sectionOf(sf.Type, f.Path, at, "")
		}
		out = append(out, f)
	}
	return out
}

func (f *Field) of(c *Config) reflect.Value {
	return reflect.ValueOf(c).Elem().FieldByIndex(f.index)
}

func (f *Field) list() bool { return f.typ.Kind() == reflect.Slice }

// Type is the name of the field's Go type: bool, int, uint64, string, Size,
// Hertz, Nanos, or a list of such.
func (f *Field) Type() string {
	if f.list() {
		return "[]" + f.typ.Elem().Name()
	}
	return f.typ.Name()
}

// elem is the type of a leaf's value, or of a list's elements.
func (f *Field) elem() reflect.Type {
	if f.list() {
		return f.typ.Elem()
	}
	return f.typ
}

// Value is the field's value in c, in the notation of the configuration;
// lists are joined by commas.
func (f *Field) Value(c *Config) string { return strings.Join(f.texts(c), ",") }

func (f *Field) texts(c *Config) []string {
	v := f.of(c)
	if !f.list() {
		return []string{fmt.Sprint(v.Interface())}
	}
	out := []string{}
	for i := range v.Len() {
		out = append(out, fmt.Sprint(v.Index(i).Interface()))
	}
	return out
}

// Range says in words what is allowed, or "".
func (f *Field) Range() string {
	switch {
	case f.Enum != nil && f.list():
		return "any of " + strings.Join(f.Enum, ", ")
	case f.Enum != nil:
		return orList(f.Enum)
	case f.Max != "" && f.Optional:
		return "0, or " + f.Min + " to " + f.Max
	case f.Max != "":
		return f.Min + " to " + f.Max
	}
	return ""
}

func orList(s []string) string {
	if len(s) < 2 {
		return strings.Join(s, "")
	}
	return strings.Join(s[:len(s)-1], ", ") + " or " + s[len(s)-1]
}

// parse reads one value (of a list, an element) and checks its range.
func (f *Field) parse(text string) (reflect.Value, error) {
	t := f.elem()
	v := reflect.New(t).Elem()
	var n uint64
	var err error
	switch t {
	case reflect.TypeFor[Size]():
		var s Size
		s, err = ParseSize(text)
		n = uint64(s)
	case reflect.TypeFor[Hertz]():
		var h Hertz
		h, err = ParseHertz(text)
		n = uint64(h)
	case reflect.TypeFor[Nanos]():
		var ns Nanos
		ns, err = ParseNanos(text)
		n = uint64(ns)
	default:
		switch t.Kind() {
		case reflect.String:
			text, err = f.canonical(text)
			v.SetString(text)
			return v, err
		case reflect.Bool:
			b, ok := map[string]bool{"true": true, "false": false}[strings.ToLower(text)]
			if !ok {
				return v, fmt.Errorf("%q is neither true nor false%s", clipped(text), likelyBool[strings.ToLower(text)])
			}
			v.SetBool(b)
			return v, nil
		default:
			n, err = parseCount(text)
		}
	}
	if err != nil {
		return v, err
	}
	if err := f.checkRange(text, n); err != nil {
		return v, err
	}
	if t.Kind() == reflect.Int {
		v.SetInt(int64(n))
	} else {
		v.SetUint(n)
	}
	return v, nil
}

// likelyBool is what other notations mean.
var likelyBool = map[string]string{
	"yes": "; try true", "y": "; try true", "on": "; try true", "1": "; try true", "enabled": "; try true",
	"no": "; try false", "n": "; try false", "off": "; try false", "0": "; try false", "disabled": "; try false",
}

// parseCount reads a whole number: decimal, 0x hexadecimal, or with _ between
// digits.
func parseCount(text string) (uint64, error) {
	clean := strings.ReplaceAll(text, "_", "")
	base := 10
	if h, ok := strings.CutPrefix(clean, "0x"); ok {
		clean, base = h, 16
	}
	n, err := strconv.ParseUint(clean, base, 64)
	if errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("%s is out of range; no number is larger than %d", clipped(text), uint64(math.MaxUint64))
	}
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number from 0 up", clipped(text))
	}
	return n, nil
}

// canonical is the enum's own spelling of text, which may have other capitals.
func (f *Field) canonical(text string) (string, error) {
	if f.Enum == nil {
		return text, nil
	}
	for _, e := range f.Enum {
		if strings.EqualFold(e, text) {
			return e, nil
		}
	}
	if near := Nearest(text, f.Enum); near != "" {
		return "", fmt.Errorf("%q is unknown; did you mean %s?", clipped(text), near)
	}
	return "", fmt.Errorf("%q is unknown; there is %s", clipped(text), orList(f.Enum))
}

func (f *Field) checkRange(text string, n uint64) error {
	if f.Enum != nil {
		for _, e := range f.Enum {
			if f.number(e) == n {
				return nil
			}
		}
		return fmt.Errorf("%s is none of %s", text, strings.Join(f.Enum, ", "))
	}
	if f.Max == "" || f.Optional && n == 0 {
		if f.typ.Kind() == reflect.Int && n > 1<<31-1 {
			return fmt.Errorf("%s is out of range", text)
		}
		return nil
	}
	if n < f.number(f.Min) || n > f.number(f.Max) {
		return fmt.Errorf("%s is out of range; it goes from %s", text, strings.Replace(f.Range(), "0, or ", "0 (none), or ", 1))
	}
	return nil
}

// number reads a bound or an enum's value from the table.
func (f *Field) number(text string) uint64 {
	var n uint64
	var err error
	switch f.elem() {
	case reflect.TypeFor[Size]():
		var s Size
		s, err = ParseSize(text)
		n = uint64(s)
	case reflect.TypeFor[Hertz]():
		var h Hertz
		h, err = ParseHertz(text)
		n = uint64(h)
	case reflect.TypeFor[Nanos]():
		var ns Nanos
		ns, err = ParseNanos(text)
		n = uint64(ns)
	default:
		n, err = parseCount(text)
	}
	if err != nil {
		panic(fmt.Sprintf("config: tag of %s: %v", f.Path, err))
	}
	return n
}
