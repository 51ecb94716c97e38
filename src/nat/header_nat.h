/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * NAT of the addresses in a message's headers.
 *
 * By the table of headers (doc/dev/requirements.md 1e, C4 to C6): an inside
 * address that leaves is replaced by its public one; a public address that
 * comes back is replaced by exactly what the phone wrote. All else stays.
 */
#ifndef SIPALG_HEADER_NAT_H
#define SIPALG_HEADER_NAT_H

#include "core/flow.h"
#include "sip/edit.h"
#include "sip/msg.h"

/**
 * sipalg_translate_asks() - which addresses of a message may have to be changed
 * @flow: its flow
 * @asked: filled
 */
void sipalg_translate_asks(const struct sipalg_flow *flow, struct sip_asked *asked);

/**
 * sipalg_translate() - plan the edits of a message's headers
 * @flow: its flow
 * @msg: the message
 * @plan: gets the edits and intents; &sipalg_plan.call, if there is one, is
 *	locked
 *
 * Only reads. Caller holds rcu_read_lock; takes mappings' locks.
 */
void sipalg_translate(const struct sipalg_flow *flow,
		      const struct sip_msg *msg, struct sipalg_plan *plan);

#endif
