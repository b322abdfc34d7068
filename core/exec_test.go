package core

import (
	"os/exec"
	"testing"
)

// The run loops are made of exec.go as it is now.
func TestRunLoopsAreCurrent(t *testing.T) {
	out, err := exec.Command("go", "run", "./mkexec", "-check").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
