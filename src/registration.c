// SPDX-License-Identifier: GPL-2.0-only
/* What a REGISTER and its answer do to the binding of the phone's Contact. */
#include <linux/siphash.h>
#include <net/netfilter/nf_conntrack.h>
#include "binding.h"
#include "compat.h"
#include "net.h"
#include "netlink_event.h"
#include "pinhole.h"
#include "registration.h"

#define REGISTER_EXPIRES_MAX		(7 * 24 * 3600)
#define LOWEST_PORT			1024

static u64 call_id_hash(const struct sipalg_net *sn, const struct sip_msg *msg)
{
	return siphash(sip_span_ptr(msg, msg->call_id), msg->call_id.len,
		       &sn->key);
}

void sipalg_registration_request(const struct sipalg_flow *flow,
				 const struct sip_msg *msg,
				 struct sipalg_binding *binding, u32 expires)
{
	u64 id = call_id_hash(flow->sn, msg);

	spin_lock_bh(&binding->lock);
	binding->register_call_id = id;
	binding->register_cseq = msg->cseq;
	binding->register_expires = expires;
	binding->register_to = flow->dst_real.ip;
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

/* H-25: the router's own services and the phone's are down there. */
static bool is_low(const struct sipalg_addr *addr)
{
	return ntohs(addr->port) < LOWEST_PORT;
}

/* Calls come in from the registrar, or from anyone if the setting says so. */
static void open_way_in(struct sipalg_binding *binding,
			const struct sipalg_flow *flow,
			struct nf_conntrack_helper *helper)
{
	struct sipalg_net *sn = binding->sn;
	struct sipalg_pinhole pinhole = {
		.class = SIPALG_CLASS_SIGNALLING,
		.family = flow->family,
		.l4proto = flow->l4proto,
		.src_ip = &binding->registrar.ip,
		.dst = binding->public.addr,
		.real = listens_at(binding),
		.helper = helper,
	};

	if (binding->guest || is_low(&pinhole.dst) || is_low(&pinhole.real))
		return;
	if (sipalg_setting(sn, SIPALG_SIGNALLING_SOURCE) ==
	    SIPALG_SIGNALLING_SOURCE_ANY)
		pinhole.src_ip = NULL;
	sipalg_pinhole_open(sn, binding->master, &pinhole, &binding->pinhole);
}

/*
 * When the flow's conntrack has timed out the phone's next packet shall leave
 * from the port it is registered with, not from any other that is free.
 */
static void open_way_out(struct sipalg_binding *binding,
			 const struct sipalg_flow *flow,
			 struct nf_conntrack_helper *helper)
{
	const struct sipalg_pinhole pinhole = {
		.class = SIPALG_CLASS_SIGNALLING,
		.family = flow->family,
		.l4proto = flow->l4proto,
		.src_ip = &binding->private.addr.ip,
		.src_port = binding->private.addr.port,
		.dst = binding->registrar,
		.real = binding->registrar,
		.helper = helper,
	};

	if (flow->l4proto == IPPROTO_UDP)
		sipalg_pinhole_open(binding->sn, binding->master, &pinhole,
				    &binding->way_out);
}

static void open_pinholes(struct sipalg_binding *binding,
			  const struct sipalg_flow *flow)
{
	struct nf_conn_help *help;

	if (!sipalg_setting(binding->sn, SIPALG_CONTACT_PINHOLE) ||
	    sipalg_setting(binding->sn, SIPALG_MODE) < SIPALG_MODE_PINHOLES)
		return;
	if (!binding->master)
		binding->master = sipalg_master_alloc(flow, SIPALG_OWNER_BINDING,
						      binding);
	if (!binding->master)
		return;

	sipalg_pinhole_prolong(binding->sn, &binding->pinhole);
	sipalg_pinhole_prolong(binding->sn, &binding->way_out);
	help = nfct_help(binding->master);
	if (!binding->pinhole)
		open_way_in(binding, flow, rcu_dereference(help->helper));
	if (!binding->way_out)
		open_way_out(binding, flow, rcu_dereference(help->helper));
}

static void close_pinholes(struct sipalg_binding *binding)
{
	sipalg_pinhole_close(binding->sn, &binding->pinhole);
	sipalg_pinhole_close(binding->sn, &binding->way_out);
	if (binding->master)
		sipalg_master_release(binding->master);
	binding->master = NULL;
}

void sipalg_registration_end(struct sipalg_binding *binding)
{
	close_pinholes(binding);
	binding->registered = false;
	sipalg_event_registration(binding, "unregistered");
	atomic_dec(&binding->sn->registration_count);
}

/* It is needed no longer than if it had never been registered. */
static void unregister(struct sipalg_binding *binding)
{
	sipalg_registration_end(binding);
	sipalg_binding_wake(binding, binding->expires);
}

/* Caller holds the lock. */
static void confirm(struct sipalg_binding *binding,
		    const struct sipalg_flow *flow, u32 expires)
{
	bool new = !binding->registered;

	expires = min_t(u32, expires, REGISTER_EXPIRES_MAX);
	if (binding->registered &&
	    !sipalg_addr_equal(&binding->registrar, &flow->src))
		close_pinholes(binding);
	if (new)
		atomic_inc(&binding->sn->registration_count);
	binding->registered = true;
	binding->registered_until = jiffies + (unsigned long)expires * HZ;
	binding->registrar = flow->src;
	sipalg_binding_wake(binding, binding->registered_until);
	open_pinholes(binding, flow);
	if (new)
		sipalg_event_registration(binding, "registered");
}

static u32 contact_expires(const struct sip_msg *msg,
			   const struct sip_contact *contact,
			   const struct sipalg_binding *binding)
{
	if (contact->has_expires)
		return contact->expires;
	if (msg->has_expires)
		return msg->expires;
	return binding->register_expires;
}

/* Is this 2xx the answer to the binding's own last REGISTER, from who was asked? */
static bool answers(const struct sipalg_binding *binding,
		    const struct sipalg_flow *flow, const struct sip_msg *msg,
		    u64 id)
{
	return binding->register_call_id == id &&
	       binding->register_cseq == msg->cseq &&
	       sipalg_ip_equal(&binding->register_to, &flow->src.ip);
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
	u32 expires = 0;

	if (!binding)
		return 0;
	sipalg_binding_oust(flow, &addr, phone, &flow->src);

	spin_lock_bh(&binding->lock);
	/* other phones of the same address of record are listed as well */
	if (!binding->dead && answers(binding, flow, msg, id)) {
		expires = contact_expires(msg, contact, binding);
		if (expires)
			confirm(binding, flow, expires);
		else if (binding->registered)
			unregister(binding);
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

	if (!binding || lists(msg, &flow->dst))
		return;

	spin_lock_bh(&binding->lock);
	if (binding->registered && answers(binding, flow, msg, id))
		unregister(binding);
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
	struct sipalg_addr phone;
	bool way_in, way_out;

	spin_lock_bh(&binding->lock);
	way_in = exp == binding->pinhole;
	way_out = exp == binding->way_out;
	phone = listens_at(binding);
	spin_unlock_bh(&binding->lock);

	if (way_in)
		sipalg_pinhole_nat(ct, &phone, false);
	else if (way_out)
		sipalg_pinhole_nat(ct, &binding->public.addr, true);
}
