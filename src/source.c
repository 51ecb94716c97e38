// SPDX-License-Identifier: GPL-2.0-only
/* A table of addresses that hold something; an entry lives as long as they do. */
#include <linux/err.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include "net.h"
#include "source.h"
#include "tcp_debt.h"

#define TRIES		8	/* each time another CPU has got on with its own */
#define FEW_PAIRS	32	/* of fewer nothing is kept back for others */

struct source_key {
	union nf_inet_addr ip;
	u32 family;
};

struct sipalg_source {
	struct rhash_head node;
	struct source_key key;
	struct sipalg_net *sn;
	struct rcu_head rcu;
	refcount_t users;
	atomic_t has[SIPALG_SHARES];
};

static const struct rhashtable_params source_params = {
	.head_offset = offsetof(struct sipalg_source, node),
	.key_offset = offsetof(struct sipalg_source, key),
	.key_len = sizeof(struct source_key),
	.automatic_shrinking = true,
};

static struct sipalg_source *source_make(struct sipalg_net *sn,
					 const struct source_key *key)
{
	struct sipalg_source *source = kzalloc(sizeof(*source), GFP_ATOMIC);
	int err;

	if (!source)
		return ERR_PTR(-ENOMEM);
	source->key = *key;
	source->sn = sn;
	refcount_set(&source->users, 1);
	err = rhashtable_lookup_insert_fast(&sn->sources, &source->node,
					    source_params);
	if (err) {
		kfree(source);
		return ERR_PTR(err);
	}
	atomic_long_add(sizeof(*source), &sn->memory);
	return source;
}

static void source_unlink(struct sipalg_source *source)
{
	rhashtable_remove_fast(&source->sn->sources, &source->node,
			       source_params);
}

void sipalg_source_unuse(struct sipalg_source *source)
{
	struct sipalg_net *sn = source->sn;

	if (!refcount_dec_and_test(&source->users))
		return;
	source_unlink(source);
	atomic_long_sub(sizeof(*source), &sn->memory);
	kfree_rcu(source, rcu);
}

struct sipalg_source *sipalg_source_use(struct sipalg_net *sn, u8 family,
					const union nf_inet_addr *ip)
{
	struct source_key key = { .ip = *ip, .family = family };
	struct sipalg_source *source;
	unsigned int try;

	/* Another CPU may be making the same entry, or forgetting it. */
	for (try = 0; try < TRIES; try++) {
		source = rhashtable_lookup(&sn->sources, &key, source_params);
		if (source && refcount_inc_not_zero(&source->users))
			return source;
		/* whoever used it last may be kept from taking it out */
		if (source)
			source_unlink(source);
		source = source_make(sn, &key);
		if (!IS_ERR(source))
			return source;
		if (PTR_ERR(source) != -EEXIST)
			break;
	}
	return NULL;
}

static u32 most_pairs(const struct sipalg_net *sn)
{
	const struct sipalg_port_range range = sipalg_media_ports(sn);
	u32 pairs = (range.high - range.low + 1) / 2;
	u32 calls = sipalg_setting(sn, SIPALG_MAX_CALLS);
	u32 own = sipalg_setting(sn, SIPALG_MAX_CALLS_PER_SOURCE);

	if (own >= calls)
		return pairs;
	if (pairs >= FEW_PAIRS)
		pairs -= pairs / 4;
	return min(pairs, 2 * own);
}

static u32 most(const struct sipalg_net *sn, enum sipalg_share share)
{
	switch (share) {
	case SIPALG_SHARE_CALLS:
		return sipalg_setting(sn, SIPALG_MAX_CALLS_PER_SOURCE);
	case SIPALG_SHARE_PAIRS:
		return most_pairs(sn);
	case SIPALG_SHARE_GATES:
		return SIPALG_MAX_GATES / 4;
	default:
		return SIPALG_MAX_DEBT / 4;
	}
}

/* Never more than its share, whatever other CPUs do meanwhile. */
bool sipalg_source_charge(struct sipalg_source *source,
			  enum sipalg_share share, u32 count)
{
	int limit = most(source->sn, share);
	int has = atomic_read(&source->has[share]);

	do {
		if (has + (int)count > limit)
			return false;
	} while (!atomic_try_cmpxchg(&source->has[share], &has, has + count));
	return true;
}

void sipalg_source_discharge(struct sipalg_source *source,
			     enum sipalg_share share, u32 count)
{
	atomic_sub(count, &source->has[share]);
}

struct sipalg_source *sipalg_source_take(struct sipalg_net *sn, u8 family,
					 const union nf_inet_addr *ip,
					 struct sipalg_source *likely,
					 enum sipalg_share share)
{
	struct sipalg_source *source = likely;

	if (likely && likely->key.family == family &&
	    sipalg_ip_equal(&likely->key.ip, ip))
		refcount_inc(&likely->users);
	else
		source = sipalg_source_use(sn, family, ip);
	if (!source)
		return NULL;
	if (sipalg_source_charge(source, share, 1))
		return source;
	sipalg_source_unuse(source);
	return NULL;
}

struct sipalg_source *sipalg_source_take_more(struct sipalg_source *source,
					      enum sipalg_share share)
{
	return sipalg_source_take(source->sn, source->key.family,
				  &source->key.ip, source, share);
}

void sipalg_source_give(struct sipalg_source *source, enum sipalg_share share)
{
	if (!source)
		return;
	sipalg_source_discharge(source, share, 1);
	sipalg_source_unuse(source);
}

int sipalg_sources_init(struct sipalg_net *sn)
{
	return rhashtable_init(&sn->sources, &source_params);
}

void sipalg_sources_exit(struct sipalg_net *sn)
{
	rhashtable_destroy(&sn->sources);
}
