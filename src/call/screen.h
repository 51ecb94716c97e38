/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * screen-invites (S3-30): after a reply of 3xx, 4xx or 5xx that is not in
 * screen-exempt, the same INVITE is not let through for screen-timeout.
 *
 * The same is: from the same address, to the same address, for the same
 * Request-URI; so that a caller who found one line busy can call another.
 */
#ifndef SIPALG_SCREEN_H
#define SIPALG_SCREEN_H

#include "core/flow.h"
#include "sip/msg.h"

struct sipalg_call;

/**
 * sipalg_screen_refuses() - is this INVITE to be dropped?
 * @flow: its flow
 * @msg: an INVITE outside a dialog
 *
 * RCU read side, BH off.
 *
 * Return: true if so. False always where screen-invites is off.
 */
bool sipalg_screen_refuses(const struct sipalg_flow *flow,
			   const struct sip_msg *msg);

/**
 * sipalg_screen_invite() - remember what a call's INVITE is the same as
 * @call: locked
 * @flow: the INVITE's flow
 * @msg: the INVITE
 */
void sipalg_screen_invite(struct sipalg_call *call,
			  const struct sipalg_flow *flow,
			  const struct sip_msg *msg);

/**
 * sipalg_screen_failure() - a call's first INVITE got this reply
 * @call: locked
 * @status: 300..699
 *
 * RCU read side, BH off.
 */
void sipalg_screen_failure(struct sipalg_call *call, u16 status);

#endif
