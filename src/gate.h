/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gates: pinholes for signalling to one address from one other, or from any.
 *
 * Calls share them: thousands of calls of a trunk name the same few
 * addresses, and conntrack has room for one expectation of a kind. A gate is
 * open while a call needs it (C15), and a namespace has a limited number.
 */
#ifndef SIPALG_GATE_H
#define SIPALG_GATE_H

#include "flow.h"

#define SIPALG_GATE_HASH_BITS	8
#define SIPALG_MAX_GATES	4096	/* in a namespace (S3-17) */

struct nf_conn;
struct nf_conntrack_expect;
struct sipalg_gate;
struct sipalg_source;

/**
 * struct sipalg_gate_key - what a gate lets through
 * @dst: where to, as the sender addresses it
 * @src: from which address; zero: from any
 * @family: AF_INET or AF_INET6
 * @l4proto: IPPROTO_UDP or IPPROTO_TCP
 * @pad: zero, as every byte that is not said: keys are compared as bytes
 */
struct sipalg_gate_key {
	struct sipalg_addr dst;
	union nf_inet_addr src;
	u8 family;
	u8 l4proto;
	u16 pad;
};

/**
 * sipalg_gate_take() - open a gate, or share one that is open
 * @flow: the flow of the message that asks for it
 * @key: what it shall let through
 * @real: where @key->dst is translated to
 * @face: address that the sender at @key->src is seen by there
 * @source: who has begun the call that asks for it
 *
 * Softirq; the caller may hold a call's lock.
 *
 * Return: the gate for sipalg_gate_give(), or NULL: something else is open
 * for the same packets, or there is no room, or @source has its share.
 */
struct sipalg_gate *sipalg_gate_take(const struct sipalg_flow *flow,
				     const struct sipalg_gate_key *key,
				     const struct sipalg_addr *real,
				     const union nf_inet_addr *face,
				     struct sipalg_source *source);

/**
 * sipalg_gate_give() - the last to give it closes it
 * @gate: the gate
 *
 * Connections that came by it stay. Any context; the caller may hold a call's
 * lock.
 */
void sipalg_gate_give(struct sipalg_gate *gate);

/**
 * sipalg_gate_expected() - a connection came by a gate
 * @gate: the gate
 * @ct: the new conntrack
 *
 * expectfn context (RCU read side, no lock held).
 */
void sipalg_gate_expected(struct sipalg_gate *gate, struct nf_conn *ct);

#endif
