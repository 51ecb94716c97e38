// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of bindings. Readers hold RCU; a binding's own lock guards what
 * changes. Its timer is the only one that takes a binding out of the tables
 * while the namespace lives.
 */
#include <linux/jhash.h>
#include <linux/rhashtable.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include "binding.h"
#include "compat.h"
#include "net.h"
#include "pinhole.h"
#include "registration.h"
#include "source.h"
#include "wheel.h"

/* What lookups by public address compare: the key, and what they want more. */
struct lookup {
	struct sipalg_binding_key key;
	const union nf_inet_addr *inside;
	const struct sipalg_addr *registrar;
};

static u32 hash_key(const void *data, u32 len, u32 seed)
{
	const struct sipalg_binding_key *key = data;
	u32 rest = (__force u32)key->addr.port << 16 | key->family << 8 |
		   key->l4proto;

	return jhash2(key->addr.ip.all, ARRAY_SIZE(key->addr.ip.all),
		      seed ^ rest);
}

static bool key_equal(const struct sipalg_binding_key *a,
		      const struct sipalg_binding_key *b)
{
	return sipalg_addr_equal(&a->addr, &b->addr) &&
	       a->family == b->family && a->l4proto == b->l4proto;
}

static u32 hash_object(const void *data, u32 len, u32 seed)
{
	const struct sipalg_binding *binding = data;

	return hash_key(&binding->public, len, seed);
}

static int compare_face(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct sipalg_binding *binding = obj;

	return !key_equal(&binding->public, arg->key);
}

static int compare_host(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct sipalg_binding *binding = obj;
	const struct lookup *lookup = arg->key;

	return compare_face(arg, obj) ||
	       !sipalg_ip_equal(&binding->private.addr.ip, lookup->inside);
}

/* Read without its lock: whoever finds one looks again. */
static int compare_rival(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct sipalg_binding *binding = obj;
	const struct lookup *lookup = arg->key;

	return compare_face(arg, obj) || !READ_ONCE(binding->registered) ||
	       sipalg_ip_equal(&binding->private.addr.ip, lookup->inside) ||
	       !sipalg_registration_is_at(binding, lookup->registrar);
}

#define PUBLIC_PARAMS(_compare) {					\
	.head_offset = offsetof(struct sipalg_binding, public_node),	\
	.hashfn = hash_key,						\
	.obj_hashfn = hash_object,					\
	.obj_cmpfn = _compare,						\
	.automatic_shrinking = true }

/* One table, in which a binding is wanted by one thing or another. */
static const struct rhashtable_params public_params =
	PUBLIC_PARAMS(compare_host);
static const struct rhashtable_params face_params =
	PUBLIC_PARAMS(compare_face);
static const struct rhashtable_params rival_params =
	PUBLIC_PARAMS(compare_rival);

static int compare_private(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct sipalg_binding *binding = obj;

	return !key_equal(&binding->private, arg->key);
}

static const struct rhashtable_params private_params = {
	.head_offset = offsetof(struct sipalg_binding, private_node),
	.key_offset = offsetof(struct sipalg_binding, private),
	.key_len = sizeof(struct sipalg_binding_key),
	.hashfn = hash_key,
	.obj_cmpfn = compare_private,
	.automatic_shrinking = true,
};

static struct sipalg_binding_key make_key(u8 family, u8 l4proto,
					  const struct sipalg_addr *addr)
{
	return (struct sipalg_binding_key){
		.addr = *addr,
		.family = family,
		.l4proto = l4proto,
	};
}

/*
 * A port in Contact that a phone does not send from is one less for all others,
 * so a host has but so many, those it names of its neighbours among them.
 * Hosts that share a counter cannot be aimed at.
 */
#define MOST_OWN_PORTS	64

static bool take_port(struct sipalg_binding *binding,
		      const union nf_inet_addr *namer)
{
	struct sipalg_net *sn = binding->sn;
	u64 hash = siphash(namer, sizeof(*namer), &sn->key);
	atomic_t *count = &sn->own_ports[hash >> (64 - SIPALG_OWN_PORTS_BITS)];

	if (atomic_inc_return(count) > MOST_OWN_PORTS) {
		atomic_dec(count);
		return false;
	}
	binding->own_port = count;
	return true;
}

static void give_port(struct sipalg_binding *binding)
{
	if (binding->own_port)
		atomic_dec(binding->own_port);
	binding->own_port = NULL;
	sipalg_source_give(binding->holder, SIPALG_SHARE_PAIRS);
	binding->holder = NULL;
}

/* What media would have taken is shared with media. */
static void hold_port(struct sipalg_binding *binding,
		      const union nf_inet_addr *namer)
{
	if (!sipalg_is_media_port(binding->sn, ntohs(binding->public.addr.port)) ||
	    key_equal(&binding->public, &binding->private))
		return;
	binding->holder = sipalg_source_take(binding->sn,
					     binding->public.family, namer,
					     NULL, SIPALG_SHARE_PAIRS);
	binding->guest = !binding->holder;
}

static void binding_put(struct sipalg_binding *binding)
{
	if (refcount_dec_and_test(&binding->refs)) {
		atomic_long_sub(sizeof(*binding), &binding->sn->memory);
		kfree_rcu(binding, rcu);
	}
}

/* Caller holds the lock. An armed timer holds a reference. */
static void arm(struct sipalg_binding *binding, unsigned long when)
{
	if (!mod_timer(&binding->timer, sipalg_wheel_step(when)))
		refcount_inc(&binding->refs);
}

void sipalg_binding_wake(struct sipalg_binding *binding, unsigned long when)
{
	if (!READ_ONCE(binding->sn->dying) &&
	    !sipalg_wheel_hasten(&binding->timer, when))
		refcount_inc(&binding->refs);
}

static void unlink_tables(struct sipalg_binding *binding)
{
	struct sipalg_net *sn = binding->sn;

	rhashtable_remove_fast(&sn->bindings_public, &binding->public_node,
			       public_params);
	rhltable_remove(&sn->bindings_private, &binding->private_node,
			private_params);
	atomic_dec(&sn->binding_count);
	give_port(binding);
}

static void binding_expired(struct timer_list *timer)
{
	struct sipalg_binding *binding =
		timer_container_of(binding, timer, timer);
	struct sipalg_net *sn = binding->sn;
	unsigned long next;
	bool ended = false;
	bool kept;

	spin_lock(&binding->lock);
	kept = sipalg_registration_lapse(binding, &next);

	if (!binding->dead && !READ_ONCE(sn->dying)) {
		if (kept)
			arm(binding, next);
		else if (time_before(jiffies, binding->expires))
			arm(binding, binding->expires);
		else if (atomic_read(&binding->users))
			arm(binding, jiffies + sipalg_64_t1(sn));
		else
			ended = true;
		binding->dead |= ended;
	}
	spin_unlock(&binding->lock);

	if (ended) {
		unlink_tables(binding);
		binding_put(binding);	/* the table's */
	}
	binding_put(binding);		/* the timer's */
}

/*
 * Another inside host speaks to the registrar from this public address now:
 * conntrack gave the port away after the old owner's flow had ended, and
 * conntrack is right. With other registrars the old owner may still be the one.
 */
static void lose_address(struct sipalg_binding *binding,
			 const struct sipalg_addr *registrar)
{
	bool ended;

	spin_lock_bh(&binding->lock);
	ended = !binding->dead &&
		sipalg_registration_lose(binding, registrar) &&
		!binding->registered;
	if (ended) {
		binding->dead = true;
		sipalg_registration_forget(binding);
	}
	spin_unlock_bh(&binding->lock);
	if (!ended)
		return;

	/* what is in no table nobody stops when the namespace goes */
	if (timer_delete(&binding->timer))
		binding_put(binding);	/* the timer's */
	unlink_tables(binding);
	binding_put(binding);		/* the table's */
}

struct sipalg_binding *sipalg_binding_at(struct sipalg_net *sn, u8 family,
					 u8 l4proto,
					 const struct sipalg_addr *addr)
{
	struct sipalg_binding_key key = make_key(family, l4proto, addr);

	return rhashtable_lookup(&sn->bindings_public, &key, face_params);
}

struct sipalg_binding *sipalg_binding_find(const struct sipalg_flow *flow,
					   const struct sipalg_addr *addr,
					   const union nf_inet_addr *inside)
{
	const struct lookup lookup = {
		.key = make_key(flow->family, flow->l4proto, addr),
		.inside = inside,
	};

	return rhashtable_lookup(&flow->sn->bindings_public, &lookup,
				 public_params);
}

void sipalg_binding_oust(const struct sipalg_flow *flow,
			 const struct sipalg_addr *addr,
			 const union nf_inet_addr *inside,
			 const struct sipalg_addr *peer)
{
	const struct lookup lookup = {
		.key = make_key(flow->family, flow->l4proto, addr),
		.inside = inside,
		.registrar = peer,
	};
	struct sipalg_binding *rival;

	rival = rhashtable_lookup(&flow->sn->bindings_public, &lookup,
				  rival_params);
	if (rival)
		lose_address(rival, peer);
}

struct sipalg_binding *
sipalg_binding_find_inside(const struct sipalg_flow *flow,
			   const struct sipalg_addr *addr,
			   const union nf_inet_addr *seen)
{
	struct sipalg_binding_key key = make_key(flow->family, flow->l4proto,
						 addr);
	struct rhlist_head *list, *pos;
	struct sipalg_binding *binding;

	list = rhltable_lookup(&flow->sn->bindings_private, &key,
			       private_params);
	rhl_for_each_entry_rcu(binding, pos, list, private_node)
		if (sipalg_ip_equal(&binding->public.addr.ip, seen))
			return binding;
	return NULL;
}

static struct sipalg_binding *
binding_alloc(const struct sipalg_flow *flow,
	      const struct sipalg_addr *private,
	      const struct sipalg_addr *public)
{
	struct sipalg_binding *binding = kzalloc(sizeof(*binding), GFP_ATOMIC);

	if (!binding)
		return NULL;
	binding->sn = flow->sn;
	binding->private = make_key(flow->family, flow->l4proto, private);
	binding->public = make_key(flow->family, flow->l4proto, public);
	binding->expires = jiffies;
	refcount_set(&binding->refs, 1);
	spin_lock_init(&binding->lock);
	timer_setup(&binding->timer, binding_expired, 0);
	atomic_long_add(sizeof(*binding), &flow->sn->memory);
	return binding;
}

/* Caller holds the lock: who finds it meanwhile waits if it is to stay. */
static int insert(struct sipalg_net *sn, struct sipalg_binding *binding)
{
	const struct lookup lookup = {
		.key = binding->public,
		.inside = &binding->private.addr.ip,
	};
	int err;

	err = rhltable_insert(&sn->bindings_private, &binding->private_node,
			      private_params);
	if (err)
		return err;
	err = rhashtable_lookup_insert_key(&sn->bindings_public, &lookup,
					   &binding->public_node,
					   public_params);
	if (err) {
		binding->dead = true;
		rhltable_remove(&sn->bindings_private, &binding->private_node,
				private_params);
		return err;
	}
	atomic_inc(&sn->binding_count);
	arm(binding, jiffies + sipalg_64_t1(sn));
	return 0;
}

struct sipalg_binding *sipalg_binding_make(const struct sipalg_flow *flow,
					   const struct sipalg_addr *private,
					   const struct sipalg_addr *public)
{
	struct sipalg_net *sn = flow->sn;
	struct sipalg_binding *binding;
	int err;

	binding = sipalg_binding_find(flow, public, &private->ip);
	if (binding)
		return binding;
	if (READ_ONCE(sn->dying))
		return NULL;
	sipalg_binding_oust(flow, public, &private->ip, &flow->dst_real);

	binding = binding_alloc(flow, private, public);
	if (!binding)
		return NULL;
	if (!sipalg_addr_equal(public, &flow->src_seen) &&
	    !take_port(binding, &flow->src.ip)) {
		binding_put(binding);
		return NULL;
	}
	hold_port(binding, &flow->src.ip);
	spin_lock_bh(&binding->lock);
	err = insert(sn, binding);
	spin_unlock_bh(&binding->lock);
	if (!err)
		return binding;
	give_port(binding);
	binding_put(binding);
	/* another CPU was faster */
	return err == -EEXIST ?
	       sipalg_binding_find(flow, public, &private->ip) : NULL;
}

/* Where the phone says in a URI that it can be reached, Contact before others. */
static bool is_uri_of_phone(const struct sipalg_binding *binding, u8 place)
{
	switch (place) {
	case SIP_AT_CONTACT:
		return true;
	case SIP_AT_ROUTE:
	case SIP_AT_RECORD_ROUTE:
	case SIP_AT_PATH:
	case SIP_AT_SERVICE_ROUTE:
	case SIP_AT_REFER_TO:
		return !(binding->places & 1u << SIP_AT_CONTACT);
	default:
		return false;
	}
}

static void note_uri(struct sipalg_binding *binding,
		     const struct sip_host *host)
{
	binding->uri_port = host->port;
	binding->uri_secure = host->secure;
}

/* Caller holds the lock. */
static void prolong(struct sipalg_binding *binding, unsigned long time)
{
	unsigned long until = jiffies + time;

	if (!binding->dead && time_after(until, binding->expires))
		binding->expires = until;
}

/* Without rport answers go to the port in Via, wherever the request came from. */
static u16 sent_by(const struct sipalg_binding *binding,
		   const struct sip_msg *msg, const struct sip_host *host)
{
	u16 port = sip_host_port(host);

	if (msg->rport || binding->private.l4proto != IPPROTO_UDP ||
	    port < SIPALG_LOWEST_PORT || htons(port) == binding->private.addr.port)
		return 0;
	return port;
}

static void note_via(struct sipalg_binding *binding, const struct sip_msg *msg,
		     const struct sip_host *host)
{
	binding->via_port = host->port;
	if (!host->value)
		binding->sent_by = sent_by(binding, msg, host);
}

void sipalg_binding_note(struct sipalg_binding *binding,
			 const struct sip_msg *msg, const struct sip_host *host)
{
	spin_lock_bh(&binding->lock);
	binding->places |= 1u << host->place;
	if (host->place == SIP_AT_VIA)
		note_via(binding, msg, host);
	else if (is_uri_of_phone(binding, host->place))
		note_uri(binding, host);
	if (host->host.len <= SIPALG_BINDING_TEXT) {
		binding->text_len = host->host.len;
		memcpy(binding->text, sip_span_ptr(msg, host->host),
		       host->host.len);
	}
	prolong(binding, sipalg_64_t1(binding->sn));
	spin_unlock_bh(&binding->lock);
}

void sipalg_binding_keep(struct sipalg_binding *binding, unsigned long time)
{
	spin_lock_bh(&binding->lock);
	prolong(binding, time);
	spin_unlock_bh(&binding->lock);
}

bool sipalg_binding_use(struct sipalg_binding *binding)
{
	bool alive;

	spin_lock_bh(&binding->lock);
	alive = !binding->dead;
	if (alive) {
		atomic_inc(&binding->users);
		refcount_inc(&binding->refs);
	}
	spin_unlock_bh(&binding->lock);
	return alive;
}

void sipalg_binding_unuse(struct sipalg_binding *binding)
{
	atomic_dec(&binding->users);
	binding_put(binding);
}

int sipalg_bindings_init(struct sipalg_net *sn)
{
	int err = rhashtable_init(&sn->bindings_public, &public_params);

	if (err)
		return err;
	err = rhltable_init(&sn->bindings_private, &private_params);
	if (err)
		rhashtable_destroy(&sn->bindings_public);
	return err;
}

static void binding_free(void *ptr, void *arg)
{
	struct sipalg_binding *binding = ptr;

	if (timer_delete_sync(&binding->timer))
		binding_put(binding);
	spin_lock_bh(&binding->lock);
	binding->dead = true;
	sipalg_registration_forget(binding);
	spin_unlock_bh(&binding->lock);
	atomic_dec(&binding->sn->binding_count);
	give_port(binding);
	binding_put(binding);
}

void sipalg_bindings_exit(struct sipalg_net *sn)
{
	rhltable_destroy(&sn->bindings_private);
	rhashtable_free_and_destroy(&sn->bindings_public, binding_free, NULL);
}
