package config

import (
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// FuzzUnits: what is read is written so that it is read as the same.
func FuzzUnits(f *testing.F) {
	for _, s := range []string{"0", "64", "32KiB", "1.5GiB", " 2 MiB ", "13.75ns", "7.8us", "1.2GHz", "32768", "9999999TiB", "0.001ns", "..", "1e9", "18446744073709551615"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := ParseSize(s); err == nil {
			if back, err := ParseSize(v.String()); err != nil || back != v {
				t.Errorf("size %q: %v, then %v %v", s, v, back, err)
			}
		}
		if v, err := ParseHertz(s); err == nil {
			if back, err := ParseHertz(v.String()); err != nil || back != v {
				t.Errorf("frequency %q: %v, then %v %v", s, v, back, err)
			}
		}
		if v, err := ParseNanos(s); err == nil {
			if back, err := ParseNanos(v.String()); err != nil || back != v {
				t.Errorf("time %q: %v, then %v %v", s, v, back, err)
			}
		}
		if n, err := parseCount(s); err == nil {
			if back, err := parseCount(strconv.FormatUint(n, 10)); err != nil || back != n {
				t.Errorf("count %q: %d, then %d %v", s, n, back, err)
			}
		}
	})
}

// FuzzTrigger: a point in a run is written as it is read.
func FuzzTrigger(f *testing.F) {
	for _, s := range []string{"", "cycle:5", "instructions:0x10", "symbol:main", "symbol:0x80000000", "marker:roi", "marker:0xffffffffffffffffff", "cycle:", ":", "cycle:-1", "marker:\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseTrigger(s)
		if err != nil {
			if len(err.Error()) > 700 {
				t.Errorf("a message of %d characters", len(err.Error()))
			}
			return
		}
		if back, err := ParseTrigger(p.String()); err != nil || back != p {
			t.Errorf("%q: %+v, then %+v %v", s, p, back, err)
		}
		if p.Kind == AtMarker && len(p.Name) > maxMarker && !strings.HasPrefix(p.Name, "0x") {
			t.Errorf("%q: a marker that no guest can name", s)
		}
	})
}

// diskText writes a disk in the notation of ParseDisk.
func diskText(d Disk) string {
	quote := func(s string) string { return strings.ReplaceAll(s, ",", ",,") }
	s := quote(d.File)
	switch {
	case d.OverlayFile != "":
		s += ",overlay=" + quote(d.OverlayFile)
	case d.Mode != "":
		s += "," + d.Mode
	}
	if d.Format != "" {
		s += ",format=" + d.Format
	}
	if d.ID != "" {
		s += ",id=" + quote(d.ID)
	}
	for _, r := range d.FailReads {
		s += ",fail-read=" + strconv.FormatUint(r.First, 10) + "+" + strconv.FormatUint(r.N, 10)
	}
	for _, r := range d.FailWrites {
		s += ",fail-write=" + strconv.FormatUint(r.First, 10) + "+" + strconv.FormatUint(r.N, 10)
	}
	return s
}

// FuzzDisk: a disk is the same when its parts are written again, whatever commas are
// in its names, and sectors do not overflow.
func FuzzDisk(f *testing.F) {
	for _, s := range []string{"a.img", "a,,b,ro", "x,overlay=y,,z", "x,id=root,rw,format=qcow2", "x,fail-read=7+2,fail-write=0x9", ",", "x,", "x,id=", "x,,,ro", "x,overlay="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDisk(s)
		if err != nil {
			return
		}
		if back, err := ParseDisk(diskText(d)); err != nil || !reflect.DeepEqual(back, d) {
			t.Errorf("%q: %+v, then %+v %v", s, d, back, err)
		}
		for _, r := range append(d.FailReads, d.FailWrites...) {
			if r.N == 0 || r.First > math.MaxUint64/512-r.N {
				t.Errorf("%q: sectors %+v", s, r)
			}
		}
		if d.File == "" || len(d.ID) > 20 {
			t.Errorf("%q: %+v", s, d)
		}
	})
}

// FuzzForward and the clock's start.
func FuzzForward(f *testing.F) {
	for _, s := range []string{"2222:22", "65536:1", "0:1", "1:", ":", "host", "2025-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-01-01T00:00:00+23:59"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if host, guest, err := ParseForward(s); err == nil {
			text := strconv.Itoa(int(host)) + ":" + strconv.Itoa(int(guest))
			if h, g, err := ParseForward(text); err != nil || h != host || g != guest || host == 0 || guest == 0 {
				t.Errorf("%q: %d %d", s, host, guest)
			}
		}
		if at, err := ParseEpoch(s); err == nil && s != "host" {
			if back, err := ParseEpoch(at.Format(time.RFC3339Nano)); err != nil || !back.Equal(at) || at.Unix() < -86400 {
				t.Errorf("%q: %v, then %v %v", s, at, back, err)
			}
		}
	})
}
