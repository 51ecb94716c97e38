/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GSO packets: several datagrams or segments in one skb, made by a sender or
 * by an interface (rx-udp-gro-forwarding, rx-gro-list).
 */
#ifndef SIPALG_GSO_H
#define SIPALG_GSO_H

#include <linux/types.h>

struct net;
struct sk_buff;

/**
 * sipalg_is_leaving() - can packets like this one be sent before it
 * @skb: at the helper
 *
 * Return: true if it is routed to another host and about to leave; false: it is
 * bound for the router itself, or crosses a bridge.
 */
bool sipalg_is_leaving(const struct sk_buff *skb);

/**
 * sipalg_gso_segment() - send the datagrams or segments of a packet one by one
 * @net: the namespace
 * @skb: about to leave by an interface
 *
 * The length of a datagram can only change in an skb of its own (H-31), and a
 * full packet of segments has no room. Each part passes the POST_ROUTING hooks
 * again, where NAT has nothing left to do, and comes back here as one message.
 * RCU read side, BH off.
 *
 * Return: true if the parts were sent and @skb is consumed; false if @skb is
 * unchanged: it goes to the router itself or a bridge, or there is no memory.
 */
bool sipalg_gso_segment(struct net *net, struct sk_buff *skb);

#endif
