/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Apply: the only place that touches the packet, the conntrack and the tables.
 */
#ifndef SIPALG_MANGLE_H
#define SIPALG_MANGLE_H

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include "core/flow.h"
#include "sip/edit.h"

struct nf_conn;
struct sipalg_tcp;
struct sipalg_tcp_rtx;

/**
 * struct sipalg_packet - a packet with SIP in it
 * @skb: linear; its network header is at skb->data
 * @ct: its conntrack
 * @ctinfo: its direction and state
 * @protoff: offset of the UDP or TCP header from the network header
 * @payload: offset of the payload from the network header
 * @piece: of TCP: longest payload among the segments that its bytes came in
 * @tcp: of TCP: where rewritten messages go, its connection locked
 * @rtx: of TCP: out: the message as it is to be, or NULL: it is not changed
 * @no_room: of TCP: out: there is no memory for it; it must come again
 * @passed: the message that is followed has left already, and is not in it
 */
struct sipalg_packet {
	struct sk_buff *skb;
	struct nf_conn *ct;
	enum ip_conntrack_info ctinfo;
	unsigned int protoff;
	unsigned int payload;
	unsigned int piece;
	struct sipalg_tcp *tcp;
	struct sipalg_tcp_rtx *rtx;
	bool no_room;
	bool passed;
};

static inline char *sipalg_packet_payload(const struct sipalg_packet *packet)
{
	return (char *)packet->skb->data + packet->payload;
}

/* Stale after whatever changes the payload. */
static inline struct tcphdr *sipalg_packet_tcp(const struct sipalg_packet *packet)
{
	return (struct tcphdr *)(packet->skb->data + packet->protoff);
}

/* What happened to a plan. */
enum sipalg_applied {
	SIPALG_APPLIED,
	/* nothing of it: another CPU has just begun the call */
	SIPALG_LOST_RACE,
	/* nothing of it, for lack of */
	SIPALG_LACKS_CALL,	/* a place for a call more */
	SIPALG_LACKS_MEMORY,	/* memory for it */
	SIPALG_LACKS_PLACE,	/* places for so many streams */
	SIPALG_LACKS_STREAM,	/* memory for a stream */
	SIPALG_LACKS_MAPPING,	/* memory or ports for a public address */
	SIPALG_LACKS_EDITS,	/* places for so many edits, or they overlap */
	SIPALG_LACKS_LENGTH,	/* it would not fit in a packet */
	SIPALG_LACKS_ROOM,	/* memory for its bytes */
	SIPALG_LACKS_PORT,	/* a public port, or somebody's pinhole is in the way */
	SIPALG_LACKS_PINHOLE,	/* memory for a pinhole */
	SIPALG_LACKS_EXPECTATION,	/* room in conntrack's table of them */
	SIPALG_LACKS_CONNTRACK,	/* the same of connections, for a master */
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
 * First all that may fail: the call that it begins, mappings, streams with their
 * ports, room for the edits; if one of them is not to be had the others are given
 * back. Then its call takes it in, which says what pinholes are needed. With those
 * the rest of what the message means is remembered, and last its bytes are
 * changed, in one mangle call; both do not fail. Nothing is decided here: what
 * becomes of a message without what it lacks says sipalg_decide_without(). Pointers
 * into the packet are stale afterwards. RCU read side, BH off.
 *
 * Return: enum sipalg_applied.
 */
enum sipalg_applied sipalg_apply(struct sipalg_packet *packet,
				 const struct sipalg_flow *flow,
				 unsigned int offset,
				 const struct sip_msg *msg,
				 struct sipalg_plan *plan,
				 char *room, u32 room_len);

/**
 * sipalg_apply_call() - the call of an INVITE that is dropped for its description
 * @flow: its flow
 * @msg: the message
 * @plan: its plan, with a call that it begins, see &sipalg_plan.shows
 *
 * The call has no streams. Where there is no place for it, it stays prepared.
 */
void sipalg_apply_call(const struct sipalg_flow *flow, const struct sip_msg *msg,
		       struct sipalg_plan *plan);

/**
 * sipalg_packet_set_payload() - give a segment another payload
 * @packet: of TCP
 * @from: how many bytes of its own are left out at the beginning
 * @until: and where the rest is left out; all of it if @bytes are given
 * @bytes: what comes instead, not of this packet; NULL: nothing
 * @len: its length in bytes
 *
 * Return: false if there is no memory or it would be longer than a packet.
 */
bool sipalg_packet_set_payload(struct sipalg_packet *packet, unsigned int from,
			       unsigned int until, const char *bytes, u32 len);

/**
 * sipalg_packet_make_reset() - a segment without payload becomes a reset
 * @packet: of TCP, its header writable
 * @seq: what its receiver expects next: another number it need not believe
 *	(RFC 5961 3.2)
 */
void sipalg_packet_make_reset(struct sipalg_packet *packet, u32 seq);

/**
 * sipalg_packet_option() - an option of a segment's header
 * @packet: of TCP
 * @kind: which
 *
 * Return: its kind byte, its length is right; or NULL.
 */
u8 *sipalg_packet_option(const struct sipalg_packet *packet, u8 kind);

/**
 * sipalg_packet_is_mptcp() - the SYN of a connection that bytes are changed of
 * @packet: of TCP, its header writable
 *
 * A changed length breaks MPTCP's data sequence mapping (RFC 8684 3.3). What
 * offers to begin with it goes on as TCP: the offer is blanked, as RFC 8684 3.7
 * expects of middleboxes.
 *
 * Return: true if the SYN joins a connection that has begun elsewhere: it must
 * be left alone.
 */
bool sipalg_packet_is_mptcp(struct sipalg_packet *packet);

/* Numbers in host byte order; the TCP header is writable. */
void sipalg_packet_set_seq(struct sipalg_packet *packet, u32 seq);
void sipalg_packet_set_ack(struct sipalg_packet *packet, u32 ack);
void sipalg_packet_set_urgent(struct sipalg_packet *packet, u16 urgent);
void sipalg_packet_clear_flags(struct sipalg_packet *packet, __be32 flags);

/**
 * sipalg_packet_header_changed() - correct the checksum of a segment
 * @packet: of TCP
 * @now: bytes of its header as they are now
 * @old: as they were
 * @len: how many
 */
void sipalg_packet_header_changed(struct sipalg_packet *packet, const u8 *now,
				  const u8 *old, unsigned int len);

/**
 * sipalg_packet_segment() - after a segment has got another payload
 * @packet: of TCP
 *
 * What has outgrown the MTU is made to arrive all the same (H-21b).
 */
void sipalg_packet_segment(struct sipalg_packet *packet);

#endif
