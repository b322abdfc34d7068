package cache

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"mcsim/hostmem"
	"mcsim/snapshot"
)

func mustNew(t testing.TB, cfg Config) *Array {
	t.Helper()
	a, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Array chooses what the textbook's policy would, whatever happened before:
// hits, fills, invalidations, and victims within some of the ways only.
func TestPoliciesMatchTextbooks(t *testing.T) {
	for p := range numPolicies {
		for _, ways := range []int{1, 2, 3, 4, 8, 12, 16, 64} {
			if p == TreePLRU && !powerOfTwo(ways) {
				continue
			}
			t.Run(fmt.Sprintf("%v/%d", p, ways), func(t *testing.T) {
				const seed = 7
				a := mustNew(t, Config{Size: 4 * ways * 64, Ways: ways, Line: 64, Replacement: p, Seed: seed})
				compare(t, a, p, rand.New(rand.NewPCG(1, uint64(ways))), seed)
				b, err := NewIn(Config{Size: 4 * ways * 64, Ways: ways, Line: 64, Replacement: p, Seed: seed}, new(hostmem.Arena))
				if ordered := p == LRU && ways <= 16; err != nil || (b.order != nil) != ordered || (b.Stamp == nil) != ordered {
					t.Fatal(err, "order: ", b.order != nil)
				}
				compare(t, b, p, rand.New(rand.NewPCG(1, uint64(ways))), seed)
			})
		}
	}
}

func compare(t *testing.T, a *Array, p Policy, r *rand.Rand, seed uint64) {
	ways := a.Ways()
	draws := &splitmix64{state: seed}
	draws.next()
	sets := make([]textbook, a.Sets())
	for i := range sets {
		sets[i] = newTextbook(p, ways, draws)
	}
	where := map[uint64]int32{} // line to slot
	evictions := 0
	for step := range 30_000 {
		line := uint64(r.IntN(a.Sets() * (ways + 1 + ways/4)))
		set := sets[line%uint64(a.Sets())]
		slot, held := where[line]
		if got := a.Lookup(line); held && got != slot || !held && got != -1 {
			t.Fatalf("step %d: Lookup(%#x) is %d, want %d", step, line, got, slot)
		}
		switch {
		case held && r.IntN(20) == 0:
			a.Invalidate(slot)
			delete(where, line)
		case held:
			a.Touch(slot)
			set.hit(int(slot) % ways)
		default:
			mask := AllWays
			if r.IntN(4) == 0 {
				mask = r.Uint64() | 1<<r.IntN(ways)
			}
			slot = wantVictim(a, set, line, mask, &evictions)
			for range 1 + r.IntN(2) { // asking again changes nothing
				if got := a.VictimIn(line, mask); got != slot {
					t.Fatalf("step %d: VictimIn(%#x, %#x) is %d, want %d", step, line, mask, got, slot)
				}
			}
			delete(where, a.LineOf(slot))
			a.Invalidate(slot)
			a.Fill(slot, line, 1)
			where[line] = slot
			set.fill(int(slot) % ways)
			draws.next()
		}
	}
	if err := a.Check(); err != nil {
		t.Fatal(err)
	}
	if evictions < 1000 {
		t.Errorf("only %d evictions", evictions)
	}
}

// wantVictim is the first invalid allowed slot, or the textbook's choice.
func wantVictim(a *Array, set textbook, line, mask uint64, evictions *int) int32 {
	base := a.SetOf(line)
	for w := range int32(a.Ways()) {
		if mask>>w&1 != 0 && a.State[base+w] == 0 {
			return base + w
		}
	}
	*evictions++
	if a.Ways() < 64 {
		mask &= 1<<a.Ways() - 1
	}
	return base + int32(set.victim(mask))
}

func TestVictimInNoWay(t *testing.T) {
	a := mustNew(t, Config{Size: 1024, Ways: 4, Line: 64})
	if got := a.VictimIn(0, 1<<4); got != -1 {
		t.Errorf("a mask of ways that do not exist gives slot %d", got)
	}
}

// Published outputs of splitmix64 for seed 1234567, as given with its reference
// implementation in many libraries.
func TestSplitmix(t *testing.T) {
	want := []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821}
	for n, w := range want {
		if got := splitmix(1234567, uint64(n)); got != w {
			t.Errorf("output %d is %d, want %d", n, got, w)
		}
	}
}

// A seed gives the same victims again; another one gives others, and every way
// gets its share.
func TestRandomBySeed(t *testing.T) {
	run := func(seed uint64) (slots []int32) {
		a := mustNew(t, Config{Size: 512, Ways: 8, Line: 64, Replacement: Random, Seed: seed})
		for line := range uint64(8008) {
			slot := a.Victim(line)
			a.Fill(slot, line, 1)
			slots = append(slots, slot)
		}
		return slots[8:]
	}
	one := run(1)
	if !slices.Equal(one, run(1)) || slices.Equal(one, run(2)) {
		t.Error("victims do not follow the seed")
	}
	count := make([]int, 8)
	for _, slot := range one {
		count[slot]++
	}
	if slices.Min(count) < 900 || slices.Max(count) > 1100 { // 1000 +- 3.4 standard deviations
		t.Errorf("victims by way: %v", count)
	}
}

func TestData(t *testing.T) {
	a := mustNew(t, Config{Size: 4096, Ways: 4, Line: 32})
	if a.Sets() != 32 || a.Slots() != 128 || a.Shift() != 5 || a.LineBytes() != 32 {
		t.Fatalf("%d sets, %d slots, shift %d", a.Sets(), a.Slots(), a.Shift())
	}
	for line := range uint64(128) {
		slot := a.Victim(line)
		a.Fill(slot, line, 3)
		copy(a.LineData(slot), bytes.Repeat([]byte{byte(line)}, 32))
	}
	for slot := range a.Valid() {
		line := a.LineOf(slot)
		if data := a.LineData(slot); len(data) != 32 || cap(data) != 32 || data[0] != byte(line) || data[31] != byte(line) {
			t.Fatalf("slot %d, line %d: %v", slot, line, data)
		}
		if slot%2 == 0 {
			a.Invalidate(slot)
		}
	}
	if left := slices.Collect(a.Valid()); len(left) != 64 || left[0] != 1 || left[63] != 127 {
		t.Errorf("left are %v", left)
	}
}

// saved is a file with the array, loaded what another array makes of one.
func saved(t *testing.T, a *Array) []byte {
	t.Helper()
	var file bytes.Buffer
	body := func(c *snapshot.Coder) { c.Section("array", 1, func(c *snapshot.Coder) { a.Snapshot(c, 4) }) }
	if err := snapshot.Save(&file, snapshot.Header{Config: []byte("{}")}, body); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func loaded(file []byte, a *Array) error {
	r, err := snapshot.Open(bytes.NewReader(file))
	if err != nil {
		return err
	}
	return r.Load(func(c *snapshot.Coder) { c.Section("array", 1, func(c *snapshot.Coder) { a.Snapshot(c, 4) }) })
}

// ordered is an array that keeps orders.
func ordered(t *testing.T, cfg Config) *Array {
	t.Helper()
	a, err := NewIn(cfg, new(hostmem.Arena))
	if err != nil || a.order == nil {
		t.Fatal(err, "no order")
	}
	return a
}

// A restored array goes on exactly as the saved one.
func TestSaveRestore(t *testing.T) {
	for p := range numPolicies {
		testSaveRestore(t, p, 8, 5000, func(cfg Config) *Array { return mustNew(t, cfg) })
	}
	for _, ways := range []int{1, 2, 8, 16} {
		for _, n := range []int{0, 1, 50, 5000} {
			testSaveRestore(t, LRU, ways, n, func(cfg Config) *Array { return ordered(t, cfg) })
		}
	}
}

func testSaveRestore(t *testing.T, p Policy, ways, n int, build func(Config) *Array) {
	cfg := Config{Size: 8192, Ways: ways, Line: 64, Replacement: p, Seed: 3}
	a := build(cfg)
	churn(a, 1, n)
	file := saved(t, a)
	b := build(cfg)
	churn(b, 4, 100)
	for s := range b.Slots() {
		clear(b.LineData(int32(s)))
	}
	if err := loaded(file, b); err != nil {
		t.Fatal(err)
	}
	churn(a, 2, 5000)
	churn(b, 2, 5000)
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%v: the restored array went another way", p)
	}
	if a.Check() != nil || bytes.Equal(file, saved(t, a)) {
		t.Errorf("%v: the file followed the array", p)
	}
}

// An array that keeps orders goes on from one that kept stamps, and the other way round.
func TestOrdersAndStamps(t *testing.T) {
	cfg := Config{Size: 8192, Ways: 8, Line: 64}
	for _, n := range []int{0, 20, 3000} {
		stamps, orders := mustNew(t, cfg), ordered(t, cfg)
		churn(stamps, 1, n)
		churn(orders, 1, n)
		from, to := ordered(t, cfg), mustNew(t, cfg)
		if err := errors.Join(loaded(saved(t, stamps), from), loaded(saved(t, orders), to)); err != nil {
			t.Fatal(err)
		}
		for _, a := range []*Array{stamps, orders, from, to} {
			churn(a, 2, 3000)
			if !slices.Equal(a.Tags, stamps.Tags) || !bytes.Equal(a.State, stamps.State) || a.Check() != nil {
				t.Errorf("after %d accesses another way: %v", n, a.Check())
			}
		}
	}
}

func churn(a *Array, seed uint64, n int) {
	r := rand.New(rand.NewPCG(seed, 0))
	for range n {
		line := r.Uint64N(uint64(2 * a.Slots()))
		slot := a.Lookup(line)
		if slot >= 0 {
			a.Touch(slot)
			continue
		}
		slot = a.Victim(line)
		a.Fill(slot, line, uint8(1+r.IntN(3)))
		a.LineData(slot)[0] = byte(line)
	}
}

func TestRestoreRefuses(t *testing.T) {
	cfg := Config{Size: 1024, Ways: 4, Line: 64}
	for name, spoil := range map[string]func(*Array){
		"state":         func(a *Array) { a.State[5] = 1 },
		"unknown state": func(a *Array) { a.Tags[0], a.State[0] = 0, 4 },
		"future":        func(a *Array) { a.Stamp[0] = a.Clock + 1 },
		"other set":     func(a *Array) { a.Tags[0], a.State[0] = 1, 1 },
		"duplicates":    func(a *Array) { a.Tags[0], a.State[0], a.Tags[1], a.State[1] = 4, 1, 4, 1 },
	} {
		a := mustNew(t, cfg)
		spoil(a)
		if err := loaded(saved(t, a), mustNew(t, cfg)); err == nil {
			t.Errorf("%s: restored", name)
		}
	}
	future := mustNew(t, cfg)
	future.Stamp[3] = future.Clock + 1
	if err := loaded(saved(t, future), ordered(t, cfg)); err == nil {
		t.Error("future: restored in an array that keeps orders")
	}
	for _, other := range []Config{{Size: 2048, Ways: 4, Line: 64}, {Size: 1024, Ways: 2, Line: 64}, {Size: 1024, Ways: 4, Line: 32}, {Size: 1024, Ways: 4, Line: 64, Replacement: FIFO}} {
		if err := loaded(saved(t, mustNew(t, cfg)), mustNew(t, other)); err == nil {
			t.Errorf("%+v: restored", other)
		}
	}
}

func TestFillPanicsOnOurBugs(t *testing.T) {
	a := mustNew(t, Config{Size: 1024, Ways: 4, Line: 64})
	for _, fill := range []func(){
		func() { a.Fill(0, 1, 1) }, // line 1 belongs to set 1
		func() { a.Fill(0, 0, 0) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			fill()
		}()
	}
}

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		cfg  Config
		want []string
	}{
		{Config{Size: 32768, Ways: 8, Line: 64}, nil},
		{Config{Size: 12 * 64 * 64, Ways: 12, Line: 64}, nil},
		{Config{Size: 64, Ways: 1, Line: 64}, nil},
		{Config{}, []string{"line: 0 is not", "ways: 0 is not", "size: 0 is not"}},
		{Config{Size: 1 << 40, Ways: 65, Line: 512}, []string{"line: 512 is not", "ways: 65 is not", "size: 1099511627776 is not"}},
		{Config{Size: -64, Ways: 1, Line: -64}, []string{"line: -64", "size: -64"}},
		{Config{Size: 1000, Ways: 8, Line: 64}, []string{"size: 1000 bytes are not a whole number of 64-byte lines"}},
		{Config{Size: 32768, Ways: 7, Line: 64}, []string{"ways: 7 does not divide 512 lines"}},
		{Config{Size: 64, Ways: 2, Line: 64}, []string{"ways: 2 does not divide 1 lines"}},
		{Config{Size: 49152, Ways: 8, Line: 64}, []string{"size: 49152 bytes make 96 sets, which is not a power of two; 32768 or 65536 bytes would"}},
		{Config{Size: 12 * 64 * 64, Ways: 12, Line: 64, Replacement: TreePLRU}, []string{"replacement: tree-plru needs a power of two of ways, not 12"}},
		{Config{Size: 32768, Ways: 8, Line: 64, Replacement: 9}, []string{"replacement: unknown policy 9"}},
	} {
		err := test.cfg.Validate()
		var got []string
		if err != nil {
			got = strings.Split(err.Error(), "\n")
			var field *FieldError
			if !errors.As(err, &field) {
				t.Errorf("%+v: %T", test.cfg, err)
			}
		}
		if len(got) != len(test.want) {
			t.Errorf("%+v: %q, want %q", test.cfg, got, test.want)
			continue
		}
		for i := range got {
			if !strings.HasPrefix(got[i], test.want[i]) {
				t.Errorf("%+v: %q, want %q", test.cfg, got[i], test.want[i])
			}
		}
		if _, err := New(test.cfg); (err == nil) != (test.want == nil) {
			t.Errorf("%+v: New: %v", test.cfg, err)
		}
	}
}

func TestParsePolicy(t *testing.T) {
	for i, name := range Policies() {
		if p, err := ParsePolicy(name); err != nil || p != Policy(i) || p.String() != name {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	if _, err := ParsePolicy("plru"); err == nil || !strings.Contains(err.Error(), "tree-plru") {
		t.Errorf("an unknown policy: %v", err)
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, ways := range []int{8, 16} {
		a := mustNew(b, Config{Size: 512 * ways * 64, Ways: ways, Line: 64})
		for line := range uint64(a.Slots()) {
			a.Fill(a.Victim(line), line, 1)
		}
		b.Run(fmt.Sprintf("hit/%d", ways), func(b *testing.B) {
			mask, sum := uint64(a.Slots()-1), int32(0)
			for i := range b.N {
				sum += a.Lookup(uint64(i) * 0x9e3779b1 & mask)
			}
			_ = sum
		})
		b.Run(fmt.Sprintf("miss/%d", ways), func(b *testing.B) {
			for i := range b.N {
				if a.Lookup(uint64(i)|1<<40) >= 0 {
					b.Fatal("hit")
				}
			}
		})
	}
}

func BenchmarkEvict(b *testing.B) {
	b.Run("lru, orders", func(b *testing.B) {
		a, _ := NewIn(Config{Size: 1 << 20, Ways: 16, Line: 64}, new(hostmem.Arena))
		for i := range b.N {
			line := uint64(i) * 0x9e3779b1
			a.Fill(a.Victim(line), line, 1)
		}
	})
	for p := range numPolicies {
		b.Run(p.String(), func(b *testing.B) {
			a := mustNew(b, Config{Size: 1 << 20, Ways: 16, Line: 64, Replacement: p})
			for i := range b.N {
				line := uint64(i) * 0x9e3779b1
				a.Fill(a.Victim(line), line, 1)
			}
		})
	}
}
