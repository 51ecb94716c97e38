/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP connections of a pair of routers: where the next message begins in each, by how
 * much it is shifted, and what is owed to its ends.
 *
 * Conntrack's entries are carried by others (conntrackd), and without what a helper
 * keeps in them. So each connection that is followed has an object here, found by its
 * tuple: on the active router it is told whenever a position has changed; on a standby
 * it holds what was told, until the connection's first segment comes by and takes it.
 *
 * An object holds no conntrack. That is looked for when the object is to be told, and
 * one whose conntrack is not there any more has ended.
 */
#ifndef SIPALG_TCP_POSITION_H
#define SIPALG_TCP_POSITION_H

#include <linux/rcupdate.h>
#include <linux/rhashtable-types.h>
#include "core/ct_data.h"
#include "core/dirty.h"
#include "nat/expect.h"
#include "packet/tcp_queue.h"

#define SIPALG_TCP_OWED		8192	/* bytes of a direction that are told at most */
#define SIPALG_POSITION_SYNC_KEY	64

/**
 * struct sipalg_tcp_place - one direction; numbers are as its sender counts
 * @next: where the next message begins
 * @una: the receiver has acknowledged all before
 * @told: the sender knows of all before; beyond @next if a beginning is held for it
 * @shift: of what is before all pieces; receiver's less sender's
 * @state: enum sipalg_stream_state; u32 for the record
 */
struct sipalg_tcp_place {
	u32 next;
	u32 una;
	u32 told;
	s32 shift;
	u32 state;
};

/**
 * struct sipalg_tcp_piece - bytes that are owed to an end of the connection
 * @list: in &sipalg_tcp_restored.pieces
 * @start: where they begin, as the sender counts
 * @old_len: how many they were; of the beginning of a message: @len
 * @len: how many they are
 * @dir: enum ip_conntrack_dir
 * @held: they are the beginning of a message; else they are rewritten
 * @bytes: they
 */
struct sipalg_tcp_piece {
	struct list_head list;
	u32 start;
	u32 old_len;
	u32 len;
	u8 dir;
	u8 held;
	char bytes[];
};

/**
 * struct sipalg_tcp_restored - as another router has told
 * @place: by enum ip_conntrack_dir
 * @pieces: struct sipalg_tcp_piece; of a direction in the order of @start
 */
struct sipalg_tcp_restored {
	struct sipalg_tcp_place place[2];
	struct list_head pieces;
};

/**
 * struct sipalg_tcp_position - a connection that is told, or was told of
 * @node: in &sipalg_net.tcp_positions
 * @refs: of the table, and of who uses it
 * @rcu: frees it
 * @sn: the namespace
 * @dirty: it is to be told
 * @origin: its tuples and zone
 * @lock: guards the members below; taken in the connection's lock
 * @linked: it is in the table
 * @version: of the record that it was restored of, 0: of none
 * @restored: what no segment has taken yet, or NULL
 */
struct sipalg_tcp_position {
	struct rhash_head node;
	refcount_t refs;
	struct rcu_head rcu;
	struct sipalg_net *sn;
	struct sipalg_dirty dirty;
	struct sipalg_origin origin;
	/* guards the members below */
	spinlock_t lock;
	bool linked;
	u64 version;
	struct sipalg_tcp_restored *restored;
};

void __sipalg_tcp_position_mark(struct sipalg_net *sn, struct nf_conn *ct,
				bool now);
void __sipalg_tcp_position_take(struct sipalg_net *sn, struct nf_conn *ct);

/**
 * sipalg_tcp_position_mark() - a position of a connection has changed
 * @ct: the connection, locked
 * @now: tell at once: where bytes have passed of which the other router does not know
 *	the connection waits there until both ends have shown where it is
 *
 * RCU read side, BH off.
 */
static inline void sipalg_tcp_position_mark(struct nf_conn *ct, bool now)
{
	if (static_branch_unlikely(&sipalg_dirty_wanted))
		__sipalg_tcp_position_mark(sipalg_net_get(nf_ct_net(ct)), ct, now);
}

/**
 * sipalg_tcp_position_take() - a segment comes by: go on as another router has told
 * @ct: its connection, locked
 *
 * RCU read side, BH off.
 */
static inline void sipalg_tcp_position_take(struct nf_conn *ct)
{
	if (static_branch_unlikely(&sipalg_dirty_wanted))
		__sipalg_tcp_position_take(sipalg_net_get(nf_ct_net(ct)), ct);
}

/**
 * sipalg_tcp_place_of() - where one direction of a connection is
 * @ct: the connection, locked
 * @dir: enum ip_conntrack_dir
 *
 * Return: it; of state SIPALG_STREAM_UNKNOWN where more is owed than is told.
 */
struct sipalg_tcp_place sipalg_tcp_place_of(struct nf_conn *ct, int dir);

/* Its key. Return: bytes of it. */
u16 sipalg_tcp_position_sync_key(const struct sipalg_tcp_position *position,
				 u8 bytes[SIPALG_POSITION_SYNC_KEY]);

/**
 * sipalg_tcp_position_read_key() - the reverse
 * @origin: gets the tuple of the original direction and the zone's number
 * @bytes: the key
 * @len: bytes of it
 *
 * Return: false: it is none.
 */
bool sipalg_tcp_position_read_key(struct sipalg_origin *origin, const void *bytes,
				  int len);

/**
 * sipalg_tcp_position_restore() - keep what another router has told
 * @sn: the namespace
 * @origin: of the connection
 * @version: of the record
 * @restored: taken over, whatever comes of it; NULL: the connection has ended
 *
 * Process context, BH off, RCU. Return: 0, also where a newer one is there; -EINVAL:
 * @restored contradicts itself; -ENOMEM.
 */
int sipalg_tcp_position_restore(struct sipalg_net *sn,
				const struct sipalg_origin *origin, u64 version,
				struct sipalg_tcp_restored *restored);

/* Frees @restored, which may be NULL. */
void sipalg_tcp_restored_free(struct sipalg_tcp_restored *restored);

/**
 * sipalg_tcp_position_ct() - the connection, if it is still there
 * @position: of it
 *
 * Any context. Return: it, referenced; NULL: it has ended.
 */
struct nf_conn *sipalg_tcp_position_ct(const struct sipalg_tcp_position *position);

/* It has ended: nobody finds it any more. Any context. */
void sipalg_tcp_position_unlink(struct sipalg_tcp_position *position);
void sipalg_tcp_position_put(struct sipalg_tcp_position *position);

/* All connections that are followed are told. Process context, may sleep. */
void sipalg_tcp_positions_mark_all(struct sipalg_net *sn);

/**
 * sipalg_tcp_positions_init() - set up a namespace
 * @sn: the namespace
 *
 * Process context. Return: 0 or a negative errno.
 */
int sipalg_tcp_positions_init(struct sipalg_net *sn);

/* Forget all. Process context, sleeps. */
void sipalg_tcp_positions_exit(struct sipalg_net *sn);

#endif
