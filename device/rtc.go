package device

import "math/bits"

// RTCSize is the size of the clock's registers.
const RTCSize = 0x1000

// Registers of the goldfish real-time clock (QEMU, hw/rtc/goldfish_rtc.c; Linux,
// drivers/rtc/rtc-goldfish.c): 32 bits each, times in nanoseconds since 1970.
const (
	rtcTimeLow        = 0x00 // reading it latches the high half
	rtcTimeHigh       = 0x04
	rtcAlarmLow       = 0x08 // writing it sets the alarm
	rtcAlarmHigh      = 0x0c
	rtcIRQEnabled     = 0x10
	rtcClearAlarm     = 0x14
	rtcAlarmStatus    = 0x18
	rtcClearInterrupt = 0x1c
)

// RTCState is all that a clock remembers.
type RTCState struct {
	Offset    uint64 // nanoseconds at cycle 0
	High      uint32 // latched
	AlarmHigh uint32
	Alarm     uint64
	Armed     bool
	Enabled   bool
	Pending   bool
}

// RTC is a goldfish real-time clock. It keeps no clock: the time follows from the
// cycle of the access.
type RTC struct {
	st    RTCState
	hertz uint64
	irq   Line
	level bool
}

// NewRTC returns a clock that shows start, in nanoseconds since 1970, at cycle 0;
// a second has hertz cycles.
func NewRTC(start, hertz uint64, irq Line) *RTC {
	return &RTC{st: RTCState{Offset: start}, hertz: max(hertz, 1), irq: irq}
}

// Time is the time at a cycle, in nanoseconds since 1970.
func (r *RTC) Time(now uint64) uint64 { return r.st.Offset + r.nanos(now) }

func (r *RTC) nanos(cycles uint64) uint64 {
	hi, lo := bits.Mul64(cycles, 1e9)
	if hi >= r.hertz {
		return ^uint64(0)
	}
	q, _ := bits.Div64(hi, lo, r.hertz)
	return q
}

// Read takes aligned accesses of 4 bytes.
func (r *RTC) Read(now, off uint64, size int) (uint64, bool) {
	if size != 4 || off&3 != 0 || off >= RTCSize {
		return 0, false
	}
	switch off {
	case rtcTimeLow:
		t := r.Time(now)
		r.st.High = uint32(t >> 32)
		return t & 0xffff_ffff, true
	case rtcTimeHigh:
		return uint64(r.st.High), true
	case rtcAlarmLow:
		return r.st.Alarm & 0xffff_ffff, true
	case rtcAlarmHigh:
		return r.st.Alarm >> 32, true
	case rtcIRQEnabled:
		return bit(r.st.Enabled), true
	case rtcAlarmStatus:
		return bit(r.st.Armed), true
	}
	return 0, true
}

// Write takes aligned accesses of 4 bytes.
func (r *RTC) Write(now, off uint64, size int, v uint64) bool {
	if size != 4 || off&3 != 0 || off >= RTCSize {
		return false
	}
	s := &r.st
	v &= 0xffff_ffff
	switch off {
	case rtcTimeLow:
		s.Offset = (r.Time(now)&^0xffff_ffff | v) - r.nanos(now)
	case rtcTimeHigh:
		s.Offset = (r.Time(now)&0xffff_ffff | v<<32) - r.nanos(now)
	case rtcAlarmHigh:
		s.AlarmHigh = uint32(v)
	case rtcAlarmLow:
		s.Alarm, s.Armed = uint64(s.AlarmHigh)<<32|v, true
		if s.Alarm <= r.Time(now) {
			s.Armed, s.Pending = false, true
		}
	case rtcIRQEnabled:
		s.Enabled = v&1 != 0
	case rtcClearAlarm:
		s.Armed = false
	case rtcClearInterrupt:
		s.Pending = false
	}
	r.drive()
	return true
}

// Deadline is the cycle of the alarm.
func (r *RTC) Deadline() uint64 {
	if !r.st.Armed || r.st.Alarm < r.st.Offset {
		return NoDeadline
	}
	// The first cycle whose time is not before the alarm.
	hi, lo := bits.Mul64(r.st.Alarm-r.st.Offset, r.hertz)
	lo, carry := bits.Add64(lo, 1e9-1, 0)
	if hi += carry; hi >= 1e9 {
		return NoDeadline
	}
	q, _ := bits.Div64(hi, lo, 1e9)
	return q
}

// Fire raises the alarm.
func (r *RTC) Fire(now uint64) {
	if now >= r.Deadline() {
		r.st.Armed, r.st.Pending = false, true
		r.drive()
	}
}

func (r *RTC) drive() {
	if level := r.st.Pending && r.st.Enabled; level != r.level {
		r.level = level
		r.irq(level)
	}
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
