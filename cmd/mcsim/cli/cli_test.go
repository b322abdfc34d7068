package cli

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"mcsim/event"
	"mcsim/machine"
	"mcsim/stats"
)

// Help teaches: each command says what it is for and shows how it is used.
func TestEveryCommandIsExplained(t *testing.T) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Short == "" || c.Example == "" {
			t.Errorf("%s lacks an explanation or an example", c.CommandPath())
		}
		if !strings.Contains(c.Example, "mcsim ") {
			t.Errorf("%s: its example does not run it", c.CommandPath())
		}
		for _, line := range strings.Split(c.Example, "\n") {
			if !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: example %q", c.CommandPath(), line)
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}))
}

// The configuration may name exactly the categories and levels there are.
func TestConfigKnowsTheEvents(t *testing.T) {
	if got := fieldAt("log.only").Enum; !reflect.DeepEqual(got, event.Categories()) {
		t.Errorf("log.only: %v", got)
	}
	if got := fieldAt("log.level").Enum; !reflect.DeepEqual(got, event.Levels()) {
		t.Errorf("log.level: %v", got)
	}
}

func TestParseSeeds(t *testing.T) {
	got, err := parseSeeds("1-3,7, 2")
	if err != nil || !reflect.DeepEqual(got, []uint64{1, 2, 3, 7}) {
		t.Error(got, err)
	}
	for _, bad := range []string{"", "x", "1-", "-1", "3-1", "0-18446744073709551615", "0-9999,20000", "1,,2"} {
		if got, err := parseSeeds(bad); err == nil {
			t.Errorf("%q: %d seeds", bad, len(got))
		}
	}
}

func FuzzParseSeeds(f *testing.F) {
	f.Add("1-20,30")
	f.Fuzz(func(t *testing.T, text string) {
		seeds, err := parseSeeds(text)
		if err == nil && (len(seeds) == 0 || len(seeds) > maxSeeds) {
			t.Errorf("%d seeds", len(seeds))
		}
	})
}

// 2, 4, 4, 4, 5, 5, 7, 9: mean 5, sample deviation sqrt(32/7); t(7) is 2.365.
func TestSpread(t *testing.T) {
	s := &spread{Description: stats.Description{Name: "x"}, Values: []float64{2, 4, 4, 4, 5, 5, 7, 9}}
	(&seedsResult{Statistics: []*spread{s}}).summarize()
	if s.Mean != 5 || s.Min != 2 || s.Max != 9 || math.Abs(s.Stddev-2.13809) > 1e-5 || math.Abs(s.CI95-1.78779) > 1e-4 {
		t.Errorf("%+v", s)
	}
}

// Values of the t distribution from any table: 40 and 120 degrees of freedom.
func TestStudent(t *testing.T) {
	for df, want := range map[int]float64{1: 12.706, 30: 2.042, 40: 2.021, 120: 1.980} {
		if got := student95(df); math.Abs(got-want) > 5e-4 {
			t.Errorf("t(%d) = %v, want %v", df, got, want)
		}
	}
}

// The guest's console takes the progress line away, and progress does not
// write into a line that the guest has begun.
func TestConsoleAndProgressShareAScreen(t *testing.T) {
	var screen bytes.Buffer
	tty := &terminal{out: &screen, err: &screen, isTTY: true}
	p := newProgress(tty, 1000, 0)
	draw := func(n uint64) {
		p.last = time.Now().Add(-time.Second)
		p.update(progressAt(n))
	}
	draw(100e6)
	tty.console().Write([]byte("half a "))
	draw(200e6)
	tty.console().Write([]byte("line\n"))
	draw(300e6)
	p.clear()
	got := screen.String()
	parts := strings.Split(got, "\r\x1b[K")
	if len(parts) != 5 || !strings.HasPrefix(parts[1], "100 M instructions") || parts[2] != "half a line\n" ||
		!strings.HasPrefix(parts[3], "300 M instructions") || parts[4] != "" {
		t.Errorf("%q", got)
	}
}

func TestProgressLine(t *testing.T) {
	p := progress{maxInstructions: 1e9, mips: 100}
	got := p.line(progressAt(250e6), 3*time.Second)
	if want := "250 M instructions, 0 M cycles, 100.0 MIPS, 3s, 25 % of the limit, at most 9s left"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func progressAt(instructions uint64) machine.Progress {
	return machine.Progress{Instructions: instructions}
}
