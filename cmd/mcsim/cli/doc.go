// Package cli is the command line of mcsim: it turns arguments into a
// configuration and calls the packages that do the work.
//
//	run        run.go, job.go (one run), seeds.go (many), terminal.go (console and progress)
//	config     config.go
//	protocol   protocol.go
//	stats      stats.go
//
// The guest's console is standard output; whatever mcsim itself says of a run
// goes to standard error. Commands that only tell something write it to
// standard output. Exit codes are in exit.go.
package cli
