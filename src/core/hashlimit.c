// SPDX-License-Identifier: GPL-2.0-only
/* A set-associative table of counters. */
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "core/hashlimit.h"
#include "core/net.h"

#define BUCKET_BITS	11
#define PLACES		4	/* a cache line a bucket */
#define LOCKS		64

/* @since wraps after weeks: once in that time something old counts as new. */
struct slot {
	u64 key;
	u32 since;
	u32 count;
};

struct sipalg_hashlimit {
	/* each guards every 64th bucket */
	spinlock_t lock[LOCKS];
	struct slot slot[1 << BUCKET_BITS][PLACES];
};

struct sipalg_hashlimit *sipalg_hashlimit_alloc(void)
{
	struct sipalg_hashlimit *hashlimit = kvzalloc(sizeof(*hashlimit),
					      GFP_KERNEL | __GFP_NOWARN);
	unsigned int i;

	for (i = 0; hashlimit && i < LOCKS; i++)
		spin_lock_init(&hashlimit->lock[i]);
	return hashlimit;
}

void sipalg_hashlimit_swap(struct sipalg_net *sn,
			   struct sipalg_hashlimit *hashlimit)
{
	struct sipalg_hashlimit *old = rcu_replace_pointer(sn->hashlimit, hashlimit, true);

	if (hashlimit)
		atomic_long_add(sizeof(*hashlimit), &sn->memory);
	if (!old)
		return;
	synchronize_rcu();
	atomic_long_sub(sizeof(*old), &sn->memory);
	kvfree(old);
}

static struct slot *find(struct slot *bucket, u64 key)
{
	unsigned int i;

	for (i = 0; i < PLACES; i++)
		if (bucket[i].key == key)
			return &bucket[i];
	return NULL;
}

/* An empty one, which has no age: jiffies wrap five minutes after boot. */
static struct slot *oldest(struct slot *bucket)
{
	u32 now = (u32)jiffies;
	unsigned int i, best = 0;

	for (i = 0; i < PLACES; i++) {
		if (!bucket[i].count)
			return &bucket[i];
		if (now - bucket[i].since > now - bucket[best].since)
			best = i;
	}
	return &bucket[best];
}

u32 sipalg_hashlimit_hit(struct sipalg_net *sn, u64 key, u32 window)
{
	struct sipalg_hashlimit *hashlimit = rcu_dereference(sn->hashlimit);
	u32 bucket = hash_64(key, BUCKET_BITS), now = (u32)jiffies, count;
	struct slot *slot;

	if (!hashlimit)
		return 0;
	spin_lock(&hashlimit->lock[bucket % LOCKS]);
	slot = find(hashlimit->slot[bucket], key);
	if (!slot || now - slot->since >= window) {
		if (!slot)
			slot = oldest(hashlimit->slot[bucket]);
		*slot = (struct slot){ .key = key, .since = now };
	}
	count = ++slot->count;
	spin_unlock(&hashlimit->lock[bucket % LOCKS]);
	return count;
}

bool sipalg_hashlimit_seen(struct sipalg_net *sn, u64 key, u32 time)
{
	struct sipalg_hashlimit *hashlimit = rcu_dereference(sn->hashlimit);
	u32 bucket = hash_64(key, BUCKET_BITS);
	struct slot *slot;
	bool seen;

	if (!hashlimit)
		return false;
	spin_lock(&hashlimit->lock[bucket % LOCKS]);
	slot = find(hashlimit->slot[bucket], key);
	seen = slot && (u32)jiffies - slot->since < time;
	spin_unlock(&hashlimit->lock[bucket % LOCKS]);
	return seen;
}
