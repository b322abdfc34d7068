package cache

import (
	"fmt"
	"slices"
)

// Image is the whole state of an Array in plain slices, for checkpoints. A
// restored array behaves exactly as the saved one went on to.
type Image struct {
	Tags  []uint64
	State []uint8
	Stamp []uint64
	Meta  []uint64 // empty for policies without
	Data  []byte
	Clock uint64
	Fills uint64
}

// Save returns a copy of the array's state.
func (a *Array) Save() Image {
	return Image{
		Tags:  slices.Clone(a.Tags),
		State: slices.Clone(a.State),
		Stamp: slices.Clone(a.Stamp),
		Meta:  slices.Clone(a.meta),
		Data:  slices.Clone(a.Data),
		Clock: a.Clock,
		Fills: a.Fills,
	}
}

// Restore copies im into the array, which keeps its slices. It fails, changing
// nothing, if im is of another shape or breaks an invariant that Check knows.
func (a *Array) Restore(im Image) error {
	if len(im.Tags) != len(a.Tags) || len(im.State) != len(a.State) || len(im.Stamp) != len(a.Stamp) ||
		len(im.Meta) != len(a.meta) || len(im.Data) != len(a.Data) {
		return fmt.Errorf("cache: an image of %d slots, %d bytes and %d words of policy state does not fit %d, %d and %d",
			len(im.Tags), len(im.Data), len(im.Meta), len(a.Tags), len(a.Data), len(a.meta))
	}
	probe := *a
	probe.Tags, probe.State, probe.Stamp, probe.Clock = im.Tags, im.State, im.Stamp, im.Clock
	probe.partial = make([]uint64, len(a.partial))
	probe.fillPartial()
	if err := probe.Check(); err != nil {
		return fmt.Errorf("image: %w", err)
	}
	copy(a.Tags, im.Tags)
	copy(a.State, im.State)
	copy(a.Stamp, im.Stamp)
	copy(a.meta, im.Meta)
	copy(a.Data, im.Data)
	copy(a.partial, probe.partial)
	a.Clock, a.Fills = im.Clock, im.Fills
	return nil
}
