/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pinholes of media: brought into line with what is described, and what
 * happens to a connection that comes by one. Part of apply.
 */
#ifndef SIPALG_MEDIA_EXPECT_H
#define SIPALG_MEDIA_EXPECT_H

#include "core/flow.h"

struct nf_conn;
struct nf_conntrack_expect;
struct sipalg_call;
struct sipalg_media;

/**
 * sipalg_media_sync() - bring the pinholes into line with the descriptions
 * @call: locked
 * @flow: the flow of the message, for a master; NULL from a timer
 *
 * Return: 0, or a negative errno if a pinhole towards a translated address
 * could not be opened: the message must not go out. What else found no room, or
 * did without a message, the call's timer tries again.
 */
int sipalg_media_sync(struct sipalg_call *call, const struct sipalg_flow *flow);

/**
 * sipalg_media_retry() - the timer tries again, and waits longer each time
 * @call: locked
 */
void sipalg_media_retry(struct sipalg_call *call);

/**
 * sipalg_media_release() - close one media's pinholes
 * @media: its call is locked
 * @kill: end the connections that came by them as well
 */
void sipalg_media_release(struct sipalg_media *media, bool kill);

/**
 * sipalg_media_expected() - a media connection came by a pinhole
 * @call: whose
 * @ct: the new conntrack
 * @exp: the pinhole
 *
 * expectfn context (RCU read side, no lock held); takes the call's lock.
 */
void sipalg_media_expected(struct sipalg_call *call, struct nf_conn *ct,
			   struct nf_conntrack_expect *exp);

#endif
