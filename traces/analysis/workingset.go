package analysis

import "math/bits"

// The working set of a window is the number of distinct lines touched in it.
// The trace's length is not known before its end, so windows of 2^10, 2^11, ...
// references are counted side by side: a touch of a line is the first one in
// its window of 2^k if the line's previous touch lies in another such window.
// Lengths that would need more than maxWindows points are dropped on the way.
const (
	baseWindow = 10 // log2 of the shortest window, in references
	maxWindows = 1 << 9
	never      = ^uint32(0) // no window: a line's first touch
	numScales  = 33
)

type workingSet struct {
	scales [numScales][]float64
	least  int // scale that still fits
}

// first counts a line that is touched in base window now, and was touched in
// window before last, an earlier one.
func (w *workingSet) first(before, now uint32, weight float64) {
	top := bits.Len32(before ^ now) // windows of scale >= top have both touches
	if before == never {
		top = numScales
	}
	for w.least < numScales-1 && now>>w.least >= maxWindows {
		w.scales[w.least] = nil
		w.least++
	}
	for k := w.least; k < top; k++ {
		at := int(now >> k)
		for len(w.scales[k]) <= at {
			w.scales[k] = append(w.scales[k], 0)
		}
		w.scales[k][at] += weight
	}
}

// points gives the sizes of windows of scale k, n of them.
func (w *workingSet) points(k, n int) []float64 {
	out := make([]float64, n)
	if k < numScales {
		copy(out, w.scales[k])
	}
	return out
}
