/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared expectations: pinholes for signalling to one address from one other, or from any.
 *
 * Calls share them: thousands of calls of a trunk name the same few
 * addresses, and conntrack has room for one expectation of a kind. A shared is
 * open while a call needs it (C15), and a namespace has a limited number.
 */
#ifndef SIPALG_SHARED_EXPECT_H
#define SIPALG_SHARED_EXPECT_H

#include "core/flow.h"

#define SIPALG_SHARED_EXPECT_HASH_BITS	8
#define SIPALG_MAX_SHARED_EXPECTS	4096	/* in a namespace (S3-17) */

struct nf_conn;
struct nf_conntrack_expect;
struct sipalg_shared_expect;
struct sipalg_quota;

/**
 * struct sipalg_shared_expect_key - what a shared lets through
 * @dst: where to, as the sender addresses it
 * @src: from which address; zero: from any
 * @family: AF_INET or AF_INET6
 * @l4proto: IPPROTO_UDP or IPPROTO_TCP
 * @pad: zero, as every byte that is not said: keys are compared as bytes
 */
struct sipalg_shared_expect_key {
	struct sipalg_addr dst;
	union nf_inet_addr src;
	u8 family;
	u8 l4proto;
	u16 pad;
};

/**
 * sipalg_shared_expect_get() - open a shared, or share one that is open
 * @flow: the flow of the message that asks for it
 * @key: what it shall let through
 * @real: where @key->dst is translated to
 * @face: address that the sender at @key->src is seen by there
 * @quota: who has begun the call that asks for it
 *
 * Softirq; the caller may hold a call's lock.
 *
 * Return: the shared for sipalg_shared_expect_put(), or NULL: something else is open
 * for the same packets, or there is no room, or @quota has its share.
 */
struct sipalg_shared_expect *
sipalg_shared_expect_get(const struct sipalg_flow *flow,
			 const struct sipalg_shared_expect_key *key,
			 const struct sipalg_addr *real,
			 const union nf_inet_addr *face,
			 struct sipalg_quota *quota);

/**
 * sipalg_shared_expect_put() - the last to give it closes it
 * @shared: the shared
 *
 * Connections that came by it stay. Any context; the caller may hold a call's
 * lock.
 */
void sipalg_shared_expect_put(struct sipalg_shared_expect *shared);

/**
 * sipalg_shared_expect_expected() - a connection came by a shared
 * @shared: the shared
 * @ct: the new conntrack
 *
 * expectfn context (RCU read side, no lock held).
 */
void sipalg_shared_expect_expected(struct sipalg_shared_expect *shared,
				   struct nf_conn *ct);

#endif
