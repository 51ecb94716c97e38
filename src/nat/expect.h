/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pinholes: conntrack expectations, and the conntracks that carry them.
 *
 * Conntrack's expectations hang on a master, at most 255 a class, the oldest
 * silently evicted. A trunk is one signalling conntrack with thousands of
 * calls, so each call (and each registration) has a master of its own: a
 * conntrack that is in no table and sees no packet, with the signalling
 * tuple for people to read and this module's helper for rules to match.
 * Closing all pinholes of a call is then one operation that cannot touch
 * another call's (H-1, H-2). Pinholes are permanent expectations: they stay
 * when media conntracks time out in a silent call (S1-8).
 */
#ifndef SIPALG_EXPECT_H
#define SIPALG_EXPECT_H

#include "core/flow.h"

struct nf_conn;
struct nf_conntrack_expect;
struct nf_conntrack_helper;
struct sipalg_call;

/*
 * Seconds. Pinholes are closed by their owners: no call lasts as long, and
 * what lasts longer prolongs them.
 */
#define SIPALG_EXPECT_TIMEOUT	(10 * 24 * 3600)

/* A call of 64 streams has 128 of RTP, and while one side's move 192. */
enum sipalg_expect_class {
	SIPALG_CLASS_SIGNALLING,
	SIPALG_CLASS_RTP,
	SIPALG_CLASS_RTCP,
	SIPALG_CLASS_MAX
};

enum sipalg_owner_kind {
	SIPALG_OWNER_CALL,
	SIPALG_OWNER_MAPPING,
	SIPALG_OWNER_SHARED,
};

/**
 * struct sipalg_expect - what a pinhole shall let through
 * @class: enum sipalg_expect_class
 * @family: AF_INET or AF_INET6
 * @l4proto: IPPROTO_UDP or IPPROTO_TCP
 * @src_ip: the only source address, or NULL: any (S1-2)
 * @src_port: the only source port, network byte order; 0: any
 * @dst: destination
 * @real: where @dst is translated to; shown by conntrack -L expect
 * @helper: to be attached to the new connection, or NULL
 */
struct sipalg_expect {
	u8 class;
	u8 family;
	u8 l4proto;
	const union nf_inet_addr *src_ip;
	__be16 src_port;
	struct sipalg_addr dst;
	struct sipalg_addr real;
	struct nf_conntrack_helper *helper;
};

/**
 * sipalg_master_alloc() - make a master for the pinholes of one owner
 * @flow: the signalling flow it is made for
 * @kind: enum sipalg_owner_kind
 * @owner: struct sipalg_call, sipalg_mapping or sipalg_shared_expect; it must stay valid under RCU
 *	until sipalg_master_release() and a grace period
 *
 * Softirq; the caller may hold the owner's lock.
 *
 * Return: a master or NULL: no memory or the conntrack table is full.
 */
struct nf_conn *sipalg_master_alloc(const struct sipalg_flow *flow,
				    enum sipalg_owner_kind kind, void *owner);

/**
 * sipalg_master_release() - close all pinholes of an owner for good
 * @master: its master
 *
 * Connections that came through them keep the conntrack object alive, but it
 * points at nothing of this module any more. Any context; the caller may hold
 * the owner's lock, takes nf_conntrack_expect_lock.
 */
void sipalg_master_release(struct nf_conn *master);

/**
 * sipalg_expect_open() - let something through
 * @sn: the namespace, for its counters
 * @master: the owner's master
 * @pinhole: what
 * @exp: out: the expectation, with a reference for sipalg_expect_close()
 *
 * Softirq; the caller may hold the owner's lock, takes
 * nf_conntrack_expect_lock.
 *
 * Return: 0; -EBUSY or -EALREADY: somebody else's expectation is in the way;
 * -EMFILE: the namespace's expectation table is full; -ENOSPC: the master has
 * as many of this class as it can; -ENOMEM.
 */
int sipalg_expect_open(struct sipalg_net *sn, struct nf_conn *master,
		       const struct sipalg_expect *pinhole,
		       struct nf_conntrack_expect **exp);

/**
 * sipalg_expect_holder() - the call that has a pinhole where another wants one
 * @master: of who wants it
 * @pinhole: what has been refused with -EBUSY
 *
 * Caller holds rcu_read_lock.
 *
 * Return: the call with a reference, not locked; NULL: it is not a call's.
 */
struct sipalg_call *sipalg_expect_holder(const struct nf_conn *master,
					 const struct sipalg_expect *pinhole);

/**
 * sipalg_expect_prolong() - its owner lives on
 * @sn: the namespace, for its counters
 * @exp: the expectation; set to NULL if it has gone: timed out, or flushed by
 *	an administrator; NULL already: nothing happens
 *
 * Any context; the caller may hold the owner's lock, takes
 * nf_conntrack_expect_lock.
 */
void sipalg_expect_prolong(struct sipalg_net *sn,
			   struct nf_conntrack_expect **exp);

/**
 * sipalg_expect_close() - and no longer
 * @sn: the namespace, for its counters
 * @exp: the expectation, set to NULL; NULL already: nothing happens
 *
 * Any context; the caller may hold the owner's lock, takes
 * nf_conntrack_expect_lock.
 */
void sipalg_expect_close(struct sipalg_net *sn,
			 struct nf_conntrack_expect **exp);

/**
 * sipalg_expect_nat() - translate a new connection that came by a pinhole
 * @ct: the new, unconfirmed conntrack
 * @addr: what its source or destination becomes
 * @src: the source, else the destination
 *
 * expectfn context.
 */
void sipalg_expect_nat(struct nf_conn *ct, const struct sipalg_addr *addr,
		       bool src);

#endif
