/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What has changed and is not told yet to the other router of a pair.
 *
 * Not events are kept but objects: one that changes twice before it is told is told
 * once, as it is then. So nothing is lost however slowly somebody reads, and what is
 * kept is no more than there are objects. Of one that ends a tombstone stays, which is
 * its key. Who tells (netlink/sync.c) takes them from here.
 *
 * While nobody listens a mark costs the test of a static branch.
 */
#ifndef SIPALG_DIRTY_H
#define SIPALG_DIRTY_H

#include <linux/jump_label.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

struct sipalg_net;

#define SIPALG_DIRTY_INTERVAL	(HZ / 50)	/* what changes in it is told at once */
#define SIPALG_MAX_TOMBSTONES	65536		/* more of them: all is to be read again */
#define SIPALG_MAX_SYNC_KEY	640		/* bytes; a call's has its Call-ID */

/* The first byte of a key, and so of what is kept anywhere: never changed. */
enum sipalg_dirty_kind {
	SIPALG_DIRTY_CALL = 'c',
	SIPALG_DIRTY_MAPPING = 'm',
	SIPALG_DIRTY_REGISTRATION = 'r',
	SIPALG_DIRTY_KEYS = 'k',
	SIPALG_DIRTY_TCP = 't',
	SIPALG_DIRTY_TOMBSTONE = 0,	/* of any of them */
};

/**
 * struct sipalg_dirty - in each object that is told of
 * @list: in &sipalg_sync.dirty, or empty
 * @refs: references of the object: one that is in the list has one more
 * @kind: enum sipalg_dirty_kind
 */
struct sipalg_dirty {
	struct list_head list;
	refcount_t *refs;
	u8 kind;
};

/**
 * struct sipalg_tombstone - an object that has ended
 * @dirty: has no @refs
 * @len: bytes of @key
 * @key: as its record had it
 */
struct sipalg_tombstone {
	struct sipalg_dirty dirty;
	u16 len;
	u8 key[];
};

/**
 * struct sipalg_sync - a namespace as one of a pair
 * @lock: guards all but @standby, @portid and @epoch, which are read without it
 * @dirty: struct sipalg_dirty, longest first
 * @count: how many; of which @tombstones
 * @portid: of the netlink socket that is told, 0: none
 * @standby: the other router is the active one
 * @paired: it has been a standby
 * @lost: a tombstone was not kept: who listens must compare all there is
 * @keys_dirty: the keys are to be told
 * @slow: who is told has not taken the newest records
 * @epoch: of the newest promotion known, of either router
 * @sequence: number of the newest record
 * @work: tells
 */
struct sipalg_sync {
	/* guards all but what is read without it */
	spinlock_t lock;
	struct list_head dirty;
	unsigned int count;
	unsigned int tombstones;
	u32 portid;
	bool standby;
	bool paired;
	bool lost;
	bool keys_dirty;
	bool slow;
	u32 epoch;
	u64 sequence;
	struct delayed_work work;
};

/* Somebody listens in some namespace, or it has been a standby. */
DECLARE_STATIC_KEY_FALSE(sipalg_dirty_wanted);

/**
 * sipalg_dirty_init() - set one up
 * @dirty: in a new object
 * @kind: its kind
 * @refs: its references
 */
static inline void sipalg_dirty_init(struct sipalg_dirty *dirty,
				     enum sipalg_dirty_kind kind,
				     refcount_t *refs)
{
	INIT_LIST_HEAD(&dirty->list);
	dirty->kind = kind;
	dirty->refs = refs;
}

void __sipalg_dirty_mark(struct sipalg_net *sn, struct sipalg_dirty *dirty);

/**
 * sipalg_dirty_mark() - an object has changed
 * @sn: the namespace
 * @dirty: of the object, whose lock the caller holds
 *
 * Any context.
 */
static inline void sipalg_dirty_mark(struct sipalg_net *sn,
				     struct sipalg_dirty *dirty)
{
	if (static_branch_unlikely(&sipalg_dirty_wanted))
		__sipalg_dirty_mark(sn, dirty);
}

void __sipalg_dirty_hurry(struct sipalg_net *sn);

/**
 * sipalg_dirty_hurry() - tell now what is marked, and do not collect more
 * @sn: the namespace
 *
 * For what its sender does not repeat, as the end of a call, and for what cannot be
 * found out afterwards, as the place of a TCP connection. Who does not keep up is told
 * at intervals all the same. Any context.
 */
static inline void sipalg_dirty_hurry(struct sipalg_net *sn)
{
	if (static_branch_unlikely(&sipalg_dirty_wanted))
		__sipalg_dirty_hurry(sn);
}

/**
 * sipalg_dirty_is_told() - is somebody told what changes here
 * @sn: the namespace
 *
 * Any context.
 */
bool sipalg_dirty_is_told(const struct sipalg_net *sn);

/**
 * sipalg_dirty_bury() - leave a tombstone
 * @sn: the namespace; sipalg_dirty_is_told()
 * @key: of the object that has ended
 * @len: bytes of it
 *
 * Any context.
 */
void sipalg_dirty_bury(struct sipalg_net *sn, const void *key, u16 len);

/**
 * sipalg_dirty_take() - the next that is to be told
 * @sn: the namespace
 *
 * Process context.
 *
 * Return: it, with its reference, for sipalg_dirty_again() or the kind's own way to
 * drop it; NULL: no more.
 */
struct sipalg_dirty *sipalg_dirty_take(struct sipalg_net *sn);

/**
 * sipalg_dirty_again() - one that was taken could not be told
 * @sn: the namespace
 * @dirty: it
 *
 * Return: false if it has changed again meanwhile, and the caller's reference is to be
 * dropped.
 */
bool sipalg_dirty_again(struct sipalg_net *sn, struct sipalg_dirty *dirty);

/**
 * sipalg_dirty_listen() - who is told from now on
 * @sn: the namespace
 * @portid: of its socket; 0: nobody
 *
 * Process context, may sleep.
 */
void sipalg_dirty_listen(struct sipalg_net *sn, u32 portid);

/**
 * sipalg_dirty_pair() - a namespace is, or is no more, one that others tell of things
 * @sn: the namespace
 * @paired: it is
 *
 * Process context, may sleep.
 */
void sipalg_dirty_pair(struct sipalg_net *sn, bool paired);

/* A standby keeps what it is told: it runs no deadline, evicts and refuses nobody. */
static inline bool sipalg_is_standby(const struct sipalg_sync *sync)
{
	return READ_ONCE(sync->standby);
}

#endif
