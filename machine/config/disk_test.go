package config

import (
	"reflect"
	"testing"
)

func TestDisks(t *testing.T) {
	for text, want := range map[string]Disk{
		"a.img":            {File: "a.img"},
		"a,,b.img,ro":      {File: "a,b.img", Mode: "ro"},
		"x,overlay=y.ovl":  {File: "x", Mode: "overlay", OverlayFile: "y.ovl"},
		"x,format=qcow2":   {File: "x", Format: "qcow2"},
		"x,fail-read=7+2":  {File: "x", FailReads: []Sectors{{First: 7, N: 2}}},
		"x,fail-write=0x9": {File: "x", FailWrites: []Sectors{{First: 9, N: 1}}},
		"x,id=root,rw":     {File: "x", ID: "root", Mode: "rw"},
	} {
		if got, err := ParseDisk(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", ",ro", "x,", "x,bogus", "x,ro,overlay", "x,format=vmdk", "x,fail-read=", "x,fail-read=1+0", "x,fail-read=-1", "x,id=123456789012345678901"} {
		if _, err := ParseDisk(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
