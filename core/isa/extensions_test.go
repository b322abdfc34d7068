package isa

import (
	"slices"
	"strings"
	"testing"
)

func TestParseISA(t *testing.T) {
	for in, want := range map[string]string{
		"rv64i":                  "rv64i",
		"rv64gc":                 "rv64imafdc_zicsr_zifencei",
		"RV64GC_Zba":             "rv64imafdc_zicsr_zifencei_zba",
		" rv64imac\n":            "rv64imac",
		"rv64g_zcb":              "rv64imafd_zicsr_zifencei_zca_zcb",
		"rv64i_zcd":              "rv64ifd_zicsr_zca_zcd",
		"rv64id":                 "rv64ifd_zicsr",
		"rv64i_zfhmin":           "rv64if_zicsr_zfhmin",
		"rv64imac_zawrs":         "rv64imac_zawrs",
		"rv64im_zawrs":           "rv64ima_zawrs",
		"rv64imcb":               "rv64imc_zba_zbb_zbs",
		"rv64i_m_a_c":            "rv64imac",
		"rv64iczba_zbb":          "rv64ic_zba_zbb",
		"rv64i2p1m2_a2p1_zba1p0": "rv64ima_zba",
		"rv64i_zicbop1p0":        "rv64i_zicbop",
		"rv64i2_zicsr2":          "rv64i_zicsr",
		"rv64gc_svpbmt_svinval_sstc_zihpm_zicntr": "rv64imafdc_zicntr_zicsr_zifencei_zihpm_sstc_svinval_svpbmt",
	} {
		e, err := ParseISA(in)
		if err != nil || e.String() != want {
			t.Errorf("%q: got %q, %v, want %q", in, e, err, want)
			continue
		}
		if again, err := ParseISA(e.String()); again != e || err != nil {
			t.Errorf("%q: its canonical form %q reads as %q, %v", in, e, again, err)
		}
	}
}

func TestParseISAErrors(t *testing.T) {
	for in, words := range map[string][]string{
		"":              {"rv64"},
		"rv32imac":      {"rv32imac", "rv64"},
		"rv64":          {"i or g"},
		"rv64e":         {"i or g"},
		"rv64mac":       {"i or g"},
		"rv64gcv_zfoo":  {"v, zfoo", "supported are i m a"},
		"rv64gc_zba9q1": {"zba9q1"},
		"rv64gc-zba":    {"-"},
		"rv64g_xvendor": {"xvendor"},
	} {
		_, err := ParseISA(in)
		if err == nil {
			t.Errorf("%q: no error", in)
			continue
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%q: error %q does not say %q", in, err, word)
			}
		}
	}
}

func TestExtensionNames(t *testing.T) {
	e, err := ParseISA("rv64imc_zbb_zicsr")
	if want := []string{"i", "m", "c", "zicsr", "zca", "zbb"}; err != nil || !slices.Equal(e.Names(), want) {
		t.Errorf("got %v, %v, want %v", e.Names(), err, want)
	}
	if !e.Has(ExtM|ExtZca) || e.Has(ExtM|ExtA) {
		t.Error("Has wants all")
	}
}

func FuzzParseISA(f *testing.F) {
	f.Add("rv64gc_zba")
	f.Add("rv64i2p1_m2p0")
	f.Fuzz(func(t *testing.T, s string) {
		e, err := ParseISA(s)
		if err != nil {
			return
		}
		if again, err := ParseISA(e.String()); again != e || err != nil {
			t.Errorf("%q -> %q -> %q, %v", s, e, again, err)
		}
	})
}
