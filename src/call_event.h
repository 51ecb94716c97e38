/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happens to calls: the actions of the state table, and the deadlines.
 *
 * The deadlines, all in one timer a call:
 *	UNANSWERED	no answer at all to INVITE: 64*T1 (RFC 3261 17.1.1.2)
 *	C		no final answer to INVITE: c-timeout (RFC 3261 16.8)
 *	EXPIRES		call_quiet.h
 *	SESSION		no refresh: Session-Expires of the 2xx and a margin
 *	MAX_DURATION	hard limit, from the answer
 *	IDLE		no signalling at all
 *	HOLD		call_quiet.h
 *	MEDIA		look whether media flows; open what could not be opened
 *	TEARDOWN	close the media of a call that ends
 *	FORGET		nobody retransmits any more: forget the call
 */
#ifndef SIPALG_CALL_EVENT_H
#define SIPALG_CALL_EVENT_H

#include "call_state.h"
#include "reason.h"

struct sipalg_call;

/**
 * sipalg_call_event() - something happens to a call
 * @call: locked; the caller has a reference
 * @event: enum sipalg_call_event
 * @fork: number of the dialog it happens in, 0: none
 * @reason: why the call ends, should it end by this
 */
void sipalg_call_event(struct sipalg_call *call, enum sipalg_call_event event,
		       u16 fork, enum sipalg_end_reason reason);

/**
 * sipalg_call_commit() - an offer has been answered
 * @call: locked
 * @fork: number of the dialog it was answered in
 */
void sipalg_call_commit(struct sipalg_call *call, u16 fork);

/**
 * sipalg_call_session() - a refresh: the session's time begins anew
 * @call: locked
 * @interval: seconds of Session-Expires in the 2xx; 0: none (S4-4)
 *
 * RFC 4028: clamped to 90 s and to the maximum call duration (S4-12).
 */
void sipalg_call_session(struct sipalg_call *call, u32 interval);

/**
 * sipalg_call_deadlines_passed() - carry out what is due
 * @call: locked, in the table; the caller has a reference
 *
 * Timer softirq.
 */
void sipalg_call_deadlines_passed(struct sipalg_call *call);

#endif
