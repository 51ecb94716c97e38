// SPDX-License-Identifier: GPL-2.0-only
/* Parse -> decide -> apply, and what is counted and told of it. */
#include <linux/netfilter.h>
#include "call/message.h"
#include "call/msg_log.h"
#include "core/event.h"
#include "core/net.h"
#include "core/sipalg_trace.h"
#include "nat/header_nat.h"
#include "nat/heard.h"
#include "nat/nat64.h"
#include "nat/outer.h"
#include "packet/decide.h"
#include "packet/mangle.h"
#include "packet/pipeline.h"
#include "packet/retransmit.h"
#include "packet/scratch.h"

#define HEARD_FOR	(3600UL * HZ)

/* @call: locked, or NULL: the message belongs to none, or it is not known. */
static int pass(const struct sipalg_flow *flow, const struct sipalg_call *call,
		enum sipalg_message_reason reason)
{
	if (reason) {
		sipalg_count(flow->sn, passed_unchanged[reason]);
		sipalg_event_message(flow, call, "unchanged", reason);
		net_dbg_ratelimited("message passed unchanged: %s\n",
				    sipalg_reason_name(reason));
	}
	return NF_ACCEPT;
}

/* In `observe` nothing is dropped, and what could not be followed is counted. */
static int drop(const struct sipalg_flow *flow, const struct sipalg_call *call,
		enum sipalg_message_reason reason)
{
	if (sipalg_setting(flow->sn, SIPALG_MODE) < SIPALG_MODE_PINHOLES)
		return pass(flow, call, reason);
	sipalg_count(flow->sn, dropped[reason]);
	sipalg_event_message(flow, call, "dropped", reason);
	trace_sipalg_drop(flow, reason);
	net_info_ratelimited("message dropped: %s\n",
			     sipalg_reason_name(reason));
	return NF_DROP;
}

int sipalg_message_unchanged(const struct sipalg_flow *flow,
			     enum sipalg_message_reason reason)
{
	return pass(flow, NULL, reason);
}

int sipalg_message_drop(const struct sipalg_flow *flow,
			enum sipalg_message_reason reason)
{
	return drop(flow, NULL, reason);
}

/*
 * Parse failed: pass unchanged, or drop what claims to be SIP if so set. Who
 * speaks SIP sends keepalives and STUN as well, of which nothing is to be told.
 */
static int not_understood(const struct sipalg_flow *flow,
			  enum sip_result result)
{
	static const u8 reasons[] = {
		[SIP_NOT_SIP] = SIPALG_REASON_NOT_SIP,
		[SIP_MALFORMED] = SIPALG_REASON_PARSE_ERROR,
		[SIP_TOO_MANY] = SIPALG_REASON_TOO_LONG,
	};

	if (result == SIP_NOT_SIP && flow->l4proto == IPPROTO_UDP)
		return NF_ACCEPT;
	if (result == SIP_MALFORMED &&
	    sipalg_setting(flow->sn, SIPALG_UNKNOWN_MESSAGE) == SIPALG_DROP)
		return sipalg_message_drop(flow, SIPALG_REASON_PARSE_ERROR);
	return sipalg_message_unchanged(flow, reasons[result]);
}

/* A call that was only prepared is nobody's. */
static const struct sipalg_call *known_call(const struct sipalg_plan *plan)
{
	return plan->prepared ? NULL : plan->call;
}

/* What it took is free again, for when it comes again. */
static int do_not_apply(const struct sipalg_flow *flow, const struct sip_msg *msg,
			struct sipalg_plan *plan)
{
	bool begins = plan->prepared || plan->created;
	int verdict;

	if (plan->shows && begins)
		sipalg_apply_call(flow, msg, plan);
	verdict = drop(flow, known_call(plan), plan->reason);
	if (!plan->shows)
		sipalg_decide_undo(plan);
	return verdict;
}

/*
 * All of the plan or nothing. What it lacks the next one does without, until there is
 * one that can be applied, or the message does not leave.
 */
static int apply(struct sipalg_packet *packet, const struct sipalg_flow *flow,
		 unsigned int offset, struct sipalg_scratch *scratch)
{
	struct sipalg_plan *plan = &scratch->plan;
	enum sipalg_applied lack;

	while (plan->verdict == SIPALG_VERDICT_PASS) {
		lack = sipalg_apply(packet, flow, offset, &scratch->msg, plan,
				    scratch->room, sizeof(scratch->room));
		if (lack == SIPALG_APPLIED)
			return pass(flow, plan->call, plan->reason);
		sipalg_decide_without(flow, &scratch->msg, plan, lack);
		if (packet->passed)
			sipalg_decide_passed(plan);
	}
	return do_not_apply(flow, &scratch->msg, plan);
}

/* The answer to a claim is of somebody who is known by the claim. */
static void decide(const struct sipalg_flow *flow, const struct sip_msg *msg,
		   struct sipalg_plan *plan)
{
	bool pinholes;

	sipalg_decide(flow, msg, plan);
	if (!plan->proves)
		return;
	pinholes = sipalg_call_prove(plan->call, flow, msg, plan);
	sipalg_decide_done(plan);
	sipalg_decide(flow, msg, plan);
	plan->pinholes |= pinholes && plan->followed;
}

int sipalg_message(struct sipalg_packet *packet, const struct sipalg_flow *flow,
		   const char *data, unsigned int offset, u32 len)
{
	struct sipalg_scratch *scratch = sipalg_scratch();
	struct sipalg_plan *plan = &scratch->plan;
	struct sip_asked asked;
	enum sip_result result;
	int verdict;
	bool all;

	sipalg_translate_asks(flow, &asked);
	/* of whom a message names a NAT64 asks as well, and a NAT outside */
	all = sipalg_nat64_is_used(flow) || sipalg_outer_is_used(flow);
	result = sip_parse_asked(data, len, &scratch->msg, all ? NULL : &asked);
	trace_sipalg_parse(flow, &scratch->msg, len, result);
	if (result != SIP_OK)
		return not_understood(flow, result);

	if (sipalg_nat64_is_used(flow))
		sipalg_nat64_read(flow, &scratch->msg);
	if (sipalg_outer_is_used(flow))
		sipalg_outer_read(flow, &scratch->msg);
	sipalg_heard_note(flow, HEARD_FOR);
	decide(flow, &scratch->msg, plan);
	if (packet->passed)
		sipalg_decide_passed(plan);
	if (!plan->call && sipalg_is_retransmission(flow, &scratch->msg))
		plan->retransmitted = true;
	trace_sipalg_plan(flow, plan);
	sipalg_count_message(flow->sn, &scratch->msg, plan->retransmitted);

	verdict = apply(packet, flow, offset, scratch);
	if (known_call(plan))
		sipalg_msg_log_note(flow, &scratch->msg, plan,
				    verdict == NF_DROP);
	sipalg_decide_done(plan);
	return verdict;
}
