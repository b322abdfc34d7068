package config

// Config describes a run. Tags: doc (one sentence, without its full stop),
// min and max (in the notation of the field), enum (joined by |), unit, and
// optional on an inlined struct: the field in it that may also be 0, and whole on
// a list: a flag's text is one element, commas and all.
type Config struct {
	Preset  string  `yaml:"preset" doc:"named machine that the other fields change; see mcsim config show --preset NAME"`
	Machine Machine `yaml:"machine" doc:"the machine that is simulated"`
	Program Program `yaml:"program" doc:"what runs on it"`
	Run     Run     `yaml:"run" doc:"limits and checks of the run"`
	Log     Log     `yaml:"log" doc:"events, as JSON lines"`
	Stats   Stats   `yaml:"stats" doc:"counters, as JSON"`
	Record  Record  `yaml:"record" doc:"memory references, as a trace"`
}

// Machine is the hardware. Every hart has its own L1I, L1D, L2 and TLBs; LLC,
// bus and DRAM are shared.
type Machine struct {
	Harts    int    `yaml:"harts" doc:"RISC-V harts" min:"1" max:"64"`
	Quantum  int    `yaml:"quantum" doc:"how far a hart may run ahead of the bus; small is accurate, large is fast" unit:"cycles" min:"1" max:"1000000"`
	Seed     uint64 `yaml:"seed" doc:"breaks ties on the bus, drives jitter and random replacement"`
	Jitter   int    `yaml:"jitter" doc:"largest random delay added to a memory access; 0 is none (Alameldeen and Wood, HPCA 2003)" unit:"cycles" min:"0" max:"10000"`
	Protocol string `yaml:"protocol" doc:"coherence protocol" enum:"MSI|MESI|MOESI|MESIF"`
	ISA      string `yaml:"isa" doc:"instruction set, as in a device tree; extensions left out are illegal instructions"`
	MMU      string `yaml:"mmu" doc:"largest translation mode" enum:"none|sv39|sv48|sv57"`
	PMP      int    `yaml:"pmp" doc:"physical memory protection regions" enum:"0|16"`
	Memory   Size   `yaml:"memory" doc:"RAM, from 0x80000000 up" min:"1MiB" max:"64GiB"`
	Clock    Hertz  `yaml:"clock" doc:"clock of harts, caches and bus" min:"1MHz" max:"10GHz"`
	Timebase Hertz  `yaml:"timebase" doc:"rate of mtime and of the time CSR" min:"1kHz" max:"1GHz"`

	Evictions string `yaml:"evictions" doc:"whether private caches tell the home node of clean lines that they drop" enum:"silent|announced"`

	L1I L1I   `yaml:"l1i" doc:"instruction cache of each hart"`
	L1D Cache `yaml:"l1d" doc:"data cache of each hart"`
	L2  L2    `yaml:"l2" doc:"private second level of each hart, which includes its L1s"`
	LLC LLC   `yaml:"llc" doc:"shared last level, the home node of every line"`

	ITLB      TLB       `yaml:"itlb" doc:"instruction TLB of each hart"`
	DTLB      TLB       `yaml:"dtlb" doc:"data TLB of each hart"`
	L2TLB     L2TLB     `yaml:"l2tlb" doc:"second-level TLB of each hart, for instructions and data"`
	WalkCache WalkCache `yaml:"walk_cache" doc:"the page walker's cache of upper levels"`

	StoreBuffer StoreBuffer `yaml:"store_buffer" doc:"FIFO of stores between hart and L1D"`
	Core        Core        `yaml:"core" doc:"time that instructions take, beyond caches and TLBs"`
	Bus         Bus         `yaml:"bus" doc:"what joins private caches, LLC and devices"`
	DRAM        DRAM        `yaml:"dram" doc:"memory behind the LLC"`
	Firmware    Firmware    `yaml:"firmware" doc:"time that the built-in M-mode firmware takes, on top of the traps into and out of it"`
	Virtio      Virtio      `yaml:"virtio" doc:"virtio devices: disks, network, console, entropy"`
	Interrupts  string      `yaml:"interrupts" doc:"interrupt controller: plic; aplic, an Advanced PLIC with wires to the harts; or aia, an Advanced PLIC that sends messages to an IMSIC in each hart" enum:"plic|aplic|aia"`
	Devices     Devices     `yaml:"devices" doc:"devices, at the addresses of QEMU's virt board"`
}

// Cache is the shape of one cache. Size is a multiple of Ways*Line, and the
// number of sets a power of two.
type Cache struct {
	Size        Size   `yaml:"size" doc:"data held" min:"256" max:"1GiB"`
	Ways        int    `yaml:"ways" doc:"associativity" min:"1" max:"64"`
	Line        Size   `yaml:"line" doc:"line size of the whole machine; setting it at one level sets it at all" min:"16" max:"256"`
	Latency     int    `yaml:"latency" doc:"time of a hit, from this level's point of view" unit:"cycles" min:"1" max:"1000"`
	Replacement string `yaml:"replacement" doc:"policy that chooses a victim" enum:"lru|plru|srrip|fifo|random"`
}

// L1I is an instruction cache.
type L1I struct {
	Cache    `yaml:",inline"`
	Coherent bool `yaml:"coherent" doc:"snooped; if not, stores are seen by fetches only after fence.i"`
}

// L2 is the private second level; its Size may be 0.
type L2 struct {
	Cache `yaml:",inline" optional:"size"`
}

// Enabled tells whether there is a private L2.
func (c L2) Enabled() bool { return c.Size > 0 }

// LLC is the shared last level.
type LLC struct {
	Cache     `yaml:",inline"`
	Inclusive bool `yaml:"inclusive" doc:"a line that leaves the LLC leaves the private caches too; if not, only the snoop filter knows of it"`
	Banks     int  `yaml:"banks" doc:"banks that serve lines independently, interleaved by line; a power of two" min:"1" max:"64"`
}

// TLB is the shape of a first-level TLB.
type TLB struct {
	Entries     int    `yaml:"entries" doc:"translations held" min:"1" max:"4096"`
	Ways        int    `yaml:"ways" doc:"associativity; as many as entries is fully associative" min:"1" max:"4096"`
	Replacement string `yaml:"replacement" doc:"policy that chooses a victim" enum:"lru|plru|fifo|random"`
	PageSizes   []Size `yaml:"page_sizes" doc:"sizes that an entry can hold; larger pages are split" enum:"4KiB|2MiB|1GiB|512GiB|256TiB"`
}

// L2TLB is the shape of the second-level TLB; Entries may be 0.
type L2TLB struct {
	TLB     `yaml:",inline" optional:"entries"`
	Latency int `yaml:"latency" doc:"time of a hit, added to the access" unit:"cycles" min:"1" max:"1000"`
}

// WalkCache shapes the page walker's cache.
type WalkCache struct {
	Entries int `yaml:"entries" doc:"upper-level table entries held, fully associative; 0 for none" min:"0" max:"256"`
}

// StoreBuffer shapes the store buffer.
type StoreBuffer struct {
	Depth int `yaml:"depth" doc:"stores held; 0 for none. With it the machine is TSO, without it sequentially consistent" min:"0" max:"64"`
}

// Core has the latencies of an in-order core, in cycles. What is not listed
// takes one cycle.
type Core struct {
	Mul    int `yaml:"mul" doc:"integer multiply" unit:"cycles" min:"1" max:"255"`
	Div    int `yaml:"div" doc:"integer divide and remainder" unit:"cycles" min:"1" max:"255"`
	FPAdd  int `yaml:"fp_add" doc:"floating-point add, subtract, compare and convert" unit:"cycles" min:"1" max:"255"`
	FPMul  int `yaml:"fp_mul" doc:"floating-point multiply" unit:"cycles" min:"1" max:"255"`
	FPFMA  int `yaml:"fp_fma" doc:"fused multiply-add" unit:"cycles" min:"1" max:"255"`
	FPDiv  int `yaml:"fp_div" doc:"floating-point divide" unit:"cycles" min:"1" max:"255"`
	FPSqrt int `yaml:"fp_sqrt" doc:"square root" unit:"cycles" min:"1" max:"255"`
	CSR    int `yaml:"csr" doc:"read or write of a CSR" unit:"cycles" min:"1" max:"255"`
	Branch int `yaml:"branch" doc:"taken branch or jump" unit:"cycles" min:"1" max:"255"`
	Trap   int `yaml:"trap" doc:"entry to a trap handler, and return from it" unit:"cycles" min:"1" max:"255"`
}

// Bus charges for the way between private caches and home node.
type Bus struct {
	Width   Size `yaml:"width" doc:"data moved per cycle; a power of two" min:"1" max:"256"`
	Latency int  `yaml:"latency" doc:"one way between a private cache and the home node" unit:"cycles" min:"0" max:"1000"`
	Snoop   int  `yaml:"snoop" doc:"asking the caches that the snoop filter names, which answer together" unit:"cycles" min:"0" max:"1000"`
	IO      int  `yaml:"io" doc:"access to a device, beyond the bus's latency" unit:"cycles" min:"0" max:"100000"`
}

// DRAM charges for channels, banks, rows and refresh. Times are converted to
// cycles of machine.clock, rounded up.
type DRAM struct {
	Channels int    `yaml:"channels" doc:"independent channels, interleaved by line; a power of two" min:"1" max:"64"`
	Banks    int    `yaml:"banks" doc:"banks of a channel; a power of two" min:"1" max:"256"`
	Row      Size   `yaml:"row" doc:"bytes that an open row holds; a power of two" min:"256" max:"64KiB"`
	Policy   string `yaml:"policy" doc:"whether a row stays open after an access" enum:"open|closed"`
	Rate     int    `yaml:"rate" doc:"transfers on a channel's data pins" unit:"MT/s" min:"100" max:"20000"`
	Width    Size   `yaml:"width" doc:"bytes per transfer; a power of two" min:"1" max:"256"`
	TRCD     Nanos  `yaml:"t_rcd" doc:"row activation to column access" min:"0" max:"10us"`
	TCL      Nanos  `yaml:"t_cl" doc:"column access to first data" min:"0" max:"10us"`
	TRP      Nanos  `yaml:"t_rp" doc:"precharge: closing a row" min:"0" max:"10us"`
	TRAS     Nanos  `yaml:"t_ras" doc:"activation to the earliest precharge" min:"0" max:"10us"`
	TRFC     Nanos  `yaml:"t_rfc" doc:"time of a refresh, in which the channel serves nothing" min:"0" max:"100us"`
	TREFI    Nanos  `yaml:"t_refi" doc:"time from refresh to refresh; 0 for no refresh" min:"0" max:"1ms"`
	Overhead Nanos  `yaml:"overhead" doc:"controller and wires, per access" min:"0" max:"10us"`
}

// Firmware has the costs of the built-in SBI firmware, in cycles.
type Firmware struct {
	Call      int `yaml:"call" doc:"any SBI call" unit:"cycles" min:"0" max:"1000000"`
	Interrupt int `yaml:"interrupt" doc:"handling a timer interrupt, or another hart's message" unit:"cycles" min:"0" max:"1000000"`
	Remote    int `yaml:"remote" doc:"sending a message to another hart" unit:"cycles" min:"0" max:"1000000"`
	Page      int `yaml:"page" doc:"fencing one page, or everything, for another hart" unit:"cycles" min:"0" max:"1000000"`
}

// Devices turns devices off.
type Devices struct {
	UART     bool `yaml:"uart" doc:"NS16550 at 0x10000000, on the console"`
	ACLINT   bool `yaml:"aclint" doc:"timer and software interrupts at 0x02000000"`
	PLIC     bool `yaml:"plic" doc:"interrupt controller at 0x0c000000"`
	Finisher bool `yaml:"finisher" doc:"SiFive test finisher at 0x00100000: power-off and reset"`
	HTIF     bool `yaml:"htif" doc:"tohost and fromhost, where the program has these symbols"`
	RTC      bool `yaml:"rtc" doc:"goldfish real-time clock at 0x00101000"`

	Epoch string `yaml:"epoch" doc:"what the real-time clock shows at the start, as in 2025-01-01T00:00:00Z; host is the host's time, which is not reproducible"`
}

// Program is what runs.
type Program struct {
	Bare string `yaml:"bare" doc:"ELF64 program to start in M-mode on all harts; builtin:NAME for one of mcsim's own, empty for the example"`

	Kernel string `yaml:"kernel" doc:"kernel to boot in S-mode: vmlinux, Image, Image.gz, or guest:NAME for a fetched one (mcsim guest), as guest:debian or guest:debian/sid"`
	Initrd string `yaml:"initrd" doc:"initial RAM disk of the kernel; guest:NAME has a fetched one's"`
	Append string `yaml:"append" doc:"command line of the kernel, the whole of it; guest:NAME has one that ends the run when the kernel panics"`
	BIOS   string `yaml:"bios" doc:"M-mode firmware under the kernel, ELF or flat, such as OpenSBI's fw_dynamic.bin; none is the built-in SBI"`
}

// Run limits and checks a run.
type Run struct {
	MaxInstructions uint64 `yaml:"max_instructions" doc:"stop after this many, over all harts; 0 for no limit"`
	MaxCycles       uint64 `yaml:"max_cycles" doc:"stop at this cycle; 0 for no limit"`
	MaxSeconds      int    `yaml:"max_seconds" doc:"stop after this much host time; 0 for no limit. The one limit that is not reproducible" unit:"seconds" min:"0" max:"10000000"`
	Realtime        bool   `yaml:"realtime" doc:"idle time passes as on the wall, instead of at once; not reproducible"`
	Check           bool   `yaml:"check" doc:"check coherence invariants during the run; slow"`

	PanicEnds bool   `yaml:"panic_ends" doc:"end the run where a booted Linux panics and would stand still for ever; not with a debugger"`
	TrapLoop  uint64 `yaml:"trap_loop" doc:"after this many times in a row that a hart has taken the same exception, with nothing changed in between, it is in a trap loop; the run ends when no hart can do anything else. 0 for never"`
	Markers   bool   `yaml:"markers" doc:"hints of the guest (slti x0, see guests/runtime/mcsim.h) mark regions, reset and dump statistics, take checkpoints, stop"`
	FastUntil string `yaml:"fast_until" doc:"run without timing up to here: cycle:N, instructions:N, symbol:NAME, symbol:0xADDRESS or marker:NAME; empty for timing from the start"`
	StopAt    string `yaml:"stop_at" doc:"end the run at the end of the quantum that comes to this point, in the notation of fast_until; empty for none"`
}

// Log says which events are written where.
type Log struct {
	File  string   `yaml:"file" doc:"file to write, - for standard error; empty for no log"`
	Level string   `yaml:"level" doc:"least level written" enum:"debug|info|warn"`
	Only  []string `yaml:"only" doc:"categories written; empty for all but inst" enum:"run|trap|coherence|bus|memory|tlb|device|inst"`
	Limit Size     `yaml:"limit" doc:"where the log ends, with a line that says so; 0 for no limit"`
}

// Stats says where the counters go.
type Stats struct {
	File     string `yaml:"file" doc:"JSON file to write, - for standard error; empty for none"`
	Dir      string `yaml:"dir" doc:"folder to write stats.json and intervals to, as mcsim report reads them; empty for none"`
	Interval uint64 `yaml:"interval" doc:"length of the intervals whose counts are written to the folder as JSON lines and Parquet; 0 for none" unit:"cycles"`
}

// Record says which memory references are written where. Without any
// condition the recording can be replayed exactly.
type Record struct {
	File      string   `yaml:"file" doc:"file to write every access of TLBs, caches and devices to, in mcsim's own trace format; empty for none"`
	Harts     string   `yaml:"harts" doc:"harts that are recorded, as in 0,2-3, and devices; empty for all"`
	VMs       string   `yaml:"vms" doc:"virtual machines that are recorded, by VMID, as in 1-2; empty for all"`
	Kinds     []string `yaml:"kinds" doc:"kinds of reference that are recorded; empty for all" enum:"fetch|load|store|lr|sc|amo|fence|clean|flush|inval|zero|prefetch|walk|dma-read|dma-write|data|dma"`
	Addresses []string `yaml:"addresses" doc:"ranges of virtual or physical addresses that are recorded, as in 0x80000000-0x8000ffff or 0x80000000+64; empty for all"`
	Cycles    string   `yaml:"cycles" doc:"window of cycles that is recorded, as in 1000-2000 or 1000-; empty for all"`
}
