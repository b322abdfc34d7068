//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// drivers loads the modules of virtio devices.
func drivers(*guest) (string, error) {
	c := exec.Command("/bin/busybox", "modprobe", "-a", "virtio_mmio", "virtio_blk", "virtio_net", "virtio_rng")
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return "loaded", nil
}

// disk writes a pattern to /dev/vda, has it written back, forgets what the kernel
// keeps of it, and reads it again; what is beyond the end cannot be written.
func disk(*guest) (string, error) {
	if err := waitFor("/dev/vda"); err != nil {
		return "", err
	}
	f, err := os.OpenFile("/dev/vda", os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // it has been synced
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return "", err
	}
	first := make([]byte, 512)
	if _, err := f.ReadAt(first, 0); err != nil {
		return "", err
	}
	pattern := make([]byte, 256<<10)
	for i := range pattern {
		pattern[i] = byte(i*7 + i>>9)
	}
	const at = 64 << 10
	if _, err := f.WriteAt(pattern, at); err != nil {
		return "", err
	}
	if err := f.Sync(); err != nil {
		return "", err
	}
	if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0); err != nil {
		return "", err
	}
	again := make([]byte, len(pattern))
	if _, err := f.ReadAt(again, at); err != nil {
		return "", err
	}
	if !bytes.Equal(pattern, again) {
		return "", errors.New("what was written is not what is read")
	}
	if _, err := f.WriteAt(first, size); err == nil {
		return "", errors.New("wrote beyond the end of the disk")
	}
	return fmt.Sprintf("%d bytes, begins with %q, wrote %x", size, bytes.TrimRight(first[:16], "\x00"), sha256.Sum256(pattern)), nil
}

// network gets an address by DHCP and fetches a page from the host.
func network(g *guest) (string, error) {
	for _, args := range [][]string{
		{"ip", "link", "set", "lo", "up"}, {"ip", "link", "set", "eth0", "up"},
		{"udhcpc", "-q", "-n", "-i", "eth0", "-s", "/etc/udhcpc.sh"},
	} {
		c := exec.Command("/bin/busybox", args...)
		c.Env = []string{"PATH=/bin"}
		if out, err := c.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, out)
		}
	}
	return fetch(g)
}

// fetch fetches a page from the host.
func fetch(g *guest) (string, error) {
	client := http.Client{Timeout: 30 * time.Second}
	r, err := client.Get(g.options["url"])
	if err != nil {
		return "", err
	}
	defer r.Body.Close() //nolint:errcheck // it was only read
	page, err := io.ReadAll(r.Body)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d bytes, %x", len(page), sha256.Sum256(page)), nil
}

// connection says something to a peer at the host and hears its answer, and once
// more after the point "open".
func connection(g *guest) (string, error) {
	c, err := net.Dial("tcp", g.options["peer"])
	if err != nil {
		return "", err
	}
	defer c.Close() //nolint:errcheck // nothing is left to be sent
	answer := make([]byte, 1)
	for i := range 2 {
		if i == 1 {
			mark(markPoint, region("open"))
		}
		if _, err := c.Write([]byte("x")); err != nil {
			return err.Error(), nil
		}
		if _, err := io.ReadFull(c, answer); err != nil {
			return err.Error(), nil
		}
	}
	return "answered twice", nil
}

// waitFor waits until a file is there.
func waitFor(file string) error {
	for end := deadline(); ; {
		err := unix.Access(file, unix.F_OK)
		if err == nil || time.Now().After(end) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}
