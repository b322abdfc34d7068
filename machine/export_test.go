package machine

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"mcsim/cache"
	"mcsim/core"
)

// forgotten are the fields that a checkpoint does not have, each with the reason why
// nothing depends on it. A field that is neither here nor saved makes
// TestCheckpointIsExact fail.
var forgotten = map[string]string{
	"machine.Machine.opts": "the run's surroundings, as the next ones",
	"machine.Machine.cfg":  "given anew", "machine.Machine.reg": "made anew", "machine.Machine.host": "the host's time",
	"machine.Machine.bufs": "events: none when a quantum ends", "machine.Machine.own": "the same",
	"machine.Machine.ctx": "given anew", "machine.Machine.input": "read from where the guest was", "machine.Machine.untaken": "the same",
	"machine.Machine.triggers": "given anew", "machine.Machine.breaks": "given anew",
	"machine.Machine.savable": "about checkpoints", "machine.Machine.restored": "about checkpoints", "machine.Machine.resumed": "about checkpoints",
	"machine.Machine.armed": "the debugger's", "core.trapLoop.limit": "given anew", "machine.Machine.loops": "the harts know", "machine.Machine.told": "about messages", "machine.Machine.warned": "about messages", "machine.Machine.warnings": "about messages",
	"machine.Machine.due": "about checkpoints", "machine.Machine.saveE": "about checkpoints",
	"machine.Segment.Data": "in memory", "machine.pins": "the machine",
	"machine.panicWatch.w": "the host's", "disk.Disk.known": "worked out anew",
	"stats.Snapshot.stats": "the registry's", "stats.Snapshot.index": "the registry's",

	"coherence.Engine.OnQuantum": "given anew", "coherence.Engine.OnIdle": "given anew", "coherence.Engine.OnNotice": "given anew", "coherence.Engine.Held": "the debugger's", "coherence.Engine.Holds": "given anew", "coherence.Engine.holding": "the debugger's", "coherence.Engine.Limit": "given anew",
	"coherence.Engine.lanes": "host threads", "coherence.Engine.gov": "which ones work", "coherence.Engine.work": "the same",
	"coherence.Engine.reqs": "none when a quantum ends", "coherence.Engine.ready": "the same", "coherence.Engine.naps": "the same", "coherence.Engine.told": "the same", "coherence.Engine.direct": "the same",
	"coherence.Engine.woken": "follows from the agents, whose order counts", "coherence.Engine.resumed": "about checkpoints", "coherence.Engine.stopped": "false where one can be taken",
	"coherence.agent.next": "the goroutine", "coherence.agent.yield": "the goroutine", "coherence.agent.due": "of a round", "coherence.agent.beneath": "the same", "coherence.Engine.chain": "the same", "coherence.Engine.over": "of the run", "coherence.Engine.err": "of the run", "coherence.agent.stop": "the goroutine", "coherence.report.pending": "its last request, which is done", "coherence.report.kind": "the same",
	"coherence.agent.turn": "the same", "coherence.report.instret": "for the governor", "coherence.report.counted": "for the governor",
	"coherence.Engine.OnSkip": "given anew", "coherence.Engine.Woken": "given anew", "coherence.Bus.Tap": "given anew",
	"core.Hart.rec": "given anew", "core.Hart.recorded": "about recordings", "core.Hart.follow": "a hart that follows a recording is not saved",
	"machine.Machine.rec": "given anew", "machine.Machine.recordE": "about recordings", "machine.Machine.exact": "about recordings", "machine.Machine.exactE": "about recordings",
	"coherence.Private.now": "of the access in progress", "coherence.Private.oracle": "of replays, which are not saved", "coherence.Private.stale": "the same", "coherence.Private.staleCount": "the same",
	"coherence.Engine.interrupted": "of the run", "coherence.Engine.short": "false where one can be taken", "coherence.Port.interrupted": "the engine's",
	"coherence.Port.Park": "the engine's", "coherence.Port.alone": "the engine's", "coherence.Port.waiting": "nobody waits when a quantum ends",
	"coherence.Private.req": "scratch of a request; who asks is the hart's privilege", "coherence.Private.moves": "the protocol's table",
	"coherence.Bus.Notify": "given anew", "coherence.Bus.Wake": "given anew", "coherence.Bus.deadline": "follows from the devices",
	"coherence.Bus.put": "scratch of a request", "coherence.Bus.by": "the same", "coherence.Bus.asked": "the same", "coherence.Bus.moves": "the protocol's table",
	"coherence.Config.Protocol": "given anew", "coherence.DRAM.Notify": "given anew", "coherence.DRAM.epoch": "the refresh interval of the access before, worked out anew", "coherence.DRAM.epochFrom": "the same",
	"coherence.home.scratch": "of a transfer", "coherence.home.moved": "of a transfer", "coherence.home.arena": "host memory", "coherence.DRAM.arena": "host memory", "coherence.DRAM.wasRead": "host memory",
	"cache.Array.arena": "host memory", "cache.Array.Data": "compared where lines are valid",

	"core.Hart.tab": "line tables, which save time only (TestLineTablesChangeNothing)", "core.Hart.lines": "the same", "core.Hart.flines": "the same",
	"core.Hart.x": "the registers are compared apart; beyond them is a sink", "core.Hart.f": "the same",
	"core.Hart.dclock": "a pointer to the L1D's", "core.Hart.fbase": "compared apart, with its place", "core.Hart.fdec": "the same",
	"core.Hart.across": "decoded instructions by their bytes", "core.Hart.alone": "of one instruction", "core.Hart.cut": "of one run", "core.Hart.seen": "the same", "core.Hart.singleOK": "of one instruction", "core.Hart.singleBytes": "the same", "core.Hart.singleLen": "the same",
	"core.Hart.acc": "the same", "core.Hart.trap": "the same", "core.Hart.current": "the same", "core.Hart.executing": "false between instructions",
	"core.Hart.note": "what was told last", "core.Hart.dbg": "given anew", "core.Hart.ev": "given anew", "core.Hart.dec": "of the instruction set",
	"core.TLBStats.Lookups": "what line tables did not answer; no result",
	"core.counter.source":   "follows from the event", "core.regime.perm": "a table of constants",
	"core.mmu.tables": "the hart", "core.mmu.noStamp": "nobody reads it", "core.mmu.hinted": "of one instruction",
	"core.tlb.hint": "where an entry was found last", "core.tlb.lost": "its owner's", "core.tlb.stats": "a pointer to its owner's",
	"device.ACLINT.pins": "what it drives", "device.PLIC.notify": "what it drives", "device.UART.irq": "what it drives", "device.UART.out": "what it drives",
	"device.UART.one": "scratch", "device.RTC.irq": "what it drives", "device.Finisher.exit": "what it drives",
	"device.HTIFConfig.Mem": "the machine", "device.HTIFConfig.Stdout": "the console", "device.HTIFConfig.Stderr": "the console", "device.HTIFConfig.Exit": "what it drives", "device.HTIFConfig.Warn": "what it tells",
	"device.Output.w": "the host's", "device.Output.buf": "flushed when a quantum ends",
	"sbi.Firmware.plat": "the machine", "sbi.hart.sent": "scratch",
}

// differences compares two machines field by field, exported or not, through
// pointers, and lists where they differ.
func differences(a, b *Machine) []string {
	d := &differ{seen: map[[2]uintptr]bool{}}
	d.walk("", reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem())
	for i := range a.harts {
		for k := range 32 {
			d.check(fmt.Sprintf("hart %d: x%d", i, k), a.harts[i].X(k), b.harts[i].X(k))
			d.check(fmt.Sprintf("hart %d: f%d", i, k), a.harts[i].F(k), b.harts[i].F(k))
		}
		d.check(fmt.Sprintf("hart %d: line fetched from", i), fetches(a.harts[i]), fetches(b.harts[i]))
	}
	return d.found
}

type differ struct {
	seen  map[[2]uintptr]bool
	found []string
	count int // of values compared
}

func (d *differ) check(path string, a, b any) {
	d.count++
	if a != b && len(d.found) < 20 {
		d.found = append(d.found, fmt.Sprintf("%s: %v and %v", path, a, b))
	}
}

func (d *differ) walk(path string, a, b reflect.Value) {
	switch a.Kind() {
	case reflect.Bool:
		d.check(path, a.Bool(), b.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		d.check(path, a.Int(), b.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		d.check(path, a.Uint(), b.Uint())
	case reflect.Float64:
		d.check(path, a.Float(), b.Float())
	case reflect.String:
		d.check(path, a.String(), b.String())
	case reflect.Pointer:
		d.pointer(path, a, b)
	case reflect.Interface:
		if d.check(path+" is nil", a.IsNil(), b.IsNil()); !a.IsNil() && !b.IsNil() {
			if d.check(path+"'s type", a.Elem().Type(), b.Elem().Type()); a.Elem().Type() == b.Elem().Type() {
				d.walk(path, a.Elem(), b.Elem())
			}
		}
	case reflect.Struct:
		if a.Type() == reflect.TypeFor[cache.Array]() {
			d.check(path+"'s data", lines(a), lines(b))
		}
		for i := range a.NumField() {
			name := a.Type().Field(i).Name
			if _, ok := forgotten[a.Type().String()+"."+name]; !ok && name != "_" {
				d.walk(path+"."+name, a.Field(i), b.Field(i))
			}
		}
	case reflect.Slice, reflect.Array:
		d.list(path, a, b)
	case reflect.Map:
		d.check(path+"'s keys", keys(a), keys(b)) // whose values say no more
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		d.found = append(d.found, path+": a "+a.Kind().String()+" that nobody accounts for")
	}
}

func (d *differ) pointer(path string, a, b reflect.Value) {
	d.check(path+" is nil", a.IsNil(), b.IsNil())
	if a.IsNil() || b.IsNil() {
		return
	}
	pair := [2]uintptr{a.Pointer(), b.Pointer()}
	if !d.seen[pair] {
		d.seen[pair] = true
		d.walk(path, a.Elem(), b.Elem())
	}
}

func (d *differ) list(path string, a, b reflect.Value) {
	if d.check(path+"'s length", a.Len(), b.Len()); a.Len() != b.Len() {
		return
	}
	switch a.Type().Elem().Kind() {
	case reflect.Uint8:
		if a.Kind() == reflect.Slice && bytes.Equal(a.Bytes(), b.Bytes()) {
			d.count++
			return
		}
	case reflect.Uint64:
		if same(a, b) {
			d.count++
			return
		}
	}
	for i := range a.Len() {
		d.walk(fmt.Sprintf("%s[%d]", path, i), a.Index(i), b.Index(i))
	}
}

func keys(m reflect.Value) string {
	var list []string
	for _, k := range m.MapKeys() {
		list = append(list, fmt.Sprint(k))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func same(a, b reflect.Value) bool {
	for i := range a.Len() {
		if a.Index(i).Uint() != b.Index(i).Uint() {
			return false
		}
	}
	return true
}

// lines is the data of a cache's valid lines.
func lines(a reflect.Value) string {
	var b strings.Builder
	state, data := a.FieldByName("State").Bytes(), a.FieldByName("Data").Bytes()
	size := len(data) / len(state)
	for i, s := range state {
		if s != 0 {
			b.Write(data[i*size : (i+1)*size])
		}
	}
	return b.String()
}

// fetches says where a hart fetches from: the address of the line, and its L1I slot.
func fetches(h *core.Hart) string {
	v := reflect.ValueOf(h).Elem()
	base, blocks := v.FieldByName("fbase").Uint(), v.FieldByName("tab").FieldByName("blocks")
	block := int(v.FieldByName("fdec").Pointer()-blocks.FieldByName("mem").Pointer()) / int(blocks.FieldByName("stride").Int())
	if info := blocks.FieldByName("info"); block >= 0 && block < info.Len() {
		return fmt.Sprintf("%#x in slot %d", base, info.Index(block).FieldByName("slot").Int())
	}
	return "none"
}

// Differences is for the tests outside of the package.
var Differences = differences

// InterruptAt interrupts the run when the bus comes to a cycle, with all harts parked
// within the quantum.
func (m *Machine) InterruptAt(cycle uint64, cancel func()) {
	m.bus.AddTimed(&interrupter{cycle, func() {
		cancel()
		m.engine.Interrupt() // not only when ctx has called it
	}})
}

type interrupter struct {
	at uint64
	do func()
}

func (i *interrupter) Deadline() uint64 { return i.at }

func (i *interrupter) Fire(uint64) {
	i.at = ^uint64(0)
	i.do()
}
