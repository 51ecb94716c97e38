// SPDX-License-Identifier: GPL-2.0-only
/*
 * Turns messages into events: sender, dialog, new or retransmitted.
 * RFC 3261 9, 12-15; offers and answers RFC 3264, 3262, 3311; RFC 4028.
 */
#include <linux/siphash.h>
#include "call/call.h"
#include "call/claim.h"
#include "call/event.h"
#include "call/life.h"
#include "call/message.h"
#include "call/screen.h"
#include "call/target.h"
#include "core/net.h"
#include "media/activity.h"
#include "media/media.h"
#include "nat/sig_expect.h"
#include "sip/names.h"
#include "sip/text.h"

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
	       text_exact(sip_span_ptr(msg, tag), sipalg_call_from_tag(call),
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
 * The right tags from a wrong address, or wrong tags from the right address, have
 * no effect (S3-54). Valid source addresses of a party are the one it used
 * before, its Contact (a peer without a proxy), the destination of the other
 * party's requests, and those of requests that the other party has accepted.
 */
static bool is_partys(const struct sipalg_call *call, unsigned int side,
		      const union nf_inet_addr *ip)
{
	return sipalg_ip_equal(ip, &call->party[side].ip) ||
	       sipalg_ip_equal(ip, &call->contact[side]) ||
	       sipalg_ip_equal(ip, &call->asked[!side]) ||
	       sipalg_claim_is_proven(call, side, ip) ||
	       (side == SIPALG_CALLEE && sipalg_target_has(call, ip));
}

static bool is_known(const struct speech *s)
{
	return is_partys(s->call, s->side, &s->flow->src.ip);
}

static void set_sides(struct speech *s, bool callers)
{
	s->callee_tag = callers ? s->msg->to_tag : s->msg->from_tag;
	if (s->msg->request)
		s->side = callers ? SIPALG_CALLER : SIPALG_CALLEE;
	else
		s->side = callers ? SIPALG_CALLEE : SIPALG_CALLER;
}

/*
 * In the caller's requests and their responses From has the caller's tag; in the
 * callee's To has it. Without tags (RFC 2543), or with the same ones, the address
 * decides. Returns false if neither matches.
 */
static bool find_sides(struct speech *s)
{
	bool from = is_callers(s->call, s->msg, s->msg->from_tag);
	bool to = is_callers(s->call, s->msg, s->msg->to_tag);

	if (!from && may_change_tag(s)) {
		/* a second attempt with a new tag: some phones do (RFC 3261 8.1.3.5) */
		s->call->new_tag = tag_hash(s->call, s->msg, s->msg->from_tag);
		from = true;
	}
	if (!from && !to)
		return false;
	set_sides(s, from);
	if (from && to && !is_known(s))
		set_sides(s, false);
	return true;
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

	/* what a refusal describes is on offer to nobody (RFC 3261 21.4.26) */
	if (!s->msg->sdp.len || s->msg->status >= 300)
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
	/* one of the other family is nobody that could come by this flow */
	if (sip_host_family(host) == s->flow->family)
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

/* 0 is a CSeq like any other (RFC 3261 8.1.1.5). */
static bool is_new(const struct speech *s)
{
	return !(s->call->invited & BIT(s->side)) ||
	       s->msg->cseq > s->call->invite_cseq[s->side];
}

static bool is_old(const struct speech *s)
{
	return !is_new(s) && s->msg->cseq < s->call->invite_cseq[s->side];
}

static void note_invite(struct sipalg_call *call, unsigned int side, u32 cseq)
{
	call->invite_cseq[side] = cseq;
	call->invited |= BIT(side);
}

static bool is_of(const struct sipalg_transaction *a,
		  const struct sipalg_transaction *b)
{
	return a->cseq == b->cseq && a->sender == b->sender &&
	       a->invite == b->invite;
}

/* Is what this message describes the newest that its sender has described? */
static bool is_newest(const struct speech *s)
{
	const struct sipalg_transaction *own = &s->call->sdp_transaction[s->side];
	const struct sipalg_transaction this = transaction_of(s);

	return s->msg->sdp.len && is_of(own, &this) && own->fork == this.fork;
}

static bool has_answered(const struct sipalg_dialog *dialog, unsigned int side,
			 u32 cseq)
{
	return dialog->has_answered & BIT(side) && dialog->answered[side] == cseq;
}

/* An INVITE has its 2xx; its ACK may still describe what that has asked for. */
static bool is_answered(const struct speech *s,
			const struct sipalg_transaction *this)
{
	if (!s->dialog)
		return s->call->state == SIPALG_CALL_CONFIRMED;
	return has_answered(s->dialog, !s->side, s->msg->cseq) &&
	       !(s->msg->method == SIP_METHOD_ACK &&
		 is_of(&s->call->sdp_transaction[!s->side], this));
}

/* A PRACK or UPDATE, or its response, that has had its 2xx before. */
static bool is_settled(const struct speech *s)
{
	unsigned int asker = s->msg->request ? s->side : !s->side;

	return s->dialog && s->msg->cseq < s->dialog->settled[asker];
}

/* In one dialog, with what has begun one, CSeq tells what came later. */
static bool is_overtaken(const struct sipalg_transaction *this,
			 const struct sipalg_transaction *own)
{
	return own->sender == this->sender && own->cseq > this->cseq &&
	       (own->fork == this->fork || !own->fork || !this->fork);
}

/*
 * What it describes is long decided, and may have been replaced since: it is a
 * repetition, on its way for longer than what came after it.
 */
static bool is_stale(const struct speech *s)
{
	const struct sipalg_transaction *own = &s->call->sdp_transaction[s->side];
	const struct sipalg_transaction this = transaction_of(s);

	if (!s->msg->sdp.len || is_newest(s))
		return false;
	if (is_overtaken(&this, own))
		return true;
	if (!this.invite)
		return is_settled(s);
	return s->msg->request && is_answered(s, &this);
}

/* It rings again by what PRACK or UPDATE have replaced since. */
static bool rings_stale(const struct speech *s)
{
	const struct sipalg_transaction *own = &s->call->sdp_transaction[s->side];

	return is_stale(s) ||
	       (own->fork && own->fork == fork_of(s) && !own->invite &&
		s->msg->sdp.len);
}

/* An INVITE that offers nothing takes back what an earlier one has offered. */
static void withdraw_offer(struct speech *s)
{
	const struct sipalg_transaction own = s->call->sdp_transaction[s->side];

	if (!s->msg->sdp.len && own.waiting && own.invite &&
	    own.sender == s->side && is_new(s))
		sipalg_call_rollback(s->call, &own);
}

/* Within a dialog that a BYE has ended, or is about to: it crosses that. */
static bool crosses_bye(const struct speech *s)
{
	return s->msg->to_tag.len && s->call->state == SIPALG_CALL_BYE_SENT;
}

/* Its c-timeout has passed: what it opens now must be closed once more. */
static bool has_rung_out(const struct sipalg_call *call)
{
	return call->state == SIPALG_CALL_EARLY &&
	       !(call->deadlines & 1u << SIPALG_TIMER_C);
}

static void invite(struct speech *s)
{
	struct sipalg_call *call = s->call;

	withdraw_offer(s);
	/* an INVITE older than the newest has no effect */
	if (!is_old(s) && !is_stale(s) && !crosses_bye(s))
		describe(s);
	if (!is_new(s)) {
		if (is_to_another(s))
			next_target(s);
		else
			s->plan->retransmitted = true;
		if (has_rung_out(call))
			event(s, SIPALG_EVENT_INVITE, SIPALG_END_FAILED);
		return;
	}
	note_invite(call, s->side, s->msg->cseq);
	if (s->side == SIPALG_CALLER)
		sipalg_target_first(call, s->msg);
	if (!s->msg->to_tag.len)
		sipalg_screen_invite(call, s->flow, s->msg);
	learn_contact(s);
	if (crosses_bye(s))
		return;
	event(s, SIPALG_EVENT_INVITE, SIPALG_END_FAILED);
	if (call->state == SIPALG_CALL_EARLY)
		sipalg_life_expires(call, expires_of(s->msg));
	else if (call->state == SIPALG_CALL_CONFIRMED)
		sipalg_life_half(call, true);
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
	call->zone[SIPALG_CALLEE] = s->flow->from_zone;
}

/* By this the other party has moved to where it has asked from. */
static void follow_asker(struct speech *s)
{
	s->call->speaker[!s->side] = s->flow->dst_private.ip;
}

static void refreshed(struct speech *s, u32 expires)
{
	sipalg_life_refreshed(s->call, s->msg->session_expires);
	s->call->refresher = s->msg->refresher;
	sipalg_life_expires(s->call, expires);
	follow_asker(s);
}

static void note_answer(struct speech *s)
{
	s->dialog->has_answered |= BIT(s->side);
	s->dialog->answered[s->side] = s->msg->cseq;
}

static bool is_repeated_2xx(const struct speech *s)
{
	return s->dialog && s->dialog->confirmed &&
	       has_answered(s->dialog, s->side, s->msg->cseq);
}

static void answered(struct speech *s)
{
	s->plan->retransmitted = is_repeated_2xx(s);
	/* what it says was in force once, and may have been replaced since */
	if (s->plan->retransmitted && !is_newest(s))
		return;
	find_callee(s);
	if (s->dialog) {
		note_answer(s);
		s->dialog->confirmed = true;
	}
	sipalg_call_forget_ended(s->call);
	describe(s);
	learn_contact(s);
	event(s, SIPALG_EVENT_SUCCESS, SIPALG_END_FAILED);
	if (!s->plan->retransmitted)
		refreshed(s, expires_of(s->msg));
}

static void refused(struct speech *s)
{
	struct sipalg_call *call = s->call;

	/* with several targets the last refusal is the caller's response */
	if (s->side == SIPALG_CALLEE && sipalg_target_end(call, s->msg))
		return;
	if (call->state == SIPALG_CALL_EARLY)
		sipalg_screen_failure(call, s->msg->status);
	sipalg_life_half(call, false);
	event(s, SIPALG_EVENT_FAILURE,
	      call->state == SIPALG_CALL_ABANDONED ? SIPALG_END_BYE :
						     SIPALG_END_FAILED);
}

/*
 * The answer to an INVITE that has not come by here: it counts for half of a
 * refresh, and what it describes is where the sender is from now on.
 */
static bool answers_unseen(const struct speech *s)
{
	return s->call->state == SIPALG_CALL_CONFIRMED && s->dialog &&
	       s->dialog->confirmed && !s->dialog->ended &&
	       s->msg->status / 100 == 2 &&
	       s->msg->cseq > s->call->invite_cseq[!s->side];
}

static void answered_unseen(struct speech *s)
{
	note_invite(s->call, !s->side, s->msg->cseq);
	note_answer(s);
	describe(s);
	learn_contact(s);
	event(s, SIPALG_EVENT_SUCCESS, SIPALG_END_FAILED);
	sipalg_life_half(s->call, true);
	sipalg_media_reopen(s->call);
}

static void rings(struct speech *s)
{
	s->plan->retransmitted = rings_stale(s);
	if (!s->plan->retransmitted)
		describe(s);
	event(s, SIPALG_EVENT_PROVISIONAL, SIPALG_END_FAILED);
}

static void invite_response(struct speech *s)
{
	const struct sip_msg *msg = s->msg;

	if (answers_unseen(s)) {
		answered_unseen(s);
		return;
	}
	/* only the newest INVITE decides on the call */
	if (msg->cseq != s->call->invite_cseq[!s->side])
		return;
	if (msg->status < 300 && msg->status > 100)
		s->dialog = sipalg_call_dialog(s->call, msg, s->callee_tag, true);
	/* who was hung up on does not come back by what it has said before */
	if (s->dialog && s->dialog->ended && msg->status < 300)
		return;

	if (msg->status / 100 == 2)
		answered(s);
	else if (msg->status >= 300)
		refused(s);
	else if (msg->status > 100)
		rings(s);
}

/* The answer to a delayed offer comes in ACK (S3-25). */
static void ack(struct speech *s)
{
	const struct sipalg_transaction transaction = transaction_of(s);

	s->plan->retransmitted = is_stale(s);
	if (!s->plan->retransmitted) {
		describe(s);
		if (s->msg->sdp.len)
			sipalg_call_commit(s->call, &transaction);
	}
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
	transaction.cseq = s->call->invite_cseq[transaction.sender];
	if (sipalg_call_is_described(s->call, s->side, &transaction))
		sipalg_call_commit(s->call, &transaction);
}

static void update_response(struct speech *s)
{
	struct sipalg_call *call = s->call;
	u16 status = s->msg->status;

	if (call->state != SIPALG_CALL_CONFIRMED || status < 200)
		return;
	if (status >= 300)
		sipalg_life_half(call, false);
	else if (call->update_cseq[!s->side] == s->msg->cseq)
		refreshed(s, expires_of(s->msg) ?: call->expires);
	else
		sipalg_life_half(call, true);
}

static void settle(struct speech *s, const struct sipalg_transaction *transaction)
{
	describe(s);
	if (s->msg->status / 100 == 2) {
		if (s->msg->method == SIP_METHOD_PRACK)
			commit_early(s);
		sipalg_call_commit(s->call, transaction);
	} else if (s->msg->status >= 300) {
		sipalg_call_rollback(s->call, transaction);
	}
}

static void note_settled(struct speech *s)
{
	if (s->dialog && s->msg->status / 100 == 2 && !is_settled(s))
		s->dialog->settled[!s->side] = s->msg->cseq + 1;
}

/* PRACK and UPDATE carry offers and answers of their own. */
static void offer_response(struct speech *s)
{
	const struct sipalg_transaction transaction = transaction_of(s);

	s->plan->retransmitted = is_settled(s);
	if (!is_stale(s))
		settle(s, &transaction);
	if (!s->plan->retransmitted && sip_method_is(s->msg, SIP_TARGET_REFRESH))
		update_response(s);
	note_settled(s);
}

/* PRACK and UPDATE, whose offer is answered by their own response. */
static void offer(struct speech *s)
{
	s->plan->retransmitted = is_settled(s);
	if (!is_stale(s))
		describe(s);
	if (s->plan->retransmitted || !sip_method_is(s->msg, SIP_TARGET_REFRESH))
		return;
	s->call->update_cseq[s->side] = s->msg->cseq;
	if (s->call->state == SIPALG_CALL_CONFIRMED)
		sipalg_life_half(s->call, true);
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
		sipalg_call_close_fork(call);
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
		if (others_live(s))
			sipalg_media_forget(s->call, s->dialog->fork);
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
			offer(s);
		break;
	}
}

static void take_sign(struct speech *s)
{
	const struct sip_msg *msg = s->msg;

	if (msg->method == SIP_METHOD_BYE || msg->method == SIP_METHOD_CANCEL)
		return;
	if (msg->status / 100 == 2)
		sipalg_life_accepted(s->call);
	else if (msg->status == 481 && sip_method_is(msg, SIP_OF_DIALOG) && s->dialog &&
		 s->dialog->confirmed)
		sipalg_life_unknown(s->call);
}

static void response(struct speech *s)
{
	take_sign(s);
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
		break;
	}
}

/*
 * A call that began before the module was loaded (H-23): a request within a dialog,
 * or its response, shows that the call was answered before.
 */
static void pick_up(struct speech *s)
{
	if (!s->msg->request && s->msg->method == SIP_METHOD_INVITE) {
		note_invite(s->call, !s->side, s->msg->cseq);
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
	sipalg_life_expires(call, 60 * sipalg_setting(call->sn,
						      SIPALG_C_TIMEOUT));
}

static void hear(struct speech *s)
{
	struct sipalg_call *call = s->call;
	bool alone = is_alone(call);

	if (s->msg->request || s->msg->status > 100)
		call->spoke |= BIT(s->side);
	if (alone && !is_alone(call))
		sipalg_life_expires(call, 0);
}

static void take_in(struct speech *s)
{
	struct sipalg_call *call = s->call;
	const struct sip_msg *msg = s->msg;
	bool fresh = !call->deadlines;

	s->dialog = sipalg_call_dialog(call, msg, s->callee_tag,
				       fresh || (msg->request &&
						 msg->method == SIP_METHOD_INVITE));
	if (fresh)
		pick_up(s);

	call->l4proto = s->flow->l4proto;
	sipalg_life_message(call);
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

/* The way that a response takes is the request's, backwards. */
static struct sipalg_flow way_back(const struct sipalg_flow *flow)
{
	struct sipalg_flow back = *flow;

	back.src = flow->dst_private;
	back.src_public = flow->dst;
	back.dst = flow->src_public;
	back.dst_private = flow->src;
	back.original = !flow->original;
	return back;
}

/*
 * A request that came from an address of which nothing was known, and which
 * the other party accepts by @s: it takes effect now.
 */
static void take_proven(struct speech *s, struct sipalg_replay *replay)
{
	struct sipalg_flow flow = way_back(s->flow);
	struct speech claim = {
		.call = s->call,
		.flow = &flow,
		.msg = &replay->msg,
		.plan = &replay->plan,
	};

	set_sides(&claim, s->side == SIPALG_CALLEE);
	sipalg_claim_prove(s->call, claim.side, &flow.src.ip);
	take_in(&claim);
	if (sipalg_setting(s->call->sn, SIPALG_MODE) >= SIPALG_MODE_PINHOLES)
		sipalg_sig_expect_learn(s->call, claim.side,
					claim.side == SIPALG_CALLER ? 0 : fork_of(&claim),
					&flow, claim.msg);
	s->plan->pinholes |= replay->plan.pinholes;
}

/*
 * The answer of a party to somebody whom the call does not know. Returns
 * false if it means nothing to the call.
 */
static bool is_proof(struct speech *s)
{
	struct sipalg_replay *replay = sipalg_claim_take(s->call, s->flow, s->msg);
	bool accepted = s->msg->status / 100 == 2;

	if (accepted && replay)
		take_proven(s, replay);
	sipalg_claim_replay_free(replay);
	return accepted;
}

/* The caller's own answers, and the callee's, go to where the other is. */
static bool is_to_known(const struct speech *s)
{
	return s->msg->request ||
	       is_partys(s->call, !s->side, &s->flow->dst_private.ip);
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

	if (find_sides(&s) && is_known(&s) && (is_to_known(&s) || is_proof(&s))) {
		take_in(&s);
		plan->followed = !is_late(&s);
		plan->side = s.side;
		plan->fork = s.side == SIPALG_CALLER ? 0 : fork_of(&s);
	}
	/* ends the call, whatever it began with */
	if (call->linked && !call->deadlines)
		event(&s, SIPALG_EVENT_PROVISIONAL, SIPALG_END_FAILED);
}

void sipalg_call_claim(struct sipalg_call *call, const struct sipalg_flow *flow,
		       const struct sip_msg *msg)
{
	struct speech s = { .call = call, .flow = flow, .msg = msg };

	if (!msg->request || !find_sides(&s) || is_known(&s))
		return;
	s.dialog = sipalg_call_dialog(call, msg, s.callee_tag, false);
	if (s.dialog || (msg->method == SIP_METHOD_INVITE && !msg->to_tag.len))
		sipalg_claim_note(call, flow, msg);
}

bool sipalg_call_message_retries(const struct sipalg_call *call,
				 const struct sip_msg *msg)
{
	return call->state == SIPALG_CALL_FAILED &&
	       msg->cseq > call->invite_cseq[SIPALG_CALLER];
}
