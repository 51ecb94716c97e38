/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The setting public-address at work: a 1:1 NAT outside of this router.
 *
 * All that decides works on the addresses that packets have here. So before it
 * a message that names EXTERNAL is read as if it named LOCAL, and what leaves
 * for the outside is written with EXTERNAL.
 */
#ifndef SIPALG_NAT_OUTER_H
#define SIPALG_NAT_OUTER_H

#include "core/flow.h"
#include "core/net.h"
#include "sip/edit.h"
#include "sip/msg.h"
#include "sip/outer.h"

/* As of sipalg_nat64_is_used(). */
static inline bool sipalg_outer_is_used(const struct sipalg_flow *flow)
{
	return rcu_access_pointer(flow->sn->outer);
}

/**
 * sipalg_outer_read() - read a message as if it were written with LOCAL
 * @flow: its flow
 * @msg: its index; &sip_host.written of what has changed
 *
 * Caller holds rcu_read_lock.
 */
void sipalg_outer_read(const struct sipalg_flow *flow, struct sip_msg *msg);

/**
 * sipalg_outer_begin() - does this message leave for the outside
 * @flow: its flow
 * @plan: empty; &sipalg_plan.outer is set if so
 *
 * Caller holds rcu_read_lock until the plan is finished.
 */
void sipalg_outer_begin(const struct sipalg_flow *flow,
			struct sipalg_plan *plan);

/**
 * sipalg_outer_finish() - write what no other rule writes
 * @flow: its flow
 * @msg: the message, as sipalg_outer_read() has left it
 * @plan: gets the edits
 *
 * Where this router translates nothing, LOCAL is a host's own: the router's, or
 * of one behind it. Caller holds rcu_read_lock.
 */
void sipalg_outer_finish(const struct sipalg_flow *flow,
			 const struct sip_msg *msg, struct sipalg_plan *plan);

#endif
