package cli

import (
	"errors"
	"io/fs"
)

// unreadable says of an error about a file that was to be read what was expected,
// and keeps every other error as it is.
func unreadable(err error, expected string) error {
	var p *fs.PathError
	if !errors.As(err, &p) {
		return err
	}
	e := &fileError{name: p.Path, err: err}
	if e.guess() == "" {
		e.hint = "expected " + expected
	}
	return e
}

// unwritable is the same for a file that was to be written, as flag says.
func unwritable(err error, flag string) error {
	var p *fs.PathError
	if !errors.As(err, &p) {
		return err
	}
	return &fileError{flag: flag, name: p.Path, output: true, err: err}
}
