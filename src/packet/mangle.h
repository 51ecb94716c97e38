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
 * @delta: bytes by which its messages have grown so far; negative if shrunk
 * @resized: offset in the payload of the first message whose length changed,
 *	in bytes; valid while @delta is not 0
 * @edits: number of messages changed so far
 * @piece: longest payload of the segments that its bytes arrived in; 0: its own
 * @passed: the message being followed has already been sent on
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
 * sipalg_apply() - carry out a plan
 * @packet: the packet
 * @flow: its flow
 * @offset: where the message begins in the payload, in bytes
 * @msg: the message
 * @plan: its plan; the verdict is pass
 * @room: buffer for the new bytes
 * @room_len: its size in bytes
 *
 * Opens the pinholes, makes all edits in one mangle call and sets the flow's
 * lifetime. If the pinholes cannot be opened the message passes unchanged, with
 * a reason. Pointers into the packet are stale afterwards. RCU read side, BH
 * off.
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
 * sipalg_packet_blank() - drop one whole message of a stream
 * @packet: of TCP
 * @offset: where it begins in the payload, in bytes
 * @len: its length in bytes
 *
 * Replaces it by a line end, which receivers ignore (RFC 3261 7.5). A dropped
 * segment would be retransmitted again and again, and all other calls of the
 * connection would wait for it.
 *
 * Return: false if there is no memory.
 */
bool sipalg_packet_blank(struct sipalg_packet *packet, unsigned int offset,
			 unsigned int len);

/**
 * sipalg_packet_cut() - keep only the beginning of a segment's payload
 * @packet: of TCP
 * @len: bytes to keep
 *
 * Return: false if there is no memory.
 */
bool sipalg_packet_cut(struct sipalg_packet *packet, unsigned int len);

/**
 * sipalg_packet_skip() - remove the beginning of a segment's payload
 * @packet: of TCP
 * @len: bytes to remove
 *
 * Return: false if there is no memory.
 */
bool sipalg_packet_skip(struct sipalg_packet *packet, unsigned int len);

/**
 * sipalg_packet_replace_payload() - replace a segment's payload
 * @packet: of TCP
 * @bytes: the payload, not of this packet
 * @len: its length in bytes
 * @seq: sequence number of its first byte, as the sender counts
 * @piece: longest segment in which the sender sent these bytes
 *
 * Return: false if there is no memory or it would be longer than a packet.
 */
bool sipalg_packet_replace_payload(struct sipalg_packet *packet,
				   const char *bytes, u32 len, u32 seq,
				   u32 piece);

/**
 * sipalg_packet_append() - append to a segment's payload
 * @packet: of TCP, its payload replaced
 * @bytes: the bytes to append, not of this packet
 * @len: its length in bytes
 *
 * Return: false if there is no memory or it would be longer than a packet.
 */
bool sipalg_packet_append(struct sipalg_packet *packet, const char *bytes,
			  u32 len);

/**
 * sipalg_packet_shift() - sequence offset of new data
 * @packet: of TCP
 *
 * Return: bytes to be added to the sender's sequence number.
 */
s32 sipalg_packet_shift(const struct sipalg_packet *packet);

/**
 * sipalg_packet_shift_before() - sequence offset of retransmitted data
 * @packet: of TCP
 * @end: sequence number of the byte behind it, as the sender counts
 *
 * Return: bytes to be added so that it ends where it ended for the receiver.
 */
s32 sipalg_packet_shift_before(const struct sipalg_packet *packet, u32 end);

/**
 * sipalg_packet_seqadj_covers() - test whether the newest length change is at or behind @seq
 * @packet: of TCP
 * @seq: sequence number, as the sender counts
 *
 * Conntrack records no further change for a segment that begins there.
 */
bool sipalg_packet_seqadj_covers(const struct sipalg_packet *packet, u32 seq);

/**
 * sipalg_packet_unmappable() - count bytes without a sequence number of their own
 * @packet: of TCP
 * @seen: sequence number of the first, as the receiver counts
 *
 * Bytes that the newest length change inserted have no sender's sequence
 * number that conntrack would map to them.
 *
 * Return: number of such bytes from @seen on.
 */
u32 sipalg_packet_unmappable(const struct sipalg_packet *packet, u32 seen);

/**
 * sipalg_packet_place() - set the sequence number at which a segment arrives
 * @packet: of TCP
 * @seen: sequence number of its first byte, as the receiver counts
 */
void sipalg_packet_place(struct sipalg_packet *packet, u32 seen);

/**
 * sipalg_packet_acknowledge() - set the acknowledgment number of a segment
 * @packet: of TCP
 * @ack: acknowledgment number, as the receiver of this segment counts
 */
void sipalg_packet_acknowledge(struct sipalg_packet *packet, u32 ack);

/**
 * sipalg_packet_clear_fin() - clear FIN: more data follows
 * @packet: of TCP, cut or with a new payload
 */
void sipalg_packet_clear_fin(struct sipalg_packet *packet);

/**
 * sipalg_apply_done() - finish a packet after its last message
 * @packet: the packet
 *
 * Adjusts sequence numbers once for all messages of a segment, and lets a packet
 * that outgrew the MTU be fragmented (H-21b).
 */
void sipalg_apply_done(struct sipalg_packet *packet);

#endif
