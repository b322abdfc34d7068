package debian_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

const diskBytes = 8 << 20

// image makes a raw disk image that begins with a text.
func image(t *testing.T) (file string, data []byte) {
	t.Helper()
	data = make([]byte, diskBytes)
	copy(data, "mcsim's own disk")
	dir, err := os.MkdirTemp("", "disk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	file = filepath.Join(dir, "a.img")
	if err := os.WriteFile(file, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return file, data
}

// pattern is what the self-test writes to a disk, from 64 KiB on.
func pattern() []byte {
	p := make([]byte, 256<<10)
	for i := range p {
		p[i] = byte(i*7 + i>>9)
	}
	return p
}

// page serves a page to guests, and gives its address as they see it.
func page(t *testing.T) (url string, text []byte) {
	t.Helper()
	text = bytes.Repeat([]byte("a page from the host\n"), 5000)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(text) }))
	t.Cleanup(s.Close)
	return guestURL(s.Listener.Addr()), text
}

func guestURL(a net.Addr) string { return fmt.Sprintf("http://10.0.2.2:%d/", a.(*net.TCPAddr).Port) }

const deviceTests = "quiet selftest.only=drivers,disk,network selftest.devices=1 "

// Debian's drivers of virtio devices, over both transports and with every
// interrupt controller: a disk that is written, synced and read back, and a
// page fetched from a server on this machine.
func TestDevices(t *testing.T) {
	url, text := page(t)
	for name, b := range map[string]boot{
		"mmio and PLIC":                  {harts: 1},
		"mmio and APLIC":                 {harts: 2, set: []string{"machine.interrupts=aplic", "machine.virtio.block.queues=2"}},
		"PCI and PLIC, by INTx, checked": {harts: 1, check: true, set: []string{"machine.virtio.transport=pci"}},
		"PCI and AIA, by MSI-X":          {harts: 4, set: []string{"machine.virtio.transport=pci", "machine.interrupts=aia", "machine.virtio.block.queues=4"}},
		"AIA under OpenSBI":              {harts: 2, opensbi: true, set: []string{"machine.interrupts=aia"}},
		"without snooping, checked":      {harts: 2, check: true, set: []string{"machine.virtio.coherent=false"}},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "mmio and PLIC" {
				t.Skip("a boot takes seconds")
			}
			file, data := image(t)
			b.set = append(b.set, "machine.virtio.disks="+file, "machine.virtio.net=user")
			b.args = deviceTests + "selftest.disk=1 selftest.url=" + url
			o := b.run(t)
			o.passed(t)
			if want := fmt.Sprintf("%d bytes, begins with %q, wrote %x", diskBytes, data[:16], sha256.Sum256(pattern())); o.says("disk") != want {
				t.Errorf("the guest says %q, want %q", o.says("disk"), want)
			}
			if want := fmt.Sprintf("%d bytes, %x", len(text), sha256.Sum256(text)); o.says("network") != want {
				t.Errorf("the guest says %q, want %q", o.says("network"), want)
			}
			copy(data[64<<10:], pattern())
			if now, err := os.ReadFile(file); err != nil || !bytes.Equal(now, data) {
				t.Errorf("the image is not what the guest wrote: %v", err)
			}
		})
	}
}

// Without a network equal runs are equal, with disks and entropy too, and an
// overlay leaves the image as it was.
func TestDevicesRepeat(t *testing.T) {
	if testing.Short() {
		t.Skip("a boot takes seconds")
	}
	file, data := image(t)
	b := boot{harts: 2, args: "selftest.only=drivers,disk selftest.devices=1 selftest.disk=1 selftest.digest=1",
		set: []string{"machine.virtio.disks=" + file + ",overlay", "machine.virtio.rng=true", "machine.interrupts=aia", "machine.virtio.transport=pci"}}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one := b.run(t)
	runtime.GOMAXPROCS(2)
	two := b.run(t)
	one.passed(t)
	one.same(t, two)
	if now, err := os.ReadFile(file); err != nil || !bytes.Equal(now, data) {
		t.Errorf("the image under an overlay was changed: %v", err)
	}
}

// listen is a peer on this machine that does serve for each connection.
func listen(t *testing.T, serve func(net.Conn)) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return l.Addr()
}

// A disk that fails reads, and a peer that goes away in the middle of a page: the
// guest is told, and goes on to power off.
func TestDevicesThatFail(t *testing.T) {
	if testing.Short() {
		t.Skip("a boot takes seconds")
	}
	peer := listen(t, func(c net.Conn) {
		c.Read(make([]byte, 1))
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nthe beginning")
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	})
	file, _ := image(t)
	o := boot{harts: 1, args: deviceTests + "selftest.disk=1 selftest.url=" + guestURL(peer),
		set: []string{"machine.virtio.disks=" + file + ",fail-read=200", "machine.virtio.net=user"}}.run(t)
	if got := o.says("disk"); !strings.Contains(got, "input/output error") {
		t.Errorf("a disk that fails reads: %q", got)
	}
	if got := o.says("network"); !strings.HasPrefix(got, "FAILED") {
		t.Errorf("a peer that goes away: %q", got)
	}
}
