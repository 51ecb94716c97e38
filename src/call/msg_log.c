// SPDX-License-Identifier: GPL-2.0-only
/* The last messages of a call: a ring, allocated with the first message. */
#include <linux/slab.h>
#include <uapi/linux/sipalg.h>
#include "call/call.h"
#include "call/msg_log.h"
#include "core/net.h"
#include "sip/names.h"

static struct sipalg_msg_log *msg_log_of(struct sipalg_call *call)
{
	if (call->msg_log)
		return call->msg_log;
	/* not zeroed: most calls never fill it, and cold cache lines are expensive */
	call->msg_log = kmalloc(sizeof(*call->msg_log), GFP_ATOMIC);
	if (!call->msg_log)
		return NULL;
	atomic_long_add(sizeof(*call->msg_log), &call->sn->memory);
	return call->msg_log;
}

/* Two parties at one address are distinguished by their ports. */
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
		bits |= SIPALG_MSG_LOG_CALLER;
	if (msg->request)
		bits |= SIPALG_MSG_LOG_REQUEST;
	if (plan->retransmitted)
		bits |= SIPALG_MSG_LOG_RETRANSMITTED;
	if (dropped)
		bits |= SIPALG_MSG_LOG_DROPPED;
	if (flow->l4proto == IPPROTO_TCP)
		bits |= SIPALG_MSG_LOG_TCP;
	return bits;
}

/* The mark of a field in the ladder, see headers.def. */
#define NOT_A_FIELD(X, id, name, compact)
#define FIELD_SHOWN(X, id, name, rules, flags, pinhole, shown)		\
	[SIP_FIELD_##id] = SIPALG_MESSAGE_FIELD_##shown,
#define HEADER_SHOWN(X, id, name, compact, rules, flags, pinhole, shown) \
	[SIP_FIELD_##id] = SIPALG_MESSAGE_FIELD_##shown,

static const u16 shown_field[SIP_FIELD_MAX] = {
	SIP_FIELDS(FIELD_SHOWN, _)
	SIP_HEADERS(NOT_A_FIELD, HEADER_SHOWN, _)
	SDP_FIELDS(FIELD_SHOWN, _)
};

static u16 fields_of(const struct sipalg_plan *plan)
{
	u16 fields = plan->edited & SIPALG_EDITED_PORT ? SIPALG_MESSAGE_FIELD_SDP_MEDIA : 0;
	u32 rest = plan->edited & ~SIPALG_EDITED_PORT;

	if (!plan->edit_count)
		return 0;
	for (; rest; rest &= rest - 1)
		fields |= shown_field[__ffs(rest)];
	return fields;
}

void sipalg_msg_log_note(const struct sipalg_flow *flow,
			 const struct sip_msg *msg,
			 const struct sipalg_plan *plan, bool dropped)
{
	struct sipalg_msg_log *msg_log = msg_log_of(plan->call);
	struct sipalg_msg_log_entry *entry;

	if (!msg_log)
		return;
	entry = &msg_log->entry[plan->call->entries++ % SIPALG_MSG_LOG_ENTRIES];
	*entry = (struct sipalg_msg_log_entry){
		.time = jiffies_to_msecs(sipalg_since(plan->call->created)),
		.cseq = msg->cseq,
		.edits = min_t(u16, plan->edit_count, U8_MAX),
		.fields = fields_of(plan),
		.status = msg->status,
		.method = msg->method,
		.reason = plan->reason,
		.bits = bits_of(flow, msg, plan, dropped),
	};
}

void sipalg_msg_log_free(struct sipalg_call *call)
{
	if (call->msg_log)
		atomic_long_sub(sizeof(*call->msg_log), &call->sn->memory);
	kfree(call->msg_log);
}
