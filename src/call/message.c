// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes messages in: events, and what is known of the parties. Whether, and as what,
 * was decided before, see judge.h. RFC 3261 9, 12-15; RFC 3264, 3262, 3311, 4028.
 */
#include <linux/slab.h>
#include "call/call.h"
#include "call/claim.h"
#include "call/dialog.h"
#include "call/event.h"
#include "call/judge.h"
#include "call/life.h"
#include "call/message.h"
#include "call/screen.h"
#include "call/target.h"
#include "core/net.h"
#include "media/activity.h"
#include "media/description.h"
#include "media/media.h"
#include "nat/sig_expect.h"
#include "sip/names.h"

/**
 * struct speech - a message as part of its call
 * @call: its call, locked
 * @flow: its flow
 * @msg: the message
 * @plan: what was decided on it
 * @side: enum sipalg_side of the sender
 * @dialog: its dialog, or NULL
 */
struct speech {
	struct sipalg_call *call;
	const struct sipalg_flow *flow;
	const struct sip_msg *msg;
	struct sipalg_plan *plan;
	u8 side;
	struct sipalg_dialog *dialog;
};

static u16 fork_of(const struct speech *s)
{
	return s->dialog ? s->dialog->fork : 0;
}

static struct sipalg_transaction transaction_of(const struct speech *s)
{
	return sipalg_transaction_of(s->msg, s->side, fork_of(s));
}

static void describe(struct speech *s)
{
	if (!s->plan->describes)
		return;
	sipalg_description_commit(s->call, s->flow, s->plan);
	s->call->sdp_transaction[s->side] = transaction_of(s);
	s->call->sdp_transaction[s->side].waiting = true;
}

static void event(struct speech *s, enum sipalg_call_event event,
		  enum sipalg_end_reason reason)
{
	const struct sipalg_transaction transaction = transaction_of(s);

	sipalg_call_event(s->call, event, &transaction, reason);
}

/* One of the other family is nobody that could come by this flow: NULL. */
static const union nf_inet_addr *contact_of(const struct speech *s)
{
	const struct sip_contact *contact = &s->msg->contacts[0];
	const struct sip_host *host;

	if (!s->msg->contact_count || contact->host == SIP_NO_INDEX)
		return NULL;
	host = &s->msg->hosts[contact->host];
	return sip_host_family(host) == s->flow->family ? &host->addr : NULL;
}

static void learn_contact(struct speech *s)
{
	const union nf_inet_addr *ip = contact_of(s);

	if (ip)
		s->call->contact[s->side] = *ip;
}

/* Another target counts from the 2xx on that accepts it (RFC 3261 12.2.1.2). */
static void note_move(struct speech *s)
{
	const union nf_inet_addr *ip = contact_of(s);
	struct sipalg_call *call = s->call;

	if (!call->move) {
		call->move = kmalloc(sizeof(*call->move), GFP_ATOMIC);
		if (!call->move)
			return;
		atomic_long_add(sizeof(*call->move), &call->sn->memory);
	}
	*call->move = (struct sipalg_move){
		.contact = ip ? *ip : call->contact[s->side],
		.src = s->flow->src.ip,
		.cseq = s->msg->cseq,
		.side = s->side,
	};
}

/* The request that this response answers, or NULL. */
static const struct sipalg_move *move_of(const struct speech *s)
{
	const struct sipalg_move *move = s->call->move;

	return move && move->side != s->side && move->cseq == s->msg->cseq ?
		       move : NULL;
}

/* Who accepts names his own target as well. */
static void accept_move(struct speech *s)
{
	const struct sipalg_move *move = move_of(s);

	if (s->plan->retransmitted)
		return;
	if (move)
		s->call->contact[move->side] = move->contact;
	learn_contact(s);
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

static void note_invite(struct sipalg_call *call, unsigned int side, u32 cseq)
{
	call->invite_cseq[side] = cseq;
	call->invited |= BIT(side);
}

/* An INVITE that offers nothing takes back what an earlier one has offered. */
static void withdraw_offer(struct speech *s)
{
	const struct sipalg_transaction own = s->call->sdp_transaction[s->side];

	if (!s->msg->sdp.len && own.waiting && own.invite &&
	    own.sender == s->side)
		sipalg_call_rollback(s->call, &own);
}

static void new_invite(struct speech *s)
{
	withdraw_offer(s);
	describe(s);
	note_invite(s->call, s->side, s->msg->cseq);
	if (s->side == SIPALG_CALLER)
		sipalg_target_first(s->call, s->msg);
	if (!s->msg->to_tag.len)
		sipalg_screen_invite(s->call, s->flow, s->msg);
	if (s->call->state == SIPALG_CALL_CONFIRMED)
		note_move(s);
	else
		learn_contact(s);
}

static void invite(struct speech *s)
{
	struct sipalg_call *call = s->call;

	new_invite(s);
	event(s, SIPALG_EVENT_INVITE, SIPALG_END_FAILED);
	if (call->state == SIPALG_CALL_EARLY)
		sipalg_life_expires(call, expires_of(s->msg));
	else if (call->state == SIPALG_CALL_CONFIRMED)
		sipalg_life_half(call, true);
}

/* Its c-timeout has passed: what it opens now must be closed once more. */
static bool has_rung_out(const struct sipalg_call *call)
{
	return call->state == SIPALG_CALL_EARLY &&
	       !(call->deadlines & 1u << SIPALG_TIMER_C);
}

static void invite_again(struct speech *s)
{
	describe(s);
	if (has_rung_out(s->call))
		event(s, SIPALG_EVENT_INVITE, SIPALG_END_FAILED);
}

static void invite_target(struct speech *s)
{
	describe(s);
	sipalg_target_add(s->call, s->flow, s->msg);
	next_target(s);
	if (has_rung_out(s->call))
		event(s, SIPALG_EVENT_INVITE, SIPALG_END_FAILED);
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
	WRITE_ONCE(call->zone[SIPALG_CALLEE], s->flow->from_zone);
}

/* By this the other party has moved to where it has asked from. */
static void follow_asker(struct speech *s)
{
	const struct sipalg_move *move = move_of(s);

	s->call->speaker[!s->side] = move ? move->src : s->flow->dst_private.ip;
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

static void answer(struct speech *s)
{
	find_callee(s);
	if (s->dialog) {
		note_answer(s);
		s->dialog->confirmed = true;
	}
	describe(s);
	accept_move(s);
	event(s, SIPALG_EVENT_SUCCESS, SIPALG_END_FAILED);
	if (!s->plan->retransmitted)
		refreshed(s, expires_of(s->msg));
}

static void refuse(struct speech *s)
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

static void answer_unseen(struct speech *s)
{
	note_invite(s->call, !s->side, s->msg->cseq);
	note_answer(s);
	describe(s);
	learn_contact(s);
	event(s, SIPALG_EVENT_SUCCESS, SIPALG_END_FAILED);
	sipalg_life_half(s->call, true);
	sipalg_media_reopen(s->call);
}

static void ring(struct speech *s)
{
	describe(s);
	event(s, SIPALG_EVENT_PROVISIONAL, SIPALG_END_FAILED);
}

static void ack(struct speech *s)
{
	const struct sipalg_transaction transaction = transaction_of(s);

	describe(s);
	if (s->msg->sdp.len && !s->plan->retransmitted)
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

/* 1 more than its CSeq: see &sipalg_dialog.settled. */
static void note_settled(struct speech *s)
{
	if (s->dialog && s->msg->status / 100 == 2 && !s->plan->retransmitted)
		s->dialog->settled[!s->side] = s->msg->cseq + 1;
}

static void offer_response(struct speech *s)
{
	const struct sipalg_transaction transaction = transaction_of(s);

	if (!s->plan->stale)
		settle(s, &transaction);
	if (!s->plan->retransmitted && sip_method_is(s->msg, SIP_TARGET_REFRESH)) {
		if (s->msg->status / 100 == 2)
			accept_move(s);
		update_response(s);
	}
	note_settled(s);
}

/* PRACK and UPDATE, whose offer is answered by their own response. */
static void offer(struct speech *s)
{
	describe(s);
	if (s->plan->retransmitted || !sip_method_is(s->msg, SIP_TARGET_REFRESH))
		return;
	note_move(s);
	s->call->update_cseq[s->side] = s->msg->cseq;
	if (s->call->state == SIPALG_CALL_CONFIRMED)
		sipalg_life_half(s->call, true);
}

static void cancel(struct speech *s)
{
	if (s->side == SIPALG_CALLER && sipalg_target_end(s->call, s->msg))
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

static void hung_up(struct speech *s, u8 side)
{
	struct sipalg_call *call = s->call;

	call->bye_cseq = s->msg->cseq;
	call->bye_side = side;
	call->bye_fork = s->dialog->fork;
	s->dialog->ended = true;
	if (others_live(s))
		sipalg_call_close_fork(call);
	else
		event(s, SIPALG_EVENT_BYE, SIPALG_END_BYE);
}

static void bye(struct speech *s)
{
	hung_up(s, s->side);
}

/* C10: the BYE was challenged or failed with 5xx: the call goes on. */
static void bye_response(struct speech *s)
{
	u16 status = s->msg->status;

	if (status == 401 || status == 407 || status / 100 == 5) {
		s->dialog->ended = false;
		event(s, SIPALG_EVENT_BYE_REFUSED, SIPALG_END_BYE);
	} else if (status >= 200) {
		if (others_live(s))
			sipalg_media_forget(s->call, s->dialog->fork);
		event(s, SIPALG_EVENT_BYE_ACCEPTED, SIPALG_END_BYE);
	}
}

static void bye_untold(struct speech *s)
{
	hung_up(s, !s->side);
	bye_response(s);
}

static void (*const acts[SIPALG_ACT_MAX])(struct speech *s) = {
	[SIPALG_ACT_INVITE]		= invite,
	[SIPALG_ACT_INVITE_CROSSING]	= new_invite,
	[SIPALG_ACT_INVITE_TARGET]	= invite_target,
	[SIPALG_ACT_INVITE_AGAIN]	= invite_again,
	[SIPALG_ACT_ACK]		= ack,
	[SIPALG_ACT_CANCEL]		= cancel,
	[SIPALG_ACT_BYE]		= bye,
	[SIPALG_ACT_OFFER]		= offer,
	[SIPALG_ACT_RING]		= ring,
	[SIPALG_ACT_ANSWER]		= answer,
	[SIPALG_ACT_ANSWER_UNSEEN]	= answer_unseen,
	[SIPALG_ACT_REFUSE]		= refuse,
	[SIPALG_ACT_BYE_RESPONSE]	= bye_response,
	[SIPALG_ACT_BYE_UNTOLD]		= bye_untold,
	[SIPALG_ACT_OFFER_RESPONSE]	= offer_response,
};

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

/* H-23: it shows that the call was answered before, or which INVITE is answered. */
static void pick_up(struct speech *s)
{
	if (!s->msg->request && s->msg->method == SIP_METHOD_INVITE)
		note_invite(s->call, !s->side, s->msg->cseq);
	if (!s->plan->picks_up)
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

	if (s->plan->changes_tag)
		call->new_tag = sipalg_call_hash(call, msg, msg->from_tag);
	if (!call->deadlines)
		pick_up(s);

	call->l4proto = s->flow->l4proto;
	sipalg_life_message(call);
	hear(s);
	if (!msg->request)
		take_sign(s);
	if (acts[s->plan->act])
		acts[s->plan->act](s);
	if (msg->request)
		call->asked[s->side] = s->flow->dst_private.ip;
	if (is_alone(call))
		limit_alone(call);
}

/* One target has accepted: what is still said with another needs no flow. */
static bool is_late(const struct speech *s)
{
	return s->call->state == SIPALG_CALL_CONFIRMED &&
	       sipalg_target_is_over(s->call, s->msg);
}

void sipalg_call_acquire(struct sipalg_call *call, const struct sip_msg *msg,
			 struct sipalg_plan *plan)
{
	if (plan->opens_dialog && !plan->dialog)
		plan->dialog = sipalg_dialog_open(call, msg, plan->callee_tag);
	/* without memory it has none; opened once more it may have another number */
	if (plan->opens_dialog && plan->side == SIPALG_CALLEE)
		plan->fork = plan->dialog ? plan->dialog->fork : 0;
	/* its description may be of the same ports */
	if (plan->act == SIPALG_ACT_ANSWER)
		sipalg_call_forget_ended(call);
}

void sipalg_call_release(struct sipalg_call *call, struct sipalg_plan *plan)
{
	if (!plan->opens_dialog || !plan->dialog)
		return;
	sipalg_dialog_close(call, plan->dialog);
	plan->dialog = NULL;
}

void sipalg_call_take_in(struct sipalg_call *call, const struct sipalg_flow *flow,
			 const struct sip_msg *msg, struct sipalg_plan *plan)
{
	struct speech s = {
		.call = call,
		.flow = flow,
		.msg = msg,
		.plan = plan,
		.side = plan->side,
		.dialog = plan->dialog,
	};

	plan->taken_in = true;
	if (plan->claims)
		sipalg_claim_note(call, flow, msg);
	if (plan->followed) {
		take_in(&s);
		plan->followed = !is_late(&s);
	}
	/* ends the call, whatever it began with */
	if (call->linked && !call->deadlines)
		event(&s, SIPALG_EVENT_PROVISIONAL, SIPALG_END_FAILED);
}

/*
 * The way that a response takes is the request's, backwards; but one of signalling-peers
 * may be answered at another host.
 */
static struct sipalg_flow way_back(const struct sipalg_flow *flow,
				   const union nf_inet_addr *asker)
{
	struct sipalg_flow back = *flow;

	back.src = flow->dst_private;
	back.src_public = flow->dst;
	if (sipalg_ip_equal(&back.src.ip, &back.src_public.ip))
		back.src_public.ip = *asker;
	back.src.ip = *asker;
	back.dst = flow->src_public;
	back.dst_private = flow->src;
	back.original = !flow->original;
	return back;
}

/* The streams that a claim has described; without them it still means the rest. */
static void acquire_claim(struct sipalg_call *call, const struct sipalg_flow *flow,
			  const struct sip_msg *msg, struct sipalg_plan *plan)
{
	sipalg_call_acquire(call, msg, plan);
	if (!plan->describes)
		return;
	sipalg_description_decide(flow, msg, plan);
	if (plan->describes && sipalg_description_acquire(call, flow, plan)) {
		sipalg_description_release(call, plan);
		plan->describes = false;
		plan->pinholes = false;
	}
}

bool sipalg_call_prove(struct sipalg_call *call, const struct sipalg_flow *flow,
		       const struct sip_msg *msg, struct sipalg_plan *plan)
{
	struct sipalg_replay *replay = sipalg_claim_take(call, flow, msg);
	struct sipalg_plan *claim;
	struct sipalg_flow back;
	bool pinholes;

	if (!replay)
		return false;
	back = way_back(flow, &replay->src);
	claim = &replay->plan;
	claim->description = plan->description;
	sipalg_claim_prove(call, !plan->side, &replay->src);
	sipalg_call_judge(call, &back, &replay->msg, claim);
	acquire_claim(call, &back, &replay->msg, claim);
	sipalg_call_take_in(call, &back, &replay->msg, claim);
	if (claim->followed &&
	    sipalg_setting(call->sn, SIPALG_MODE) >= SIPALG_MODE_PINHOLES)
		sipalg_sig_expect_learn(call, claim, &back, &replay->msg);
	pinholes = claim->pinholes;
	sipalg_claim_replay_free(replay);
	return pinholes;
}
