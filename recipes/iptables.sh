#!/bin/sh
# The home router by iptables: phones on "lan", the Internet on "wan".
set -e

INSIDE=lan	# the interface that phones are on
OUTSIDE=wan	# the interface that leads to the provider

for tool in iptables ip6tables; do
	# Attach the helper to what leaves for a SIP port, before conntrack sees it.
	$tool -t raw -A PREROUTING -i $INSIDE -p udp --dport 5060 -j CT --helper sipalg
	$tool -t raw -A PREROUTING -i $INSIDE -p tcp --dport 5060 -j CT --helper sipalg

	# Nothing passes but known connections, media by the pinholes of calls
	# (RELATED), and what the inside begins.
	$tool -P FORWARD DROP
	$tool -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
	$tool -A FORWARD -i $INSIDE -o $OUTSIDE -j ACCEPT
done

# IPv6 cannot do without it.
ip6tables -A FORWARD -p icmpv6 -j ACCEPT

# One public IPv4 address for all.
iptables -t nat -A POSTROUTING -o $OUTSIDE -j MASQUERADE
