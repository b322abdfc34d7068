// Command mcsim-marker executes a marker of mcsim's in a guest, from a shell:
//
//	mcsim-marker begin sort && sort big > sorted; mcsim-marker end sort
//	mcsim-marker stop
//
// It is a static program for Linux on riscv64; on hardware and in other simulators
// the instruction does nothing. Build it with
//
//	GOOS=linux GOARCH=riscv64 CGO_ENABLED=0 go build ./guests/tools/mcsim-marker
package main

import (
	"fmt"
	"os"
	"strings"
)

// codes are those of guests/runtime/mcsim.h, in its order.
var codes = []string{"point", "begin", "end", "reset", "dump", "checkpoint", "stop"}

const usage = `usage: mcsim-marker point|begin|end|dump|checkpoint NAME
       mcsim-marker reset|stop
NAME has up to eight characters.`

func main() {
	args := os.Args[1:]
	for i, c := range codes {
		if len(args) == 0 || args[0] != c {
			continue
		}
		named := c != "reset" && c != "stop"
		if named && len(args) != 2 || !named && len(args) != 1 || named && (args[1] == "" || len(args[1]) > 8) {
			break
		}
		marker(i, pack(strings.Join(args[1:], "")))
		return
	}
	fmt.Fprintln(os.Stderr, usage)
	os.Exit(2)
}

// pack puts a name into a word, its first character in the low byte.
func pack(name string) (v uint64) {
	for i := len(name) - 1; i >= 0; i-- {
		v = v<<8 | uint64(name[i])
	}
	return v
}
