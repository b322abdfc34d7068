package coherence

import (
	"encoding/binary"
	"testing"
)

func memoryWord(t *testing.T, b *Bus) uint64 {
	t.Helper()
	var buf [8]byte
	if _, ok := b.ReadMemory(b.Harts(), ramBase, buf[:], 0); !ok {
		t.Fatal("the device cannot read")
	}
	return binary.LittleEndian.Uint64(buf[:])
}

// CMO specification, "Memory and Caches" and the definitions of cbo.clean,
// cbo.flush and cbo.inval: an agent outside of the coherent set sees a hart's
// stores only after a clean or flush, and a hart its writes only after an
// invalidate. Every protocol, and every kind of home.
func TestDeviceThatDoesNotSnoop(t *testing.T) {
	homes := map[string]func(*Config){
		"inclusive": func(*Config) {},
		"exclusive": func(c *Config) { c.Inclusive = false },
		"memory":    func(c *Config) { c.Inclusive = false; c.LLC.Size = 0 },
	}
	for _, p := range protocols {
		for name, change := range homes {
			t.Run(p.Name+"/"+name, func(t *testing.T) {
				cfg := testConfig(2)
				cfg.Protocol, cfg.Check = p, true
				change(&cfg)
				b, _ := newMachine(t, cfg, 1<<20)
				word := Access{Op: OpLoad, Size: 8, PA: ramBase}
				store(b.Private(0), ramBase, 1, 0)
				if v := memoryWord(t, b); v != 0 {
					t.Errorf("without cbo.clean the device reads %d, want memory's 0", v)
				}
				do(b, 1, Access{Op: OpClean, PA: ramBase})
				if v := memoryWord(t, b); v != 1 {
					t.Errorf("after cbo.clean the device reads %d, want 1", v)
				}
				if v := do(b, 1, word).Result; v != 1 {
					t.Errorf("hart 1 reads %d, want 1", v)
				}

				var buf [8]byte
				binary.LittleEndian.PutUint64(buf[:], 2)
				b.WriteMemory(b.Harts(), ramBase, buf[:], 0)
				for h := range 2 {
					if v := do(b, h, word).Result; v != 1 {
						t.Errorf("without cbo.inval hart %d reads %d, want its copy's 1", h, v)
					}
				}
				if err := b.Check(); err != nil {
					t.Errorf("a stale copy is no mistake of the bus: %v", err)
				}
				do(b, 0, Access{Op: OpInval, PA: ramBase})
				for h := range 2 {
					if v := do(b, h, word).Result; v != 2 {
						t.Errorf("after cbo.inval hart %d reads %d, want the device's 2", h, v)
					}
				}
				// A dirty copy that is written back covers what the device wrote.
				store(b.Private(0), ramBase, 3, 0)
				b.WriteMemory(b.Harts(), ramBase, buf[:], 0)
				do(b, 0, Access{Op: OpFlush, PA: ramBase})
				if v := memoryWord(t, b); v != 3 {
					t.Errorf("after the write-back memory has %d, want 3", v)
				}
				if err := b.Check(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// Parts of lines, ranges over several lines, and ranges that are no memory.
func TestMemoryRanges(t *testing.T) {
	b, d := newMachine(t, testConfig(1), 1<<20)
	src := make([]byte, 200)
	for i := range src {
		src[i] = byte(i + 1)
	}
	if _, ok := b.WriteMemory(1, ramBase+60, src, 5); !ok {
		t.Fatal("refused")
	}
	got := make([]byte, 204)
	done, ok := b.ReadMemory(1, ramBase+58, got, 5)
	if !ok || done <= 5 || got[0] != 0 || got[1] != 0 || string(got[2:202]) != string(src) || got[202] != 0 {
		t.Errorf("done %d, ok %v, read %v", done, ok, got)
	}
	if string(d.Bytes(ramBase+60, 200)) != string(src) {
		t.Error("memory does not hold what the device wrote")
	}
	for _, pa := range []uint64{ramBase - 4, ramBase + 1<<20 - 4, ^uint64(0) - 3, 0x1000} {
		if _, ok := b.WriteMemory(1, lineAddr(pa, 0), src[:8], 0); ok {
			t.Errorf("a write at %#x succeeds", pa)
		}
		if _, ok := b.ReadMemory(1, lineAddr(pa, 0), got[:8], 0); ok {
			t.Errorf("a read at %#x succeeds", pa)
		}
	}
}
