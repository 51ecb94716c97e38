/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Apply: the only place that touches the packet and the conntrack.
 */
#ifndef SIPALG_MANGLE_H
#define SIPALG_MANGLE_H

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/types.h>
#include "core/flow.h"
#include "sip/edit.h"

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
 * @resized: where the first message of another length begins in the payload,
 *	in bytes; valid while @delta is not 0
 * @edits: messages changed so far
 * @piece: longest payload among the segments that its bytes came in; 0: its own
 * @passed: the message that is followed has left already, and is not in it
 */
struct sipalg_packet {
	struct sk_buff *skb;
	struct nf_conn *ct;
	enum ip_conntrack_info ctinfo;
	unsigned int protoff;
	unsigned int payload;
	int delta;
	unsigned int resized;
	unsigned int edits;
	unsigned int piece;
	bool passed;
};

static inline char *sipalg_packet_payload(const struct sipalg_packet *packet)
{
	return (char *)packet->skb->data + packet->payload;
}

/* What happened to a message. */
enum sipalg_applied {
	SIPALG_APPLIED,		/* as planned */
	SIPALG_APPLY_FAILED,	/* it is unchanged and must be dropped */
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
 * The pinholes, all edits in one mangle call, the flow's lifetime. If the
 * pinholes find no room the message passes unchanged, with a reason.
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
 * sipalg_packet_blank() - drop one message of a stream, whole
 * @packet: of TCP
 * @offset: where it begins in the payload, in bytes
 * @len: its length in bytes
 *
 * A line end takes its place, which RFC 3261 7.5 has receivers ignore: were
 * the segment dropped, it would come again and again, and every other call
 * of the connection would wait for it.
 *
 * Return: false if there is no memory.
 */
bool sipalg_packet_blank(struct sipalg_packet *packet, unsigned int offset,
			 unsigned int len);

/**
 * sipalg_packet_cut() - let only the beginning of a segment's payload go on
 * @packet: of TCP
 * @len: bytes that stay
 *
 * Return: false if there is no memory.
 */
bool sipalg_packet_cut(struct sipalg_packet *packet, unsigned int len);

/**
 * sipalg_packet_skip() - let only the end of a segment's payload go on
 * @packet: of TCP
 * @len: bytes that do not stay
 *
 * Return: false if there is no memory.
 */
bool sipalg_packet_skip(struct sipalg_packet *packet, unsigned int len);

/**
 * sipalg_packet_replace_payload() - give a segment another payload
 * @packet: of TCP
 * @bytes: the payload, not of this packet
 * @len: its length in bytes
 * @seq: sequence number of its first byte, as the sender counts
 * @piece: longest payload that the sender has made of such bytes
 *
 * Return: false if there is no memory or it would be longer than a packet.
 */
bool sipalg_packet_replace_payload(struct sipalg_packet *packet,
				   const char *bytes, u32 len, u32 seq,
				   u32 piece);

/**
 * sipalg_packet_append() - put more behind a segment's payload
 * @packet: of TCP, refilled
 * @bytes: what comes, not of this packet
 * @len: its length in bytes
 *
 * Return: false if there is no memory or it would be longer than a packet.
 */
bool sipalg_packet_append(struct sipalg_packet *packet, const char *bytes,
			  u32 len);

/**
 * sipalg_packet_shift() - how far changed lengths have shifted new data
 * @packet: of TCP
 *
 * Return: bytes to be added to the sender's sequence number.
 */
s32 sipalg_packet_shift(const struct sipalg_packet *packet);

/**
 * sipalg_packet_shift_before() - and data that was sent long ago
 * @packet: of TCP
 * @end: sequence number behind it, as the sender counts
 *
 * Return: bytes to be added for it to end where the receiver had its end.
 */
s32 sipalg_packet_shift_before(const struct sipalg_packet *packet, u32 end);

/**
 * sipalg_packet_seqadj_covers() - is the newest change of length in or behind this
 * @packet: of TCP
 * @seq: sequence number, as the sender counts
 *
 * Conntrack notes no further change for a segment that begins there.
 */
bool sipalg_packet_seqadj_covers(const struct sipalg_packet *packet, u32 seq);

/**
 * sipalg_packet_unmappable() - bytes that cannot arrive where they should
 * @packet: of TCP
 * @seen: sequence number of the first, as the receiver counts
 *
 * What the newest change of length has put in has no number that conntrack
 * would make of any other.
 *
 * Return: how many from @seen on.
 */
u32 sipalg_packet_unmappable(const struct sipalg_packet *packet, u32 seen);

/**
 * sipalg_packet_place() - have a segment arrive at a place in the stream
 * @packet: of TCP
 * @seen: sequence number of its first byte, as the receiver counts
 */
void sipalg_packet_place(struct sipalg_packet *packet, u32 seen);

/**
 * sipalg_packet_acknowledge() - have a segment acknowledge what it is to
 * @packet: of TCP
 * @ack: acknowledgment number, as the receiver of this segment counts
 */
void sipalg_packet_acknowledge(struct sipalg_packet *packet, u32 ack);

/**
 * sipalg_packet_clear_fin() - more comes behind what has been cut away
 * @packet: of TCP, cut or refilled
 */
void sipalg_packet_clear_fin(struct sipalg_packet *packet);

/**
 * sipalg_apply_done() - after the last message of a packet
 * @packet: the packet
 *
 * Sequence numbers once for all messages of a segment; a packet that has
 * outgrown the MTU is made to arrive all the same (H-21b).
 */
void sipalg_apply_done(struct sipalg_packet *packet);

#endif
