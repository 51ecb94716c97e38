#!/bin/sh
# Run as root on the router, in place of start.sh: Jool's SIIT (Debian 12: packages
# jool-dkms and jool-tools) in a namespace of its own, behind a pair of veth named
# "nat64" here, so that nat64.nft fits as it is. In the router's own namespace
# netfilter would not see what Jool has translated.
set -e
PREFIX=${PREFIX:-2001:db8:64::/96}
POOL=${POOL:-10.64.0.0/16}

modprobe jool_siit
ip netns add siit
ip link add nat64 type veth peer name router netns siit
ip addr add 192.0.0.9/31 dev nat64
ip addr add fdff:64::1/64 dev nat64 nodad
ip link set nat64 up
ip -n siit addr add 192.0.0.8/31 dev router
ip -n siit addr add fdff:64::2/64 dev router nodad
ip -n siit link set lo up
ip -n siit link set router up
ip -n siit route add default via 192.0.0.9
ip -n siit -6 route add default via fdff:64::1
ip netns exec siit sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip netns exec siit jool_siit instance add sip --netfilter --pool6 "$PREFIX"
ip netns exec siit jool_siit -i sip eamt add 10.64.0.10 2001:db8:1::10
ip netns exec siit jool_siit -i sip eamt add 10.64.0.20 2001:db8:2::20
# tayga drops UDP without checksum; this does not
ip netns exec siit jool_siit -i sip global update amend-udp-checksum-zero true
ip route replace "$POOL" via 192.0.0.8
ip -6 route replace "$PREFIX" via fdff:64::2
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
nft -f nat64.nft
sipalg-ctl setting set nat64-prefix "$PREFIX" nat64-pool "$POOL"
