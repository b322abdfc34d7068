//go:build !riscv64

package main

import (
	"fmt"
	"os"
)

// marker has nothing to mark on a machine that is no RISC-V.
func marker(int, uint64) {
	fmt.Fprintln(os.Stderr, "mcsim-marker: this is no riscv64; build it with GOOS=linux GOARCH=riscv64")
	os.Exit(1)
}
