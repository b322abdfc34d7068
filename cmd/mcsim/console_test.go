//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mcsim/guests/debian"
)

func requireGuest(t testing.TB) {
	t.Helper()
	if _, err := debian.Cached(""); err != nil {
		if os.Getenv("MCSIM_REQUIRE_GUESTS") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// screen is mcsim on a terminal of its own, as a user sees it.
type screen struct {
	testing.TB
	pty  *os.File
	cmd  *exec.Cmd
	seen bytes.Buffer
	from int // what of it has been matched
	got  chan []byte
}

func openScreen(t testing.TB, args ...string) *screen {
	t.Helper()
	pty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	fd := int(pty.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &firstWindow); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{TB: t, pty: pty, got: make(chan []byte, 64)}
	s.cmd = exec.Command(exe, args...)
	s.cmd.Args[0] = "mcsim"
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = tty, tty, tty
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		pty.Close()
	})
	go func() {
		defer close(s.got)
		for {
			b := make([]byte, 4096)
			n, err := pty.Read(b)
			if n > 0 {
				s.got <- b[:n]
			}
			if err != nil {
				return
			}
		}
	}()
	return s
}

// firstWindow is the window's size at the start.
var firstWindow = unix.Winsize{Row: 24, Col: 80}

// resize changes the window's size, of which the terminal tells mcsim.
func (s *screen) resize(to unix.Winsize) {
	s.Helper()
	if err := unix.IoctlSetWinsize(int(s.pty.Fd()), unix.TIOCSWINSZ, &to); err != nil {
		s.Fatal(err)
	}
}

// expect waits until the terminal shows a text that it has not matched yet.
func (s *screen) expect(text string) {
	s.Helper()
	timeout := time.After(2 * time.Minute)
	for {
		if at := bytes.Index(s.seen.Bytes()[s.from:], []byte(text)); at >= 0 {
			s.from += at + len(text)
			return
		}
		select {
		case b, ok := <-s.got:
			if !ok {
				s.Fatalf("the terminal closed before %q:\n%s", text, s.tail())
			}
			s.seen.Write(b)
		case <-timeout:
			s.Fatalf("no %q:\n%s", text, s.tail())
		}
	}
}

func (s *screen) send(text string) {
	s.Helper()
	if _, err := s.pty.WriteString(text); err != nil {
		s.Fatal(err)
	}
}

func (s *screen) tail() string { t := s.seen.String(); return t[max(0, len(t)-2000):] }

// code waits for the end.
func (s *screen) code() int {
	for b := range s.got {
		s.seen.Write(b)
	}
	s.cmd.Wait()
	return s.cmd.ProcessState.ExitCode()
}

// A person works in the guest: what is typed goes there, Ctrl-C too, and Ctrl-A
// begins what mcsim is told. A window may change its size, and poweroff ends the
// run with exit code 0.
func TestConsole(t *testing.T) {
	requireGuest(t)
	s := openScreen(t, "run", "--kernel", "guest:debian", "--harts", "2", "--no-table")
	const prompt = "mcsim:~# "
	s.expect(prompt)
	s.send("echo $((6*7)) $(nproc)\r")
	s.expect("\n42 2")
	s.expect(prompt)
	s.resize(unix.Winsize{Row: 40, Col: 132})
	s.send("\x01h")
	s.expect("Ctrl-A x  quit")
	// The shell has given the terminal back before it prints: what comes earlier
	// is a line of the shell's editor, and no line for cat.
	s.send("echo $((3*3)); cat\r")
	s.expect("\n9")
	s.send("twice\r") // a Ctrl-C before cat runs would be the shell's
	s.expect("twice")
	s.expect("twice")
	s.send("\x03")
	s.expect(prompt)
	s.send("echo co\x01x")
	// Ctrl-A x quits, with the results so far.
	if code := s.code(); code != 0 || !strings.Contains(s.seen.String(), "mcsim: ended by Ctrl-A x after") {
		t.Errorf("Ctrl-A x: exit code %d\n%s", code, s.tail())
	}
}

// A virtio console has the size of the window, and its driver is told when that
// changes, over both transports.
func TestWindow(t *testing.T) {
	requireGuest(t)
	for _, transport := range []string{"pci", "mmio"} {
		s := openScreen(t, "run", "--kernel", "guest:debian", "--no-table", "--append", "quiet console=hvc0",
			"--set", "machine.virtio.console=stdio", "--set", "machine.virtio.transport="+transport)
		const prompt = "mcsim:~# "
		s.expect(prompt)
		for _, size := range []unix.Winsize{{}, {Row: 40, Col: 132}, {Row: 11, Col: 47}} {
			if size.Row != 0 {
				s.resize(size)
			} else {
				size = firstWindow
			}
			// The guest is told at the end of a quantum, which the shell does not wait for.
			s.send("until [ \"$(stty size)\" = \"" + fmt.Sprintf("%d %d", size.Row, size.Col) + "\" ]; do :; done; tty; echo $((6*7))\r")
			s.expect("\n/dev/hvc0\r\n42")
			s.expect(prompt)
		}
		s.send("exit\r")
		if code := s.code(); code != 0 {
			t.Errorf("exit code %d\n%s", code, s.tail())
		}
	}
}

// A session is saved from within its shell, and goes on from there as often as one
// likes, with another seed too.
func TestRestoredSession(t *testing.T) {
	requireGuest(t)
	const prompt = "mcsim:~# "
	file := filepath.Join(t.TempDir(), "boot.ckpt")
	s := openScreen(t, "run", "--kernel", "guest:debian", "--no-table", "--append", "quiet", "--checkpoint", file)
	s.expect(prompt)
	s.send("x=42; mcsim-marker checkpoint ready\r")
	s.expect("mcsim: checkpoint in " + file + ", at marker:ready")
	s.send("\x01x")
	if code := s.code(); code != 0 {
		t.Errorf("exit code %d\n%s", code, s.tail())
	}
	for _, seed := range []string{"1", "7"} {
		s := openScreen(t, "run", "--restore", file, "--no-table", "--seed", seed)
		s.expect("mcsim: guest:debian, restored at cycle ")
		s.expect(prompt)
		s.send("echo $x $(uname -m)\r")
		s.expect("\n42 riscv64")
		s.send("exit\r")
		if code := s.code(); code != 0 || !strings.Contains(s.seen.String(), "mcsim: exit code 0 after") {
			t.Errorf("seed %s: exit code %d\n%s", seed, code, s.tail())
		}
	}
}

// The README's session is typed, line by line, and shows what it says; what mcsim
// itself says of the run differs with the kernel's point release.
func TestReadmeSession(t *testing.T) {
	requireGuest(t)
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, ok := strings.Cut(string(text), "<!-- session -->\n```text\n")
	block, _, closed := strings.Cut(block, "```")
	lines := strings.Split(strings.TrimSpace(block), "\n")
	command, isCommand := strings.CutPrefix(lines[0], "$ mcsim ")
	if !ok || !closed || !isCommand {
		t.Fatal("the README has no session")
	}
	s := openScreen(t, strings.Fields(command)...)
	const prompt = "mcsim:~# "
	for _, line := range lines[1:] {
		if typed, ok := strings.CutPrefix(line, prompt); ok {
			s.expect(prompt)
			s.send(typed + "\r")
		} else if !strings.HasPrefix(line, "mcsim: ") {
			s.expect("\n" + line + "\r")
		}
	}
	if code := s.code(); code != 0 || !strings.Contains(s.seen.String(), "mcsim: exit code 0 after") {
		t.Errorf("exit code %d\n%s", code, s.tail())
	}
}

// The same on OpenSBI.
func TestPowerOff(t *testing.T) {
	requireGuest(t)
	s := openScreen(t, "run", "--kernel", "guest:debian", "--harts", "1", "--bios", "guest:debian", "--no-table")
	s.expect("OpenSBI v1")
	s.expect("mcsim:~# ")
	s.send("exit\r")
	if code := s.code(); code != 0 || !strings.Contains(s.seen.String(), "mcsim: exit code 0 after") {
		t.Errorf("exit code %d\n%s", code, s.tail())
	}
}

// A long check shows how far it is, and Ctrl-C ends it with what it has.
func TestCheckOnATerminal(t *testing.T) {
	s := openScreen(t, "protocol", "check", "moesi", "--caches", "4", "--lines", "2")
	s.expect("protocol evictions")
	s.expect("M states/s")
	s.send("\x03")
	s.expect("not finished")
	s.expect("interrupted: ")
	if code := s.code(); code != 130 {
		t.Errorf("code %d:\n%s", code, s.tail())
	}
}
