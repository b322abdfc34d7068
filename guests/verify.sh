#!/bin/sh
# Runs the guest programs on an independent implementation with four harts and compares with
# testdata: verify.sh spike|qemu [--record] [NAME...]. SPIKE and QEMU name the binaries.
# Lines that begin with a blank are measurements and are left out.
set -eu
cd "$(dirname "$0")"

sim=${1:?spike or qemu}
shift
record=
if [ "${1:-}" = --record ]; then
	record=yes
	shift
fi
isa=rv64imafdc_zicsr_zifencei_zicntr_zihpm_zba_zbb_zbs_zicclsm_zicond_zicbom_zicboz_zicbop_zihintpause
isa=${isa}_zawrs_zfhmin_zcb_svinval_svnapot_svpbmt_svade_svadu_sstc
seconds=${SECONDS_EACH:-120}

run() {
	case $sim in
	spike) timeout "$seconds" "${SPIKE:-spike}" -p4 --isa=$isa "$1" </dev/null ;;
	qemu) timeout "$seconds" "${QEMU:-qemu-system-riscv64}" -M virt -smp 4 -nographic -bios "$1" \
		-cpu rv64,svnapot=on,svpbmt=on,svinval=on </dev/null ;;
	*) echo "verify.sh: $sim: spike or qemu" >&2; exit 2 ;;
	esac
}

[ $# -gt 0 ] || set -- $(ls bin/*.elf | sed 's,bin/,,; s,\.elf$,,')
all=$(mktemp)
got=$(mktemp)
trap 'rm -f "$all" "$got"' EXIT
failed=0
for name; do
	code=0
	case $name in
	fault-loop | fault-wfi) seconds_here=2 ;;
	*) seconds_here=$seconds ;;
	esac
	(seconds=$seconds_here; run "bin/$name.elf") >"$all" 2>&1 || code=$?
	end="[exit $code]"
	[ $code != 124 ] || end="[no end]"
	{ tr -d '\r\000' <"$all" | grep -v -e '^ ' -e '^$' -e '^qemu-system' -e '^\*\*\*' || :; echo "$end"; } >"$got"
	if [ -n "$record" ]; then
		cp "$got" "testdata/$name.out"
	elif ! diff "testdata/$name.out" "$got" >"$all"; then
		failed=1
		echo "$name: differs (< recorded, > $sim)"
		cat "$all"
	else
		echo "$name: same"
	fi
done
exit $failed
