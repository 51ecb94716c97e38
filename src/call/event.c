// SPDX-License-Identifier: GPL-2.0-only
/* Carries out the actions of state.c and keeps the deadlines. */
#include "call/call.h"
#include "call/event.h"
#include "call/life.h"
#include "core/event.h"
#include "core/net.h"
#include "media/activity.h"
#include "media/media.h"

static unsigned long seconds(u32 value)
{
	return (unsigned long)value * HZ;
}

static bool is_in_force(const struct sipalg_call *call, enum sipalg_side side,
			u16 fork)
{
	const struct sipalg_media *media;

	list_for_each_entry(media, &call->media, list)
		if (media->active && media->side == side &&
		    sipalg_media_is_of(media, fork))
			return true;
	return false;
}

bool sipalg_call_is_described(const struct sipalg_call *call,
			      enum sipalg_side side,
			      const struct sipalg_transaction *transaction)
{
	const struct sipalg_transaction *own = &call->sdp_transaction[side];

	if (!own->waiting)
		return false;
	/* another fork has sent a description since: this one's is not known */
	if (side == SIPALG_CALLEE && own->fork != transaction->fork)
		return true;
	return own->sender == transaction->sender &&
	       own->invite == transaction->invite &&
	       own->cseq == transaction->cseq &&
	       (own->invite || own->fork == transaction->fork);
}

void sipalg_call_commit(struct sipalg_call *call,
			const struct sipalg_transaction *transaction)
{
	unsigned int side;

	for (side = 0; side < 2; side++)
		if (sipalg_call_is_described(call, side, transaction) ||
		    !is_in_force(call, side, transaction->fork))
			sipalg_media_commit(call, side, transaction->fork);
	sipalg_life_hold(call);
	call->event_mask |= SIPALG_NOTIFY_CHANGED;
}

/* Before an offer has been answered there is no other (RFC 3311 5.1). */
void sipalg_call_rollback(struct sipalg_call *call,
			  const struct sipalg_transaction *transaction)
{
	unsigned int side;

	for (side = 0; side < 2; side++)
		if (sipalg_call_is_described(call, side, transaction) &&
		    (transaction->invite ||
		     is_in_force(call, side, transaction->fork)))
			sipalg_media_rollback(call, side, transaction->fork);
}

/* Pinholes of an INVITE are closed if nobody responds (S3-44). */
static void invite(struct sipalg_call *call)
{
	sipalg_call_timer_set(call, SIPALG_TIMER_UNANSWERED,
			      sipalg_64_t1(call->sn));
	if (!call->answered)
		sipalg_life_begin(call, SIPALG_TIMER_MAX_DURATION);
}

static void reopen(struct sipalg_call *call)
{
	sipalg_call_return(call);
	sipalg_call_timer_clear(call, SIPALG_TIMER_UNANSWERED);
	sipalg_media_reopen(call);
}

static void ring(struct sipalg_call *call)
{
	sipalg_life_begin(call, SIPALG_TIMER_C);
}

static void talk(struct sipalg_call *call)
{
	sipalg_life_stop(call, SIPALG_TIMER_C);
	if (!call->answered) {
		call->answered = (u32)jiffies ?: 1;
		sipalg_media_begin(call);
		sipalg_life_begin(call, SIPALG_TIMER_MAX_DURATION);
	}
	sipalg_life_begin(call, SIPALG_TIMER_IDLE);
	sipalg_media_look(call);
}

#define TEARDOWN_CLEAR(bit)	(bit)
#define TEARDOWN_KEEP(bit)	0
#define TIMER(id, name, teardown, help)					\
	+ TEARDOWN_##teardown(1u << SIPALG_TIMER_##id)
static const u16 ended_by_teardown = 0u
#include "core/timers.def"
;

/* A row without a name, or without words for people, does not compile. */
#define TIMER(id, name, teardown, help)					\
	static_assert(sizeof(name "") > 1 && sizeof(help "") > 1);
#include "core/timers.def"

/* What dialogs that have ended had described is not the answer to anything. */
void sipalg_call_forget_ended(struct sipalg_call *call)
{
	const struct sipalg_dialog *dialog;

	list_for_each_entry(dialog, &call->dialogs, list)
		if (dialog->ended)
			sipalg_media_forget(call, dialog->fork);
}

void sipalg_call_close_fork(struct sipalg_call *call)
{
	sipalg_call_timer_set(call, SIPALG_TIMER_TEARDOWN,
			      seconds(sipalg_setting(call->sn,
						     SIPALG_TEARDOWN_DELAY)));
}

static void close_later(struct sipalg_call *call)
{
	u32 delay = sipalg_setting(call->sn, SIPALG_TEARDOWN_DELAY);

	sipalg_call_timer_clear(call, SIPALG_TIMER_UNANSWERED);
	sipalg_call_timer_set(call, SIPALG_TIMER_TEARDOWN, seconds(delay));
}

/*
 * The caller has hung up on who rang (RFC 3261 15): as long as the INVITE has
 * no final answer, somebody of whom nothing was heard yet may pick up.
 */
static void abandon(struct sipalg_call *call)
{
	call->reason = SIPALG_END_BYE;
	close_later(call);
	ring(call);
}

/* The last message of a call that has ended arrives until then. */
static unsigned long time_to_forget(const struct sipalg_call *call)
{
	u32 delay = sipalg_setting(call->sn, SIPALG_TEARDOWN_DELAY);

	return max(sipalg_64_t1(call->sn), seconds(delay)) + 1;
}

static void teardown(struct sipalg_call *call, enum sipalg_end_reason reason)
{
	call->reason = reason;
	close_later(call);
	call->running &= ~ended_by_teardown;
	call->deadlines &= ~ended_by_teardown;
	call->since[SIPALG_TIMER_FORGET] = jiffies;
	sipalg_call_timer_set(call, SIPALG_TIMER_FORGET, time_to_forget(call));
}

/*
 * The failure was acknowledged: who asked is not heard again after T4 (RFC 3261
 * 17.2.1, timer I). Never before the media is closed.
 */
static void acked(struct sipalg_call *call)
{
	unsigned long time = seconds(sipalg_setting(call->sn, SIPALG_T4_INTERVAL));

	if (call->retired)
		return;
	if (call->deadlines & 1u << SIPALG_TIMER_TEARDOWN)
		time = max_t(long, time,
			     sipalg_call_left(call, SIPALG_TIMER_TEARDOWN));
	sipalg_call_timer_set(call, SIPALG_TIMER_FORGET, time + 1);
}

/*
 * Another fork may still answer, for 64*T1 after the refusal (D4): the call has
 * ended for people when that was acknowledged, its ports have not.
 */
static void let_go(struct sipalg_call *call, enum sipalg_end_reason reason)
{
	unsigned long time = time_to_forget(call);
	unsigned long gone = sipalg_since(call->since[SIPALG_TIMER_FORGET]);

	if (call->retired || gone >= time) {
		sipalg_call_end(call, reason);
		return;
	}
	sipalg_call_retire(call, reason);
	sipalg_call_timer_set(call, SIPALG_TIMER_FORGET, time - gone);
}

static void stay(struct sipalg_call *call)
{
	sipalg_call_return(call);
	sipalg_call_timer_clear(call, SIPALG_TIMER_TEARDOWN);
	sipalg_call_timer_clear(call, SIPALG_TIMER_FORGET);
	if (call->expires)
		sipalg_life_begin(call, SIPALG_TIMER_EXPIRES);
	sipalg_life_hold(call);
	if (!call->answered)
		return;
	sipalg_life_begin(call, SIPALG_TIMER_SESSION);
	sipalg_media_look(call);
}

static void note_news(struct sipalg_call *call, u8 next)
{
	if (call->state == SIPALG_CALL_EARLY && next == SIPALG_CALL_CONFIRMED)
		call->event_mask |= SIPALG_NOTIFY_ANSWERED;
	else if (call->state != next)
		call->event_mask |= SIPALG_NOTIFY_CHANGED;
}

void sipalg_call_event(struct sipalg_call *call, enum sipalg_call_event event,
		       const struct sipalg_transaction *transaction,
		       enum sipalg_end_reason reason)
{
	struct sipalg_transition cell =
		sipalg_call_transition(call->state, event);

	note_news(call, cell.next);
	call->state = cell.next;
	if (cell.actions & SIPALG_DO_CANCEL_TEARDOWN)
		stay(call);
	if (cell.actions & SIPALG_DO_COMMIT)
		sipalg_call_commit(call, transaction);
	if (cell.actions & SIPALG_DO_ROLLBACK)
		sipalg_call_rollback(call, transaction);
	if (cell.actions & SIPALG_DO_INVITE)
		invite(call);
	if (cell.actions & SIPALG_DO_RING)
		ring(call);
	if (cell.actions & SIPALG_DO_REOPEN)
		reopen(call);
	if (cell.actions & SIPALG_DO_ANSWERED)
		talk(call);
	if (cell.actions & SIPALG_DO_TEARDOWN)
		teardown(call, reason);
	if (cell.actions & SIPALG_DO_ABANDON)
		abandon(call);
	if (cell.actions & SIPALG_DO_CLOSE_PINHOLES)
		sipalg_media_shut(call);
	if (cell.actions & SIPALG_DO_CLOSE)
		sipalg_media_close(call);
	if (cell.actions & SIPALG_DO_ACKED)
		acked(call);
	if (cell.actions & SIPALG_DO_END)
		sipalg_call_end(call, reason);
	if (cell.actions & SIPALG_DO_FORGET)
		let_go(call, reason);
}

static bool take_passed(struct sipalg_call *call, enum sipalg_call_timer which)
{
	if (!(call->deadlines & 1u << which) ||
	    sipalg_call_left(call, which) > 0)
		return false;
	sipalg_call_timer_clear(call, which);
	return true;
}

static void unanswered(struct sipalg_call *call)
{
	sipalg_call_event(call, SIPALG_EVENT_UNANSWERED, NULL,
			  SIPALG_END_INVITE_TIMEOUT);
}

static void torn_down(struct sipalg_call *call)
{
	/* others live: a fork has been hung up on, and nobody has refused that */
	if (call->state == SIPALG_CALL_EARLY ||
	    call->state == SIPALG_CALL_CONFIRMED)
		sipalg_call_forget_ended(call);
	sipalg_call_event(call, SIPALG_EVENT_TEARDOWN, NULL, call->reason);
}

static void forget(struct sipalg_call *call)
{
	sipalg_call_event(call, SIPALG_EVENT_FORGET, NULL, call->reason);
}

void sipalg_call_timers_expired(struct sipalg_call *call)
{
#define TIMER_LIMIT(id, name, length, passed, teardown, help)		\
	if (take_passed(call, SIPALG_TIMER_##id))			\
		sipalg_life_passed(call, SIPALG_TIMER_##id);
#define TIMER_CALL(id, name, function, teardown, help)			\
	if (take_passed(call, SIPALG_TIMER_##id))			\
		function(call);
#include "core/timers.def"
}
