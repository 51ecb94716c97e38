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
 * sipalg_call_message() - process a message of a call
 * @call: its call, locked, in the table
 * @flow: its flow
 * @msg: the message
 * @plan: gets the edits of its session description, or why there are none
 *
 * A message with the call's Call-ID from another address, or with other tags,
 * changes nothing (S3-54); see sipalg_call_claim().
 */
void sipalg_call_message(struct sipalg_call *call,
			 const struct sipalg_flow *flow,
			 const struct sip_msg *msg, struct sipalg_plan *plan);

/**
 * sipalg_call_claim() - keep a request of the call's from another address
 * @call: the call with its Call-ID, locked, in the table; it did not take the
 *	message
 * @flow: its flow
 * @msg: the message
 *
 * With the right tags it takes effect when the other party accepts it with a
 * 2xx, and not before.
 */
void sipalg_call_claim(struct sipalg_call *call, const struct sipalg_flow *flow,
		       const struct sip_msg *msg);

/**
 * sipalg_call_message_retries() - test whether the caller retries after a failure
 * @call: locked
 * @msg: an INVITE
 *
 * Return: true if it is no retransmission and the call has failed.
 */
bool sipalg_call_message_retries(const struct sipalg_call *call,
				 const struct sip_msg *msg);

#endif
