package machine

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"

	"mcsim/addr"
	"mcsim/device"
	"mcsim/firmware/sbi"
)

// Boot is a system to start: a kernel in S-mode on a firmware in M-mode.
type Boot struct {
	Kernel  File   // nothing to run but the firmware, if it has no data
	Initrd  File   // optional
	BIOS    File   // M-mode firmware, ELF or flat; without data, the built-in one
	Append  string // the kernel's command line
	RNGSeed bool   // tell the kernel a seed of its random numbers, which follows from the machine's
}

// File is a file that has been read.
type File struct {
	Name string
	Data []byte
}

func (f File) given() bool { return f.Data != nil }

// firmwareSize is the memory below the kernel that a built-in firmware keeps for
// itself, as OpenSBI does: a power of two.
const firmwareSize = 512 << 10

// bootPlan is where the parts of a Boot lie.
type bootPlan struct {
	builtin    bool
	next       addr.PA // where S-mode starts
	initrd     addr.PA
	initrdSize uint64
	dtb        addr.PA // at most dtbRoom bytes
	info       addr.PA // of fw_dynamic; 0 with the built-in firmware
	append     string
	seed       bool
}

// dtbRoom is what is kept for a device tree; firmware makes it larger.
const dtbRoom = kernelAlign

// LoadBoot builds the machine around a system to boot. Memory, from the bottom:
// the firmware, the kernel at 2 MiB, and at the top initrd and device tree.
func (m *Machine) LoadBoot(b Boot) error {
	size := uint64(m.cfg.Machine.Memory)
	im := &Image{Name: b.BIOS.Name, Entry: RAMBase}
	p := &bootPlan{builtin: !b.BIOS.given(), next: RAMBase + kernelAlign, append: b.Append, seed: b.RNGSeed}
	if !p.builtin {
		bios, err := readBIOS(b.BIOS)
		if err != nil {
			return err
		}
		im.Entry, im.Segments, im.Symbols = bios.Entry, bios.Segments, bios.Symbols
	}
	if b.Kernel.given() {
		k, err := ReadKernel(b.Kernel.Name, b.Kernel.Data, p.next, size)
		if err != nil {
			return err
		}
		p.next = k.Entry
		im.Name = k.Name
		im.Segments = append(im.Segments, k.Segments...)
		im.Symbols = append(im.Symbols, k.Symbols...)
	} else if p.builtin {
		return fmt.Errorf("no kernel to boot")
	}
	top := uint64(RAMBase) + size
	p.dtb = addr.PA((top - dtbRoom) &^ (kernelAlign - 1))
	floor := uint64(p.dtb)
	if !p.builtin {
		// The struct lies behind the place of the device tree.
		p.info = p.dtb + dtbRoom - 4096
		im.Segments = append(im.Segments, Segment{PA: p.info, VA: uint64(p.info), Data: dynamicInfo(p.next), MemSize: 4096})
	}
	if b.Initrd.given() {
		p.initrdSize = uint64(len(b.Initrd.Data))
		if p.initrdSize > size {
			return fmt.Errorf("%s: %d bytes do not fit into the machine's memory of %d; give it more with --memory", b.Initrd.Name, p.initrdSize, size)
		}
		floor = (floor - p.initrdSize) &^ 4095
		p.initrd = addr.PA(floor)
		im.Segments = append(im.Segments, Segment{PA: p.initrd, VA: floor, Data: b.Initrd.Data, MemSize: p.initrdSize})
	}
	if err := p.checkRoom(im, floor, size); err != nil {
		return err
	}
	m.boot = p
	return m.Load(im)
}

// checkRoom sorts the image's segments and refuses a plan whose parts overlap.
func (p *bootPlan) checkRoom(im *Image, floor, size uint64) error {
	slices.SortStableFunc(im.Segments, func(a, b Segment) int { return cmp.Compare(a.PA, b.PA) })
	for i, s := range im.Segments {
		if s.MemSize == 0 {
			continue
		}
		end := uint64(s.PA) + s.MemSize
		if uint64(s.PA) < floor && end > floor || i > 0 && uint64(im.Segments[i-1].PA)+im.Segments[i-1].MemSize > uint64(s.PA) {
			return fmt.Errorf("%s: firmware, kernel, initrd and device tree do not fit into %d MiB of memory; give the machine more with --memory", im.Name, size>>20)
		}
	}
	return nil
}

// readBIOS reads an M-mode firmware: ELF, or flat for the start of memory.
func readBIOS(f File) (*Image, error) {
	if bytes.HasPrefix(f.Data, []byte("\x7fELF")) {
		return ReadELF(bytes.NewReader(f.Data), int64(len(f.Data)), f.Name)
	}
	if len(f.Data) == 0 {
		return nil, fmt.Errorf("%s: it is empty", f.Name)
	}
	if isText(f.Data) {
		return nil, fmt.Errorf("%s: it is text, and no firmware", f.Name)
	}
	if err := foreign(f.Data); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return rawImage(f.Name, f.Data, RAMBase, uint64(len(f.Data))), nil
}

// dynamicInfo is struct fw_dynamic_info, which OpenSBI's fw_dynamic finds by a2
// (OpenSBI, docs/firmware/fw_dynamic.md): magic, version, the next stage's address
// and mode (S), options, and no preference for a boot hart.
func dynamicInfo(next addr.PA) []byte {
	var b []byte
	for _, v := range []uint64{0x4942534f, 2, uint64(next), 1, 0, ^uint64(0)} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

// start starts the harts: at a firmware that was loaded, or in the built-in one.
func (m *Machine) start(entry, dtb addr.PA) error {
	p := m.boot
	if p == nil || !p.builtin {
		for _, h := range m.harts {
			h.Start(uint64(entry), uint64(dtb))
			if p != nil {
				h.SetX(12, uint64(p.info))
			}
		}
		return nil
	}
	c := &m.cfg.Machine
	cfg := sbi.Config{
		Costs:   sbi.Costs{Call: c.Firmware.Call, Interrupt: c.Firmware.Interrupt, Remote: c.Firmware.Remote, Page: c.Firmware.Page},
		Regions: []sbi.Region{{Base: uint64(RAMBase), Size: firmwareSize}},
		PMP:     c.PMP > 0,
		Entry:   uint64(p.next),
		Arg:     uint64(dtb),
	}
	if c.Devices.ACLINT {
		cfg.Regions = append(cfg.Regions, sbi.Region{Base: uint64(aclintBase), Size: device.ACLINTSize})
	}
	cfg.Regions = append(cfg.Regions, m.aia.delegate()...)
	var err error
	m.firmware, err = sbi.New(cfg, (*platform)(m), m.harts)
	return err
}

// platform is what the built-in firmware reaches of the machine.
type platform Machine

func (p *platform) SetMSIP(hart int, level bool) { (*Machine)(p).interrupt(hart, 3, level) }

func (p *platform) SetTimer(hart int, now, ticks uint64) {
	if p.aclint != nil {
		p.aclint.SetTimer(now, hart, ticks)
	}
}

func (p *platform) Wake(hart int, now uint64) { p.engine.Wake(hart, max(now, p.engine.Now())) }

func (p *platform) Print(_ uint64, b []byte) {
	p.console.Write(b) //nolint:errcheck // Flush tells
}

func (p *platform) Input(now uint64, b []byte) (n int) {
	if p.uart == nil {
		return 0
	}
	return p.uart.Take(now, b)
}

func (p *platform) ReadPhys(now uint64, pa uint64, b []byte) bool {
	_, ok := p.bus.DMARead((*dma)(p).agent(), addr.PA(pa), b, now)
	return ok
}

func (p *platform) WritePhys(now uint64, pa uint64, b []byte) bool {
	_, ok := p.bus.DMAWrite((*dma)(p).agent(), addr.PA(pa), b, now)
	return ok
}

func (p *platform) IsRAM(pa, size uint64) bool {
	return pa >= uint64(RAMBase) && size <= uint64(p.cfg.Machine.Memory) && pa-uint64(RAMBase) <= uint64(p.cfg.Machine.Memory)-size
}

func (p *platform) Exit(now uint64, code int64, reset bool) {
	(*Machine)(p).exitBy(now, device.Exit{Reset: reset, Code: code, By: "sbi"})
}

// describeBoot tells the device tree what the kernel is to find.
func (m *Machine) describeBoot(cfg *DTConfig) {
	p := m.boot
	if p == nil {
		return
	}
	cfg.BootArgs = p.append
	if p.initrdSize > 0 {
		cfg.InitrdStart, cfg.InitrdEnd = p.initrd, p.initrd+addr.PA(p.initrdSize)
	}
	if p.builtin {
		cfg.Reserved = DTRange{RAMBase, firmwareSize}
	}
	if p.seed {
		// The same machine gives the same random numbers; rand.ChaCha8 is good
		// enough for a kernel that should believe so.
		var key [32]byte
		binary.LittleEndian.PutUint64(key[:], m.cfg.Machine.Seed)
		cfg.RNGSeed = make([]byte, 64)
		rand.NewChaCha8(key).Read(cfg.RNGSeed) //nolint:errcheck // it never fails
	}
}
