package traces

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// sorts makes loads, stores and modifies of several sizes. It is linked
// statically: the dynamic linker saves registers by instructions that Lackey
// traces but does not count.
const sorts = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int cmp(const void *a, const void *b) { return *(const short *)a - *(const short *)b; }
int main(void) {
	static short v[300];
	static char text[1000];
	double sum = 0;
	unsigned s = 1;
	for (int i = 0; i < 300; i++) { s = s * 1103515245 + 12345; v[i] = s >> 16; }
	qsort(v, 300, sizeof *v, cmp);
	for (int i = 0; i < 300; i++) { sum += v[i]; text[i]++; }
	memmove(text + 100, text, 700);
	printf("%g %d\n", sum, text[150]);
	return 0;
}
`

// A trace that the real Lackey writes has as many references, of each size, as
// its own --detailed-counts says at the end.
func TestLackeyAgainstValgrind(t *testing.T) {
	for _, tool := range []string{"valgrind", "gcc"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(tool + " is not installed")
		}
	}
	dir := t.TempDir()
	source, program, log := filepath.Join(dir, "sorts.c"), filepath.Join(dir, "sorts"), filepath.Join(dir, "sorts.lackey")
	writeFile(t, source, sorts)
	if out, err := exec.Command("gcc", "-O1", "-static", "-o", program, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command("valgrind", "--tool=lackey", "--trace-mem=yes", "--detailed-counts=yes", "--log-file="+log, program)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, streams, errs := readTrace(t, log)
	if len(streams) != 1 || errs[0] != nil {
		t.Fatal(errs)
	}
	fetches := 0
	loads, stores := map[uint32]int{}, map[uint32]int{}
	for _, r := range streams[0] {
		switch r.Kind {
		case Fetch:
			fetches++
		case Load:
			loads[r.Size]++
		case Store:
			stores[r.Size]++
		}
	}
	content, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	number := func(s string) int {
		n, err := strconv.Atoi(strings.ReplaceAll(s, ",", ""))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	instrs := regexp.MustCompile(`guest instrs: +([0-9,]+)`).FindSubmatch(content)
	if instrs == nil || number(string(instrs[1])) != fetches {
		t.Errorf("%d fetches; Lackey says %q", fetches, instrs)
	}
	told := map[uint32][2]int{}
	for _, m := range regexp.MustCompile(`== +[IFDV](8|16|32|64|128|256) +([0-9,]+) +([0-9,]+)`).FindAllSubmatch(content, -1) {
		size := uint32(number(string(m[1]))) / 8
		sum := told[size]
		told[size] = [2]int{sum[0] + number(string(m[2])), sum[1] + number(string(m[3]))}
	}
	if len(told) < 5 || fetches < 10000 {
		t.Fatalf("Lackey's own counts were not found in %s", content[max(len(content)-3000, 0):])
	}
	for size, n := range told {
		if loads[size] != n[0] || stores[size] != n[1] {
			t.Errorf("%d bytes: %d loads and %d stores; Lackey says %d and %d", size, loads[size], stores[size], n[0], n[1])
		}
	}
}
