// SPDX-License-Identifier: GPL-2.0-only
/* The table of shared_expects, each with a master and one expectation. */
#include <linux/siphash.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include "core/net.h"
#include "core/quota.h"
#include "nat/expect.h"
#include "nat/face.h"
#include "nat/mapping.h"
#include "nat/shared_expect.h"
#include "sip/prefix.h"

/**
 * struct sipalg_shared_expect - shared expectation; all but @users is constant
 * @node: in &sipalg_net.shared_expects
 * @rcu: frees it after the last connection it admitted is set up
 * @sn: the namespace
 * @key: what it admits
 * @real: translated destination
 * @face: by which the sender is seen, or NULL: it is not inside
 * @quota: of the host that opened it
 * @users: guarded by &sipalg_net.shared_expect_lock
 * @master: carries @exp
 * @exp: the expectation
 */
struct sipalg_shared_expect {
	struct hlist_node node;
	struct rcu_head rcu;
	struct sipalg_net *sn;
	struct sipalg_shared_expect_key key;
	struct sipalg_addr real;
	struct sipalg_face *face;
	struct sipalg_quota *quota;
	unsigned int users;
	struct nf_conn *master;
	struct nf_conntrack_expect *exp;
};

static struct hlist_head *bucket(struct sipalg_net *sn,
				 const struct sipalg_shared_expect_key *key)
{
	u32 hash = hsiphash(key, sizeof(*key), &sn->table_key);

	return &sn->shared_expects[hash >>
				   (32 - SIPALG_SHARED_EXPECT_HASH_BITS)];
}

/* Caller holds the lock. */
static struct sipalg_shared_expect *
find(struct sipalg_net *sn, const struct sipalg_shared_expect_key *key)
{
	struct sipalg_shared_expect *shared;

	hlist_for_each_entry(shared, bucket(sn, key), node)
		if (!memcmp(&shared->key, key, sizeof(*key)))
			return shared;
	return NULL;
}

static bool is_any(const union nf_inet_addr *src)
{
	static const union nf_inet_addr any;

	return sipalg_ip_equal(src, &any);
}

static int open_shared(struct sipalg_shared_expect *shared)
{
	struct nf_conn_help *help = nfct_help(shared->master);
	const struct sipalg_expect pinhole = {
		.class = SIPALG_CLASS_SIGNALLING,
		.family = shared->key.family,
		.l4proto = shared->key.l4proto,
		.zone = shared->key.zone,
		.src_ip = is_any(&shared->key.src) ? NULL : &shared->key.src,
		.dst = shared->key.dst,
		.real = shared->real,
		.helper = rcu_dereference(help->helper),
	};

	return sipalg_expect_open(shared->sn, shared->master, &pinhole,
				  &shared->exp);
}

static bool leads_inside(const struct sipalg_shared_expect *shared)
{
	return !sipalg_addr_equal(&shared->real, &shared->key.dst);
}

static void shared_expected(void *owner, struct nf_conn *ct,
			    struct nf_conntrack_expect *exp)
{
	const struct sipalg_shared_expect *shared = owner;

	if (leads_inside(shared))
		sipalg_expect_nat(ct, &shared->real, false);
}

/* The public face of an inside sender stays what the other side knows (H-12). */
static bool shared_face(void *owner, const struct nf_conn *ct,
			struct sipalg_addr *public)
{
	const struct sipalg_shared_expect *shared = owner;
	const struct nf_conntrack_tuple *tuple =
		&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	const struct sipalg_flow flow = {
		.sn = shared->sn,
		.family = shared->key.family,
		.l4proto = shared->key.l4proto,
		.zone = shared->key.zone,
	};
	const struct sipalg_addr sender = { tuple->src.u3, tuple->src.u.all };
	const struct sipalg_mapping *mapping;

	if (leads_inside(shared) || !shared->face)
		return false;
	mapping = sipalg_mapping_find_inside(&flow, &sender, &shared->face->ip);
	if (!mapping || sipalg_face_is_lost(mapping->face))
		return false;
	*public = mapping->public.addr;
	return true;
}

static const struct sipalg_expect_ops shared_ops = {
	.expected = shared_expected,
	.face = shared_face,
};

/* Caller holds the lock. */
static struct sipalg_shared_expect *
shared_alloc(const struct sipalg_flow *flow,
	     const struct sipalg_shared_expect_key *key,
	     const struct sipalg_addr *real, struct sipalg_face *face,
	     struct sipalg_quota *quota)
{
	struct sipalg_net *sn = flow->sn;
	struct sipalg_shared_expect *shared;

	if (sn->shared_expect_count >= SIPALG_MAX_SHARED_EXPECTS)
		return NULL;
	shared = kzalloc(sizeof(*shared), GFP_ATOMIC);
	if (!shared)
		return NULL;
	shared->sn = sn;
	memcpy(&shared->key, key, sizeof(*key));
	shared->real = *real;
	shared->users = 1;
	shared->quota = sipalg_quota_get_more(quota, SIPALG_QUOTA_EXPECTS);
	if (!shared->quota)
		goto err_shared;
	shared->master = sipalg_master_alloc(flow, &shared_ops, shared);
	if (!shared->master) {
		sipalg_master_error(sn);
		goto err_source;
	}
	if (open_shared(shared))
		goto err_master;

	shared->face = sipalg_face_hold(face);
	hlist_add_head(&shared->node, bucket(sn, key));
	sn->shared_expect_count++;
	atomic_long_add(sizeof(*shared), &sn->memory);
	return shared;

err_master:
	sipalg_master_release(shared->master);
err_source:
	sipalg_quota_put(shared->quota, SIPALG_QUOTA_EXPECTS);
err_shared:
	kfree_rcu(shared, rcu);
	return NULL;
}

/* A trunk's shared expectation may always have a user. Caller holds the lock. */
static void shared_hold(struct sipalg_shared_expect *shared)
{
	shared->users++;
	sipalg_expect_prolong(shared->sn, &shared->exp);
	if (!shared->exp)
		open_shared(shared);
}

static bool is_open(const struct nf_conntrack_expect *exp)
{
	return exp && !sipalg_expect_is_gone(exp);
}

static bool is_covered(const struct sipalg_shared_expect *shared,
		       const struct sipalg_expect *wider)
{
	u32 bits = wider->family == AF_INET ? 32 : 128;

	if (wider->src_ip && wider->src_len)
		bits = wider->src_len;
	return shared->key.family == wider->family &&
	       shared->key.l4proto == wider->l4proto &&
	       sipalg_addr_equal(&shared->key.dst, &wider->dst) &&
	       sipalg_addr_equal(&shared->real, &wider->real) &&
	       (!wider->src_ip ||
		sipalg_begins_alike(&shared->key.src, wider->src_ip, bits));
}

void sipalg_shared_expects_yield(struct sipalg_net *sn,
				 const struct sipalg_expect *wider)
{
	struct sipalg_shared_expect *shared;
	unsigned int i;

	spin_lock_bh(&sn->shared_expect_lock);
	for (i = 0; i < ARRAY_SIZE(sn->shared_expects); i++)
		hlist_for_each_entry(shared, &sn->shared_expects[i], node)
			if (is_covered(shared, wider))
				sipalg_expect_close(sn, &shared->exp);
	spin_unlock_bh(&sn->shared_expect_lock);
}

void sipalg_shared_expect_repair(struct sipalg_shared_expect *shared)
{
	struct sipalg_net *sn = shared->sn;

	if (is_open(READ_ONCE(shared->exp)))
		return;
	spin_lock_bh(&sn->shared_expect_lock);
	if (!is_open(shared->exp)) {
		sipalg_expect_close(sn, &shared->exp);
		open_shared(shared);
	}
	spin_unlock_bh(&sn->shared_expect_lock);
}

struct sipalg_shared_expect *
sipalg_shared_expect_get(const struct sipalg_flow *flow,
			 const struct sipalg_shared_expect_key *key,
			 const struct sipalg_addr *real,
			 struct sipalg_face *face, struct sipalg_quota *quota)
{
	struct sipalg_net *sn = flow->sn;
	struct sipalg_shared_expect *shared;

	spin_lock_bh(&sn->shared_expect_lock);
	shared = find(sn, key);
	if (!shared)
		shared = shared_alloc(flow, key, real, face, quota);
	else if (sipalg_addr_equal(&shared->real, real))
		shared_hold(shared);
	else
		shared = NULL;
	spin_unlock_bh(&sn->shared_expect_lock);
	return shared;
}

void sipalg_shared_expect_put(struct sipalg_shared_expect *shared)
{
	struct sipalg_net *sn = shared->sn;
	bool last;

	spin_lock_bh(&sn->shared_expect_lock);
	last = !--shared->users;
	if (last) {
		hlist_del(&shared->node);
		sn->shared_expect_count--;
		sipalg_expect_close(sn, &shared->exp);
		sipalg_master_release(shared->master);
		sipalg_quota_put(shared->quota, SIPALG_QUOTA_EXPECTS);
		atomic_long_sub(sizeof(*shared), &sn->memory);
	}
	spin_unlock_bh(&sn->shared_expect_lock);
	if (!last)
		return;
	sipalg_face_put(shared->face);
	kfree_rcu(shared, rcu);
}
