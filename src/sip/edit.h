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
#define SIPALG_MAX_STREAMS	(2 * SIP_MAX_MEDIA)	/* RTCP may have a host of its own */
#define SIPALG_MAX_PORTS	(2 * SIPALG_MAX_STREAMS)

enum { SIPALG_EDITED_PORT = 1u << SIP_FIELD_MAX };

struct sipalg_addr;
struct sipalg_call;
struct sipalg_description;
struct sipalg_dialog;
struct sipalg_intents;

/**
 * struct sipalg_edit - one replacement
 * @at: the bytes to be replaced
 * @text: offset of the replacement in &sipalg_plan.text; SIPALG_PLAN_TEXT and more:
 *	an entry of &sipalg_plan.ports, which sipalg_plan_finish() writes
 * @text_len: its length in bytes
 */
struct sipalg_edit {
	struct sip_span at;
	u16 text;
	u16 text_len;
};

/**
 * struct sipalg_plan_port - a port of a stream that a message gives away
 * @old: what stands there, host byte order
 * @new: what it becomes
 */
struct sipalg_plan_port {
	u16 old;
	u16 new;
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
 * @port_count: entries of @ports in use
 * @call: the call of the message: locked and referenced from decide until
 *	sipalg_decide_done(); NULL: none
 * @former: a call that is over, locked and referenced: apply ends it, since @call
 *	takes its place; NULL: none
 * @dialog: the message's dialog in @call, or NULL
 * @intents: what it means to mappings, see nat/intent.h; its maker's
 * @description: what its description means to @call, see media/description.h; its
 *	maker's
 * @prepared: @call is new and nobody else's yet: apply puts it into the table
 * @created: apply has done so
 * @shows: it is dropped for what it describes: if it begins @call people see in that
 *	why nobody is called
 * @opens_dialog: apply opens @dialog, which is NULL before
 * @changes_tag: the caller's tag is another one from now on
 * @proves: it accepts, or refuses, a claim: sipalg_call_prove() comes first, and
 *	the message is decided on again
 * @claims: it is a claim: apply notes it
 * @picks_up: it is within a dialog of which nothing was known
 * @up: @call was answered before
 * @stale: what it describes was decided long ago
 * @act: enum sipalg_act: what @call makes of it
 * @described: the session description was processed
 * @describes: @description is new to @call: apply makes its streams
 * @pinholes: @call's media changed: apply updates its pinholes
 * @repairs: apply opens those that somebody has flushed, if it is followed
 * @names_parties: apply opens pinholes for signalling as its headers say, if it is
 *	followed
 * @taken_in: @call has had the message
 * @followed: it is of @call's parties, and @call uses its flow
 * @side: enum sipalg_side of the sender then
 * @fork: dialog of the sender then, 0 for the caller
 * @callee_tag: the callee's tag then
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
 * @ports: of streams; apply sets those that are only to be had
 * @edits: in the order of the message once sipalg_plan_finish() has run
 * @text: text of the edits
 */
struct sipalg_plan {
	/* until @edits: 0 in a plan that passes a message unchanged */
	u8 verdict;
	u8 reason;
	bool unseen;
	bool retransmitted;
	bool overflow;
	bool prepared;
	bool created;
	bool shows;
	bool opens_dialog;
	bool changes_tag;
	bool proves;
	bool claims;
	bool picks_up;
	bool up;
	bool stale;
	u8 act;
	bool described;
	bool describes;
	bool pinholes;
	bool repairs;
	bool names_parties;
	bool taken_in;
	bool followed;
	u8 side;
	u16 fork;
	struct sip_span callee_tag;
	u16 edit_count;
	u16 text_used;
	u16 port_count;
	u16 sent_by;
	u16 named_len;
	u8 tells;
	u32 edited;
	struct sipalg_call *call;
	struct sipalg_call *former;
	struct sipalg_dialog *dialog;
	const struct sipalg_outer *outer;
	unsigned long keep;

	struct sipalg_edit edits[SIPALG_MAX_EDITS];
	struct sipalg_plan_port ports[SIPALG_MAX_PORTS];
	struct sipalg_nat64_reader reader;
	union nf_inet_addr named;
	u8 named_family;
	u16 named_text;
	struct sipalg_intents *intents;
	struct sipalg_description *description;
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
 * sipalg_plan_new_port() - a port of a stream, for edits that give it away
 * @plan: the plan
 * @old: the port that the message has, host byte order
 * @new: what it becomes; any: &sipalg_plan.ports is set before
 *	sipalg_plan_finish()
 *
 * Return: its place in &sipalg_plan.ports.
 */
u16 sipalg_plan_new_port(struct sipalg_plan *plan, u16 old, u16 new);

/**
 * sipalg_plan_port() - replace a port of a stream, unless it stays
 * @plan: the plan
 * @digits: its digits, in the session description
 * @port: of sipalg_plan_new_port()
 */
void sipalg_plan_port(struct sipalg_plan *plan, struct sip_span digits, u16 port);

/**
 * sipalg_plan_sort() - bring the edits so far into the order of the message
 * @plan: the plan
 */
void sipalg_plan_sort(struct sipalg_plan *plan);

/**
 * sipalg_plan_finish() - write the ports, sort the edits, correct Content-Length
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
