/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pinholes for a call's own signalling (S3-16, S3-17).
 *
 * Where no proxy stays in the way (RFC 3261 16.6: no Record-Route) or several
 * do, requests and answers come from and go to other addresses than those of
 * the first INVITE: what its parties have written in Contact, Record-Route,
 * Route and Via. For each that the settings allow there is a shared as long as
 * the call is remembered (C15).
 */
#ifndef SIPALG_SIG_EXPECT_H
#define SIPALG_SIG_EXPECT_H

#include <linux/types.h>

#include "core/flow.h"

struct sip_msg;
struct sipalg_call;
struct sipalg_shared_expect;

#define SIPALG_MAX_SIG_PEERS	2	/* to one address */

/**
 * struct sipalg_sig_peer - who may come a way
 * @src: from this address; zero: from any
 * @shared: it is open, or NULL
 */
struct sipalg_sig_peer {
	union nf_inet_addr src;
	struct sipalg_shared_expect *shared;
};

/**
 * struct sipalg_sig_pinhole - to one address that a party has named
 * @dst: as the other side addresses it
 * @real: where that is
 * @fork: dialog of the party
 * @side: enum sipalg_side of those whom it leads to
 * @field: enum sip_field it was named at
 * @l4proto: IPPROTO_UDP or IPPROTO_TCP
 * @inside: of the host that named it (H-25)
 * @fresh: named by the newest message
 * @tried: bits of the senders for whom it is open, or cannot be
 * @sender: who may come
 */
struct sipalg_sig_pinhole {
	struct sipalg_addr dst;
	struct sipalg_addr real;
	u16 fork;
	u8 side;
	u8 field;
	u8 l4proto;
	bool inside;
	bool fresh;
	u8 tried;
	struct sipalg_sig_peer sender[SIPALG_MAX_SIG_PEERS];
};

/**
 * sipalg_sig_pinhole_nth() - one of the ways that a call knows
 * @call: locked
 * @i: which, from 0
 *
 * Return: it, or NULL: there are no more.
 */
const struct sipalg_sig_pinhole *
sipalg_sig_pinhole_nth(const struct sipalg_call *call, unsigned int i);

/**
 * sipalg_sig_expect_learn() - what a message says of where its parties are
 * @call: its call, locked
 * @side: enum sipalg_side of the sender
 * @fork: dialog of the sender, 0 for the caller
 * @flow: its flow
 * @msg: the message, its addresses bound (sipalg_translate())
 *
 * A set of addresses that a later message names in the same place goes in
 * the place of the older (S3-45). Caller holds rcu_read_lock.
 */
void sipalg_sig_expect_learn(struct sipalg_call *call, u8 side, u16 fork,
			     const struct sipalg_flow *flow,
			     const struct sip_msg *msg);

/**
 * sipalg_sig_expect_sync() - open what is learnt and may be open by now
 * @call: locked
 * @flow: the flow of the message, for a master
 *
 * What cannot be opened is not: the way that the call has come is open
 * anyway. Softirq.
 */
void sipalg_sig_expect_sync(struct sipalg_call *call,
			    const struct sipalg_flow *flow);

/**
 * sipalg_sig_expect_close() - close and forget all
 * @call: locked
 */
void sipalg_sig_expect_close(struct sipalg_call *call);

#endif
