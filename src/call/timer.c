// SPDX-License-Identifier: GPL-2.0-only
/* Expiry of dialogs, ringing calls and calls on hold. */
#include "call/call.h"
#include "call/event.h"
#include "call/timer.h"
#include "core/net.h"
#include "media/activity.h"
#include "media/media.h"

#define QUIET_DEFAULT	(120 * HZ)	/* where media never becomes inactive */

static bool has_deadline(const struct sipalg_call *call,
			 enum sipalg_call_timer which)
{
	return call->deadlines & 1u << which;
}

/* Media keeps the call: check again when it may have been inactive for @limit. */
static bool wait_for_quiet(struct sipalg_call *call,
			   enum sipalg_call_timer which, unsigned long limit)
{
	unsigned long quiet = sipalg_media_quiet(call);

	if (quiet >= limit)
		return false;
	sipalg_call_timer_set(call, which, limit - quiet);
	return true;
}

void sipalg_call_expires(struct sipalg_call *call, u32 interval)
{
	u32 longest = sipalg_setting(call->sn, SIPALG_MAXIMUM_CALL_DURATION) * 60;
	u32 margin = sipalg_setting(call->sn, SIPALG_SESSION_MARGIN);

	call->expires = min(interval, longest);
	if (call->expires)
		sipalg_call_timer_set(call, SIPALG_TIMER_EXPIRES,
				      (call->expires + margin) *
					      (unsigned long)HZ);
	else
		sipalg_call_timer_clear(call, SIPALG_TIMER_EXPIRES);
}

static unsigned long quiet_limit(const struct sipalg_call *call)
{
	unsigned long limit =
		sipalg_setting(call->sn, SIPALG_INACTIVE_MEDIA_TIMEOUT) * HZ;

	return limit ?: QUIET_DEFAULT;
}

void sipalg_call_expired(struct sipalg_call *call)
{
	if (call->state == SIPALG_CALL_EARLY) {
		sipalg_call_event(call, SIPALG_EVENT_C_TIMEOUT, NULL,
				  SIPALG_END_INVITE_TIMEOUT);
		return;
	}
	/* on hold, hold-timeout says how long */
	if (sipalg_call_on_hold(call) ||
	    wait_for_quiet(call, SIPALG_TIMER_EXPIRES, quiet_limit(call)))
		return;
	sipalg_call_event(call, SIPALG_EVENT_IDLE, NULL, SIPALG_END_IDLE);
}

/* A queue that plays music rings as long as the caller listens. */
static bool may_ring_on(struct sipalg_call *call)
{
	u32 longest = sipalg_setting(call->sn, SIPALG_MAXIMUM_CALL_DURATION);

	return call->state == SIPALG_CALL_EARLY &&
	       sipalg_since(call->created) < longest * 60 * HZ &&
	       wait_for_quiet(call, SIPALG_TIMER_C, quiet_limit(call));
}

void sipalg_call_rung_long(struct sipalg_call *call)
{
	if (!may_ring_on(call))
		sipalg_call_event(call, SIPALG_EVENT_C_TIMEOUT, NULL,
				  SIPALG_END_INVITE_TIMEOUT);
}

void sipalg_call_hold(struct sipalg_call *call)
{
	unsigned long limit = sipalg_setting(call->sn, SIPALG_HOLD_TIMEOUT) * HZ;

	if (!limit || !sipalg_call_on_hold(call))
		sipalg_call_timer_clear(call, SIPALG_TIMER_HOLD);
	else if (!has_deadline(call, SIPALG_TIMER_HOLD))
		sipalg_call_timer_set(call, SIPALG_TIMER_HOLD, limit);
}

void sipalg_call_held_long(struct sipalg_call *call)
{
	unsigned long limit = sipalg_setting(call->sn, SIPALG_HOLD_TIMEOUT) * HZ;

	if (!limit || wait_for_quiet(call, SIPALG_TIMER_HOLD, limit))
		return;
	sipalg_call_event(call, SIPALG_EVENT_IDLE, NULL, SIPALG_END_IDLE);
}
