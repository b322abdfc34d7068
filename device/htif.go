package device

import (
	"encoding/binary"
	"fmt"
	"io"

	"mcsim/addr"
)

// Memory is how a device reaches the machine's memory: coherent DMA in the
// serial phase. An error means that not all of the bytes are there.
type Memory interface {
	ReadPhys(pa addr.PA, buf []byte) error
	WritePhys(pa addr.PA, buf []byte) error
}

// HTIFConfig describes the host-target interface of a program.
type HTIFConfig struct {
	ToHost   addr.PA // of the symbol tohost; a multiple of 8
	FromHost addr.PA // of fromhost, or 0 if the program has none
	Line     uint64  // bytes of a cache line: what the windows are made of
	Poll     uint64  // cycles after which half a command is taken for a whole one; 0: 10000

	Mem            Memory
	Stdout, Stderr io.Writer
	Exit           ExitFunc
	// Warn is told of commands that make no sense, by a name of at most eight
	// characters and in words; nil is allowed.
	Warn func(now uint64, name, what string, value uint64)
}

// HTIFState is all that an HTIF remembers.
type HTIFState struct {
	Halves   uint8    // 4-byte halves of tohost written since the last command
	Due      uint64   // cycle at which a half-written word counts, or NoDeadline
	Replies  []uint64 // what waits for fromhost to be free
	Reads    uint32   // console reads that wait for a character
	Received []byte   // what the terminal typed
}

// HTIF is the interface by which bare-metal RISC-V programs exit and print:
// the words tohost and fromhost in their own memory, in the meaning that Spike
// (fesvr) gives them. A command is device<<56 | command<<48 | payload. Device
// 0 exits (odd payload: code*2+1) and carries out system calls (the address of
// eight doublewords: number, arguments; result in the first); device 1 is the
// console (command 0 reads, 1 writes a character).
//
// The lines around the two words are windows: a region of uncached memory
// each, which works like RAM but for these words.
type HTIF struct {
	cfg     HTIFConfig
	windows []*HTIFWindow
	st      HTIFState
}

// HTIFWindow is one region of an HTIF, to be mapped at Base for Size bytes
// over the RAM there.
type HTIFWindow struct {
	Base addr.PA
	// Data is the window's memory. A loader fills it with what the program has
	// there; only Write may change it later.
	Data []byte
	htif *HTIF
}

const (
	htifPoll             = 10000
	htifReplies          = 64 // of the guest's making; it can leave fromhost full for ever
	htifReads            = 1 << 16
	htifInputLimit       = 64 << 10
	bothHalves     uint8 = 3
)

// NewHTIF returns an HTIF and its windows, filled with zeros.
func NewHTIF(cfg HTIFConfig) (*HTIF, error) {
	if cfg.Line < 8 || cfg.Line > 4096 || cfg.Line&(cfg.Line-1) != 0 {
		return nil, fmt.Errorf("htif: line of %d bytes, want a power of two from 8 to 4096", cfg.Line)
	}
	h := &HTIF{cfg: cfg, st: HTIFState{Due: NoDeadline}}
	if cfg.Poll == 0 {
		h.cfg.Poll = htifPoll
	}
	for _, s := range []struct {
		name string
		pa   addr.PA
	}{{"tohost", cfg.ToHost}, {"fromhost", cfg.FromHost}} {
		if s.name == "fromhost" && s.pa == 0 {
			continue
		}
		if s.pa%8 != 0 {
			return nil, fmt.Errorf("htif: symbol %s at %#x is not a multiple of 8; align it in the linker script", s.name, s.pa)
		}
		if h.window(s.pa) == nil {
			base := s.pa &^ addr.PA(cfg.Line-1)
			h.windows = append(h.windows, &HTIFWindow{Base: base, Data: make([]byte, cfg.Line), htif: h})
		}
	}
	if cfg.FromHost == cfg.ToHost {
		return nil, fmt.Errorf("htif: tohost and fromhost are the same word at %#x", cfg.ToHost)
	}
	return h, nil
}

// Windows returns the regions to map: one, or two if the words are in
// different lines.
func (h *HTIF) Windows() []*HTIFWindow { return h.windows }

func (h *HTIF) window(pa addr.PA) *HTIFWindow {
	for _, w := range h.windows {
		if uint64(pa-w.Base) < uint64(len(w.Data)) {
			return w
		}
	}
	return nil
}

// word returns the 8 bytes at pa, which lie in a window.
func (h *HTIF) word(pa addr.PA) []byte {
	w := h.window(pa)
	return w.Data[pa-w.Base:][:8]
}

// Read gives the bytes of the window; any size from 1 to 8 within it.
func (w *HTIFWindow) Read(_, off uint64, size int) (uint64, bool) {
	if !w.holds(off, size) {
		return 0, false
	}
	var b [8]byte
	copy(b[:], w.Data[off:off+uint64(size)])
	return binary.LittleEndian.Uint64(b[:]), true
}

// Write stores into the window. A doubleword written to tohost is a command;
// narrower stores are one when both halves were written, or when the other
// half has not followed for the time of a poll.
func (w *HTIFWindow) Write(now, off uint64, size int, v uint64) bool {
	if !w.holds(off, size) {
		return false
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	copy(w.Data[off:], b[:size])
	w.htif.stored(now, w.Base+addr.PA(off), size)
	return true
}

func (w *HTIFWindow) holds(off uint64, size int) bool {
	n := uint64(len(w.Data))
	return size >= 1 && size <= 8 && off < n && uint64(size) <= n-off
}

// stored looks at what a guest's store did to the two words.
func (h *HTIF) stored(now uint64, pa addr.PA, size int) {
	if halves := h.halves(h.cfg.ToHost, pa, size); halves != 0 {
		h.st.Halves |= halves
		switch {
		case binary.LittleEndian.Uint64(h.word(h.cfg.ToHost)) == 0:
			h.st.Halves = 0
		case h.st.Halves == bothHalves:
			h.command(now)
		default:
			h.st.Due = min(h.st.Due, now+h.cfg.Poll)
		}
	}
	if h.cfg.FromHost == 0 {
		return
	}
	switch h.halves(h.cfg.FromHost, pa, size) {
	case 0:
	case bothHalves:
		h.deliver()
	default:
		// The other half may be about to be cleared: do not fill it yet.
		h.st.Due = min(h.st.Due, now+h.cfg.Poll)
	}
}

// halves says which 4-byte halves of a word a store touched.
func (h *HTIF) halves(word, pa addr.PA, size int) (m uint8) {
	first, last := pa, pa+addr.PA(size)-1
	if first < word+4 && last >= word {
		m |= 1
	}
	if first < word+8 && last >= word+4 {
		m |= 2
	}
	return m
}

// Deadline returns when a half-written word counts.
func (h *HTIF) Deadline() uint64 { return h.st.Due }

// Fire takes half-written words for what they are.
func (h *HTIF) Fire(now uint64) {
	if now < h.st.Due {
		return
	}
	h.st.Due = NoDeadline
	if h.st.Halves != 0 {
		h.command(now)
	}
	h.deliver()
}

// Push hands over what the terminal typed and returns how much was taken.
func (h *HTIF) Push(p []byte) int {
	n := min(len(p), htifInputLimit-len(h.st.Received))
	h.st.Received = append(h.st.Received, p[:n]...)
	h.typed()
	return n
}
