package main

// marker executes the marker of a code, an index of codes, with a value.
//
//go:noescape
func marker(code int, value uint64)
