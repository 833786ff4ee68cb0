#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Builds the fuzzers of the object loaders, one for each loader and base, and runs
# as many at a time as there are CPUs:
#
#   run.sh XPSGEN BASES TIME SEED DIR
#
# BASES are the kernel bases, separated by spaces. TIME is as for go test -fuzztime:
# 90s, 10m, 1h. SEED is 0 for a new one; each run prints its seed. DIR gets the
# builds, the corpora, and the input of a finding. Builds and corpora of the same
# source are used again.
set -eu

# runs one fuzzer: run.sh -one SECONDS SEED DIR
if [ "$1" = -one ]; then
	seconds=$2 seed=$3 name=${4#"${4%/*/*}"/}
	cd "$4"
	# The fuzzers mount a BPF file system, which nobody else is to see.
	unshare="unshare -mn"
	[ "$(id -u)" = 0 ] || unshare="unshare -rmn"
	code=0
	$unshare ./fuzz -max_total_time="$seconds" -seed="$seed" -timeout=600 -rss_limit_mb=2048 -max_len=65536 \
		-print_final_stats=1 corpus ../../seeds 2>out || code=$?
	grep -E '^(INFO: Seed|Done|stat::number)' out | sed "s,^,$name: ,"
	[ "$code" = 0 ] && exit
	grep -vE '^#[0-9]+[[:space:]]' out | tail -n 60 >&2
	echo "fuzz: $name: a finding, see $4/out" >&2
	exit 1
fi

here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
xpsgen=$1 bases=$2 time=$3 seed=$4 dir=$5

case $time in
*h) seconds=$((${time%h} * 3600)) ;;
*m) seconds=$((${time%m} * 60)) ;;
*s) seconds=${time%s} ;;
*) echo "fuzz: time \"$time\" is not like 90s, 10m or 1h" >&2; exit 2 ;;
esac

mkdir -p "$dir"
rm -rf "$dir/seeds"
(cd "$here" && go run ../generate -seeds "$dir/seeds")

for base in $bases; do
	at="$dir/$base"
	"$xpsgen" -q tree apply --base "$base" >"$dir/$base.trees"
	{ while read -r name version commit git; do git --git-dir="$git" rev-parse "$commit^{tree}"; done <"$dir/$base.trees"; cat "$here"/*; } >"$dir/$base.made-of"
	cmp -s "$dir/$base.made-of" "$at/made-of" && continue
	rm -rf "$at"
	mkdir -p "$at/iproute2" "$at/linux"
	while read -r name version commit git; do
		paths=
		[ "$name" = iproute2 ] || paths="tools/lib tools/build tools/scripts tools/include tools/arch scripts/bpf_doc.py"
		# shellcheck disable=SC2086
		git --git-dir="$git" archive "$commit" $paths | tar -x -C "$at/$name"
		echo "fuzz: $base: $name $version" >&2
	done <"$dir/$base.trees"
	for loader in legacy libbpf; do
		mkdir -p "$at/$loader/corpus"
		make -j "$(nproc)" -C "$at/$loader" -f "$here/Makefile" IPROUTE2="$at/iproute2" TOOLS="$at/linux/tools" "$loader" >"$at/$loader/log" 2>&1 || {
			tail "$at/$loader/log" >&2
			exit 1
		}
	done
	cp "$dir/$base.made-of" "$at/made-of"
done

for base in $bases; do
	printf '%s\0' "$dir/$base/legacy" "$dir/$base/libbpf"
done | xargs -0 -n 1 -P "$(nproc)" "$0" -one "$seconds" "$seed" || exit 1
