package debian_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The guest writes to a disk and reads back, also what the host finds in the image
// afterwards, and fetches a page from a server on this machine.
func TestDevices(t *testing.T) {
	page := bytes.Repeat([]byte("what the host serves\n"), 5000)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(page) })}
	go s.Serve(l)
	defer s.Close()
	image := make([]byte, 4<<20)
	copy(image, "from the host")
	file := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(file, image, 0o644); err != nil {
		t.Fatal(err)
	}
	o := boot{
		harts: 2, set: []string{"machine.virtio.disks=" + file, "machine.virtio.net=user"},
		args: fmt.Sprintf("quiet selftest.devices=1 selftest.disk=1 selftest.url=http://10.0.2.2:%d/ selftest.only=drivers,disk,network", l.Addr().(*net.TCPAddr).Port),
	}.run(t)
	o.passed(t)
	if got, want := o.says("network"), fmt.Sprintf("%d bytes, %x", len(page), sha256.Sum256(page)); got != want {
		t.Errorf("the guest fetched %q, want %q", got, want)
	}
	if said := o.says("disk"); !strings.HasPrefix(said, `4194304 bytes, begins with "from the host"`) {
		t.Errorf("the guest found %q", said)
	}
	image, err = os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pattern := image[64<<10 : 320<<10]
	for i, b := range pattern {
		if b != byte(i*7+i>>9) {
			t.Fatalf("byte %d of what the guest wrote is %#x", i, b)
		}
	}
}
