package analysis

import (
	"math/bits"

	"mcsim/traces"
)

// pageCounter counts distinct pages of code and of data, exactly up to maxPages
// and by adaptive sampling beyond (Wegman's, in Flajolet 1990): pages whose hash
// begins with ever more zeros.
type pageCounter struct {
	shift uint
	rate  uint
	seen  map[uint64]uint8
	last  [2]uint64
	known [2]bool
}

const maxPages = 1 << 18

func newPageCounter(page uint64) pageCounter {
	return pageCounter{shift: uint(bits.TrailingZeros64(page)), seen: map[uint64]uint8{}}
}

// touch counts the page of an address; what is 0 for code and 1 for data.
func (p *pageCounter) touch(addr uint64, what int) {
	page := addr >> p.shift
	if p.known[what] && p.last[what] == page {
		return
	}
	p.last[what], p.known[what] = page, true
	if hash(page)>>(64-p.rate) != 0 {
		return
	}
	p.seen[page] |= 1 << what
	for len(p.seen) > maxPages {
		p.rate++
		for page := range p.seen {
			if hash(page)>>(64-p.rate) != 0 {
				delete(p.seen, page)
			}
		}
	}
}

// count returns pages of code, of data, and in all.
func (p *pageCounter) count() (code, data, all float64) {
	w := float64(uint64(1) << p.rate)
	for _, what := range p.seen {
		if what&1 != 0 {
			code += w
		}
		if what&2 != 0 {
			data += w
		}
		all += w
	}
	return code, data, all
}

// mixOverTime counts kinds in windows that double in length as the trace turns
// out to be longer, so that there are never more than maxWindows.
type mixOverTime struct {
	windows []mix
	scale   uint // log2 of references in a window
}

type mix struct{ fetches, reads, writes, others uint64 }

func (m *mixOverTime) add(now uint64, kind traces.Kind, reads, writes bool) {
	if len(m.windows) == 0 {
		m.scale = baseWindow
	}
	at := now >> m.scale
	for at >= maxWindows {
		half := m.windows[:0]
		for i := 0; i < len(m.windows); i += 2 {
			w := m.windows[i]
			if i+1 < len(m.windows) {
				v := m.windows[i+1]
				w = mix{w.fetches + v.fetches, w.reads + v.reads, w.writes + v.writes, w.others + v.others}
			}
			half = append(half, w)
		}
		m.windows = half
		m.scale++
		at = now >> m.scale
	}
	if at >= uint64(len(m.windows)) {
		m.windows = append(m.windows, mix{})
	}
	w := &m.windows[at]
	switch {
	case kind == traces.Fetch:
		w.fetches++
	case writes:
		w.writes++
	case reads:
		w.reads++
	default:
		w.others++
	}
}
