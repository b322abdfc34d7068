package isa

import (
	"fmt"
	"strconv"
	"sync"
)

// csrNames are the CSRs that stand alone, from the privileged manual's chapter
// "CSR Listing".
var csrNames = map[uint16]string{
	0x001: "fflags", 0x002: "frm", 0x003: "fcsr", 0x015: "seed",
	0xc00: "cycle", 0xc01: "time", 0xc02: "instret",

	0x100: "sstatus", 0x104: "sie", 0x105: "stvec", 0x106: "scounteren", 0x10a: "senvcfg",
	0x140: "sscratch", 0x141: "sepc", 0x142: "scause", 0x143: "stval", 0x144: "sip",
	0x14d: "stimecmp", 0x180: "satp", 0x5a8: "scontext", 0xda0: "scountovf",

	// AIA.
	0x350: "miselect", 0x351: "mireg", 0x35c: "mtopei", 0xfb0: "mtopi", 0x308: "mvien", 0x309: "mvip",
	0x150: "siselect", 0x151: "sireg", 0x15c: "stopei", 0xdb0: "stopi",
	0x608: "hvien", 0x609: "hvictl", 0x646: "hviprio1", 0x647: "hviprio2",
	0x250: "vsiselect", 0x251: "vsireg", 0x25c: "vstopei", 0xeb0: "vstopi",

	0x600: "hstatus", 0x602: "hedeleg", 0x603: "hideleg", 0x604: "hie", 0x605: "htimedelta",
	0x606: "hcounteren", 0x607: "hgeie", 0x60a: "henvcfg", 0x643: "htval", 0x644: "hip",
	0x645: "hvip", 0x64a: "htinst", 0x680: "hgatp", 0x6a8: "hcontext", 0xe12: "hgeip",
	0x200: "vsstatus", 0x204: "vsie", 0x205: "vstvec", 0x240: "vsscratch", 0x241: "vsepc",
	0x242: "vscause", 0x243: "vstval", 0x244: "vsip", 0x24d: "vstimecmp", 0x280: "vsatp",

	0xf11: "mvendorid", 0xf12: "marchid", 0xf13: "mimpid", 0xf14: "mhartid", 0xf15: "mconfigptr",
	0x300: "mstatus", 0x301: "misa", 0x302: "medeleg", 0x303: "mideleg", 0x304: "mie",
	0x305: "mtvec", 0x306: "mcounteren", 0x30a: "menvcfg", 0x320: "mcountinhibit",
	0x340: "mscratch", 0x341: "mepc", 0x342: "mcause", 0x343: "mtval", 0x344: "mip",
	0x34a: "mtinst", 0x34b: "mtval2", 0x747: "mseccfg",
	0xb00: "mcycle", 0xb02: "minstret",

	0x7a0: "tselect", 0x7a1: "tdata1", 0x7a2: "tdata2", 0x7a3: "tdata3", 0x7a4: "tinfo",
	0x7a5: "tcontrol", 0x7a8: "mcontext", 0x7aa: "mscontext",
	0x7b0: "dcsr", 0x7b1: "dpc", 0x7b2: "dscratch0", 0x7b3: "dscratch1",
}

// csrRanges are the numbered ones.
var csrRanges = []struct {
	base        uint16
	name        string
	first, last int
	step        int // of the numbers; CSR numbers and names go together
}{
	{0xc00, "hpmcounter%d", 3, 31, 1},
	{0xb00, "mhpmcounter%d", 3, 31, 1},
	{0x320, "mhpmevent%d", 3, 31, 1},
	{0x3a0, "pmpcfg%d", 0, 14, 2},
	{0x3b0, "pmpaddr%d", 0, 63, 1},
	{0x10c, "sstateen%d", 0, 3, 1},
	{0x30c, "mstateen%d", 0, 3, 1},
	{0x60c, "hstateen%d", 0, 3, 1},
}

var csrTable = sync.OnceValue(func() *[4096]string {
	table := &[4096]string{}
	for n, name := range csrNames {
		table[n] = name
	}
	for _, r := range csrRanges {
		for i := r.first; i <= r.last; i += r.step {
			table[int(r.base)+i] = fmt.Sprintf(r.name, i)
		}
	}
	return table
})

// CSRName is the manual's name of CSR number n (0 to 4095), or the number in
// hexadecimal if it has none on RV64.
func CSRName(n uint16) string {
	if n < 4096 {
		if name := csrTable()[n]; name != "" {
			return name
		}
	}
	return "0x" + strconv.FormatUint(uint64(n), 16)
}
