package event

import "strconv"

// interruptBit is the top bit of mcause.
const interruptBit = 1 << 63

// exceptions names the codes of mcause: privileged manual, table "mcause
// values after trap", and the hypervisor extension's rows.
var exceptions = [...]string{
	0: "instruction-misaligned", 1: "instruction-access-fault", 2: "illegal-instruction", 3: "breakpoint",
	4: "load-misaligned", 5: "load-access-fault", 6: "store-misaligned", 7: "store-access-fault",
	8: "ecall-u", 9: "ecall-s", 10: "ecall-vs", 11: "ecall-m",
	12: "instruction-page-fault", 13: "load-page-fault", 15: "store-page-fault", 16: "double-trap",
	18: "software-check", 19: "hardware-error",
	20: "instruction-guest-page-fault", 21: "load-guest-page-fault", 22: "virtual-instruction", 23: "store-guest-page-fault",
}

var interrupts = [...]string{
	1: "supervisor-software", 2: "vs-software", 3: "machine-software",
	5: "supervisor-timer", 6: "vs-timer", 7: "machine-timer",
	9: "supervisor-external", 10: "vs-external", 11: "machine-external", 12: "guest-external", 13: "counter-overflow",
}

// CauseName names a value of mcause; without a name it is a number.
func CauseName(v uint64) string {
	names := exceptions[:]
	if v&interruptBit != 0 {
		names = interrupts[:]
	}
	return named(names, v&^interruptBit)
}

// ModeName names a privilege mode: U, S, M, VU or VS.
func ModeName(v uint64) string {
	return named([]string{"U", "S", "", "M", "VU", "VS"}, v)
}

func named(names []string, v uint64) string {
	if v < uint64(len(names)) && names[v] != "" {
		return names[v]
	}
	return strconv.FormatUint(v, 10)
}

// PackedName is the name in a word: up to eight printable characters, the first in
// the low byte and zeros after the last. Any other word is a number in hex.
func PackedName(v uint64) string {
	var b []byte
	for rest := v; rest != 0; rest >>= 8 {
		if c := byte(rest); c > ' ' && c < 0x7f {
			b = append(b, c)
		} else {
			return "0x" + strconv.FormatUint(v, 16)
		}
	}
	if len(b) == 0 {
		return "0x0"
	}
	return string(b)
}

// MarkerName names what a marker asks for, by its code.
func MarkerName(v uint64) string {
	const first = 0x6d0
	return named([]string{"point", "begin", "end", "reset", "dump", "checkpoint", "stop"}, v-first)
}
