/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which hosts in a message's headers are ours, and what becomes of them.
 *
 * The table of seed 003 (FEATURES.md 1e, decisions C4-C6): a host of the
 * inside that leaves becomes its public face; a public face that comes back
 * becomes, to the byte, what the phone wrote. All else stays.
 */
#ifndef SIPALG_HEADER_NAT_H
#define SIPALG_HEADER_NAT_H

#include "core/flow.h"
#include "sip/edit.h"
#include "sip/msg.h"

/**
 * sipalg_translate() - plan the edits of a message's headers
 * @flow: its flow
 * @msg: the message
 * @plan: gets the edits; &sipalg_plan.call, if there is one, is locked and
 *	comes to use the mapping of its inside party
 *
 * Caller holds rcu_read_lock; takes mappings' locks.
 */
void sipalg_translate(const struct sipalg_flow *flow,
		      const struct sip_msg *msg, struct sipalg_plan *plan);

#endif
