// SPDX-License-Identifier: GPL-2.0-only
/* Mappings and echoes: looked up and meant by decide, made and changed by apply. */
#include "core/call.h"
#include "core/net.h"
#include "nat/echo.h"
#include "nat/intent.h"
#include "nat/nat64.h"

/* There is room for all that a message may name. */
static struct sipalg_bound *append(struct sipalg_intents *intents)
{
	if (intents->bound_count < SIPALG_MAX_BOUND)
		intents->bound_count++;
	return &intents->bound[intents->bound_count - 1];
}

/* Most messages name one address again and again. */
struct sipalg_bound *sipalg_bound_of(struct sipalg_intents *intents,
				     struct sipalg_mapping *mapping)
{
	u16 count = intents->bound_count;
	struct sipalg_bound *bound;

	if (count && intents->bound[count - 1].mapping == mapping)
		return &intents->bound[count - 1];
	bound = append(intents);
	bound->mapping = mapping;
	bound->added = false;
	return bound;
}

static bool is_meant(const struct sipalg_bound *bound, u8 l4proto,
		     const union nf_inet_addr *public)
{
	return !bound->mapping && bound->l4proto == l4proto &&
	       sipalg_ip_equal(&bound->public.ip, public);
}

struct sipalg_bound *sipalg_bound_find(struct sipalg_intents *intents,
				       const struct sipalg_flow *flow,
				       const struct sipalg_addr *public,
				       const union nf_inet_addr *inside)
{
	struct sipalg_mapping *mapping = sipalg_mapping_find(flow, public, inside);
	unsigned int i;

	if (mapping)
		return sipalg_bound_of(intents, mapping);
	for (i = 0; i < intents->bound_count; i++) {
		struct sipalg_bound *bound = &intents->bound[i];

		if (is_meant(bound, flow->l4proto, &public->ip) &&
		    bound->public.port == public->port &&
		    sipalg_ip_equal(&bound->private.ip, inside))
			return bound;
	}
	return NULL;
}

struct sipalg_bound *sipalg_bound_make(struct sipalg_intents *intents,
				       const struct sipalg_flow *flow,
				       const struct sipalg_addr *private,
				       const struct sipalg_addr *public)
{
	struct sipalg_bound *bound =
		sipalg_bound_find(intents, flow, public, &private->ip);

	if (bound)
		return bound;
	bound = append(intents);
	*bound = (struct sipalg_bound){
		.private = *private,
		.public = *public,
		.l4proto = flow->l4proto,
	};
	return bound;
}

struct sipalg_bound *sipalg_bound_inside(struct sipalg_intents *intents,
					 const struct sipalg_flow *flow,
					 const struct sipalg_addr *private)
{
	struct sipalg_mapping *mapping =
		sipalg_mapping_find_inside(flow, private, &flow->src_public.ip);
	unsigned int i;

	if (mapping)
		return sipalg_bound_of(intents, mapping);
	for (i = 0; i < intents->bound_count; i++)
		if (is_meant(&intents->bound[i], flow->l4proto,
			     &flow->src_public.ip) &&
		    sipalg_addr_equal(&intents->bound[i].private, private))
			return &intents->bound[i];
	return NULL;
}

bool sipalg_bound_has(const struct sipalg_intents *intents, u8 l4proto,
		      const struct sipalg_addr *public)
{
	unsigned int i;

	for (i = 0; i < intents->bound_count; i++)
		if (is_meant(&intents->bound[i], l4proto, &public->ip) &&
		    intents->bound[i].public.port == public->port)
			return true;
	return false;
}

void sipalg_intend(struct sipalg_intents *intents, const struct sip_msg *msg,
		   const struct sip_host *host, struct sipalg_bound *bound,
		   u16 what)
{
	struct sipalg_intent *intent;

	if (intents->count == SIPALG_MAX_INTENTS)
		return;
	intent = &intents->intent[intents->count];
	intent->bound = bound;
	intent->host = host - msg->hosts;
	intent->what = what;
	intents->count++;
}

static bool acquire(struct sipalg_intents *intents, struct sipalg_bound *bound,
		    const struct sipalg_flow *flow)
{
	struct sipalg_flow other;

	if (bound->l4proto != flow->l4proto) {
		other = *flow;
		other.l4proto = bound->l4proto;
		flow = &other;
	}
	bound->mapping = sipalg_mapping_add(flow, &bound->private,
					    &bound->public, &bound->added);
	intents->added |= bound->added;
	return bound->mapping;
}

bool sipalg_intents_acquire(struct sipalg_intents *intents,
			    const struct sipalg_flow *flow)
{
	unsigned int i;

	for (i = 0; i < intents->bound_count; i++) {
		if (!intents->bound[i].mapping &&
		    !acquire(intents, &intents->bound[i], flow)) {
			intents->bound_count = i;
			sipalg_intents_release(intents);
			return false;
		}
	}
	return true;
}

void sipalg_intents_release(struct sipalg_intents *intents)
{
	unsigned int i;

	for (i = 0; i < intents->bound_count; i++)
		if (intents->bound[i].added)
			sipalg_mapping_discard(intents->bound[i].mapping);
	sipalg_intents_init(intents);
}

/* H2, R5: what its mapping does not tell is remembered with the transaction. */
static void add_echo(const struct sipalg_flow *flow, const struct sip_msg *msg,
		     const struct sip_host *host, bool public)
{
	struct sipalg_form form;

	sipalg_form_read(&form, msg, host, public);
	sipalg_echo_add(flow, msg, &flow->src.ip, host, &form);
}

/* C4: a To that comes back to the peer as it wrote it. */
static void add_echo_to(const struct sipalg_flow *flow, const struct sip_msg *msg,
			const struct sip_host *host)
{
	struct sipalg_form form;

	sipalg_form_read(&form, msg, host, true);
	if (form.len)
		sipalg_echo_add(flow, msg, &flow->dst_private.ip, host, &form);
}

static void note(const struct sipalg_intent *intent,
		 const struct sipalg_flow *flow, const struct sip_msg *msg)
{
	const struct sip_host *host = &msg->hosts[intent->host];
	bool public = intent->what & SIPALG_INTENT_PUBLIC;

	if (intent->what & SIPALG_INTENT_SPELL)
		sipalg_nat64_spell(intent->bound->mapping, msg, host);
	if (intent->what & SIPALG_INTENT_NOTE &&
	    !sipalg_mapping_note_locked(intent->bound->mapping, msg, host, public) &&
	    intent->what & SIPALG_INTENT_ECHO)
		add_echo(flow, msg, host, public);
}

#define NOTES	(SIPALG_INTENT_NOTE | SIPALG_INTENT_SPELL)
#define NOTED	(NOTES | SIPALG_INTENT_PUBLIC | SIPALG_INTENT_ECHO)

/* What follows @i and is of the same mapping, with its lock taken once. */
static unsigned int note_all(const struct sipalg_intents *intents, unsigned int i,
			     const struct sipalg_flow *flow,
			     const struct sip_msg *msg)
{
	const struct sipalg_bound *bound = intents->intent[i].bound;

	spin_lock_bh(&bound->mapping->lock);
	for (; i < intents->count && intents->intent[i].bound == bound; i++)
		note(&intents->intent[i], flow, msg);
	sipalg_mapping_noted(bound->mapping);
	spin_unlock_bh(&bound->mapping->lock);
	return i;
}

/* How long a call may ring (RFC 3261 16.6, timer C). */
static unsigned long ringing_time(const struct sipalg_net *sn)
{
	return 60 * HZ * (unsigned long)sipalg_setting(sn, SIPALG_C_TIMEOUT);
}

/* Mappings that the call does not use are needed until the INVITE is answered. */
static void keep_for_answer(const struct sipalg_intent *intent,
			    const struct sipalg_net *sn,
			    struct sipalg_mapping *mapping)
{
	if (intent->what & SIPALG_INTENT_ANSWER)
		sipalg_mapping_keep(mapping, ringing_time(sn));
}

/*
 * The peer sends to the phone's Contact as long as the call lives (RFC 3261
 * 12.1.1); a Via is used for the response only.
 */
static void use(const struct sipalg_intent *intent, struct sipalg_call *call)
{
	struct sipalg_mapping *mapping = intent->bound->mapping;
	struct sipalg_mapping *before = call->mapping;

	if (before == mapping)
		return;
	if (!(intent->what & SIPALG_INTENT_USE) ||
	    (before && !(intent->what & SIPALG_INTENT_TARGET))) {
		keep_for_answer(intent, call->sn, mapping);
		return;
	}
	if (!sipalg_mapping_use(mapping))
		return;
	call->mapping = mapping;
	if (!before)
		return;
	keep_for_answer(intent, call->sn, before);
	sipalg_mapping_unuse(before);
}

static void keep(const struct sipalg_intent *intent,
		 const struct sipalg_flow *flow, const struct sip_msg *msg,
		 struct sipalg_call *call)
{
	const struct sip_host *host = &msg->hosts[intent->host];
	u16 what = intent->what;

	if (call && what & (SIPALG_INTENT_USE | SIPALG_INTENT_ANSWER))
		use(intent, call);
	if (what & SIPALG_INTENT_RING)
		sipalg_mapping_keep(intent->bound->mapping, ringing_time(flow->sn));
	if (what & SIPALG_INTENT_ECHO_TO)
		add_echo_to(flow, msg, host);
	if (what & SIPALG_INTENT_FOREIGN)
		sipalg_echo_add_foreign(flow, msg, host);
	if (what & SIPALG_INTENT_ROUTE)
		sipalg_echo_keep_foreign(flow, msg, host);
}

/* Whoever else is registered by that address would be called in its host's place. */
static void replace(const struct sipalg_intents *intents,
		    const struct sipalg_flow *flow)
{
	struct sipalg_flow other = *flow;
	unsigned int i;

	for (i = 0; i < intents->bound_count; i++) {
		const struct sipalg_bound *bound = &intents->bound[i];

		if (!bound->added)
			continue;
		other.l4proto = bound->l4proto;
		sipalg_mapping_replace(&other, &bound->public, &bound->private.ip,
				       &flow->dst_private);
	}
}

void sipalg_intents_commit(struct sipalg_intents *intents,
			   const struct sipalg_flow *flow,
			   const struct sip_msg *msg, struct sipalg_call *call)
{
	unsigned int i = 0;

	if (intents->added)
		replace(intents, flow);
	while (i < intents->count)
		if (intents->intent[i].what & NOTES)
			i = note_all(intents, i, flow, msg);
		else
			i++;
	for (i = 0; i < intents->count; i++)
		if (intents->intent[i].what & ~NOTED)
			keep(&intents->intent[i], flow, msg, call);
	sipalg_intents_init(intents);
}
