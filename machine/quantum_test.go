package machine

import (
	"flag"
	"fmt"
	"slices"
	"testing"
)

var quantumTable = flag.Bool("quantum.table", false, "TestQuantumTable: measure, and print a markdown table")

// TestQuantumTable prints what a quantum costs in accuracy and brings in speed, on four harts:
// the error of cycles and of misses against a quantum of one cycle, in which no hart is ahead of
// the bus. The command
// go test ./machine -v -run QuantumTable -quantum.table prints the table of docs/figures.md.
func TestQuantumTable(t *testing.T) {
	if !*quantumTable {
		t.Skip("only with -quantum.table")
	}
	programs := []guest{{"default", 0, 4}, {"mt-matmul", 1, 4}, {"mt-stream", 1, 4}, {"mt-compute", 2, 4},
		{"histogram", 0, 4}, {"locks", 0, 4}}
	fmt.Println("| program | quantum | cycles | error | L1D misses | error | LLC misses | error | MIPS |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, g := range programs {
		t.Run(g.name, func(t *testing.T) {
			var exact [3]float64
			for _, q := range []int{1, 10, 100, 1000, 10000} {
				v, mips := g.figures(t, q)
				if q == 1 {
					exact = v
				}
				fmt.Printf("| %s | %d ", g.name, q)
				for i := range v {
					fmt.Printf("| %.0f | %+.2f%% ", v[i], 100*(v[i]/exact[i]-1))
				}
				fmt.Printf("| %.1f |\n", mips)
			}
		})
	}
}

// figures are g's cycles, L1D misses of all harts and LLC misses at a quantum, and the median speed
// of three runs, which must agree on the rest.
func (g guest) figures(t *testing.T, quantum int) (v [3]float64, mips float64) {
	t.Helper()
	var speeds []float64
	for i := range 3 {
		m := g.build(t, fmt.Sprintf("machine.quantum=%d", quantum))
		r := mustRun(t, m, Limits{})
		now := [3]float64{float64(r.Cycles), 0, float64(m.bus.Home().Misses)}
		for h := range m.harts {
			now[1] += float64(m.bus.Private(h).D.Misses)
		}
		if i > 0 && now != v {
			t.Errorf("%s, quantum %d: %v in one run, %v in another", g.name, quantum, v, now)
		}
		v = now
		speeds = append(speeds, float64(r.Instructions)/r.HostSeconds/1e6)
	}
	slices.Sort(speeds)
	return v, speeds[1]
}
