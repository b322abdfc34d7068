package device

import (
	"math/big"
	"testing"
)

func rtcRead(t *testing.T, r *RTC, now, off uint64) uint64 {
	t.Helper()
	v, ok := r.Read(now, off, 4)
	if !ok {
		t.Fatalf("read of %#x is refused", off)
	}
	return v
}

// Time follows the cycle, the high half is that of the last low half read, and
// both are writable.
func TestRTCTime(t *testing.T) {
	const start, hertz = 1_735_689_600_000_000_000, 1_200_000_000
	r := NewRTC(start, hertz, func(bool) {})
	for _, now := range []uint64{0, 1, 1_199_999_999, 1_200_000_000, 1 << 40, 1 << 60} {
		want := new(big.Int).Mul(new(big.Int).SetUint64(now), big.NewInt(1e9))
		want.Add(want.Div(want, big.NewInt(hertz)), big.NewInt(start))
		if got := r.Time(now); got != want.Uint64() {
			t.Errorf("at cycle %d: %d, want %d", now, got, want)
		}
	}
	low := rtcRead(t, r, 1<<40, rtcTimeLow)
	high := rtcRead(t, r, 1<<60, rtcTimeHigh)
	if high<<32|low != r.Time(1<<40) {
		t.Errorf("the halves %#x and %#x are of different times", high, low)
	}
	const set = 1_000_000_000_123_456_789
	r.Write(500, rtcTimeHigh, 4, set>>32)
	r.Write(500, rtcTimeLow, 4, set&0xffff_ffff)
	if got := r.Time(500 + hertz); got != set+1e9 {
		t.Errorf("a second after it was set to %d it is %d", uint64(set), got)
	}
}

// The alarm fires at the first cycle that is not before its time, once, and its
// interrupt stays until it is cleared.
func TestRTCAlarm(t *testing.T) {
	level := false
	r := NewRTC(1000, 3e9, func(l bool) { level = l })
	const at = 5_000_000_000
	r.Write(0, rtcIRQEnabled, 4, 1)
	r.Write(0, rtcAlarmHigh, 4, at>>32)
	r.Write(0, rtcAlarmLow, 4, at&0xffff_ffff)
	d := r.Deadline()
	if r.Time(d) < at || r.Time(d-1) >= at {
		t.Errorf("fires at cycle %d, when it is %d", d, r.Time(d))
	}
	if r.Fire(d - 1); level {
		t.Error("fired too early")
	}
	if r.Fire(d); !level || rtcRead(t, r, d, rtcAlarmStatus) != 0 || r.Deadline() != NoDeadline {
		t.Error("did not fire once")
	}
	saved := NewRTC(1000, 1e9, func(bool) {})
	copyState(t, r, saved)
	if r.Write(d, rtcClearInterrupt, 4, 1); level {
		t.Error("the interrupt stays")
	}
	if copyState(t, saved, r); !r.level || rtcRead(t, r, d, rtcAlarmStatus) != 0 {
		t.Error("the interrupt does not come back with the state")
	}
}

// An alarm that is past when it is set fires at once.
func TestRTCPastAlarm(t *testing.T) {
	level := false
	r := NewRTC(1000, 1e9, func(l bool) { level = l })
	r.Write(0, rtcIRQEnabled, 4, 1)
	if r.Write(5000, rtcAlarmLow, 4, 10); !level {
		t.Error("it does not")
	}
}

func FuzzRTC(f *testing.F) {
	f.Add(uint64(1000), uint64(8), uint64(77), true)
	f.Fuzz(func(t *testing.T, now, off, v uint64, write bool) {
		r := NewRTC(v, now, func(bool) {})
		for _, size := range []int{1, 2, 4, 8} {
			if write {
				r.Write(now, off, size, v)
			} else {
				r.Read(now, off, size)
			}
			r.Write(now, rtcAlarmLow, 4, v)
			if d := r.Deadline(); d != NoDeadline && d > now {
				r.Fire(d)
			}
		}
	})
}
