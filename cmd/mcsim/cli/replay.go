package cli

import (
	"github.com/spf13/cobra"

	"mcsim/machine/config"
)

func newReplay() *cobra.Command {
	var f replayFlags
	c := &cobra.Command{
		Use:   "replay TRACE... [flags]",
		Short: "Replay recorded memory references on a simulated machine",
		Long: `Drives the harts by recorded references instead of instructions. Caches, TLBs,
page walks, the protocol, the bus and DRAM are those of 'mcsim run', and so are
the statistics. A trace is a file, - for standard input, an archive or a
directory; format and compression are found by content ('mcsim trace --help'
lists them).

Who runs where. Streams are counted over all traces of a VM, and threads in the
order in which their stream names them: thread n of stream f runs on hart
(f + n) modulo the VM's harts, unless --map says otherwise. Threads that share a
hart take turns of --slice cycles. Without --harts there are as many harts as
the traces are known to have streams or threads. The devices of a recording have
no hart: their DMA goes over the bus at its time stamps, and snoops the caches.

When. A reference begins as soon as those before it are done and the
instructions between have passed, at one cycle each, and not before its time
stamp, counted from the earliest, if the trace has any (--ignore-time).

Where. Virtual addresses are translated by page tables that the replay builds in
simulated memory when a page is touched first; the threads of a trace share one,
or one for each ASID that the trace tells. The table has as few levels as fit, and
at most those of machine.mmu; an address that fits in none of them loses its upper
bits. --pages none does without TLBs and walks. Physical addresses are used as
they are. The DMA of a recording has no others: among virtual ones they are taken
for those of ASID 0, as they were if nothing was translated; else only --physical
lets DMA meet what the harts touch.

What. A reference is one access for each line that it touches, whatever its
size. Every store writes a number of its own to the words of 8 bytes that it
touches, and every load is compared with the last store in the order of the bus:
a replay is a test of the protocol, and ends with code 104 where that fails.

A complete recording of 'mcsim run --record' brings its machine along, which
flags and --set change. If it is still the one that was recorded, by the same
version of mcsim, and no flag says how to replay, the replay is exact: the same
accesses at the same cycles, with the same counts in every cache, on the bus and
in memory. Otherwise it is a replay like any other.

With several --vm, harts and memory are divided evenly, in order; --interference
also replays each VM alone, on the same harts, and compares.

` + intervalDoc + `
` + threadsDoc + `

` + replayExitHelp,
		Example: `  valgrind --tool=lackey --trace-mem=yes --log-file=ls.lackey ls
  mcsim replay ls.lackey
  mcsim replay --harts 4 --protocol MOESI drmemtrace.app.1234.dir
  mcsim replay a.champsim.xz b.champsim.xz --warmup 10000000 --limit 50000000
  mcsim replay --vm a.trace --vm b.trace,c.trace --harts 4 --interference
  mcsim replay app.trace --region heap=0x4000000-0x5ffffff --pages 2MiB --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && len(f.vms) == 0 {
				return usagef("no trace is given")
			}
			if len(args) > 0 && len(f.vms) > 0 {
				return usagef("with --vm, every trace belongs to one: --vm %s", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return replayCommand(cmd, args, &f) },
	}
	f.declare(c)
	return c
}

const replayExitHelp = `Exit codes:
  0    all traces were replayed
  2    wrong arguments, or a configuration with mistakes; nothing ran
  100  a bug of mcsim
  101  a limit was reached (--max-cycles, --max-seconds)
  104  the caches are not coherent
  105  a trace cannot be opened
  106  statistics or log could not be written
  107  a trace could not be replayed to its end
  130  Ctrl-C; 143 SIGTERM
With 101 and above, statistics and log have what was done until then.`

// replayFlags are the flags of replay.
type replayFlags struct {
	runFlags
	trace        traceInput
	file         string
	vms          []string
	interference bool
	placement    textValue
	slice        uint64
	switchCost   uint64
	pages        string
	frames       string
	physical     bool
	ignoreTime   bool
	timeScale    float64
	skip         uint64
	warmup       uint64
	limit        uint64
	count        string
	regions      []string
	eachFetch    bool
	preload      bool
	noCheck      bool
	noExact      bool
	notExact     string // why a recording is not followed exactly, though no flag says so
}

func (f *replayFlags) declare(c *cobra.Command) {
	c.Flags().SortFlags = false
	s := c.Flags()
	f.trace.declare(c)
	s.StringVar(&f.file, "config", "", "YAML file of the machine")
	f.config.field(c, "harts", "machine.harts", "N")
	f.config.field(c, "protocol", "machine.protocol", "NAME")
	f.config.field(c, "memory", "machine.memory", "SIZE")
	f.config.field(c, "seed", "machine.seed", "N")
	f.config.field(c, "quantum", "machine.quantum", "N")
	f.config.add(c)
	s.StringArrayVar(&f.vms, "vm", nil, "a virtual machine that replays these traces, as in --vm a.trace,b.trace; repeatable")
	s.BoolVar(&f.interference, "interference", false, "also replay each VM alone, and tell its slowdown")
	f.placement.metavar = "LIST"
	s.Var(&f.placement, "map", "harts of threads, by the trace's numbers, as in 0=1,7=0")
	s.Uint64Var(&f.slice, "slice", 100_000, "cycles after which another thread of a hart has its turn")
	s.Uint64Var(&f.switchCost, "switch-cost", 0, "cycles that a switch of threads takes")
	s.StringVar(&f.pages, "pages", "4KiB", "size of pages: 4KiB, 2MiB, or none for no translation")
	s.StringVar(&f.frames, "frames", "first-touch", "memory of a page: first-touch, random (by the seed) or identity")
	s.BoolVar(&f.physical, "physical", false, "use the physical addresses of traces that have both")
	s.BoolVar(&f.ignoreTime, "ignore-time", false, "ignore time stamps")
	s.Float64Var(&f.timeScale, "time-scale", 0, "cycles in a unit of time stamps; 0 for what the trace says")
	s.Uint64Var(&f.skip, "skip", 0, "leave out the first instructions of each thread")
	s.Uint64Var(&f.warmup, "warmup", 0, "replay so many of each thread before statistics begin")
	s.Uint64Var(&f.limit, "limit", 0, "end each thread after so many more; 0 for no limit")
	s.StringVar(&f.count, "count", "instructions", "what --skip, --warmup and --limit count: instructions or references")
	s.StringArrayVar(&f.regions, "region", nil, "count references to a range of addresses, as in heap=0x1000-0x1fff; repeatable")
	s.BoolVar(&f.eachFetch, "each-fetch", false, "count every fetch as an access of the L1I, even one from the same line as the one before")
	s.BoolVar(&f.preload, "preload", false, "read the traces into memory before the replay begins")
	s.BoolVar(&f.noCheck, "no-check", false, "do not compare loads with stores")
	s.BoolVar(&f.noExact, "no-exact", false, "replay a recording's references alone, even on the machine that made it")
	f.config.field(c, "check", "run.check", "BOOL")
	f.config.field(c, "max-cycles", "run.max_cycles", "N")
	f.config.field(c, "max-seconds", "run.max_seconds", "N")
	f.declareOutput(c)
	complete(c, "pages", []string{"4KiB", "2MiB", "none"})
	complete(c, "frames", []string{"first-touch", "random", "identity"})
	complete(c, "count", []string{"instructions", "references"})
}

func replayCommand(cmd *cobra.Command, args []string, f *replayFlags) error {
	if err := outputMistakes(cmd); err != nil {
		return err
	}
	rc, err := f.replayConfig()
	if err != nil {
		return err
	}
	o := openedTraces{cmd: cmd, in: &f.trace, vms: splitVMs(args, f.vms)}
	if err := o.checkStdin(cmd, f); err != nil {
		return err
	}
	stop := f.trace.listen()
	defer stop.close()
	if err := o.ensure(); err != nil {
		return err
	}
	defer o.close() //nolint:errcheck // only read
	cfg, rec, err := f.machine(cmd, &o)
	if err != nil {
		return err
	}
	if f.json && (cfg.Log.File == "-" || cfg.Stats.File == "-") {
		return usagef("--json has standard error for itself; give log and statistics a file")
	}
	t := newTerminal(cmd.OutOrStdout(), cmd.ErrOrStderr(), f.quiet || f.json)
	if f.notExact != "" {
		t.say("only the references are replayed: %s", f.notExact)
	}
	if f.interference && len(rc.VMs) < 2 && len(f.vms) < 2 {
		return usagef("--interference compares VMs; name two or more by --vm")
	}
	r := replayJob{base: rc, config: &f.config, file: f.file, traces: &o, terminal: t, stop: stop, interference: f.interference, exact: rec}
	if cmd.Flags().Changed("seeds") {
		return runSeeds(cmd, &f.runFlags, cfg, stop, func(cfg *config.Config, _ bool) (*outcome, error) { return r.run(cfg) })
	}
	out, err := r.run(cfg)
	if err != nil {
		return err
	}
	return out.tell(cmd, &f.runFlags, cfg)
}
