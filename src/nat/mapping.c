// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables of mappings. Readers hold RCU; a mapping's lock guards its changing
 * members. Only its timer removes a mapping from the tables while the namespace
 * exists.
 */
#include <linux/jhash.h>
#include <linux/rhashtable.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include "core/compat.h"
#include "core/long_timer.h"
#include "core/net.h"
#include "core/quota.h"
#include "core/sync_key.h"
#include "nat/expect.h"
#include "nat/face.h"
#include "nat/mapping.h"
#include "nat/registration.h"
#include "sip/names.h"
#include "sip/text.h"

/* What a lookup of a host by its public address compares. */
struct lookup {
	struct sipalg_mapping_key key;
	union nf_inet_addr inside;
	u16 zone;	/* of @inside */
};

static u32 hash_rest(const struct sipalg_mapping_key *key)
{
	return (__force u32)key->addr.port << 16 | key->family << 8 |
	       key->l4proto;
}

static u32 hash_key(const void *data, u32 len, u32 seed)
{
	const struct sipalg_mapping_key *key = data;
	u32 rest = hash_rest(key);

	if (key->family == AF_INET)
		return jhash_1word((__force u32)key->addr.ip.ip, seed ^ rest);
	return jhash2(key->addr.ip.all, ARRAY_SIZE(key->addr.ip.all),
		      seed ^ rest);
}

static bool key_equal(const struct sipalg_mapping_key *a,
		      const struct sipalg_mapping_key *b)
{
	return sipalg_addr_equal(&a->addr, &b->addr) &&
	       a->family == b->family && a->l4proto == b->l4proto &&
	       a->zone == b->zone;
}

/*
 * Many hosts may be known by one public port, each to another server: they must
 * not all be in one bucket.
 */
static u32 hash_lookup(const void *data, u32 len, u32 seed)
{
	const struct lookup *lookup = data;

	if (lookup->key.family == AF_INET)
		return jhash_3words((__force u32)lookup->key.addr.ip.ip,
				    (__force u32)lookup->inside.ip,
				    hash_rest(&lookup->key), seed);
	return hash_key(&lookup->key, len,
			jhash2(lookup->inside.all,
			       ARRAY_SIZE(lookup->inside.all), seed));
}

static struct lookup lookup_of(const struct sipalg_mapping *mapping)
{
	return (struct lookup){
		.key = mapping->public,
		.inside = mapping->private.addr.ip,
		.zone = mapping->private.zone,
	};
}

static u32 hash_object(const void *data, u32 len, u32 seed)
{
	const struct lookup lookup = lookup_of(data);

	return hash_lookup(&lookup, len, seed);
}

static int compare_host(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct sipalg_mapping *mapping = obj;
	const struct lookup *lookup = arg->key;

	return !key_equal(&mapping->public, &lookup->key) ||
	       !sipalg_ip_equal(&mapping->private.addr.ip, &lookup->inside) ||
	       mapping->private.zone != lookup->zone;
}

static const struct rhashtable_params public_params = {
	.head_offset = offsetof(struct sipalg_mapping, public_node),
	.hashfn = hash_lookup,
	.obj_hashfn = hash_object,
	.obj_cmpfn = compare_host,
	.automatic_shrinking = true,
};

static int compare_face(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct sipalg_mapping *mapping = obj;

	return !key_equal(&mapping->public, arg->key);
}

/* All hosts that are known by a public port stand in one list. */
static const struct rhashtable_params face_params = {
	.head_offset = offsetof(struct sipalg_mapping, face_node),
	.key_offset = offsetof(struct sipalg_mapping, public),
	.key_len = sizeof(struct sipalg_mapping_key),
	.hashfn = hash_key,
	.obj_cmpfn = compare_face,
	.automatic_shrinking = true,
};

static int compare_private(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct sipalg_mapping *mapping = obj;

	return !key_equal(&mapping->private, arg->key);
}

static const struct rhashtable_params private_params = {
	.head_offset = offsetof(struct sipalg_mapping, private_node),
	.key_offset = offsetof(struct sipalg_mapping, private),
	.key_len = sizeof(struct sipalg_mapping_key),
	.hashfn = hash_key,
	.obj_cmpfn = compare_private,
	.automatic_shrinking = true,
};

u16 sipalg_mapping_sync_key(const struct sipalg_mapping *mapping,
			    u8 bytes[SIPALG_MAPPING_SYNC_KEY])
{
	struct sipalg_key_writer key = { .bytes = bytes };

	sipalg_key_u8(&key, SIPALG_DIRTY_MAPPING);
	sipalg_key_u8(&key, mapping->public.family);
	sipalg_key_u8(&key, mapping->public.l4proto);
	sipalg_key_u16(&key, mapping->public.zone);
	sipalg_key_u16(&key, mapping->private.zone);
	sipalg_key_u16(&key, ntohs(mapping->public.addr.port));
	sipalg_key_ip(&key, &mapping->public.addr.ip);
	sipalg_key_ip(&key, &mapping->private.addr.ip);
	return key.len;
}

bool sipalg_mapping_read_key(struct sipalg_mapping *mapping, const void *bytes,
			     int len)
{
	struct sipalg_key_reader key = { .bytes = bytes, .left = len };

	if (sipalg_key_take_u8(&key) != SIPALG_DIRTY_MAPPING)
		return false;
	mapping->public.family = sipalg_key_take_u8(&key);
	mapping->public.l4proto = sipalg_key_take_u8(&key);
	mapping->public.zone = sipalg_key_take_u16(&key);
	mapping->private.zone = sipalg_key_take_u16(&key);
	mapping->public.addr.port = htons(sipalg_key_take_u16(&key));
	sipalg_key_take_ip(&key, &mapping->public.addr.ip);
	sipalg_key_take_ip(&key, &mapping->private.addr.ip);
	mapping->private.family = mapping->public.family;
	mapping->private.l4proto = mapping->public.l4proto;
	return !key.bad && !key.left &&
	       (mapping->public.family == AF_INET ||
		mapping->public.family == AF_INET6) &&
	       (mapping->public.l4proto == IPPROTO_UDP ||
		mapping->public.l4proto == IPPROTO_TCP);
}

static void bury(const struct sipalg_mapping *mapping)
{
	u8 key[SIPALG_MAPPING_SYNC_KEY];

	if (sipalg_dirty_is_told(mapping->sn))
		sipalg_dirty_bury(mapping->sn, key,
				  sipalg_mapping_sync_key(mapping, key));
}

/* Caller holds the lock. */
static void changed(struct sipalg_mapping *mapping)
{
	mapping->forms_dirty = true;
	sipalg_dirty_mark(mapping->sn, &mapping->dirty);
}

static struct sipalg_mapping_key public_key(const struct sipalg_flow *flow,
					    u8 l4proto,
					    const struct sipalg_addr *addr)
{
	return (struct sipalg_mapping_key){
		.addr = *addr,
		.zone = sipalg_flow_outer_zone(flow),
		.family = flow->family,
		.l4proto = l4proto,
	};
}

static struct sipalg_mapping_key private_key(const struct sipalg_flow *flow,
					     const struct sipalg_addr *addr)
{
	return (struct sipalg_mapping_key){
		.addr = *addr,
		.zone = flow->zone,
		.family = flow->family,
		.l4proto = flow->l4proto,
	};
}

/*
 * A port in Contact that a phone does not send from is taken from all others, so
 * their number is limited for each host, neighbours that it names included.
 * Which hosts share a counter cannot be chosen.
 */
#define MOST_OWN_PORTS	64

static bool take_port(struct sipalg_mapping *mapping,
		      const union nf_inet_addr *namer)
{
	struct sipalg_net *sn = mapping->sn;
	u64 hash = siphash(namer, sizeof(*namer), &sn->key);
	atomic_t *count = &sn->own_ports[hash >> (64 - SIPALG_OWN_PORTS_BITS)];

	if (atomic_inc_return(count) > MOST_OWN_PORTS) {
		atomic_dec(count);
		return false;
	}
	mapping->own_port = count;
	return true;
}

static void give_port(struct sipalg_mapping *mapping)
{
	if (mapping->own_port)
		atomic_dec(mapping->own_port);
	mapping->own_port = NULL;
	sipalg_quota_put(mapping->holder, SIPALG_QUOTA_PORTS);
	mapping->holder = NULL;
}

/* Ports of media-ports are charged like those of media. */
static void hold_port(struct sipalg_mapping *mapping,
		      const union nf_inet_addr *namer)
{
	if (!sipalg_is_media_port(mapping->sn,
				  ntohs(mapping->public.addr.port)) ||
	    key_equal(&mapping->public, &mapping->private))
		return;
	mapping->holder = sipalg_quota_get(mapping->sn, mapping->public.family,
					   namer, NULL, SIPALG_QUOTA_PORTS);
	mapping->guest = !mapping->holder;
}

void sipalg_mapping_put(struct sipalg_mapping *mapping)
{
	if (refcount_dec_and_test(&mapping->refs)) {
		/* restored, and none of its registrations was */
		if (mapping->master)
			sipalg_master_release(mapping->master);
		sipalg_face_put(mapping->face);
		atomic_long_sub(sizeof(*mapping), &mapping->sn->memory);
		kfree_rcu(mapping, rcu);
	}
}

/* Caller holds the lock. An armed timer holds a reference. */
static void arm(struct sipalg_mapping *mapping, unsigned long when)
{
	if (!mod_timer(&mapping->timer, sipalg_long_timer_step(when)))
		refcount_inc(&mapping->refs);
}

void sipalg_mapping_wake(struct sipalg_mapping *mapping, unsigned long when)
{
	if (!READ_ONCE(mapping->sn->dying) &&
	    !sipalg_long_timer_reduce(&mapping->timer, when))
		refcount_inc(&mapping->refs);
}

static void unlink_tables(struct sipalg_mapping *mapping)
{
	struct sipalg_net *sn = mapping->sn;

	rhashtable_remove_fast(&sn->mappings_public, &mapping->public_node,
			       public_params);
	rhltable_remove(&sn->mappings_face, &mapping->face_node, face_params);
	rhltable_remove(&sn->mappings_private, &mapping->private_node,
			private_params);
	atomic_dec(&sn->mapping_count);
	give_port(mapping);
	bury(mapping);
}

static void mapping_expired(struct timer_list *timer)
{
	struct sipalg_mapping *mapping =
		timer_container_of(mapping, timer, timer);
	struct sipalg_net *sn = mapping->sn;
	bool standby = sipalg_is_standby(&sn->sync);
	unsigned long next;
	bool ended = false;
	bool kept;

	spin_lock(&mapping->lock);
	kept = standby || sipalg_registration_expire(mapping, &next);
	/* who is kept for weeks does not come to life again: 32 bits come round */
	if (time_before(mapping->expires, jiffies))
		mapping->expires = jiffies;

	if (!mapping->dead && !READ_ONCE(sn->dying)) {
		if (standby)
			arm(mapping, jiffies + sipalg_64_t1(sn));
		else if (kept)
			arm(mapping, next);
		else if (time_before(jiffies, mapping->expires))
			arm(mapping, mapping->expires);
		else if (atomic_read(&mapping->users))
			arm(mapping, jiffies + sipalg_64_t1(sn));
		else
			ended = true;
		mapping->dead |= ended;
	}
	spin_unlock(&mapping->lock);

	if (ended) {
		unlink_tables(mapping);
		sipalg_mapping_put(mapping); /* the table's */
	}
	sipalg_mapping_put(mapping); /* the timer's */
}

static void take_out(struct sipalg_mapping *mapping)
{
	/* what is in no table nobody stops when the namespace goes */
	if (timer_delete(&mapping->timer))
		sipalg_mapping_put(mapping); /* the timer's */
	unlink_tables(mapping);
	sipalg_mapping_put(mapping); /* the table's */
}

/*
 * Another inside host now uses this public address towards the registrar: conntrack
 * reused the port after the old owner's flow ended. Towards other registrars the
 * old owner may still have it.
 */
static void lose_address(struct sipalg_mapping *mapping,
			 const struct sipalg_addr *registrar)
{
	bool ended;

	spin_lock_bh(&mapping->lock);
	ended = !mapping->dead &&
		sipalg_registration_lose(mapping, registrar) &&
		!mapping->registered;
	if (ended) {
		mapping->dead = true;
		sipalg_registration_forget(mapping);
	}
	spin_unlock_bh(&mapping->lock);
	if (ended)
		take_out(mapping);
}

void sipalg_mapping_lose(struct sipalg_mapping *mapping)
{
	bool ended;

	spin_lock_bh(&mapping->lock);
	ended = !mapping->dead;
	if (ended) {
		mapping->dead = true;
		sipalg_registration_forget(mapping);
	}
	spin_unlock_bh(&mapping->lock);
	if (ended)
		take_out(mapping);
}

/* All hosts that are known by it, one after the other. */
static struct rhlist_head *first_at(const struct sipalg_flow *flow, u8 l4proto,
				    const struct sipalg_addr *addr)
{
	const struct sipalg_mapping_key key = public_key(flow, l4proto, addr);

	return rhltable_lookup(&flow->sn->mappings_face, &key, face_params);
}

void sipalg_mapping_zone(struct sipalg_flow *flow)
{
	bool plain = sipalg_flow_is_plain(flow);
	bool in = plain ? flow->original : sipalg_flow_to_inside(flow);
	const struct sipalg_addr *phone = in ? &flow->dst_private : &flow->src;
	struct rhlist_head *list, *pos;
	struct sipalg_mapping *mapping;

	/* who begins from inside is in its own zone */
	if (!READ_ONCE(flow->sn->zoned) || in != flow->original)
		return;
	list = first_at(flow, flow->l4proto,
			in ? &flow->dst : &flow->src_public);
	rhl_for_each_entry_rcu(mapping, pos, list, face_node)
		if (sipalg_ip_equal(&mapping->private.addr.ip, &phone->ip)) {
			if (!plain)
				flow->zone = mapping->private.zone;
			*(in ? &flow->to_zone : &flow->from_zone) =
				mapping->private.zone;
			return;
		}
}

struct sipalg_mapping *sipalg_mapping_at(const struct sipalg_flow *flow,
					 u8 l4proto,
					 const struct sipalg_addr *addr)
{
	struct rhlist_head *list = first_at(flow, l4proto, addr);

	return list ? container_of(list, struct sipalg_mapping, face_node) :
		      NULL;
}

struct sipalg_mapping *sipalg_mapping_find(const struct sipalg_flow *flow,
					   const struct sipalg_addr *addr,
					   const union nf_inet_addr *inside)
{
	const struct lookup lookup = {
		.key = public_key(flow, flow->l4proto, addr),
		.inside = *inside,
		.zone = flow->zone,
	};

	return rhashtable_lookup(&flow->sn->mappings_public, &lookup,
				 public_params);
}

/* Read without its lock: whoever finds one looks again. */
static bool is_rival(const struct sipalg_mapping *mapping,
		     const struct sipalg_flow *flow,
		     const union nf_inet_addr *inside,
		     const struct sipalg_addr *registrar)
{
	return READ_ONCE(mapping->registered) &&
	       (!sipalg_ip_equal(&mapping->private.addr.ip, inside) ||
		mapping->private.zone != flow->zone) &&
	       sipalg_registration_is_at(mapping, registrar);
}

void sipalg_mapping_replace(const struct sipalg_flow *flow,
			    const struct sipalg_addr *addr,
			    const union nf_inet_addr *inside,
			    const struct sipalg_addr *peer)
{
	struct rhlist_head *list = first_at(flow, flow->l4proto, addr), *pos;
	struct sipalg_mapping *mapping, *rival = NULL;

	rhl_for_each_entry_rcu(mapping, pos, list, face_node)
		if (is_rival(mapping, flow, inside, peer)) {
			rival = mapping;
			break;
		}
	if (rival)
		lose_address(rival, peer);
}

struct sipalg_mapping *
sipalg_mapping_find_inside(const struct sipalg_flow *flow,
			   const struct sipalg_addr *addr,
			   const union nf_inet_addr *seen)
{
	const struct sipalg_mapping_key key = private_key(flow, addr);
	struct rhlist_head *list, *pos;
	struct sipalg_mapping *mapping;

	list = rhltable_lookup(&flow->sn->mappings_private, &key,
			       private_params);
	rhl_for_each_entry_rcu(mapping, pos, list, private_node)
		if (sipalg_ip_equal(&mapping->public.addr.ip, seen))
			return mapping;
	return NULL;
}

static struct sipalg_mapping *mapping_alloc(const struct sipalg_flow *flow,
					    const struct sipalg_addr *private,
					    const struct sipalg_addr *public)
{
	struct sipalg_mapping *mapping = kzalloc(sizeof(*mapping), GFP_ATOMIC);

	if (!mapping)
		return NULL;
	mapping->sn = flow->sn;
	mapping->private = private_key(flow, private);
	mapping->public = public_key(flow, flow->l4proto, public);
	mapping->expires = jiffies;
	refcount_set(&mapping->refs, 1);
	sipalg_dirty_init(&mapping->dirty, SIPALG_DIRTY_MAPPING, &mapping->refs);
	spin_lock_init(&mapping->lock);
	timer_setup(&mapping->timer, mapping_expired, 0);
	atomic_long_add(sizeof(*mapping), &flow->sn->memory);
	return mapping;
}

/* Caller holds the lock: who finds it meanwhile waits if it is to stay. */
static int insert(struct sipalg_net *sn, struct sipalg_mapping *mapping)
{
	const struct lookup lookup = lookup_of(mapping);
	int err;

	err = rhltable_insert(&sn->mappings_private, &mapping->private_node,
			      private_params);
	if (err)
		return err;
	err = rhltable_insert(&sn->mappings_face, &mapping->face_node,
			      face_params);
	if (err)
		goto err_private;
	err = rhashtable_lookup_insert_key(&sn->mappings_public, &lookup,
					   &mapping->public_node,
					   public_params);
	if (err)
		goto err_face;
	atomic_inc(&sn->mapping_count);
	arm(mapping, jiffies + sipalg_64_t1(sn));
	changed(mapping);
	return 0;

err_face:
	rhltable_remove(&sn->mappings_face, &mapping->face_node, face_params);
err_private:
	mapping->dead = true;
	rhltable_remove(&sn->mappings_private, &mapping->private_node,
			private_params);
	return err;
}

struct sipalg_mapping *sipalg_mapping_add(const struct sipalg_flow *flow,
					  const struct sipalg_addr *private,
					  const struct sipalg_addr *public,
					  bool *added)
{
	struct sipalg_net *sn = flow->sn;
	struct sipalg_mapping *mapping;
	int err;

	*added = false;
	if (READ_ONCE(sn->dying))
		return NULL;
	mapping = mapping_alloc(flow, private, public);
	if (!mapping)
		return NULL;
	if (!sipalg_ip_equal(&public->ip, &private->ip)) {
		mapping->face = sipalg_face_get(flow, &public->ip);
		if (!mapping->face) {
			sipalg_mapping_put(mapping);
			return NULL;
		}
	}
	if (!sipalg_addr_equal(public, &flow->src_public) &&
	    !take_port(mapping, &flow->src.ip)) {
		sipalg_mapping_put(mapping);
		return NULL;
	}
	hold_port(mapping, &flow->src.ip);
	spin_lock_bh(&mapping->lock);
	err = insert(sn, mapping);
	spin_unlock_bh(&mapping->lock);
	*added = !err;
	if (!err)
		return mapping;
	give_port(mapping);
	sipalg_mapping_put(mapping);
	/* another CPU was faster */
	return err == -EEXIST ?
		       sipalg_mapping_find(flow, public, &private->ip) :
		       NULL;
}

/* Nobody has used it: only who made it knows it, or somebody who came just now. */
static bool is_unused(const struct sipalg_mapping *mapping)
{
	return !mapping->dead && !mapping->fields &&
	       !atomic_read(&mapping->users) &&
	       !time_before(jiffies, mapping->expires) &&
	       hlist_empty(&mapping->registrations);
}

void sipalg_mapping_discard(struct sipalg_mapping *mapping)
{
	bool ended;

	spin_lock_bh(&mapping->lock);
	ended = is_unused(mapping);
	mapping->dead |= ended;
	spin_unlock_bh(&mapping->lock);
	if (ended)
		take_out(mapping);
}

struct sipalg_mapping *sipalg_mapping_make(const struct sipalg_flow *flow,
					   const struct sipalg_addr *private,
					   const struct sipalg_addr *public)
{
	struct sipalg_mapping *mapping =
		sipalg_mapping_find(flow, public, &private->ip);
	bool added;

	if (mapping)
		return mapping;
	sipalg_mapping_replace(flow, public, &private->ip, &flow->dst_private);
	return sipalg_mapping_add(flow, private, public, &added);
}

/* URIs by which the phone can be reached, Contact first. */
static bool is_uri_of_phone(const struct sipalg_mapping *mapping, u8 field)
{
	if (field == SIP_FIELD_CONTACT)
		return true;
	return SIP_FIELDS_WITH(SIP_REACHABLE) & 1u << field &&
	       !(mapping->fields & 1u << SIP_FIELD_CONTACT);
}

/* At its public address the phone is where it sends from. */
static void note_uri(struct sipalg_mapping *mapping,
		     const struct sip_host *host, const struct sipalg_form *form)
{
	WRITE_ONCE(mapping->uri_port,
		   form->public ? ntohs(mapping->private.addr.port) : host->port);
	WRITE_ONCE(mapping->uri_secure, host->secure);
	mapping->form[SIPALG_FORM_TARGET] = *form;
}

/* Caller holds the lock. */
static void prolong(struct sipalg_mapping *mapping, unsigned long time)
{
	unsigned long until = jiffies + time;

	if (!mapping->dead && time_after(until, mapping->expires))
		mapping->expires = until;
}

/* SIPALG_FORM_MAX: nobody gives it back. */
static enum sipalg_form_kind form_kind(u8 field)
{
	switch (field) {
	case SIP_FIELD_VIA:
		return SIPALG_FORM_VIA;
	case SIP_FIELD_FROM:
		return SIPALG_FORM_FROM;
	case SIP_FIELD_CONTACT:
		return SIPALG_FORM_CONTACT;
	default:
		return SIP_FIELDS_WITH(SIP_ROUTE_SET) & 1u << field ?
			       SIPALG_FORM_ROUTE : SIPALG_FORM_MAX;
	}
}

/* As long as an INVITE that had it may be without its answer. */
static unsigned long form_time(const struct sipalg_net *sn)
{
	return sipalg_64_t1(sn) +
	       60 * HZ * (unsigned long)sipalg_setting(sn, SIPALG_C_TIMEOUT);
}

static bool take_form(struct sipalg_mapping *mapping,
		      enum sipalg_form_kind kind, const struct sipalg_form *new)
{
	struct sipalg_form *form = &mapping->form[kind];

	if (form->len && !sipalg_form_equal(form, new) &&
	    time_before64(get_jiffies_64(),
			  mapping->form_used[kind] + form_time(mapping->sn)))
		return false;
	*form = *new;
	mapping->form_used[kind] = get_jiffies_64();
	if (kind == SIPALG_FORM_VIA)
		WRITE_ONCE(mapping->via_port, new->port);
	return true;
}

static bool is_written_so(const struct sipalg_form *form,
			  const struct sip_msg *msg,
			  const struct sip_host *host)
{
	return !form->public && form->port == host->port && form->len &&
	       form->len == host->host.len &&
	       text_exact(form->text, sip_span_ptr(msg, host->host), form->len);
}

/* Caller holds the lock. The phone writes itself as it always does. */
static bool is_noted(const struct sipalg_mapping *mapping,
		     const struct sip_msg *msg, const struct sip_host *host)
{
	enum sipalg_form_kind kind = form_kind(host->field);

	if (kind > SIPALG_FORM_CONTACT ||
	    !(mapping->fields & 1u << host->field) ||
	    !is_written_so(&mapping->form[kind], msg, host) ||
	    mapping->text_len != host->host.len ||
	    !text_exact(mapping->text, mapping->form[kind].text,
			mapping->text_len))
		return false;
	if (kind == SIPALG_FORM_CONTACT)
		return mapping->uri_port == host->port &&
		       mapping->uri_secure == host->secure &&
		       is_written_so(&mapping->form[SIPALG_FORM_TARGET], msg,
				     host);
	return kind == SIPALG_FORM_FROM || mapping->via_port == host->port;
}

/* Caller holds the lock. Returns false if another form of it is in use. */
static bool note_form(struct sipalg_mapping *mapping, const struct sip_msg *msg,
		      const struct sip_host *host, bool public)
{
	enum sipalg_form_kind kind = form_kind(host->field);
	struct sipalg_form form;
	bool told = true;

	sipalg_form_read(&form, msg, host, public);
	if (!public) {
		WRITE_ONCE(mapping->fields, mapping->fields | 1u << host->field);
		mapping->text_len = form.len ?: mapping->text_len;
		memcpy(mapping->text, form.text, form.len);
	}
	if (kind < SIPALG_FORM_MAX)
		told = take_form(mapping, kind, &form);
	if (is_uri_of_phone(mapping, host->field))
		note_uri(mapping, host, &form);
	changed(mapping);
	return told;
}

bool sipalg_mapping_note_locked(struct sipalg_mapping *mapping,
				const struct sip_msg *msg,
				const struct sip_host *host, bool public)
{
	if (public || !is_noted(mapping, msg, host))
		return note_form(mapping, msg, host, public);
	mapping->form_used[form_kind(host->field)] = get_jiffies_64();
	return true;
}

void sipalg_mapping_noted(struct sipalg_mapping *mapping)
{
	prolong(mapping, sipalg_64_t1(mapping->sn));
}

void sipalg_mapping_note(struct sipalg_mapping *mapping,
			 const struct sip_msg *msg, const struct sip_host *host)
{
	spin_lock_bh(&mapping->lock);
	sipalg_mapping_note_locked(mapping, msg, host, false);
	sipalg_mapping_noted(mapping);
	spin_unlock_bh(&mapping->lock);
}

void sipalg_mapping_form(struct sipalg_mapping *mapping, u8 field, bool request,
			 struct sipalg_form *form)
{
	enum sipalg_form_kind kind = form_kind(field);

	spin_lock_bh(&mapping->lock);
	if (kind == SIPALG_FORM_MAX || (request && kind == SIPALG_FORM_CONTACT) ||
	    (kind != SIPALG_FORM_VIA && kind != SIPALG_FORM_FROM &&
	     !mapping->form[kind].len))
		kind = SIPALG_FORM_TARGET;
	*form = mapping->form[kind];
	if (!form->len && !form->port)	/* resumed: the ports alone are known */
		form->port = kind == SIPALG_FORM_VIA ? mapping->via_port :
						       mapping->uri_port;
	spin_unlock_bh(&mapping->lock);
}

void sipalg_mapping_keep(struct sipalg_mapping *mapping, unsigned long time)
{
	spin_lock_bh(&mapping->lock);
	prolong(mapping, time);
	spin_unlock_bh(&mapping->lock);
}

bool sipalg_mapping_use(struct sipalg_mapping *mapping)
{
	bool alive;

	spin_lock_bh(&mapping->lock);
	alive = !mapping->dead;
	if (alive) {
		atomic_inc(&mapping->users);
		refcount_inc(&mapping->refs);
	}
	spin_unlock_bh(&mapping->lock);
	return alive;
}

void sipalg_mapping_unuse(struct sipalg_mapping *mapping)
{
	atomic_dec(&mapping->users);
	sipalg_mapping_put(mapping);
}

/* The next mapping that has not gone meanwhile, with a reference, or NULL. */
static struct sipalg_mapping *next_mapping(struct rhashtable_iter *iter)
{
	struct sipalg_mapping *mapping;

	do {
		mapping = rhashtable_walk_next(iter);
	} while (mapping && (IS_ERR(mapping) ||
			     !refcount_inc_not_zero(&mapping->refs)));
	return mapping;
}

struct sipalg_mapping *sipalg_mapping_keyed(struct sipalg_net *sn,
					    const void *key, int len)
{
	struct sipalg_mapping *named = kzalloc(sizeof(*named), GFP_ATOMIC);
	struct sipalg_mapping *mapping = NULL;
	struct lookup lookup;

	if (named && sipalg_mapping_read_key(named, key, len)) {
		lookup = lookup_of(named);
		mapping = rhashtable_lookup(&sn->mappings_public, &lookup,
					    public_params);
	}
	kfree(named);
	return mapping;
}

/* What another router knows of it. Caller holds the lock. */
static void take_over(struct sipalg_mapping *mapping,
		      const struct sipalg_mapping *from)
{
	mapping->times = from->times;
	mapping->words = from->words;
	mapping->shorts = from->shorts;
	mapping->bytes = from->bytes;
	memcpy(mapping->spelling, from->spelling, sizeof(mapping->spelling));
	memcpy(mapping->form, from->form, sizeof(mapping->form));
}

/* Nobody is refused here what another router has given him. */
static void hold_given(struct sipalg_mapping *mapping)
{
	if (!mapping->guest &&
	    sipalg_is_media_port(mapping->sn, ntohs(mapping->public.addr.port)) &&
	    !key_equal(&mapping->public, &mapping->private))
		mapping->holder = sipalg_quota_take(mapping->sn,
						    mapping->public.family,
						    &mapping->private.addr.ip,
						    SIPALG_QUOTA_PORTS);
}

static struct sipalg_mapping *mapping_new(const struct sipalg_flow *flow,
					  const struct sipalg_mapping *from)
{
	const struct sipalg_addr *public = &from->public.addr;
	struct sipalg_mapping *mapping;
	int err;

	mapping = mapping_alloc(flow, &from->private.addr, public);
	if (!mapping)
		return NULL;
	take_over(mapping, from);
	if (!sipalg_ip_equal(&public->ip, &from->private.addr.ip)) {
		mapping->face = sipalg_face_get(flow, &public->ip);
		if (!mapping->face) {
			sipalg_mapping_put(mapping);
			return NULL;
		}
	}
	hold_given(mapping);
	spin_lock_bh(&mapping->lock);
	err = insert(flow->sn, mapping);
	spin_unlock_bh(&mapping->lock);
	if (!err)
		return mapping;
	give_port(mapping);
	sipalg_mapping_put(mapping);
	return NULL;
}

struct sipalg_mapping *sipalg_mapping_restore(const struct sipalg_flow *flow,
					      const struct sipalg_mapping *from)
{
	struct sipalg_mapping *mapping =
		sipalg_mapping_find(flow, &from->public.addr,
				    &from->private.addr.ip);

	if (!mapping)
		return mapping_new(flow, from);
	spin_lock_bh(&mapping->lock);
	take_over(mapping, from);
	spin_unlock_bh(&mapping->lock);
	return mapping;
}

void sipalg_mappings_each(struct sipalg_net *sn,
			  void (*what)(struct sipalg_mapping *mapping))
{
	struct sipalg_mapping *mapping;
	struct rhashtable_iter iter;

	rhashtable_walk_enter(&sn->mappings_public, &iter);
	rhashtable_walk_start(&iter);
	while ((mapping = next_mapping(&iter))) {
		rhashtable_walk_stop(&iter);
		rcu_read_lock();
		local_bh_disable();
		what(mapping);
		local_bh_enable();
		rcu_read_unlock();
		sipalg_mapping_put(mapping);
		cond_resched();
		rhashtable_walk_start(&iter);
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
}

void sipalg_mappings_settings(struct sipalg_net *sn)
{
	struct sipalg_mapping *mapping;
	struct rhashtable_iter iter;

	rhashtable_walk_enter(&sn->mappings_public, &iter);
	rhashtable_walk_start(&iter);
	while ((mapping = next_mapping(&iter))) {
		sipalg_registration_settings(mapping);
		sipalg_mapping_put(mapping);
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
}

int sipalg_mappings_init(struct sipalg_net *sn)
{
	int err = rhashtable_init(&sn->mappings_public, &public_params);

	if (err)
		return err;
	err = rhltable_init(&sn->mappings_face, &face_params);
	if (err)
		goto err_public;
	err = rhltable_init(&sn->mappings_private, &private_params);
	if (err)
		goto err_face;
	err = sipalg_registrations_init(sn);
	if (err)
		goto err_private;
	return 0;

err_private:
	rhltable_destroy(&sn->mappings_private);
err_face:
	rhltable_destroy(&sn->mappings_face);
err_public:
	rhashtable_destroy(&sn->mappings_public);
	return err;
}

static void mapping_free(void *ptr, void *arg)
{
	struct sipalg_mapping *mapping = ptr;

	if (timer_delete_sync(&mapping->timer))
		sipalg_mapping_put(mapping);
	spin_lock_bh(&mapping->lock);
	mapping->dead = true;
	sipalg_registration_forget(mapping);
	spin_unlock_bh(&mapping->lock);
	atomic_dec(&mapping->sn->mapping_count);
	give_port(mapping);
	sipalg_mapping_put(mapping);
}

void sipalg_mappings_exit(struct sipalg_net *sn)
{
	rhltable_destroy(&sn->mappings_private);
	rhltable_destroy(&sn->mappings_face);
	rhashtable_free_and_destroy(&sn->mappings_public, mapping_free, NULL);
	sipalg_registrations_exit(sn);
}
