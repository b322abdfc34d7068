// Package snapshot is the form in which a machine's state is written to a file
// and read back: sections with a name and a version, of fields with a type.
//
// A component describes its state once, to a Coder that either saves or loads:
//
//	func (d *Timer) Snapshot(c *snapshot.Coder) {
//		snapshot.Uint(c, &d.compare, &d.offset)
//		c.Bool(&d.pending)
//		c.Buffer(&d.queue, 4096)
//	}
//
// The order of fields is the format: whoever changes it raises the version that
// the section is written with. State that follows from other state, and what only
// saves host time, is left out and made anew by the component after loading
// (c.Loading()).
//
// A file is a readable header, then sections under zstd:
//
//	magic, length of header, header (JSON), CRC-32C of these
//	zstd: section ... section "end"
//
// docs/checkpoint-format.md has the bytes. Files are hostile: whatever they hold,
// loading ends with an error that says what is wrong, having allocated no more
// than the component that asks has said.
package snapshot

// Version is that of the format: of the header and of how sections and fields
// are written. What is in a section has a version of its own.
const Version = 1

// Magic begins every file.
const Magic = "mcsim checkpoint\n"

// Snapshotter is a component with state.
type Snapshotter interface {
	// Snapshot saves or loads the state, as the Coder says. Mistakes in what is
	// loaded are told by Coder.Fail, and leave the component unfit for use.
	Snapshot(*Coder)
}

const (
	maxHeader = 1 << 20
	maxName   = 255
	chunkSize = 64 << 10 // most payload between two lengths
)

// Types of fields, a byte before each.
const (
	tagUint  = 'u'
	tagInt   = 'i'
	tagBool  = 'b'
	tagBytes = 'B'
	tagWords = 'W'
	tagLen   = 'n'
	tagShape = 's'
)

func tagName(t byte) string {
	switch t {
	case tagUint:
		return "an unsigned number"
	case tagInt:
		return "a signed number"
	case tagBool:
		return "a truth value"
	case tagBytes:
		return "bytes"
	case tagWords:
		return "words"
	case tagLen:
		return "a length"
	case tagShape:
		return "a size"
	}
	return "no field"
}
