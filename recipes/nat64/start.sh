#!/bin/sh
# Run as root on the router, in this folder: makes the device, starts tayga, and
# tells sipalg of both. CONFIG and PREFIX say otherwise, if given.
set -e
CONFIG=${CONFIG:-$PWD/tayga.conf}
PREFIX=${PREFIX:-2001:db8:64::/96}
POOL=${POOL:-10.64.0.0/16}

mkdir -p /var/lib/tayga
tayga --mktun --config "$CONFIG"
ip link set nat64 up
ip route replace "$POOL" dev nat64
ip -6 route replace "$PREFIX" dev nat64
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
nft -f nat64.nft
tayga --config "$CONFIG"
sipalg-ctl setting set nat64-prefix "$PREFIX" nat64-pool "$POOL"
