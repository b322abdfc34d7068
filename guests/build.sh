#!/bin/sh
# Builds the guest programs into guests/bin, the same bytes on every machine that has
# Debian 12's gcc-riscv64-unknown-elf (12.2). With --check it builds into a temporary
# directory and compares with what is committed. With names it builds only those.
set -eu
cd "$(dirname "$0")"

cc=${GUEST_CC:-riscv64-unknown-elf-gcc}
out=bin
check=
if [ "${1:-}" = --check ]; then
	shift
	check=yes
	out=$(mktemp -d)
fi
version=$($cc -dumpfullversion)
[ "$version" = 12.2.0 ] || echo "build.sh: gcc is $version, the committed programs are from 12.2.0" >&2

flags="-march=rv64imafdc_zicsr_zifencei -mabi=lp64d -mcmodel=medany
	-O2 -std=gnu11 -ffreestanding -fno-builtin -fno-tree-loop-distribute-patterns
	-fno-common -fno-asynchronous-unwind-tables -fno-stack-protector -ffp-contract=fast
	-ffunction-sections -fdata-sections -ffile-prefix-map=$PWD=. -frandom-seed=guest
	-Wall -Wextra -Werror -I$PWD/runtime"
link="-nostdlib -nostartfiles -static -Wl,--build-id=none -Wl,--gc-sections
	-Wl,-z,max-page-size=64 -Wl,--no-warn-rwx-segments -Wl,--strip-debug"

# The linker notes the names of the object files, so they must not be temporary ones.
objects=$(mktemp -d)
trap 'rm -rf "$objects" ${check:+"$out"}' EXIT
compile() {
	# shellcheck disable=SC2086 # the flags are meant to be split
	LC_ALL=C $cc $flags -c -o "$objects/$(basename "$1").o" "$1"
}
runtime=
for source in runtime/crt.S runtime/*.c; do
	compile "$source"
	runtime="$runtime $(basename "$source").o"
done

# tool NAME builds a program for Linux, which starts at the usual place of programs.
tool() {
	compile "tools/$1.c"
	# shellcheck disable=SC2086
	(cd "$objects" && LC_ALL=C $cc $flags -nostdlib -nostartfiles -static -Wl,--build-id=none -Wl,--gc-sections \
		-Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,-s -o tool "$1.c.o")
	mkdir -p "$out/linux"
	cp "$objects/tool" "$out/linux/$1"
	chmod 644 "$out/linux/$1"
	if [ -n "$check" ] && ! cmp "$out/linux/$1" "bin/linux/$1"; then
		failed=1
	fi
}

failed=0
[ $# -gt 0 ] || tool mcsim-marker
[ $# -gt 0 ] || set -- $(ls programs/*.c | sed 's,programs/,,; s,\.c$,,')
for name; do
	own=
	for source in "programs/$name".[cS]; do
		if [ -f "$source" ]; then
			compile "$source"
			own="$own $(basename "$source").o"
		fi
	done
	# shellcheck disable=SC2086
	(script=$PWD/runtime/link.ld && cd "$objects" &&
		LC_ALL=C $cc $flags $link -T "$script" -o program.elf $runtime $own)
	cp "$objects/program.elf" "$out/$name.elf"
	chmod 644 "$out/$name.elf"
	if [ -n "$check" ] && ! cmp "$out/$name.elf" "bin/$name.elf"; then
		failed=1
	fi
done
[ -z "$check" ] || [ $failed = 1 ] || echo "guests: $# programs rebuilt, the same bytes"
exit $failed
