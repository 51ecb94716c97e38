/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is kept of a TCP connection: the beginning of a message until the rest
 * comes, segments that came before their turn, and rewritten messages until
 * their receiver has acknowledged them (doc/dev/tcp.md).
 *
 * Most connections have nothing of it most of the time, and then no object:
 * the shift of their sequence numbers is in conntrack's extension.
 */
#ifndef SIPALG_TCP_QUEUE_H
#define SIPALG_TCP_QUEUE_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/timer.h>
#include <linux/types.h>
#include "core/net.h"
#include "sip/frame.h"

struct nf_conn;
struct sipalg_net;
struct sipalg_quota;

/**
 * struct sipalg_tcp_reasm - the beginning of a message, one direction
 * @bytes: as the sender sent them; NULL: nothing is held. The first of them
 *	is &sipalg_stream.next
 * @len: how many
 * @size: room at @bytes
 * @need: no message can be whole with fewer bytes than this
 * @piece: the longest payload among the segments that brought them
 * @scan: how far they have been looked through
 * @passing: it passes as it is, and is followed only to find where it ends
 * @raised: the sender is to be told that these bytes have arrived
 * @asked: the receiver has been made to acknowledge what it has, for that
 * @sacked: the sender has been told of some of it by SACK, and need not repeat it
 * @since: jiffies of the last progress
 */
struct sipalg_tcp_reasm {
	char *bytes;
	u32 len;
	u32 size;
	u32 need;
	u32 piece;
	struct sip_frame_scan scan;
	bool passing;
	bool raised;
	bool asked;
	bool sacked;
	unsigned long since;
};

/**
 * struct sipalg_tcp_rtx - a rewritten message that is not acknowledged
 * @node: in &sipalg_tcp_half.rtx
 * @start: sequence number of its first byte as the sender counts
 * @end: behind its last one
 * @seen: sequence number as the receiver counts
 * @len: its length now
 * @bytes: what the receiver gets
 */
struct sipalg_tcp_rtx {
	struct rb_node node;
	u32 start;
	u32 end;
	u32 seen;
	u32 len;
	char bytes[];
};

/**
 * struct sipalg_tcp_early - a segment that came before its turn
 * @node: in &sipalg_tcp_half.early
 * @seq: of its first byte
 * @run: where those begin that it continues without a gap
 * @len: how many
 * @bytes: as the sender sent them
 */
struct sipalg_tcp_early {
	struct rb_node node;
	u32 seq;
	u32 run;
	u32 len;
	char bytes[];
};

/**
 * struct sipalg_tcp_half - one direction
 * @rtx: struct sipalg_tcp_rtx, ordered by sender's and so by receiver's numbers
 * @shift: of everything behind the last of them: receiver's less sender's
 * @una: the receiver has acknowledged all before, as the sender counts
 * @seen_una: the same as the receiver counts
 * @told: the sender knows of all before; beyond @una by what is held for it
 * @top: no shift behind @una is larger, for conntrack's window
 * @top_next: the same behind @top_from
 * @top_from: sequence number as the sender counts
 * @astray: of SIPALG_STREAM_ASTRAY: where the first segment begins that its sender
 *	repeats, as far as it has shown
 * @held: the beginning of a message
 * @early: struct sipalg_tcp_early by sequence number
 * @newest: of them the one that came last, or NULL
 */
struct sipalg_tcp_half {
	struct rb_root rtx;
	s32 shift;
	u32 una;
	u32 seen_una;
	u32 told;
	s32 top;
	s32 top_next;
	u32 top_from;
	u32 astray;
	struct sipalg_tcp_reasm held;
	struct rb_root early;
	const struct sipalg_tcp_early *newest;
};

/**
 * struct sipalg_tcp - a connection of which something is kept
 * @list: in &sipalg_net.tcp
 * @refs: the connection's, and the timer's
 * @sn: the namespace
 * @ct: the connection, referenced
 * @quota: who has opened it
 * @timer: looks after what nobody asks for any more
 * @dead: taken off the list
 * @kind: enum sipalg_tcp_kind that this object itself is charged to
 * @half: by enum ip_conntrack_dir of the data
 */
struct sipalg_tcp {
	struct list_head list;
	refcount_t refs;
	struct sipalg_net *sn;
	struct nf_conn *ct;
	struct sipalg_quota *quota;
	struct timer_list timer;
	bool dead;
	u8 kind;
	struct sipalg_tcp_half half[2];
};

/**
 * sipalg_tcp_lock() - guard a connection's positions, shifts and object
 * @ct: the connection
 *
 * BH off. Taken before a call's or mapping's lock; never two of them.
 */
void sipalg_tcp_lock(const struct nf_conn *ct);
void sipalg_tcp_unlock(const struct nf_conn *ct);

/* Where a shift is read, and where it is changed: nobody comes between. */
#ifdef CONFIG_LOCKDEP
void sipalg_tcp_assert_locked(const struct nf_conn *ct);
#else
static inline void sipalg_tcp_assert_locked(const struct nf_conn *ct)
{
}
#endif

/**
 * sipalg_tcp_half_init() - a direction of which nothing is kept
 * @half: filled
 * @ct: the connection, locked
 * @dir: enum ip_conntrack_dir
 * @next: where its next message begins
 */
void sipalg_tcp_half_init(struct sipalg_tcp_half *half, struct nf_conn *ct,
			  int dir, u32 next);

/* The same when its SYN comes: nothing is before @next. */
void sipalg_tcp_half_begin(struct sipalg_tcp_half *half, u32 next);

/**
 * sipalg_tcp_make() - something is to be kept of a connection
 * @sn: the namespace
 * @ct: the connection, locked, confirmed or about to be
 * @halves: its directions so far
 *
 * RCU read side, BH off.
 *
 * Return: its object; NULL: no memory, or its host has its share.
 */
struct sipalg_tcp *sipalg_tcp_make(struct sipalg_net *sn, struct nf_conn *ct,
				   const struct sipalg_tcp_half *halves);

/**
 * sipalg_tcp_tidy() - free what is not needed
 * @tcp: of a locked connection; gone afterwards if nothing is kept
 */
void sipalg_tcp_tidy(struct sipalg_tcp *tcp);

/* The connection is over, or is begun anew: nothing is kept. It is locked. */
void sipalg_tcp_forget(struct sipalg_tcp *tcp);

/**
 * sipalg_tcp_hold() - keep bytes that do not make a message yet
 * @tcp: of a locked connection
 * @dir: direction of the bytes
 * @bytes: they follow what is held already
 * @len: how many
 *
 * Return: false: no memory, or the host has its share.
 */
bool sipalg_tcp_hold(struct sipalg_tcp *tcp, int dir, const char *bytes,
		     u32 len);

/**
 * sipalg_tcp_held_skip() - the first bytes that are held have gone on
 * @tcp: of a locked connection
 * @dir: direction
 * @len: how many of them
 *
 * The caller knows how far the rest has been looked through.
 */
void sipalg_tcp_held_skip(struct sipalg_tcp *tcp, int dir, u32 len);

/* Does their sender believe that bytes which are held from @next on have arrived? */
static inline bool sipalg_tcp_held_is_owed(const struct sipalg_tcp_half *half,
					   u32 next)
{
	return half->held.sacked || (s32)(half->told - next) > 0;
}

/* It passes as it is from now on, and is only followed. */
void sipalg_tcp_held_passes(struct sipalg_tcp *tcp, int dir);

/* Hold nothing any more in one direction. */
void sipalg_tcp_let_go(struct sipalg_tcp *tcp, int dir);

/**
 * sipalg_tcp_rtx_alloc() - room for a rewritten message
 * @tcp: of a locked connection
 * @len: its bytes
 *
 * Return: it, for sipalg_tcp_rtx_add() or sipalg_tcp_rtx_free(); NULL: no
 * memory, or the host has its share.
 */
struct sipalg_tcp_rtx *sipalg_tcp_rtx_alloc(struct sipalg_tcp *tcp, u32 len);
void sipalg_tcp_rtx_free(struct sipalg_tcp *tcp, struct sipalg_tcp_rtx *rtx);

/**
 * sipalg_tcp_rtx_add() - remember a rewritten message until it is acknowledged
 * @tcp: of a locked connection
 * @dir: its direction
 * @rtx: its bytes
 * @start: where it begins, as the sender counts: behind all others, if its
 *	length has changed
 * @old_len: its length as the sender sent it
 */
void sipalg_tcp_rtx_add(struct sipalg_tcp *tcp, int dir,
			struct sipalg_tcp_rtx *rtx, u32 start, u32 old_len);

/* The receiver has it all. */
void sipalg_tcp_rtx_del(struct sipalg_tcp *tcp, int dir,
			struct sipalg_tcp_rtx *rtx);

/**
 * sipalg_tcp_early_add() - keep a segment that came before its turn
 * @tcp: of a locked connection
 * @dir: its direction
 * @seq: of its first byte
 * @bytes: its payload
 * @len: how many
 *
 * Return: false: no memory, or the host has its share.
 */
bool sipalg_tcp_early_add(struct sipalg_tcp *tcp, int dir, u32 seq,
			  const char *bytes, u32 len);

/**
 * sipalg_tcp_early_next() - the next one whose turn has come
 * @tcp: of a locked connection, or NULL
 * @dir: direction
 * @from: what has come by from here on
 * @seq: to here
 *
 * Those that have come by otherwise are gone afterwards.
 *
 * Return: one that has bytes from @seq on, for sipalg_tcp_early_del(); or NULL.
 */
struct sipalg_tcp_early *sipalg_tcp_early_next(struct sipalg_tcp *tcp, int dir,
					       u32 from, u32 seq);

/* What the receiver has acknowledged need not wait. */
void sipalg_tcp_early_acknowledged(struct sipalg_tcp *tcp, int dir);
void sipalg_tcp_early_del(struct sipalg_tcp *tcp, int dir,
			  struct sipalg_tcp_early *early);

/**
 * sipalg_tcp_early_range() - what is known of the newest one's neighbourhood
 * @half: direction
 * @start: out
 * @end: out: sequence numbers, as the sender counts
 *
 * Return: false: nothing has come before its turn.
 */
bool sipalg_tcp_early_range(const struct sipalg_tcp_half *half, u32 *start,
			    u32 *end);

/**
 * sipalg_tcp_hand_over() - conntrack shifts sequence numbers from now on
 *
 * Before the helper leaves. Segments are dropped until it has; they come again.
 * Process context, sleeps.
 */
void sipalg_tcp_hand_over(void);

/* Has sipalg_tcp_hand_over() been called? */
bool sipalg_tcp_leaving(void);

/**
 * sipalg_tcp_exit() - forget all connections of a namespace
 * @sn: the namespace; its packets have drained
 *
 * Process context, sleeps.
 */
void sipalg_tcp_exit(struct sipalg_net *sn);

#endif
