// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decides on one message: policy, call, description, headers, registration. A
 * message whose media cannot be followed is not translated at all, so that no
 * message leaves half translated.
 */
#include "call/call.h"
#include "call/judge.h"
#include "call/lru.h"
#include "call/screen.h"
#include "core/event.h"
#include "core/net.h"
#include "core/ratelimit.h"
#include "media/description.h"
#include "media/media.h"
#include "nat/header_nat.h"
#include "nat/intent.h"
#include "nat/nat64.h"
#include "nat/outer.h"
#include "packet/decide.h"
#include "sip/names.h"

/* `observe` drops nothing, whatever other settings say. */
static bool only_watches(const struct sipalg_net *sn)
{
	return sipalg_setting(sn, SIPALG_MODE) < SIPALG_MODE_PINHOLES;
}

static bool refused_by_policy(struct sipalg_net *sn, const struct sip_msg *msg,
			      struct sipalg_plan *plan)
{
	bool unknown = msg->method == SIP_METHOD_UNKNOWN &&
		       sipalg_setting(sn, SIPALG_UNKNOWN_METHOD) == SIPALG_DROP;
	bool denied = sipalg_setting(sn, SIPALG_DENY_METHODS) & 1u << msg->method;

	if (!msg->request || (!unknown && !denied) || only_watches(sn))
		return false;
	plan->verdict = SIPALG_VERDICT_DROP;
	plan->reason = SIPALG_REASON_METHOD_DENIED;
	return true;
}

/*
 * An INVITE, and whatever else brings a description into a call that began
 * before this module was there (H-23).
 */
static bool begins_call(const struct sip_msg *msg)
{
	if (msg->request && msg->method == SIP_METHOD_INVITE)
		return true;
	return msg->sdp.len && msg->status < 300 &&
	       sip_method_is(msg, SIP_OFFERS);
}

/* Locks a referenced call if it is still in the table. */
static struct sipalg_call *lock_call(struct sipalg_call *call)
{
	if (!call)
		return NULL;
	spin_lock_bh(&call->lock);
	if (call->linked)
		return call;
	/* it ended between lookup and lock */
	spin_unlock_bh(&call->lock);
	sipalg_call_put(call);
	return NULL;
}

static bool outside_dialog(const struct sip_msg *msg)
{
	return msg->request && msg->method == SIP_METHOD_INVITE &&
	       !msg->to_tag.len;
}

/* Requests above rate-limit, and INVITEs repeated after a refusal. */
static bool refused_for_now(const struct sipalg_flow *flow,
			    const struct sip_msg *msg, struct sipalg_plan *plan)
{
	const struct sipalg_call *call = plan->call;

	if (only_watches(flow->sn))
		return false;
	if (msg->request && !call && sipalg_ratelimit_exceeded(flow, msg))
		plan->reason = SIPALG_REASON_RATE_LIMITED;
	else if (outside_dialog(msg) &&
		 (!call || sipalg_call_retries(call, msg)) &&
		 sipalg_screen_refuses(flow, msg))
		plan->reason = SIPALG_REASON_SCREENED;
	else
		return false;
	plan->verdict = SIPALG_VERDICT_DROP;
	return true;
}

/* A REGISTER and its 2xx, from and to where phones are. */
static u8 tells_of_registration(const struct sipalg_flow *flow,
				const struct sip_msg *msg)
{
	bool plain = sipalg_flow_is_plain(flow);

	if (msg->request && (sipalg_flow_from_inside(flow) || plain))
		return SIPALG_TELLS_REGISTER;
	if (msg->status / 100 == 2 && (sipalg_flow_to_inside(flow) || plain))
		return SIPALG_TELLS_REGISTERED;
	return SIPALG_TELLS_NOTHING;
}

/*
 * S3-36, RFC 6665 4.1.2.1: NOTIFYs come on the flow of the SUBSCRIBE, rarely, and
 * until the expiry in the 2xx.
 */
static u8 tells_of_subscription(const struct sipalg_flow *flow,
				const struct sip_msg *msg)
{
	if (msg->request)
		return SIPALG_TELLS_SUBSCRIBE;
	return msg->status / 100 == 2 && msg->has_expires && msg->expires ?
		       SIPALG_TELLS_SUBSCRIBED : SIPALG_TELLS_NOTHING;
}

static u8 what_it_tells(const struct sipalg_flow *flow, const struct sip_msg *msg)
{
	if (msg->method == SIP_METHOD_REGISTER)
		return tells_of_registration(flow, msg);
	if (msg->method == SIP_METHOD_SUBSCRIBE)
		return tells_of_subscription(flow, msg);
	return SIPALG_TELLS_NOTHING;
}

static void change_nothing(struct sipalg_plan *plan)
{
	plan->edit_count = 0;
	sipalg_intents_init(plan->intents);
}

static void pass_unchanged(struct sipalg_plan *plan, u8 reason)
{
	change_nothing(plan);
	plan->reason = reason;
}

/* The mode may have become full since its pieces were let go. */
void sipalg_decide_passed(struct sipalg_plan *plan)
{
	change_nothing(plan);
	if (plan->verdict == SIPALG_VERDICT_PASS)
		return;
	plan->verdict = SIPALG_VERDICT_PASS;
	plan->describes = false;
	plan->pinholes = false;
}

static void find_call(const struct sipalg_flow *flow, const struct sip_msg *msg,
		      bool back, struct sipalg_plan *plan)
{
	plan->call = lock_call(sipalg_call_find(flow, msg, back));
}

static void prepare_call(const struct sipalg_flow *flow,
			 const struct sip_msg *msg, bool back,
			 struct sipalg_plan *plan)
{
	plan->call = sipalg_call_prepare(flow, msg, back, &plan->reason);
	plan->prepared = plan->call;
}

static void judge(const struct sipalg_flow *flow, const struct sip_msg *msg,
		  struct sipalg_plan *plan)
{
	if (plan->call)
		sipalg_call_judge(plan->call, flow, msg, plan);
}

static void let_go(struct sipalg_call *call)
{
	spin_unlock_bh(&call->lock);
	sipalg_call_put(call);
}

/* To who called, or from who was called; else it is of another of the caller's hosts. */
static bool is_sent_back(const struct sipalg_call *call,
			 const struct sipalg_flow *flow)
{
	return sipalg_ip_equal(&call->party[SIPALG_CALLER].ip,
			       &flow->dst_private.ip) ||
	       sipalg_ip_equal(&call->party[SIPALG_CALLEE].ip, &flow->src.ip);
}

/*
 * The message does not belong to the call with this Call-ID. A proxy may have sent
 * the call back to the host it came from, which is then both parties: each of
 * the two passes through this router is a call of its own.
 */
static void come_back(const struct sipalg_flow *flow, const struct sip_msg *msg,
		      struct sipalg_plan *plan)
{
	bool back = is_sent_back(plan->call, flow);

	let_go(plan->call);	/* one lock at a time */
	plan->claims = false;
	find_call(flow, msg, true, plan);
	if (!plan->call && outside_dialog(msg) && back)
		prepare_call(flow, msg, true, plan);
	if (!plan->call)
		find_call(flow, msg, false, plan);
	judge(flow, msg, plan);
}

/* What the message is to which call. */
static void decide_call(const struct sipalg_flow *flow, const struct sip_msg *msg,
			struct sipalg_plan *plan)
{
	if (!plan->call && begins_call(msg))
		prepare_call(flow, msg, false, plan);
	judge(flow, msg, plan);
	if (plan->call && !plan->followed && !plan->proves && !plan->prepared &&
	    !sipalg_flow_is_plain(flow))
		come_back(flow, msg, plan);
}

/* Ports that are only to be had have their places. */
static void decide_description(const struct sipalg_flow *flow,
			       const struct sip_msg *msg,
			       struct sipalg_plan *plan)
{
	if (plan->describes)
		sipalg_description_decide(flow, msg, plan);
	if (msg->sdp.len && !plan->described && !plan->reason)
		sipalg_description_repeat(plan->prepared ? NULL : plan->call,
					  flow, msg, plan);
}

static void decide_edits(const struct sipalg_flow *flow,
			 const struct sip_msg *msg, struct sipalg_plan *plan)
{
	if (sipalg_setting(flow->sn, SIPALG_MODE) != SIPALG_MODE_FULL)
		return;
	sipalg_translate(flow, msg, plan);
	if (sipalg_nat64_is_used(flow))
		sipalg_nat64_finish(flow, msg, plan);
	if (plan->outer)
		sipalg_outer_finish(flow, msg, plan);
}

void sipalg_decide(const struct sipalg_flow *flow, const struct sip_msg *msg,
		   struct sipalg_plan *plan)
{
	sipalg_plan_init(plan);
	sipalg_intents_init(plan->intents);
	/* before any refusal: what is dropped is in its call's msg_log, too */
	if (!sip_method_is(msg, SIP_NO_CALL))
		find_call(flow, msg, false, plan);
	/* who calls again when a refusal is over begins another call */
	if (plan->call && plan->call->retired && outside_dialog(msg)) {
		plan->former = plan->call;
		plan->call = NULL;
	}
	if (sipalg_nat64_is_used(flow))
		sipalg_nat64_begin(flow, plan);
	if (sipalg_outer_is_used(flow))
		sipalg_outer_begin(flow, plan);
	plan->unseen = !plan->call && msg->request && msg->to_tag.len;
	if (refused_by_policy(flow->sn, msg, plan) ||
	    refused_for_now(flow, msg, plan))
		return;
	decide_call(flow, msg, plan);
	if (plan->proves)
		return;
	decide_description(flow, msg, plan);
	plan->repairs = !plan->pinholes;
	plan->shows = plan->verdict == SIPALG_VERDICT_DROP;
	if (plan->shows)
		return;
	if (plan->reason) {
		pass_unchanged(plan, plan->reason);
		return;
	}
	decide_edits(flow, msg, plan);
	plan->tells = what_it_tells(flow, msg);
	plan->names_parties = !only_watches(flow->sn);
}

static void dropped(struct sipalg_plan *plan, u8 reason)
{
	plan->verdict = SIPALG_VERDICT_DROP;
	plan->reason = reason;
}

/* It passes as it came, and its media as well as it can. */
static void without_pinholes(struct sipalg_plan *plan, u8 reason)
{
	if (plan->taken_in)
		sipalg_media_rollback(plan->call, plan->side, plan->fork);
	plan->describes = false;
	plan->pinholes = false;
	pass_unchanged(plan, reason);
}

/* Nor does a call begin. */
static void without_call(struct sipalg_plan *plan, u8 reason)
{
	sipalg_decide_done(plan);
	plan->followed = false;
	plan->describes = false;
	plan->pinholes = false;
	pass_unchanged(plan, reason);
}

/* What is told of addresses that are not there must not leave. */
static void without_streams(const struct sipalg_flow *flow,
			    struct sipalg_plan *plan, u8 reason)
{
	if (sipalg_setting(flow->sn, SIPALG_MODE) != SIPALG_MODE_FULL) {
		without_pinholes(plan, SIPALG_REASON_NO_MEMORY);
		return;
	}
	dropped(plan, reason);
	if (plan->taken_in)
		return;
	plan->describes = false;
	plan->shows = true;
}

void sipalg_decide_without(const struct sipalg_flow *flow,
			   const struct sip_msg *msg,
			   struct sipalg_plan *plan, enum sipalg_applied lack)
{
	switch (lack) {
	case SIPALG_APPLIED:
		break;
	case SIPALG_LOST_RACE:
		sipalg_decide_done(plan);
		sipalg_decide(flow, msg, plan);
		break;
	case SIPALG_LACKS_CALL:
		without_call(plan, SIPALG_REASON_TOO_MANY_CALLS);
		break;
	case SIPALG_LACKS_MEMORY:
		without_call(plan, SIPALG_REASON_NO_MEMORY);
		break;
	case SIPALG_LACKS_MAPPING:
		pass_unchanged(plan, SIPALG_REASON_NO_MEMORY);
		break;
	case SIPALG_LACKS_EDITS:
		pass_unchanged(plan, SIPALG_REASON_TOO_LONG);
		break;
	case SIPALG_LACKS_LENGTH:
		dropped(plan, SIPALG_REASON_TOO_LONG);
		break;
	case SIPALG_LACKS_ROOM:
		dropped(plan, SIPALG_REASON_NO_MEMORY);
		break;
	case SIPALG_LACKS_PLACE:
		without_pinholes(plan, SIPALG_REASON_TOO_MANY_MEDIA);
		break;
	case SIPALG_LACKS_STREAM:
		without_streams(flow, plan, SIPALG_REASON_NO_MEMORY);
		break;
	case SIPALG_LACKS_PORT:
		without_streams(flow, plan, SIPALG_REASON_NO_PORT_PAIR);
		break;
	case SIPALG_LACKS_PINHOLE:
		without_pinholes(plan, SIPALG_REASON_NO_MEMORY);
		break;
	case SIPALG_LACKS_EXPECTATION:
		without_pinholes(plan, SIPALG_REASON_EXPECTATIONS_FULL);
		break;
	case SIPALG_LACKS_CONNTRACK:
		without_pinholes(plan, SIPALG_REASON_CONNTRACK_FULL);
		break;
	}
}

void sipalg_decide_undo(struct sipalg_plan *plan)
{
	if (plan->created)
		sipalg_call_discard(plan->call);
	else if (plan->taken_in && plan->describes && plan->description->has_new)
		sipalg_media_rollback(plan->call, plan->side, plan->fork);
}

void sipalg_decide_done(struct sipalg_plan *plan)
{
	struct sipalg_call *call = plan->call;

	if (plan->former)
		let_go(plan->former);
	plan->former = NULL;
	if (!call)
		return;
	plan->call = NULL;
	if (plan->prepared) {
		plan->prepared = false;
		sipalg_call_put(call);
		return;
	}
	if (call->linked) {
		sipalg_event_flush(call);
		sipalg_lru_active(call);
		sipalg_lru_sort(call);
		sipalg_call_schedule(call);
	}
	spin_unlock_bh(&call->lock);
	sipalg_lru_idle(call->sn);
	sipalg_call_put(call);
}
