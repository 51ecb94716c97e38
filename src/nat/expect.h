/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pinholes: conntrack expectations and their master conntracks.
 *
 * A master has at most 255 expectations of a class; the oldest is silently
 * evicted. A trunk is one signalling conntrack with thousands of calls, so each
 * call (and each registration) has a master of its own: a conntrack that is in
 * no table and sees no packet, with the signalling tuple for people to read and
 * this module's helper for rules to match. Closing all pinholes of a call is
 * then one operation that cannot touch another call's (H-1, H-2). Pinholes are
 * permanent expectations: they stay when media conntracks time out in a silent
 * call (S1-8).
 */
#ifndef SIPALG_EXPECT_H
#define SIPALG_EXPECT_H

#include <net/netfilter/nf_conntrack_tuple.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include "core/flow.h"

struct nf_conn;
struct nf_conntrack_expect;
struct nf_conntrack_helper;

/*
 * Seconds. Owners close their pinholes: no call lasts this long, and owners that
 * live longer prolong them.
 */
#define SIPALG_EXPECT_TIMEOUT	(10 * 24 * 3600)

/* A call of 64 streams has 128 for RTP, and 192 while one side's ports change. */
enum sipalg_expect_class {
	SIPALG_CLASS_SIGNALLING,
	SIPALG_CLASS_RTP,
	SIPALG_CLASS_RTCP,
	SIPALG_CLASS_MAX
};

/**
 * struct sipalg_expect_ops - what an owner of pinholes does
 * @expected: a connection came by one of its pinholes: @ct is new and still
 *	unconfirmed. RCU read side, no lock held
 * @face: what the sender of @ct, a connection that came by one of its pinholes,
 *	has been promised; false: nothing, or nothing that is still true. NULL:
 *	it never promises. RCU read side, no lock held
 * @give_way: another owner wants what a pinhole of @owner occupies. Closes it
 *	if @owner does not need it any more and says so; NULL: it always does.
 *	RCU read side; the one who asks holds a lock of its own kind, so locks
 *	are tried and never waited for
 */
struct sipalg_expect_ops {
	void (*expected)(void *owner, struct nf_conn *ct,
			 struct nf_conntrack_expect *exp);
	bool (*face)(void *owner, const struct nf_conn *ct,
		     struct sipalg_addr *public);
	bool (*give_way)(void *owner);
};

/**
 * struct sipalg_expect - what a pinhole admits
 * @class: enum sipalg_expect_class
 * @family: AF_INET or AF_INET6
 * @l4proto: IPPROTO_UDP or IPPROTO_TCP
 * @zone: conntrack zone that its packets arrive in
 * @src_ip: the only source address, or NULL: any (S1-2)
 * @src_len: how many bits of it count, the others are zero; 0: all
 * @src_port: the only source port, network byte order; 0: any
 * @dst: destination
 * @real: address that @dst is translated to; shown by conntrack -L expect
 * @helper: to be attached to the new connection, or NULL
 */
struct sipalg_expect {
	u8 class;
	u8 family;
	u8 l4proto;
	u16 zone;
	const union nf_inet_addr *src_ip;
	u8 src_len;
	__be16 src_port;
	struct sipalg_addr dst;
	struct sipalg_addr real;
	struct nf_conntrack_helper *helper;
};

/**
 * struct sipalg_origin - the signalling flow that a master stands for
 * @tuple: of the flow, by enum ip_conntrack_dir
 * @zone: its zone
 * @mark: its mark
 */
struct sipalg_origin {
	struct nf_conntrack_tuple tuple[IP_CT_DIR_MAX];
	struct nf_conntrack_zone zone;
	u32 mark;
};

/**
 * sipalg_origin_of() - that of a connection, or of a master
 * @ct: it
 * @origin: filled
 */
void sipalg_origin_of(const struct nf_conn *ct, struct sipalg_origin *origin);

/**
 * sipalg_origin_find() - the connection of an origin
 * @net: the namespace
 * @origin: its tuples and zone
 *
 * Any context. Return: it, referenced; NULL: it is not there.
 */
struct nf_conn *sipalg_origin_find(struct net *net,
				   const struct sipalg_origin *origin);

/**
 * sipalg_master_restore() - create a master without a packet
 * @sn: the namespace
 * @origin: of the flow it is made for
 * @ops: what @owner does
 * @owner: see sipalg_master_alloc()
 *
 * Return: as sipalg_master_alloc() does.
 */
struct nf_conn *sipalg_master_restore(struct sipalg_net *sn,
				      const struct sipalg_origin *origin,
				      const struct sipalg_expect_ops *ops,
				      void *owner);

/**
 * sipalg_master_alloc() - create a master for the pinholes of one owner
 * @flow: the signalling flow it is made for
 * @ops: what @owner does
 * @owner: handed to @ops; it must stay valid under RCU until
 *	sipalg_master_release() and a grace period
 *
 * Softirq; the caller may hold the owner's lock.
 *
 * Return: a master or NULL: no memory, or the conntrack table is full; see
 * sipalg_master_error().
 */
struct nf_conn *sipalg_master_alloc(const struct sipalg_flow *flow,
				    const struct sipalg_expect_ops *ops,
				    void *owner);

/**
 * sipalg_master_error() - why there is no master
 * @sn: the namespace
 *
 * Any context, directly after it was refused.
 *
 * Return: -ENFILE: the conntrack table is full; else -ENOMEM.
 */
int sipalg_master_error(struct sipalg_net *sn);

/**
 * sipalg_expects_are_full() - have conntrack's tables refused us just now
 * @sn: the namespace
 *
 * Any context.
 *
 * Return: true if within the last second.
 */
bool sipalg_expects_are_full(const struct sipalg_net *sn);

/**
 * sipalg_master_release() - close all pinholes of an owner for good
 * @master: its master
 *
 * Connections admitted by them keep the conntrack object alive, but it no longer
 * points at anything of this module. Any context; the caller may hold
 * the owner's lock, takes nf_conntrack_expect_lock. A pinhole must have the
 * zone of its master: for others there are further masters, which go with it.
 */
void sipalg_master_release(struct nf_conn *master);

/**
 * sipalg_master_has() - did a connection come by a pinhole of this owner
 * @master: the owner's master
 * @ct: the connection
 *
 * The caller holds the owner's lock.
 */
bool sipalg_master_has(const struct nf_conn *master, const struct nf_conn *ct);

/* As registered: of UDP and of TCP; set before any rule can attach them. */
extern struct nf_conntrack_helper *sipalg_expect_helpers[2];

/**
 * sipalg_expect_open() - open a pinhole
 * @sn: the namespace, for its counters
 * @master: the owner's master
 * @pinhole: what it admits
 * @exp: out: the expectation, with a reference for sipalg_expect_close()
 *
 * Softirq; the caller may hold the owner's lock, takes
 * nf_conntrack_expect_lock.
 *
 * Return: 0; -EBUSY or -EALREADY: another expectation is in the way;
 * -EMFILE: the namespace's expectation table is full; -ENFILE: the conntrack
 * table is; -ENOSPC: the master has as many of this class as it can; -ENOMEM.
 */
int sipalg_expect_open(struct sipalg_net *sn, struct nf_conn *master,
		       const struct sipalg_expect *pinhole,
		       struct nf_conntrack_expect **exp);

/**
 * sipalg_expect_make_way() - ask the owner of a pinhole in the way to close it
 * @master: of who wants it
 * @pinhole: what has been refused with -EBUSY
 *
 * Any context; the caller may hold the lock of @master's owner.
 *
 * Return: true if it has closed it: sipalg_expect_open() may be tried again.
 */
bool sipalg_expect_make_way(const struct nf_conn *master,
			    const struct sipalg_expect *pinhole);

/**
 * sipalg_expect_is_gone() - has somebody else taken it out
 * @exp: the expectation, or NULL
 *
 * An administrator may flush them. Any context, no lock.
 */
bool sipalg_expect_is_gone(const struct nf_conntrack_expect *exp);

/**
 * sipalg_expects_count() - how many of ours are in conntrack's list
 * @net: the namespace
 *
 * Process context: looks at all there are.
 */
unsigned int sipalg_expects_count(const struct net *net);

/**
 * sipalg_expects_memory() - what our objects of conntrack's kind take
 * @sn: the namespace
 *
 * Any context.
 *
 * Return: bytes of expectations and masters; of media's connections none are ours.
 */
unsigned long sipalg_expects_memory(const struct sipalg_net *sn);

/**
 * sipalg_expect_prolong() - restart the timeout of a pinhole
 * @sn: the namespace, for its counters
 * @exp: the expectation; set to NULL if it is gone: timed out, or flushed by
 *	an administrator; NULL: no effect
 *
 * Any context; the caller may hold the owner's lock, takes
 * nf_conntrack_expect_lock.
 */
void sipalg_expect_prolong(struct sipalg_net *sn,
			   struct nf_conntrack_expect **exp);

/**
 * sipalg_expect_close() - close a pinhole
 * @sn: the namespace, for its counters
 * @exp: the expectation, set to NULL; NULL: no effect
 *
 * Any context; the caller may hold the owner's lock, takes
 * nf_conntrack_expect_lock.
 */
void sipalg_expect_close(struct sipalg_net *sn,
			 struct nf_conntrack_expect **exp);

/**
 * sipalg_expect_face() - what has the sender of a new connection been promised
 * @ct: the new, unconfirmed conntrack, of whosever helper
 * @public: out: the public address and port by which the other side knows it
 *
 * RCU read side, no lock held.
 *
 * Return: false if it came by no pinhole of ours, or is promised nothing, or
 * only what is not the router's any more.
 */
bool sipalg_expect_face(const struct nf_conn *ct, struct sipalg_addr *public);

/**
 * sipalg_expect_nat() - set up NAT of a connection admitted by a pinhole
 * @ct: the new, unconfirmed conntrack
 * @addr: its new source or destination
 * @src: true for the source
 *
 * expectfn context.
 */
void sipalg_expect_nat(struct nf_conn *ct, const struct sipalg_addr *addr,
		       bool src);

#endif
