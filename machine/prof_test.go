package machine

import (
	"context"
	"os"
	"strings"
	"testing"

	"mcsim/guests"
	"mcsim/machine/config"
)

func TestProf(t *testing.T) {
	name := os.Getenv("GUEST")
	if name == "" {
		t.Skip()
	}
	var set []config.Setting
	for _, a := range strings.Fields(os.Getenv("SET")) {
		s, err := config.ParseSetting(a)
		if err != nil {
			t.Fatal(err)
		}
		set = append(set, s)
	}
	cfg, err := config.Load(config.Input{Set: set})
	if err != nil {
		t.Fatal(err)
	}
	m, _ := New(cfg, Options{})
	data, err := guests.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.LoadELF(name, data); err != nil {
		t.Fatal(err)
	}
	res, err := m.Run(context.Background(), Limits{Instructions: cfg.Run.MaxInstructions})
	t.Logf("%+v %v mips %.1f", res, err, float64(res.Instructions)/res.HostSeconds/1e6)
}
