/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Media of a call: what each side offers to receive, and where.
 *
 * One struct sipalg_media is one m= section of one side: an address with an
 * RTP and an RTCP port, their public faces under NAT, and the pinholes that
 * lead there. The two sides' media of one m= index are a channel; RTP, RTCP
 * and both directions of a channel share their fate (S2-2, S2-3).
 *
 * A description that is only offered stands beside the one in force until a
 * 2xx puts it in force or a failure takes it away (RFC 3264, RFC 3261 14).
 */
#ifndef SIPALG_MEDIA_H
#define SIPALG_MEDIA_H

#include <linux/list.h>
#include <linux/rhashtable-types.h>
#include "core/flow.h"
#include "sip/edit.h"
#include "sip/msg.h"

struct nf_conn;
struct nf_conntrack_expect;
struct sipalg_call;
struct sipalg_quota;

enum sipalg_side { SIPALG_CALLER, SIPALG_CALLEE };

enum { SIPALG_RTP, SIPALG_RTCP, SIPALG_PORTS };

/**
 * struct sipalg_media - one m= section of one side
 * @list: in &sipalg_call.media
 * @rcu: frees it, when it is not there any more
 * @port_node: in &sipalg_net.ports while translated
 * @call: whose
 * @holder: who has been given its public ports, or NULL
 * @fork: number of the dialog that it belongs to, 0 for the caller's
 * @index: which m= line
 * @side: enum sipalg_side
 * @kind: enum sdp_kind
 * @family: AF_INET or AF_INET6
 * @l4proto: IPPROTO_UDP or IPPROTO_TCP (S3-7)
 * @ports: how many ports: 1, or 2 with RTCP
 * @translated: @public differs from @private
 * @offered: stands in a description that waits for its answer
 * @active: stands in the description in force
 * @held: cannot carry media in either direction now (S3-34)
 * @held_offered: what @held becomes when the offer is answered
 * @mux_offered: the description says that RTCP comes by RTP's port, too (H-16)
 * @muxed: both sides have said so: the port of RTCP is not used
 * @idle: closed because nothing flowed; described again, it opens (S2-5)
 * @ice_untouched: its description is not edited: as long as no other media has its
 *	port, that is its public one (H-15)
 * @resumed: the call was up when it was described
 * @opened_late: who sends to it may have been told before its pinholes were there
 * @outside: a host on the other side's side: media does not come by (S3-46);
 *	or in a network that is neither's: it is not the side's to name (H-25)
 * @hairpin: a phone on the other side's side: media comes by the short way,
 *	with private addresses (H-26)
 * @flow_count: how many @flows there are
 * @private: address as the side named it
 * @public: address as the other side is told
 * @private_port: of RTP and RTCP, network byte order
 * @public_port: the same
 * @seen: when media was last seen; see sipalg_since()
 * @exp: the pinholes
 * @cleared_for: the media that the way was cleared for; not to be looked into
 * @flows: connections that came by the pinholes, see media_flow.h
 */
struct sipalg_media {
	union {
		struct list_head list;
		struct rcu_head rcu;
	};
	struct rhash_head port_node;
	struct sipalg_call *call;
	struct sipalg_quota *holder;
	u16 fork;
	u8 index;
	u8 side;
	u8 kind;
	u8 family;
	u8 l4proto;
	u8 ports;
	u8 translated:1,
	   offered:1,
	   active:1,
	   held:1,
	   held_offered:1,
	   mux_offered:1,
	   muxed:1,
	   idle:1,
	   ice_untouched:1,
	   resumed:1,
	   opened_late:1,
	   outside:1,
	   hairpin:1;
	u16 flow_count;
	union nf_inet_addr private;
	union nf_inet_addr public;
	__be16 private_port[SIPALG_PORTS];
	__be16 public_port[SIPALG_PORTS];
	u32 seen;
	struct nf_conntrack_expect *exp[SIPALG_PORTS];
	const void *cleared_for;
	struct hlist_head flows;
};

/* The caller's belongs to all forks. */
static inline bool sipalg_media_is_of(const struct sipalg_media *media, u16 fork)
{
	return !media->fork || media->fork == fork;
}

/**
 * sipalg_media_mate() - the other side's media of the same channel
 * @media: its call is locked
 *
 * Return: it, or NULL. Where there are forks that in force, or else the first.
 */
struct sipalg_media *sipalg_media_mate(const struct sipalg_media *media);

/**
 * sipalg_media_describe() - take in one side's session description
 * @call: its call, locked
 * @side: enum sipalg_side of the sender
 * @fork: dialog it belongs to
 * @flow: the message's flow
 * @msg: the message, with a session description
 * @plan: gets the edits; its verdict and reason if the message must not pass
 *
 * The same address and port get the same public ones as before (H-27, S3-41).
 */
void sipalg_media_describe(struct sipalg_call *call, enum sipalg_side side,
			   u16 fork, const struct sipalg_flow *flow,
			   const struct sip_msg *msg, struct sipalg_plan *plan);

/**
 * sipalg_media_retransmit() - a description that changes nothing, translated
 * @call: its call, locked; NULL: none
 * @flow: the message's flow
 * @msg: the message, with a session description
 * @plan: gets the edits; or a reason, then the message must pass unchanged
 *
 * For messages that are late, or that are not their call's to make: what is
 * known gets the public ports it has, and if a stream has none nothing of the
 * message is changed.
 */
void sipalg_media_retransmit(struct sipalg_call *call,
			     const struct sipalg_flow *flow,
			     const struct sip_msg *msg,
			     struct sipalg_plan *plan);

/**
 * sipalg_media_commit() - what a side has described is in force
 * @call: locked
 * @side: enum sipalg_side
 * @fork: the dialog in which it has
 *
 * What is no longer described is closed (S0-3, S3-49).
 */
void sipalg_media_commit(struct sipalg_call *call, enum sipalg_side side,
			 u16 fork);

/**
 * sipalg_media_forget() - one of several forks has ended
 * @call: locked
 * @fork: its dialog
 */
void sipalg_media_forget(struct sipalg_call *call, u16 fork);

/**
 * sipalg_media_rollback() - what a side has described is void: what was in force stays
 * @call: locked
 * @side: enum sipalg_side
 * @fork: the dialog in which it has
 */
void sipalg_media_rollback(struct sipalg_call *call, enum sipalg_side side,
			   u16 fork);

/**
 * sipalg_media_suspend() - close one media that nobody uses
 * @media: its call is locked
 *
 * It keeps its public ports.
 */
void sipalg_media_suspend(struct sipalg_media *media);

/**
 * sipalg_media_abandon() - forget all media, but let it flow
 * @call: locked
 *
 * For the end of the module or the namespace: pinholes are closed, and
 * established connections stay the users'.
 */
void sipalg_media_abandon(struct sipalg_call *call);

/**
 * sipalg_media_close() - end all media of a call: pinholes and connections
 * @call: locked
 *
 * Established media conntracks are killed (S1-9).
 */
void sipalg_media_close(struct sipalg_call *call);

#endif
