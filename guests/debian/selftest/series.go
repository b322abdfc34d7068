//go:build linux

package main

import "math"

const seriesTerms = 40_000

// series is a sum whose every step rounds. Go may fuse x*y + z where the machine
// can, as RISC-V does and amd64 does not, unless a conversion stands between;
// math.FMA fuses everywhere. So the result is the same on every machine that
// rounds as IEEE 754 says.
func series(n int) float64 {
	s, x := 0.0, 1.0
	for i := 1; i <= n; i++ {
		f := float64(i)
		x = math.Sqrt(x+f) / (1 + float64(x/(2*f+1)))
		term := float64(x / f)
		if i&1 == 0 {
			s += term
		} else {
			s = math.FMA(term, -0.75, s)
		}
	}
	return s
}
