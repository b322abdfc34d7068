package config

import (
	"fmt"
	"strconv"
	"strings"
)

// TriggerKind is what a Trigger waits for.
type TriggerKind uint8

const (
	NoTrigger      TriggerKind = iota
	AtCycle                    // the end of the first quantum that reaches cycle N
	AtInstructions             // the end of the first quantum with N instructions retired by all harts
	AtSymbol                   // a hart is about to execute the instruction at a symbol, or address
	AtMarker                   // a hart executes a marker of this name
)

// Trigger is a point in a run: cycle:N, instructions:N, symbol:NAME,
// symbol:0xADDRESS or marker:NAME.
type Trigger struct {
	Kind TriggerKind
	N    uint64 // of AtCycle and AtInstructions
	Name string // of AtSymbol and AtMarker
}

// maxMarker is the longest name of a marker: what fits into a register.
const maxMarker = 8

// ParseTrigger reads a trigger; "" is none.
func ParseTrigger(s string) (Trigger, error) {
	if s == "" {
		return Trigger{}, nil
	}
	kind, what, ok := strings.Cut(s, ":")
	if !ok || what == "" {
		return Trigger{}, fmt.Errorf("%q is no point in a run; write cycle:N, instructions:N, symbol:NAME or marker:NAME", clipped(s))
	}
	switch kind {
	case "cycle", "instructions":
		n, err := parseCount(what)
		if err != nil {
			return Trigger{}, fmt.Errorf("%s: %w", clipped(s), err)
		}
		if kind == "cycle" {
			return Trigger{Kind: AtCycle, N: n}, nil
		}
		return Trigger{Kind: AtInstructions, N: n}, nil
	case "symbol":
		return Trigger{Kind: AtSymbol, Name: what}, nil
	case "marker":
		if len(what) > maxMarker && !strings.HasPrefix(what, "0x") {
			return Trigger{}, fmt.Errorf("%s: a marker's name has at most %d characters", clipped(s), maxMarker)
		}
		return Trigger{Kind: AtMarker, Name: what}, nil
	}
	hint := "; write cycle:N, instructions:N, symbol:NAME or marker:NAME"
	if near := Nearest(kind, []string{"cycle", "instructions", "symbol", "marker"}); near != "" {
		hint = "; did you mean " + near + "?"
	}
	return Trigger{}, fmt.Errorf("%q: there is no %q%s", clipped(s), clipped(kind), hint)
}

func (t Trigger) String() string {
	switch t.Kind {
	case AtCycle:
		return "cycle:" + strconv.FormatUint(t.N, 10)
	case AtInstructions:
		return "instructions:" + strconv.FormatUint(t.N, 10)
	case AtSymbol:
		return "symbol:" + t.Name
	case AtMarker:
		return "marker:" + t.Name
	}
	return ""
}
