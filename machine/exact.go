package machine

import (
	"bytes"
	"encoding/json"
	"fmt"

	"mcsim/addr"
	"mcsim/cache"
	"mcsim/coherence"
	"mcsim/device"
	"mcsim/machine/config"
	"mcsim/replay"
	"mcsim/traces"
)

// RecordedMachine is the part of a recording's configuration that describes the
// machine, as a configuration file. It is nil if the recording has none.
func RecordedMachine(rec *traces.Recording) []byte {
	var whole struct {
		Machine json.RawMessage `json:"machine"`
	}
	if json.Unmarshal(rec.Header.Config, &whole) != nil || whole.Machine == nil {
		return nil
	}
	return append(append([]byte(`{"machine": `), whole.Machine...), '}')
}

// ExactConfig is the configuration that a machine must have to follow a
// recording exactly, and nil if the recording has none.
func ExactConfig(rec *traces.Recording) (*config.Config, error) {
	data := RecordedMachine(rec)
	if data == nil {
		return nil, nil
	}
	return config.Load(config.Input{File: "the recording's configuration", Data: data})
}

// SameMachine says whether two configurations are of the same machine: what
// runs on it, and what is written of it, may differ.
func SameMachine(a, b *config.Config) bool {
	x, err1 := json.Marshal(&config.Config{Machine: a.Machine})
	y, err2 := json.Marshal(&config.Config{Machine: b.Machine})
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// LoadRecording builds the machine to follow a recording of one with the same
// configuration, exactly. Run then runs it to where the recorded run ended.
func (m *Machine) LoadRecording(rec *traces.Recording) error {
	x, err := replay.NewExact(rec)
	if err != nil {
		return err
	}
	c := &m.cfg.Machine
	if n := len(rec.Header.Streams) - 1; n != c.Harts {
		return fmt.Errorf("the recording has %d harts, and the machine %d", n, c.Harts)
	}
	for _, g := range rec.Header.Map {
		r := coherence.Region{Name: g.Name, Base: addr.PA(g.Base), Size: g.Size}
		switch g.Kind {
		case "ram":
			if g.Base != uint64(RAMBase) || g.Size != uint64(c.Memory) {
				return fmt.Errorf("the recording has memory at %#x of %#x bytes, and the machine at %#x of %#x", g.Base, g.Size, uint64(RAMBase), uint64(c.Memory))
			}
			err = m.amap.Add(r)
		case "watched":
			if r.Dev = x; (g.Base|g.Size)%cache.MinLine != 0 {
				return fmt.Errorf("the recording has a device over memory at %#x of %#x bytes, which are no lines", g.Base, g.Size)
			}
			err = m.amap.Overlay(r)
		default:
			r.Dev = x
			err = m.amap.Add(r)
		}
		if err != nil {
			return err
		}
	}
	m.image = &Image{Name: "recording"}
	m.console = device.NewOutput(m.opts.Console)
	shape, err := m.coherence(c)
	if err != nil {
		return err
	}
	if err := m.connect(shape); err != nil {
		return err
	}
	m.observe()
	if err := m.addHarts(); err != nil {
		return err
	}
	m.exact = x
	x.Attach(rec, m.bus, m.engine, m.harts)
	m.register()
	return nil
}
