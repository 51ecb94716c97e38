/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits that end a call only while nothing flows in it: c-timeout (S2-9),
 * Expires of the dialog (S0-6) and hold-timeout.
 */
#ifndef SIPALG_CALL_TIMER_H
#define SIPALG_CALL_TIMER_H

#include <linux/types.h>

struct sipalg_call;

static inline bool sipalg_call_on_hold(const struct sipalg_call *call)
{
	return call->hold[0] || call->hold[1];
}

/**
 * sipalg_call_expires() - Expires of an INVITE or of a 2xx to INVITE or UPDATE
 * @call: locked
 * @interval: seconds; 0: none, the limit is taken away (S0-8)
 *
 * That of an INVITE limits the invitation (RFC 3261 13.2.1), not the call that
 * comes of it: phones use it for how long they let ring. That of a 2xx ends a
 * dialog without media. Both with session-margin.
 */
void sipalg_call_expires(struct sipalg_call *call, u32 interval);

/**
 * sipalg_call_expired() - its time is over
 * @call: locked
 */
void sipalg_call_expired(struct sipalg_call *call);

/**
 * sipalg_call_rung_long() - c-timeout is over
 * @call: locked
 *
 * Early media (RFC 3960) keeps the call, for maximum-call-duration at most.
 */
void sipalg_call_rung_long(struct sipalg_call *call);

/**
 * sipalg_call_hold() - a description is in force: hold begins, goes on or ends
 * @call: locked
 */
void sipalg_call_hold(struct sipalg_call *call);

/**
 * sipalg_call_held_long() - hold-timeout is over
 * @call: locked
 */
void sipalg_call_held_long(struct sipalg_call *call);

#endif
