package hostmem

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// random is n bytes that are not all alike.
func random(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(uint64(n), 1))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// Two cores copy what one copies, and nothing beyond the shorter of the two.
func TestCopy(t *testing.T) {
	for _, n := range []int{0, 1, hugePage, 2*hugePage - 1, 2 * hugePage, 4*hugePage + 3} {
		src := random(n)
		for _, room := range []int{n, n + 7, n / 2} {
			got, want := random(room), random(room)
			Copy(got, src)
			copy(want, src)
			if !bytes.Equal(got, want) {
				t.Errorf("%d bytes to %d: not what copy does", n, room)
			}
		}
	}
}

// Memory is zeroed when it is handed out, begins at a line, and keeps what is in it while
// the operating system is told of it and moves it to huge pages.
func TestArena(t *testing.T) {
	a := new(Arena)
	for name, alloc := range map[string]func(int) []byte{"Bytes": a.Bytes, "Sparse": a.Sparse} {
		for _, n := range []int{64, ownChunk, 3*hugePage + 100} {
			b := alloc(n)
			if len(b) != n || !bytes.Equal(b, make([]byte, n)) {
				t.Fatalf("%s(%d): %d bytes, or not zeroed", name, n, len(b))
			}
			want := random(n)
			copy(b, want[:n/2])
			if name == "Sparse" {
				a.Gather(b)
			} else {
				for off := 0; off < n; off += PageBytes {
					a.Ready(b, uint64(off))
				}
				a.Ready(b, uint64(n)) // beyond its end
			}
			copy(b[n/2:], want[n/2:])
			if !bytes.Equal(b, want) {
				t.Errorf("%s(%d): its bytes have changed", name, n)
			}
		}
	}
}
