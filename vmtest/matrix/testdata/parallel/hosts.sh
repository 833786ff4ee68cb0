#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# hosts.sh DIR CLONE COMMAND: run COMMAND with two hosts, a and b, that are reached by
# "ssh -F DIR/ssh_config". Each is a network namespace with its own sshd and its own
# copy of CLONE in DIR/host. Call it in a mount, network and pid namespace of its own.
set -eu
dir=$1
clone=$2
command=$3

mount -t tmpfs none /run
mkdir -p /run/sshd /run/netns "$dir/host"
ssh-keygen -q -t ed25519 -N '' -f "$dir/host_key"
ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
ip link set lo up
ip link add br0 type bridge
ip address add 10.9.0.1/24 dev br0
ip link set br0 up

cat >"$dir/ssh_config" <<END
Host *
	IdentityFile $dir/key
	IdentitiesOnly yes
	UserKnownHostsFile /dev/null
	StrictHostKeyChecking no
	LogLevel ERROR
	ConnectTimeout 3
	ServerAliveInterval 2
	ServerAliveCountMax 2
END

n=1
for host in a b; do
	n=$((n + 1))
	ip netns add $host
	ip link add veth-$host type veth peer name eth0 netns $host
	ip link set veth-$host master br0 up
	ip -n $host link set lo up
	ip -n $host link set eth0 up
	ip -n $host address add 10.9.0.$n/24 dev eth0
	printf 'Host %s\n\tHostName 10.9.0.%s\n' $host $n >>"$dir/ssh_config"
	cat >"$dir/sshd_$host" <<END
HostKey $dir/host_key
AuthorizedKeysFile $dir/key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
PermitUserEnvironment no
SetEnv XPSGEN_CACHE=$XPSGEN_CACHE
Subsystem sftp internal-sftp
END
	cp -a "$clone" "$dir/$host"
	# A bind mount in a mount namespace of its own: each host has other files in
	# the same place.
	ip netns exec $host unshare -m sh -ec \
		'mount --bind "$1/$2" "$1/host"; exec $(PATH=$PATH:/usr/sbin command -v sshd) -D -f "$1/sshd_$2" -E "$1/sshd_$2.log"' \
		sh "$dir" $host &
done

for host in a b; do
	tries=0
	until ssh -F "$dir/ssh_config" $host test -d "$dir/host/.git"; do
		tries=$((tries + 1))
		test $tries -lt 100 || exit 1
		sleep 0.1
	done
done
cd "$dir"
exec sh -eu "$command" "$dir"
