package device

import (
	"encoding/binary"
	"io"

	"mcsim/addr"
)

// System call numbers and errors of RISC-V Linux, which newlib's programs use.
const (
	sysWrite = 64
	sysExit  = 93

	errBadFD  = 9
	errFault  = 14
	errNoCall = 38
)

// Most that one write may print; a longer one is cut short, and its caller
// goes on with the rest.
const htifWriteLimit = 1 << 20

// command takes the word in tohost, clears it and carries it out.
func (h *HTIF) command(now uint64) {
	h.st.Halves = 0
	word := h.word(h.cfg.ToHost)
	v := binary.LittleEndian.Uint64(word)
	clear(word)
	device, cmd, payload := v>>56, v>>48&0xff, v<<16>>16
	switch {
	case v == 0:
	case v&1 != 0 && (v>>48 == 0 || v>>48 == 0xffff):
		// Programs exit with code*2+1; a negative code fills the upper fields.
		h.cfg.Exit(now, Exit{Code: int64(v) >> 1, By: "htif"})
	case device == 0 && cmd == 0:
		h.call(now, addr.PA(payload))
	case device == 1 && cmd == 0:
		h.st.Reads = min(h.st.Reads+1, htifReads)
		h.typed()
	case device == 1 && cmd == 1:
		_, _ = h.cfg.Stdout.Write([]byte{byte(payload)})
	default:
		h.warn(now, "command", "unknown command", v)
	}
}

// call carries out the system call whose number and arguments are at pa.
func (h *HTIF) call(now uint64, pa addr.PA) {
	var magic [64]byte
	if pa%8 != 0 || h.load(pa, magic[:]) != nil {
		h.warn(now, "memory", "system call outside of memory", uint64(pa))
		h.reply(now, 1)
		return
	}
	arg := func(i int) uint64 { return binary.LittleEndian.Uint64(magic[8*i:]) }
	result := int64(-errNoCall)
	switch arg(0) {
	case sysWrite:
		result = h.write(arg(1), addr.PA(arg(2)), arg(3))
	case sysExit:
		h.cfg.Exit(now, Exit{Code: int64(arg(1)), By: "htif"})
		result = 0
	default:
		h.warn(now, "syscall", "unsupported system call", arg(0))
	}
	binary.LittleEndian.PutUint64(magic[:], uint64(result))
	if h.store(pa, magic[:8]) != nil {
		h.warn(now, "result", "system call result outside of memory", uint64(pa))
	}
	h.reply(now, 1)
}

// write prints n bytes at pa and returns how many, or an error's negative.
func (h *HTIF) write(fd uint64, pa addr.PA, n uint64) int64 {
	var out io.Writer
	switch fd {
	case 1:
		out = h.cfg.Stdout
	case 2:
		out = h.cfg.Stderr
	default:
		return -errBadFD
	}
	n = min(n, htifWriteLimit)
	var buf [512]byte
	for done := uint64(0); done < n; {
		// Chunks end where a page does, so that all that is readable is printed.
		at := pa + addr.PA(done)
		chunk := buf[:min(n-done, uint64(len(buf)), 4096-uint64(at)%4096)]
		if h.load(at, chunk) != nil {
			if done == 0 {
				return -errFault
			}
			return int64(done)
		}
		_, _ = out.Write(chunk)
		done += uint64(len(chunk))
	}
	return int64(n)
}

// typed answers console reads for which there is a character.
func (h *HTIF) typed() {
	n := min(int(h.st.Reads), len(h.st.Received), htifReplies-len(h.st.Replies))
	for _, c := range h.st.Received[:n] {
		h.st.Replies = append(h.st.Replies, 1<<56|0x100|uint64(c))
	}
	h.st.Received = h.st.Received[:copy(h.st.Received, h.st.Received[n:])]
	h.st.Reads -= uint32(n)
	h.deliver()
}

// reply queues a value for fromhost.
func (h *HTIF) reply(now, v uint64) {
	if len(h.st.Replies) == htifReplies {
		h.warn(now, "reply", "reply lost: fromhost is never cleared", v)
		return
	}
	h.st.Replies = append(h.st.Replies, v)
	h.deliver()
}

// deliver puts the next reply into fromhost, if the guest has taken the last.
func (h *HTIF) deliver() {
	if h.cfg.FromHost == 0 {
		h.st.Replies = h.st.Replies[:0]
		return
	}
	word := h.word(h.cfg.FromHost)
	if len(h.st.Replies) == 0 || binary.LittleEndian.Uint64(word) != 0 {
		return
	}
	binary.LittleEndian.PutUint64(word, h.st.Replies[0])
	h.st.Replies = h.st.Replies[:copy(h.st.Replies, h.st.Replies[1:])]
	h.typed()
}

// load and store reach memory by DMA, and the windows' own bytes directly: a
// system call's block may share a line with tohost.
func (h *HTIF) load(pa addr.PA, buf []byte) error {
	return h.pieces(pa, buf, h.cfg.Mem.ReadPhys, func(w, b []byte) { copy(b, w) })
}

func (h *HTIF) store(pa addr.PA, buf []byte) error {
	return h.pieces(pa, buf, h.cfg.Mem.WritePhys, func(w, b []byte) { copy(w, b) })
}

func (h *HTIF) pieces(pa addr.PA, buf []byte, mem func(addr.PA, []byte) error, own func(w, b []byte)) error {
	for len(buf) > 0 {
		n := uint64(len(buf))
		if w := h.window(pa); w != nil {
			rest := w.Data[pa-w.Base:]
			n = min(n, uint64(len(rest)))
			own(rest[:n], buf[:n])
		} else {
			for _, w := range h.windows {
				if w.Base > pa {
					n = min(n, uint64(w.Base-pa))
				}
			}
			if err := mem(pa, buf[:n]); err != nil {
				return err
			}
		}
		pa += addr.PA(n)
		buf = buf[n:]
	}
	return nil
}

func (h *HTIF) warn(now uint64, name, what string, v uint64) {
	if h.cfg.Warn != nil {
		h.cfg.Warn(now, name, what, v)
	}
}
