// SPDX-License-Identifier: GPL-2.0-only
/* The list of objects that have changed. */
#include <linux/slab.h>
#include "core/dirty.h"
#include "core/net.h"

DEFINE_STATIC_KEY_FALSE(sipalg_dirty_wanted);

bool sipalg_dirty_is_told(const struct sipalg_net *sn)
{
	return static_branch_unlikely(&sipalg_dirty_wanted) &&
	       READ_ONCE(sn->sync.portid) && !sipalg_is_standby(&sn->sync) &&
	       !READ_ONCE(sn->dying);
}

static void wake(struct sipalg_sync *sync)
{
	queue_delayed_work(system_wq, &sync->work, SIPALG_DIRTY_INTERVAL);
}

/* Caller holds the lock; who reads the numbers does not. */
static void count(struct sipalg_sync *sync, const struct sipalg_dirty *dirty,
		  int by)
{
	WRITE_ONCE(sync->count, sync->count + by);
	if (dirty->kind == SIPALG_DIRTY_TOMBSTONE)
		WRITE_ONCE(sync->tombstones, sync->tombstones + by);
}

/* Caller holds the lock. */
static void enter(struct sipalg_sync *sync, struct sipalg_dirty *dirty)
{
	list_add_tail(&dirty->list, &sync->dirty);
	count(sync, dirty, 1);
}

/*
 * Who tells takes it out before it takes the object's lock, which the caller holds
 * now: what is still in the list will be told as it is behind this change.
 */
void __sipalg_dirty_mark(struct sipalg_net *sn, struct sipalg_dirty *dirty)
{
	struct sipalg_sync *sync = &sn->sync;

	if (!sipalg_dirty_is_told(sn) || !list_empty_careful(&dirty->list))
		return;
	spin_lock_bh(&sync->lock);
	if (list_empty(&dirty->list)) {
		refcount_inc(dirty->refs);
		enter(sync, dirty);
	}
	spin_unlock_bh(&sync->lock);
	wake(sync);
}

void __sipalg_dirty_hurry(struct sipalg_net *sn)
{
	if (sipalg_dirty_is_told(sn) && !READ_ONCE(sn->sync.slow))
		mod_delayed_work(system_wq, &sn->sync.work, 0);
}

void sipalg_dirty_bury(struct sipalg_net *sn, const void *key, u16 len)
{
	struct sipalg_sync *sync = &sn->sync;
	struct sipalg_tombstone *tombstone;

	tombstone = READ_ONCE(sync->tombstones) < SIPALG_MAX_TOMBSTONES ?
		    kmalloc(struct_size(tombstone, key, len), GFP_ATOMIC) : NULL;
	if (tombstone) {
		sipalg_dirty_init(&tombstone->dirty, SIPALG_DIRTY_TOMBSTONE, NULL);
		tombstone->len = len;
		memcpy(tombstone->key, key, len);
	}
	spin_lock_bh(&sync->lock);
	if (tombstone)
		enter(sync, &tombstone->dirty);
	else
		WRITE_ONCE(sync->lost, true);
	spin_unlock_bh(&sync->lock);
	wake(sync);
}

struct sipalg_dirty *sipalg_dirty_take(struct sipalg_net *sn)
{
	struct sipalg_sync *sync = &sn->sync;
	struct sipalg_dirty *dirty;

	spin_lock_bh(&sync->lock);
	dirty = list_first_entry_or_null(&sync->dirty, struct sipalg_dirty, list);
	if (dirty) {
		list_del_init(&dirty->list);
		count(sync, dirty, -1);
	}
	spin_unlock_bh(&sync->lock);
	return dirty;
}

bool sipalg_dirty_again(struct sipalg_net *sn, struct sipalg_dirty *dirty)
{
	struct sipalg_sync *sync = &sn->sync;
	bool entered;

	spin_lock_bh(&sync->lock);
	entered = list_empty(&dirty->list);
	if (entered) {
		list_add(&dirty->list, &sync->dirty);
		count(sync, dirty, 1);
	}
	spin_unlock_bh(&sync->lock);
	return entered;
}

void sipalg_dirty_listen(struct sipalg_net *sn, u32 portid)
{
	u32 before = xchg(&sn->sync.portid, portid);

	if (portid && !before)
		static_branch_inc(&sipalg_dirty_wanted);
	else if (before && !portid)
		static_branch_dec(&sipalg_dirty_wanted);
}

void sipalg_dirty_pair(struct sipalg_net *sn, bool paired)
{
	if (sn->sync.paired == paired)
		return;
	sn->sync.paired = paired;
	if (paired)
		static_branch_inc(&sipalg_dirty_wanted);
	else
		static_branch_dec(&sipalg_dirty_wanted);
}
