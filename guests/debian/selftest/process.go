//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// child is what the program does as a process that a test began.
func child(args []string) int {
	atoi := func(i int) int { n, _ := strconv.Atoi(args[i]); return n }
	runtime.LockOSThread()
	switch args[0] {
	case "exit":
		return atoi(1)
	case "kill":
		unix.Kill(os.Getppid(), syscall.Signal(atoi(1))) //nolint:errcheck // its parent waits for the signal
	case "count":
		return count(atoi(1), atoi(2), atoi(3))
	case "series": // on the host, for the test to compare with
		fmt.Printf("%#x\n", math.Float64bits(series(seriesTerms)))
	case "pong":
		return pong(atoi(1), atoi(2))
	}
	return 0
}

func self(args ...any) *exec.Cmd {
	var text []string
	for _, a := range args {
		text = append(text, fmt.Sprint(a))
	}
	return exec.Command("/proc/self/exe", text...)
}

// forks begins processes, more than there are harts, and collects them.
func forks(g *guest) (string, error) {
	n := 3 * g.harts
	var running []*exec.Cmd
	for i := range n {
		c := self("exit", i%100)
		if err := c.Start(); err != nil {
			return "", err
		}
		running = append(running, c)
	}
	for i, c := range running {
		err := c.Wait()
		var exit *exec.ExitError
		if i%100 != 0 && (!errors.As(err, &exit) || exit.ExitCode() != i%100) || i%100 == 0 && err != nil {
			return "", fmt.Errorf("process %d ended with %v", i, err)
		}
	}
	return fmt.Sprintf("%d processes", n), nil
}

// signals are sent by children, one after the other, and by a timer.
func signals(*guest) (string, error) {
	got := make(chan os.Signal, 8)
	signal.Notify(got, unix.SIGUSR1, unix.SIGUSR2, unix.SIGALRM)
	defer signal.Stop(got)
	want := []syscall.Signal{unix.SIGUSR1, unix.SIGUSR2, unix.SIGUSR1}
	for _, s := range want {
		if err := self("kill", int(s)).Run(); err != nil {
			return "", err
		}
		if r := <-got; r != s {
			return "", fmt.Errorf("got %v, want %v", r, s)
		}
	}
	timer := unix.Itimerval{Value: unix.Timeval{Usec: 2000}}
	if _, err := unix.Setitimer(unix.ITIMER_REAL, timer); err != nil {
		return "", err
	}
	if r := <-got; r != unix.SIGALRM {
		return "", fmt.Errorf("got %v, want an alarm", r)
	}
	return fmt.Sprintf("%d and an alarm", len(want)), nil
}

// floats computes on all harts at once, in more threads than there are harts, so
// that the kernel switches floating-point state; all must agree to the last bit.
func floats(g *guest) (string, error) {
	n := 2*g.harts + 1
	results := make(chan uint64, n)
	for range n {
		go func() {
			runtime.LockOSThread()
			results <- math.Float64bits(series(seriesTerms))
		}()
	}
	first := <-results
	for range n - 1 {
		if r := <-results; r != first {
			return "", fmt.Errorf("%#x and %#x", first, r)
		}
	}
	return fmt.Sprintf("%#x in %d threads", first, n), nil
}

// shellScript has busybox do what shells do, with pipes and many processes.
func shellScript(*guest) (string, error) {
	script := `
set -e
cd /tmp
i=0
while [ $i -lt 200 ]; do echo "line $i"; i=$((i+1)); done > lines
sort -r lines | sed 's/line/LINE/' | tr '0-9' 'a-j' > out
[ $(wc -l < out) -eq 200 ]
for f in a b c d; do (sha256sum out > sum.$f) & done
wait
cmp sum.a sum.b && cmp sum.c sum.d
mkdir -p tree/x/y && cp out tree/x/y/ && tar cf - tree | tar tf - | wc -l
cut -c1-16 sum.a
`
	c := exec.Command("/bin/busybox", "sh", "-c", "PATH=; for a in sort sed tr wc sha256sum cmp mkdir cp tar cut; do alias $a=\"/bin/busybox $a\"; done; "+script)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, strings.TrimSpace(errs.String()))
	}
	return strings.Join(strings.Fields(out.String()), " "), nil
}

// deadline ends a wait that would never end.
func deadline() time.Time { return time.Now().Add(30 * time.Second) }
