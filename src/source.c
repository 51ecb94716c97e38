// SPDX-License-Identifier: GPL-2.0-only
/* A table of addresses with calls; an entry lives as long as it has one. */
#include <linux/refcount.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include "net.h"
#include "source.h"

struct source_key {
	union nf_inet_addr ip;
	u32 family;
};

struct sipalg_source {
	struct rhash_head node;
	struct source_key key;
	struct sipalg_net *sn;
	struct rcu_head rcu;
	refcount_t calls;
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

	if (!source)
		return NULL;
	source->key = *key;
	source->sn = sn;
	refcount_set(&source->calls, 1);
	if (rhashtable_lookup_insert_fast(&sn->sources, &source->node,
					  source_params)) {
		kfree(source);
		return NULL;
	}
	atomic_long_add(sizeof(*source), &sn->memory);
	return source;
}

struct sipalg_source *sipalg_source_take(struct sipalg_net *sn, u8 family,
					 const union nf_inet_addr *ip)
{
	u32 most = sipalg_setting(sn, SIPALG_MAX_CALLS_PER_SOURCE);
	struct source_key key = { .ip = *ip, .family = family };
	struct sipalg_source *source;

	source = rhashtable_lookup(&sn->sources, &key, source_params);
	if (!source)
		return source_make(sn, &key);
	if (refcount_read(&source->calls) >= most ||
	    !refcount_inc_not_zero(&source->calls))
		return NULL;
	return source;
}

void sipalg_source_give(struct sipalg_source *source)
{
	struct sipalg_net *sn = source->sn;

	if (!refcount_dec_and_test(&source->calls))
		return;
	rhashtable_remove_fast(&sn->sources, &source->node, source_params);
	atomic_long_sub(sizeof(*source), &sn->memory);
	kfree_rcu(source, rcu);
}

int sipalg_sources_init(struct sipalg_net *sn)
{
	return rhashtable_init(&sn->sources, &source_params);
}

void sipalg_sources_exit(struct sipalg_net *sn)
{
	rhashtable_destroy(&sn->sources);
}
