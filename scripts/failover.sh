# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What a pair of routers with real daemons and phones needs. Source it after lab.sh:
#
#	need_failover		packages, the module for the user-mode kernel, both tools

need_failover()
{
	need_machine
	apt_need python3 nftables iproute2 kmod procps keepalived conntrackd conntrack redis-server \
		kamailio baresip-core openssl make gcc libc6-dev libmnl-dev libnetfilter-conntrack-dev libhiredis-dev
	"$TOP/scripts/build-module" um
	make -s -C "$TOP/tools/sipalg-ctl"
	make -s -C "$TOP/tools/sipalg-sync"
}
