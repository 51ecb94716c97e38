/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Several datagrams or segments in one packet: GSO, by a sender or by an
 * interface that collects them (rx-udp-gro-forwarding, rx-gro-list).
 */
#ifndef SIPALG_GSO_H
#define SIPALG_GSO_H

#include <linux/types.h>

struct net;
struct sk_buff;

/**
 * sipalg_gso_segment() - send the datagrams or segments of a packet one by one
 * @net: the namespace
 * @skb: about to leave by an interface
 *
 * The lengths of datagrams can only be changed apart (H-31), and a full packet of
 * segments has no room. Each goes once more through
 * the hooks behind routing, where NAT finds nothing left to do, and so comes
 * back here alone. RCU read side, BH off.
 *
 * Return: true if they are sent and @skb is gone; false: it is as it was,
 * bound for the router itself or a bridge, or there is no memory.
 */
bool sipalg_gso_segment(struct net *net, struct sk_buff *skb);

#endif
