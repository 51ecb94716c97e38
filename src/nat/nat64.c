// SPDX-License-Identifier: GPL-2.0-only
/* RFC 6052 addresses in messages: which of them cross, and into what. */
#include <linux/inet.h>
#include <linux/slab.h>
#include "core/addr_scope.h"
#include "core/call.h"
#include "core/net.h"
#include "nat/intent.h"
#include "nat/mapping.h"
#include "nat/nat64.h"
#include "sip/names.h"

/* An address as a message has it. */
struct literal {
	u8 form;
	union nf_inet_addr addr;
};

/* The sender of a message: its own literals, by which it may write itself. */
struct sender {
	const struct sipalg_flow *flow;
	const struct sipalg_nat64 *nat64;
	struct literal own[2];
	unsigned int own_count;
};

/* What is counted once a message. */
struct left_alone {
	bool outside;
	bool router;
	bool loop;
};

static const struct sipalg_nat64 *phone_at(const struct sipalg_flow *flow,
					   const union nf_inet_addr *ip)
{
	const struct sipalg_nat64 *nat64 = rcu_dereference(flow->sn->nat64);

	return flow->family == AF_INET && sipalg_nat64_in_pool(nat64, ip) ?
		       nat64 : NULL;
}

bool sipalg_nat64_is_phone(const struct sipalg_flow *flow)
{
	return phone_at(flow, &flow->src.ip);
}

bool sipalg_nat64_is_neighbour(const struct sipalg_flow *flow,
			       const union nf_inet_addr *ip)
{
	return phone_at(flow, &flow->dst_private.ip) && phone_at(flow, ip);
}

static bool is_literal(const struct sip_host *host)
{
	return host->form == SIP_HOST_IP4 || host->form == SIP_HOST_IP6;
}

static void count_left_alone(struct sipalg_net *sn,
			     const struct left_alone *left)
{
	if (left->outside)
		sipalg_count(sn, passed_unchanged[SIPALG_REASON_NAT64_OUTSIDE]);
	if (left->router)
		sipalg_count(sn, passed_unchanged[SIPALG_REASON_NAT64_ROUTER]);
	if (left->loop)
		sipalg_count(sn, passed_unchanged[SIPALG_REASON_NAT64_LOOP]);
}

/* How a phone writes itself, as it has been noted; returns its length. */
static unsigned int own_text(struct sipalg_mapping *mapping,
			     char text[SIPALG_LITERAL_TEXT])
{
	unsigned int len;

	BUILD_BUG_ON(SIPALG_MAPPING_TEXT > SIPALG_LITERAL_TEXT);
	spin_lock_bh(&mapping->lock);
	len = mapping->text_len;
	memcpy(text, mapping->text, len);
	spin_unlock_bh(&mapping->lock);
	return len;
}

static bool text_read(const char *text, unsigned int len,
		      struct literal *literal)
{
	literal->addr = (union nf_inet_addr){};
	literal->form = SIP_HOST_IP4;
	if (len > 2 && *text == '[') {
		literal->form = SIP_HOST_IP6;
		return in6_pton(text + 1, len - 2, (u8 *)&literal->addr, -1,
				NULL);
	}
	return len && in4_pton(text, len, (u8 *)&literal->addr, -1, NULL);
}

/* The one at which it is known here, or the one that its Contact names. */
static struct sipalg_mapping *
mapping_of(const struct sipalg_flow *flow, const struct sipalg_addr *public,
	   const struct sipalg_addr *private)
{
	return sipalg_mapping_find(flow, public, &private->ip) ?:
		       sipalg_mapping_find_inside(flow, private, &public->ip);
}

static const struct sip_host *topmost_via(const struct sip_msg *msg)
{
	unsigned int i;

	for (i = 0; i < msg->host_count; i++)
		if (msg->hosts[i].field == SIP_FIELD_VIA)
			return &msg->hosts[i];
	return NULL;
}

static const struct sip_host *first_contact(const struct sip_msg *msg)
{
	if (!msg->contact_count || msg->contacts[0].host == SIP_NO_INDEX)
		return NULL;
	return &msg->hosts[msg->contacts[0].host];
}

/*
 * Where the sender writes itself: a Via is always its own, a Contact where
 * there is no better. A public address it has from STUN (H-13).
 */
static const struct sip_host *self_of(const struct sender *s,
				      const struct sip_msg *msg)
{
	const struct sip_host *host = msg->request ? topmost_via(msg) : NULL;

	if (!host || !is_literal(host)) {
		if (s->own_count)
			return NULL;
		host = first_contact(msg);
	}
	if (!host || !is_literal(host) ||
	    sipalg_ip_equal(&host->addr, &s->flow->src_public.ip) ||
	    !sipalg_is_unicast(host->form == SIP_HOST_IP4 ? AF_INET : AF_INET6,
			       &host->addr))
		return NULL;
	return host;
}

static void find_own(struct sender *s, const struct sip_msg *msg)
{
	struct sipalg_mapping *mapping = mapping_of(s->flow,
						    &s->flow->src_public,
						    &s->flow->src);
	char text[SIPALG_LITERAL_TEXT];
	const struct sip_host *host;

	if (mapping && text_read(text, own_text(mapping, text), &s->own[0]))
		s->own_count = 1;
	host = self_of(s, msg);
	if (host)
		s->own[s->own_count++] = (struct literal){ host->form,
							   host->addr };
}

static bool is_own(const struct sender *s, const struct sip_host *host)
{
	unsigned int i;

	for (i = 0; i < s->own_count; i++)
		if (s->own[i].form == host->form &&
		    sipalg_ip_equal(&s->own[i].addr, &host->addr))
			return true;
	return false;
}

static bool is_of_description(const struct sip_host *host)
{
	return host->field >= SIP_FIELD_SDP_ORIGIN;
}

/* In an answer From and To are what the other party has written. */
static bool is_echo(const struct sip_msg *msg, const struct sip_host *host)
{
	return !msg->request && (host->field == SIP_FIELD_FROM ||
				 host->field == SIP_FIELD_TO);
}

/* The IPv4 address that a literal of the prefix stands for, if it is one. */
static bool stands_for(const struct sender *s, const struct sip_msg *msg,
		       const struct sip_host *host, union nf_inet_addr *ip,
		       struct left_alone *left)
{
	if (host->form != SIP_HOST_IP6 || is_echo(msg, host))
		return false;
	if (!sipalg_nat64_extract(s->nat64, &host->addr, ip)) {
		left->outside |= host->field == SIP_FIELD_SDP_CONNECTION &&
				 sipalg_is_unicast(AF_INET6, &host->addr);
		return false;
	}
	if (!sipalg_is_unicast(AF_INET, ip))
		return false;
	if (!is_of_description(host) ||
	    !sipalg_is_local(s->flow, AF_INET, ip))
		return true;
	left->router = true;	/* media to the router is nobody's */
	return false;
}

static void read_as(struct sip_host *host, const union nf_inet_addr *ip)
{
	if (host->form == SIP_HOST_IP4 && sipalg_ip_equal(&host->addr, ip))
		return;
	host->written = host->form;
	host->form = SIP_HOST_IP4;
	host->addr = *ip;
}

void sipalg_nat64_read(const struct sipalg_flow *flow, struct sip_msg *msg)
{
	struct sender s = { .flow = flow };
	struct left_alone left = {};
	union nf_inet_addr ip;
	unsigned int i;

	s.nat64 = phone_at(flow, &flow->src.ip);
	if (!s.nat64)
		return;
	find_own(&s, msg);
	for (i = 0; i < msg->host_count; i++) {
		struct sip_host *host = &msg->hosts[i];

		if (host->field == SIP_FIELD_SDP_CANDIDATE || !is_literal(host))
			continue;
		if (is_own(&s, host))
			read_as(host, &flow->src.ip);
		else if (stands_for(&s, msg, host, &ip, &left))
			read_as(host, &ip);
	}
	count_left_alone(flow->sn, &left);
}

void sipalg_nat64_begin(const struct sipalg_flow *flow,
			struct sipalg_plan *plan)
{
	const struct sipalg_nat64 *nat64 = phone_at(flow, &flow->dst_private.ip);
	struct sipalg_nat64_reader *reader = &plan->reader;
	struct sipalg_mapping *mapping;
	struct literal literal;
	unsigned int len;

	if (!nat64 || sipalg_setting(flow->sn, SIPALG_MODE) != SIPALG_MODE_FULL)
		return;
	mapping = mapping_of(flow, &flow->dst, &flow->dst_private);
	if (!mapping && plan->call && plan->call->mapping &&
	    sipalg_ip_equal(&plan->call->mapping->private.addr.ip,
			    &flow->dst_private.ip))
		mapping = plan->call->mapping;
	if (!mapping)
		return;
	len = own_text(mapping, reader->text);
	if (!text_read(reader->text, len, &literal) ||
	    (literal.form == SIP_HOST_IP4 &&
	     sipalg_ip_equal(&literal.addr, &flow->dst_private.ip)))
		return;
	reader->nat64 = *nat64;
	reader->self = flow->dst_private.ip;
	reader->ip6 = literal.form == SIP_HOST_IP6;
	reader->text_len = len;
}

unsigned int sipalg_nat64_written(const struct sipalg_call *call,
				  unsigned int side,
				  char text[SIPALG_LITERAL_TEXT + 1])
{
	struct sipalg_mapping *mapping = call->mapping;
	const union nf_inet_addr *ip = &call->party[side].ip;
	const struct sipalg_nat64 *nat64;
	struct literal literal;
	unsigned int len = 0;

	rcu_read_lock();
	nat64 = rcu_dereference(call->sn->nat64);
	if (mapping && call->family == AF_INET && nat64 &&
	    sipalg_nat64_in_pool(nat64, ip) &&
	    sipalg_ip_equal(&mapping->private.addr.ip, ip))
		len = own_text(mapping, text);
	rcu_read_unlock();
	if (!text_read(text, len, &literal) ||
	    (literal.form == SIP_HOST_IP4 && sipalg_ip_equal(&literal.addr, ip)))
		return 0;
	text[len] = '\0';
	return len;
}

/* Fields where a phone looks for addresses to send to, or gives them back. */
#define CROSSING_INWARD		SIP_FIELDS_WITH(SIP_CROSSES)

static bool crosses_inward(const struct sip_host *host)
{
	return host->form == SIP_HOST_IP4 &&
	       (CROSSING_INWARD & 1u << host->field || host->written) &&
	       sipalg_is_unicast(AF_INET, &host->addr);
}

/* From and To of an answer, as the phone has written them in its question. */
static bool respell(const struct sipalg_flow *flow, const struct sip_msg *msg,
		    const struct sip_host *host, struct sipalg_plan *plan)
{
	struct sipalg_mapping *mapping;
	struct sipalg_spelling spelling;
	unsigned int i;

	if (!is_echo(msg, host) || host->form != SIP_HOST_IP4)
		return false;
	mapping = mapping_of(flow, &flow->dst, &flow->dst_private);
	for (i = 0; mapping && i < SIPALG_SPELLINGS; i++) {
		spin_lock_bh(&mapping->lock);
		spelling = mapping->spelling[i];
		spin_unlock_bh(&mapping->lock);
		if (!spelling.text_len || spelling.ip != host->addr.ip)
			continue;
		sipalg_plan_host_text(plan, host, spelling.text,
				      spelling.text_len, host->port);
		return true;
	}
	return false;
}

static void write_inward(const struct sipalg_flow *flow,
			 const struct sip_msg *msg, const struct sip_host *host,
			 struct sipalg_plan *plan)
{
	const union nf_inet_addr *ip = &host->addr;

	if (respell(flow, msg, host, plan) || !crosses_inward(host))
		return;
	if (host->field == SIP_FIELD_URI_MADDR && sipalg_flow_to_inside(flow) &&
	    sipalg_ip_equal(ip, &flow->dst.ip))
		ip = &flow->dst_private.ip;
	sipalg_plan_host(plan, host, AF_INET, ip, host->port);
}

void sipalg_nat64_spell(struct sipalg_mapping *mapping,
			const struct sip_msg *msg, const struct sip_host *host)
{
	struct sipalg_spelling *spelling =
		&mapping->spelling[host->field == SIP_FIELD_TO];

	if (host->host.len > SIPALG_MAPPING_TEXT)
		return;
	spelling->ip = host->addr.ip;
	spelling->text_len = host->host.len;
	memcpy(spelling->text, sip_span_ptr(msg, host->host), host->host.len);
}

static void write_outward(const struct sipalg_flow *flow,
			  const struct sip_msg *msg,
			  const struct sip_host *host,
			  struct sipalg_plan *plan,
			  struct sipalg_bound *bound, struct left_alone *left)
{
	const struct sipalg_nat64 *nat64 = phone_at(flow, &flow->src.ip);
	bool hidden = sipalg_flow_from_inside(flow);

	if (!host->written)
		return;
	/* what a rule of header_nat.c leaves of the phone itself stays */
	if (hidden && sipalg_ip_equal(&host->addr, &flow->src.ip))
		return;
	if (hidden && sipalg_nat64_in_pool(nat64, &host->addr)) {
		left->loop = true;
		return;
	}
	if (bound && (host->field == SIP_FIELD_FROM ||
		      host->field == SIP_FIELD_TO))
		sipalg_intend(plan->intents, msg, host, bound,
			      SIPALG_INTENT_SPELL);
	sipalg_plan_host(plan, host, AF_INET, &host->addr, host->port);
}

/*
 * Where nothing is translated nobody else notes how the phone writes itself:
 * for as long as its call, or a transaction.
 */
static struct sipalg_bound *note_plain(const struct sipalg_flow *flow,
				       const struct sip_msg *msg,
				       struct sipalg_plan *plan)
{
	const struct sip_host *host = topmost_via(msg);
	struct sipalg_bound *bound;

	if (!msg->request || !host ||
	    !sipalg_ip_equal(&host->addr, &flow->src.ip))
		host = first_contact(msg);
	if (!host || !sipalg_ip_equal(&host->addr, &flow->src.ip))
		return NULL;
	bound = sipalg_bound_make(plan->intents, flow, &flow->src,
				  &flow->src_public);
	sipalg_intend(plan->intents, msg, host, bound,
		      SIPALG_INTENT_NOTE | SIPALG_INTENT_USE);
	return bound;
}

static struct sipalg_bound *mapping_of_sender(const struct sipalg_flow *flow,
					      const struct sip_msg *msg,
					      struct sipalg_plan *plan)
{
	if (!sipalg_flow_from_inside(flow) && !sipalg_flow_to_inside(flow))
		return note_plain(flow, msg, plan);
	return sipalg_bound_find(plan->intents, flow, &flow->src_public,
				 &flow->src.ip);
}

/* A phone that is called, and has not yet said anything in the call. */
static void note_reader(const struct sipalg_flow *flow,
			const struct sip_msg *msg, struct sipalg_plan *plan)
{
	struct sipalg_mapping *mapping;

	if (!plan->call || plan->call->mapping)
		return;
	mapping = mapping_of(flow, &flow->dst, &flow->dst_private);
	if (mapping)
		sipalg_intend(plan->intents, msg, msg->hosts,
			      sipalg_bound_of(plan->intents, mapping),
			      SIPALG_INTENT_USE);
}

/* Has a rule written this host already? @edit: the first not before it */
static bool is_written(const struct sipalg_plan *plan,
		       const struct sip_host *host, unsigned int edits,
		       unsigned int *edit)
{
	u32 end = host->host.off + host->host.len;

	while (*edit < edits && plan->edits[*edit].at.off < host->host.off)
		(*edit)++;
	return *edit < edits && plan->edits[*edit].at.off < end;
}

void sipalg_nat64_finish(const struct sipalg_flow *flow,
			 const struct sip_msg *msg, struct sipalg_plan *plan)
{
	bool inward = plan->reader.text_len;
	struct sipalg_bound *bound = NULL;
	struct left_alone left = {};
	unsigned int i, edits, edit = 0;

	if (sipalg_nat64_is_phone(flow))
		bound = mapping_of_sender(flow, msg, plan);
	else if (inward)
		note_reader(flow, msg, plan);
	else
		return;
	sipalg_plan_sort(plan);
	edits = plan->edit_count;
	for (i = 0; i < msg->host_count; i++) {
		const struct sip_host *host = &msg->hosts[i];

		if (is_written(plan, host, edits, &edit))
			continue;
		if (inward)
			write_inward(flow, msg, host, plan);
		else
			write_outward(flow, msg, host, plan, bound, &left);
	}
	count_left_alone(flow->sn, &left);
}
