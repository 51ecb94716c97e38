// SPDX-License-Identifier: GPL-2.0-only
/*
 * The edit planner: collects replacements, corrects Content-Length, renders
 * the new bytes in one piece. Bytes in, bytes out; no skb, no conntrack.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/socket.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include "sip/addr.h"
#include "sip/addr_text.h"
#include "sip/edit.h"

void sipalg_plan_init(struct sipalg_plan *plan)
{
	memset(plan, 0, offsetof(struct sipalg_plan, edits));
	plan->reader.text_len = 0;
}

/* @text: offset of the replacement in the plan's text */
static void plan_edit(struct sipalg_plan *plan, struct sip_span at, u16 text,
		      u16 len)
{
	if (plan->edit_count == SIPALG_MAX_EDITS) {
		plan->overflow = true;
		return;
	}
	plan->edits[plan->edit_count++] = (struct sipalg_edit){
		.at = at,
		.text = text,
		.text_len = len,
	};
}

/* Put text into the plan; returns where it stands. */
static u16 plan_text(struct sipalg_plan *plan, const char *text,
		     unsigned int len)
{
	u16 used = plan->text_used;

	if (len > SIPALG_PLAN_TEXT - used) {
		plan->overflow = true;
		return 0;
	}
	memcpy(plan->text + used, text, len);
	plan->text_used += len;
	return used;
}

void sipalg_plan_replace(struct sipalg_plan *plan, struct sip_span at,
			 const char *text, unsigned int len)
{
	plan_edit(plan, at, plan_text(plan, text, len), len);
}

void sipalg_plan_number(struct sipalg_plan *plan, struct sip_span digits,
			u32 value)
{
	char text[SIPALG_NUMBER_TEXT];

	sipalg_plan_replace(plan, digits, text, sipalg_number_text(text, value));
}

u16 sipalg_plan_new_port(struct sipalg_plan *plan, u16 old, u16 new)
{
	if (plan->port_count == SIPALG_MAX_PORTS) {
		plan->overflow = true;
		return 0;
	}
	plan->ports[plan->port_count] = (struct sipalg_plan_port){ old, new };
	return plan->port_count++;
}

void sipalg_plan_port(struct sipalg_plan *plan, struct sip_span digits, u16 port)
{
	plan_edit(plan, digits, SIPALG_PLAN_TEXT + port, 0);
}

static u32 span_end(struct sip_span span)
{
	return span.off + span.len;
}

void sipalg_plan_host_port(struct sipalg_plan *plan, const struct sip_host *host,
			   u16 port)
{
	struct sip_span gap;
	char text[1 + SIPALG_NUMBER_TEXT] = ":";

	if (port == host->port && !!port == !!host->digits.len)
		return;

	plan->edited |= 1u << host->field;
	if (host->digits.len && port) {
		sipalg_plan_number(plan, host->digits, port);
		return;
	}

	gap.off = span_end(host->host);
	gap.len = host->digits.len ? span_end(host->digits) - gap.off : 0;
	sipalg_plan_replace(plan, gap, text,
			    port ? 1 + sipalg_number_text(text + 1, port) : 0);
}

void sipalg_plan_host_text(struct sipalg_plan *plan,
			   const struct sip_host *host, const char *text,
			   unsigned int len, u16 port)
{
	plan->edited |= 1u << host->field;
	sipalg_plan_replace(plan, host->host, text, len);
	sipalg_plan_host_port(plan, host, port);
}

/* A message has one address many times: its text is written once. */
static struct sip_span name_ip(struct sipalg_plan *plan, u8 family,
			       const union nf_inet_addr *ip)
{
	char text[SIPALG_IP_TEXT + 2] = "[";
	unsigned int len;

	if (!plan->named_len || plan->named_family != family ||
	    !sipalg_ip_equal(&plan->named, ip)) {
		plan->named = *ip;
		plan->named_family = family;
		len = 1 + sipalg_ip_text(text + 1, family, ip);
		text[len++] = ']';
		if (family == AF_INET)
			plan->named_text = plan_text(plan, text + 1, len -= 2);
		else
			plan->named_text = plan_text(plan, text, len);
		plan->named_len = len;
	}
	return (struct sip_span){ plan->named_text, plan->named_len };
}

/* RFC 3261 25.1, RFC 8866 9: where an IPv6 address stands without brackets. */
static bool is_bare(const struct sip_host *host)
{
	return host->field == SIP_FIELD_VIA_RECEIVED ||
	       host->field >= SIP_FIELD_SDP_ORIGIN;
}

/* @text: an IPv6 address in brackets, or an IPv4 one */
static void plan_literal(struct sipalg_plan *plan, const struct sip_host *host,
			 u8 form, struct sip_span text)
{
	u8 written = host->written ?: host->form;
	struct sip_span at = host->host;

	plan->edited |= 1u << host->field;
	if (host->bracketed && form == SIP_HOST_IP6) {
		at.off++;
		at.len -= 2;
	}
	if (form == SIP_HOST_IP6 && (host->bracketed || is_bare(host) ||
				     written == SIP_HOST_IP6)) {
		text.off++;
		text.len -= 2;
	}
	plan_edit(plan, at, text.off, text.len);
	if (written == form || !host->type)
		return;
	at.off = host->host.off - host->type;
	at.len = 1;
	sipalg_plan_replace(plan, at, form == SIP_HOST_IP6 ? "6" : "4", 1);
}

/* An IPv4 address as a phone behind a NAT64 knows it. */
static void plan_for_reader(struct sipalg_plan *plan,
			    const struct sip_host *host,
			    const union nf_inet_addr *ip)
{
	const struct sipalg_nat64_reader *reader = &plan->reader;
	u8 form = reader->ip6 ? SIP_HOST_IP6 : SIP_HOST_IP4;
	union nf_inet_addr known = *ip;
	u8 family = AF_INET;
	struct sip_span text;

	if (sipalg_ip_equal(ip, &reader->self)) {
		text.off = plan_text(plan, reader->text, reader->text_len);
		text.len = reader->text_len;
		plan_literal(plan, host, form, text);
		return;
	}
	if (reader->ip6) {
		sipalg_nat64_embed(&reader->nat64, ip, &known);
		family = AF_INET6;
	} else if (!host->written && sipalg_ip_equal(&host->addr, ip)) {
		return;
	}
	plan_literal(plan, host, form, name_ip(plan, family, &known));
}

void sipalg_plan_host(struct sipalg_plan *plan, const struct sip_host *host,
		      u8 family, const union nf_inet_addr *ip, u16 port)
{
	u8 form = family == AF_INET ? SIP_HOST_IP4 : SIP_HOST_IP6;

	if (plan->outer)
		ip = sipalg_outer_external(plan->outer, family, ip);
	if (plan->reader.text_len && family == AF_INET)
		plan_for_reader(plan, host, ip);
	else if (host->written || host->form != form ||
		 !sipalg_ip_equal(&host->addr, ip))
		plan_literal(plan, host, form, name_ip(plan, family, ip));
	sipalg_plan_host_port(plan, host, port);
}

/* Edits come nearly in order, so insertion is linear in practice. */
void sipalg_plan_sort(struct sipalg_plan *plan)
{
	unsigned int i, j;

	for (i = 1; i < plan->edit_count; i++) {
		struct sipalg_edit edit = plan->edits[i];

		for (j = i; j && plan->edits[j - 1].at.off > edit.at.off; j--)
			plan->edits[j] = plan->edits[j - 1];
		plan->edits[j] = edit;
	}
}

static void write_port(struct sipalg_plan *plan, struct sipalg_edit *edit)
{
	u16 port = plan->ports[edit->text - SIPALG_PLAN_TEXT].new;
	char text[SIPALG_NUMBER_TEXT];

	plan->edited |= SIPALG_EDITED_PORT;
	edit->text_len = sipalg_number_text(text, port);
	edit->text = plan_text(plan, text, edit->text_len);
}

/* By now its ports are known. */
static bool port_stays(const struct sipalg_plan *plan,
		       const struct sipalg_edit *edit)
{
	const struct sipalg_plan_port *port =
		&plan->ports[edit->text - SIPALG_PLAN_TEXT];

	return port->new == port->old;
}

static bool edits_equal(const struct sipalg_plan *plan,
			const struct sipalg_edit *a, const struct sipalg_edit *b)
{
	return a->at.off == b->at.off && a->at.len == b->at.len &&
	       a->text_len == b->text_len &&
	       !memcmp(plan->text + a->text, plan->text + b->text, a->text_len);
}

/*
 * One that changes nothing goes, and of those that change the same: several m=
 * sections may want the same change of the c= line they share.
 */
static void drop_needless(struct sipalg_plan *plan)
{
	unsigned int from, to = 0;

	for (from = 0; from < plan->edit_count; from++) {
		struct sipalg_edit *edit = &plan->edits[from];

		if (edit->text >= SIPALG_PLAN_TEXT) {
			if (port_stays(plan, edit))
				continue;
			write_port(plan, edit);
		}
		if (to && edits_equal(plan, &plan->edits[to - 1], edit))
			continue;
		plan->edits[to++] = *edit;
	}
	plan->edit_count = to;
}

static bool edits_overlap(const struct sipalg_plan *plan)
{
	unsigned int i;

	for (i = 1; i < plan->edit_count; i++)
		if (span_end(plan->edits[i - 1].at) > plan->edits[i].at.off)
			return true;
	return false;
}

/* Returns whether that is an edit more. */
static bool correct_content_length(struct sipalg_plan *plan,
				   const struct sip_msg *msg)
{
	int delta = 0;
	unsigned int i;

	for (i = 0; i < plan->edit_count; i++) {
		const struct sipalg_edit *edit = &plan->edits[i];

		if (edit->at.off >= msg->header_len)
			delta += edit->text_len - edit->at.len;
	}

	/* one beyond all messages says nothing of this one, and stays */
	if (!delta || !msg->has_content_length ||
	    msg->content_length_value > SIP_MAX_MESSAGE)
		return false;
	sipalg_plan_number(plan, msg->content_length,
			   msg->content_length_value + delta);
	return true;
}

bool sipalg_plan_finish(struct sipalg_plan *plan, const struct sip_msg *msg)
{
	sipalg_plan_sort(plan);
	drop_needless(plan);
	if (correct_content_length(plan, msg))
		sipalg_plan_sort(plan);
	return !plan->overflow && !edits_overlap(plan);
}

int sipalg_plan_render(const struct sipalg_plan *plan, const char *data,
		       char *out, u32 size)
{
	u32 from = plan->edits[0].at.off, used = 0;
	unsigned int i;

	for (i = 0; i < plan->edit_count; i++) {
		const struct sipalg_edit *edit = &plan->edits[i];
		u32 kept = edit->at.off - from;

		if (kept + edit->text_len > size - used)
			return -EMSGSIZE;
		memcpy(out + used, data + from, kept);
		used += kept;
		memcpy(out + used, plan->text + edit->text, edit->text_len);
		used += edit->text_len;
		from = span_end(edit->at);
	}
	return used;
}
