package traces

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// The two records as ChampSim declares them, with the compiler's padding.
type (
	inputInstr struct {
		IP                  uint64
		IsBranch, Taken     uint8
		DestinationRegister [2]uint8
		SourceRegister      [4]uint8
		DestinationMemory   [2]uint64
		SourceMemory        [4]uint64
	}
	cloudsuiteInstr struct {
		IP                  uint64
		IsBranch, Taken     uint8
		DestinationRegister [4]uint8
		SourceRegister      [4]uint8
		_                   [6]uint8
		DestinationMemory   [4]uint64
		SourceMemory        [4]uint64
		ASID                [2]uint8
		_                   [6]uint8
	}
)

func encoded(records any) string {
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, records); err != nil {
		panic(err)
	}
	return b.String()
}

func champsimSample() string {
	return encoded([]inputInstr{
		{IP: 0x400120, DestinationRegister: [2]uint8{3}, SourceRegister: [4]uint8{6, 25},
			SourceMemory: [4]uint64{0x7ffe0010, 0, 0x7ffe0100}, DestinationMemory: [2]uint64{0, 0x7ffe0020}},
		{IP: 0x400124, IsBranch: 1, Taken: 1, DestinationRegister: [2]uint8{26}},
		{IP: 0x400100, SourceMemory: [4]uint64{0x7ffe0018}},
		{IP: 0x400104},
		{IP: 0x400108},
	})
}

func cloudsuiteSample() string {
	return encoded([]cloudsuiteInstr{
		{IP: 0x400120, SourceMemory: [4]uint64{1 << 40, 2, 3, 4}, DestinationMemory: [4]uint64{5, 6, 7, 8}, ASID: [2]uint8{7, 1}},
		{IP: 0x400124, IsBranch: 1},
		{IP: 0x400128},
		{IP: 0x40012c},
	})
}

func TestChampsim(t *testing.T) {
	refs, err := readString(t, champsimSample(), "champsim")
	if err != nil {
		t.Fatal(err)
	}
	const pc, has = 0x400120, HasVA | HasPC
	want := []Ref{
		{VA: pc, PC: pc, Kind: Fetch, Instructions: 1},
		{VA: 0x7ffe0010, PC: pc, Kind: Load},
		{VA: 0x7ffe0100, PC: pc, Kind: Load},
		{VA: 0x7ffe0020, PC: pc, Kind: Store},
		{VA: pc + 4, PC: pc + 4, Kind: Fetch, Instructions: 1},
	}
	for i, w := range want {
		w.Has, w.Size = has, 1
		if refs[i] != w {
			t.Errorf("reference %d is %+v, want %+v", i, refs[i], w)
		}
	}
}

func TestCloudsuite(t *testing.T) {
	refs, err := readString(t, cloudsuiteSample(), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(refs) != 12 || refs[1].VA != 1<<40 || refs[1].Kind != Load || refs[8].VA != 8 || refs[8].Kind != Store || refs[8].ASID != 0x107 {
		t.Errorf("%+v", refs)
	}
}
