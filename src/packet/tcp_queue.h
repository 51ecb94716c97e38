/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Per-connection TCP state: bytes held for reassembly, and rewritten messages
 * that are not yet acknowledged.
 *
 * A held segment is dropped, so its sender retransmits it if nothing else
 * happens. A rewritten message must be sent again when its bytes are
 * retransmitted in segments that are cut differently. Most connections hold
 * nothing most of the time, and then have no such object.
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


/**
 * struct sipalg_tcp_reasm - incomplete message of one direction
 * @bytes: bytes as the sender sent them; NULL: nothing is held
 * @start: sequence number of the first byte, host byte order
 * @len: number of bytes
 * @size: allocated size of @bytes
 * @need: bytes that a whole message has at least
 * @piece: longest payload of the segments that carried them
 * @repeats: number of retransmissions of the held bytes
 * @headers_end: the blank line has arrived
 * @passing: the message passes unchanged, and is followed only to find its end
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
 * struct sipalg_tcp_rtx - rewritten message that is not acknowledged
 * @list: in &sipalg_tcp.sent, oldest first
 * @start: sequence number of its first byte as the sender counts
 * @old_len: its length as the sender sent it
 * @seen: sequence number as the receiver counts
 * @len: its length now
 * @bytes: the bytes that the receiver got
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
 * struct sipalg_tcp - one connection's queues
 * @list: in &sipalg_net.tcp
 * @rcu: frees it after the last reader
 * @refs: the list's, the timer's while armed, a packet's
 * @sn: the namespace
 * @ct: the connection, referenced
 * @quota: of the host that opened it
 * @timer: drops everything that is held
 * @lock: guards all below; taken before a call's or mapping's lock
 * @dead: removed from the list
 * @held: by direction
 * @sent: by direction
 * @acked: by direction: newest acknowledgment number of the receiver
 * @heard: by direction: it has acknowledged anything since this object exists
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
 * sipalg_tcp_lock() - find and lock the queues of a connection
 * @ct: the connection
 *
 * RCU read side, BH off.
 *
 * Return: the queues, for sipalg_tcp_unlock(); NULL: there are none.
 */
struct sipalg_tcp *sipalg_tcp_lock(struct nf_conn *ct);

/**
 * sipalg_tcp_make() - create the queues of a connection
 * @sn: the namespace
 * @ct: the connection, confirmed or about to be
 *
 * RCU read side, BH off.
 *
 * Return: the queues, locked; NULL: no memory, or the limit is reached.
 */
struct sipalg_tcp *sipalg_tcp_make(struct sipalg_net *sn, struct nf_conn *ct);

/**
 * sipalg_tcp_unlock() - unlock; frees queues that are empty
 * @tcp: locked, or NULL
 */
void sipalg_tcp_unlock(struct sipalg_tcp *tcp);

/**
 * sipalg_tcp_hold() - hold bytes of an incomplete message
 * @tcp: locked
 * @dir: direction of the bytes
 * @seq: sequence number of the first; follows the bytes already held
 * @bytes: the bytes
 * @len: number of bytes
 *
 * Return: false if there is no memory or the namespace's limit is reached.
 */
bool sipalg_tcp_hold(struct sipalg_tcp *tcp, int dir, u32 seq,
		     const char *bytes, u32 len);

/**
 * sipalg_tcp_let_go() - drop the held bytes of one direction
 * @tcp: locked
 * @dir: direction
 */
void sipalg_tcp_let_go(struct sipalg_tcp *tcp, int dir);

/**
 * sipalg_tcp_note() - keep a rewritten message until it is acknowledged
 * @tcp: locked
 * @dir: its direction
 * @sent: start, old_len, seen and len of it
 * @bytes: the bytes that the receiver gets
 *
 * Return: false if there is no memory.
 */
bool sipalg_tcp_note(struct sipalg_tcp *tcp, int dir,
		     const struct sipalg_tcp_rtx *sent, const char *bytes);

/**
 * sipalg_tcp_noted() - find the rewritten message that a retransmitted segment overlaps
 * @tcp: locked, or NULL
 * @dir: its direction
 * @seq: its first sequence number
 * @len: its length in bytes
 *
 * Return: the oldest such message, or NULL.
 */
const struct sipalg_tcp_rtx *sipalg_tcp_noted(const struct sipalg_tcp *tcp,
					      int dir, u32 seq, u32 len);

/**
 * sipalg_tcp_acknowledged() - drop messages that are acknowledged
 * @tcp: locked
 * @dir: direction of the data
 * @ack: acknowledgment number as the receiver counts
 */
void sipalg_tcp_acknowledged(struct sipalg_tcp *tcp, int dir, u32 ack);

/**
 * sipalg_tcp_ack_means() - translate an acknowledgment number for the sender
 * @tcp: locked
 * @dir: direction of the data
 * @ack: acknowledgment number as the receiver counts
 * @means: out: the same as the sender counts
 *
 * Conntrack knows only the newest two length changes. An acknowledgment of a
 * part of a rewritten message acknowledges nothing of it.
 *
 * Return: false if no message is kept: conntrack translates it correctly.
 */
bool sipalg_tcp_ack_means(const struct sipalg_tcp *tcp, int dir, u32 ack,
			  u32 *means);

/**
 * sipalg_tcp_has_got() - test whether the receiver has everything before @seen
 * @tcp: locked
 * @dir: direction of the data
 * @seen: sequence number as the receiver counts
 *
 * Return: false if that is not known.
 */
bool sipalg_tcp_has_got(const struct sipalg_tcp *tcp, int dir, u32 seen);

/**
 * sipalg_tcp_noted_from() - the next rewritten message from @seq on
 * @tcp: locked, or NULL
 * @dir: its direction
 * @seq: sequence number as the sender counts
 *
 * Return: the oldest that begins at @seq or later, or NULL.
 */
const struct sipalg_tcp_rtx *sipalg_tcp_noted_from(const struct sipalg_tcp *tcp,
						   int dir, u32 seq);

/**
 * sipalg_tcp_noted_behind() - the rewritten message directly behind another
 * @tcp: locked
 * @dir: direction of both
 * @sent: the other
 *
 * Return: the message, or NULL: unchanged bytes follow, or nothing.
 */
const struct sipalg_tcp_rtx *
sipalg_tcp_noted_behind(const struct sipalg_tcp *tcp, int dir,
			const struct sipalg_tcp_rtx *sent);

/**
 * sipalg_tcp_exit() - free all queues of a namespace
 * @sn: the namespace; its packets have drained
 *
 * Process context, sleeps.
 */
void sipalg_tcp_exit(struct sipalg_net *sn);

#endif
