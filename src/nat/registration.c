// SPDX-License-Identifier: GPL-2.0-only
/* Effect of a REGISTER and its response on the mapping of the phone's Contact. */
#include <linux/jhash.h>
#include <linux/rhashtable.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack.h>
#include "core/compat.h"
#include "core/event.h"
#include "core/net.h"
#include "core/peers.h"
#include "core/quota.h"
#include "core/sync_key.h"
#include "nat/expect.h"
#include "nat/face.h"
#include "nat/mapping.h"
#include "nat/occupied.h"
#include "nat/registration.h"
#include "nat/shared_expect.h"
#include "sip/uri.h"

#define REGISTER_EXPIRES_MAX		(7 * 24 * 3600)

static const struct rhashtable_params account_params = {
	.head_offset = offsetof(struct sipalg_registration, account_node),
	.key_offset = offsetof(struct sipalg_registration, key),
	.key_len = sizeof(struct sipalg_account),
	.automatic_shrinking = true,
};

int sipalg_registrations_init(struct sipalg_net *sn)
{
	return rhltable_init(&sn->registrations, &account_params);
}

void sipalg_registrations_exit(struct sipalg_net *sn)
{
	rhltable_destroy(&sn->registrations);
}

static u64 call_id_hash(const struct sipalg_net *sn, const struct sip_msg *msg)
{
	return siphash(sip_span_ptr(msg, msg->call_id), msg->call_id.len,
		       &sn->key);
}

static u32 aor_hash(const struct sipalg_net *sn, const struct sip_msg *msg)
{
	return hsiphash(sip_span_ptr(msg, msg->to_uri), msg->to_uri.len,
			&sn->short_key);
}

/*
 * What a REGISTER refreshes. One registration's Call-ID stays when it moves to
 * another registrar, and changes when the phone boots (RFC 3261 10.2.4).
 */
static struct sipalg_registration *
find_refreshed(const struct sipalg_mapping *mapping,
	       const struct sipalg_flow *flow, u64 id, u32 aor)
{
	struct sipalg_registration *registration;

	hlist_for_each_entry(registration, &mapping->registrations, node)
		if (registration->key.aor == aor &&
		    (registration->call_id == id ||
		     sipalg_ip_equal(&registration->asked,
				     &flow->dst_private.ip)))
			return registration;
	return NULL;
}

u16 sipalg_registration_sync_key(const struct sipalg_registration *registration,
				 u8 bytes[SIPALG_REGISTRATION_SYNC_KEY])
{
	struct sipalg_key_writer key = { .bytes = bytes };

	sipalg_key_u8(&key, SIPALG_DIRTY_REGISTRATION);
	sipalg_key_ip(&key, &registration->key.host);
	sipalg_key_u32(&key, registration->key.aor);
	sipalg_key_u32(&key, registration->key.zone);
	sipalg_key_u32(&key, registration->id);
	return key.len;
}

static void bury(const struct sipalg_registration *registration)
{
	const struct sipalg_net *sn = registration->mapping->sn;
	u8 key[SIPALG_REGISTRATION_SYNC_KEY];

	if (sipalg_dirty_is_told(sn))
		sipalg_dirty_bury(registration->mapping->sn, key,
				  sipalg_registration_sync_key(registration, key));
}

static void changed(struct sipalg_registration *registration)
{
	struct sipalg_mapping *mapping = registration->mapping;

	registration->dirty = true;
	mapping->registrations_dirty = true;
	sipalg_dirty_mark(mapping->sn, &mapping->dirty);
}

static bool is_open_to_any(const struct sipalg_mapping *mapping)
{
	return sipalg_setting(mapping->sn, SIPALG_SIGNALLING_SOURCE) ==
	       SIPALG_SIGNALLING_SOURCE_ANY;
}

static bool same_way_in(const struct sipalg_mapping *mapping,
			const struct sipalg_registration *a,
			const struct sipalg_registration *b)
{
	return is_open_to_any(mapping) ||
	       sipalg_ip_equal(&a->registrar.ip, &b->registrar.ip);
}

static bool same_way_out(const struct sipalg_registration *a,
			 const struct sipalg_registration *b)
{
	return sipalg_addr_equal(&a->registrar, &b->registrar);
}

/* Shared expectations pass to another registration, and stay open. */
static void close_pinholes(struct sipalg_mapping *mapping,
			   struct sipalg_registration *registration)
{
	struct sipalg_registration *heir;

	hlist_for_each_entry(heir, &mapping->registrations, node) {
		if (!registration->way_in && !registration->way_out)
			return;
		if (heir == registration || !heir->confirmed)
			continue;
		if (!heir->way_in && same_way_in(mapping, heir, registration))
			swap(heir->way_in, registration->way_in);
		if (!heir->way_out && same_way_out(heir, registration))
			swap(heir->way_out, registration->way_out);
	}
	sipalg_expect_close(mapping->sn, &registration->way_in);
	sipalg_expect_close(mapping->sn, &registration->way_out);
}

#define PEER_WAYS_SIZE							\
	(SIPALG_MAX_PEERS * sizeof(struct nf_conntrack_expect *))

static void close_peer_ways(struct sipalg_mapping *mapping)
{
	unsigned int i;

	if (!mapping->peer_ways)
		return;
	for (i = 0; i < SIPALG_MAX_PEERS; i++)
		sipalg_expect_close(mapping->sn, &mapping->peer_ways[i]);
	kfree(mapping->peer_ways);
	mapping->peer_ways = NULL;
	atomic_long_sub(PEER_WAYS_SIZE, &mapping->sn->memory);
}

/* A REGISTER may be in flight: its response is awaited. */
static void end(struct sipalg_mapping *mapping,
		struct sipalg_registration *registration)
{
	close_pinholes(mapping, registration);
	WRITE_ONCE(registration->confirmed, false);
	WRITE_ONCE(mapping->registered, mapping->registered - 1);
	if (!mapping->registered)
		close_peer_ways(mapping);
	if (!mapping->registered && mapping->master) {
		sipalg_master_release(mapping->master);
		mapping->master = NULL;
	}
	sipalg_event_registration(mapping, registration, "unregistered");
	atomic_dec(&mapping->sn->registration_count);
	registration->until = mapping->expires;
	changed(registration);
}

static size_t registration_size(const struct sipalg_registration *registration)
{
	return sizeof(*registration) + registration->account_len;
}

static void forget(struct sipalg_mapping *mapping,
		   struct sipalg_registration *registration)
{
	if (registration->confirmed)
		end(mapping, registration);
	hlist_del_rcu(&registration->node);
	rhltable_remove(&mapping->sn->registrations,
			&registration->account_node, account_params);
	registration->linked = false;
	bury(registration);
	sipalg_quota_put(registration->holder, SIPALG_QUOTA_REGISTRATIONS);
	atomic_long_sub(registration_size(registration), &mapping->sn->memory);
	kfree_rcu(registration, rcu);
}

void sipalg_registration_forget(struct sipalg_mapping *mapping)
{
	struct sipalg_registration *registration;
	struct hlist_node *next;

	hlist_for_each_entry_safe(registration, next, &mapping->registrations,
				  node)
		forget(mapping, registration);
}

bool sipalg_registration_expire(struct sipalg_mapping *mapping,
				unsigned long *when)
{
	struct sipalg_registration *registration;
	struct hlist_node *next;
	bool left = false;

	hlist_for_each_entry_safe(registration, next, &mapping->registrations,
				  node) {
		if (registration->confirmed &&
		    time_after_eq(jiffies, registration->until))
			end(mapping, registration);
		if (time_after_eq(jiffies, registration->until)) {
			forget(mapping, registration);
			continue;
		}
		if (!left || time_before(registration->until, *when))
			*when = registration->until;
		left = true;
	}
	return left;
}

bool sipalg_registration_is_at(const struct sipalg_mapping *mapping,
			       const struct sipalg_addr *registrar)
{
	const struct sipalg_registration *registration;

	hlist_for_each_entry_rcu(registration, &mapping->registrations, node)
		if (READ_ONCE(registration->confirmed) &&
		    /* half an old one and half a new one: whoever asks looks again */
		    data_race(sipalg_addr_equal(&registration->registrar,
						registrar)))
			return true;
	return false;
}

bool sipalg_registration_lose(struct sipalg_mapping *mapping,
			      const struct sipalg_addr *registrar)
{
	struct sipalg_registration *registration;
	struct hlist_node *next;
	bool lost = false;

	hlist_for_each_entry_safe(registration, next, &mapping->registrations,
				  node) {
		if (!registration->confirmed ||
		    !sipalg_addr_equal(&registration->registrar, registrar))
			continue;
		forget(mapping, registration);
		lost = true;
	}
	return lost;
}

/*
 * The host has as many as it may have. A REGISTER that nobody has answered gives
 * way to a newer one; who is registered does not. Returns whether one has gone.
 */
static bool make_room(struct sipalg_mapping *mapping)
{
	struct sipalg_registration *registration, *first = NULL;

	hlist_for_each_entry(registration, &mapping->registrations, node)
		if (!registration->confirmed &&
		    (!first || time_before(registration->until, first->until)))
			first = registration;
	if (first)
		forget(mapping, first);
	return first;
}

static struct sipalg_quota *hold(const struct sipalg_flow *flow)
{
	return sipalg_quota_get(flow->sn, flow->family, &flow->src.ip, NULL,
				SIPALG_QUOTA_REGISTRATIONS);
}

static struct sipalg_registration *
registration_alloc(const struct sipalg_flow *flow, const struct sip_msg *msg,
		   struct sipalg_mapping *mapping, u32 aor)
{
	struct sip_span account = sip_uri_user(msg, msg->to_uri, true);
	struct sipalg_registration *registration;

	account.len = min_t(u16, account.len, SIPALG_MAX_ACCOUNT);
	registration = kzalloc(sizeof(*registration) + account.len, GFP_ATOMIC);
	if (!registration)
		return NULL;
	registration->id = atomic_inc_return(&flow->sn->registration_id);
	registration->account_len = account.len;
	memcpy(registration->account, sip_span_ptr(msg, account), account.len);
	registration->key.host = flow->src.ip;
	registration->key.aor = aor;
	registration->key.zone = flow->zone;
	registration->mapping = mapping;
	if (rhltable_insert(&flow->sn->registrations,
			    &registration->account_node, account_params)) {
		kfree(registration);
		return NULL;
	}
	return registration;
}

static struct sipalg_registration *add(const struct sipalg_flow *flow,
				       const struct sip_msg *msg,
				       struct sipalg_mapping *mapping, u32 aor)
{
	struct sipalg_registration *registration;
	struct sipalg_quota *holder = hold(flow);

	if (!holder && make_room(mapping))
		holder = hold(flow);
	registration = holder ? registration_alloc(flow, msg, mapping, aor) : NULL;
	if (!registration) {
		sipalg_quota_put(holder, SIPALG_QUOTA_REGISTRATIONS);
		sipalg_count(flow->sn, passed_unchanged[SIPALG_REASON_TOO_MANY_REGISTRATIONS]);
		return NULL;
	}
	registration->holder = holder;
	registration->linked = true;
	hlist_add_head_rcu(&registration->node, &mapping->registrations);
	atomic_long_add(registration_size(registration), &mapping->sn->memory);
	return registration;
}

/* Caller holds the lock. */
static void ask(struct sipalg_registration *registration,
		const struct sipalg_flow *flow, const struct sip_msg *msg,
		u64 id, u32 expires)
{
	registration->call_id = id;
	registration->cseq = msg->cseq;
	registration->expires = expires;
	registration->asked = flow->dst_private.ip;
	if (!registration->confirmed)
		registration->until = jiffies + sipalg_64_t1(flow->sn);
	changed(registration);
}

void sipalg_registration_request(const struct sipalg_flow *flow,
				 const struct sip_msg *msg,
				 struct sipalg_mapping *mapping,
				 const struct sipalg_addr *contact, u32 expires)
{
	u64 id = call_id_hash(flow->sn, msg);
	u32 aor = aor_hash(flow->sn, msg);
	struct sipalg_registration *registration;

	spin_lock_bh(&mapping->lock);
	registration = find_refreshed(mapping, flow, id, aor);
	/* an unknown registration that ends needs no entry */
	if (!registration && expires && !mapping->dead)
		registration = add(flow, msg, mapping, aor);
	if (registration) {
		registration->contact = *contact;
		ask(registration, flow, msg, id, expires);
	}
	spin_unlock_bh(&mapping->lock);
}

/* All that a host has registered of an address of record, one after the other. */
static struct rhlist_head *first_of(const struct sipalg_flow *flow,
				    const union nf_inet_addr *host, u32 aor)
{
	struct sipalg_account account = {
		.host = *host,
		.aor = aor,
		.zone = flow->zone,
	};

	return rhltable_lookup(&flow->sn->registrations, &account,
			       account_params);
}

static bool is_meant(const struct sipalg_registration *registration,
		     const struct sipalg_flow *flow,
		     const struct sipalg_addr *contact, bool named, u64 id)
{
	if (!registration->linked)
		return false;
	if (contact)
		return sipalg_addr_equal(&registration->contact, contact);
	return registration->call_id == id ||
	       (!named && sipalg_ip_equal(&registration->asked,
					  &flow->dst_private.ip));
}

void sipalg_registration_request_end(const struct sipalg_flow *flow,
				     const struct sip_msg *msg,
				     const struct sipalg_addr *contact,
				     bool named)
{
	struct rhlist_head *list = first_of(flow, &flow->src.ip,
					    aor_hash(flow->sn, msg)), *pos;
	u64 id = call_id_hash(flow->sn, msg);
	struct sipalg_registration *registration;

	rhl_for_each_entry_rcu(registration, pos, list, account_node) {
		spin_lock_bh(&registration->mapping->lock);
		if (is_meant(registration, flow, contact, named, id))
			ask(registration, flow, msg, id, 0);
		spin_unlock_bh(&registration->mapping->lock);
	}
}

/* Address at which the phone accepts calls: its Contact. */
static struct sipalg_addr listens_at(const struct sipalg_mapping *mapping)
{
	return (struct sipalg_addr){
		.ip = mapping->private.addr.ip,
		.port = htons(mapping->uri_port ?:
				      sip_default_port(mapping->uri_secure)),
	};
}

static bool is_low(const struct sipalg_addr *addr)
{
	return ntohs(addr->port) < SIPALG_LOWEST_PORT;
}

/* @src: who may call, by @len bits of the address; NULL: anyone */
static void open_for(struct sipalg_mapping *mapping,
		     const union nf_inet_addr *src, u8 len,
		     struct nf_conntrack_helper *helper,
		     struct nf_conntrack_expect **way)
{
	const struct sipalg_expect pinhole = {
		.class = SIPALG_CLASS_SIGNALLING,
		.family = mapping->public.family,
		.l4proto = mapping->public.l4proto,
		.zone = mapping->outer_zone,
		.src_ip = src,
		.src_len = len,
		.dst = mapping->public.addr,
		.real = listens_at(mapping),
		.helper = helper,
	};

	if (mapping->guest || is_low(&pinhole.dst) || is_low(&pinhole.real))
		return;
	if (sipalg_expect_open(mapping->sn, mapping->master, &pinhole,
			       way) != -EBUSY)
		return;
	/* calls share one that is in the way: a registration outlives them */
	sipalg_shared_expects_yield(mapping->sn, &pinhole);
	sipalg_expect_open(mapping->sn, mapping->master, &pinhole, way);
}

/* Calls are admitted from the registrar, or from anyone if the setting says so. */
static void open_way_in(struct sipalg_mapping *mapping,
			struct sipalg_registration *registration,
			const struct sipalg_flow *flow,
			struct nf_conntrack_helper *helper)
{
	const union nf_inet_addr *src = &registration->registrar.ip;

	/* NAT may have given a port at which the router itself listens */
	if (is_open_to_any(mapping) &&
	    !sipalg_is_occupied(flow, flow->l4proto, &mapping->public.addr, 1))
		src = NULL;
	open_for(mapping, src, 0, helper, &registration->way_in);
}

/* The peers that may call, with room for their pinholes; NULL: none. */
static const struct sipalg_peers *peers_of(struct sipalg_mapping *mapping)
{
	const struct sipalg_peers *peers = rcu_dereference(mapping->sn->peers);

	if (!peers || is_open_to_any(mapping))
		return NULL;
	if (!mapping->peer_ways) {
		mapping->peer_ways = kzalloc(PEER_WAYS_SIZE, GFP_ATOMIC);
		if (!mapping->peer_ways)
			return NULL;
		atomic_long_add(PEER_WAYS_SIZE, &mapping->sn->memory);
	}
	return peers;
}

static void open_peer_ways(struct sipalg_mapping *mapping,
			   const struct sipalg_peers *peers,
			   struct nf_conntrack_helper *helper)
{
	unsigned int i;

	for (i = 0; peers && i < peers->count; i++) {
		const struct sipalg_prefix *peer = &peers->prefix[i];
		struct nf_conntrack_expect **way = &mapping->peer_ways[i];

		if (peer->family != mapping->public.family)
			continue;
		sipalg_expect_prolong(mapping->sn, way);
		if (!*way)
			open_for(mapping, &peer->addr, peer->len, helper, way);
	}
}

/*
 * After the flow's conntrack has timed out the phone's next packet must leave from
 * the port that is registered, not from another free one.
 */
static void open_way_out(struct sipalg_mapping *mapping,
			 struct sipalg_registration *registration,
			 const struct sipalg_flow *flow,
			 struct nf_conntrack_helper *helper)
{
	const struct sipalg_expect pinhole = {
		.class = SIPALG_CLASS_SIGNALLING,
		.family = flow->family,
		.l4proto = flow->l4proto,
		.zone = mapping->private.zone,
		.src_ip = &mapping->private.addr.ip,
		.src_port = mapping->private.addr.port,
		.dst = registration->registrar,
		.real = registration->registrar,
		.helper = helper,
	};

	/* it registers itself by another protocol: that flow is nobody's way */
	if (flow->l4proto == IPPROTO_UDP &&
	    mapping->public.l4proto == IPPROTO_UDP)
		sipalg_expect_open(mapping->sn, mapping->master, &pinhole,
				   &registration->way_out);
}

/* Registrations with the same pinhole share it: one of them holds it. */
static void open_missing(struct sipalg_mapping *mapping,
			 struct sipalg_registration *registration,
			 const struct sipalg_flow *flow)
{
	struct nf_conn_help *help = nfct_help(mapping->master);
	struct nf_conntrack_helper *helper = rcu_dereference(help->helper);
	const struct sipalg_peers *peers = peers_of(mapping);
	int peer = sipalg_peers_find(peers, mapping->public.family,
				     &registration->registrar.ip);
	struct sipalg_registration *other;
	bool in = false, out = false;

	hlist_for_each_entry(other, &mapping->registrations, node) {
		if (same_way_in(mapping, other, registration)) {
			/* it would be in the way of the wider one */
			if (peer >= 0 && !mapping->peer_ways[peer])
				sipalg_expect_close(mapping->sn, &other->way_in);
			sipalg_expect_prolong(mapping->sn, &other->way_in);
			in |= !!other->way_in;
		}
		if (same_way_out(other, registration)) {
			sipalg_expect_prolong(mapping->sn, &other->way_out);
			out |= !!other->way_out;
		}
	}
	open_peer_ways(mapping, peers, helper);
	if (!in && (peer < 0 || !mapping->peer_ways[peer]))
		open_way_in(mapping, registration, flow, helper);
	if (!out)
		open_way_out(mapping, registration, flow, helper);
}

static void caller_of(const struct sipalg_mapping *mapping,
		      const struct nf_conntrack_expect *exp,
		      struct sipalg_prefix *caller)
{
	unsigned int i;

	memset(caller, 0, sizeof(*caller));
	caller->addr = exp->tuple.src.u3;
	caller->family = mapping->public.family;
	for (i = 0; i < ARRAY_SIZE(exp->mask.src.u3.all); i++)
		caller->len += hweight32((__force u32)exp->mask.src.u3.all[i]);
}

unsigned int
sipalg_registration_callers(const struct sipalg_mapping *mapping,
			    const struct sipalg_registration *registration,
			    struct sipalg_prefix callers[SIPALG_MAX_CALLERS])
{
	const struct sipalg_registration *other;
	unsigned int i, n = 0;

	hlist_for_each_entry(other, &mapping->registrations, node)
		if (other->way_in && same_way_in(mapping, other, registration)) {
			caller_of(mapping, other->way_in, &callers[n++]);
			break;
		}
	for (i = 0; mapping->peer_ways && i < SIPALG_MAX_PEERS; i++)
		if (mapping->peer_ways[i])
			caller_of(mapping, mapping->peer_ways[i], &callers[n++]);
	return n;
}

static const struct sipalg_expect_ops registration_ops;
static bool may_open(const struct sipalg_mapping *mapping)
{
	return sipalg_setting(mapping->sn, SIPALG_CONTACT_PINHOLE) &&
	       sipalg_setting(mapping->sn, SIPALG_MODE) >= SIPALG_MODE_PINHOLES;
}

void sipalg_registration_settings(struct sipalg_mapping *mapping)
{
	const struct sipalg_flow flow = {
		.sn = mapping->sn,
		.family = mapping->public.family,
		.l4proto = mapping->public.l4proto,
		.zone = mapping->private.zone,
	};
	struct sipalg_registration *registration;

	spin_lock_bh(&mapping->lock);
	close_peer_ways(mapping);
	hlist_for_each_entry(registration, &mapping->registrations, node) {
		sipalg_expect_close(mapping->sn, &registration->way_in);
		sipalg_expect_close(mapping->sn, &registration->way_out);
	}
	hlist_for_each_entry(registration, &mapping->registrations, node)
		if (registration->confirmed && mapping->master &&
		    may_open(mapping))
			open_missing(mapping, registration, &flow);
	spin_unlock_bh(&mapping->lock);
}

static void open_pinholes(struct sipalg_mapping *mapping,
			  struct sipalg_registration *registration,
			  const struct sipalg_flow *flow)
{
	if (!may_open(mapping))
		return;
	if (!mapping->master) {
		mapping->master = sipalg_master_alloc(flow, &registration_ops,
						      mapping);
		mapping->forms_dirty = true;
	}
	if (mapping->master)
		open_missing(mapping, registration, flow);
}

/* Caller holds the lock; who looks for a rival does not. */
static void count_confirmed(struct sipalg_mapping *mapping,
			    struct sipalg_registration *registration)
{
	WRITE_ONCE(mapping->registered, mapping->registered + 1);
	atomic_inc(&mapping->sn->registration_count);
	WRITE_ONCE(registration->confirmed, true);
}

/* Caller holds the lock. */
static void confirm(struct sipalg_mapping *mapping,
		    struct sipalg_registration *registration,
		    const struct sipalg_flow *flow, u32 expires)
{
	bool new = !registration->confirmed;

	expires = min_t(u32, expires, REGISTER_EXPIRES_MAX);
	if (!sipalg_addr_equal(&registration->registrar, &flow->src))
		close_pinholes(mapping, registration);
	if (new)
		count_confirmed(mapping, registration);
	registration->until = jiffies + (unsigned long)expires * HZ;
	registration->registrar = flow->src;
	mapping->outer_zone = flow->from_zone;
	sipalg_mapping_wake(mapping, registration->until);
	open_pinholes(mapping, registration, flow);
	changed(registration);
	if (new)
		sipalg_event_registration(mapping, registration, "registered");
}

/* The mapping is needed no longer than if it had never been registered. */
static void unregister(struct sipalg_mapping *mapping,
		       struct sipalg_registration *registration)
{
	end(mapping, registration);
	sipalg_mapping_wake(mapping, mapping->expires);
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
find_answered(const struct sipalg_mapping *mapping,
	      const struct sipalg_flow *flow, const struct sip_msg *msg, u64 id)
{
	struct sipalg_registration *registration;

	hlist_for_each_entry(registration, &mapping->registrations, node)
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
	const union nf_inet_addr *phone = &flow->dst_private.ip;
	struct sipalg_registration *registration;
	struct sipalg_mapping *mapping;
	u32 expires = 0;

	if (sip_host_family(host) != flow->family)
		return 0;
	mapping = sipalg_mapping_find_uri(flow, host, &addr, phone);
	if (!mapping)
		return 0;
	sipalg_mapping_replace(flow, &addr, phone, &flow->src);

	spin_lock_bh(&mapping->lock);
	/* other phones of the same address of record are listed as well */
	registration = find_answered(mapping, flow, msg, id);
	if (registration) {
		expires = contact_expires(msg, contact, registration);
		if (expires)
			confirm(mapping, registration, flow, expires);
		else if (registration->confirmed)
			unregister(mapping, registration);
	}
	spin_unlock_bh(&mapping->lock);
	return min_t(u32, expires, REGISTER_EXPIRES_MAX);
}

static bool lists(const struct sip_msg *msg, u8 family,
		  const struct sipalg_addr *addr)
{
	unsigned int i;

	for (i = 0; i < msg->contact_count; i++) {
		const struct sip_host *host;

		if (msg->contacts[i].host == SIP_NO_INDEX)
			continue;
		host = &msg->hosts[msg->contacts[i].host];
		if (sip_host_family(host) == family &&
		    sipalg_ip_equal(&host->addr, &addr->ip) &&
		    htons(sip_host_port(host)) == addr->port)
			return true;
	}
	return false;
}

static bool is_answered(const struct sipalg_registration *registration,
			const struct sipalg_flow *flow,
			const struct sip_msg *msg, u64 id)
{
	return registration->linked && registration->confirmed &&
	       registration->call_id == id && registration->cseq == msg->cseq &&
	       sipalg_ip_equal(&registration->asked, &flow->src.ip);
}

/*
 * Unregistered: what this REGISTER spoke of and the answer does not list. Where
 * it lists more than can be read, what is missing may be there.
 */
static void end_missing(const struct sipalg_flow *flow,
			const struct sip_msg *msg, u64 id)
{
	struct rhlist_head *list = first_of(flow, &flow->dst_private.ip,
					    aor_hash(flow->sn, msg)), *pos;
	struct sipalg_registration *registration;

	if (msg->contact_count == SIP_MAX_CONTACTS)
		return;
	rhl_for_each_entry_rcu(registration, pos, list, account_node) {
		struct sipalg_mapping *mapping = registration->mapping;

		if (lists(msg, flow->family, &mapping->public.addr))
			continue;
		spin_lock_bh(&mapping->lock);
		if (is_answered(registration, flow, msg, id))
			unregister(mapping, registration);
		spin_unlock_bh(&mapping->lock);
	}
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
	end_missing(flow, msg, id);
	return (unsigned long)longest * HZ;
}

/* Takes the mapping's lock. */
static void registration_expected(void *owner, struct nf_conn *ct,
				  struct nf_conntrack_expect *exp)
{
	struct sipalg_mapping *mapping = owner;
	struct sipalg_registration *registration;
	struct sipalg_addr phone;
	bool in = false;
	unsigned int i;

	spin_lock_bh(&mapping->lock);
	hlist_for_each_entry(registration, &mapping->registrations, node)
		in |= exp == registration->way_in;
	for (i = 0; mapping->peer_ways && i < SIPALG_MAX_PEERS; i++)
		in |= exp == mapping->peer_ways[i];
	phone = listens_at(mapping);
	spin_unlock_bh(&mapping->lock);

	if (in)
		sipalg_expect_nat(ct, &phone, false);
}

/* The phone's own packet to its registrar. */
static bool registration_face(void *owner, const struct nf_conn *ct,
			      struct sipalg_addr *public)
{
	const struct sipalg_mapping *mapping = owner;
	const struct nf_conntrack_tuple *tuple =
		&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	const struct sipalg_addr sender = { tuple->src.u3, tuple->src.u.all };

	if (!sipalg_addr_equal(&sender, &mapping->private.addr) ||
	    sipalg_addr_equal(&sender, &mapping->public.addr) ||
	    sipalg_face_is_lost(mapping->face))
		return false;
	*public = mapping->public.addr;
	return true;
}

static const struct sipalg_expect_ops registration_ops = {
	.expected = registration_expected,
	.face = registration_face,
};

static bool end_of_mapping(struct sipalg_mapping *mapping, u32 id)
{
	struct sipalg_registration *registration;
	struct hlist_node *next;
	bool found = false;

	spin_lock_bh(&mapping->lock);
	hlist_for_each_entry_safe(registration, next, &mapping->registrations,
				  node) {
		if (registration->id != id || !registration->confirmed)
			continue;
		forget(mapping, registration);
		sipalg_mapping_wake(mapping, mapping->expires);
		found = true;
	}
	spin_unlock_bh(&mapping->lock);
	return found;
}

struct nf_conn *
sipalg_registration_master(struct sipalg_mapping *mapping,
			   const struct sipalg_origin *origin)
{
	if (!mapping->master)
		mapping->master = sipalg_master_restore(mapping->sn, origin,
							&registration_ops,
							mapping);
	return mapping->master;
}

struct sipalg_registration *
sipalg_registration_numbered(struct sipalg_net *sn,
			     const struct sipalg_account *account, u32 id)
{
	struct rhlist_head *list = rhltable_lookup(&sn->registrations, account,
						   account_params), *pos;
	struct sipalg_registration *registration;

	rhl_for_each_entry_rcu(registration, pos, list, account_node)
		if (registration->id == id)
			return registration;
	return NULL;
}

static struct sipalg_registration *
add_given(struct sipalg_mapping *mapping, const struct sipalg_registration *from,
	  const char *account)
{
	struct sipalg_registration *registration;
	struct sipalg_net *sn = mapping->sn;

	registration = kzalloc(sizeof(*registration) + from->account_len,
			       GFP_ATOMIC);
	if (!registration)
		return NULL;
	registration->account_len = from->account_len;
	memcpy(registration->account, account, from->account_len);
	registration->key = from->key;
	registration->id = from->id;
	registration->mapping = mapping;
	registration->holder = sipalg_quota_take(sn, mapping->public.family,
						 &from->key.host,
						 SIPALG_QUOTA_REGISTRATIONS);
	if (!registration->holder ||
	    rhltable_insert(&sn->registrations, &registration->account_node,
			    account_params)) {
		sipalg_quota_put(registration->holder,
				 SIPALG_QUOTA_REGISTRATIONS);
		kfree(registration);
		return NULL;
	}
	registration->linked = true;
	hlist_add_head_rcu(&registration->node, &mapping->registrations);
	atomic_long_add(registration_size(registration), &sn->memory);
	return registration;
}

/* A number is given once, by whichever router. */
static void number_is_taken(struct sipalg_net *sn, u32 id)
{
	int newest = atomic_read(&sn->registration_id);

	while ((s32)(id - newest) > 0 &&
	       !atomic_try_cmpxchg(&sn->registration_id, &newest, id))
		;
}

struct sipalg_registration *
sipalg_registration_restore(struct sipalg_mapping *mapping,
			    const struct sipalg_flow *flow,
			    const struct sipalg_registration *from,
			    const char *account)
{
	struct sipalg_registration *registration =
		sipalg_registration_numbered(mapping->sn, &from->key, from->id);

	if (registration && registration->mapping != mapping)
		return NULL;
	if (!registration)
		registration = add_given(mapping, from, account);
	if (!registration)
		return NULL;
	number_is_taken(mapping->sn, from->id);
	if (registration->confirmed &&
	    (!from->confirmed || !sipalg_addr_equal(&registration->registrar,
						    &from->registrar)))
		close_pinholes(mapping, registration);
	if (registration->confirmed && !from->confirmed)
		end(mapping, registration);
	else if (!registration->confirmed && from->confirmed)
		count_confirmed(mapping, registration);
	registration->longs = from->longs;
	registration->times = from->times;
	registration->ends = from->ends;
	registration->hosts = from->hosts;
	registration->words = from->words;
	if (registration->confirmed && flow)
		open_pinholes(mapping, registration, flow);
	return registration;
}

void sipalg_registration_drop(struct sipalg_registration *registration)
{
	struct sipalg_mapping *mapping = registration->mapping;

	spin_lock_bh(&mapping->lock);
	if (registration->linked)
		forget(mapping, registration);
	spin_unlock_bh(&mapping->lock);
}

bool sipalg_registration_end(struct sipalg_net *sn, u32 id)
{
	struct sipalg_mapping *mapping;
	struct rhashtable_iter iter;
	bool found = false;

	rhashtable_walk_enter(&sn->mappings_public, &iter);
	rhashtable_walk_start(&iter);
	while (!found && (mapping = rhashtable_walk_next(&iter)))
		if (!IS_ERR(mapping))
			found = end_of_mapping(mapping, id);
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
	return found;
}
