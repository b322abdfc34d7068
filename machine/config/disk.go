package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Modes of a disk.
const (
	DiskReadWrite = "rw"
	DiskReadOnly  = "ro"
	DiskOverlay   = "overlay"
)

// Formats of disk images.
const (
	DiskRaw   = "raw"
	DiskQCOW2 = "qcow2"
)

// Disk says which image a disk is, and how it is used. In text:
//
//	FILE[,ro|rw|overlay|overlay=FILE][,format=raw|qcow2][,id=NAME][,fail-read=SECTOR[+N]][,fail-write=SECTOR[+N]]
//
// A comma in a file's name is written twice.
type Disk struct {
	File        string
	Mode        string // "" for rw with raw, overlay with qcow2
	OverlayFile string // "" for memory
	Format      string // "" to look
	ID          string // what the guest reads as the disk's identity; at most 20 bytes
	// Sectors whose reads and writes fail, for tests of a guest.
	FailReads, FailWrites []Sectors
}

// Sectors are N sectors from First.
type Sectors struct{ First, N uint64 }

// ParseDisk reads a Disk.
func ParseDisk(text string) (Disk, error) {
	parts := splitDisk(text)
	s := Disk{File: parts[0]}
	if s.File == "" {
		return s, fmt.Errorf("no file; write FILE[,ro|overlay][,format=raw|qcow2]")
	}
	for _, p := range parts[1:] {
		if err := s.option(p); err != nil {
			return s, err
		}
	}
	return s, nil
}

// splitDisk cuts a text at single commas; two stand for one.
func splitDisk(text string) (parts []string) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] != ',':
			b.WriteByte(text[i])
		case i+1 < len(text) && text[i+1] == ',':
			b.WriteByte(',')
			i++
		default:
			parts = append(parts, b.String())
			b.Reset()
		}
	}
	return append(parts, b.String())
}

func (s *Disk) option(p string) error {
	name, value, has := strings.Cut(p, "=")
	mode := func(m string) error {
		if s.Mode != "" && s.Mode != m {
			return fmt.Errorf("%s and %s at once", s.Mode, m)
		}
		s.Mode = m
		return nil
	}
	switch {
	case p == DiskReadOnly || p == DiskReadWrite || p == DiskOverlay:
		return mode(p)
	case name == DiskOverlay && value != "":
		s.OverlayFile = value
		return mode(DiskOverlay)
	case name == "format" && (value == DiskRaw || value == DiskQCOW2):
		s.Format = value
	case name == "format":
		return fmt.Errorf("format %q is unknown; there is raw and qcow2", value)
	case name == "id" && has:
		if len(value) > 20 {
			return fmt.Errorf("id %q has more than 20 bytes", value)
		}
		s.ID = value
	case name == "fail-read" || name == "fail-write":
		r, err := parseSectors(value)
		if err != nil {
			return err
		}
		if name == "fail-read" {
			s.FailReads = append(s.FailReads, r)
		} else {
			s.FailWrites = append(s.FailWrites, r)
		}
	default:
		return fmt.Errorf("option %q is unknown; there is ro, rw, overlay, overlay=FILE, format=, id=, fail-read= and fail-write=", p)
	}
	return nil
}

func parseSectors(text string) (Sectors, error) {
	first, n, many := strings.Cut(text, "+")
	r := Sectors{N: 1}
	var err, err2 error
	r.First, err = strconv.ParseUint(first, 0, 55)
	if many {
		r.N, err2 = strconv.ParseUint(n, 0, 55)
	}
	if err != nil || err2 != nil || r.N == 0 {
		return r, fmt.Errorf("%q are no sectors; write SECTOR or SECTOR+COUNT", text)
	}
	return r, nil
}
