package core

import (
	"os/exec"
	"testing"
)

// The recording run loop is made of exec.go as it is now.
func TestRecordExecIsCurrent(t *testing.T) {
	out, err := exec.Command("go", "run", "./mkrecord", "-check").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
