#!/usr/bin/env bash
# Makes the Valgrind samples anew, with gcc, valgrind and xz. Addresses are the
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
