/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * screen-invites (S3-30): after a 3xx, 4xx or 5xx that is not in screen-exempt,
 * the same INVITE is dropped for screen-timeout.
 *
 * The same: same source, destination and Request-URI. A caller who found one
 * line busy can call another.
 */
#ifndef SIPALG_SCREEN_H
#define SIPALG_SCREEN_H

#include "core/flow.h"
#include "sip/msg.h"

struct sipalg_call;

/**
 * sipalg_screen_refuses() - test whether an INVITE must be dropped
 * @flow: its flow
 * @msg: an INVITE outside a dialog
 *
 * RCU read side, BH off.
 *
 * Return: true if so; always false if screen-invites is off.
 */
bool sipalg_screen_refuses(const struct sipalg_flow *flow,
			   const struct sip_msg *msg);

/**
 * sipalg_screen_invite() - store the key of a call's INVITE
 * @call: locked
 * @flow: the INVITE's flow
 * @msg: the INVITE
 */
void sipalg_screen_invite(struct sipalg_call *call,
			  const struct sipalg_flow *flow,
			  const struct sip_msg *msg);

/**
 * sipalg_screen_failure() - note the failure of a call's first INVITE
 * @call: locked
 * @status: 300..699
 *
 * RCU read side, BH off.
 */
void sipalg_screen_failure(struct sipalg_call *call, u16 status);

#endif
