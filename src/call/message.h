/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The effect of a message on its call.
 */
#ifndef SIPALG_CALL_MESSAGE_H
#define SIPALG_CALL_MESSAGE_H

#include "core/flow.h"
#include "sip/edit.h"
#include "sip/msg.h"

struct sipalg_call;

/**
 * sipalg_call_acquire() - what may fail before a call takes a message in
 * @call: its call, locked, in the table
 * @msg: the message
 * @plan: its plan, see sipalg_call_judge()
 *
 * The message's dialog: without memory for it, it has none.
 */
void sipalg_call_acquire(struct sipalg_call *call, const struct sip_msg *msg,
			 struct sipalg_plan *plan);

/**
 * sipalg_call_release() - the message does not leave as planned
 * @call: its call, locked, in the table
 * @plan: its plan, acquired
 */
void sipalg_call_release(struct sipalg_call *call, struct sipalg_plan *plan);

/**
 * sipalg_call_take_in() - a message takes effect on its call
 * @call: its call, locked, in the table
 * @flow: its flow
 * @msg: the message
 * @plan: its plan, acquired; &sipalg_plan.followed becomes false if the call needs
 *	nothing of its flow
 *
 * Does not fail. The call may have ended by it.
 */
void sipalg_call_take_in(struct sipalg_call *call, const struct sipalg_flow *flow,
			 const struct sip_msg *msg, struct sipalg_plan *plan);

/**
 * sipalg_call_prove() - the answer to a claim has come: it takes effect, or is gone
 * @call: the call, locked, in the table
 * @flow: the answer's flow
 * @msg: the answer, of which sipalg_call_judge() says that it proves
 * @plan: its plan; its description is used
 *
 * The claim has left long ago, and what it means does not depend on whether the
 * answer leaves as well.
 *
 * Return: true if media has changed: sipalg_media_sync() is due.
 */
bool sipalg_call_prove(struct sipalg_call *call, const struct sipalg_flow *flow,
		       const struct sip_msg *msg, struct sipalg_plan *plan);

#endif
