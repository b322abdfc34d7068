package coherence

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// rumur checks a protocol's exported model with an independent model checker.
// It returns the number of states, and whether the model keeps its rules.
func rumur(t *testing.T, p *Protocol, o Options) (states string, ok bool) {
	t.Helper()
	if _, err := exec.LookPath("rumur"); err != nil {
		t.Skip("rumur is not installed (Debian package rumur)")
	}
	var model bytes.Buffer
	if err := ExportMurphi(&model, p, o); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	source, code, check := filepath.Join(dir, "model.m"), filepath.Join(dir, "model.c"), filepath.Join(dir, "model")
	if err := os.WriteFile(source, model.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	build := []string{"cc", "-O0", "-w", "-o", check, code, "-lpthread"}
	if runtime.GOARCH == "amd64" {
		build = append(build, "-mcx16") // the checker's queue swaps 16 bytes at once
	}
	for _, command := range [][]string{
		{"rumur", "--threads", "1", "--symmetry-reduction", "exhaustive", "--output", code, source}, build,
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
		}
	}
	out, err := exec.Command(check).CombinedOutput()
	found := regexp.MustCompile(`(\d+) states, \d+ rules fired`).FindSubmatch(out)
	switch {
	case err == nil && bytes.Contains(out, []byte("No error found")) && found != nil:
		return string(found[1]), true
	case bytes.Contains(out, []byte("error(s) found")):
		return "", false
	}
	t.Fatalf("rumur's verifier: %v\n%s", err, out)
	return "", false
}

// The checker finds no fault in the protocols, and as many states as Explore, with
// every kind of home and of evictions.
func TestMurphi(t *testing.T) {
	t.Parallel()
	all := slices.Concat(machines(3, 1, 2), machines(4, 1, 2)[4:5])
	if *deep {
		all = slices.Concat(machines(2, 1, 3), machines(3, 1, 2), machines(4, 1, 2))
	}
	for _, p := range protocols {
		for _, o := range all {
			t.Run(fmt.Sprintf("%s/%v", p.Name, o), func(t *testing.T) {
				t.Parallel()
				states, ok := rumur(t, p, o)
				if !ok {
					t.Fatal("rumur rejects the protocol")
				}
				r, err := Explore(t.Context(), p, o, nil)
				if err != nil {
					t.Fatal(err)
				}
				if states != fmt.Sprint(r.States) {
					t.Errorf("rumur sees %s states, Explore %d", states, r.States)
				}
			})
		}
	}
}

// What Explore rejects, rumur rejects. With -deep, for every mutant, and both
// accept the same ones.
func TestMurphiMutants(t *testing.T) {
	t.Parallel()
	some := map[string]bool{
		"msi Shared SnoopUpgrade > Shared":       true,
		"msi Shared Evict -PutClean":             true,
		"mesi Modified SnoopGetS -WriteBackHome": true,
		"moesi Owned SnoopGetM -SupplyData":      true,
		"moesi Owned SnoopUpgrade > Owned":       true,
		"mesif Forward SnoopGetS > Forward":      true,
		"mesif others FillExclusive":             true,
	}
	ran := 0
	for _, p := range protocols {
		for _, m := range mutants(p) {
			name := p.Name + " " + m.name
			if m.p.Validate() != nil || !*deep && !some[name] {
				continue
			}
			ran++
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				o := Options{Caches: 3, Lines: 1, Values: 2, Home: HomeInclusive}
				_, ok := rumur(t, m.p, o)
				_, err := Explore(t.Context(), m.p, o, nil)
				if ok != (err == nil) {
					t.Errorf("accepted by rumur: %v, by Explore: %v", ok, err)
				}
			})
		}
	}
	if ran < len(some) {
		t.Errorf("%d of %d mutants exist", ran, len(some))
	}
}
