# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh DIR: run the cells of DIR/out/plan.json on the hosts a and b. The host that runs
# check-uapi dies meanwhile. Then run what is missing on the hosts that are left.
dir=$1
xpsgen=$dir/host/bin/xpsgen
export PARALLEL_HOME="$dir/.parallel"
# parallel quotes the names for the other shell; from 3.2.4 on rsync does so as well.
export RSYNC_OLD_ARGS=1

# The plan goes to each host, and each archive comes back as soon as it exists. The plan is
# in out, which git ignores: a file that git sees is a local change.
cells() {
	hosts=$1
	plan=$2
	jq -r '.cells[].id' "$plan" |
		parallel --will-cite --ssh "ssh -F $dir/ssh_config" -S "$hosts" --jobs 1 --workdir "$dir/host" \
			--transferfile "$plan" --return 'out/cells/{}.tar.gz' \
			"$xpsgen" -q --root "$dir/host" cell --plan "$plan" --out out/cells {}
}

# Wait until a host runs check-uapi. Cut it off, then kill all its processes: its peers
# get no answer, as from a machine without power.
die() {
	while true; do
		for host in a b; do
			for pid in $(ip netns pids $host); do
				if cat "/proc/$pid/cmdline" 2>/dev/null | tr '\0' ' ' | grep -q 'uapi --check'; then
					echo $host >"$dir/dead"
					ip link set veth-$host down
					ip netns pids $host | xargs kill -9 || true # some have ended
					return
				fi
			done
		done
		sleep 0.02
	done
}

cd "$dir"
die &
code=0
cells a,b out/plan.json || code=$?
wait
echo "parallel: exit code $code" >&2
test $code != 0

# The archives that came back are complete, and the rest is missing by name.
"$dir/a/bin/xpsgen" --root "$dir/a" collect --plan out/plan.json --failed --out first out/cells >out/again.json && exit 1

# The rerun, on the host that is left.
case $(cat dead) in a) left=b ;; b) left=a ;; esac
cells $left out/again.json
"$dir/a/bin/xpsgen" --root "$dir/a" collect --plan out/plan.json --out second out/cells
