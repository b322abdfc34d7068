package debian_test

import "testing"

// The kernels of what comes after Debian 13 boot too, where they have been fetched
// (mcsim guest fetch debian --suite sid): they change from week to week, and what is
// wrong with them is not for CI to find out.
func TestBootSuites(t *testing.T) {
	for _, suite := range []string{"testing", "sid"} {
		t.Run(suite, func(t *testing.T) {
			if testing.Short() {
				t.Skip("a boot takes seconds")
			}
			for _, b := range []boot{
				{harts: 1},
				{harts: 4, opensbi: true, set: []string{"machine.interrupts=aia"}},
			} {
				b.suite, b.args = suite, "quiet"
				b.run(t).passed(t)
			}
		})
	}
}
