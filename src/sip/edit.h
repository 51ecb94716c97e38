/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The plan of a message: made by decide, carried out by apply.
 *
 * Edits are spans of the message with the text that replaces them. The plan
 * knows nothing of skbs and compiles in user space.
 */
#ifndef SIPALG_EDIT_H
#define SIPALG_EDIT_H

#include "sip/msg.h"
#include "sip/nat64.h"
#include "sip/outer.h"

#define SIPALG_MAX_EDITS	(2 * SIP_MAX_HOSTS + 3 * SIP_MAX_MEDIA + 1)
#define SIPALG_PLAN_TEXT	24576u	/* room for the text of all edits */

enum { SIPALG_EDITED_PORT = 1u << SIP_FIELD_MAX };

struct sipalg_addr;
struct sipalg_call;
struct sipalg_intents;

/**
 * struct sipalg_edit - one replacement
 * @at: the bytes to be replaced
 * @text: offset of the replacement in &sipalg_plan.text
 * @text_len: its length in bytes
 */
struct sipalg_edit {
	struct sip_span at;
	u16 text;
	u16 text_len;
};

/* What a message tells of its sender, for as long as it has asked for. */
enum sipalg_lesson {
	SIPALG_TELLS_NOTHING,
	SIPALG_TELLS_REGISTER,	/* where a phone wants to be called */
	SIPALG_TELLS_REGISTERED,	/* the registrar has agreed */
	SIPALG_TELLS_SUBSCRIBE,	/* where NOTIFYs come to */
	SIPALG_TELLS_SUBSCRIBED,	/* and that they will */
};

enum sipalg_verdict {
	SIPALG_VERDICT_PASS,	/* after the edits, if there are any */
	SIPALG_VERDICT_DROP,	/* whole; &sipalg_plan.reason says why */
};

/**
 * struct sipalg_plan - what is done with a message
 * @verdict: enum sipalg_verdict
 * @reason: enum sipalg_message_reason: why dropped, or why passed unchanged
 * @unseen: a request within a dialog that is not known here
 * @retransmitted: the message is a retransmission
 * @overflow: there was no room for an edit: the plan must not be applied
 * @edit_count: edits in use
 * @text_used: bytes of @text in use
 * @call: the call of the message: locked and referenced from decide until
 *	sipalg_decide_done(); NULL: none
 * @intents: what it means to mappings, see nat/intent.h; its maker's
 * @described: the session description was processed
 * @pinholes: @call's media changed: apply updates its pinholes
 * @repairs: apply opens those that somebody has flushed
 * @names_parties: apply opens pinholes for signalling as its headers say
 * @created: the message began @call
 * @new_media: it describes a stream that @call had not
 * @followed: the call processed it, and uses the message's flow
 * @side: enum sipalg_side of the sender then
 * @fork: dialog of the sender then, 0 for the caller
 * @tells: enum sipalg_lesson: noted if it leaves
 * @keep: lifetime of the signalling flow after its last packet, in jiffies;
 *	0: conntrack's own timeout (S3-4, H-11)
 * @sent_by: UDP port of the receiver for this response, host byte order;
 *	0: the port it is sent to
 * @reader: how the receiver writes addresses, if it is behind a NAT64
 * @outer: public-address, if the message leaves for the outside; else NULL
 * @edited: bits of enum sip_field: in which of them hosts or ports change;
 *	SIPALG_EDITED_PORT: a port of a stream does
 * @named: the address that was last written as text
 * @named_family: its family
 * @named_text: its offset in @text, with brackets if it is IPv6
 * @named_len: its length, 0: none yet
 * @edits: in the order of the message once sipalg_plan_finish() has run
 * @text: text of the edits
 */
struct sipalg_plan {
	u8 verdict;
	u8 reason;
	bool unseen;
	bool retransmitted;
	bool overflow;
	u16 edit_count;
	u16 text_used;
	struct sipalg_call *call;
	struct sipalg_intents *intents;
	bool described;
	bool pinholes;
	bool repairs;
	bool names_parties;
	bool created;
	bool new_media;
	bool followed;
	u8 side;
	u16 fork;
	u8 tells;
	unsigned long keep;
	u16 sent_by;
	struct sipalg_nat64_reader reader;
	const struct sipalg_outer *outer;
	u32 edited;
	union nf_inet_addr named;
	u8 named_family;
	u16 named_text;
	u16 named_len;
	struct sipalg_edit edits[SIPALG_MAX_EDITS];
	char text[SIPALG_PLAN_TEXT];
};

/**
 * sipalg_plan_init() - initialise a plan: pass unchanged
 * @plan: filled
 */
void sipalg_plan_init(struct sipalg_plan *plan);

/**
 * sipalg_plan_replace() - plan one replacement
 * @plan: the plan
 * @at: bytes to be replaced; an empty span inserts @text before @at.off
 * @text: the replacement, copied
 * @len: its length in bytes
 */
void sipalg_plan_replace(struct sipalg_plan *plan, struct sip_span at,
			 const char *text, unsigned int len);

/**
 * sipalg_plan_host() - replace a host and its port by an address
 * @plan: the plan
 * @host: the host as it stands in the message
 * @family: AF_INET or AF_INET6 of @ip
 * @ip: the new address, network byte order
 * @port: the new port, host byte order; 0: no port is written
 *
 * The address is written as the receiver knows it, see &sipalg_plan.reader and
 * &sipalg_plan.outer.
 * Brackets around an IPv6 address are kept; if the family changes, brackets and
 * the address type of SDP change too. Unchanged parts are not touched.
 */
void sipalg_plan_host(struct sipalg_plan *plan, const struct sip_host *host,
		      u8 family, const union nf_inet_addr *ip, u16 port);

/**
 * sipalg_plan_host_text() - replace a host by text
 * @plan: the plan
 * @host: the host as it stands in the message
 * @text: the new host, brackets included
 * @len: its length in bytes
 * @port: host byte order; 0: none shall be written
 */
void sipalg_plan_host_text(struct sipalg_plan *plan,
			   const struct sip_host *host, const char *text,
			   unsigned int len, u16 port);

/**
 * sipalg_plan_number() - replace a number
 * @plan: the plan
 * @digits: its digits
 * @value: the new number
 */
void sipalg_plan_number(struct sipalg_plan *plan, struct sip_span digits,
			u32 value);

/**
 * sipalg_plan_host_port() - put in, change or take out the port that follows a host
 * @plan: the plan
 * @host: the host as it stands in the message
 * @port: the new port, host byte order; 0: no port is written
 */
void sipalg_plan_host_port(struct sipalg_plan *plan, const struct sip_host *host,
			   u16 port);

/**
 * sipalg_plan_port() - replace a port of a stream
 * @plan: the plan
 * @digits: its digits, in the session description
 * @port: the new port, host byte order
 */
void sipalg_plan_port(struct sipalg_plan *plan, struct sip_span digits, u16 port);

/**
 * sipalg_plan_sort() - bring the edits so far into the order of the message
 * @plan: the plan
 */
void sipalg_plan_sort(struct sipalg_plan *plan);

/**
 * sipalg_plan_finish() - sort the edits and correct Content-Length
 * @plan: the plan
 * @msg: the message it is for
 *
 * Content-Length becomes its old value plus the growth of the body; if it is
 * absent it stays absent (H-5).
 *
 * Return: true if the plan can be applied; false if edits overlap or found no
 * room: then the message must pass unchanged.
 */
bool sipalg_plan_finish(struct sipalg_plan *plan, const struct sip_msg *msg);

/**
 * sipalg_plan_render() - write the new bytes, from the first edit to the last
 * @plan: finished, with at least one edit
 * @data: the message
 * @out: buffer
 * @size: its size in bytes
 *
 * Return: bytes written; negative: they do not fit.
 */
int sipalg_plan_render(const struct sipalg_plan *plan, const char *data,
		       char *out, u32 size);

/* The span of the message that sipalg_plan_render() replaces. */
static inline struct sip_span sipalg_plan_span(const struct sipalg_plan *plan)
{
	const struct sipalg_edit *first = &plan->edits[0];
	const struct sipalg_edit *last = &plan->edits[plan->edit_count - 1];

	return (struct sip_span){
		.off = first->at.off,
		.len = last->at.off + last->at.len - first->at.off,
	};
}

#endif
