// SPDX-License-Identifier: GPL-2.0-only
/* A table of addresses with calls or ports; an entry lives as long as it has one. */
#include <linux/err.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include "net.h"
#include "source.h"

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
	atomic_t users;
	atomic_t calls;
	atomic_t pairs;
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
	atomic_set(&source->users, 1);
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

static void source_put(struct sipalg_source *source)
{
	struct sipalg_net *sn = source->sn;

	if (!atomic_dec_and_test(&source->users))
		return;
	source_unlink(source);
	atomic_long_sub(sizeof(*source), &sn->memory);
	kfree_rcu(source, rcu);
}

/* The entry of an address, used once more; NULL: no memory. */
static struct sipalg_source *source_get(struct sipalg_net *sn, u8 family,
					const union nf_inet_addr *ip)
{
	struct source_key key = { .ip = *ip, .family = family };
	struct sipalg_source *source;
	unsigned int try;

	/* Another CPU may be making the same entry, or forgetting it. */
	for (try = 0; try < TRIES; try++) {
		source = rhashtable_lookup(&sn->sources, &key, source_params);
		if (source && atomic_inc_not_zero(&source->users))
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

/* One more, but never more than so many, whatever other CPUs do meanwhile. */
static bool count_up(atomic_t *count, int most)
{
	int have = atomic_read(count);

	do {
		if (have >= most)
			return false;
	} while (!atomic_try_cmpxchg(count, &have, have + 1));
	return true;
}

struct sipalg_source *sipalg_source_take(struct sipalg_net *sn, u8 family,
					 const union nf_inet_addr *ip)
{
	u32 most = sipalg_setting(sn, SIPALG_MAX_CALLS_PER_SOURCE);
	struct sipalg_source *source = source_get(sn, family, ip);

	if (!source)
		return NULL;
	if (count_up(&source->calls, most))
		return source;
	source_put(source);
	return NULL;
}

void sipalg_source_give(struct sipalg_source *source)
{
	atomic_dec(&source->calls);
	source_put(source);
}

static u32 most_pairs(const struct sipalg_net *sn)
{
	u32 range = sipalg_setting(sn, SIPALG_MEDIA_PORTS);
	u32 pairs = ((range & 0xffff) - (range >> 16) + 1) / 2;
	u32 calls = sipalg_setting(sn, SIPALG_MAX_CALLS);
	u32 own = sipalg_setting(sn, SIPALG_MAX_CALLS_PER_SOURCE);

	if (own >= calls)
		return pairs;
	if (pairs >= FEW_PAIRS)
		pairs -= pairs / 4;
	return min(pairs, 2 * own);
}

struct sipalg_source *sipalg_source_take_pair(struct sipalg_net *sn, u8 family,
					      const union nf_inet_addr *ip,
					      struct sipalg_source *likely)
{
	struct sipalg_source *source = likely;

	if (likely && likely->key.family == family &&
	    sipalg_ip_equal(&likely->key.ip, ip))
		atomic_inc(&likely->users);
	else
		source = source_get(sn, family, ip);
	if (!source)
		return NULL;
	if (count_up(&source->pairs, most_pairs(sn)))
		return source;
	source_put(source);
	return NULL;
}

void sipalg_source_give_pair(struct sipalg_source *source)
{
	if (!source)
		return;
	atomic_dec(&source->pairs);
	source_put(source);
}

int sipalg_sources_init(struct sipalg_net *sn)
{
	return rhashtable_init(&sn->sources, &source_params);
}

void sipalg_sources_exit(struct sipalg_net *sn)
{
	rhashtable_destroy(&sn->sources);
}
