package debian_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"mcsim/guests/debian"
	"mcsim/machine"
	"mcsim/snapshot"
)

func restore(m *machine.Machine, file *bytes.Buffer) error {
	r, err := snapshot.Open(bytes.NewReader(file.Bytes()))
	if err != nil {
		return err
	}
	_, err = m.Restore(r)
	return err
}

// A boot that is saved on its way and one that goes on from there end as one that was
// never interrupted, on any number of the host's cores: console and statistics are
// the same. Another seed ends in the same self-test, and so does functional mode.
func TestBootCheckpoint(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	b := boot{harts: 2, args: "quiet selftest.only=harts,shared,futex,memory", saveAt: "cycle:600000000", saved: new(bytes.Buffer)}
	whole := b.run(t)
	whole.passed(t)
	t.Logf("a checkpoint of %d bytes", b.saved.Len())
	runtime.GOMAXPROCS(2)
	b.saveAt = ""
	rest := b.run(t)
	if !strings.HasSuffix(whole.console, rest.console) {
		t.Errorf("consoles differ:\n%s\n%s", tail(whole.console), tail(rest.console))
	}
	whole.sameStats(t, rest)
	for _, set := range [][]string{{"machine.seed=5", "machine.quantum=300", "machine.llc.size=2MiB"}, {"run.fast_until=marker:never"}} {
		b.set = set
		o := b.run(t)
		o.passed(t)
		if o.values["sim.cycles"] == whole.values["sim.cycles"] {
			t.Errorf("%v: the same %s cycles", set, fmt.Sprint(o.values["sim.cycles"]))
		}
	}
}

// sameStats compares all that was counted.
func (o outcome) sameStats(t *testing.T, other outcome) {
	t.Helper()
	for name, v := range o.values {
		if other.values[name] != v {
			t.Errorf("%s is %s, and %s", name, v, other.values[name])
		}
	}
}

// A machine that is saved while its disk has requests in flight goes on from there
// as the one that was never interrupted: console, statistics, log, and at the end
// the whole machine, which the guest has saved for that. The disk's image stays as
// it was; what was written is in the checkpoint.
func TestDiskCheckpoint(t *testing.T) {
	if testing.Short() {
		t.Skip("a boot takes seconds")
	}
	for name, x := range map[string]struct {
		boot
		image   func(*testing.T) string
		options string
		whole   bool // compare with a run that is not saved, too
	}{
		"raw image, mmio and PLIC": {boot{harts: 2}, func(t *testing.T) string { f, _ := image(t); return f }, ",overlay", true},
		"qcow2 image, PCI and AIA": {boot{harts: 2, set: []string{"machine.virtio.transport=pci", "machine.interrupts=aia",
			"machine.virtio.block.queues=2", "machine.virtio.rng=true"}}, qcow2, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			file := x.image(t)
			before, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			b := x.boot
			b.args = "quiet selftest.only=drivers,churn,harts selftest.devices=1 selftest.churn=1"
			b.set = append(b.set, "machine.virtio.disks="+file+x.options, "machine.virtio.block.latency=200us")
			b.log = true
			b.saveAt, b.saved = "marker:churn", new(bytes.Buffer)
			saved := b.run(t)
			saved.passed(t)
			whole := saved
			if x.whole {
				b.saveAt = ""
				uninterrupted := b
				uninterrupted.saved = nil
				whole = uninterrupted.run(t)
			}
			if f, err := snapshot.Open(bytes.NewReader(b.saved.Bytes())); err != nil || f.Header.InFlight == 0 {
				t.Errorf("no request was in flight: %v", err)
			} else {
				t.Logf("%d requests in flight", f.Header.InFlight)
			}
			b.saveAt = ""
			rest := b.run(t)
			whole.sameStats(t, saved)
			whole.sameStats(t, rest)
			if whole.console != saved.console || !strings.HasSuffix(whole.console, rest.console) {
				t.Errorf("consoles differ:\n%s\n%s\n%s", tail(whole.console), tail(saved.console), tail(rest.console))
			}
			_, events, _ := strings.Cut(rest.events, "\n") // the first line says that it goes on
			if whole.events != saved.events || events == "" || !strings.HasSuffix(whole.events, events) {
				t.Errorf("logs differ:\n%s\n%s\n%s", tail(whole.events), tail(saved.events), tail(events))
			}
			if whole.digest == "" || whole.digest != saved.digest || whole.digest != rest.digest {
				t.Errorf("machines differ:\n%s%s%s", whole.digest, saved.digest, rest.digest)
			}
			if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
				t.Errorf("the image has changed: %v", err)
			}
		})
	}
}

// qcow2 makes an image that begins with a text.
func qcow2(t *testing.T) string {
	t.Helper()
	tool, err := exec.LookPath("qemu-img")
	if err != nil {
		t.Skip(err)
	}
	raw, _ := image(t)
	file := filepath.Join(filepath.Dir(raw), "a.qcow2")
	if out, err := exec.Command(tool, "convert", "-O", "qcow2", raw, file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}

// With a network, connections are not in a checkpoint: the guest's are reset, and
// new ones work.
func TestNetworkCheckpoint(t *testing.T) {
	if testing.Short() {
		t.Skip("a boot takes seconds")
	}
	peer := listen(t, func(c net.Conn) { io.Copy(c, c) })
	url, text := page(t)
	b := boot{harts: 1, saveAt: "marker:open", saved: new(bytes.Buffer),
		set:  []string{"machine.virtio.net=user", "machine.virtio.transport=pci", "machine.interrupts=aia"},
		args: "quiet selftest.only=drivers,network,connection,again selftest.devices=1 selftest.url=" + url + " selftest.peer=" + strings.Trim(strings.TrimPrefix(guestURL(peer), "http://"), "/")}
	whole := b.run(t)
	b.saveAt = ""
	rest := b.run(t)
	whole.passed(t)
	rest.passed(t)
	if got := whole.says("connection"); got != "answered twice" {
		t.Errorf("the connection: %q", got)
	}
	if got := rest.says("connection"); !strings.Contains(got, "connection reset by peer") {
		t.Errorf("the restored connection: %q", got)
	}
	if want := fmt.Sprintf("%d bytes, %x", len(text), sha256.Sum256(text)); rest.says("again") != want {
		t.Errorf("a page after the restore: %q, want %q", rest.says("again"), want)
	}
}

// Markers come from a shell in Linux: they end functional mode, take checkpoints, let
// statistics begin anew and make phases.
func TestMarkersInLinux(t *testing.T) {
	if testing.Short() {
		t.Skip("a boot takes seconds")
	}
	b := boot{harts: 2, args: "quiet", log: true, saveAt: "marker:save", saved: new(bytes.Buffer),
		set: []string{"run.fast_until=marker:measure"}}
	b.initramfs = debian.Initramfs{NoModules: true, Init: []byte(`#!/bin/busybox sh
mark() { /bin/mcsim-marker "$@" || echo "marker: exit code $?"; }
work() { i=0; while [ $i -lt $1 ]; do i=$((i+1)); done; }
mark point measure
mark reset
work 100
mark dump few
work 1000
mark dump many
echo before
mark point save
echo after
mark begin rest
work 50
mark end rest
mark end
mark begin "more than 8 characters"
mark checkpoint end
/bin/busybox poweroff -f
`)}
	whole := b.run(t)
	b.saveAt = ""
	b.set = nil // functional mode is over
	rest := b.run(t)
	if want := "before\r\nafter\r\n"; !strings.Contains(whole.console, want) || strings.Contains(rest.console, "before") {
		t.Errorf("consoles:\n%s\n%s", tail(whole.console), tail(rest.console))
	}
	if n := strings.Count(whole.console, "marker: exit code 2"); n != 2 {
		t.Errorf("%d of 2 wrong markers are refused:\n%s", n, tail(whole.console))
	}
	if strings.Count(whole.events, `"event":"run-timed"`) != 1 {
		t.Errorf("timing does not begin once:\n%s", tail(whole.events))
	}
	few, _ := whole.phase("few", "sim.instructions")
	many, ok := whole.phase("many", "sim.instructions")
	if !ok || few == 0 || many < few+900*10 {
		t.Errorf("%d instructions for 100 turns of a loop, %d for 1000", few, many)
	}
	if n, ok := whole.phase("rest", "sim.instructions"); !ok || n == 0 {
		t.Errorf("%d instructions in the region", n)
	}
	// Statistics are from the reset on: the boot is not in them.
	if total, ok := whole.total.Get("sim.instructions"); !ok || total.U < few+many || total.U > 200e6 {
		t.Errorf("%d instructions since the reset", total.U)
	}
	whole.sameStats(t, rest)
	if len(whole.phases) != 5 || len(rest.phases) != 5 { // two points, two dumps, a region
		t.Fatalf("%d and %d phases, not 5", len(whole.phases), len(rest.phases))
	}
	for i, p := range whole.phases {
		if q := rest.phases[i]; p.Name != q.Name || p.Begin != q.Begin || p.End != q.End || !slices.Equal(p.Values.Counts(), q.Values.Counts()) {
			t.Errorf("phase %s is %d-%d, restored %s %d-%d", p.Name, p.Begin, p.End, q.Name, q.Begin, q.End)
		}
	}
}
