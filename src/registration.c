// SPDX-License-Identifier: GPL-2.0-only
/* What a REGISTER and its answer do to the binding of the phone's Contact. */
#include <linux/siphash.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack.h>
#include "binding.h"
#include "compat.h"
#include "net.h"
#include "netlink_event.h"
#include "pinhole.h"
#include "registration.h"

#define REGISTER_EXPIRES_MAX		(7 * 24 * 3600)
#define MOST_REGISTRATIONS		16	/* of one binding */

static u64 call_id_hash(const struct sipalg_net *sn, const struct sip_msg *msg)
{
	return siphash(sip_span_ptr(msg, msg->call_id), msg->call_id.len,
		       &sn->key);
}

static u32 aor_hash(const struct sipalg_net *sn, const struct sip_msg *msg)
{
	return hsiphash(sip_span_ptr(msg, msg->to_uri), msg->to_uri.len,
			&sn->table_key);
}

/*
 * What a REGISTER refreshes. One registration's Call-ID stays when it moves to
 * another registrar, and changes when the phone boots (RFC 3261 10.2.4).
 */
static struct sipalg_registration *
find_refreshed(const struct sipalg_binding *binding,
	       const struct sipalg_flow *flow, u64 id, u32 aor)
{
	struct sipalg_registration *registration;

	hlist_for_each_entry(registration, &binding->registrations, node)
		if (registration->aor == aor &&
		    (registration->call_id == id ||
		     sipalg_ip_equal(&registration->asked, &flow->dst_real.ip)))
			return registration;
	return NULL;
}

static bool is_open_to_any(const struct sipalg_binding *binding)
{
	return sipalg_setting(binding->sn, SIPALG_SIGNALLING_SOURCE) ==
	       SIPALG_SIGNALLING_SOURCE_ANY;
}

static bool same_way_in(const struct sipalg_binding *binding,
			const struct sipalg_registration *a,
			const struct sipalg_registration *b)
{
	return is_open_to_any(binding) ||
	       sipalg_ip_equal(&a->registrar.ip, &b->registrar.ip);
}

static bool same_way_out(const struct sipalg_registration *a,
			 const struct sipalg_registration *b)
{
	return sipalg_addr_equal(&a->registrar, &b->registrar);
}

/* Those that are shared go to another that is registered, and stay open. */
static void close_pinholes(struct sipalg_binding *binding,
			   struct sipalg_registration *registration)
{
	struct sipalg_registration *heir;

	hlist_for_each_entry(heir, &binding->registrations, node) {
		if (heir == registration || !heir->confirmed)
			continue;
		if (!heir->way_in && same_way_in(binding, heir, registration))
			swap(heir->way_in, registration->way_in);
		if (!heir->way_out && same_way_out(heir, registration))
			swap(heir->way_out, registration->way_out);
	}
	sipalg_pinhole_close(binding->sn, &registration->way_in);
	sipalg_pinhole_close(binding->sn, &registration->way_out);
}

/* A REGISTER may be on its way: its answer is waited for as any other. */
static void end(struct sipalg_binding *binding,
		struct sipalg_registration *registration)
{
	close_pinholes(binding, registration);
	registration->confirmed = false;
	if (!--binding->registered && binding->master) {
		sipalg_master_release(binding->master);
		binding->master = NULL;
	}
	sipalg_event_registration(binding, registration, "unregistered");
	atomic_dec(&binding->sn->registration_count);
	registration->until = binding->expires;
}

static void forget(struct sipalg_binding *binding,
		   struct sipalg_registration *registration)
{
	if (registration->confirmed)
		end(binding, registration);
	hlist_del_rcu(&registration->node);
	atomic_long_sub(sizeof(*registration), &binding->sn->memory);
	kfree_rcu(registration, rcu);
}

void sipalg_registration_forget(struct sipalg_binding *binding)
{
	struct sipalg_registration *registration;
	struct hlist_node *next;

	hlist_for_each_entry_safe(registration, next, &binding->registrations,
				  node)
		forget(binding, registration);
}

bool sipalg_registration_lapse(struct sipalg_binding *binding,
			       unsigned long *when)
{
	struct sipalg_registration *registration;
	struct hlist_node *next;
	bool left = false;

	hlist_for_each_entry_safe(registration, next, &binding->registrations,
				  node) {
		if (registration->confirmed &&
		    time_after_eq(jiffies, registration->until))
			end(binding, registration);
		if (time_after_eq(jiffies, registration->until)) {
			forget(binding, registration);
			continue;
		}
		if (!left || time_before(registration->until, *when))
			*when = registration->until;
		left = true;
	}
	return left;
}

bool sipalg_registration_is_at(const struct sipalg_binding *binding,
			       const struct sipalg_addr *registrar)
{
	const struct sipalg_registration *registration;

	hlist_for_each_entry_rcu(registration, &binding->registrations, node)
		if (READ_ONCE(registration->confirmed) &&
		    sipalg_addr_equal(&registration->registrar, registrar))
			return true;
	return false;
}

bool sipalg_registration_lose(struct sipalg_binding *binding,
			      const struct sipalg_addr *registrar)
{
	struct sipalg_registration *registration;
	struct hlist_node *next;
	bool lost = false;

	hlist_for_each_entry_safe(registration, next, &binding->registrations,
				  node) {
		if (!registration->confirmed ||
		    !sipalg_addr_equal(&registration->registrar, registrar))
			continue;
		forget(binding, registration);
		lost = true;
	}
	return lost;
}

/* Who has not been answered lapses before who is registered. */
static void make_room(struct sipalg_binding *binding)
{
	struct sipalg_registration *registration, *first = NULL;
	unsigned int count = 0;

	hlist_for_each_entry(registration, &binding->registrations, node) {
		if (!first || time_before(registration->until, first->until))
			first = registration;
		count++;
	}
	if (count == MOST_REGISTRATIONS)
		forget(binding, first);
}

static struct sipalg_registration *add(struct sipalg_binding *binding, u32 aor)
{
	struct sipalg_registration *registration;

	make_room(binding);
	registration = kzalloc(sizeof(*registration), GFP_ATOMIC);
	if (!registration)
		return NULL;
	registration->aor = aor;
	hlist_add_head_rcu(&registration->node, &binding->registrations);
	atomic_long_add(sizeof(*registration), &binding->sn->memory);
	return registration;
}

void sipalg_registration_request(const struct sipalg_flow *flow,
				 const struct sip_msg *msg,
				 struct sipalg_binding *binding, u32 expires)
{
	u64 id = call_id_hash(flow->sn, msg);
	u32 aor = aor_hash(flow->sn, msg);
	struct sipalg_registration *registration;

	spin_lock_bh(&binding->lock);
	registration = find_refreshed(binding, flow, id, aor);
	/* nothing is to be kept of one that is not known and shall end */
	if (!registration && expires && !binding->dead)
		registration = add(binding, aor);
	if (registration) {
		registration->call_id = id;
		registration->cseq = msg->cseq;
		registration->expires = expires;
		registration->asked = flow->dst_real.ip;
		if (!registration->confirmed)
			registration->until = jiffies + sipalg_64_t1(flow->sn);
	}
	spin_unlock_bh(&binding->lock);
}

/* Where the phone waits for calls: what it writes in its Contact. */
static struct sipalg_addr listens_at(const struct sipalg_binding *binding)
{
	return (struct sipalg_addr){
		.ip = binding->private.addr.ip,
		.port = htons(binding->uri_port ?:
			      sip_default_port(binding->uri_secure)),
	};
}

static bool is_low(const struct sipalg_addr *addr)
{
	return ntohs(addr->port) < SIPALG_LOWEST_PORT;
}

/* Calls come in from the registrar, or from anyone if the setting says so. */
static void open_way_in(struct sipalg_binding *binding,
			struct sipalg_registration *registration,
			const struct sipalg_flow *flow,
			struct nf_conntrack_helper *helper)
{
	struct sipalg_pinhole pinhole = {
		.class = SIPALG_CLASS_SIGNALLING,
		.family = flow->family,
		.l4proto = flow->l4proto,
		.src_ip = &registration->registrar.ip,
		.dst = binding->public.addr,
		.real = listens_at(binding),
		.helper = helper,
	};

	if (binding->guest || is_low(&pinhole.dst) || is_low(&pinhole.real))
		return;
	if (is_open_to_any(binding))
		pinhole.src_ip = NULL;
	sipalg_pinhole_open(binding->sn, binding->master, &pinhole,
			    &registration->way_in);
}

/*
 * When the flow's conntrack has timed out the phone's next packet shall leave
 * from the port it is registered with, not from any other that is free.
 */
static void open_way_out(struct sipalg_binding *binding,
			 struct sipalg_registration *registration,
			 const struct sipalg_flow *flow,
			 struct nf_conntrack_helper *helper)
{
	const struct sipalg_pinhole pinhole = {
		.class = SIPALG_CLASS_SIGNALLING,
		.family = flow->family,
		.l4proto = flow->l4proto,
		.src_ip = &binding->private.addr.ip,
		.src_port = binding->private.addr.port,
		.dst = registration->registrar,
		.real = registration->registrar,
		.helper = helper,
	};

	if (flow->l4proto == IPPROTO_UDP)
		sipalg_pinhole_open(binding->sn, binding->master, &pinhole,
				    &registration->way_out);
}

/* Registrations that need the same way share it: one of them holds it. */
static void open_missing(struct sipalg_binding *binding,
			 struct sipalg_registration *registration,
			 const struct sipalg_flow *flow)
{
	struct nf_conn_help *help = nfct_help(binding->master);
	struct nf_conntrack_helper *helper = rcu_dereference(help->helper);
	struct sipalg_registration *other;
	bool in = false, out = false;

	hlist_for_each_entry(other, &binding->registrations, node) {
		if (same_way_in(binding, other, registration)) {
			sipalg_pinhole_prolong(binding->sn, &other->way_in);
			in |= !!other->way_in;
		}
		if (same_way_out(other, registration)) {
			sipalg_pinhole_prolong(binding->sn, &other->way_out);
			out |= !!other->way_out;
		}
	}
	if (!in)
		open_way_in(binding, registration, flow, helper);
	if (!out)
		open_way_out(binding, registration, flow, helper);
}

static void open_pinholes(struct sipalg_binding *binding,
			  struct sipalg_registration *registration,
			  const struct sipalg_flow *flow)
{
	if (!sipalg_setting(binding->sn, SIPALG_CONTACT_PINHOLE) ||
	    sipalg_setting(binding->sn, SIPALG_MODE) < SIPALG_MODE_PINHOLES)
		return;
	if (!binding->master)
		binding->master = sipalg_master_alloc(flow, SIPALG_OWNER_BINDING,
						      binding);
	if (binding->master)
		open_missing(binding, registration, flow);
}

/* Caller holds the lock. */
static void confirm(struct sipalg_binding *binding,
		    struct sipalg_registration *registration,
		    const struct sipalg_flow *flow, u32 expires)
{
	bool new = !registration->confirmed;

	expires = min_t(u32, expires, REGISTER_EXPIRES_MAX);
	if (!sipalg_addr_equal(&registration->registrar, &flow->src))
		close_pinholes(binding, registration);
	if (new) {
		binding->registered++;
		atomic_inc(&binding->sn->registration_count);
	}
	registration->confirmed = true;
	registration->until = jiffies + (unsigned long)expires * HZ;
	registration->registrar = flow->src;
	sipalg_binding_wake(binding, registration->until);
	open_pinholes(binding, registration, flow);
	if (new)
		sipalg_event_registration(binding, registration, "registered");
}

/* The binding is needed no longer than if it had never been registered. */
static void unregister(struct sipalg_binding *binding,
		       struct sipalg_registration *registration)
{
	end(binding, registration);
	sipalg_binding_wake(binding, binding->expires);
}

static u32 contact_expires(const struct sip_msg *msg,
			   const struct sip_contact *contact,
			   const struct sipalg_registration *registration)
{
	if (contact->has_expires)
		return contact->expires;
	if (msg->has_expires)
		return msg->expires;
	return registration->expires;
}

/* Whose last REGISTER this 2xx is the answer to, from who was asked. */
static struct sipalg_registration *
find_answered(const struct sipalg_binding *binding,
	      const struct sipalg_flow *flow, const struct sip_msg *msg, u64 id)
{
	struct sipalg_registration *registration;

	hlist_for_each_entry(registration, &binding->registrations, node)
		if (registration->call_id == id &&
		    registration->cseq == msg->cseq &&
		    sipalg_ip_equal(&registration->asked, &flow->src.ip))
			return registration;
	return NULL;
}

static u32 confirm_contact(const struct sipalg_flow *flow,
			   const struct sip_msg *msg,
			   const struct sip_contact *contact, u64 id)
{
	const struct sip_host *host = &msg->hosts[contact->host];
	const struct sipalg_addr addr = {
		.ip = host->addr,
		.port = htons(sip_host_port(host)),
	};
	const union nf_inet_addr *phone = &flow->dst_real.ip;
	struct sipalg_binding *binding = sipalg_binding_find(flow, &addr, phone);
	struct sipalg_registration *registration;
	u32 expires = 0;

	if (!binding)
		return 0;
	sipalg_binding_oust(flow, &addr, phone, &flow->src);

	spin_lock_bh(&binding->lock);
	/* other phones of the same address of record are listed as well */
	registration = find_answered(binding, flow, msg, id);
	if (registration) {
		expires = contact_expires(msg, contact, registration);
		if (expires)
			confirm(binding, registration, flow, expires);
		else if (registration->confirmed)
			unregister(binding, registration);
	}
	spin_unlock_bh(&binding->lock);
	return min_t(u32, expires, REGISTER_EXPIRES_MAX);
}

static bool lists(const struct sip_msg *msg, const struct sipalg_addr *addr)
{
	unsigned int i;

	for (i = 0; i < msg->contact_count; i++) {
		const struct sip_host *host;

		if (msg->contacts[i].host == SIP_NO_INDEX)
			continue;
		host = &msg->hosts[msg->contacts[i].host];
		if (sipalg_ip_equal(&host->addr, &addr->ip) &&
		    htons(sip_host_port(host)) == addr->port)
			return true;
	}
	return false;
}

/* Unregistered: the flow's own binding is not in the list any more. */
static void end_if_missing(const struct sipalg_flow *flow,
			   const struct sip_msg *msg, u64 id)
{
	struct sipalg_binding *binding =
		sipalg_binding_find(flow, &flow->dst, &flow->dst_real.ip);
	struct sipalg_registration *registration;

	if (!binding || lists(msg, &flow->dst))
		return;

	spin_lock_bh(&binding->lock);
	registration = find_answered(binding, flow, msg, id);
	if (registration && registration->confirmed)
		unregister(binding, registration);
	spin_unlock_bh(&binding->lock);
}

unsigned long sipalg_registration_confirmed(const struct sipalg_flow *flow,
					    const struct sip_msg *msg)
{
	u64 id = call_id_hash(flow->sn, msg);
	unsigned int i;
	u32 longest = 0;

	for (i = 0; i < msg->contact_count; i++)
		if (msg->contacts[i].host != SIP_NO_INDEX)
			longest = max(longest,
				      confirm_contact(flow, msg,
						      &msg->contacts[i], id));
	end_if_missing(flow, msg, id);
	return (unsigned long)longest * HZ;
}

void sipalg_registration_expected(struct sipalg_binding *binding,
				  struct nf_conn *ct,
				  struct nf_conntrack_expect *exp)
{
	struct sipalg_registration *registration;
	bool way_in = false, way_out = false;
	struct sipalg_addr phone;

	spin_lock_bh(&binding->lock);
	hlist_for_each_entry(registration, &binding->registrations, node) {
		way_in |= exp == registration->way_in;
		way_out |= exp == registration->way_out;
	}
	phone = listens_at(binding);
	spin_unlock_bh(&binding->lock);

	if (way_in)
		sipalg_pinhole_nat(ct, &phone, false);
	else if (way_out)
		sipalg_pinhole_nat(ct, &binding->public.addr, true);
}
