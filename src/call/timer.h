/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits that apply only while a call has no media: c-timeout (S2-9), Expires of
 * the dialog (S0-6) and hold-timeout.
 */
#ifndef SIPALG_CALL_TIMER_H
#define SIPALG_CALL_TIMER_H

#include <linux/types.h>

struct sipalg_call;

/**
 * sipalg_call_expires() - process Expires of an INVITE or of a 2xx
 * @call: locked
 * @interval: seconds; 0: none, removes the limit (S0-8)
 *
 * Expires of an INVITE limits the ringing time, not the call (RFC 3261 13.2.1).
 * Expires of a 2xx to INVITE or UPDATE ends a dialog without media.
 * session-margin is added to both.
 */
void sipalg_call_expires(struct sipalg_call *call, u32 interval);

/**
 * sipalg_call_expired() - process the end of Expires
 * @call: locked
 */
void sipalg_call_expired(struct sipalg_call *call);

/**
 * sipalg_call_rung_long() - process the end of c-timeout
 * @call: locked
 *
 * Early media (RFC 3960) keeps the call, at most for maximum-call-duration.
 */
void sipalg_call_rung_long(struct sipalg_call *call);

/**
 * sipalg_call_hold() - start or stop hold-timeout after a description
 * @call: locked
 */
void sipalg_call_hold(struct sipalg_call *call);

/**
 * sipalg_call_held_long() - process the end of hold-timeout
 * @call: locked
 */
void sipalg_call_held_long(struct sipalg_call *call);

#endif
