package config

import (
	"fmt"
	"time"
)

// ParseEpoch reads what the real-time clock shows at the start of a run. The zero
// time stands for the host's ("host").
func ParseEpoch(s string) (time.Time, error) {
	if s == "host" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%q is not a time; write 2025-01-01T00:00:00Z, or host", s)
	}
	if y := t.Year(); y < 1970 || y > 2500 {
		return t, fmt.Errorf("%q is not between the years 1970 and 2500", s)
	}
	return t, nil
}
