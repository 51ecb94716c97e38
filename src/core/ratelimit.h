/* SPDX-License-Identifier: GPL-2.0-only */
/* rate-limit: so many requests of a method a second from one address. */
#ifndef SIPALG_RATELIMIT_H
#define SIPALG_RATELIMIT_H

#include "core/flow.h"
#include "sip/msg.h"

/**
 * sipalg_ratelimit_exceeded() - is this request one too many?
 * @flow: its flow
 * @msg: a request that belongs to no call that is followed: those were let in
 *	already, and their BYE must not be kept from them
 *
 * RCU read side, BH off.
 *
 * Return: true: it is to be dropped. False always where rate-limit is off.
 */
bool sipalg_ratelimit_exceeded(const struct sipalg_flow *flow,
			       const struct sip_msg *msg);

#endif
