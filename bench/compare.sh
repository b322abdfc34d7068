#!/usr/bin/env bash
# Compares mcsim's speed with Spike's on the same programs, five runs each in turn, and prints
# medians as markdown. Spike is not part of this repository: SPIKE names its binary.
#
#   SPIKE=/path/to/spike bench/compare.sh [--quick] [PROGRAM...] > table.md
#
# Two settings of each: without a cache model in Spike against mcsim's default machine, and
# Spike's caches (--ic=64:8:64 --dc=64:8:64 --l2=1024:8:64: one hierarchy, no coherence) against
# mcsim with the same geometry. MIPS are instructions of the program's own run on mcsim, of which
# Spike executes the same number with one hart, over wall time from start to exit; programs
# on four harts spin while they wait, so only times are compared there.
# RUNS is the number of runs (5), WRAP a command to put before each run.
set -euo pipefail
cd "$(dirname "$0")/.."

spike=${SPIKE:?set SPIKE to the spike binary}
runs=${RUNS:-5}
isa=rv64imafdc_zicsr_zifencei_zicntr_zihpm_zba_zbb_zbs
one=(intloop chase stream matmul)
many=(mt-compute mt-matmul mt-stream atomics pingpong)
if [ "${1:-}" = --quick ]; then
	shift
	runs=1
fi
if [ $# -gt 0 ]; then
	one=() many=()
	for name; do
		case $name in
		intloop | chase | stream | matmul) one+=("$name") ;;
		*) many+=("$name") ;;
		esac
	done
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/mcsim" ./cmd/mcsim

# variant NAME HARTS ELF: runs it once, output to stdout.
variant() {
	local caches=(--ic=64:8:64 --dc=64:8:64 --l2=1024:8:64)
	local same=(--set machine.llc.size=512KiB --set machine.llc.ways=8)
	case $1 in
	spike) "$spike" -p"$2" --isa=$isa "$3" ;;
	spike-caches) "$spike" -p"$2" --isa=$isa "${caches[@]}" "$3" ;;
	mcsim) "$dir/mcsim" run --quiet --bare "$3" --harts "$2" --stats "$dir/stats.json" ;;
	mcsim-same) "$dir/mcsim" run --quiet --bare "$3" --harts "$2" "${same[@]}" --stats "$dir/same.json" ;;
	esac
}
export -f variant
export spike isa dir

# measure VARIANT PROGRAM HARTS: appends "wall user" in seconds to a file.
measure() {
	# shellcheck disable=SC2016,SC2086 # expanded by the inner shell; WRAP is a command with arguments
	${WRAP:-} bash -c 'TIMEFORMAT="%R %U"; time variant "$@" </dev/null >/dev/null 2>&1' \
		- "$1" "$3" "guests/bin/$2.elf" 2>>"$dir/$2.$1" || : # a guest's exit code
}

# median FILE COLUMN
median() {
	sort -n -k"$2,$2" "$1" | awk -v c="$2" '{ v[NR] = $c } END { print v[int((NR + 1) / 2)] }'
}

# table HARTS PROGRAM...
table() {
	local harts=$1
	shift
	echo "| program | simulator | wall s | user s | MIPS | times Spike's |"
	echo "|---|---|--:|--:|--:|--:|"
	for name; do
		for ((i = 0; i < runs; i++)); do
			for v in spike mcsim spike-caches mcsim-same; do
				measure $v "$name" "$harts"
			done
		done
		local n
		n=$(sed -n '/"sim"/,$ s/.*"instructions": *\([0-9]*\).*/\1/p' "$dir/stats.json" | head -1)
		for v in spike mcsim spike-caches mcsim-same; do
			local base=spike
			[[ $v != *-* ]] || base=spike-caches
			awk -v name="$name" -v v=$v -v harts="$harts" -v n="$n" -v wall="$(median "$dir/$name.$v" 1)" \
				-v user="$(median "$dir/$name.$v" 2)" -v base="$(median "$dir/$name.$base" 1)" 'BEGIN {
				mips = harts == 1 ? sprintf("%.1f", n / wall / 1e6) : ""
				ratio = v ~ /^mcsim/ ? sprintf("%.2f", base / wall) : ""
				printf "| %s | %s | %.2f | %.2f | %s | %s |\n", name, v, wall, user, mips, ratio
			}'
		done
	done
	echo
}

[ ${#one[@]} = 0 ] || table 1 "${one[@]}"
[ ${#many[@]} = 0 ] || table 4 "${many[@]}"
