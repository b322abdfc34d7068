package traces

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// champsimWriter gathers an instruction's references into a record. What has
// no room in it gets another record of the same instruction, where ChampSim's own
// tracer would leave it out. References without an instruction stand under one at
// address 4.
type champsimWriter struct {
	champsimLayout
	w                     *bufio.Writer
	record                []byte
	begun                 bool
	usedLoads, usedStores int // in the record
	pc                    uint64
}

// champsimNowhere is the instruction of references that have none: 0 would be
// no instruction.
const champsimNowhere = 4

func newChampsimWriter(w io.Writer, l champsimLayout) *champsimWriter {
	return &champsimWriter{champsimLayout: l, w: bufio.NewWriterSize(w, writeBuffer), record: make([]byte, l.size)}
}

func (c *champsimWriter) Write(refs []Ref) error {
	for i := range refs {
		r := &refs[i]
		reads, writes := r.Kind.moves()
		if r.Kind != Fetch && !reads && !writes {
			continue
		}
		pc := r.PC
		switch {
		case r.Kind == Fetch:
			pc = r.address()
		case r.Has&HasPC == 0:
			pc = max(c.pc, champsimNowhere)
		}
		full := reads && c.usedLoads == champsimLoads || writes && c.usedStores == c.numStores
		if c.begun && (r.Kind == Fetch || pc != c.pc || full) {
			if err := c.flush(); err != nil {
				return err
			}
		}
		if !c.begun {
			c.begun, c.pc = true, pc
			binary.LittleEndian.PutUint64(c.record, pc)
			if c.asid > 0 {
				binary.LittleEndian.PutUint16(c.record[c.asid:], r.ASID)
			}
		}
		if reads {
			binary.LittleEndian.PutUint64(c.record[c.loads+8*c.usedLoads:], r.address())
			c.usedLoads++
		}
		if writes {
			binary.LittleEndian.PutUint64(c.record[c.stores+8*c.usedStores:], r.address())
			c.usedStores++
		}
	}
	return nil
}

func (c *champsimWriter) flush() error {
	if _, err := c.w.Write(c.record); err != nil {
		return fmt.Errorf("writing champsim: %w", err)
	}
	clear(c.record)
	c.begun, c.usedLoads, c.usedStores = false, 0, 0
	return nil
}

func (c *champsimWriter) Close() error {
	if c.begun {
		if err := c.flush(); err != nil {
			return err
		}
	}
	return c.w.Flush()
}
