// SPDX-License-Identifier: GPL-2.0-only
/* A set-associative table of counters. */
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "meter.h"
#include "net.h"

#define BUCKET_BITS	11
#define PLACES		4	/* a cache line a bucket */
#define LOCKS		64

/* @since wraps after weeks: once in that time something old counts as new. */
struct place {
	u64 key;
	u32 since;
	u32 count;
};

struct sipalg_meter {
	/* each guards every 64th bucket */
	spinlock_t lock[LOCKS];
	struct place place[1 << BUCKET_BITS][PLACES];
};

struct sipalg_meter *sipalg_meter_alloc(void)
{
	struct sipalg_meter *meter = kvzalloc(sizeof(*meter),
					      GFP_KERNEL | __GFP_NOWARN);
	unsigned int i;

	for (i = 0; meter && i < LOCKS; i++)
		spin_lock_init(&meter->lock[i]);
	return meter;
}

void sipalg_meter_swap(struct sipalg_net *sn, struct sipalg_meter *meter)
{
	struct sipalg_meter *old = rcu_replace_pointer(sn->meter, meter, true);

	if (meter)
		atomic_long_add(sizeof(*meter), &sn->memory);
	if (!old)
		return;
	synchronize_rcu();
	atomic_long_sub(sizeof(*old), &sn->memory);
	kvfree(old);
}

static struct place *find(struct place *bucket, u64 key)
{
	unsigned int i;

	for (i = 0; i < PLACES; i++)
		if (bucket[i].key == key)
			return &bucket[i];
	return NULL;
}

static struct place *oldest(struct place *bucket)
{
	u32 now = (u32)jiffies;
	unsigned int i, best = 0;

	for (i = 1; i < PLACES; i++)
		if (now - bucket[i].since > now - bucket[best].since)
			best = i;
	return &bucket[best];
}

u32 sipalg_meter_hit(struct sipalg_net *sn, u64 key, u32 window)
{
	struct sipalg_meter *meter = rcu_dereference(sn->meter);
	u32 bucket = hash_64(key, BUCKET_BITS), now = (u32)jiffies, count;
	struct place *place;

	if (!meter)
		return 0;
	spin_lock(&meter->lock[bucket % LOCKS]);
	place = find(meter->place[bucket], key);
	if (!place || now - place->since >= window) {
		if (!place)
			place = oldest(meter->place[bucket]);
		*place = (struct place){ .key = key, .since = now };
	}
	count = ++place->count;
	spin_unlock(&meter->lock[bucket % LOCKS]);
	return count;
}

bool sipalg_meter_seen(struct sipalg_net *sn, u64 key, u32 time)
{
	struct sipalg_meter *meter = rcu_dereference(sn->meter);
	u32 bucket = hash_64(key, BUCKET_BITS);
	struct place *place;
	bool seen;

	if (!meter)
		return false;
	spin_lock(&meter->lock[bucket % LOCKS]);
	place = find(meter->place[bucket], key);
	seen = place && (u32)jiffies - place->since < time;
	spin_unlock(&meter->lock[bucket % LOCKS]);
	return seen;
}
