package isa

// Format says where an instruction's operands are and how they are written.
type Format uint8

// The formats. operands (32-bit) and operandsC (16-bit) extract them;
// formatText writes them.
const (
	FmtNone Format = iota // no operands

	FmtR        // rd, rs1, rs2
	FmtUnary    // rd, rs1
	FmtI        // rd, rs1, signed immediate
	FmtShift6   // rd, rs1, 6-bit amount
	FmtShift5   // rd, rs1, 5-bit amount
	FmtU        // rd, upper immediate
	FmtJ        // rd, target
	FmtB        // rs1, rs2, target
	FmtLoad     // rd, offset(rs1)
	FmtStore    // rs2, offset(rs1)
	FmtAMO      // rd, rs2, (rs1)
	FmtLR       // rd, (rs1)
	FmtCSR      // rd, csr, rs1
	FmtCSRI     // rd, csr, 5-bit immediate in Rs1
	FmtFence    // predecessors, successors
	FmtFenceTSO // none written
	FmtCBO      // (rs1)
	FmtPrefetch // offset(rs1), the offset a multiple of 32
	FmtSFence   // rs1, rs2

	FmtFLoad     // frd, offset(rs1)
	FmtFStore    // frs2, offset(rs1)
	FmtFR        // frd, frs1, frs2
	FmtFRM       // frd, frs1, frs2, rounding
	FmtFMA       // frd, frs1, frs2, frs3, rounding
	FmtFUnaryRM  // frd, frs1, rounding
	FmtFCompare  // rd, frs1, frs2
	FmtFToX      // rd, frs1
	FmtFToXRM    // rd, frs1, rounding
	FmtXToF      // frd, rs1
	FmtXToFRM    // frd, rs1, rounding
	FmtFExact    // frd, frs1, rounding that cannot matter
	FmtXToFExact // frd, rs1, rounding that cannot matter

	firstCompressed
)

// The formats of 16-bit encodings, named after the manual's CI, CSS, ... and,
// where scaled immediates differ, after the access.
const (
	FmtCADDI4SPN = firstCompressed + iota // rd', sp, immediate
	FmtCADDI16SP                          // sp, immediate
	FmtCI                                 // rd, immediate
	FmtCLI                                // rd, immediate
	FmtCLUI                               // rd, upper immediate
	FmtCSLLI                              // rd, amount
	FmtCShift                             // rd', amount
	FmtCANDI                              // rd', immediate
	FmtCA                                 // rd', rs2'
	FmtCMV                                // rd, rs2
	FmtCADD                               // rd, rs2
	FmtCJ                                 // target
	FmtCB                                 // rs1', target
	FmtCJR                                // rs1
	FmtCJALR                              // rs1
	FmtCLW                                // rd', offset(rs1')
	FmtCLD
	FmtCFLD
	FmtCSW // rs2', offset(rs1')
	FmtCSD
	FmtCFSD
	FmtCLWSP // rd, offset(sp)
	FmtCLDSP
	FmtCFLDSP
	FmtCSWSP // rs2, offset(sp)
	FmtCSDSP
	FmtCFSDSP
	FmtCLB // rd', offset(rs1')
	FmtCLH
	FmtCSB // rs2', offset(rs1')
	FmtCSH
	FmtCUnary // rd'
	FmtCZEXTB
	FmtCNOT

	numFormats
)

// formatText gives each format's operands, a letter each, in the assembler's
// order; other characters stand for themselves.
//
//	d s t    rd, rs1, rs2 of x registers
//	D S T R  rd, rs1, rs2, rs3 of f registers
//	i h u    immediate in decimal, in hexadecimal, upper in hexadecimal
//	p c z    branch target, CSR, rs1 as a number
//	r e      ",rounding" unless it is dynamic; unless it is to nearest
//	P Q      predecessor and successor sets
var formatText = [numFormats]string{
	FmtNone:     "",
	FmtR:        "d,s,t",
	FmtUnary:    "d,s",
	FmtI:        "d,s,i",
	FmtShift6:   "d,s,h",
	FmtShift5:   "d,s,h",
	FmtU:        "d,u",
	FmtJ:        "d,p",
	FmtB:        "s,t,p",
	FmtLoad:     "d,i(s)",
	FmtStore:    "t,i(s)",
	FmtAMO:      "d,t,(s)",
	FmtLR:       "d,(s)",
	FmtCSR:      "d,c,s",
	FmtCSRI:     "d,c,z",
	FmtFence:    "P,Q",
	FmtFenceTSO: "",
	FmtCBO:      "(s)",
	FmtPrefetch: "i(s)",
	FmtSFence:   "s,t",

	FmtFLoad:     "D,i(s)",
	FmtFStore:    "T,i(s)",
	FmtFR:        "D,S,T",
	FmtFRM:       "D,S,Tr",
	FmtFMA:       "D,S,T,Rr",
	FmtFUnaryRM:  "D,Sr",
	FmtFCompare:  "d,S,T",
	FmtFToX:      "d,S",
	FmtFToXRM:    "d,Sr",
	FmtXToF:      "D,s",
	FmtXToFRM:    "D,sr",
	FmtFExact:    "D,Se",
	FmtXToFExact: "D,se",

	FmtCADDI4SPN: "d,s,i",
	FmtCADDI16SP: "d,i",
	FmtCI:        "d,i",
	FmtCLI:       "d,i",
	FmtCLUI:      "d,u",
	FmtCSLLI:     "d,h",
	FmtCShift:    "d,h",
	FmtCANDI:     "d,i",
	FmtCA:        "d,t",
	FmtCMV:       "d,t",
	FmtCADD:      "d,t",
	FmtCJ:        "p",
	FmtCB:        "s,p",
	FmtCJR:       "s",
	FmtCJALR:     "s",
	FmtCLW:       "d,i(s)",
	FmtCLD:       "d,i(s)",
	FmtCFLD:      "D,i(s)",
	FmtCSW:       "t,i(s)",
	FmtCSD:       "t,i(s)",
	FmtCFSD:      "T,i(s)",
	FmtCLWSP:     "d,i(s)",
	FmtCLDSP:     "d,i(s)",
	FmtCFLDSP:    "D,i(s)",
	FmtCSWSP:     "t,i(s)",
	FmtCSDSP:     "t,i(s)",
	FmtCFSDSP:    "T,i(s)",
	FmtCLB:       "d,i(s)",
	FmtCLH:       "d,i(s)",
	FmtCSB:       "t,i(s)",
	FmtCSH:       "t,i(s)",
	FmtCUnary:    "d",
	FmtCZEXTB:    "d",
	FmtCNOT:      "d",
}
