package fp

import "testing"

// FuzzOps gives arbitrary operands to every operation, both paths, against
// the oracle: go test -fuzz FuzzOps.
func FuzzOps(f *testing.F) {
	for _, t := range []ieee{ieee32, ieee64} {
		s := t.specials()
		for i := range s {
			f.Add(s[i], s[(i*7+3)%len(s)], s[(i*11+5)%len(s)])
		}
	}
	all := ops()
	f.Fuzz(func(t *testing.T, a, b, c uint64) {
		for _, o := range all {
			v := [3]uint64{a, b, c}
			if o.t == ieee32 {
				v = [3]uint64{uint64(uint32(a)), uint64(uint32(b)), uint64(uint32(c))}
			}
			o.check(t, v)
		}
		for _, o := range conversions {
			v := a
			if o.from == ieee32 {
				v = uint64(uint32(a))
			}
			o.check(t, v)
		}
		checkFromInt(t, a)
		checkCompare(t, ieee64, a, b)
		checkCompare(t, ieee32, uint64(uint32(a)), uint64(uint32(b)))
	})
}
