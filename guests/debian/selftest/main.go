//go:build linux

// Selftest is process 1 of the boots that are tested: it tries what a kernel and
// the harts below it must do together, prints a line for each, and powers off. It
// ends the machine with "selftest: all ok", or without it.
//
// Options come from the kernel's command line, as selftest.NAME=VALUE.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// test is a part of the self-test. What it returns is printed with its name.
type test struct {
	name string
	run  func(*guest) (string, error)
	asks string // it is left out unless this option is given
}

var tests = []test{
	{"harts", countHarts, ""},
	{"fork", forks, ""},
	{"signals", signals, ""},
	{"float", floats, ""},
	{"shared", sharedCounters, ""},
	{"futex", futexPingPong, ""},
	{"memory", writtenPages, ""},
	{"shell", shellScript, ""},
	{"perf", perfCounters, ""},
	{"drivers", drivers, "devices"},
	{"disk", disk, "disk"},
	{"sampling", sampling, "sampling"},
	{"churn", churn, "churn"},
	{"debugged", debugged, "debugged"},
	{"network", network, "url"},
	{"connection", connection, "peer"},
	{"again", fetch, "peer"},
}

// guest is what the tests know of where they run.
type guest struct {
	harts   int
	options map[string]string
}

func main() {
	if len(os.Args) > 1 {
		os.Exit(child(os.Args[1:]))
	}
	fmt.Println("selftest: init runs")
	if os.Getpid() != 1 {
		fmt.Println("selftest: not process 1")
		os.Exit(1)
	}
	failed := run()
	if !failed {
		fmt.Println("selftest: all ok")
	}
	unix.Sync()
	if o := options(); o["digest"] != "" {
		mark(markCheckpoint, region("end"))
	}
	unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF) //nolint:errcheck // it does not return
}

func run() (failed bool) {
	for _, m := range []struct{ kind, at string }{{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/tmp"}} {
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil {
			fmt.Printf("selftest: mount %s: %v\n", m.at, err)
			return true
		}
	}
	g := &guest{harts: runtime.NumCPU(), options: options()}
	only := g.options["only"]
	for _, t := range tests {
		if t.asks != "" && g.options[t.asks] == "" {
			continue
		}
		if only != "" && !strings.Contains(","+only+",", ","+t.name+",") {
			continue
		}
		said, err := t.run(g)
		if err != nil {
			failed = true
			said = "FAILED: " + err.Error()
		}
		fmt.Printf("selftest: %s: %s\n", t.name, said)
	}
	return failed
}

func options() map[string]string {
	o := map[string]string{}
	line, _ := os.ReadFile("/proc/cmdline")
	for _, f := range strings.Fields(string(line)) {
		if name, ok := strings.CutPrefix(f, "selftest."); ok {
			k, v, _ := strings.Cut(name, "=")
			o[k] = v
		}
	}
	return o
}

// number is an option that is a number.
func (g *guest) number(name string, otherwise int) int {
	if v, err := strconv.Atoi(g.options[name]); err == nil {
		return v
	}
	return otherwise
}

// countHarts says how many harts are online, and with which instruction set.
func countHarts(g *guest) (string, error) {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "", err
	}
	value := func(key string) string {
		for _, line := range strings.Split(string(info), "\n") {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == key {
				return strings.TrimSpace(v)
			}
		}
		return ""
	}
	var caches []string
	for i := range 4 {
		dir := fmt.Sprintf("/sys/devices/system/cpu/cpu0/cache/index%d/", i)
		size, err := os.ReadFile(dir + "size")
		if err != nil {
			break
		}
		kind, _ := os.ReadFile(dir + "type")
		caches = append(caches, strings.TrimSpace(string(kind))+" "+strings.TrimSpace(string(size)))
	}
	return fmt.Sprintf("%d, %s, %s; %s", g.harts, value("isa"), value("mmu"), strings.Join(caches, ", ")), nil
}

// pin keeps the calling thread, which must be locked to its goroutine, on a hart.
func pin(hart int) error {
	var set unix.CPUSet
	set.Set(hart)
	return unix.SchedSetaffinity(0, &set)
}
