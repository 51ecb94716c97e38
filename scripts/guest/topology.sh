#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The guest's networks: a phone behind a router that masquerades, a provider, and
# a second phone, the callee, that is the provider's other customer.
#
#	phone            router                 provider               callee
#	192.168.1.10 --- .1 | 203.0.113.1 --- .10 | 198.51.100.1 --- 198.51.100.20
#	eth0             lan  wan               uplink  access         eth0
#
# In batches, since a process costs a tenth of a second in an emulated machine.
set -euo pipefail

ip -batch - <<'IP'
netns add phone
netns add router
netns add provider
netns add callee
link add lan netns router type veth peer name eth0 netns phone
link add wan netns router type veth peer name uplink netns provider
link add access netns provider type veth peer name eth0 netns callee
IP

ip -n phone -batch - <<'IP'
link set lo up
link set eth0 up
address add 192.168.1.10/24 dev eth0
route add default via 192.168.1.1
IP

ip -n router -batch - <<'IP'
link set lo up
link set lan up
link set wan up
address add 192.168.1.1/24 dev lan
address add 203.0.113.1/24 dev wan
route add default via 203.0.113.10
IP

# The provider, like any, has no way to private addresses.
ip -n provider -batch - <<'IP'
link set lo up
link set uplink up
link set access up
address add 203.0.113.10/24 dev uplink
address add 198.51.100.1/24 dev access
route add blackhole 192.168.0.0/16
IP

ip -n callee -batch - <<'IP'
link set lo up
link set eth0 up
address add 198.51.100.20/24 dev eth0
route add default via 198.51.100.1
IP

for router in router provider; do
	nsenter --net=/run/netns/$router sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
done
nsenter --net=/run/netns/router nft -f "${BASH_SOURCE[0]%/*}/firewall.nft"
