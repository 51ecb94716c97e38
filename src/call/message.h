/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a message means to its call.
 */
#ifndef SIPALG_CALL_MESSAGE_H
#define SIPALG_CALL_MESSAGE_H

#include "core/flow.h"
#include "sip/edit.h"
#include "sip/msg.h"

struct sipalg_call;

/**
 * sipalg_call_message() - take a message in
 * @call: its call, locked, in the table
 * @flow: its flow
 * @msg: the message
 * @plan: gets the edits of its session description, or why there are none
 *
 * A message that claims to be of the call but comes from elsewhere, or has
 * other tags, changes nothing (S3-54).
 */
void sipalg_call_message(struct sipalg_call *call,
			 const struct sipalg_flow *flow,
			 const struct sip_msg *msg, struct sipalg_plan *plan);

/**
 * sipalg_call_message_retries() - does the caller try again after a failure?
 * @call: locked
 * @msg: an INVITE
 *
 * Return: true if it is no repetition and the call has failed.
 */
bool sipalg_call_message_retries(const struct sipalg_call *call,
				 const struct sip_msg *msg);

#endif
