/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Media connections admitted by pinholes, so that they can be ended with the
 * call (S1-9) and asked for the time of their last packet (S2-4).
 *
 * Anyone may send to a pinhole (S1-2), so their number is limited. When all
 * slots hold live connections a new one is refused, unless it comes from the
 * peer that the call named: then an unexpected peer's connection is dropped,
 * else the oldest of the same peer.
 */
#ifndef SIPALG_MEDIA_CT_H
#define SIPALG_MEDIA_CT_H

#include <linux/types.h>

struct nf_conn;
struct sipalg_addr;
struct sipalg_media;

#define SIPALG_MAX_FLOWS	16	/* of one m= section of one side */

/**
 * sipalg_media_ct_add() - add a connection admitted by a pinhole
 * @media: its call is locked
 * @ct: the new, unconfirmed conntrack
 *
 * expectfn context.
 *
 * Return: false if the connection must be refused.
 */
bool sipalg_media_ct_add(struct sipalg_media *media, struct nf_conn *ct);

/**
 * sipalg_media_ct_has() - did this connection come by one of its pinholes
 * @media: its call is locked
 * @ct: the connection
 */
bool sipalg_media_ct_has(const struct sipalg_media *media,
			 const struct nf_conn *ct);

/**
 * sipalg_media_ct_find() - find the existing connection of one side's media
 * @media: its call is locked
 * @peer: the other side's media
 * @port: SIPALG_RTP or SIPALG_RTCP
 * @face: out: its source address as the peer sees it
 *
 * For calls that were up before the module was loaded (H-23).
 *
 * Return: the conntrack, with a reference, or NULL.
 */
struct nf_conn *sipalg_media_ct_find(const struct sipalg_media *media,
				     const struct sipalg_media *peer,
				     unsigned int port,
				     struct sipalg_addr *face);

/**
 * sipalg_media_cts_flow() - does a connection carry media both ways
 * @media: its call is locked
 *
 * Return: true if so.
 */
bool sipalg_media_cts_flow(const struct sipalg_media *media);

/**
 * sipalg_media_cts_end() - forget all connections
 * @media: its call is locked
 * @kill: end the connections as well
 */
void sipalg_media_cts_end(struct sipalg_media *media, bool kill);

/**
 * sipalg_media_cts_quiet() - time since the last packet
 * @media: its call is locked
 *
 * A media conntrack's timeout is renewed by each packet, so it tells when
 * the last one came. The result is stored in @media->seen.
 *
 * Return: jiffies; since @media->seen if nothing newer is known.
 */
u32 sipalg_media_cts_quiet(struct sipalg_media *media);

/**
 * sipalg_media_cts_count() - packets and bytes of both directions
 * @media: its call is locked
 * @packets: out
 * @bytes: out
 *
 * Return: false if conntrack does not count (sysctl nf_conntrack_acct).
 */
bool sipalg_media_cts_count(struct sipalg_media *media, u64 *packets,
			    u64 *bytes);

#endif
