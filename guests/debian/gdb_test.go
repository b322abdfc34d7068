package debian_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mcsim/gdb"
	"mcsim/guests/debian"
)

// gdbCommands look at a program in Linux and at the kernel under it. The program
// waits on hart 1 until it is let go, so that Ctrl-C finds it there, whenever it
// comes.
const gdbCommands = `
set pagination off
set language c
break main.debugged
continue
info threads
info registers satp mhartid
delete
watch 'main.seen'
continue
delete
python before = int(gdb.parse_and_eval("$pc"))
stepi
python print("stepped by", int(gdb.parse_and_eval("$pc")) - before)
hbreak *($stvec & ~1)
continue
info registers scause sepc mhartid
python print("in the kernel:", int(gdb.parse_and_eval("$pc")) % 2**64 >= 0xffffffc000000000)
x/2i $pc
delete
python import os, signal, threading
python threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
continue
thread 2
set var 'main.goOn' = 42
detach
`

// GDB itself, on the booted kernel and a program in it: harts as threads, CSRs,
// breakpoints and memory by virtual addresses of the program and the kernel, a
// watchpoint, a step, Ctrl-C, and a write that lets the program go on.
func TestGDBOnLinux(t *testing.T) {
	if testing.Short() {
		t.Skip("a boot takes seconds")
	}
	tool, err := exec.LookPath("gdb-multiarch")
	if err != nil {
		t.Skip("no gdb-multiarch")
	}
	dir := t.TempDir()
	program, commands := filepath.Join(dir, "selftest"), filepath.Join(dir, "commands")
	build := exec.Command("go", "build", "-trimpath", "-o", program, "./selftest") // with symbols
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=riscv64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	init, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	s, err := gdb.Listen(filepath.Join(dir, "gdb.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.WriteFile(commands, []byte("target remote "+s.Addr()+gdbCommands), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	said := make(chan string, 1)
	go func() {
		out, err := exec.CommandContext(ctx, tool, "-batch", "-nx", "-x", commands, program).CombinedOutput()
		if err != nil {
			out = append(out, err.Error()...)
		}
		said <- string(out)
	}()
	o := boot{harts: 2, debugger: s, args: "quiet selftest.only=debugged selftest.debugged=1",
		initramfs: debian.Initramfs{Init: init, NoModules: true}}.run(t)
	out := <-said
	o.passed(t)
	if got := o.says("debugged"); got != "let go with 42" {
		t.Errorf("the program was %q", got)
	}
	for _, want := range []string{
		"Thread 2 (", "hit Breakpoint 1, main.debugged", "mhartid        0x0", "[Switching to Thread 2]", "Hardware watchpoint 2: 'main.seen'", "Old value = ", "New value = ",
		"stepped by ", "scause ", "in the kernel: True", "received signal SIGINT", "detached",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("gdb did not say %q", want)
		}
	}
	for _, bad := range []string{"Cannot", "rror", "satp           0x0"} {
		if strings.Contains(out, bad) {
			t.Errorf("gdb says %q", bad)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}
