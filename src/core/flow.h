/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signalling flow of a message, in the message's direction.
 *
 * With NAT each end has two transport addresses: its own, and the one that the
 * other end sees. If they differ, that end is inside.
 */
#ifndef SIPALG_FLOW_H
#define SIPALG_FLOW_H

#include <linux/string.h>
#include <linux/types.h>
#include <linux/netfilter/nf_conntrack_zones_common.h>
#include "sip/addr.h"

struct nf_conn;
struct sipalg_net;

/* H-25: lower ports are services of the router and of phones. */
#define SIPALG_LOWEST_PORT	1024

/**
 * struct sipalg_domain - where the router looks a packet's addresses up
 * @in: index of the VRF that the packet has come by, 0: none
 * @out: of the one that it leaves by
 * @dev_in: index of the interface that it has come by, 0: none
 * @dev_out: of the one that it leaves by
 * @mark: its mark
 */
struct sipalg_domain {
	int in;
	int out;
	int dev_in;
	int dev_out;
	u32 mark;
};

/**
 * struct sipalg_flow - addresses of a message
 * @sn: the namespace
 * @ct: its conntrack, for apply and for pinholes; the caller's packet holds it
 * @src: the sender's own address
 * @src_public: the sender's address as the receiver sees it
 * @dst: the receiver's address as the sender uses it
 * @dst_private: the receiver's own address
 * @inside: address of the end behind NAT, zero if none: it distinguishes two
 *	passes of one call through this router (hairpin, H-26)
 * @domain: of the packet; all zero where there is none
 * @zone: conntrack zone of the end that the flow is known by: in another one its
 *	address may be somebody else's
 * @from_zone: zone in which packets of the sender arrive
 * @to_zone: the same of the receiver
 * @family: AF_INET or AF_INET6
 * @l4proto: IPPROTO_UDP or IPPROTO_TCP
 * @original: the message goes in the direction the flow was opened in
 */
struct sipalg_flow {
	struct sipalg_net *sn;
	struct nf_conn *ct;
	struct sipalg_addr src;
	struct sipalg_addr src_public;
	struct sipalg_addr dst;
	struct sipalg_addr dst_private;
	union nf_inet_addr inside;
	struct sipalg_domain domain;
	u16 zone;
	u16 from_zone;
	u16 to_zone;
	u8 family;
	u8 l4proto;
	bool original;
};

/* The sender's address is translated: it is inside. */
static inline bool sipalg_flow_from_inside(const struct sipalg_flow *flow)
{
	return !sipalg_ip_equal(&flow->src.ip, &flow->src_public.ip) ||
	       flow->src.port != flow->src_public.port;
}

/* The receiver's address is translated: it is inside. */
static inline bool sipalg_flow_to_inside(const struct sipalg_flow *flow)
{
	return !sipalg_addr_equal(&flow->dst, &flow->dst_private);
}

/*
 * Nothing is translated on it, and no side of it is known as inside: the
 * firewall alone may be in the way.
 */
static inline bool sipalg_flow_is_plain(const struct sipalg_flow *flow)
{
	return !sipalg_flow_from_inside(flow) && !sipalg_flow_to_inside(flow);
}

/*
 * By which zone its call is known. Without NAT both ends have their own addresses in
 * the zone of both directions, where the answers are: who begins from inside may be
 * in another one, and who begins from outside would begin another call.
 */
static inline u16 sipalg_flow_call_zone(const struct sipalg_flow *flow)
{
	if (sipalg_flow_is_plain(flow) && flow->from_zone != flow->to_zone)
		return NF_CT_DEFAULT_ZONE_ID;
	return flow->zone;
}

/* Where public addresses are: zone in which packets of the outside arrive. */
static inline u16 sipalg_flow_outer_zone(const struct sipalg_flow *flow)
{
	if (sipalg_flow_from_inside(flow))
		return flow->to_zone;
	return sipalg_flow_to_inside(flow) ? flow->from_zone :
					     sipalg_flow_call_zone(flow);
}

/* And the VRF of that side. */
static inline int sipalg_flow_outer_vrf(const struct sipalg_flow *flow)
{
	if (sipalg_flow_from_inside(flow) || !sipalg_flow_to_inside(flow))
		return flow->domain.out;
	return flow->domain.in;
}

/**
 * sipalg_flow_init() - fill in the flow of a packet
 * @flow: filled
 * @sn: the namespace
 * @ct: the packet's conntrack, NAT set up (the helper runs after it)
 * @dir: enum ip_conntrack_dir of the packet
 *
 * Softirq or process context.
 */
void sipalg_flow_init(struct sipalg_flow *flow, struct sipalg_net *sn,
		      struct nf_conn *ct, int dir);

#endif
