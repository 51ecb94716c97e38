/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signalling pinholes of a call (S3-16, S3-17).
 *
 * If no proxy or several proxies stay in the path (RFC 3261 16.6), requests and
 * responses use other addresses than the first INVITE: those in Contact,
 * Record-Route, Route and Via. Each that the settings allow has a shared
 * expectation as long as the call exists (C15).
 */
#ifndef SIPALG_SIG_EXPECT_H
#define SIPALG_SIG_EXPECT_H

#include <linux/types.h>

#include "core/flow.h"

struct sip_msg;
struct sipalg_call;
struct sipalg_plan;
struct sipalg_face;
struct sipalg_shared_expect;

#define SIPALG_MAX_SIG_PEERS	2	/* to one address */

/**
 * struct sipalg_sig_peer - who may use a signalling pinhole
 * @src: source address; zero: any
 * @shared: the open expectation, or NULL
 */
struct sipalg_sig_peer {
	union nf_inet_addr src;
	struct sipalg_shared_expect *shared;
};

/**
 * struct sipalg_sig_pinhole - pinhole to one address that a party named
 * @dst: the address as the other side uses it
 * @real: the host's own address
 * @face: of @dst, if that is a public address of this router, else NULL
 * @fork: dialog of the party
 * @side: enum sipalg_side of the party it leads to
 * @field: enum sip_field that named it
 * @l4proto: IPPROTO_UDP or IPPROTO_TCP
 * @inside: inside address of the host that named it (H-25)
 * @fresh: named by the message that is being read
 * @accepted: a target that the other party has accepted
 * @order: of a target: when it was named last, one number each message, which count
 *	round
 * @tried: bits of the senders for whom it is open, or cannot be opened
 * @sender: who may send
 */
struct sipalg_sig_pinhole {
	struct sipalg_addr dst;
	struct sipalg_addr real;
	struct sipalg_face *face;
	u16 fork;
	u8 side;
	u8 field;
	u8 l4proto;
	bool inside : 1;
	bool fresh : 1;
	bool accepted : 1;
	u8 order;
	u8 tried;
	struct sipalg_sig_peer sender[SIPALG_MAX_SIG_PEERS];
};

/**
 * sipalg_sig_pinhole_nth() - one of the signalling pinholes of a call
 * @call: locked
 * @i: which, from 0
 *
 * Return: the pinhole, or NULL: there are no more.
 */
const struct sipalg_sig_pinhole *
sipalg_sig_pinhole_nth(const struct sipalg_call *call, unsigned int i);

/**
 * sipalg_sig_expect_learn() - learn addresses of the parties from a message
 * @call: its call, locked
 * @plan: what was decided on it
 * @flow: its flow
 * @msg: the message, its addresses mapped (sipalg_translate())
 *
 * Contact is the sender's target: the former one is closed when the other party
 * accepts the new one by 2xx (RFC 3261 12.2.1.2, S3-45). The routes are those that the
 * dialog began with. What is named in another field takes the place of what was named
 * in it before. Caller holds rcu_read_lock.
 */
void sipalg_sig_expect_learn(struct sipalg_call *call, const struct sipalg_plan *plan,
			     const struct sipalg_flow *flow, const struct sip_msg *msg);

/**
 * sipalg_sig_pinhole_restore() - one as another router has it
 * @call: locked
 * @flow: from the inside, for its face
 * @from: all of it but its face and senders
 *
 * Softirq.
 *
 * Return: false: no memory, too many, or of a field that opens none.
 */
bool sipalg_sig_pinhole_restore(struct sipalg_call *call,
				const struct sipalg_flow *flow,
				const struct sipalg_sig_pinhole *from);

/**
 * sipalg_sig_expect_sync() - open learnt pinholes that are allowed by now
 * @call: locked
 * @flow: the flow of the message, for a master
 *
 * A failure to open one is ignored: the path that the call used is open anyway.
 * Softirq.
 */
void sipalg_sig_expect_sync(struct sipalg_call *call,
			    const struct sipalg_flow *flow);

/**
 * sipalg_sig_expect_lose() - some addresses are the router's no more
 * @call: locked
 *
 * What leads there is closed and forgotten: the parties will say where else
 * they are.
 */
void sipalg_sig_expect_lose(struct sipalg_call *call);

/**
 * sipalg_sig_expect_settings() - apply changed settings to a call's pinholes
 * @call: locked
 * @flow: of its newest message; NULL: new ones wait for a message
 */
void sipalg_sig_expect_settings(struct sipalg_call *call,
				const struct sipalg_flow *flow);

/**
 * sipalg_sig_expect_close() - close and remove all
 * @call: locked
 */
void sipalg_sig_expect_close(struct sipalg_call *call);

#endif
