/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a TCP connection is owed: the beginning of a message that was held
 * back until the rest comes, and translated messages until their receiver
 * has acknowledged them.
 *
 * A held segment is dropped, so its sender will send it again if nothing
 * else happens; a translated message may have to be sent again when its
 * segments are repeated in any other cut. Most connections owe nothing most
 * of the time, and then have no such object.
 */
#ifndef SIPALG_TCP_QUEUE_H
#define SIPALG_TCP_QUEUE_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/types.h>

struct nf_conn;
struct sipalg_net;
struct sipalg_quota;

#define SIPALG_MAX_TCP_QUEUE	(16 << 20)	/* bytes held and noted in a namespace */

/**
 * struct sipalg_tcp_reasm - the beginning of a message, one direction
 * @bytes: as the sender sent them; NULL: nothing is held
 * @start: sequence number of the first, host byte order
 * @len: how many
 * @size: room at @bytes
 * @need: no message can be whole with fewer bytes than this
 * @piece: the longest payload among the segments that brought them
 * @repeats: how often the sender has sent again what is held
 * @headers_end: the blank line has come
 * @passing: given up: the message passes as it is, and is followed only to
 *	find where it ends
 */
struct sipalg_tcp_reasm {
	char *bytes;
	u32 start;
	u32 len;
	u32 size;
	u32 need;
	u32 piece;
	u8 repeats;
	bool headers_end;
	bool passing;
};

/**
 * struct sipalg_tcp_rtx - a translated message that is not acknowledged
 * @list: in &sipalg_tcp.sent, oldest first
 * @start: sequence number of its first byte as the sender counts
 * @old_len: its length as the sender sent it
 * @seen: sequence number as the receiver counts
 * @len: its length now
 * @bytes: what the receiver got
 */
struct sipalg_tcp_rtx {
	struct list_head list;
	u32 start;
	u32 old_len;
	u32 seen;
	u32 len;
	char bytes[];
};

/**
 * struct sipalg_tcp - one connection's debts
 * @list: in &sipalg_net.tcp
 * @rcu: frees it after the last reader
 * @refs: the list's, the timer's while armed, a packet's
 * @sn: the namespace
 * @ct: the connection, referenced
 * @quota: who has opened it
 * @timer: forgives everything
 * @lock: guards all below; taken before a call's or mapping's lock
 * @dead: taken off the list
 * @held: by direction
 * @sent: by direction
 * @acked: by direction: what the receiver has last acknowledged, as it counts
 * @heard: by direction: it has acknowledged anything since this object is there
 */
struct sipalg_tcp {
	struct list_head list;
	struct rcu_head rcu;
	refcount_t refs;
	struct sipalg_net *sn;
	struct nf_conn *ct;
	struct sipalg_quota *quota;
	struct timer_list timer;
	/* guards all below */
	spinlock_t lock;
	bool dead;
	struct sipalg_tcp_reasm held[2];
	struct list_head sent[2];
	u32 acked[2];
	bool heard[2];
};

/**
 * sipalg_tcp_lock() - the debts of a connection, locked
 * @ct: the connection
 *
 * RCU read side, BH off.
 *
 * Return: them, for sipalg_tcp_unlock(); NULL: it owes nothing.
 */
struct sipalg_tcp *sipalg_tcp_lock(struct nf_conn *ct);

/**
 * sipalg_tcp_make() - a connection begins to owe
 * @sn: the namespace
 * @ct: the connection, confirmed or about to be
 *
 * RCU read side, BH off.
 *
 * Return: its debts, locked; NULL: no memory or too many connections owe.
 */
struct sipalg_tcp *sipalg_tcp_make(struct sipalg_net *sn, struct nf_conn *ct);

/**
 * sipalg_tcp_unlock() - done with them; if nothing is owed they go
 * @tcp: locked, or NULL
 */
void sipalg_tcp_unlock(struct sipalg_tcp *tcp);

/**
 * sipalg_tcp_hold() - keep bytes that do not make a message yet
 * @tcp: locked
 * @dir: direction of the bytes
 * @seq: sequence number of the first; follows what is held already
 * @bytes: the bytes
 * @len: how many
 *
 * Return: false: no memory, or the namespace holds too much already.
 */
bool sipalg_tcp_hold(struct sipalg_tcp *tcp, int dir, u32 seq,
		     const char *bytes, u32 len);

/**
 * sipalg_tcp_let_go() - hold nothing any more in one direction
 * @tcp: locked
 * @dir: direction
 */
void sipalg_tcp_let_go(struct sipalg_tcp *tcp, int dir);

/**
 * sipalg_tcp_note() - remember a translated message until it is acknowledged
 * @tcp: locked
 * @dir: its direction
 * @sent: start, old_len, seen and len of it
 * @bytes: what the receiver gets
 *
 * Return: false if there is no memory.
 */
bool sipalg_tcp_note(struct sipalg_tcp *tcp, int dir,
		     const struct sipalg_tcp_rtx *sent, const char *bytes);

/**
 * sipalg_tcp_noted() - is this repeated segment part of a translated message
 * @tcp: locked, or NULL
 * @dir: its direction
 * @seq: its first sequence number
 * @len: its bytes
 *
 * Return: the oldest message that it overlaps, or NULL.
 */
const struct sipalg_tcp_rtx *sipalg_tcp_noted(const struct sipalg_tcp *tcp,
					      int dir, u32 seq, u32 len);

/**
 * sipalg_tcp_acknowledged() - the receiver has got everything before this
 * @tcp: locked
 * @dir: direction of the data
 * @ack: acknowledgment number as the receiver counts
 */
void sipalg_tcp_acknowledged(struct sipalg_tcp *tcp, int dir, u32 ack);

/**
 * sipalg_tcp_ack_means() - what an acknowledgment says to the sender
 * @tcp: locked
 * @dir: direction of the data
 * @ack: acknowledgment number as the receiver counts
 * @means: out: the same as the sender counts
 *
 * Conntrack knows the lengths of the newest two changes only. The receiver of a
 * part of a changed message has got nothing of it.
 *
 * Return: false if nothing is owed there: conntrack knows as well.
 */
bool sipalg_tcp_ack_means(const struct sipalg_tcp *tcp, int dir, u32 ack,
			  u32 *means);

/**
 * sipalg_tcp_has_got() - has the receiver everything before this
 * @tcp: locked
 * @dir: direction of the data
 * @seen: sequence number as the receiver counts
 *
 * Return: false if it is not known to have.
 */
bool sipalg_tcp_has_got(const struct sipalg_tcp *tcp, int dir, u32 seen);

/**
 * sipalg_tcp_noted_from() - the next translated message from there on
 * @tcp: locked, or NULL
 * @dir: its direction
 * @seq: sequence number as the sender counts
 *
 * Return: the oldest that begins at @seq or later, or NULL.
 */
const struct sipalg_tcp_rtx *sipalg_tcp_noted_from(const struct sipalg_tcp *tcp,
						   int dir, u32 seq);

/**
 * sipalg_tcp_noted_behind() - the translated message right behind another
 * @tcp: locked
 * @dir: direction of both
 * @sent: the other
 *
 * Return: it, or NULL: something that was not changed follows, or nothing.
 */
const struct sipalg_tcp_rtx *
sipalg_tcp_noted_behind(const struct sipalg_tcp *tcp, int dir,
			const struct sipalg_tcp_rtx *sent);

/**
 * sipalg_tcp_exit() - forget all debts of a namespace
 * @sn: the namespace; its packets have drained
 *
 * Process context, sleeps.
 */
void sipalg_tcp_exit(struct sipalg_net *sn);

#endif
