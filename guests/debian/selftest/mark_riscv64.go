//go:build linux

package main

// mark executes a marker of mcsim's, with a name.
//
//go:noescape
func mark(code int, name uint64)

// measure gives how far a counter, from cycle (0) up, goes on while a byte is
// changed in each of n lines of 64 bytes. A region of that name is marked around it.
//
//go:noescape
func measure(counter int, name uint64, lines *byte, n int) uint64

// spinOn runs a loop of six instructions n times; spinRange is where its code is.
//
//go:noescape
func spinOn(line *byte, n int)
func spinRange() (from, to uint64)
