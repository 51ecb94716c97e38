/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Media connections that have come by a pinhole, so that they can be ended
 * with the call (S1-9) and asked for their last packet (S2-4).
 *
 * Anyone may send to a pinhole (S1-2), so their number is bounded: the first
 * ones stay, and who comes when all places are taken by living ones is refused,
 * unless the call has named him: then a stranger goes, or if there is none the
 * first of his own, which the next packet brings back if it lives.
 */
#ifndef SIPALG_MEDIA_CT_H
#define SIPALG_MEDIA_CT_H

#include <linux/types.h>

struct nf_conn;
struct nf_conntrack_zone;
struct sipalg_addr;
struct sipalg_media;

#define SIPALG_MAX_FLOWS	16	/* of one m= section of one side */

/**
 * sipalg_media_ct_add() - a connection came by a pinhole
 * @media: whose; its call is locked
 * @ct: the new, unconfirmed conntrack
 *
 * expectfn context.
 *
 * Return: false if it must be refused.
 */
bool sipalg_media_ct_add(struct sipalg_media *media, struct nf_conn *ct);

/**
 * sipalg_media_ct_find() - the connection that one side's media has already
 * @media: whose; its call is locked
 * @peer: the other side's, which it is sent to
 * @port: SIPALG_RTP or SIPALG_RTCP
 * @zone: conntrack's zone of it
 * @face: out: what the peer sees it come from
 *
 * In a call that was up before this module was (H-23), whoever has begun it.
 *
 * Return: it, with a reference, or NULL.
 */
struct nf_conn *sipalg_media_ct_find(const struct sipalg_media *media,
				     const struct sipalg_media *peer,
				     unsigned int port,
				     const struct nf_conntrack_zone *zone,
				     struct sipalg_addr *face);

/**
 * sipalg_media_cts_end() - forget all of them
 * @media: whose; its call is locked
 * @kill: end the connections as well
 */
void sipalg_media_cts_end(struct sipalg_media *media, bool kill);

/**
 * sipalg_media_cts_quiet() - how long ago did the last packet pass
 * @media: whose; its call is locked
 *
 * A media conntrack's timeout is renewed by each packet, so it tells when
 * the last one came. What is found is kept in @media->seen.
 *
 * Return: jiffies; since @media->seen if nothing newer is known.
 */
u32 sipalg_media_cts_quiet(struct sipalg_media *media);

/**
 * sipalg_media_cts_count() - what has passed, both directions together
 * @media: whose; its call is locked
 * @packets: out
 * @bytes: out
 *
 * Return: false if conntrack does not count (sysctl nf_conntrack_acct).
 */
bool sipalg_media_cts_count(struct sipalg_media *media, u64 *packets,
			    u64 *bytes);

#endif
