package cli

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"mcsim/traces"
)

// Arguments of the command line that have a notation of their own. What is read is
// written plainly and must be read as the same; what is refused is a mistake in the
// arguments, with a message that fits on a screen.

func refusedWell(t *testing.T, text string, err error) {
	t.Helper()
	if !isUsage(err) || len(err.Error()) > 600 {
		t.Errorf("%q: %v", text, err)
	}
}

func FuzzMap(f *testing.F) {
	for _, s := range []string{"", "0=1,7=0", "0=1,0=2", "4294967295=2147483647", "4294967296=0", "=,", "1=-1", " 1=2, 3=4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseMap(text)
		if err != nil {
			refusedWell(t, text, err)
			return
		}
		var parts []string
		for thread, hart := range m {
			if hart < 0 {
				t.Errorf("%q: hart %d", text, hart)
			}
			parts = append(parts, fmt.Sprintf("%d=%d", thread, hart))
		}
		if back, err := parseMap(strings.Join(parts, ",")); err != nil || !reflect.DeepEqual(back, m) {
			t.Errorf("%q: %v, then %v %v", text, m, back, err)
		}
	})
}

func FuzzRegion(f *testing.F) {
	for _, s := range []string{"heap=0x1000-0x1fff", "a=5-4", "=1-2", "a=b=1-2", "a=0b1-0o7", "a=-", "a=1_0-20"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseRegion(text)
		if err != nil {
			refusedWell(t, text, err)
			return
		}
		back, err := parseRegion(fmt.Sprintf("%s=%d-%#x", r.Name, r.First, r.Last))
		if err != nil || back != r || r.Name == "" || r.Last < r.First {
			t.Errorf("%q: %+v, then %+v %v", text, r, back, err)
		}
	})
}

func FuzzRanges(f *testing.F) {
	for _, s := range []string{"5", "0x1000-0x1fff", "0x1000+4096", "5-", "-5", "-", "3,5-9", "18446744073709551615+2", "1+0", "9-3", ","} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseRanges("time", text)
		if err != nil {
			refusedWell(t, text, err)
			return
		}
		var parts []string
		for _, r := range list {
			if r.From > r.To {
				t.Errorf("%q: %+v", text, r)
			}
			parts = append(parts, fmt.Sprintf("%d-%#x", r.From, r.To))
		}
		if back, err := parseRanges("time", strings.Join(parts, ",")); err != nil || !reflect.DeepEqual(back, list) {
			t.Errorf("%q: %v, then %v %v", text, list, back, err)
		}
	})
}

func FuzzNumbers(f *testing.F) {
	for _, s := range []string{"0,2-3", "devices", "3-1", "0-63,0-63,devices,devices", "-1", "99", "1-", " 4 "} {
		f.Add(s, uint16(63))
	}
	f.Fuzz(func(t *testing.T, text string, most uint16) {
		list, err := parseNumbers(text, int(most), "devices")
		if err != nil {
			if len(err.Error()) > 300 {
				t.Error(err)
			}
			return
		}
		// Bounded, whatever is repeated: each number once, and the word.
		if len(list) == 0 || len(list) > int(most)+2 || slices.Min(list) < -1 || slices.Max(list) > int(most) {
			t.Errorf("%q: %v", text, list)
		}
		parts := strings.ReplaceAll(strings.Trim(fmt.Sprint(list), "[]"), " ", ",")
		back, err := parseNumbers(strings.ReplaceAll(parts, "-1", "devices"), int(most), "devices")
		if err != nil || !reflect.DeepEqual(back, list) {
			t.Errorf("%q: %v, then %v %v", text, list, back, err)
		}
	})
}

// The same notation of addresses and cycles, as 'run --record-...' reads it.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{"0x80000000-0x8000ffff", "0x80000000+64", "1000-", "-2000", "5-4", "+", "0-18446744073709551615", "18446744073709551615+1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := traces.ParseRange(text); err == nil {
			back, err := traces.ParseRange(fmt.Sprintf("%#x-%d", r.First, r.Last))
			if err != nil || back != r || r.Last < r.First {
				t.Errorf("%q: %+v, then %+v %v", text, r, back, err)
			}
		}
		if from, to, err := traces.ParseWindow(text); err == nil {
			a, b, err := traces.ParseWindow(fmt.Sprintf("%d-%d", from, to))
			if err != nil || a != from || b != to || to < from {
				t.Errorf("%q: %d-%d, then %d-%d %v", text, from, to, a, b, err)
			}
		}
	})
}

// What is added to an initramfs has a place within it.
func FuzzAdd(f *testing.F) {
	for _, s := range []string{"./bench:bin/bench", "a:b:c", "x:/", ":y", "x:../../etc/passwd", "x:/a//b/", "x:a/./b", "x:a\x00b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		from, to, err := parseAdd(text)
		if err != nil {
			refusedWell(t, text, err)
			return
		}
		for _, part := range strings.Split(to, "/") {
			if part == "" || part == "." || part == ".." || strings.ContainsRune(part, 0) {
				t.Errorf("%q: %q is no place in an initramfs", text, to)
			}
		}
		if from == "" {
			t.Errorf("%q: no file", text)
		}
	})
}
