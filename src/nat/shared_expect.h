/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared expectations: signalling pinholes to one address, from one other or
 * from any.
 *
 * Thousands of calls of a trunk name the same few addresses, and conntrack has
 * room for one expectation of a kind, so calls share them. Each is open while a
 * call needs it (C15); their number in a namespace is limited.
 */
#ifndef SIPALG_SHARED_EXPECT_H
#define SIPALG_SHARED_EXPECT_H

#include "core/flow.h"

struct sipalg_expect;
struct sipalg_face;
struct sipalg_quota;
struct sipalg_shared_expect;

/**
 * struct sipalg_shared_expect_key - what a shared expectation admits
 * @dst: destination, as the sender addresses it
 * @src: source address; zero: any
 * @family: AF_INET or AF_INET6
 * @l4proto: IPPROTO_UDP or IPPROTO_TCP
 * @zone: conntrack zone that it is for
 *
 * Unused bytes are zero: keys are compared as bytes.
 */
struct sipalg_shared_expect_key {
	struct sipalg_addr dst;
	union nf_inet_addr src;
	u8 family;
	u8 l4proto;
	u16 zone;
};

/**
 * sipalg_shared_expect_get() - open a shared expectation, or take a reference
 * @flow: the flow of the message that asks for it
 * @key: what it admits
 * @real: address that @key->dst is translated to
 * @face: by which that host sees the sender at @key->src, if it is inside, else
 *	NULL; the caller holds it
 * @quota: of the host that began the call
 *
 * Softirq; the caller may hold a call's lock.
 *
 * Return: it, for sipalg_shared_expect_put(), or NULL: another expectation
 * admits the same packets, there is no room, or @quota is used up.
 */
struct sipalg_shared_expect *
sipalg_shared_expect_get(const struct sipalg_flow *flow,
			 const struct sipalg_shared_expect_key *key,
			 const struct sipalg_addr *real,
			 struct sipalg_face *face, struct sipalg_quota *quota);

/**
 * sipalg_shared_expect_repair() - put back what somebody else has taken out
 * @shared: the shared
 *
 * Softirq; the caller may hold a call's lock.
 */
void sipalg_shared_expect_repair(struct sipalg_shared_expect *shared);

/**
 * sipalg_shared_expects_yield() - close those that admit no more than another
 * @sn: the namespace
 * @wider: it, to the same place
 *
 * Conntrack has room for one of two that overlap. They open again, with their
 * calls' next message, when it has gone. Softirq or process context; the caller
 * may hold a mapping's lock.
 */
void sipalg_shared_expects_yield(struct sipalg_net *sn,
				 const struct sipalg_expect *wider);

/**
 * sipalg_shared_expect_put() - drop a reference; the last one removes the expectation
 * @shared: the shared expectation
 *
 * Connections that were admitted by it stay. Any context; the caller may hold a call's
 * lock.
 */
void sipalg_shared_expect_put(struct sipalg_shared_expect *shared);

#endif
