/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints, sipalg:* below /sys/kernel/tracing/events: what was done
 * with each message and why a call ended. They contain addresses, as netlink
 * does, but never the content of messages. While tracing is off each is a jump
 * that is not taken.
 *
 * Names are copied: a trace can outlive the module, and programs that read it
 * cannot follow a pointer. No __string(), whose helpers changed in 6.10.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM sipalg

#if !defined(SIPALG_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define SIPALG_TRACE_H

#include <linux/in6.h>
#include <linux/tracepoint.h>
#include "core/call.h"
#include "core/flow.h"
#include "sip/edit.h"
#include "sip/msg.h"

#define SIPALG_TRACE_WORD	24	/* the longest method or reason, and NUL */

/* A socket's address for %pISpc. */
void sipalg_trace_address(u8 *to, u8 family, const struct sipalg_addr *addr);

/* Inode number of a namespace, as ip netns and lsns show it. */
u32 sipalg_trace_netns(const struct sipalg_net *sn);

/* "ok", or why a message could not be read. */
const char *sipalg_trace_result(enum sip_result result);

/* A method, or "unknown"; of a response that of its CSeq. */
const char *sipalg_trace_method(const struct sip_msg *msg,
				enum sip_result result);

TRACE_EVENT(sipalg_parse,
	    TP_PROTO(const struct sipalg_flow *flow, const struct sip_msg *msg,
		     u32 len, enum sip_result result),
	TP_ARGS(flow, msg, len, result),
	TP_STRUCT__entry(
		__field(u32, netns)
		__field(u32, len)
		__field(u32, cseq)
		__field(u16, status)
		__field(bool, tcp)
		__array(char, result, SIPALG_TRACE_WORD)
		__array(char, method, SIPALG_TRACE_WORD)
		__array(u8, src, sizeof(struct sockaddr_in6))
		__array(u8, dst, sizeof(struct sockaddr_in6))
	),
	TP_fast_assign(
		bool known = result == SIP_OK;

		__entry->netns = sipalg_trace_netns(flow->sn);
		__entry->len = len;
		__entry->cseq = known ? msg->cseq : 0;
		__entry->status = known && !msg->request ? msg->status : 0;
		__entry->tcp = flow->l4proto == IPPROTO_TCP;
		strscpy(__entry->result, sipalg_trace_result(result),
			SIPALG_TRACE_WORD);
		strscpy(__entry->method, sipalg_trace_method(msg, result),
			SIPALG_TRACE_WORD);
		sipalg_trace_address(__entry->src, flow->family, &flow->src);
		sipalg_trace_address(__entry->dst, flow->family,
				     &flow->dst_private);
	),
	TP_printk("netns=%u %s %pISpc -> %pISpc len=%u result=%s method=%s status=%u cseq=%u",
		  __entry->netns, __entry->tcp ? "tcp" : "udp", __entry->src,
		  __entry->dst, __entry->len, __entry->result,
		  __entry->method, __entry->status, __entry->cseq)
);

TRACE_EVENT(sipalg_plan,
	    TP_PROTO(const struct sipalg_flow *flow,
		     const struct sipalg_plan *plan),
	TP_ARGS(flow, plan),
	TP_STRUCT__entry(
		__field(u32, netns)
		__field(u32, call)
		__field(u16, edits)
		__field(bool, drop)
		__field(bool, pinholes)
		__field(bool, retransmitted)
		__array(char, reason, SIPALG_TRACE_WORD)
	),
	TP_fast_assign(
		__entry->netns = sipalg_trace_netns(flow->sn);
		__entry->call = plan->call ? plan->call->id : 0;
		__entry->edits = plan->edit_count;
		__entry->drop = plan->verdict == SIPALG_VERDICT_DROP;
		__entry->pinholes = plan->pinholes;
		__entry->retransmitted = plan->retransmitted;
		strscpy(__entry->reason, sipalg_reason_name(plan->reason),
			SIPALG_TRACE_WORD);
	),
	TP_printk("netns=%u call=%u %s edits=%u pinholes=%u retransmitted=%u reason=%s",
		  __entry->netns, __entry->call,
		  __entry->drop ? "drop" : "pass", __entry->edits,
		  __entry->pinholes, __entry->retransmitted, __entry->reason)
);

TRACE_EVENT(sipalg_drop,
	    TP_PROTO(const struct sipalg_flow *flow,
		     enum sipalg_message_reason reason),
	TP_ARGS(flow, reason),
	TP_STRUCT__entry(
		__field(u32, netns)
		__field(bool, tcp)
		__array(char, reason, SIPALG_TRACE_WORD)
		__array(u8, src, sizeof(struct sockaddr_in6))
		__array(u8, dst, sizeof(struct sockaddr_in6))
	),
	TP_fast_assign(
		__entry->netns = sipalg_trace_netns(flow->sn);
		__entry->tcp = flow->l4proto == IPPROTO_TCP;
		strscpy(__entry->reason, sipalg_reason_name(reason),
			SIPALG_TRACE_WORD);
		sipalg_trace_address(__entry->src, flow->family, &flow->src);
		sipalg_trace_address(__entry->dst, flow->family,
				     &flow->dst_private);
	),
	TP_printk("netns=%u %s %pISpc -> %pISpc reason=%s", __entry->netns,
		  __entry->tcp ? "tcp" : "udp", __entry->src, __entry->dst,
		  __entry->reason)
);

TRACE_EVENT(sipalg_call_end,
	    TP_PROTO(const struct sipalg_call *call),
	TP_ARGS(call),
	TP_STRUCT__entry(
		__field(u32, netns)
		__field(u32, call)
		__field(u32, age)
		__array(char, reason, SIPALG_TRACE_WORD)
	),
	TP_fast_assign(
		__entry->netns = sipalg_trace_netns(call->sn);
		__entry->call = call->id;
		__entry->age = sipalg_since(call->created) / HZ;
		strscpy(__entry->reason, sipalg_end_name(call->reason),
			SIPALG_TRACE_WORD);
	),
	TP_printk("netns=%u call=%u age=%u reason=%s", __entry->netns,
		  __entry->call, __entry->age, __entry->reason)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH core
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE sipalg_trace
#include <trace/define_trace.h>
