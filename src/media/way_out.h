/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ways out without an expectation, for media that flows.
 *
 * The direction from a phone behind NAT to its peer has a pinhole for RTP and one
 * for RTCP: what the phone sends is related to the call, be the firewall as it may,
 * and leaves from the port that the peer knows. Once media flows both ways, a live
 * connection does that, and the pinholes stand there for the day it is gone: a long
 * silence, `conntrack -F`, a phone that sends RTCP late. Then a look into a table
 * does, once for the first packet of a connection: conntrack is told what a
 * pinhole would have told it. So a call whose media flows holds expectations for
 * the ways in alone.
 */
#ifndef SIPALG_WAY_OUT_H
#define SIPALG_WAY_OUT_H

#include "core/net.h"
#include "media/media.h"

/**
 * sipalg_ways_out_init() - set up the table of a namespace, and look into it
 * @sn: the namespace
 *
 * Process context.
 *
 * Return: 0 or a negative errno.
 */
int sipalg_ways_out_init(struct sipalg_net *sn);

/**
 * sipalg_ways_out_exit() - the reverse
 * @sn: the namespace; its calls are still there
 *
 * Process context, sleeps.
 */
void sipalg_ways_out_exit(struct sipalg_net *sn);

/**
 * sipalg_way_out_enter() - have a media's ways out in the table
 * @media: its call is locked; where its peer sends from
 * @phone: the other side's media, behind NAT
 *
 * Return: true if they are in it: its pinholes can be closed.
 */
bool sipalg_way_out_enter(struct sipalg_media *media,
			  const struct sipalg_media *phone);

/**
 * sipalg_way_out_is_taken() - does the table lead from this phone to there already
 * @media: its call is locked; where its peer sends from
 * @phone: the other side's media, or NULL
 *
 * Return: true if so, for another call: a pinhole would be in its way.
 */
bool sipalg_way_out_is_taken(const struct sipalg_media *media,
			     const struct sipalg_media *phone);

/**
 * sipalg_way_out_leave() - take them out, if they are in it
 * @media: its call is locked
 */
void sipalg_way_out_leave(struct sipalg_media *media);

/**
 * sipalg_way_out_is_for() - do a media's ways lead out from this phone
 * @media: its call is locked
 * @phone: the other side's media, or NULL
 *
 * Return: true if they are in the table for it.
 */
bool sipalg_way_out_is_for(const struct sipalg_media *media,
			   const struct sipalg_media *phone);

#endif
