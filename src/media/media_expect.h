/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Media pinholes: opened and closed as the descriptions say, and the setup of
 * connections admitted by them. Part of apply.
 */
#ifndef SIPALG_MEDIA_EXPECT_H
#define SIPALG_MEDIA_EXPECT_H

#include "core/flow.h"

struct nf_conn;
struct nf_conntrack_expect;
struct sipalg_call;
struct sipalg_media;
struct sipalg_origin;

/**
 * sipalg_media_sync() - open and close pinholes as the descriptions say
 * @call: locked
 * @flow: the flow of the message, for a master; NULL from a timer
 *
 * Return: 0, or a negative errno if a pinhole towards a translated address
 * could not be opened: the message must not go out. The call's timer retries all
 * others that could not be opened.
 */
int sipalg_media_sync(struct sipalg_call *call, const struct sipalg_flow *flow);

/**
 * sipalg_media_master() - make the master of a restored call without a packet
 * @call: locked
 * @origin: of its signalling flow
 *
 * Return: it, or NULL: see sipalg_master_alloc().
 */
struct nf_conn *sipalg_media_master(struct sipalg_call *call,
				    const struct sipalg_origin *origin);

/**
 * sipalg_media_adopt() - take over the connections of a restored call's media
 * @call: locked, with its pinholes open
 *
 * Those that another router has begun, and that are translated as the parties have been
 * told, are from now on the call's; those that came here before the pinholes did, and
 * are not, are ended: their next packet begins another. RCU read side, BH off.
 */
void sipalg_media_adopt(struct sipalg_call *call);

/**
 * sipalg_media_repair() - put back what somebody else has taken out
 * @call: locked
 * @flow: the flow of the message; NULL from a timer
 */
void sipalg_media_repair(struct sipalg_call *call,
			 const struct sipalg_flow *flow);

/**
 * sipalg_media_retry() - retry from the timer, with growing intervals
 * @call: locked
 */
void sipalg_media_retry(struct sipalg_call *call);

/**
 * sipalg_media_release() - close one media's pinholes
 * @media: its call is locked
 * @kill: also end the connections admitted by them
 */
void sipalg_media_release(struct sipalg_media *media, bool kill);

/**
 * sipalg_media_cut() - end the connections admitted by a media's pinholes
 * @media: its call is locked
 *
 * The next packet makes a new connection, if it may.
 */
void sipalg_media_cut(struct sipalg_media *media);

/**
 * sipalg_media_admit() - a connection begins by a media's pinhole, or its way out
 * @media: its call is locked
 * @ct: the new, unconfirmed conntrack
 *
 * Return: false if as many as there may be are there already.
 */
bool sipalg_media_admit(struct sipalg_media *media, struct nf_conn *ct);

/**
 * sipalg_media_thin() - close the pinholes out of media that flows
 * @call: locked
 *
 * What they are for is done by the connection, and without it by way_out.h.
 */
void sipalg_media_thin(struct sipalg_call *call);

/**
 * sipalg_media_thicken() - open the pinholes again that sipalg_media_thin() has closed
 * @call: locked
 *
 * Media does not flow any more. If it does, its timer closes them.
 */
void sipalg_media_thicken(struct sipalg_call *call);

/**
 * sipalg_media_leads_out() - test whether inactivity leaves a media's pinholes open
 * @media: its call is locked
 *
 * True for the direction from the phone to its peer in an answered call: the
 * phone's next packet leaves from the port that its peer knows.
 *
 * Return: true if so.
 */
bool sipalg_media_leads_out(const struct sipalg_media *media);

/**
 * sipalg_media_settings() - apply changed settings to a call's pinholes
 * @call: locked
 * @flow: of its newest message, for a master; NULL: none
 */
void sipalg_media_settings(struct sipalg_call *call,
			   const struct sipalg_flow *flow);

#endif
