package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

// grams are instructions in a row that have an operation for all, beside rows of LD and SD,
// which exec.go has itself. They were chosen one by one: each leaves the fewest operations to
// find in samples of what runs execute in Debian's boot (40 %), a shell script with sort,
// gzip and awk (40 %) and bench's kernels. Which there are changes no result. What a gram
// of three begins with is a gram too.
const grams = `
ADDIW_ADD ADDIW_ADDI ADDIW_ADDI_BGEU ADDIW_ADDI_MUL ADDIW_ADD_BGE ADDIW_BLTU ADDIW_BNE ADDIW_NotKept
ADDIW_SD ADDIW_SW ADDI_ADD ADDI_ADDI ADDI_ADDI_ADDI ADDI_ADDI_BLTU ADDI_ADDI_BNE ADDI_ADDI_FMADDD
ADDI_ADDI_NotKept ADDI_BEQ ADDI_BGEU ADDI_BLTU ADDI_BNE ADDI_BNE_LDRow ADDI_FMADDD ADDI_FSD
ADDI_FSD_BNE ADDI_JAL ADDI_JALR ADDI_LDRow ADDI_RunEnd ADDI_SD ADDI_SDRow ADDI_SD_BNE
ADDI_SUB ADDW_ADDW ADD_ADD ADD_ADD_ADD ADD_ADD_BEQ ADD_ADD_LBU ADD_BEQ ADD_BGEU
ADD_BLTU ADD_BNE ADD_JAL ADD_LBU ADD_NotKept ADD_RunEnd ADD_SD
ADD_SLTU ADD_SUB ANDI_BEQ ANDI_BNE AND_AND AND_LD AND_SLTU AND_SUB
AUIPC_ADDI AUIPC_JALR AUIPC_RunEnd BEQ_BNE BEQ_NotKept BLT_SLLI BNE_ADDI
DIV_NOP FLD_FLD FLD_FLD_ADDI FSD_BNE LBU_ADDI LBU_ADDI_BEQ LBU_BNE LBU_LBU
LBU_RunEnd LB_LB LB_NotKept LB_RunEnd LD_ADD LD_ADDI LD_ADD_ADDIW LD_ADD_SLTU
LD_BEQ LD_LBU LD_LW LD_RunEnd LD_SD LD_SDRow LD_SRLI LD_SUB
LD_SUB_SLTU LW_ADDI LW_ADDI_RunEnd LW_LW LW_SUBW MUL_ADD MUL_ADD_ADD MUL_ADD_BGEU
MUL_BGE MUL_MUL OR_ADD OR_ADD_ANDI OR_LD OR_OR OR_SD OR_SLLI
OR_XOR SB_SB SD_BNE SD_RunEnd SLLI_ADD SLLI_ADD_ADD SLLI_ADD_LHU SLLI_ADD_LW
SLLI_ADD_SLTU SLLI_OR SLLI_RunEnd SLLI_SRLI SLLI_SRLI_ADD SLLI_SRLI_RunEnd SLLI_SRLI_SRLI SLTU_RunEnd
SLTU_SD SRLIW_SLLIW SRLIW_XOR SRLI_ADD SRLI_RunEnd SRLI_SLLI SRLI_XOR SUB_BEQ
SUB_SLTIU XORI_AND XORI_SD XOR_BNE XOR_LD XOR_LDRow XOR_SLLI XOR_XOR
`

// operations are those of core/step.go, without step in front.
func operations() ([]string, error) {
	src, err := os.ReadFile("step.go")
	if err != nil {
		return nil, err
	}
	_, list, ok := strings.Cut(string(src), "stepLD stepOp = iota")
	list, _, ends := strings.Cut(list, "numSteps")
	if !ok || !ends {
		return nil, fmt.Errorf("step.go has no operations from stepLD to numSteps")
	}
	ops := []string{"LD"}
	for _, m := range regexp.MustCompile(`(?m)^\tstep(\w+)`).FindAllStringSubmatch(list, -1) {
		ops = append(ops, m[1])
	}
	return ops, nil
}

// label is that of an operation in exec.go: ADDI's is addi, RunEnd's is runEnd, LDRow's ldRow.
func label(op string) string {
	upper := len(capitals.FindString(op))
	if upper > 1 && upper < len(op) {
		upper--
	}
	return strings.ToLower(op[:upper]) + op[upper:]
}

var capitals = regexp.MustCompile(`^[A-Z0-9]+`)

// casesOf are the cases of the loop's switch: with the code of grams, and with a jump to
// that of their first instruction, behind which the next step is found by itself.
func casesOf(body string, ops []string) (whole, firsts string, err error) {
	code := map[string]string{}
	var at string
	for line := range strings.Lines(body) {
		if m := isLabel.FindStringSubmatch(line); m != nil {
			at = m[1]
		} else if at != "" && strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "\t//") {
			code[at] += line
		}
	}
	var simple, b, f strings.Builder
	for _, op := range ops {
		if code[label(op)] == "" {
			return "", "", fmt.Errorf("exec.go has no label %s for step%s", label(op), op)
		}
		fmt.Fprintf(&simple, "case step%s: goto %s\n", op, label(op))
	}
	for gram := range strings.FieldsSeq(grams) {
		text, err := gramCode(code, strings.Split(gram, "_"))
		if err != nil {
			return "", "", fmt.Errorf("%s: %w", gram, err)
		}
		first, _, _ := strings.Cut(gram, "_")
		fmt.Fprintf(&b, "case step%s:\n%s", gram, text)
		fmt.Fprintf(&f, "case step%s: goto %s\n", gram, label(first))
	}
	const last = "case lastStep: goto slow\n"
	return simple.String() + b.String() + last, simple.String() + f.String() + last, nil
}

var isLabel = regexp.MustCompile(`^\t(\w+):`)

// gramCode is what instructions in a row do. The last is jumped to.
func gramCode(code map[string]string, ops []string) (string, error) {
	if slices.Contains(ops, "Join") || len(ops) > 1 && strings.HasSuffix(ops[0], "Row") {
		return "", fmt.Errorf("cutRun leaves out joins, and rows go on by themselves")
	}
	first := label(ops[0])
	if code[first] == "" {
		return "", fmt.Errorf("exec.go has no label %s", first)
	}
	if len(ops) == 1 {
		return "goto " + first + "\n", nil
	}
	if !strings.Contains(code[first], "goto next\n") {
		return "", fmt.Errorf("nothing follows %s", ops[0])
	}
	rest, err := gramCode(code, ops[1:])
	return strings.ReplaceAll(code[first], "goto next\n", "in = in.next()\n"+rest), err
}

// gramsFile is core/grams.go.
func gramsFile() string {
	var b strings.Builder
	b.WriteString("// Operations that stand for instructions in a row, of which they are the first's step.\nconst (\n")
	rows := map[string]string{"LD": "stepLD: stepLDRow,\nstepLDRow: stepLDRow,\n", "SD": "stepSD: stepSDRow,\nstepSDRow: stepSDRow,\n"}
	longest := 0
	var firsts strings.Builder
	for i, gram := range strings.Fields(grams) {
		fmt.Fprintf(&b, "step%s", gram)
		if i == 0 {
			b.WriteString(" stepOp = numSteps + iota")
		}
		b.WriteByte('\n')
		longest = max(longest, 1+strings.Count(gram, "_"))
		last := strings.LastIndexByte(gram, '_')
		rows[gram[:last]] += fmt.Sprintf("step%s: step%s,\n", gram[last+1:], gram)
		first, _, _ := strings.Cut(gram, "_")
		fmt.Fprintf(&firsts, "step%s: step%s,\n", gram, first)
	}
	fmt.Fprintf(&b, "\nlongestGram = %d\n", longest)
	b.WriteString(")\n\n// gramOf is what stands for an operation and the one behind it, 0 if nothing does.\nvar gramOf = [1 << 8][numSteps]stepOp{\n")
	for _, first := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(&b, "step%s: {\n%s},\n", first, rows[first])
	}
	b.WriteString("}\n\n// firstOf is the first operation of those that stand for several.\nvar firstOf = [1 << 8]stepOp{stepLDRow: stepLD, stepSDRow: stepSD, lastStep: stepSlow,\n" + firsts.String() + "}\n")
	return b.String()
}
