package cache

import (
	"errors"
	"fmt"
	"math/bits"
)

// Limits of a Config. They bound what a configuration can make us allocate.
const (
	MinLine = 16
	MaxLine = 256
	MaxWays = 64
	MaxSize = 1 << 30
)

// Config is the shape of an Array.
type Config struct {
	Size        int    // bytes of data: sets * Ways * Line
	Ways        int    // 1 to 64
	Line        int    // bytes, a power of two from 16 to 256
	Replacement Policy // what chooses a victim
	Seed        uint64 // of Random
}

// Sets is the number of sets of a valid configuration.
func (c Config) Sets() int { return c.Size / (c.Ways * c.Line) }

// FieldError is a mistake in one field of a Config. Field is the field's name
// in a configuration file, relative to the cache it belongs to.
type FieldError struct {
	Field string
	Msg   string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Msg }

// Validate returns every mistake of c, joined with errors.Join; each is a
// *FieldError.
func (c Config) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, &FieldError{field, fmt.Sprintf(format, args...)})
	}
	shape := true
	if c.Line < MinLine || c.Line > MaxLine || !powerOfTwo(c.Line) {
		bad("line", "%d is not a power of two from %d to %d", c.Line, MinLine, MaxLine)
		shape = false
	}
	if c.Ways < 1 || c.Ways > MaxWays {
		bad("ways", "%d is not in 1 to %d", c.Ways, MaxWays)
		shape = false
	}
	if c.Size < 1 || c.Size > MaxSize {
		bad("size", "%d is not in 1 to %d bytes", c.Size, MaxSize)
		shape = false
	}
	if shape {
		c.validateShape(bad)
	}
	switch {
	case c.Replacement >= numPolicies:
		bad("replacement", "unknown policy %d", c.Replacement)
	case c.Replacement == TreePLRU && shape && !powerOfTwo(c.Ways):
		bad("replacement", "tree-plru needs a power of two of ways, not %d", c.Ways)
	}
	return errors.Join(errs...)
}

// validateShape checks how fields of a plausible size go together.
func (c Config) validateShape(bad func(field, format string, args ...any)) {
	set := c.Ways * c.Line
	switch sets := c.Sets(); {
	case c.Size%c.Line != 0:
		bad("size", "%d bytes are not a whole number of %d-byte lines", c.Size, c.Line)
	case c.Size%set != 0:
		bad("ways", "%d does not divide %d lines", c.Ways, c.Size/c.Line)
	case !powerOfTwo(sets):
		lower := set << (bits.Len(uint(sets)) - 1)
		bad("size", "%d bytes make %d sets, which is not a power of two; %d or %d bytes would",
			c.Size, sets, lower, 2*lower)
	}
}

func powerOfTwo(n int) bool { return n > 0 && n&(n-1) == 0 }
