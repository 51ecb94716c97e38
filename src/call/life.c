// SPDX-License-Identifier: GPL-2.0-only
/* How long the limits of a call are, and what puts their end off. */
#include "call/call.h"
#include "call/event.h"
#include "call/life.h"
#include "core/ct_timeout.h"
#include "core/net.h"
#include "media/activity.h"

#define SESSION_INTERVAL_MIN	90		/* RFC 4028 4 */
#define QUIET_DEFAULT		(120 * HZ)	/* where media never becomes inactive */

static u32 longest_call(const struct sipalg_call *call)
{
	return sipalg_setting(call->sn, SIPALG_MAXIMUM_CALL_DURATION) * 60;
}

static u32 session_margin(const struct sipalg_call *call)
{
	return sipalg_setting(call->sn, SIPALG_SESSION_MARGIN);
}

/* What the 2xx said, or session-default (S4-13), in bounds; 0: none. */
static u32 session_interval(const struct sipalg_call *call)
{
	u32 interval = call->session_expires ?:
			       sipalg_setting(call->sn, SIPALG_SESSION_DEFAULT);

	return interval ? clamp_t(u32, interval, SESSION_INTERVAL_MIN,
				  longest_call(call)) : 0;
}

static u32 session_time(const struct sipalg_call *call)
{
	u32 interval = session_interval(call);

	return interval ? interval + session_margin(call) : 0;
}

static u32 expires_time(const struct sipalg_call *call)
{
	u32 interval = min(call->expires, longest_call(call));

	return interval ? interval + session_margin(call) : 0;
}

static u32 c_timeout(const struct sipalg_call *call)
{
	return sipalg_setting(call->sn, SIPALG_C_TIMEOUT) * 60;
}

static u32 idle_timeout(const struct sipalg_call *call)
{
	return sipalg_setting(call->sn, SIPALG_IDLE_CALL_TIMEOUT);
}

static u32 hold_timeout(const struct sipalg_call *call)
{
	return sipalg_setting(call->sn, SIPALG_HOLD_TIMEOUT);
}

/* Seconds that a limit has now; 0: it never ends. */
static u32 limit_of(const struct sipalg_call *call, enum sipalg_call_timer which)
{
	switch (which) {
#define TIMER_LIMIT(id, name, length, passed, teardown, help)		\
	case SIPALG_TIMER_##id:						\
		return length(call);
#include "core/timers.def"
	default:
		return 0;
	}
}

/* From when it began, as long as it is now. */
static void set(struct sipalg_call *call, enum sipalg_call_timer which)
{
	unsigned long limit = (unsigned long)limit_of(call, which) * HZ;
	unsigned long gone = sipalg_since(call->since[which]);

	if (!limit)
		sipalg_call_timer_clear(call, which);
	else
		sipalg_call_timer_set(call, which, limit > gone ? limit - gone : 0);
}

static void begin_at(struct sipalg_call *call, enum sipalg_call_timer which,
		     u32 when)
{
	call->since[which] = when;
	call->running |= 1u << which;
	set(call, which);
}

void sipalg_life_begin(struct sipalg_call *call, enum sipalg_call_timer which)
{
	begin_at(call, which, jiffies);
}

void sipalg_life_stop(struct sipalg_call *call, enum sipalg_call_timer which)
{
	call->running &= ~(1u << which);
	sipalg_call_timer_clear(call, which);
}

static bool is_running(const struct sipalg_call *call,
		       enum sipalg_call_timer which)
{
	return call->running & 1u << which;
}

void sipalg_life_settings(struct sipalg_call *call)
{
	unsigned int which;

	for (which = 0; which < SIPALG_TIMER_MAX; which++)
		if (is_running(call, which))
			set(call, which);
	call->session_interval = session_interval(call);
}

void sipalg_life_message(struct sipalg_call *call)
{
	call->active = jiffies;
	if (is_running(call, SIPALG_TIMER_IDLE))
		sipalg_life_begin(call, SIPALG_TIMER_IDLE);
}

void sipalg_life_accepted(struct sipalg_call *call)
{
	sipalg_life_message(call);
	sipalg_call_timer_clear(call, SIPALG_TIMER_UNKNOWN);
}

void sipalg_life_refreshed(struct sipalg_call *call, u32 interval)
{
	call->half_refreshed = false;
	call->put_off = false;
	call->session_expires = interval;
	call->session_interval = session_interval(call);
	sipalg_life_begin(call, SIPALG_TIMER_SESSION);
	sipalg_media_reopen(call);
}

void sipalg_life_half(struct sipalg_call *call, bool seen)
{
	call->half_refreshed = seen;
}

void sipalg_life_unknown(struct sipalg_call *call)
{
	if (call->state == SIPALG_CALL_CONFIRMED)
		sipalg_call_timer_reduce(call, SIPALG_TIMER_UNKNOWN,
					 (unsigned long)session_margin(call) * HZ);
}

void sipalg_life_expires(struct sipalg_call *call, u32 interval)
{
	call->expires = min(interval, longest_call(call));
	if (call->expires)
		sipalg_life_begin(call, SIPALG_TIMER_EXPIRES);
	else
		sipalg_life_stop(call, SIPALG_TIMER_EXPIRES);
}

void sipalg_life_hold(struct sipalg_call *call)
{
	if (!sipalg_call_on_hold(call))
		sipalg_life_stop(call, SIPALG_TIMER_HOLD);
	else if (!is_running(call, SIPALG_TIMER_HOLD))
		sipalg_life_begin(call, SIPALG_TIMER_HOLD);
}

/* Media keeps the call: look again when it may have been quiet for @limit. */
static bool wait_for_quiet(struct sipalg_call *call,
			   enum sipalg_call_timer which, unsigned long limit)
{
	unsigned long quiet = sipalg_media_quiet(call);

	if (quiet >= limit)
		return false;
	sipalg_call_timer_set(call, which, limit - quiet);
	return true;
}

static unsigned long quiet_limit(const struct sipalg_call *call)
{
	unsigned long limit =
		sipalg_setting(call->sn, SIPALG_INACTIVE_MEDIA_TIMEOUT) * HZ;

	return limit ?: QUIET_DEFAULT;
}

static void end(struct sipalg_call *call, enum sipalg_call_event event,
		enum sipalg_end_reason reason)
{
	sipalg_call_event(call, event, NULL, reason);
}

/* A queue that plays music rings for as long as somebody listens (RFC 3960). */
static void rung_long(struct sipalg_call *call)
{
	if (call->state == SIPALG_CALL_EARLY &&
	    wait_for_quiet(call, SIPALG_TIMER_C, quiet_limit(call)))
		return;
	/* nobody has seen the INVITE: there is nothing that could be answered */
	if (!is_running(call, SIPALG_TIMER_MAX_DURATION)) {
		end(call, SIPALG_EVENT_IDLE, SIPALG_END_INVITE_TIMEOUT);
		return;
	}
	end(call, SIPALG_EVENT_C_TIMEOUT,
	    call->state == SIPALG_CALL_ABANDONED ? SIPALG_END_BYE :
						   SIPALG_END_INVITE_TIMEOUT);
}

/*
 * Over for people; but who rings for longer than he was asked to may be
 * answered all the same, where he was told.
 */
static void invitation_expired(struct sipalg_call *call)
{
	unsigned long margin = (unsigned long)session_margin(call) * HZ;

	if (wait_for_quiet(call, SIPALG_TIMER_EXPIRES, margin))
		return;
	sipalg_life_stop(call, SIPALG_TIMER_EXPIRES);
	sipalg_life_stop(call, SIPALG_TIMER_C);
	end(call, SIPALG_EVENT_C_TIMEOUT, SIPALG_END_INVITE_TIMEOUT);
	sipalg_call_retire(call, SIPALG_END_INVITE_TIMEOUT);
	/* nobody's call prolongs no flow */
	sipalg_ct_timeout_put(&call->signalling);
}

static void expired(struct sipalg_call *call)
{
	if (call->state == SIPALG_CALL_EARLY) {
		invitation_expired(call);
		return;
	}
	/* on hold, hold-timeout says how long */
	if (!sipalg_call_on_hold(call) &&
	    !wait_for_quiet(call, SIPALG_TIMER_EXPIRES, quiet_limit(call)))
		end(call, SIPALG_EVENT_IDLE, SIPALG_END_IDLE);
}

/* Somebody has tried to refresh it, by a way that does not all lead by here. */
static bool put_off(struct sipalg_call *call)
{
	if (!call->half_refreshed || call->put_off)
		return false;
	call->put_off = true;
	sipalg_call_timer_set(call, SIPALG_TIMER_SESSION,
			      (unsigned long)session_margin(call) * HZ);
	return true;
}

static void idle(struct sipalg_call *call)
{
	end(call, SIPALG_EVENT_IDLE,
	    sipalg_ct_timeout_lost(call->signalling) ?
		    SIPALG_END_SIGNALLING_LOST : SIPALG_END_IDLE);
}

static void held_long(struct sipalg_call *call)
{
	unsigned long limit = (unsigned long)hold_timeout(call) * HZ;

	if (limit && !wait_for_quiet(call, SIPALG_TIMER_HOLD, limit))
		end(call, SIPALG_EVENT_IDLE, SIPALG_END_IDLE);
}

/* Who still speaks has a call, whatever the other one knows of it. */
static void unknown(struct sipalg_call *call)
{
	unsigned long margin = (unsigned long)session_margin(call) * HZ;

	if (!wait_for_quiet(call, SIPALG_TIMER_UNKNOWN, margin))
		end(call, SIPALG_EVENT_UNKNOWN, SIPALG_END_FAILED);
}

static void session_over(struct sipalg_call *call)
{
	if (!put_off(call))
		end(call, SIPALG_EVENT_SESSION_EXPIRED,
		    SIPALG_END_SESSION_EXPIRED);
}

static void lasted_long(struct sipalg_call *call)
{
	end(call, SIPALG_EVENT_MAX_DURATION,
	    call->answered ? SIPALG_END_MAX_DURATION :
			     SIPALG_END_INVITE_TIMEOUT);
}

void sipalg_life_passed(struct sipalg_call *call, enum sipalg_call_timer which)
{
	switch (which) {
#define TIMER_LIMIT(id, name, length, passed, teardown, help)		\
	case SIPALG_TIMER_##id:						\
		passed(call);						\
		break;
#include "core/timers.def"
	default:
		break;
	}
}
