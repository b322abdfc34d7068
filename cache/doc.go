// Package cache holds set-associative arrays of lines with their data, and the
// policies that choose a victim.
//
// An Array is a passive store: it knows no protocol (a line's state is a byte
// whose only fixed value is 0, invalid), no hart and no clock but its own count
// of accesses. Its owner may write the exported slices directly: a hit costs
// one store,
//
//	a.Clock++
//	a.Stamp[slot] = a.Clock
//
// and every replacement policy derives its decision from these stamps when a
// victim is asked for (policy.go). An owner that writes none of them, and calls Touch,
// may have a cheaper LRU (order.go). An Array has one owner at a time and takes
// no lock.
package cache
