// SPDX-License-Identifier: GPL-2.0-only
/* A table of addresses with calls; an entry lives as long as it has one. */
#include <linux/err.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include "net.h"
#include "source.h"

#define TRIES	8	/* each time another CPU has got on with its own */

struct source_key {
	union nf_inet_addr ip;
	u32 family;
};

struct sipalg_source {
	struct rhash_head node;
	struct source_key key;
	struct sipalg_net *sn;
	struct rcu_head rcu;
	atomic_t calls;
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
	atomic_set(&source->calls, 1);
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

/* Return: 0; -EMFILE: it has its share; -EAGAIN: it was being forgotten. */
static int source_add(struct sipalg_source *source, int most)
{
	int calls = atomic_read(&source->calls);

	do {
		if (!calls) {
			/* whoever gave the last share may be kept from it */
			source_unlink(source);
			return -EAGAIN;
		}
		if (calls >= most)
			return -EMFILE;
	} while (!atomic_try_cmpxchg(&source->calls, &calls, calls + 1));
	return 0;
}

struct sipalg_source *sipalg_source_take(struct sipalg_net *sn, u8 family,
					 const union nf_inet_addr *ip)
{
	u32 most = sipalg_setting(sn, SIPALG_MAX_CALLS_PER_SOURCE);
	struct source_key key = { .ip = *ip, .family = family };
	struct sipalg_source *source;
	unsigned int try;
	int err;

	/* Another CPU may be making the same entry, or forgetting it. */
	for (try = 0; try < TRIES; try++) {
		source = rhashtable_lookup(&sn->sources, &key, source_params);
		if (source) {
			err = source_add(source, most);
		} else {
			source = source_make(sn, &key);
			err = PTR_ERR_OR_ZERO(source);
		}
		if (!err)
			return source;
		if (err != -EAGAIN && err != -EEXIST)
			return NULL;
	}
	return NULL;
}

void sipalg_source_give(struct sipalg_source *source)
{
	struct sipalg_net *sn = source->sn;

	if (!atomic_dec_and_test(&source->calls))
		return;
	source_unlink(source);
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
