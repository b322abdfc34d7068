package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// unreadable says of an error about a file that was to be read what it should have
// been, and keeps every other error as it is.
func unreadable(err error, expected string) error {
	var p *fs.PathError
	switch {
	case !errors.As(err, &p):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: there is no such file; expected %s%w", p.Path, expected, silent{err})
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: no permission to read it; expected %s%w", p.Path, expected, silent{err})
	case errors.Is(err, syscall.EISDIR):
		return fmt.Errorf("%s: is a folder; expected %s%w", p.Path, expected, silent{err})
	}
	return err
}

// unwritable is the same for a file that was to be written, as flag says.
func unwritable(err error, flag string) error {
	var p *fs.PathError
	if !errors.As(err, &p) {
		return err
	}
	dir := filepath.Dir(p.Path)
	switch info, gone := os.Stat(dir); {
	case errors.Is(gone, fs.ErrNotExist):
		return fmt.Errorf("%s: cannot be written (%s): there is no folder %s; make it first%w", p.Path, flag, dir, silent{err})
	case gone == nil && !info.IsDir():
		return fmt.Errorf("%s: cannot be written (%s): %s is no folder%w", p.Path, flag, dir, silent{err})
	}
	return fmt.Errorf("%s: cannot be written (%s): %w", p.Path, flag, p.Err)
}

// silent keeps an error for errors.Is and adds nothing to the text.
type silent struct{ error }

func (silent) Error() string   { return "" }
func (s silent) Unwrap() error { return s.error }
