/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a message is to its call: who speaks, in which dialog, and what that does.
 *
 * Part of decide: the call is only read. call/message.c then does it.
 */
#ifndef SIPALG_JUDGE_H
#define SIPALG_JUDGE_H

#include "core/flow.h"
#include "sip/edit.h"
#include "sip/msg.h"

struct sipalg_call;

/* What a message does, beyond being a sign of life. */
enum sipalg_act {
	SIPALG_ACT_NONE,
	SIPALG_ACT_INVITE,		/* a new INVITE */
	SIPALG_ACT_INVITE_CROSSING,	/* the same, of a dialog that a BYE ends */
	SIPALG_ACT_INVITE_TARGET,	/* the newest one, to another target */
	SIPALG_ACT_INVITE_AGAIN,	/* repeated, or overtaken by the newest one */
	SIPALG_ACT_ACK,
	SIPALG_ACT_CANCEL,
	SIPALG_ACT_BYE,
	SIPALG_ACT_OFFER,		/* PRACK or UPDATE */
	SIPALG_ACT_RING,		/* a provisional response to the newest INVITE */
	SIPALG_ACT_ANSWER,		/* its 2xx */
	SIPALG_ACT_ANSWER_UNSEEN,	/* the 2xx to one that has not come by here */
	SIPALG_ACT_BYE_UNTOLD,		/* the 2xx to one that came by another router */
	SIPALG_ACT_REFUSE,		/* its failure */
	SIPALG_ACT_BYE_RESPONSE,
	SIPALG_ACT_OFFER_RESPONSE,
	SIPALG_ACT_MAX
};

/**
 * sipalg_call_judge() - decide what a message is to a call
 * @call: the call with its Call-ID, locked, or prepared
 * @flow: its flow
 * @msg: the message
 * @plan: initialised, or judged on before; filled: all that is said of @call in it
 *
 * A message with the call's Call-ID from another address, or with other tags,
 * changes nothing (S3-54). With the right tags a request is a claim: it takes
 * effect when the other party accepts it with a 2xx, and not before.
 */
void sipalg_call_judge(const struct sipalg_call *call,
		       const struct sipalg_flow *flow,
		       const struct sip_msg *msg, struct sipalg_plan *plan);

/**
 * sipalg_call_retries() - test whether the caller retries after a failure
 * @call: locked
 * @msg: an INVITE
 *
 * Return: true if it is no retransmission and the call has failed.
 */
bool sipalg_call_retries(const struct sipalg_call *call, const struct sip_msg *msg);

/**
 * sipalg_call_hash() - what is kept in place of a tag or a branch
 * @call: gives the key
 * @msg: the message
 * @span: of the tag or branch
 */
u64 sipalg_call_hash(const struct sipalg_call *call, const struct sip_msg *msg,
		     struct sip_span span);

/**
 * sipalg_transaction_of() - the transaction of a message
 * @msg: the message
 * @side: enum sipalg_side of its sender
 * @fork: number of its dialog, 0: none
 */
struct sipalg_transaction sipalg_transaction_of(const struct sip_msg *msg, u8 side,
						u16 fork);

#endif
