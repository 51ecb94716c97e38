/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a message that leaves tells of its sender: where a phone is registered, and
 * where it waits for notifications.
 */
#ifndef SIPALG_LEARN_H
#define SIPALG_LEARN_H

#include "core/flow.h"
#include "sip/edit.h"
#include "sip/msg.h"

/**
 * sipalg_learn() - note what a message tells
 * @flow: its flow
 * @msg: the message, as it came; its mappings are made
 * @plan: &sipalg_plan.tells says what; gets &sipalg_plan.keep
 *
 * Does not fail: a registration for which there is no memory is counted. Caller
 * holds rcu_read_lock; takes mappings' locks.
 */
void sipalg_learn(const struct sipalg_flow *flow, const struct sip_msg *msg,
		  struct sipalg_plan *plan);

#endif
