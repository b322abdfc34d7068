// Command mcsim simulates RISC-V machines with coherent caches. See
// mcsim --help, or package cli for how the commands are made.
package main

import (
	"os"

	"mcsim/cmd/mcsim/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
