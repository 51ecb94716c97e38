// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sender, dialog, new or retransmitted. RFC 3261 9, 12-15; offers and answers RFC
 * 3264, 3262, 3311.
 */
#include <linux/siphash.h>
#include "call/claim.h"
#include "call/dialog.h"
#include "call/judge.h"
#include "call/target.h"
#include "core/call.h"
#include "core/net.h"
#include "core/peers.h"
#include "sip/names.h"
#include "sip/text.h"

/**
 * struct view - a message as its call sees it
 * @call: its call
 * @flow: its flow
 * @msg: the message
 * @plan: what is to be done with it
 * @dialog: its dialog, or NULL: none, or not open yet
 */
struct view {
	const struct sipalg_call *call;
	const struct sipalg_flow *flow;
	const struct sip_msg *msg;
	struct sipalg_plan *plan;
	const struct sipalg_dialog *dialog;
};

u64 sipalg_call_hash(const struct sipalg_call *call, const struct sip_msg *msg,
		     struct sip_span span)
{
	return siphash(sip_span_ptr(msg, span), span.len, &call->sn->key);
}

static bool is_callers(const struct sipalg_call *call, const struct sip_msg *msg,
		       struct sip_span tag)
{
	if (call->new_tag)
		return sipalg_call_hash(call, msg, tag) == call->new_tag;
	return tag.len == call->from_tag_len &&
	       text_exact(sip_span_ptr(msg, tag), sipalg_call_from_tag(call),
			  tag.len);
}

/* Only the caller itself, only with a new INVITE, before it is answered. */
static bool may_change_tag(const struct view *v)
{
	const struct sipalg_call *call = v->call;

	return v->msg->request && v->msg->method == SIP_METHOD_INVITE &&
	       v->msg->cseq > call->invite_cseq[SIPALG_CALLER] &&
	       !v->msg->to_tag.len && call->state != SIPALG_CALL_CONFIRMED &&
	       sipalg_ip_equal(&v->flow->src.ip, &call->party[SIPALG_CALLER].ip);
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

static bool is_known(const struct view *v)
{
	return is_partys(v->call, v->plan->side, &v->flow->src.ip);
}

/* The caller's own answers, and the callee's, go to where the other is. */
static bool is_to_known(const struct view *v)
{
	return v->msg->request ||
	       is_partys(v->call, !v->plan->side, &v->flow->dst_private.ip);
}

static void set_sides(struct view *v, bool callers)
{
	v->plan->callee_tag = callers ? v->msg->to_tag : v->msg->from_tag;
	if (v->msg->request)
		v->plan->side = callers ? SIPALG_CALLER : SIPALG_CALLEE;
	else
		v->plan->side = callers ? SIPALG_CALLEE : SIPALG_CALLER;
}

/*
 * In the caller's requests and their responses From has the caller's tag; in the
 * callee's To has it. Without tags (RFC 2543), or with the same ones, the address
 * decides. Returns false if neither matches.
 */
static bool find_sides(struct view *v)
{
	bool from = is_callers(v->call, v->msg, v->msg->from_tag);
	bool to = is_callers(v->call, v->msg, v->msg->to_tag);

	/* a second attempt with a new tag: some phones do (RFC 3261 8.1.3.5) */
	v->plan->changes_tag = !from && may_change_tag(v);
	from |= v->plan->changes_tag;
	if (!from && !to)
		return false;
	set_sides(v, from);
	if (from && to && !is_known(v))
		set_sides(v, false);
	return true;
}

/* The message is the first of which the call knows. */
static bool is_first(const struct view *v)
{
	return !v->call->deadlines;
}

/* 0 is a CSeq like any other (RFC 3261 8.1.1.5). */
static bool is_new(const struct view *v)
{
	return !(v->call->invited & BIT(v->plan->side)) ||
	       v->msg->cseq > v->call->invite_cseq[v->plan->side];
}

static bool is_old(const struct view *v)
{
	return !is_new(v) && v->msg->cseq < v->call->invite_cseq[v->plan->side];
}

/* Only the newest INVITE decides on the call; H-23: the first that is seen is it. */
static bool is_to_newest(const struct view *v)
{
	return is_first(v) ||
	       v->msg->cseq == v->call->invite_cseq[!v->plan->side];
}

static struct sipalg_transaction transaction_of(const struct view *v)
{
	return sipalg_transaction_of(v->msg, v->plan->side,
				     v->dialog ? v->dialog->fork :
				     v->plan->opens_dialog ? v->plan->fork : 0);
}

struct sipalg_transaction sipalg_transaction_of(const struct sip_msg *msg, u8 side,
						u16 fork)
{
	return (struct sipalg_transaction){
		.cseq = msg->cseq,
		.sender = msg->request ? side : !side,
		.invite = sip_method_is(msg, SIP_INVITES),
		.fork = fork,
	};
}

static bool is_of(const struct sipalg_transaction *a,
		  const struct sipalg_transaction *b)
{
	return a->cseq == b->cseq && a->sender == b->sender &&
	       a->invite == b->invite;
}

static const struct sipalg_transaction *described_by(const struct view *v,
						     unsigned int side)
{
	return &v->call->sdp_transaction[side];
}

/* Is what this message describes the newest that its sender has described? */
static bool is_newest(const struct view *v)
{
	const struct sipalg_transaction *own = described_by(v, v->plan->side);
	struct sipalg_transaction this;

	if (!v->msg->sdp.len)
		return false;
	this = transaction_of(v);
	return is_of(own, &this) && own->fork == this.fork;
}

static bool has_answered(const struct sipalg_dialog *dialog, unsigned int side,
			 u32 cseq)
{
	return dialog->has_answered & BIT(side) && dialog->answered[side] == cseq;
}

/* An INVITE has its 2xx; its ACK may still describe what that has asked for. */
static bool is_answered(const struct view *v,
			const struct sipalg_transaction *this)
{
	u8 other = !v->plan->side;

	if (!v->dialog)
		return !v->plan->opens_dialog &&
		       v->call->state == SIPALG_CALL_CONFIRMED;
	return has_answered(v->dialog, other, v->msg->cseq) &&
	       !(v->msg->method == SIP_METHOD_ACK &&
		 is_of(described_by(v, other), this));
}

/* A PRACK or UPDATE, or its response, that has had its 2xx before. */
static bool is_settled(const struct view *v)
{
	u8 side = v->plan->side;

	return v->dialog &&
	       v->msg->cseq < v->dialog->settled[v->msg->request ? side : !side];
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
static bool is_stale(const struct view *v)
{
	struct sipalg_transaction this;

	if (!v->msg->sdp.len || is_newest(v))
		return false;
	this = transaction_of(v);
	if (is_overtaken(&this, described_by(v, v->plan->side)))
		return true;
	if (!this.invite)
		return is_settled(v);
	return v->msg->request && is_answered(v, &this);
}

/* It rings again by what PRACK or UPDATE have replaced since. */
static bool rings_stale(const struct view *v)
{
	const struct sipalg_transaction *own = described_by(v, v->plan->side);

	if (!v->msg->sdp.len)
		return false;
	return is_stale(v) ||
	       (own->fork && own->fork == transaction_of(v).fork && !own->invite);
}

/* Within a dialog that a BYE has ended, or is about to: it crosses that. */
static bool crosses_bye(const struct view *v)
{
	return v->msg->to_tag.len && v->call->state == SIPALG_CALL_BYE_SENT;
}

static bool is_to_another(const struct view *v)
{
	return v->plan->side == SIPALG_CALLER &&
	       v->msg->cseq == v->call->invite_cseq[SIPALG_CALLER] &&
	       sipalg_target_is_another(v->call, v->msg);
}

/* @describes: its description, if it has one, is new to the call */
static void act(struct view *v, enum sipalg_act act, bool describes)
{
	v->plan->act = act;
	/* what a refusal describes is on offer to nobody (RFC 3261 21.4.26) */
	v->plan->describes = describes && v->msg->sdp.len && v->msg->status < 300;
}

static void invite(struct view *v)
{
	/* an INVITE older than the newest has no effect */
	bool describes = !is_old(v) && !is_stale(v) && !crosses_bye(v);

	if (is_new(v)) {
		act(v, crosses_bye(v) ? SIPALG_ACT_INVITE_CROSSING :
					SIPALG_ACT_INVITE, describes);
	} else if (is_to_another(v)) {
		act(v, SIPALG_ACT_INVITE_TARGET, describes);
	} else {
		v->plan->retransmitted = true;
		act(v, SIPALG_ACT_INVITE_AGAIN, describes);
	}
}

/* The answer to a delayed offer comes in ACK (S3-25). */
static void ack(struct view *v)
{
	v->plan->retransmitted = is_stale(v);
	act(v, SIPALG_ACT_ACK, !v->plan->retransmitted);
}

static void cancel(struct view *v)
{
	if (v->msg->cseq == v->call->invite_cseq[v->plan->side])
		act(v, SIPALG_ACT_CANCEL, false);
}

static void bye(struct view *v)
{
	const struct sipalg_call *call = v->call;

	if (!v->dialog)
		return;
	v->plan->retransmitted = call->bye_cseq == v->msg->cseq &&
				 call->bye_side == v->plan->side &&
				 call->bye_fork == v->dialog->fork;
	if (!v->plan->retransmitted)
		act(v, SIPALG_ACT_BYE, false);
}

static void offer(struct view *v)
{
	v->plan->retransmitted = is_settled(v);
	act(v, SIPALG_ACT_OFFER, !is_stale(v));
}

/*
 * The answer to an INVITE that has not come by here: it counts for half of a
 * refresh, and what it describes is where the sender is from now on.
 */
static bool answers_unseen(const struct view *v)
{
	return v->call->state == SIPALG_CALL_CONFIRMED && v->dialog &&
	       v->dialog->confirmed && !v->dialog->ended &&
	       v->msg->status / 100 == 2 &&
	       v->msg->cseq > v->call->invite_cseq[!v->plan->side];
}

static void answer(struct view *v)
{
	v->plan->retransmitted =
		v->dialog && v->dialog->confirmed &&
		has_answered(v->dialog, v->plan->side, v->msg->cseq);
	/* what it says was in force once, and may have been replaced since */
	if (!v->plan->retransmitted || is_newest(v))
		act(v, SIPALG_ACT_ANSWER, true);
}

static void ring(struct view *v)
{
	v->plan->retransmitted = rings_stale(v);
	act(v, SIPALG_ACT_RING, !v->plan->retransmitted);
}

static void invite_response(struct view *v)
{
	u16 status = v->msg->status;

	if (answers_unseen(v))
		act(v, SIPALG_ACT_ANSWER_UNSEEN, true);
	else if (!is_to_newest(v))
		return;
	else if (status >= 300)
		act(v, SIPALG_ACT_REFUSE, false);
	/* who was hung up on does not come back by what it has said before */
	else if (v->dialog && v->dialog->ended)
		return;
	else if (status >= 200)
		answer(v);
	else if (status > 100)
		ring(v);
}

/*
 * The answer to a BYE that has come by another router, which could not tell of it any
 * more: who gives it has ended the call, and by TCP the BYE does not come again.
 */
static bool answers_untold(const struct view *v)
{
	return v->call->version && v->call->state == SIPALG_CALL_CONFIRMED &&
	       v->dialog->confirmed && !v->dialog->ended &&
	       v->msg->status / 100 == 2;
}

static void bye_response(struct view *v)
{
	if (!v->dialog)
		return;
	if (v->msg->cseq == v->call->bye_cseq &&
	    v->call->bye_side != v->plan->side)
		act(v, SIPALG_ACT_BYE_RESPONSE, false);
	else if (answers_untold(v))
		act(v, SIPALG_ACT_BYE_UNTOLD, false);
}

/* PRACK and UPDATE carry offers and answers of their own. */
static void offer_response(struct view *v)
{
	v->plan->retransmitted = is_settled(v);
	v->plan->stale = is_stale(v);
	act(v, SIPALG_ACT_OFFER_RESPONSE, !v->plan->stale);
}

static void request(struct view *v)
{
	switch (v->msg->method) {
	case SIP_METHOD_INVITE:
		invite(v);
		break;
	case SIP_METHOD_ACK:
		ack(v);
		break;
	case SIP_METHOD_CANCEL:
		cancel(v);
		break;
	case SIP_METHOD_BYE:
		bye(v);
		break;
	default:
		if (sip_method_is(v->msg, SIP_OFFERS_ALONE))
			offer(v);
		break;
	}
}

static void response(struct view *v)
{
	switch (v->msg->method) {
	case SIP_METHOD_INVITE:
		invite_response(v);
		break;
	case SIP_METHOD_BYE:
		bye_response(v);
		break;
	default:
		if (sip_method_is(v->msg, SIP_OFFERS_ALONE))
			offer_response(v);
		break;
	}
}

/* An INVITE, its answers, and by what a call is picked up. */
static bool may_open_dialog(const struct view *v)
{
	const struct sip_msg *msg = v->msg;

	if (is_first(v))
		return true;
	if (msg->method != SIP_METHOD_INVITE)
		return false;
	return msg->request || (msg->status > 100 && msg->status < 300 &&
				is_to_newest(v));
}

static void find_dialog(struct view *v)
{
	struct sipalg_plan *plan = v->plan;
	u16 fork = 0;

	plan->dialog = sipalg_dialog_find(v->call, v->msg, plan->callee_tag);
	v->dialog = plan->dialog;
	if (v->dialog)
		fork = v->dialog->fork;
	else if (may_open_dialog(v))
		fork = sipalg_dialog_next(v->call, v->msg, plan->callee_tag);
	plan->opens_dialog = fork && !v->dialog;
	plan->fork = fork;
}

/*
 * A call that began before the module was loaded (H-23): a request within a dialog,
 * or its response, shows that the call was answered before.
 */
static bool picks_up(const struct view *v)
{
	return is_first(v) && v->msg->to_tag.len &&
	       (v->msg->request || v->msg->method != SIP_METHOD_INVITE);
}

/* With the right tags, from an address of which nothing is known. */
static void claim(struct view *v)
{
	const struct sip_msg *msg = v->msg;

	v->plan->claims = msg->request &&
			  ((msg->method == SIP_METHOD_INVITE && !msg->to_tag.len) ||
			   sipalg_dialog_find(v->call, msg, v->plan->callee_tag));
}

/*
 * A stranger's request that nobody accepts changes nothing. To a host that the
 * administrator has named, 481 is the party's own word: it is not in the dialog.
 */
static bool is_gone(const struct view *v)
{
	const struct sip_msg *msg = v->msg;

	return msg->status == 481 && sip_method_is(msg, SIP_OF_DIALOG) &&
	       sipalg_is_peer(v->call->sn, v->flow->family,
			      &v->flow->dst_private.ip) &&
	       sipalg_dialog_find(v->call, msg, v->plan->callee_tag);
}

static void belong(struct view *v)
{
	struct sipalg_plan *plan = v->plan;

	find_dialog(v);
	plan->picks_up = picks_up(v);
	plan->up = plan->picks_up || v->call->state != SIPALG_CALL_EARLY;
	if (v->msg->request)
		request(v);
	else
		response(v);
	plan->followed = true;
	if (plan->side == SIPALG_CALLER)
		plan->fork = 0;
}

void sipalg_call_judge(const struct sipalg_call *call,
		       const struct sipalg_flow *flow,
		       const struct sip_msg *msg, struct sipalg_plan *plan)
{
	struct view v = {
		.call = call,
		.flow = flow,
		.msg = msg,
		.plan = plan,
	};

	if (!find_sides(&v))
		return;
	if (!is_known(&v))
		claim(&v);
	else if (sipalg_claim_is_answered(call, flow, msg))
		plan->proves = true;
	else if (is_to_known(&v) || msg->status / 100 == 2 || is_gone(&v))
		belong(&v);
}

bool sipalg_call_retries(const struct sipalg_call *call, const struct sip_msg *msg)
{
	return call->state == SIPALG_CALL_FAILED &&
	       msg->cseq > call->invite_cseq[SIPALG_CALLER];
}
