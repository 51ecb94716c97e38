/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decide: turns the index of a message into a plan of what to do with it.
 */
#ifndef SIPALG_DECIDE_H
#define SIPALG_DECIDE_H

#include "core/flow.h"
#include "packet/mangle.h"
#include "sip/edit.h"
#include "sip/msg.h"

/**
 * sipalg_decide() - make the plan for a message
 * @flow: its flow
 * @msg: its index
 * @plan: filled; its call, if any, stays locked until sipalg_decide_done()
 *
 * Changes nothing: what the message means to calls, streams, mappings and
 * registrations is in the plan, and apply carries it out. Softirq or process
 * context with BH off; caller holds rcu_read_lock.
 */
void sipalg_decide(const struct sipalg_flow *flow, const struct sip_msg *msg,
		   struct sipalg_plan *plan);

/**
 * sipalg_decide_without() - decide again, for lack of something
 * @flow: the message's flow
 * @msg: the message
 * @plan: its plan, of which nothing was applied; now it drops the message, or
 *	needs less
 * @lack: what it could not have
 */
void sipalg_decide_without(const struct sipalg_flow *flow,
			   const struct sip_msg *msg,
			   struct sipalg_plan *plan, enum sipalg_applied lack);

/**
 * sipalg_decide_passed() - the message has left already, as it came
 * @plan: its plan: what it means to a call stands, but it is not dropped
 */
void sipalg_decide_passed(struct sipalg_plan *plan);

/**
 * sipalg_decide_undo() - give back what a message took that does not leave
 * @plan: its plan, that could not be applied
 *
 * Of what was acquired last, pinholes, one was not to be had: a call that the
 * message began is gone, else the streams that it was the first to describe, with
 * their ports and pinholes.
 */
void sipalg_decide_undo(struct sipalg_plan *plan);

/**
 * sipalg_decide_done() - release a plan that was applied or abandoned
 * @plan: the plan
 */
void sipalg_decide_done(struct sipalg_plan *plan);

#endif
