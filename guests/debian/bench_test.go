package debian_test

import (
	"fmt"
	"testing"

	"mcsim/guests/debian"
)

// firstLine is an init that says that it runs, and ends the run.
const firstLine = "#!/bin/busybox sh\necho init: first line\n/bin/busybox poweroff -f\n"

// BenchmarkBoot boots to the first line of init.
func BenchmarkBoot(b *testing.B) {
	for _, harts := range []int{1, 4} {
		b.Run(fmt.Sprintf("harts=%d", harts), func(b *testing.B) { benchBoot(b, harts) })
	}
}

// BenchmarkFunctional is the same in functional mode.
func BenchmarkFunctional(b *testing.B) {
	for _, harts := range []int{1, 4} {
		b.Run(fmt.Sprintf("harts=%d", harts), func(b *testing.B) { benchBoot(b, harts, "run.fast_until=marker:never") })
	}
}

func benchBoot(b *testing.B, harts int, set ...string) {
	for b.Loop() {
		o := boot{harts: harts, initramfs: debian.Initramfs{Init: []byte(firstLine), NoModules: true}, set: append(set, "machine.memory=1GiB")}.run(b)
		b.ReportMetric(float64(o.Instructions)/o.HostSeconds/1e6, "MIPS")
	}
}
