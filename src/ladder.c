// SPDX-License-Identifier: GPL-2.0-only
/* The last messages of a call: a ring that comes with the first of them. */
#include <linux/slab.h>
#include "call.h"
#include "ladder.h"
#include "net.h"

static struct sipalg_ladder *ladder_of(struct sipalg_call *call)
{
	if (call->ladder)
		return call->ladder;
	/* not zeroed: most calls never fill it, and what is cold costs */
	call->ladder = kmalloc(sizeof(*call->ladder), GFP_ATOMIC);
	if (!call->ladder)
		return NULL;
	atomic_long_add(sizeof(*call->ladder), &call->sn->memory);
	return call->ladder;
}

/* Two parties at one address are told apart by their ports. */
static bool from_caller(const struct sipalg_call *call,
			const struct sipalg_flow *flow)
{
	const struct sipalg_addr *caller = &call->party[SIPALG_CALLER];
	const struct sipalg_addr *callee = &call->party[SIPALG_CALLEE];

	if (sipalg_ip_equal(&caller->ip, &callee->ip))
		return flow->src.port == caller->port;
	return sipalg_ip_equal(&flow->src.ip, &caller->ip);
}

static u8 bits_of(const struct sipalg_flow *flow, const struct sip_msg *msg,
		  const struct sipalg_plan *plan, bool dropped)
{
	u8 bits = 0;

	if (from_caller(plan->call, flow))
		bits |= SIPALG_RUNG_CALLER;
	if (msg->request)
		bits |= SIPALG_RUNG_REQUEST;
	if (plan->retransmitted)
		bits |= SIPALG_RUNG_RETRANSMITTED;
	if (dropped)
		bits |= SIPALG_RUNG_DROPPED;
	if (flow->l4proto == IPPROTO_TCP)
		bits |= SIPALG_RUNG_TCP;
	return bits;
}

void sipalg_ladder_note(const struct sipalg_flow *flow,
			const struct sip_msg *msg,
			const struct sipalg_plan *plan, bool dropped)
{
	struct sipalg_ladder *ladder = ladder_of(plan->call);

	if (!ladder)
		return;
	ladder->rung[plan->call->rungs++ % SIPALG_LADDER_RUNGS] = (struct sipalg_rung){
		.time = jiffies_to_msecs(sipalg_since(plan->call->created)),
		.cseq = msg->cseq,
		.edits = plan->edit_count,
		.status = msg->status,
		.method = msg->method,
		.reason = plan->reason,
		.bits = bits_of(flow, msg, plan, dropped),
	};
}

void sipalg_ladder_free(struct sipalg_call *call)
{
	if (call->ladder)
		atomic_long_sub(sizeof(*call->ladder), &call->sn->memory);
	kfree(call->ladder);
}
