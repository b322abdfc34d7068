package debian_test

import (
	"strings"
	"testing"

	"mcsim/guests/debian"
)

// A guest that goes wrong ends the run, or goes on, as real hardware would let it.
func TestHostileGuests(t *testing.T) {
	if testing.Short() {
		t.Skip("a boot takes seconds")
	}
	for name, x := range map[string]struct {
		init, args, reason, says string
	}{
		"panic, reboot": {"#!/bin/busybox sh\nexit 3\n", "panic=-1", "reset", "Attempted to kill init"},
		"panic":         {"#!/bin/busybox sh\nexit 3\n", "", "panic", "---[ end Kernel panic - not syncing: Attempted to kill init"},
		"fork bomb": {`#!/bin/busybox sh
/bin/busybox mkdir /cg
/bin/busybox mount -t cgroup2 cg /cg
echo +pids > /cg/cgroup.subtree_control
/bin/busybox mkdir /cg/bomb
echo 60 > /cg/bomb/pids.max
/bin/busybox sh -c 'echo $$ > /cg/bomb/cgroup.procs; b() { b | b & }; b' 2>/dev/null
/bin/busybox usleep 200000
[ "$(/bin/busybox cat /cg/bomb/pids.current)" -gt 50 ] || echo no bomb
/bin/busybox grep 'max 0' /cg/bomb/pids.events || echo refused some, still here
/bin/busybox poweroff -f
`, "", "exit", "refused some, still here"},
		"out of memory": {`#!/bin/busybox sh
/bin/busybox mount -t tmpfs tmpfs /tmp
/bin/busybox dd if=/dev/zero of=/tmp/x bs=1048576 2>/dev/null
[ $? -eq 0 ] || echo 'dd failed, still here'
/bin/busybox poweroff -f
`, "", "exit", "dd failed, still here"},
	} {
		t.Run(name, func(t *testing.T) {
			o := boot{
				harts: 2, initramfs: debian.Initramfs{Init: []byte(x.init), NoModules: true},
				args: "quiet " + x.args, set: []string{"machine.memory=128MiB"}, ends: x.reason,
			}.run(t)
			if !strings.Contains(o.console, x.says) {
				t.Errorf("no %q in:\n%s", x.says, tail(o.console))
			}
		})
	}
}
