/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Media of a call: what each side offers to receive, and at which address.
 *
 * One struct sipalg_media is one m= section of one side: an address with an
 * RTP and an RTCP port, their public addresses under NAT, and their pinholes. The
 * two sides' media of one m= index are a channel; RTP, RTCP and both directions
 * of a channel are opened and closed together (S2-2, S2-3).
 *
 * An offered description is kept beside the one in force until a 2xx commits it
 * or a failure removes it (RFC 3264, RFC 3261 14).
 */
#ifndef SIPALG_MEDIA_H
#define SIPALG_MEDIA_H

#include <linux/list.h>
#include <linux/rhashtable-types.h>
#include "core/call.h"
#include "core/flow.h"
#include "media/port.h"
#include "sip/edit.h"
#include "sip/msg.h"

struct nf_conn;
struct nf_conntrack_expect;
struct sipalg_call;
struct sipalg_face;
struct sipalg_quota;

enum { SIPALG_RTP, SIPALG_RTCP, SIPALG_PORTS };

/**
 * struct sipalg_media_terms - what a description says of a media
 * @lines: &sipalg_media.lines
 * @index: &sipalg_media.index
 * @kind: &sipalg_media.kind
 * @held: &sipalg_media.held
 * @mux_offered: &sipalg_media.mux_offered
 * @idle: &sipalg_media.idle
 */
struct sipalg_media_terms {
	u64 lines;
	u8 index;
	u8 kind;
	u8 held:1,
	   mux_offered:1,
	   idle:1;
};

/**
 * struct sipalg_media - one m= section of one side
 *
 * In groups as the members of struct sipalg_call: @local does not leave this router.
 *
 * @longs: group
 * @local: group
 * @hosts: group
 * @times: group
 * @shorts: group
 * @bytes: group
 * @end: marks it
 * @list: in &sipalg_call.media, before that in &sipalg_description.made
 * @rcu: frees it, when it is not there any more
 * @port_node: in &sipalg_net.ports while translated
 * @call: its call
 * @face: of @public while translated
 * @holder: quota charged for its public ports while it has them for itself, or NULL
 * @port_state: enum sipalg_port_state; changed under port_lock, and away from or
 *	back to SIPALG_PORT_HELD under that of its call as well
 * @fork: number of the dialog that it belongs to, 0 for the caller's
 * @index: which m= line
 * @side: enum sipalg_side
 * @kind: enum sdp_kind
 * @family: AF_INET or AF_INET6
 * @l4proto: IPPROTO_UDP or IPPROTO_TCP (S3-7)
 * @ports: how many ports: 1, or 2 with RTCP
 * @translated: @public differs from @private
 * @offered: in a description that waits for its answer
 * @active: in the description in force
 * @held: cannot carry media in either direction now (S3-34); without
 *	retain-hold-resource it is closed
 * @held_offered: what @held becomes when the offer is answered
 * @mux_offered: the description has rtcp-mux (H-16)
 * @muxed: both descriptions have it: the RTCP port is not used
 * @idle: the way in is closed for inactivity; the phone's next packet or a
 *	refresh opens it (S2-5)
 * @offer_pending: @before is set: the description waits for its answer
 * @ice_untouched: its description is not edited: as long as no other media has its
 *	port, that is its public one (H-15)
 * @resumed: described in a call that was already up
 * @opened_late: its sender may have got the address before the pinholes existed
 * @outside: a host on the other party's side: its media does not cross the
 *	router (S3-46); or in a network of neither party (H-25)
 * @hairpin: a phone on the other party's side: media takes the direct path,
 *	with private addresses (H-26)
 * @lines: bits of the m= lines that share it
 * @before: its terms before the pending offer, restored by a refusal
 * @rtcp_alone: RTCP of a section whose RTP goes to another host (RFC 3605)
 * @in_table: in &sipalg_net.ways_out by @way_key, in place of pinholes
 * @described: the message that is being acquired names it
 * @lent: enum sipalg_port_state that it had before that message
 * @flow_count: number of @flows
 * @private: address that the side wrote
 * @public: address that the other side is given
 * @private_port: of RTP and RTCP, network byte order
 * @public_port: the same
 * @seen: when media was last seen; see sipalg_since()
 * @way_key: hash of who sends, to whom
 * @exp: the pinholes
 * @cleared_for: media for which old connections were removed; only compared
 * @flows: connections admitted by the pinholes, see media_ct.h
 */
struct sipalg_media {
	struct_group_tagged(sipalg_media_longs, longs,
		u64 lines;
	);
	struct sipalg_media_terms before;
	struct_group_tagged(sipalg_media_local, local,
		union {
			struct list_head list;
			struct rcu_head rcu;
		};
		struct rhash_head port_node;
		struct sipalg_call *call;
		struct sipalg_face *face;
		struct sipalg_quota *holder;
		struct nf_conntrack_expect *exp[SIPALG_PORTS];
		const void *cleared_for;
		struct hlist_head flows;
		u32 way_key;
		u16 flow_count;
		u8 lent;
		u8 described:1;
	);
	struct_group_tagged(sipalg_media_hosts, hosts,
		union nf_inet_addr private;
		union nf_inet_addr public;
	);
	struct_group_tagged(sipalg_media_times, times,
		u32 seen;
	);
	struct_group_tagged(sipalg_media_shorts, shorts,
		__be16 private_port[SIPALG_PORTS];
		__be16 public_port[SIPALG_PORTS];
		u16 fork;
	);
	struct_group_tagged(sipalg_media_bytes, bytes,
		u8 port_state;
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
		   offer_pending:1,
		   ice_untouched:1,
		   resumed:1,
		   opened_late:1,
		   outside:1,
		   hairpin:1,
		   rtcp_alone:1,
		   in_table:1;
	);
	u8 end[];
};

#define SIPALG_MEDIA_GROUP(group)	sizeof(struct sipalg_media_##group)

/* See struct sipalg_call. */
static_assert(offsetof(struct sipalg_media, end) ==
	      SIPALG_MEDIA_GROUP(longs) + SIPALG_MEDIA_GROUP(terms) +
	      SIPALG_MEDIA_GROUP(local) + SIPALG_MEDIA_GROUP(hosts) +
	      SIPALG_MEDIA_GROUP(times) + SIPALG_MEDIA_GROUP(shorts) +
	      SIPALG_MEDIA_GROUP(bytes));

static inline bool sipalg_media_has_pinholes(const struct sipalg_media *media)
{
	return media->exp[SIPALG_RTP] || media->exp[SIPALG_RTCP];
}

/* By pinholes, or by a way out that the table has in their place. */
static inline bool sipalg_media_is_open(const struct sipalg_media *media)
{
	return media->in_table || sipalg_media_has_pinholes(media);
}

/* The caller's media belongs to all forks. */
static inline bool sipalg_media_is_of(const struct sipalg_media *media, u16 fork)
{
	return !media->fork || media->fork == fork;
}

/**
 * sipalg_media_mate() - the other side's media of the same channel
 * @media: its call is locked
 *
 * Return: the media, or NULL. With forks: the one in force, else the first.
 */
struct sipalg_media *sipalg_media_mate(const struct sipalg_media *media);

/**
 * sipalg_media_alloc() - a stream more
 * @call: locked
 * @list: where it is: not yet in &sipalg_call.media
 *
 * Return: the media, nowhere described; NULL: no memory.
 */
struct sipalg_media *sipalg_media_alloc(struct sipalg_call *call,
					struct list_head *list);

/**
 * sipalg_media_free() - a stream less: its pinholes, connections and ports
 * @media: its call is locked
 */
void sipalg_media_free(struct sipalg_media *media);

/**
 * sipalg_media_commit() - put a side's description in force
 * @call: locked
 * @side: enum sipalg_side
 * @fork: its dialog
 *
 * Streams that are no longer described are closed (S0-3, S3-49), and those of the
 * other side that this description refuses.
 */
void sipalg_media_commit(struct sipalg_call *call, enum sipalg_side side,
			 u16 fork);

/**
 * sipalg_media_forget() - remove the media of a fork that ended
 * @call: locked
 * @fork: its dialog
 */
void sipalg_media_forget(struct sipalg_call *call, u16 fork);

/**
 * sipalg_media_rollback() - discard a side's offered description
 * @call: locked
 * @side: enum sipalg_side
 * @fork: its dialog
 */
void sipalg_media_rollback(struct sipalg_call *call, enum sipalg_side side,
			   u16 fork);

/**
 * sipalg_media_restore() - a media as another router has it
 * @call: its call, locked
 * @flow: the signalling flow, from or to the inside
 * @from: all that travels of it
 *
 * Its public ports become its own again, where nobody else has them here. Pinholes:
 * sipalg_media_restored(). Softirq.
 *
 * Return: false: no memory.
 */
bool sipalg_media_restore(struct sipalg_call *call,
			  const struct sipalg_flow *flow,
			  const struct sipalg_media *from);

/**
 * sipalg_media_suspend() - close one inactive media
 * @media: its call is locked
 *
 * It keeps its public ports; see sipalg_media_leads_out().
 */
void sipalg_media_suspend(struct sipalg_media *media);

/**
 * sipalg_media_seen() - media was seen
 * @media: its call is locked
 * @quiet: so long ago, in jiffies
 *
 * Who looks for a port reads that under another lock.
 */
static inline void sipalg_media_seen(struct sipalg_media *media, u32 quiet)
{
	WRITE_ONCE(media->seen, (u32)jiffies - quiet);
}

/**
 * sipalg_media_holds_ports() - its public ports are its own
 * @media: its call is locked
 *
 * Those that it does not hold another call may take at any time.
 */
static inline bool sipalg_media_holds_ports(const struct sipalg_media *media)
{
	return READ_ONCE(media->port_state) == SIPALG_PORT_HELD;
}

/**
 * sipalg_media_lend() - the pinholes of a call are shut, its ports may not be needed
 * @media: its call is locked
 * @state: SIPALG_PORT_RUNG_OUT or SIPALG_PORT_OVER
 *
 * They stay its own, unless others run short of ports.
 */
void sipalg_media_lend(struct sipalg_media *media, enum sipalg_port_state state);

/**
 * sipalg_media_keep() - they are needed again
 * @media: its call is locked
 *
 * Return: false if others have them now: what was told of them is not true any more.
 */
bool sipalg_media_keep(struct sipalg_media *media);

/**
 * sipalg_media_is_lost() - is what was told of a media not true any more?
 * @media: its call is locked
 *
 * Return: true if its public address is not the router's, or its port another's.
 */
bool sipalg_media_is_lost(const struct sipalg_media *media);

/**
 * sipalg_media_lose() - some of a call's public addresses are the router's no more
 * @call: locked
 *
 * What leads there is closed, and what came from there or went there begins
 * anew. With the next offer or answer the stream gets another face.
 */
void sipalg_media_lose(struct sipalg_call *call);

/**
 * sipalg_media_abandon() - forget all media, but let connections go on
 * @call: locked
 *
 * When the module is unloaded or the namespace removed: pinholes are closed,
 * established connections stay.
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
