package traces

import "math/bits"

const ones = 0x0101010101010101

// hexValue is the value of a hexadecimal digit, 0xff for any other byte.
var hexValue = func() (t [256]uint8) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range 10 {
		t['0'+i] = uint8(i)
	}
	for i := range 6 {
		t['a'+i], t['A'+i] = uint8(10+i), uint8(10+i)
	}
	return t
}()

// hex8 reads eight hexadecimal digits at once, the first in the lowest byte.
func hex8(w uint64) (v uint64, ok bool) {
	letter := w >> 6 & ones
	v = w&(0x0f*ones) + letter*9
	aboveNine := (v + 0x76*ones) >> 7 & ones
	wrong := aboveNine ^ letter | v&(0x10*ones) | (v + 0x30*ones + letter*0x27) ^ (w | letter<<5)
	v = bits.ReverseBytes64(v)
	v = (v | v>>4) & 0x00ff00ff00ff00ff
	v = (v | v>>8) & 0x0000ffff0000ffff
	return (v | v>>16) & 0xffffffff, wrong == 0
}

// hexAt reads hexadecimal digits from buf[pos] on, and returns what follows
// them. ok is false without a digit and beyond 64 bits.
func hexAt(buf []byte, pos int) (v uint64, next int, ok bool) {
	next = pos
	for next < len(buf) {
		d := hexValue[buf[next]]
		if d == 0xff {
			break
		}
		if v>>60 != 0 {
			return 0, next, false
		}
		v = v<<4 | uint64(d)
		next++
	}
	return v, next, next > pos
}

// decimalAt is hexAt for decimal digits.
func decimalAt(buf []byte, pos int) (v uint64, next int, ok bool) {
	next = pos
	for next < len(buf) {
		d := buf[next] - '0'
		if d > 9 {
			break
		}
		high, low := bits.Mul64(v, 10)
		sum, carry := bits.Add64(low, uint64(d), 0)
		if high|carry != 0 {
			return 0, next, false
		}
		v = sum
		next++
	}
	return v, next, next > pos
}

// numberAt reads a hexadecimal number if it begins with 0x, else a decimal one.
func numberAt(buf []byte, pos int) (v uint64, next int, ok bool) {
	if pos+1 < len(buf) && buf[pos] == '0' && buf[pos+1]|0x20 == 'x' {
		return hexAt(buf, pos+2)
	}
	return decimalAt(buf, pos)
}

// sized reports whether size bytes from addr on are a possible reference: at
// least one byte, at most MaxSize, not beyond the end of the address space.
func sized(addr, size uint64) bool { return size-1 < MaxSize && addr+(size-1) >= addr }
