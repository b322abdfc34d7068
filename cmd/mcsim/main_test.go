package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"mcsim/cmd/mcsim/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"mcsim": func() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// The scripts are the specification of the command line; go doc testscript
// tells how they are written. exits N CMD... runs a command that must exit
// with code N.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup: func(env *testscript.Env) error {
			samples, err := filepath.Abs("../../traces/samples")
			env.Setenv("SAMPLES", samples)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "validjson": validJSON},
	})
}
