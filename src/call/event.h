/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events of calls: the actions of the state table, and the deadlines.
 *
 * Deadlines; all share the call's timer:
 *	UNANSWERED	no response at all to INVITE: 64*T1 (RFC 3261 17.1.1.2)
 *	C		no final response to INVITE: c-timeout (RFC 3261 16.8)
 *	EXPIRES		life.h
 *	SESSION		no refresh: Session-Expires of the 2xx and a margin
 *	MAX_DURATION	hard limit, from the answer; until then from the INVITE
 *	IDLE		no signalling at all
 *	HOLD		life.h
 *	UNKNOWN		a party has answered 481 (RFC 3261 12.2.1.2)
 *	MEDIA		check media activity; retry pinholes
 *	TEARDOWN	close the media of a call that ends
 *	FORGET		retransmissions have ended: remove the call
 */
#ifndef SIPALG_CALL_EVENT_H
#define SIPALG_CALL_EVENT_H

#include "call/state.h"
#include "core/reason.h"
#include "media/media.h"

struct sipalg_call;
struct sipalg_transaction;

/**
 * sipalg_call_event() - process an event of a call
 * @call: locked; the caller has a reference
 * @event: enum sipalg_call_event
 * @transaction: its transaction; NULL: a timer expired
 * @reason: reason if the event ends the call
 */
void sipalg_call_event(struct sipalg_call *call, enum sipalg_call_event event,
		       const struct sipalg_transaction *transaction,
		       enum sipalg_end_reason reason);

/**
 * sipalg_call_is_described() - test whether a side's description belongs to a transaction
 * @call: locked
 * @side: enum sipalg_side
 * @transaction: the transaction
 *
 * Return: true if so, and it waits for an answer.
 */
bool sipalg_call_is_described(const struct sipalg_call *call,
			      enum sipalg_side side,
			      const struct sipalg_transaction *transaction);

/**
 * sipalg_call_commit() - put the descriptions of a transaction in force
 * @call: locked
 * @transaction: the transaction
 *
 * Of a side with no description in force, any description is put in force.
 */
void sipalg_call_commit(struct sipalg_call *call,
			const struct sipalg_transaction *transaction);

/**
 * sipalg_call_rollback() - discard the descriptions of a failed transaction
 * @call: locked
 * @transaction: the transaction
 */
void sipalg_call_rollback(struct sipalg_call *call,
			  const struct sipalg_transaction *transaction);

/**
 * sipalg_call_close_fork() - one of several dialogs was hung up on
 * @call: locked
 *
 * What it had described is closed in teardown-delay, unless the BYE is refused.
 */
void sipalg_call_close_fork(struct sipalg_call *call);

/**
 * sipalg_call_forget_ended() - close what dialogs that have ended had described
 * @call: locked
 */
void sipalg_call_forget_ended(struct sipalg_call *call);

/**
 * sipalg_call_timers_expired() - process the deadlines that have passed
 * @call: locked, in the table; the caller has a reference
 *
 * Timer softirq.
 */
void sipalg_call_timers_expired(struct sipalg_call *call);

#endif
