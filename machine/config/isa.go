package config

import (
	"fmt"
	"strings"

	"mcsim/core/isa"
)

// parseISA reads an ISA string with package isa, and words its errors as those
// of other fields: what is wrong; the likely fix.
func parseISA(s string) (isa.Extensions, error) {
	if len(s) > 1000 {
		return 0, fmt.Errorf("%d letters are too many", len(s))
	}
	e, err := isa.ParseISA(s)
	if err == nil {
		return e, nil
	}
	_, msg, _ := strings.Cut(err.Error(), `": `)
	known := isa.AllExtensions.Names()
	for _, name := range strings.Split(strings.ToLower(s), "_")[1:] {
		if x, e := isa.ParseISA("rv64i_" + name); e == nil && x != 0 {
			continue
		}
		if near := Nearest(name, known); near != "" {
			return 0, fmt.Errorf("extension %q is unknown; did you mean %s?", name, near)
		}
	}
	return 0, fmt.Errorf("%s", msg)
}
