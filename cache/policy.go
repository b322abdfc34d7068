package cache

import (
	"fmt"
	"math/bits"
	"strings"
	"unsafe"
)

// Policy chooses a victim in a full set.
type Policy uint8

const (
	LRU      Policy = iota // the line unused for longest
	TreePLRU               // a binary tree of bits over the ways
	SRRIP                  // 2-bit re-reference prediction, hit priority (Jaleel et al., ISCA 2010)
	FIFO                   // the line filled first
	Random                 // uniform, from Config.Seed
	numPolicies
)

var policyNames = [numPolicies]string{"lru", "tree-plru", "srrip", "fifo", "random"}

// Policies lists the names that ParsePolicy knows.
func Policies() []string { return policyNames[:] }

// ParsePolicy returns the policy of that name.
func ParsePolicy(name string) (Policy, error) {
	for p, n := range policyNames {
		if n == name {
			return Policy(p), nil
		}
	}
	return 0, fmt.Errorf("unknown replacement policy %q; known are %s", name, strings.Join(policyNames[:], ", "))
}

func (p Policy) String() string {
	if p < numPolicies {
		return policyNames[p]
	}
	return fmt.Sprintf("Policy(%d)", uint8(p))
}

// AllWays is the mask of VictimIn that allows every way.
const AllWays = ^uint64(0)

// Victim returns the slot where line should go: the first invalid slot of its
// set, else the one that the policy gives up. It is a decision, not a change:
// until the next Fill or access, another call returns the same slot.
func (a *Array) Victim(line uint64) int32 {
	if a.policy != LRU {
		return a.VictimIn(line, AllWays)
	}
	set := line & a.setMask
	base := int(set) * a.ways
	if a.used < len(a.Tags) { // a cache that has been used for a while is full
		if way := a.empty(set); way >= 0 {
			return int32(base + way)
		}
	}
	if a.order != nil {
		return int32(base + a.last(set))
	}
	return int32(base + leastRecent(&a.Stamp[base], a.ways))
}

// leastRecent is the way with the least stamp of a set, found without branches:
// which way it is cannot be predicted.
func leastRecent(set *uint64, ways int) int {
	least, way := ^uint64(0), 0
	for ; way+8 <= ways; way += 8 {
		s := (*[8]uint64)(unsafe.Add(unsafe.Pointer(set), way*8))
		a := min(s[0]<<6, s[1]<<6|1)
		b := min(s[2]<<6|2, s[3]<<6|3)
		c := min(s[4]<<6|4, s[5]<<6|5)
		d := min(s[6]<<6|6, s[7]<<6|7)
		least = min(least, min(min(a, b), min(c, d))+uint64(way))
	}
	for ; way < ways; way++ {
		least = min(least, *(*uint64)(unsafe.Add(unsafe.Pointer(set), way*8))<<6|uint64(way))
	}
	return int(least & 63)
}

// VictimIn is Victim among the ways whose bit is set in mask, or -1 if there is
// none.
func (a *Array) VictimIn(line, mask uint64) int32 {
	base := int(line&a.setMask) * a.ways
	mask &= AllWays >> (64 - a.ways)
	if mask == 0 {
		return -1
	}
	for w, t := range a.Tags[base : base+a.ways] {
		if t == NoLine && mask>>w&1 != 0 {
			return int32(base + w)
		}
	}
	var way int
	if a.order != nil {
		return int32(base + a.lastIn(line&a.setMask, mask))
	}
	switch a.policy {
	case LRU:
		way = oldest(a.Stamp[base:base+a.ways], mask)
	case FIFO:
		way = oldest(a.meta[base:base+a.ways], mask)
	case TreePLRU:
		way = plru(a.Stamp[base:base+a.ways], mask)
	case SRRIP:
		way = srrip(a.meta[base:base+a.ways], a.Stamp[base:base+a.ways], mask)
	case Random:
		way = pick(splitmix(a.seed, a.Fills), mask)
	}
	return int32(base + way)
}

// oldest is the allowed way with the least stamp.
func oldest(stamp []uint64, mask uint64) int {
	way, least := -1, uint64(0)
	for w, s := range stamp {
		if mask>>w&1 != 0 && (way < 0 || s < least) {
			way, least = w, s
		}
	}
	return way
}

// plru walks the tree of a pseudo-LRU set from its root. A node's bit points
// away from the half that was accessed last, which is the half that holds the
// later of all the stamps below the node; with no access yet, it points left.
// A half without an allowed way is passed by.
func plru(stamp []uint64, mask uint64) int {
	lo, n := 0, len(stamp)
	for n > 1 {
		n /= 2
		half := AllWays >> (64 - n)
		left, right := mask>>lo&half, mask>>(lo+n)&half
		if left == 0 || right != 0 && latest(stamp[lo:lo+n]) > latest(stamp[lo+n:lo+2*n]) {
			lo += n
		}
	}
	return lo
}

func latest(stamp []uint64) uint64 {
	var m uint64
	for _, s := range stamp {
		m = max(m, s)
	}
	return m
}

const (
	srripInsert  = 2 // prediction of a line just filled: long
	srripDistant = 3 // prediction of a victim
)

// srrip keeps in meta[way] the stamp seen at the last decision, shifted left by
// 2, and the prediction (RRPV) as of then. A slot whose stamp has moved since
// was hit: its prediction is 0. Predictions age only when a victim is needed,
// so hits and agings fall in the order in which counters would have seen them.
// Aging all by the distance of the largest is the textbook's loop of steps.
func srrip(meta, stamp []uint64, mask uint64) int {
	var largest uint64
	for w, s := range stamp {
		if meta[w]>>2 != s {
			meta[w] = s << 2
		}
		if mask>>w&1 != 0 {
			largest = max(largest, meta[w]&3)
		}
	}
	age, way := srripDistant-largest, -1
	for w := range meta {
		if mask>>w&1 == 0 {
			continue
		}
		meta[w] += age
		if way < 0 && meta[w]&3 == srripDistant {
			way = w
		}
	}
	return way
}

// splitmix is the n-th output of the generator splitmix64 (Steele, Lea and
// Flood, OOPSLA 2014) started from seed. The n-th fill takes the n-th output,
// so a decision that is asked for twice is the same.
func splitmix(seed, n uint64) uint64 {
	z := seed + (n+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// pick is one of the ways of mask, uniformly by the high bits of r.
func pick(r, mask uint64) int {
	hi, _ := bits.Mul64(r, uint64(bits.OnesCount64(mask)))
	for range hi {
		mask &= mask - 1
	}
	return bits.TrailingZeros64(mask)
}
