package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, written 64, 32KiB, 4MiB, 1GiB or 1TiB.
type Size uint64

// Hertz is a frequency, written 32768, 10MHz or 1.2GHz.
type Hertz uint64

// Nanos is a time in picoseconds, written 13.75ns, 7.8us or 0.
type Nanos uint64

type unit struct {
	suffix string
	factor float64
}

// Largest first: that is the order in which String tries them.
var (
	sizeUnits  = []unit{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}
	hertzUnits = []unit{{"GHz", 1e9}, {"MHz", 1e6}, {"kHz", 1e3}, {"Hz", 1}}
	nanosUnits = []unit{{"ms", 1e9}, {"us", 1e6}, {"ns", 1e3}, {"ps", 1}}
)

// ParseSize reads a Size. KB, MB and GB are refused, as people mean two things
// by them.
func ParseSize(s string) (Size, error) {
	v, err := parseUnit(s, sizeUnits, "B")
	if err == nil {
		return Size(v), nil
	}
	trimmed := strings.TrimSpace(s)
	for _, u := range []string{"K", "M", "G", "T"} {
		for _, wrong := range []string{u + "B", u, strings.ToLower(u) + "b", strings.ToLower(u), u + "ib", strings.ToLower(u) + "ib"} {
			if num, ok := strings.CutSuffix(trimmed, wrong); ok {
				if _, e := strconv.ParseFloat(strings.TrimSpace(num), 64); e == nil {
					return 0, fmt.Errorf("%q is not a size; try %s%siB", clipped(s), strings.TrimSpace(num), u)
				}
			}
		}
	}
	return 0, fmt.Errorf("%q is not a size; write bytes, or 32KiB, 4MiB, 1GiB", clipped(s))
}

// ParseHertz reads a Hertz.
func ParseHertz(s string) (Hertz, error) {
	v, err := parseUnit(s, hertzUnits, "Hz")
	if err != nil {
		return 0, fmt.Errorf("%q is not a frequency; write 1GHz, 10MHz or 32768Hz", clipped(s))
	}
	return Hertz(v), nil
}

// ParseNanos reads a Nanos. Without a unit only 0 is a time.
func ParseNanos(s string) (Nanos, error) {
	v, err := parseUnit(s, nanosUnits, "")
	if err != nil {
		return 0, fmt.Errorf("%q is not a time; write 13.75ns or 7.8us", clipped(s))
	}
	return Nanos(v), nil
}

// parseUnit reads a decimal number and a suffix that give a whole number of
// the smallest unit. bare is the suffix that a number without one has; "" lets
// only 0 be bare.
func parseUnit(s string, units []unit, bare string) (uint64, error) {
	s = strings.TrimSpace(s)
	bad := fmt.Errorf("no number")
	i := strings.LastIndexAny(s, "0123456789.")
	num, suffix := s[:i+1], strings.TrimSpace(s[i+1:])
	if suffix == "" {
		if suffix = bare; bare == "" {
			if num != "0" {
				return 0, bad
			}
			suffix = units[len(units)-1].suffix
		}
	}
	if num == "" || strings.Trim(num, "0123456789.") != "" {
		return 0, bad
	}
	for _, u := range units {
		if u.suffix != suffix {
			continue
		}
		if n, err := strconv.ParseUint(num, 10, 64); err == nil {
			if p := float64(n) * u.factor; p < 1<<63 {
				return n * uint64(u.factor), nil
			}
			return 0, bad
		}
		f, err := strconv.ParseFloat(num, 64)
		v := f * u.factor
		if err != nil || v >= 1<<53 || math.Abs(v-math.Round(v)) > 1e-6*u.factor && math.Abs(v-math.Round(v)) > 1e-3 {
			return 0, bad
		}
		return uint64(math.Round(v)), nil
	}
	return 0, bad
}

// format writes v so that it is read back as v: in the largest unit that
// divides it, or if fractions are usual, in which it has at most three
// decimals.
func format(v uint64, units []unit, fractions bool) string {
	if v == 0 {
		return "0"
	}
	for _, u := range units {
		f := uint64(u.factor)
		if v%f == 0 {
			return strconv.FormatUint(v/f, 10) + u.suffix
		}
		if fractions && v > f && v%(f/1000) == 0 && f >= 1000 && v < 1<<50 {
			return strconv.FormatFloat(float64(v)/u.factor, 'f', -1, 64) + u.suffix
		}
	}
	return strconv.FormatUint(v, 10) + units[len(units)-1].suffix
}

func (s Size) String() string  { return format(uint64(s), sizeUnits, false) }
func (h Hertz) String() string { return format(uint64(h), hertzUnits, true) }
func (n Nanos) String() string { return format(uint64(n), nanosUnits, true) }

// Cycles is the time in cycles of a clock, rounded up.
func (n Nanos) Cycles(clock Hertz) uint64 {
	return uint64(math.Ceil(float64(n) * float64(clock) / 1e12))
}
