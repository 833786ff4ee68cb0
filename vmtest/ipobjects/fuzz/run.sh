#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Builds the fuzzers of the object loaders and runs each:
#
#   run.sh XPSGEN BASE TIME SEED DIR
#
# TIME is as for go test -fuzztime: 90s, 10m, 1h. SEED is 0 for a new one; each
# run prints its seed. DIR gets the builds, and the input of a finding.
set -eu

here=$(CDPATH= cd "$(dirname "$0")" && pwd)
xpsgen=$1 base=$2 time=$3 seed=$4 dir=$5

case $time in
*h) seconds=$((${time%h} * 3600)) ;;
*m) seconds=$((${time%m} * 60)) ;;
*s) seconds=${time%s} ;;
*) echo "fuzz: time \"$time\" is not like 90s, 10m or 1h" >&2; exit 2 ;;
esac

# The fuzzers mount a BPF file system, which nobody else is to see.
unshare="unshare -mn"
[ "$(id -u)" = 0 ] || unshare="unshare -rmn"

rm -rf "$dir"
mkdir -p "$dir/iproute2" "$dir/linux" "$dir/corpus"
(cd "$here" && go run ../generate -seeds "$dir/seeds")

"$xpsgen" -q tree apply ${base:+--base "$base"} >"$dir/trees"
while read -r name version commit git; do
	paths=
	[ "$name" = iproute2 ] || paths="tools/lib tools/build tools/scripts tools/include tools/arch scripts/bpf_doc.py"
	# shellcheck disable=SC2086
	git --git-dir="$git" archive "$commit" $paths | tar -x -C "$dir/$name"
	echo "fuzz: $name $version" >&2
done <"$dir/trees"

cd "$dir"
for loader in legacy libbpf; do
	make -f "$here/Makefile" IPROUTE2="$dir/iproute2" TOOLS="$dir/linux/tools" "$loader" >"$loader.log" 2>&1 || {
		tail "$loader.log" >&2
		exit 1
	}
	mkdir -p "corpus/$loader"
	echo "fuzz: $loader for $seconds s" >&2
	$unshare "./$loader" -max_total_time="$seconds" -seed="$seed" -timeout=30 -rss_limit_mb=2048 -max_len=65536 \
		-print_final_stats=1 "corpus/$loader" seeds 2>"$loader.out" || {
		tail -n 60 "$loader.out" >&2
		echo "fuzz: $loader: a finding, see $dir/$loader.out" >&2
		exit 1
	}
	grep -E '^(INFO: Seed|Done|stat::number)' "$loader.out"
done
