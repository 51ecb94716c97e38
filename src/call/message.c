// SPDX-License-Identifier: GPL-2.0-only
/*
 * Turns messages into events: sender, dialog, new or retransmitted.
 * RFC 3261 9, 12-15; offers and answers RFC 3264, 3262, 3311; RFC 4028.
 */
#include <linux/siphash.h>
#include "call/call.h"
#include "call/event.h"
#include "call/message.h"
#include "call/screen.h"
#include "call/target.h"
#include "call/timer.h"
#include "core/net.h"
#include "media/media.h"
#include "sip/names.h"

/**
 * struct speech - a message as part of its call
 * @call: its call, locked
 * @flow: its flow
 * @msg: the message
 * @plan: what is to be done with it
 * @side: enum sipalg_side of the sender
 * @callee_tag: the callee's tag
 * @dialog: its dialog, or NULL
 */
struct speech {
	struct sipalg_call *call;
	const struct sipalg_flow *flow;
	const struct sip_msg *msg;
	struct sipalg_plan *plan;
	u8 side;
	struct sip_span callee_tag;
	struct sipalg_dialog *dialog;
};

static u64 tag_hash(const struct sipalg_call *call, const struct sip_msg *msg,
		    struct sip_span tag)
{
	return siphash(sip_span_ptr(msg, tag), tag.len, &call->sn->key);
}

static bool is_callers(const struct sipalg_call *call, const struct sip_msg *msg,
		       struct sip_span tag)
{
	if (call->new_tag)
		return tag_hash(call, msg, tag) == call->new_tag;
	return tag.len == call->from_tag_len &&
	       !memcmp(sip_span_ptr(msg, tag), call->text + call->call_id_len,
		       tag.len);
}

/* Only the caller itself, only with a new INVITE, before it is answered. */
static bool may_change_tag(const struct speech *s)
{
	const struct sipalg_call *call = s->call;

	return s->msg->request && s->msg->method == SIP_METHOD_INVITE &&
	       s->msg->cseq > call->invite_cseq[SIPALG_CALLER] &&
	       !s->msg->to_tag.len && call->state != SIPALG_CALL_CONFIRMED &&
	       sipalg_ip_equal(&s->flow->src.ip, &call->party[SIPALG_CALLER].ip);
}

/*
 * In the caller's requests and their responses From has the caller's tag; in the
 * callee's To has it. Returns false if neither matches.
 */
static bool find_sides(struct speech *s)
{
	bool callers = is_callers(s->call, s->msg, s->msg->from_tag);

	if (!callers && may_change_tag(s)) {
		/* a second attempt with a new tag, as some phones send (RFC 3261 8.1.3.5) */
		s->call->new_tag = tag_hash(s->call, s->msg, s->msg->from_tag);
		callers = true;
	}
	if (!callers && !is_callers(s->call, s->msg, s->msg->to_tag))
		return false;
	s->callee_tag = callers ? s->msg->to_tag : s->msg->from_tag;
	if (s->msg->request)
		s->side = callers ? SIPALG_CALLER : SIPALG_CALLEE;
	else
		s->side = callers ? SIPALG_CALLEE : SIPALG_CALLER;
	return true;
}

/*
 * The right tags from a wrong address, or wrong tags from the right address, have
 * no effect (S3-54). Valid source addresses of a party are the one it used
 * before, its Contact (a peer without a proxy), and the destination of the other
 * party's requests.
 */
static bool is_known(const struct speech *s)
{
	const struct sipalg_call *call = s->call;
	const union nf_inet_addr *src = &s->flow->src.ip;

	return sipalg_ip_equal(src, &call->party[s->side].ip) ||
	       sipalg_ip_equal(src, &call->contact[s->side]) ||
	       sipalg_ip_equal(src, &call->asked[!s->side]) ||
	       (s->side == SIPALG_CALLEE && sipalg_target_has(call, src));
}

static u16 fork_of(const struct speech *s)
{
	return s->dialog ? s->dialog->fork : 0;
}

static struct sipalg_transaction transaction_of(const struct speech *s)
{
	return (struct sipalg_transaction){
		.cseq = s->msg->cseq,
		.sender = s->msg->request ? s->side : !s->side,
		.invite = sip_method_is(s->msg, SIP_INVITES),
		.fork = fork_of(s),
	};
}

static void describe(struct speech *s)
{
	u16 fork = s->side == SIPALG_CALLER ? 0 : fork_of(s);

	if (!s->msg->sdp.len)
		return;
	sipalg_media_describe(s->call, s->side, fork, s->flow, s->msg, s->plan);
	if (!s->plan->pinholes)
		return;
	s->call->sdp_transaction[s->side] = transaction_of(s);
	s->call->sdp_transaction[s->side].waiting = true;
}

static void event(struct speech *s, enum sipalg_call_event event,
		  enum sipalg_end_reason reason)
{
	const struct sipalg_transaction transaction = transaction_of(s);

	sipalg_call_event(s->call, event, &transaction, reason);
}

static void learn_contact(struct speech *s)
{
	const struct sip_contact *contact = &s->msg->contacts[0];
	const struct sip_host *host;

	if (!s->msg->contact_count || contact->host == SIP_NO_INDEX)
		return;
	host = &s->msg->hosts[contact->host];
	if (host->form == SIP_HOST_IP4 || host->form == SIP_HOST_IP6)
		s->call->contact[s->side] = host->addr;
}

static u32 expires_of(const struct sip_msg *msg)
{
	return msg->has_expires ? msg->expires : 0;
}

/* The next target after the others refused: the failed call starts again. */
static void next_target(struct speech *s)
{
	if (s->call->state == SIPALG_CALL_FAILED ||
	    s->call->state == SIPALG_CALL_CANCELLING)
		event(s, SIPALG_EVENT_INVITE, SIPALG_END_FAILED);
}

static bool is_to_another(const struct speech *s)
{
	return s->side == SIPALG_CALLER &&
	       s->msg->cseq == s->call->invite_cseq[SIPALG_CALLER] &&
	       sipalg_target_add(s->call, s->flow, s->msg);
}

/* 0 is a CSeq like any other (RFC 3261 8.1.1.5); no branch: there was none yet. */
static bool is_new(const struct speech *s)
{
	u32 newest = s->call->invite_cseq[s->side];

	return s->msg->cseq > newest ||
	       (!s->msg->cseq && !newest && !s->call->branch);
}

static void invite(struct speech *s)
{
	struct sipalg_call *call = s->call;

	/* an INVITE older than the newest has no effect */
	if (s->msg->cseq >= call->invite_cseq[s->side])
		describe(s);
	if (!is_new(s)) {
		if (is_to_another(s))
			next_target(s);
		else
			s->plan->retransmitted = true;
		return;
	}
	call->invite_cseq[s->side] = s->msg->cseq;
	if (s->side == SIPALG_CALLER)
		sipalg_target_first(call, s->msg);
	if (!s->msg->to_tag.len)
		sipalg_screen_invite(call, s->flow, s->msg);
	learn_contact(s);
	event(s, SIPALG_EVENT_INVITE, SIPALG_END_FAILED);
	if (call->state == SIPALG_CALL_EARLY)
		sipalg_call_expires(call, expires_of(s->msg));
}

/* Of several targets, or after a redirection, the callee is the first to accept. */
static void find_callee(struct speech *s)
{
	struct sipalg_call *call = s->call;

	if (s->side != SIPALG_CALLEE)
		return;
	sipalg_target_accept(call, s->msg);
	if (call->state == SIPALG_CALL_CONFIRMED)
		return;
	call->party[SIPALG_CALLEE] = s->flow->src;
	call->public[SIPALG_CALLEE] = s->flow->src_public;
}

static void answered(struct speech *s)
{
	find_callee(s);
	if (s->dialog) {
		s->plan->retransmitted = s->dialog->confirmed &&
			s->dialog->answered[s->side] == s->msg->cseq;
		s->dialog->answered[s->side] = s->msg->cseq;
		s->dialog->confirmed = true;
	}
	describe(s);
	learn_contact(s);
	event(s, SIPALG_EVENT_SUCCESS, SIPALG_END_FAILED);
	sipalg_call_session(s->call, s->msg->session_expires);
	s->call->refresher = s->msg->refresher;
	sipalg_call_expires(s->call, expires_of(s->msg));
}

static void refused(struct speech *s)
{
	/* with several targets the last refusal is the caller's response */
	if (s->side == SIPALG_CALLEE && sipalg_target_end(s->call, s->msg))
		return;
	if (s->call->state == SIPALG_CALL_EARLY)
		sipalg_screen_failure(s->call, s->msg->status);
	event(s, SIPALG_EVENT_FAILURE, SIPALG_END_FAILED);
}

static void invite_response(struct speech *s)
{
	const struct sip_msg *msg = s->msg;

	/* only the newest INVITE decides on the call */
	if (msg->cseq != s->call->invite_cseq[!s->side])
		return;
	if (msg->status < 300 && msg->status > 100)
		s->dialog = sipalg_call_dialog(s->call, msg, s->callee_tag, true);

	if (msg->status / 100 == 2) {
		answered(s);
	} else if (msg->status >= 300) {
		refused(s);
	} else if (msg->status > 100) {
		describe(s);
		event(s, SIPALG_EVENT_PROVISIONAL, SIPALG_END_FAILED);
	}
}

/* The answer to a delayed offer comes in ACK (S3-25). */
static void ack(struct speech *s)
{
	const struct sipalg_transaction transaction = transaction_of(s);

	describe(s);
	if (s->msg->sdp.len)
		sipalg_call_commit(s->call, &transaction);
	event(s, SIPALG_EVENT_ACK, SIPALG_END_FAILED);
}

/*
 * An offer answered in a reliable response is in force once PRACK confirms it (RFC
 * 3262 5), whatever happens to the INVITE.
 */
static void commit_early(struct speech *s)
{
	struct sipalg_transaction transaction = transaction_of(s);

	transaction.invite = true;
	if (sipalg_call_is_described(s->call, s->side, &transaction))
		sipalg_call_commit(s->call, &transaction);
}

/* PRACK and UPDATE carry offers and answers of their own. */
static void offer_response(struct speech *s)
{
	const struct sipalg_transaction transaction = transaction_of(s);

	describe(s);
	if (s->msg->status / 100 == 2) {
		if (s->msg->method == SIP_METHOD_PRACK)
			commit_early(s);
		sipalg_call_commit(s->call, &transaction);
	} else if (s->msg->status >= 300) {
		sipalg_call_rollback(s->call, &transaction);
	}

	if (sip_method_is(s->msg, SIP_TARGET_REFRESH) && s->msg->status / 100 == 2 &&
	    s->call->state == SIPALG_CALL_CONFIRMED) {
		sipalg_call_session(s->call, s->msg->session_expires);
		s->call->refresher = s->msg->refresher;
		sipalg_call_expires(s->call, expires_of(s->msg) ?: s->call->expires);
	}
}

static void cancel(struct speech *s)
{
	if (s->msg->cseq != s->call->invite_cseq[s->side] ||
	    (s->side == SIPALG_CALLER && sipalg_target_end(s->call, s->msg)))
		return;
	event(s, SIPALG_EVENT_CANCEL, SIPALG_END_CANCELLED);
}

/* RFC 3261 15: before an answer, any other fork may still answer. */
static bool others_live(const struct speech *s)
{
	bool ringing = s->call->state == SIPALG_CALL_EARLY;
	const struct sipalg_dialog *dialog;

	list_for_each_entry(dialog, &s->call->dialogs, list)
		if (dialog != s->dialog && !dialog->ended &&
		    (dialog->confirmed || ringing))
			return true;
	return false;
}

static void bye(struct speech *s)
{
	struct sipalg_call *call = s->call;

	if (!s->dialog)
		return;
	if (call->bye_cseq == s->msg->cseq && call->bye_side == s->side &&
	    call->bye_fork == s->dialog->fork) {
		s->plan->retransmitted = true;
		return;
	}
	call->bye_cseq = s->msg->cseq;
	call->bye_side = s->side;
	call->bye_fork = s->dialog->fork;
	s->dialog->ended = true;
	if (others_live(s))
		sipalg_media_forget(call, s->dialog->fork);
	else
		event(s, SIPALG_EVENT_BYE, SIPALG_END_BYE);
}

/* C10: the BYE was challenged or failed with 5xx: the call goes on. */
static void bye_response(struct speech *s)
{
	u16 status = s->msg->status;

	if (!s->dialog || s->msg->cseq != s->call->bye_cseq ||
	    s->call->bye_side == s->side)
		return;
	if (status == 401 || status == 407 || status / 100 == 5) {
		s->dialog->ended = false;
		event(s, SIPALG_EVENT_BYE_REFUSED, SIPALG_END_BYE);
	} else if (status >= 200) {
		event(s, SIPALG_EVENT_BYE_ACCEPTED, SIPALG_END_BYE);
	}
}

static void request(struct speech *s)
{
	switch (s->msg->method) {
	case SIP_METHOD_INVITE:
		invite(s);
		break;
	case SIP_METHOD_ACK:
		ack(s);
		break;
	case SIP_METHOD_CANCEL:
		cancel(s);
		break;
	case SIP_METHOD_BYE:
		bye(s);
		break;
	default:
		if (sip_method_is(s->msg, SIP_OFFERS_ALONE))
			describe(s);
	}
}

static void response(struct speech *s)
{
	switch (s->msg->method) {
	case SIP_METHOD_INVITE:
		invite_response(s);
		break;
	case SIP_METHOD_BYE:
		bye_response(s);
		break;
	default:
		if (sip_method_is(s->msg, SIP_OFFERS_ALONE))
			offer_response(s);
	}
}

/*
 * A call that began before the module was loaded (H-23): a request within a dialog,
 * or its response, shows that the call was answered before.
 */
static void pick_up(struct speech *s)
{
	if (!s->msg->request && s->msg->method == SIP_METHOD_INVITE) {
		s->call->invite_cseq[!s->side] = s->msg->cseq;
		return;
	}
	if (!s->msg->to_tag.len)
		return;
	if (s->dialog)
		s->dialog->confirmed = true;
	event(s, SIPALG_EVENT_SUCCESS, SIPALG_END_FAILED);
}

/* Picked up, and the other side was not heard yet. */
static bool is_alone(const struct sipalg_call *call)
{
	return call->state == SIPALG_CALL_CONFIRMED &&
	       !sipalg_call_both_spoke(call);
}

/*
 * One message that seems to be within a dialog must not get the lifetime of an
 * answered call: without a response and without media it ends like an unanswered
 * call.
 */
static void limit_alone(struct sipalg_call *call)
{
	sipalg_call_expires(call, 60 * sipalg_setting(call->sn,
						      SIPALG_C_TIMEOUT));
}

static void hear(struct speech *s)
{
	struct sipalg_call *call = s->call;
	bool alone = is_alone(call);

	if (s->msg->request || s->msg->status > 100)
		call->spoke |= BIT(s->side);
	if (alone && !is_alone(call))
		sipalg_call_expires(call, 0);
}

static void take_in(struct speech *s)
{
	struct sipalg_call *call = s->call;
	const struct sip_msg *msg = s->msg;
	bool fresh = !call->deadlines;
	u32 idle;

	s->dialog = sipalg_call_dialog(call, msg, s->callee_tag,
				       fresh || (msg->request &&
						 msg->method == SIP_METHOD_INVITE));
	if (fresh)
		pick_up(s);

	call->active = jiffies;
	call->l4proto = s->flow->l4proto;
	idle = sipalg_setting(call->sn, SIPALG_IDLE_CALL_TIMEOUT);
	if (call->deadlines & 1u << SIPALG_TIMER_IDLE && idle)
		sipalg_call_timer_set(call, SIPALG_TIMER_IDLE,
				      (unsigned long)idle * HZ);

	hear(s);
	if (msg->request) {
		request(s);
		call->asked[s->side] = s->flow->dst_private.ip;
	} else {
		response(s);
	}
	if (is_alone(call))
		limit_alone(call);
}

/* One target has accepted: what is still said with another needs no flow. */
static bool is_late(const struct speech *s)
{
	return s->call->state == SIPALG_CALL_CONFIRMED &&
	       sipalg_target_is_over(s->call, s->msg);
}

void sipalg_call_message(struct sipalg_call *call,
			 const struct sipalg_flow *flow,
			 const struct sip_msg *msg, struct sipalg_plan *plan)
{
	struct speech s = {
		.call = call,
		.flow = flow,
		.msg = msg,
		.plan = plan,
	};

	if (find_sides(&s) && is_known(&s)) {
		take_in(&s);
		plan->followed = !is_late(&s);
		plan->side = s.side;
		plan->fork = s.side == SIPALG_CALLER ? 0 : fork_of(&s);
	}
	/* ends the call, whatever it began with */
	if (call->linked && !call->deadlines)
		event(&s, SIPALG_EVENT_PROVISIONAL, SIPALG_END_FAILED);
}

bool sipalg_call_message_retries(const struct sipalg_call *call,
				 const struct sip_msg *msg)
{
	return call->state == SIPALG_CALL_FAILED &&
	       msg->cseq > call->invite_cseq[SIPALG_CALLER];
}
