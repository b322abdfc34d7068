#!/usr/bin/env bash
# Makes the samples anew, with Go, gcc, valgrind and xz. Valgrind's addresses are the
# same in every run on one host; another compiler or C library gives other ones.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for program in sort hash threads; do
	gcc -O2 -static -o "$work/$program" "../testdata/programs/$program.c"
	(cd "$work" && env -i PATH=/usr/bin:/bin setarch -R \
		valgrind --tool=lackey --trace-mem=yes --log-file="$program.lackey" "./$program" >/dev/null)
	xz -9e -c "$work/$program.lackey" >"$program.lackey.xz"
done

# Recordings of programs that come along: whole runs of two harts, and the first 60,000 cycles of four harts.
for program in falseshare prodcons; do
	status=0
	(cd ../.. && go run ./cmd/mcsim run --quiet --bare "builtin:$program" --harts 4 --max-cycles 60000 \
		--record "traces/samples/$program.mct" >/dev/null) || status=$?
	[ $status -eq 1 ] || [ $status -eq 101 ] # the limit on cycles; go run makes it 1
done
for program in vm lrsc; do
	(cd ../.. && go run ./cmd/mcsim run --quiet --bare "builtin:$program" --harts 2 --record "traces/samples/$program.mct" >/dev/null)
done
