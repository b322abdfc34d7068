package machine

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"mcsim/coherence"
	"mcsim/machine/config"
)

// changes are what a machine that goes on from a checkpoint does not take over.
type changes struct {
	caches, timing, tlbs bool // begin empty
	drain                bool // the store buffers' stores are carried out at once
	notes                []string
	old                  *coherence.Bus // that the caches' contents are brought to memory by
}

// effect is what a change of a field means.
type effect uint8

const (
	refused effect = iota // the guest has been told, or state has no other place
	free
	coldCaches // and timing, which hangs on slots of the filter
	coldTiming
	coldTLBs
	drained
)

// effects of the fields of machine, by their names' beginnings; the longest that
// fits counts. Fields that are not here are refused: whoever adds one decides.
var effects = map[string]effect{
	"machine.quantum": free, "machine.seed": free, "machine.jitter": free, "machine.core": free,
	"machine.protocol": coldCaches, "machine.evictions": coldCaches,
	"machine.l1i": coldCaches, "machine.l1d": coldCaches, "machine.l2": coldCaches, "machine.llc": coldCaches,
	"machine.l1i.latency": free, "machine.l1d.latency": free, "machine.l2.latency": free, "machine.llc.latency": free,
	"machine.llc.banks": coldTiming, "machine.bus.width": coldTiming, "machine.dram": coldTiming,
	"machine.l1i.line": refused, "machine.l1d.line": refused, "machine.l2.line": refused, "machine.llc.line": refused,
	"machine.bus.latency": free, "machine.bus.snoop": free, "machine.bus.io": free,
	"machine.itlb": coldTLBs, "machine.dtlb": coldTLBs, "machine.l2tlb": coldTLBs, "machine.walk_cache": coldTLBs,
	"machine.l2tlb.latency": free, "machine.store_buffer": drained, "machine.firmware": free,
	"machine.virtio.block": free, "machine.virtio.block.queues": refused, "machine.virtio.network": free,
	"machine.devices.epoch": free, // the clock goes on from what it showed
}

func effectOf(path string) effect {
	for {
		if e, ok := effects[path]; ok {
			return e
		}
		i := strings.LastIndexByte(path, '.')
		if i < 0 {
			return refused
		}
		path = path[:i]
	}
}

const disksField = "machine.virtio.disks"

// sameDisks says whether two lists of disks differ in nothing but where the files
// are.
func sameDisks(was, is []string) bool {
	return slices.EqualFunc(was, is, func(a, b string) bool {
		x, err := config.ParseDisk(a)
		y, err2 := config.ParseDisk(b)
		x.File, y.File = "", ""
		return err == nil && err2 == nil && reflect.DeepEqual(x, y)
	})
}

// compare says what a machine of configuration is does not take over from a
// checkpoint of configuration was.
func compare(was, is *config.Config) (*changes, error) {
	how := &changes{}
	var errs []error
	for _, f := range config.Fields() {
		old, now := f.Value(was), f.Value(is)
		if !strings.HasPrefix(f.Path, "machine.") || old == now {
			continue
		}
		note := func(what string) {
			how.notes = append(how.notes, fmt.Sprintf("%s: %s is %s, the checkpoint has %s", what, f.Path, now, old))
		}
		if f.Path == disksField && sameDisks(was.Machine.Virtio.Disks, is.Machine.Virtio.Disks) {
			continue // the images may lie elsewhere; each is compared with what it was
		}
		switch effectOf(f.Path) {
		case refused:
			errs = append(errs, fmt.Errorf("%s is %s, but the checkpoint has %s, and this cannot change", f.Path, now, old))
		case coldCaches:
			how.caches, how.timing = true, true
			note("caches start cold")
		case coldTiming:
			how.timing = true
			note("bus and DRAM start idle")
		case coldTLBs:
			how.tlbs = true
			note("TLBs start cold")
		case drained:
			how.drain = true
			note("store buffers start empty")
		}
	}
	return how, errors.Join(errs...)
}
