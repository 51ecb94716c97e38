// SPDX-License-Identifier: GPL-2.0-only
/* The header translation table and its rules. */
#include <linux/random.h>
#include "core/addr_scope.h"
#include "core/call.h"
#include "core/net.h"
#include "nat/header_nat.h"
#include "nat/mapping.h"
#include "nat/nat64.h"
#include "nat/occupied.h"
#include "sip/names.h"

/* The rules of headers.def. */
#define NOT_A_FIELD(X, id, name, compact)
#define FIELD_RULES(X, id, name, rules, flags, pinhole)			\
	[SIP_FIELD_##id] = rules,
#define HEADER_RULES(X, id, name, compact, rules, flags, pinhole)	\
	[SIP_FIELD_##id] = rules,

static const u8 table[SIP_FIELD_MAX] = {
	SIP_FIELDS(FIELD_RULES, _)
	SIP_HEADERS(NOT_A_FIELD, HEADER_RULES, _)
	SDP_FIELDS(FIELD_RULES, _)
};

/* The fields that have a flag of headers.def. */
#define FIELD_WITH(wanted, id, name, rules, flags, pinhole)		\
	| ((flags) & (wanted) ? 1u << SIP_FIELD_##id : 0)
#define HEADER_WITH(wanted, id, name, compact, rules, flags, pinhole)	\
	| ((flags) & (wanted) ? 1u << SIP_FIELD_##id : 0)
#define FIELDS_WITH(wanted)						\
	(0u SIP_FIELDS(FIELD_WITH, wanted)				\
	 SIP_HEADERS(NOT_A_FIELD, HEADER_WITH, wanted))

#define REACHABLE_FIELDS	FIELDS_WITH(SIP_REACHABLE)
#define ECHOED_FIELDS		FIELDS_WITH(SIP_ECHOED)

/* One message's translation. */
struct translation {
	const struct sipalg_flow *flow;
	const struct sip_msg *msg;
	struct sipalg_plan *plan;
	bool from_inside;
	bool to_inside;
	struct sipalg_mapping *own; /* of the address it is sent from */
};

static bool of_family(const struct sip_host *host, u8 family)
{
	return host->form == (family == AF_INET ? SIP_HOST_IP4 : SIP_HOST_IP6);
}

static struct sipalg_addr host_addr(const struct sip_host *host)
{
	return (struct sipalg_addr){ host->addr, htons(sip_host_port(host)) };
}

/* A public port for a Contact that is not the port the phone sends from. */
static bool choose_public(const struct translation *t,
			  const struct sipalg_addr *private,
			  struct sipalg_addr *public)
{
	unsigned int attempts = 64;

	public->ip = t->flow->src_public.ip;
	public->port = private->port;
	while (sipalg_mapping_at(t->flow->sn, t->flow->family, t->flow->l4proto,
				 public) ||
	       sipalg_is_occupied(t->flow, t->flow->l4proto, public)) {
		if (!attempts--)
			return false;
		public->port = htons(1024 + get_random_u32_below(64512));
	}
	return true;
}

/* A message is translated completely or passes unchanged. */
static void no_memory(const struct translation *t)
{
	t->plan->overflow = true;
	t->plan->reason = SIPALG_REASON_NO_MEMORY;
}

/* Most addresses in a message are its sender's. */
static struct sipalg_mapping *bind_sender(struct translation *t)
{
	const struct sipalg_flow *flow = t->flow;

	if (!t->own)
		t->own = sipalg_mapping_make(flow, &flow->src,
					     &flow->src_public);
	return t->own;
}

/*
 * Public address of an inside transport address. A TCP connection is used in both
 * directions (RFC 5923), and so is the port a phone sends from; a UDP phone that
 * listens on another port gets a public port of its own.
 */
static struct sipalg_mapping *bind_host(struct translation *t,
					const struct sip_host *host)
{
	const struct sipalg_flow *flow = t->flow;
	struct sipalg_addr private = host_addr(host), public;
	struct sipalg_mapping *mapping;

	if (host->field == SIP_FIELD_VIA || private.port == flow->src.port)
		return bind_sender(t);
	mapping = sipalg_mapping_of_sender(flow, &private);
	if (mapping && sipalg_ip_equal(&mapping->private.addr.ip, &private.ip))
		return mapping;
	if (flow->l4proto == IPPROTO_TCP)
		return sipalg_mapping_make(flow, &private, &flow->src_public);
	if (!choose_public(t, &private, &public))
		return NULL;
	return sipalg_mapping_make(flow, &private, &public);
}

/* How long a call may ring (RFC 3261 16.6, timer C). */
static unsigned long ringing_time(const struct sipalg_net *sn)
{
	return 60 * HZ * (unsigned long)sipalg_setting(sn, SIPALG_C_TIMEOUT);
}

/* Mappings that the call does not use are needed until the INVITE is answered. */
static void keep_for_answer(const struct translation *t,
			    struct sipalg_mapping *mapping)
{
	const struct sipalg_call *call = t->plan->call;

	if (call && call->mapping != mapping && t->msg->status < 200 &&
	    t->msg->method == SIP_METHOD_INVITE)
		sipalg_mapping_keep(mapping, ringing_time(t->flow->sn));
}

/* RFC 3261 12.2.1.2, 3311 5.1: the Contact of an ACK or a BYE changes nothing. */
static bool is_target_refresh(const struct sip_msg *msg,
			      const struct sip_host *host)
{
	return host->field == SIP_FIELD_CONTACT && msg->status < 300 &&
	       sip_method_is(msg, SIP_TARGET_REFRESH);
}

/*
 * The peer sends to the phone's Contact as long as the call lives (RFC 3261
 * 12.1.1); a Via is used for the response only.
 */
static void use_mapping(const struct translation *t,
			const struct sip_host *host,
			struct sipalg_mapping *mapping)
{
	struct sipalg_call *call = t->plan->call;
	struct sipalg_mapping *before;

	if (!call || call->mapping == mapping)
		return;
	before = call->mapping;
	if (before && !is_target_refresh(t->msg, host)) {
		keep_for_answer(t, mapping);
		return;
	}
	if (!sipalg_mapping_use(mapping))
		return;
	call->mapping = mapping;
	if (!before)
		return;
	keep_for_answer(t, before);
	sipalg_mapping_unuse(before);
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

static void hide(const struct translation *t, const struct sip_host *host,
		 struct sipalg_mapping *mapping)
{
	const struct sipalg_addr *public = &mapping->public.addr;

	sipalg_mapping_note(mapping, t->msg, host);
	use_mapping(t, host, mapping);
	sipalg_plan_host(t->plan, host, t->flow->family, &public->ip,
			 port_to_write(host, public->port));
}

/* From, To, P-Asserted-Identity: the host alone, a port only if it is ours. */
static void hide_identity(struct translation *t, const struct sip_host *host)
{
	const struct sipalg_flow *flow = t->flow;
	struct sipalg_mapping *mapping = bind_sender(t);
	u16 port = host->port;

	if (!mapping) {
		no_memory(t);
		return;
	}
	if (htons(port) == flow->src.port)
		port = ntohs(flow->src_public.port);
	sipalg_mapping_note(mapping, t->msg, host);
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
	       sipalg_call_both_spoke(t->plan->call) &&
	       sipalg_setting(sn, SIPALG_CONTACT_PINHOLE) &&
	       sipalg_setting(sn, SIPALG_MEDIA_SOURCE) ==
		       SIPALG_MEDIA_SOURCE_ANY &&
	       ntohs(addr->port) >= SIPALG_LOWEST_PORT &&
	       sipalg_is_inside(t->flow, &addr->ip);
}

/* The new call, which keeps it, may take as long as a response. */
static struct sipalg_mapping *introduce(const struct translation *t,
					const struct sip_host *host,
					const struct sipalg_addr *addr)
{
	struct sipalg_net *sn = t->flow->sn;
	struct sipalg_mapping *mapping;
	struct sipalg_addr public;

	if (!may_introduce(t, host, addr) || !choose_public(t, addr, &public))
		return NULL;
	mapping = sipalg_mapping_make(t->flow, addr, &public);
	if (!mapping)
		return NULL;
	sipalg_mapping_note(mapping, t->msg, host);
	sipalg_mapping_keep(mapping, ringing_time(sn));
	return mapping;
}

/*
 * S3-28: a third inside phone that is named has a public address already, or
 * gets one.
 */
static void hide_third_party(const struct translation *t,
			     const struct sip_host *host)
{
	struct sipalg_addr addr = host_addr(host);
	struct sipalg_mapping *mapping;

	if (host->field != SIP_FIELD_REFER_TO &&
	    host->field != SIP_FIELD_CONTACT)
		return;
	mapping = sipalg_mapping_find_inside(t->flow, &addr,
					     &t->flow->src_public.ip) ?:
		  introduce(t, host, &addr);
	if (mapping)
		sipalg_plan_host(t->plan, host, t->flow->family,
				 &mapping->public.addr.ip,
				 port_to_write(host, mapping->public.addr.port));
}

static void outbound(struct translation *t, const struct sip_host *host,
		     u8 rule)
{
	struct sipalg_mapping *mapping;

	if (!sipalg_ip_equal(&host->addr, &t->flow->src.ip)) {
		hide_third_party(t, host);
		return;
	}
	if (rule & SIP_IDENTITY) {
		hide_identity(t, host);
		return;
	}

	mapping = bind_host(t, host);
	if (mapping)
		hide(t, host, mapping);
	else
		no_memory(t);
}

/* Restore what the phone wrote. */
static void restore(const struct translation *t, const struct sip_host *host,
		    struct sipalg_mapping *mapping, u16 port)
{
	char text[SIPALG_MAPPING_TEXT];
	unsigned int len;

	spin_lock_bh(&mapping->lock);
	len = mapping->text_len;
	memcpy(text, mapping->text, len);
	spin_unlock_bh(&mapping->lock);

	if (len)
		sipalg_plan_host_text(t->plan, host, text, len, port);
	else
		sipalg_plan_host(t->plan, host, t->flow->family,
				 &mapping->private.addr.ip, port);
}

/* received= and rport= tell the phone its own address, or nothing new (H-12). */
static void restore_via_params(const struct translation *t,
			       const struct sip_host *host)
{
	const struct sipalg_flow *flow = t->flow;
	struct sipalg_mapping *mapping =
		sipalg_mapping_find(flow, &flow->dst, &flow->dst_private.ip);

	if (!mapping || host->value ||
	    !(READ_ONCE(mapping->fields) & 1u << SIP_FIELD_VIA))
		return;
	if (host->field == SIP_FIELD_VIA_RPORT) {
		if (htons(host->port) == flow->dst.port)
			sipalg_plan_number(t->plan, host->digits,
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

static void restore_identity(const struct translation *t,
			     const struct sip_host *host)
{
	const struct sipalg_flow *flow = t->flow;
	struct sipalg_mapping *mapping;
	u16 port = host->port;

	if (!sipalg_ip_equal(&host->addr, &flow->dst.ip))
		return;
	mapping = find_receiver(t);
	if (host->field == SIP_FIELD_FROM &&
	    (!mapping || !(READ_ONCE(mapping->fields) & 1u << SIP_FIELD_FROM)))
		return;		/* the phone itself wrote its public address */
	if (!mapping && !flow->original)
		return;
	if (htons(port) == flow->dst.port)
		port = ntohs(flow->dst_private.port);
	if (mapping && host->field == SIP_FIELD_FROM)
		restore(t, host, mapping, port);
	else
		sipalg_plan_host(t->plan, host, flow->family,
				 &flow->dst_private.ip, port);
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
			   const struct sipalg_mapping *mapping)
{
	u16 port = host->field == SIP_FIELD_VIA ? READ_ONCE(mapping->via_port) :
						  READ_ONCE(mapping->uri_port);

	if (!(ECHOED_FIELDS & 1u << host->field) ||
	    !is_default_port(host, mapping->public.addr.port))
		return port;
	if (!host->port)
		return 0;
	return port ?: ntohs(mapping->private.addr.port);
}

/* The receiver itself, or another host with that public address. */
static struct sipalg_mapping *find_named(const struct sipalg_flow *flow,
					 const struct sipalg_addr *addr)
{
	return sipalg_mapping_find(flow, addr, &flow->dst_private.ip) ?:
		       sipalg_mapping_at(flow->sn, flow->family, flow->l4proto,
					 addr);
}

/* The Via of a request that the receiver has sent; the topmost is its newest. */
static void answered(const struct translation *t, const struct sip_host *host,
		     struct sipalg_mapping *mapping)
{
	keep_for_answer(t, mapping);
	if (!host->value &&
	    sipalg_addr_equal(&mapping->private.addr, &t->flow->dst_private))
		t->plan->sent_by = READ_ONCE(mapping->sent_by);
}

static void restore_reachable(const struct translation *t,
			      const struct sip_host *host)
{
	struct sipalg_addr addr = host_addr(host);
	struct sipalg_mapping *mapping = find_named(t->flow, &addr);
	u32 wanted = REACHABLE_FIELDS;

	if (host->field == SIP_FIELD_VIA)
		wanted = 1u << SIP_FIELD_VIA;
	if (!mapping) {
		restore_forwarded(t, host);
		return;
	}
	if (host->field == SIP_FIELD_VIA)
		answered(t, host, mapping);
	if (READ_ONCE(mapping->fields) & wanted)
		restore(t, host, mapping, port_to_restore(host, mapping));
}

static void inbound(const struct translation *t, const struct sip_host *host,
		    u8 rule)
{
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

void sipalg_translate(const struct sipalg_flow *flow,
		      const struct sip_msg *msg, struct sipalg_plan *plan)
{
	struct translation t = {
		.flow = flow,
		.msg = msg,
		.plan = plan,
		.from_inside = sipalg_flow_from_inside(flow),
		.to_inside = sipalg_flow_to_inside(flow),
	};
	u8 out = msg->request ? SIP_OUT_REQUEST : SIP_OUT_RESPONSE;
	u8 in = msg->request ? SIP_IN_REQUEST : SIP_IN_RESPONSE;
	unsigned int i;

	if (!t.from_inside && !t.to_inside)
		return;

	for (i = 0; i < msg->host_count; i++) {
		const struct sip_host *host = &msg->hosts[i];
		u8 rule = table[host->field];

		if (!of_family(host, flow->family) &&
		    host->field != SIP_FIELD_VIA_RPORT)
			continue;
		if (t.from_inside && rule & out)
			outbound(&t, host, rule);
		else if (t.to_inside && rule & in)
			inbound(&t, host, rule);
	}
}
