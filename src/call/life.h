/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signs of life, and the limits that wait for one.
 *
 * A call lives as long as its parties say so. What says so:
 *	a message	between the known parties: idle-call-timeout begins anew
 *	an acceptance	a 2xx of a known party to any request within the dialog
 *			(re-INVITE, UPDATE, PRACK, INFO, ...), wherever that
 *			came from: the same, and a 481 before it is forgotten
 *	a refresh	a 2xx to INVITE or UPDATE, with or without a description:
 *			the session's time begins anew (RFC 4028), and closed
 *			media opens again
 *	half of one	only its request or only its answer has passed here: the
 *			end of the session is put off once, by session-margin
 *	media		in either direction (media/activity.h): keeps its
 *			pinholes, and a call that rings, has an Expires, is on
 *			hold or was answered 481
 *
 * doc/call-lifecycle.md says it to those who run a router.
 */
#ifndef SIPALG_CALL_LIFE_H
#define SIPALG_CALL_LIFE_H

#include <linux/types.h>
#include "core/call.h"

struct sipalg_call;

/**
 * sipalg_life_begin() - one of the limits begins to run, or begins anew
 * @call: locked
 * @which: a TIMER_LIMIT() of timers.def
 *
 * How long it is say the settings and the messages; none where that is 0: never.
 */
void sipalg_life_begin(struct sipalg_call *call, enum sipalg_call_timer which);

/**
 * sipalg_life_stop() - one of the limits is of no meaning any more
 * @call: locked
 * @which: enum sipalg_call_timer
 */
void sipalg_life_stop(struct sipalg_call *call, enum sipalg_call_timer which);

/**
 * sipalg_life_settings() - settings have changed: limits that run have their new length
 * @call: locked
 *
 * Counted from when they began; what is over by now is over at once.
 */
void sipalg_life_settings(struct sipalg_call *call);

/**
 * sipalg_life_message() - the known parties have exchanged a message
 * @call: locked
 */
void sipalg_life_message(struct sipalg_call *call);

/**
 * sipalg_life_accepted() - a request within the dialog was answered 2xx
 * @call: locked
 */
void sipalg_life_accepted(struct sipalg_call *call);

/**
 * sipalg_life_refreshed() - the session's time begins anew, its media opens
 * @call: locked, answered
 * @interval: seconds of Session-Expires in the 2xx; 0: none (S4-4)
 *
 * RFC 4028: at least 90 s, at most the maximum call duration (S4-12).
 */
void sipalg_life_refreshed(struct sipalg_call *call, u32 interval);

/**
 * sipalg_life_half() - half of a refresh has been seen, or that half was refused
 * @call: locked
 * @seen: it counts until the session's time is over, or a whole one comes
 */
void sipalg_life_half(struct sipalg_call *call, bool seen);

/**
 * sipalg_life_unknown() - a party knows of no such call (RFC 3261 12.2.1.2)
 * @call: locked
 *
 * It ends after session-margin, unless a sign of life follows.
 */
void sipalg_life_unknown(struct sipalg_call *call);

/**
 * sipalg_life_expires() - Expires of an INVITE or of a 2xx to INVITE or UPDATE
 * @call: locked
 * @interval: seconds; 0: none, the limit is taken away (S0-8)
 *
 * That of an INVITE limits the invitation (RFC 3261 13.2.1), not the call that
 * comes of it: phones use it for how long they let ring. That of a 2xx ends a
 * dialog without media. Both with session-margin.
 */
void sipalg_life_expires(struct sipalg_call *call, u32 interval);

/**
 * sipalg_life_hold() - a description is in force: hold begins, goes on or ends
 * @call: locked
 */
void sipalg_life_hold(struct sipalg_call *call);

/**
 * sipalg_life_passed() - one of the limits has passed
 * @call: locked; the caller has a reference
 * @which: a TIMER_LIMIT() of timers.def
 *
 * The call ends, or is shut, unless there is a sign of life that counts for it.
 */
void sipalg_life_passed(struct sipalg_call *call, enum sipalg_call_timer which);

#endif
