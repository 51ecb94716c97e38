/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Apply: the only place that touches the packet and the conntrack.
 */
#ifndef SIPALG_APPLY_H
#define SIPALG_APPLY_H

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/types.h>
#include "flow.h"
#include "plan.h"

struct nf_conn;
struct sk_buff;

/**
 * struct sipalg_packet - a packet with SIP in it
 * @skb: linear; its network header is at skb->data
 * @ct: its conntrack
 * @ctinfo: its direction and state
 * @protoff: offset of the UDP or TCP header from the network header
 * @payload: offset of the payload from the network header
 * @delta: bytes by which its messages have grown so far, negative: shrunk
 */
struct sipalg_packet {
	struct sk_buff *skb;
	struct nf_conn *ct;
	enum ip_conntrack_info ctinfo;
	unsigned int protoff;
	unsigned int payload;
	int delta;
};

/* What happened to a message. */
enum sipalg_applied {
	SIPALG_APPLIED,		/* as planned */
	SIPALG_APPLY_FAILED,	/* it must be dropped: the packet may be half changed */
};

/**
 * sipalg_apply() - carry a plan out
 * @packet: the packet
 * @flow: its flow
 * @offset: where the message begins in the payload, in bytes
 * @msg: the message
 * @plan: its plan; the verdict is pass
 * @room: for the new bytes
 * @room_len: how many bytes of it there are
 *
 * All edits in one mangle call, then the pinholes, then the flow's lifetime.
 * Pointers into the packet are stale afterwards. RCU read side, BH off.
 *
 * Return: enum sipalg_applied; &sipalg_plan.reason says why it failed.
 */
enum sipalg_applied sipalg_apply(struct sipalg_packet *packet,
				 const struct sipalg_flow *flow,
				 unsigned int offset,
				 const struct sip_msg *msg,
				 struct sipalg_plan *plan,
				 char *room, u32 room_len);

/**
 * sipalg_apply_done() - after the last message of a packet
 * @packet: the packet
 *
 * Sequence numbers once for all messages of a segment; a packet that has
 * outgrown the MTU is made to arrive all the same (H-21b).
 */
void sipalg_apply_done(struct sipalg_packet *packet);

#endif
