package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"mcsim/machine/config"
)

// Exit codes of mcsim itself. A run that the guest ends has the guest's.
const (
	exitOK          = 0
	exitDiffers     = 1   // a check failed, or --exit-code found a difference
	exitUsage       = 2   // wrong arguments, or a configuration with mistakes
	exitInternal    = 100 // a bug of mcsim
	exitLimit       = 101 // a limit on instructions, cycles or seconds was reached
	exitStuck       = 102 // no hart can go on: all sleep, or trap for ever
	exitNoCode      = 103 // the guest ended without a code, as by a reset or a kernel's panic
	exitCheck       = 104 // --check found a coherence invariant broken
	exitLoad        = 105 // the program cannot be loaded
	exitOutput      = 106 // console, statistics, log or recording could not be written
	exitTrace       = 107 // a trace could not be replayed to its end
	exitInterrupted = 130 // Ctrl-C
	exitTerminated  = 143 // SIGTERM
)

const exitHelp = `Exit codes:
  the guest's own   the program ended the run
  2    wrong arguments, or a configuration with mistakes; nothing ran
  100  a bug of mcsim
  101  a limit was reached (--max-instructions, --max-cycles, --max-seconds)
  102  no hart can go on: all sleep, or trap for ever (run.trap_loop)
  103  the guest ended without a code, as by asking for a reset or a kernel's panic
  104  --check found a broken coherence invariant
  105  the program cannot be loaded
  106  console, statistics, log or recording could not be written
  130  Ctrl-C; 143 SIGTERM
With 101 and above, statistics and log have what was done until then, and
--json's "reason" tells these codes from a guest's own.`

// exitError ends mcsim with a code. Its error is printed, if there is one.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func fail(code int, format string, args ...any) error {
	return &exitError{code, fmt.Errorf(format, args...)}
}

// codeOf is the exit code for what a command returned: an error that is no
// exitError was found before anything ran.
func codeOf(err error) int {
	var e *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &e):
		return e.code
	}
	return exitUsage
}

// report prints an error: as text, or with asJSON as one object.
func report(w io.Writer, err error, asJSON bool) {
	var e *exitError
	if errors.As(err, &e) {
		if err = e.err; err == nil {
			return
		}
	}
	var mistakes config.Errors
	isConfig := errors.As(err, &mistakes)
	if !asJSON {
		if isConfig {
			fmt.Fprintln(w, mistakes)
			return
		}
		all := []error{err}
		if j, ok := err.(interface{ Unwrap() []error }); ok {
			all = j.Unwrap() // several mistakes, told one by one
		}
		for _, err := range all {
			fmt.Fprintf(w, "mcsim: %v\n", err)
		}
		return
	}
	out := jsonError{Error: err.Error()}
	for _, p := range mistakes {
		j := jsonProblem{Source: p.Origin.Source, Line: p.Origin.Line, Field: p.Path, Message: p.Msg, Hint: p.Hint, Fixes: p.Fixes}
		for _, part := range p.Parts {
			j.Fields = append(j.Fields, jsonPart{part.Path, part.Value, part.Origin.String()})
		}
		out.Problems = append(out.Problems, j)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	enc.Encode(out) //nolint:errcheck // there is nobody left to tell
}

type jsonError struct {
	Error    string        `json:"error"`
	Problems []jsonProblem `json:"problems,omitempty"`
}

type jsonProblem struct {
	Source  string `json:"source"`
	Line    int    `json:"line,omitempty"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`

	Fields []jsonPart   `json:"fields,omitempty"` // that take part in it
	Fixes  config.Fixes `json:"fixes,omitempty"`  // each a list of arguments of --set
}

type jsonPart struct {
	Field string `json:"field"`
	Value string `json:"value"`
	From  string `json:"from"`
}
