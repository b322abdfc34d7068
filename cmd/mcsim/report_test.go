package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// chromium opens a page, headless and without a network, and returns what it
// prints, and its console.
func chromium(t *testing.T, page string, options ...string) (out, log string) {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is missing")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	args := []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--no-first-run", "--user-data-dir=" + t.TempDir(), "--enable-logging=stderr", "--window-size=1280,4200",
	}
	c := exec.CommandContext(ctx, path, append(append(args, options...), "file://"+page)...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		t.Fatalf("chromium: %v\n%s", err, &stderr)
	}
	var console []string
	for _, line := range strings.Split(stderr.String(), "\n") {
		if strings.Contains(line, "CONSOLE") {
			console = append(console, line)
		}
	}
	return stdout.String(), strings.Join(console, "\n")
}

// results makes a folder with a run of four harts, intervals, and the analysis
// of a trace of as many threads.
func results(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var trace strings.Builder
	for i := range 20000 {
		thread := i % 4
		fmt.Fprintf(&trace, "%d R 0x%x 8\n", thread, 0x100000*(thread+1)+8*(i/4%3000)) // its own
		switch {
		case i%5 == 0:
			fmt.Fprintf(&trace, "%d R 0x%x 8\n", thread, 0x800000+64*(i%200)) // of all, read
		case i%7 == 0:
			fmt.Fprintf(&trace, "%d R 0x900000 8\n%d W 0x900000 8\n", thread, thread) // a counter of all
		case i%11 == 0:
			fmt.Fprintf(&trace, "%d W 0x%x 8\n", thread, 0xa00000+8*thread) // beside the others'
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "app.text"), []byte(trace.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{
		{"run", "--quiet", "--bare", "builtin:prodcons", "--harts", "4", "--out", "r", "--interval", "5000"},
		{"trace", "stats", "app.text", "--out", "r"},
		{"report", "r"},
		{"replay", "--quiet", "--vm", "app.text", "--vm", "app.text", "--harts", "2", "--interference", "--interval", "20000", "--out", "vms"},
		{"report", "vms"},
	} {
		c := exec.Command("mcsim", command...)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", command, err, out)
		}
	}
	return dir
}

// What a person sees of a report: every chart is drawn, the tables are there,
// and nothing complains.
func TestReportInBrowser(t *testing.T) {
	dir := results(t)
	shown := map[string][]string{
		"r": {
			"L1D misses", "LLC misses", "Bus traffic by kind", "Instructions per cycle", "Miss ratio by cache size", "Working set",
			"Sharing of data lines", "false sharing", "migratory", "0x900000", "builtin:prodcons", "4 harts, MESI", "harts", "Configuration",
		},
		"vms": {"LLC misses by VM", "Bus requests by VM", "L1D misses by thread", "Instructions by thread", "number in the trace", "Slowdown of VMs", "app.text", "slowdown"},
	}
	for _, name := range []string{"r", "vms"} {
		page := filepath.Join(dir, name, "report.html")
		dom, console := chromium(t, page, "--dump-dom")
		if console != "" {
			t.Errorf("%s: the console says\n%s", name, console)
		}
		charts := strings.Count(dom, `class="chart"`)
		drawn := regexp.MustCompile(`<canvas[^>]* width="[1-9]`).FindAllString(dom, -1)
		if charts < 6 || len(drawn) != charts {
			t.Errorf("%s: %d charts, %d of them drawn", name, charts, len(drawn))
		}
		for _, text := range shown[name] {
			if !strings.Contains(dom, text) {
				t.Errorf("%s: %q is not shown", name, text)
			}
		}
		// Legends name the series; their text comes from the script.
		for _, text := range []string{"hart 0:", "hart 1:", "gets:", "getm:"} {
			if !strings.Contains(dom, ">"+text) && !strings.Contains(dom, ">"+strings.TrimSuffix(text, ":")) {
				t.Errorf("%s: no legend has %q", name, text)
			}
		}
		picture(t, page)
	}
}

// picture looks at the page's pixels: the series are there, in their colours.
func picture(t *testing.T, page string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.png")
	if _, console := chromium(t, page, "--screenshot="+file); console != "" {
		t.Errorf("the console says\n%s", console)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]color.RGBA{
		"the first series": {0x1f, 0x6f, 0xb4, 255}, "the second series": {0xe0, 0x7b, 0x1a, 255}, "the header": {0x16, 0x32, 0x4f, 255},
		"bars in tables": {0xcf, 0xe0, 0xf3, 255}, "cards": {255, 255, 255, 255},
	} {
		if n := pixels(img, c); n < 1000 {
			t.Errorf("%s: %d pixels of %v", name, n, c)
		}
	}
}

func pixels(img image.Image, want color.RGBA) (n int) {
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			if c := color.RGBAModel.Convert(img.At(x, y)); c == want {
				n++
			}
		}
	}
	return n
}

// The checks above see what is wrong: an error of the script, a request to the
// network, a chart that is not drawn.
func TestReportChecksCanFail(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.html")
	text := `<!DOCTYPE html><meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'">
<figure class="chart"></figure><img src="http://127.0.0.1:9/x.png"><script>nothing.draws();</script>`
	if err := os.WriteFile(page, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	dom, console := chromium(t, page, "--dump-dom")
	if !strings.Contains(console, "nothing is not defined") || !strings.Contains(console, "Content Security Policy") {
		t.Errorf("the console says %q", console)
	}
	if strings.Contains(dom, "<canvas") {
		t.Error("a canvas out of nothing")
	}
}

// A report holds no reference to anything outside: only texts name addresses.
func TestReportIsSelfContained(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(results(t), "r", "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{`(?i)\s(src|href|srcset|action)\s*=`, `(?i)@import`, `(?i)url\(`, `fetch\(`, `XMLHttpRequest`, `WebSocket`} {
		if at := regexp.MustCompile(pattern).FindIndex(page); at != nil {
			t.Errorf("%s: %q", pattern, page[max(0, at[0]-40):min(len(page), at[1]+40)])
		}
	}
}
