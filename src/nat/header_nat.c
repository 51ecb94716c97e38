// SPDX-License-Identifier: GPL-2.0-only
/*
 * The header translation table and its rules. Nothing is changed here: what a
 * message needs and means is in its plan, see intent.h.
 */
#include <linux/random.h>
#include "core/addr_scope.h"
#include "core/call.h"
#include "core/net.h"
#include "nat/echo.h"
#include "nat/header_nat.h"
#include "nat/intent.h"
#include "nat/mapping.h"
#include "nat/nat64.h"
#include "nat/occupied.h"
#include "sip/addr_text.h"
#include "sip/names.h"
#include "sip/text.h"

/* The rules of headers.def. */
#define NOT_A_FIELD(X, id, name, compact)
#define FIELD_RULES(X, id, name, rules, ...)				\
	[SIP_FIELD_##id] = rules,
#define HEADER_RULES(X, id, name, compact, rules, ...)			\
	[SIP_FIELD_##id] = rules,

static const u8 table[SIP_FIELD_MAX] = {
	SIP_FIELDS(FIELD_RULES, _)
	SIP_HEADERS(NOT_A_FIELD, HEADER_RULES, _)
	SDP_FIELDS(FIELD_RULES, _)
};

#define REACHABLE_FIELDS	SIP_FIELDS_WITH(SIP_REACHABLE)
#define ECHOED_FIELDS		SIP_FIELDS_WITH(SIP_ECHOED)
#define ROUTE_FIELDS		SIP_FIELDS_WITH(SIP_ROUTE_SET)

/* One message's translation. */
struct translation {
	const struct sipalg_flow *flow;
	const struct sip_msg *msg;
	struct sipalg_plan *plan;
	bool from_inside;
	bool to_inside;
	struct sipalg_intents *intents; /* of @plan */
	struct sipalg_bound *own; /* of the address it is sent from */
};

static struct sipalg_addr host_addr(const struct sip_host *host)
{
	return (struct sipalg_addr){ host->addr, htons(sip_host_port(host)) };
}

/* A public port for a Contact that is not the port the phone sends from. */
static bool choose_public(const struct translation *t,
			  const struct sipalg_flow *flow,
			  const struct sipalg_addr *private,
			  struct sipalg_addr *public)
{
	unsigned int attempts = 64;

	public->ip = flow->src_public.ip;
	public->port = private->port;
	while (sipalg_mapping_at(flow, flow->l4proto, public) ||
	       sipalg_bound_has(t->intents, flow->l4proto, public) ||
	       sipalg_is_occupied(flow, flow->l4proto, public, 1)) {
		if (!attempts--)
			return false;
		public->port = htons(1024 + get_random_u32_below(64512));
	}
	return true;
}

/* A message is translated completely or passes unchanged. */
static void no_port(const struct translation *t)
{
	t->plan->overflow = true;
	t->plan->reason = SIPALG_REASON_NO_MEMORY;
}

/* Most addresses in a message are its sender's. */
static struct sipalg_bound *bind_sender(struct translation *t)
{
	const struct sipalg_flow *flow = t->flow;

	if (!t->own)
		t->own = sipalg_bound_make(t->intents, flow, &flow->src,
					   &flow->src_public);
	return t->own;
}

/* The flow, but by the protocol that a URI names. */
static struct sipalg_flow flow_of_uri(const struct translation *t,
				      const struct sip_host *host)
{
	struct sipalg_flow flow = *t->flow;

	flow.l4proto = sipalg_uri_l4proto(host, flow.l4proto);
	return flow;
}

/* By another protocol than the message came by: nothing is known of its port. */
static struct sipalg_bound *bind_other(const struct translation *t,
				       const struct sip_host *host,
				       const struct sipalg_addr *private)
{
	const struct sipalg_flow flow = flow_of_uri(t, host);
	struct sipalg_bound *bound;
	struct sipalg_addr public;

	bound = sipalg_bound_inside(t->intents, &flow, private);
	if (bound || !sipalg_uri_is_strict(host, t->flow->l4proto))
		return bound;
	if (!choose_public(t, &flow, private, &public))
		return NULL;
	return sipalg_bound_make(t->intents, &flow, private, &public);
}

/*
 * Public address of an inside transport address. A TCP connection is used in both
 * directions (RFC 5923), and so is the port a phone sends from; a UDP phone that
 * listens on another port gets a public port of its own.
 */
static struct sipalg_bound *bind_host(struct translation *t,
				      const struct sip_host *host)
{
	const struct sipalg_flow *flow = t->flow;
	struct sipalg_addr private = host_addr(host), public;
	struct sipalg_bound *bound;

	if (sipalg_uri_l4proto(host, flow->l4proto) != flow->l4proto) {
		bound = bind_other(t, host, &private);
		if (bound || sipalg_uri_is_strict(host, flow->l4proto))
			return bound;
	}
	if (host->field == SIP_FIELD_VIA || private.port == flow->src.port)
		return bind_sender(t);
	if (flow->l4proto == IPPROTO_TCP)
		return sipalg_bound_make(t->intents, flow, &private,
					 &flow->src_public);
	bound = sipalg_bound_inside(t->intents, flow, &private);
	if (bound)
		return bound;
	if (!choose_public(t, flow, &private, &public))
		return NULL;
	return sipalg_bound_make(t->intents, flow, &private, &public);
}

/* The call may need it only until the INVITE is answered. */
static u16 until_answered(const struct translation *t)
{
	return t->msg->method == SIP_METHOD_INVITE && t->msg->status < 200 ?
		       SIPALG_INTENT_ANSWER : 0;
}

/* RFC 3261 12.2.1.2, 3311 5.1: the Contact of an ACK or a BYE changes nothing. */
static bool is_target_refresh(const struct sip_msg *msg,
			      const struct sip_host *host)
{
	return host->field == SIP_FIELD_CONTACT && msg->status < 300 &&
	       sip_method_is(msg, SIP_TARGET_REFRESH);
}

static u16 used_by_call(const struct translation *t, const struct sip_host *host)
{
	return SIPALG_INTENT_USE | until_answered(t) |
	       (is_target_refresh(t->msg, host) ? SIPALG_INTENT_TARGET : 0);
}

/* An absent port means the default port. */
static bool is_default_port(const struct sip_host *host, __be16 port)
{
	return ntohs(port) == sip_default_port(host->secure);
}

static u16 port_to_write(const struct sip_host *host, __be16 port)
{
	return !host->port && is_default_port(host, port) ? 0 : ntohs(port);
}

/* What stands there already needs no edit. */
static void plan_form(const struct translation *t, const struct sip_host *host,
		      const struct sipalg_form *form, u16 port)
{
	if (host->host.len == form->len && host->port == port &&
	    text_exact(sip_span_ptr(t->msg, host->host), form->text, form->len))
		return;
	sipalg_plan_host_text(t->plan, host, form->text, form->len, port);
}

/* H2, R5: of a request the answers give it back; only a registrar a Contact. */
static void note(const struct translation *t, const struct sip_host *host,
		 struct sipalg_bound *bound, u16 more)
{
	const struct sip_msg *msg = t->msg;

	if (msg->request && (host->field != SIP_FIELD_CONTACT ||
			     msg->method == SIP_METHOD_REGISTER))
		more |= SIPALG_INTENT_ECHO;
	sipalg_intend(t->intents, msg, host, bound, SIPALG_INTENT_NOTE | more);
}

static void hide(const struct translation *t, const struct sip_host *host,
		 struct sipalg_bound *bound)
{
	const struct sipalg_addr *public = sipalg_bound_public(bound);

	note(t, host, bound, used_by_call(t, host));
	sipalg_plan_host(t->plan, host, t->flow->family, &public->ip,
			 port_to_write(host, public->port));
}

/* From, To, P-Asserted-Identity: the host alone, a port only if it is ours. */
static void hide_identity(struct translation *t, const struct sip_host *host)
{
	const struct sipalg_flow *flow = t->flow;
	u16 port = host->port;

	if (htons(port) == flow->src.port)
		port = ntohs(flow->src_public.port);
	note(t, host, bind_sender(t), 0);
	sipalg_plan_host(t->plan, host, flow->family, &flow->src_public.ip,
			 port);
}

/*
 * A referred party may be admitted to an inside phone: within a call of which both
 * sides were heard, to an address that is certainly behind this router, under the
 * same conditions as for descriptions (media/section.c).
 */
static bool may_introduce(const struct translation *t,
			  const struct sip_host *host,
			  const struct sipalg_addr *addr)
{
	const struct sipalg_net *sn = t->flow->sn;

	return host->field == SIP_FIELD_REFER_TO && !host->secure &&
	       !sipalg_nat64_is_phone(t->flow) &&
	       t->msg->method == SIP_METHOD_REFER && t->plan->followed &&
	       sipalg_call_both_speak(t->plan->call, t->plan->side) &&
	       sipalg_setting(sn, SIPALG_CONTACT_PINHOLE) &&
	       sipalg_setting(sn, SIPALG_MEDIA_SOURCE) ==
		       SIPALG_MEDIA_SOURCE_ANY &&
	       ntohs(addr->port) >= SIPALG_LOWEST_PORT &&
	       sipalg_is_inside(t->flow, &addr->ip);
}

/* The new call, which keeps it, may take as long as a response. */
static struct sipalg_bound *introduce(const struct translation *t,
				      const struct sip_host *host,
				      const struct sipalg_addr *addr)
{
	const struct sipalg_flow flow =
		sipalg_uri_is_strict(host, t->flow->l4proto) ?
			flow_of_uri(t, host) : *t->flow;
	struct sipalg_bound *bound;
	struct sipalg_addr public;

	if (!may_introduce(t, host, addr) ||
	    !choose_public(t, &flow, addr, &public))
		return NULL;
	bound = sipalg_bound_make(t->intents, &flow, addr, &public);
	sipalg_intend(t->intents, t->msg, host, bound,
		      SIPALG_INTENT_NOTE | SIPALG_INTENT_RING);
	return bound;
}

/*
 * S3-28: a third inside phone that is named has a public address already, or
 * gets one.
 */
static void hide_third_party(const struct translation *t,
			     const struct sip_host *host)
{
	const struct sipalg_flow flow = flow_of_uri(t, host);
	struct sipalg_addr addr = host_addr(host);
	const struct sipalg_addr *public;
	struct sipalg_bound *bound;

	if (host->field != SIP_FIELD_REFER_TO &&
	    host->field != SIP_FIELD_CONTACT)
		return;
	bound = sipalg_bound_inside(t->intents, &flow, &addr);
	if (!bound && !sipalg_uri_is_strict(host, t->flow->l4proto))
		bound = sipalg_bound_inside(t->intents, t->flow, &addr);
	bound = bound ?: introduce(t, host, &addr);
	if (!bound)
		return;
	public = sipalg_bound_public(bound);
	sipalg_plan_host(t->plan, host, t->flow->family, &public->ip,
			 port_to_write(host, public->port));
}

/* The phone has learnt a public address of its and writes that: so it comes back. */
static void note_learnt(const struct translation *t,
			const struct sip_host *host, u8 rule)
{
	const struct sipalg_flow *flow = t->flow;
	struct sipalg_addr addr = host_addr(host);
	struct sipalg_mapping *mapping;

	if (rule & SIP_IDENTITY)
		addr.port = flow->src_public.port;
	if (!sipalg_ip_equal(&addr.ip, &flow->src_public.ip))
		return;
	mapping = sipalg_mapping_find(flow, &addr, &flow->src.ip);
	if (mapping)
		note(t, host, sipalg_bound_of(t->intents, mapping),
		     SIPALG_INTENT_PUBLIC);
}

/* The peer's network uses the receiver's private address as well (R3). */
static bool is_route_to_us(const struct translation *t,
			   const struct sip_host *host)
{
	return t->to_inside && ROUTE_FIELDS & 1u << host->field &&
	       sipalg_ip_equal(&host->addr, &t->flow->dst_private.ip) &&
	       !sipalg_ip_equal(&host->addr, &t->flow->dst.ip);
}

/* R3: a route from outside, whatever address it names, goes back as it came. */
static bool give_back_route(const struct translation *t,
			    const struct sip_host *host)
{
	if (is_route_to_us(t, host))
		return true;
	if (!(ROUTE_FIELDS & 1u << host->field) ||
	    !sipalg_echo_is_foreign(t->flow, t->msg, host))
		return false;
	sipalg_intend(t->intents, t->msg, host, NULL, SIPALG_INTENT_ROUTE);
	return true;
}

/* C4: the To of an answer is the peer's own. */
static bool give_back_to(const struct translation *t,
			 const struct sip_host *host)
{
	struct sipalg_form form;

	if (host->field != SIP_FIELD_TO || t->msg->request ||
	    !sipalg_echo_find(t->flow, t->msg, &t->flow->src.ip, host, &form))
		return false;
	plan_form(t, host, &form, form.port);
	return true;
}

static void outbound(struct translation *t, const struct sip_host *host,
		     u8 rule)
{
	struct sipalg_bound *bound;

	if (!sipalg_ip_equal(&host->addr, &t->flow->src.ip)) {
		note_learnt(t, host, rule);
		hide_third_party(t, host);
		return;
	}
	if (give_back_route(t, host) || give_back_to(t, host))
		return;
	if (rule & SIP_IDENTITY) {
		hide_identity(t, host);
		return;
	}

	bound = bind_host(t, host);
	if (bound)
		hide(t, host, bound);
	else
		no_port(t);
}

/* Put back what the phone wrote; @port as it is to be written. */
static void restore(const struct translation *t, const struct sip_host *host,
		    const struct sipalg_mapping *mapping,
		    const struct sipalg_form *form, u16 port)
{
	if (form->len)
		plan_form(t, host, form, port);
	else
		sipalg_plan_host(t->plan, host, t->flow->family,
				 &mapping->private.addr.ip, port);
}

/*
 * How the receiver wrote it. Returns true if that is known of this very
 * transaction, and not only of what it does as a rule.
 */
static bool find_form(const struct translation *t, const struct sip_host *host,
		      struct sipalg_mapping *mapping, struct sipalg_form *form)
{
	if (!t->msg->request &&
	    sipalg_echo_find(t->flow, t->msg, &t->flow->dst_private.ip, host,
			     form))
		return true;
	sipalg_mapping_form(mapping, host->field, t->msg->request, form);
	return false;
}

/* The topmost Via of a request that the receiver has sent. */
static bool has_public_via(const struct translation *t,
			   struct sipalg_mapping *mapping)
{
	const struct sip_host via = { .field = SIP_FIELD_VIA };
	struct sipalg_form form;

	find_form(t, &via, mapping, &form);
	return form.public;
}

/* received= and rport= tell the phone its own address, or nothing new (H-12). */
static void restore_via_params(const struct translation *t,
			       const struct sip_host *host)
{
	const struct sipalg_flow *flow = t->flow;
	struct sipalg_mapping *mapping =
		sipalg_mapping_find(flow, &flow->dst, &flow->dst_private.ip);

	if (!mapping || host->value ||
	    !(READ_ONCE(mapping->fields) & 1u << SIP_FIELD_VIA) ||
	    has_public_via(t, mapping))
		return;
	if (host->field == SIP_FIELD_VIA_RPORT) {
		if (htons(host->port) == flow->dst.port)
			sipalg_plan_host_port(t->plan, host,
					      ntohs(flow->dst_private.port));
	} else if (sipalg_ip_equal(&host->addr, &flow->dst.ip)) {
		sipalg_plan_host(t->plan, host, flow->family,
				 &flow->dst_private.ip, 0);
	}
}

/* The receiver's mapping, of this flow or of the call. */
static struct sipalg_mapping *find_receiver(const struct translation *t)
{
	const struct sipalg_flow *flow = t->flow;
	const struct sipalg_call *call = t->plan->call;
	struct sipalg_mapping *mapping =
		sipalg_mapping_find(flow, &flow->dst, &flow->dst_private.ip);

	if (mapping || !call || !call->mapping ||
	    !sipalg_ip_equal(&call->mapping->private.addr.ip,
			     &flow->dst_private.ip))
		return mapping;
	return call->mapping;
}

static void restore_from(const struct translation *t,
			 const struct sip_host *host,
			 struct sipalg_mapping *mapping)
{
	struct sipalg_form form;
	u16 port = host->port;

	if (!mapping)
		return;
	if (find_form(t, host, mapping, &form)) {
		restore(t, host, mapping, &form, form.port);
		return;
	}
	/* or the phone itself wrote its public address */
	if (form.public || !(READ_ONCE(mapping->fields) & 1u << SIP_FIELD_FROM))
		return;
	if (htons(port) == t->flow->dst.port)
		port = ntohs(t->flow->dst_private.port);
	restore(t, host, mapping, &form, port);
}

static void restore_identity(const struct translation *t,
			     const struct sip_host *host)
{
	const struct sipalg_flow *flow = t->flow;
	struct sipalg_mapping *mapping;
	u16 port = host->port;

	if (!sipalg_ip_equal(&host->addr, &flow->dst.ip))
		return;
	mapping = find_receiver(t);
	if (host->field == SIP_FIELD_FROM) {
		restore_from(t, host, mapping);
		return;
	}
	if (!mapping && !flow->original)
		return;
	if (htons(port) == flow->dst.port)
		port = ntohs(flow->dst_private.port);
	sipalg_plan_host(t->plan, host, flow->family, &flow->dst_private.ip,
			 port);
}

/*
 * DNAT by the administrator: the inside host has sent nothing yet. Or a call that
 * began before the module was loaded (H-23): the phone's own spelling is not
 * known, but conntrack knows its address.
 */
static void restore_forwarded(const struct translation *t,
			      const struct sip_host *host)
{
	const struct sipalg_flow *flow = t->flow;
	struct sipalg_addr addr = host_addr(host);

	if (host->field != SIP_FIELD_REQUEST_URI ||
	    !(flow->original || t->plan->unseen) ||
	    !sipalg_addr_equal(&addr, &flow->dst))
		return;
	sipalg_plan_host(t->plan, host, flow->family, &flow->dst_private.ip,
			 port_to_write(host, flow->dst_private.port));
}

/*
 * The port as the phone wrote it. If none had to be added, the returned text shows
 * it; targets are written as in the phone's Contact, since the peer may have
 * written them differently.
 */
static u16 port_to_restore(const struct sip_host *host,
			   const struct sipalg_mapping *mapping, u16 port)
{
	if (!(ECHOED_FIELDS & 1u << host->field) ||
	    !is_default_port(host, mapping->public.addr.port))
		return port;
	if (!host->port)
		return 0;
	return port ?: ntohs(mapping->private.addr.port);
}

/* The receiver itself, or another host with that public address. */
static struct sipalg_mapping *find_named(const struct sipalg_flow *flow,
					 const struct sip_host *host)
{
	const struct sipalg_addr addr = host_addr(host);
	u8 l4proto = sipalg_uri_l4proto(host, flow->l4proto);

	return sipalg_mapping_find_uri(flow, host, &addr,
				       &flow->dst_private.ip) ?:
		       sipalg_mapping_at(flow, l4proto, &addr) ?:
		       sipalg_mapping_at(flow, flow->l4proto, &addr);
}

/* Without rport answers go to the port in Via, wherever the request came from. */
static u16 sent_by(const struct translation *t, u16 port)
{
	port = port ?: sip_default_port(false);
	if (t->msg->rport || t->flow->l4proto != IPPROTO_UDP ||
	    port < SIPALG_LOWEST_PORT ||
	    htons(port) == t->flow->dst_private.port)
		return 0;
	return port;
}

/* The Via of a request that the receiver has sent; the topmost is its newest. */
static void answered(const struct translation *t, const struct sip_host *host,
		     struct sipalg_mapping *mapping, u16 port)
{
	if (until_answered(t))
		sipalg_intend(t->intents, t->msg, host,
			      sipalg_bound_of(t->intents, mapping),
			      SIPALG_INTENT_ANSWER);
	if (!host->value &&
	    sipalg_addr_equal(&mapping->private.addr, &t->flow->dst_private))
		t->plan->sent_by = sent_by(t, port);
}

static void restore_reachable(const struct translation *t,
			      const struct sip_host *host)
{
	struct sipalg_mapping *mapping = find_named(t->flow, host);
	u32 wanted = REACHABLE_FIELDS;
	struct sipalg_form form;
	bool exact;
	u16 port;

	if (host->field == SIP_FIELD_VIA)
		wanted = 1u << SIP_FIELD_VIA;
	if (!mapping) {
		restore_forwarded(t, host);
		return;
	}
	exact = find_form(t, host, mapping, &form);
	port = exact ? form.port : port_to_restore(host, mapping, form.port);
	if (host->field == SIP_FIELD_VIA)
		answered(t, host, mapping, port);
	/* a phone that has learnt its public address is called by that */
	if (exact || (READ_ONCE(mapping->fields) & wanted && !form.public))
		restore(t, host, mapping, &form, port);
}

/* Is it written as sipalg_plan_host() writes addresses? */
static bool is_canonical(const struct translation *t,
			 const struct sip_host *host)
{
	char text[SIPALG_IP_TEXT];
	unsigned int len = sipalg_ip_text(text, t->flow->family, &host->addr);

	return host->host.len == len + 2 * host->bracketed &&
	       !memcmp(sip_span_ptr(t->msg, host->host) + host->bracketed, text,
		       len);
}

/* A header that comes back to the peer as it wrote it: C4. */
static void note_to(const struct translation *t, const struct sip_host *host)
{
	const struct sipalg_flow *flow = t->flow;
	bool ours = sipalg_ip_equal(&host->addr, &flow->dst.ip);
	u16 port = host->port;

	/* what the phone will give back, hidden */
	if (htons(port) == flow->dst.port || htons(port) == flow->dst_private.port)
		port = ntohs(flow->dst.port);
	if (ours ? port == host->port && is_canonical(t, host) :
		   !sipalg_ip_equal(&host->addr, &flow->dst_private.ip))
		return;
	sipalg_intend(t->intents, t->msg, host, NULL, SIPALG_INTENT_ECHO_TO);
}

static void inbound(const struct translation *t, const struct sip_host *host,
		    u8 rule)
{
	if (host->field == SIP_FIELD_TO)
		note_to(t, host);
	/* in an answer to REGISTER the Contacts are the phone's own */
	if (host->field == SIP_FIELD_CONTACT &&
	    t->msg->method != SIP_METHOD_REGISTER)
		return;

	if (host->field == SIP_FIELD_VIA_RECEIVED ||
	    host->field == SIP_FIELD_VIA_RPORT)
		restore_via_params(t, host);
	else if (rule & SIP_IDENTITY)
		restore_identity(t, host);
	else
		restore_reachable(t, host);
}

void sipalg_translate_asks(const struct sipalg_flow *flow, struct sip_asked *asked)
{
	bool out = sipalg_flow_from_inside(flow);
	bool in = sipalg_flow_to_inside(flow);

	asked->rule = table;
	asked->request = (out ? SIP_OUT_REQUEST : 0) | (in ? SIP_IN_REQUEST : 0);
	asked->response = (out ? SIP_OUT_RESPONSE : 0) | (in ? SIP_IN_RESPONSE : 0);
}

void sipalg_translate(const struct sipalg_flow *flow,
		      const struct sip_msg *msg, struct sipalg_plan *plan)
{
	struct translation t = {
		.flow = flow,
		.msg = msg,
		.plan = plan,
		.intents = plan->intents,
		.from_inside = sipalg_flow_from_inside(flow),
		.to_inside = sipalg_flow_to_inside(flow),
	};
	u8 out = msg->request ? SIP_OUT_REQUEST : SIP_OUT_RESPONSE;
	u8 in = msg->request ? SIP_IN_REQUEST : SIP_IN_RESPONSE;
	u8 wanted = (t.from_inside ? out : 0) | (t.to_inside ? in : 0);
	unsigned int i;

	if (!t.from_inside && !t.to_inside)
		return;

	for (i = 0; i < msg->host_count; i++) {
		const struct sip_host *host = &msg->hosts[i];
		u8 rule = table[host->field];

		if (!(rule & wanted) && !(ROUTE_FIELDS & 1u << host->field))
			continue;
		if (sip_host_family(host) != flow->family &&
		    host->field != SIP_FIELD_VIA_RPORT)
			continue;
		if (is_route_to_us(&t, host))
			sipalg_intend(t.intents, msg, host, NULL,
				      SIPALG_INTENT_FOREIGN);
		if (t.from_inside && rule & out)
			outbound(&t, host, rule);
		else if (t.to_inside && rule & in)
			inbound(&t, host, rule);
	}
}
