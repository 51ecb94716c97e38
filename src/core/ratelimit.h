/* SPDX-License-Identifier: GPL-2.0-only */
/* rate-limit: requests a second of one method from one address. */
#ifndef SIPALG_RATELIMIT_H
#define SIPALG_RATELIMIT_H

#include "core/flow.h"
#include "sip/msg.h"

/**
 * sipalg_ratelimit_exceeded() - count a request and test the limit
 * @flow: its flow
 * @msg: a request outside followed calls, whose requests, for example BYE, are
 *	not limited
 *
 * RCU read side, BH off.
 *
 * Return: true if it must be dropped; always false if rate-limit is off.
 */
bool sipalg_ratelimit_exceeded(const struct sipalg_flow *flow,
			       const struct sip_msg *msg);

#endif
