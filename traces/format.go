package traces

import (
	"io"
	"strings"
)

// MaxSize is the largest reference in bytes that a reader accepts. The largest
// real ones are instructions that save a core's whole vector state, about 11 KiB.
const MaxSize = 1<<16 - 1

// A format is one row of the table by which traces are opened and written.
type format struct {
	name  string // what --format and Info say
	title string // for lists
	has   Fields // what a reference of it can tell

	// sniff says how well a trace's first bytes fit. whole: they are all of it.
	sniff func(head []byte, whole bool) score

	// open returns the readers of a file: one, or one for each stream in it. It
	// completes info, of which Format, Compression and Has are filled in.
	open func(in *input, opts *Options, info *Info) ([]Reader, error)

	// create returns a writer, nil where a format can only be read.
	create func(w io.Writer, info *Info) Writer
}

// score says how well bytes fit a format.
type score int

const (
	no       score = 0
	possible score = 40  // they fit, and others may fit as well
	likely   score = 70  // the fields' shapes are peculiar
	certain  score = 100 // a magic number
)

// formats is filled by the formats' files; the order is that of lists.
var formats = []*format{
	&lackeyFormat,
	&dinFormat,
	&xdinFormat,
	&champsimFormat,
	&cloudsuiteFormat,
	&drmemtraceFormat,
	&spikeFormat,
	&dramsimFormat,
	&ramulatorFormat,
	&ramulatorDRAMFormat,
	&ramulator2Format,
	&textFormat,
	&nativeFormat,
}

// Formats lists the names that Options.Format and Create take.
func Formats() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

func formatNamed(name string) *format {
	for _, f := range formats {
		if f.name == name {
			return f
		}
	}
	return nil
}

// detect finds the one format that fits best.
func detect(name string, head []byte, whole bool) (*format, error) {
	if len(head) == 0 {
		return nil, &Error{File: name, Want: "the file is empty; expected a trace"}
	}
	var best []*format
	top := no
	for _, f := range formats {
		s := f.sniff(head, whole)
		if s > top {
			best, top = best[:0], s
		}
		if s == top && s > no {
			best = append(best, f)
		}
	}
	switch len(best) {
	case 1:
		return best[0], nil
	case 0:
		return nil, &Error{File: name, Found: quote(head), Want: "a trace in one of the formats " +
			strings.Join(Formats(), ", ") + "; if it is one, name it by --format to see what is wrong in it"}
	}
	var names []string
	for _, f := range best {
		names = append(names, f.name)
	}
	return nil, &Error{File: name, Want: "the first records fit " + strings.Join(names, " and ") +
		"; say which it is by --format"}
}
