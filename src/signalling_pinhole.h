/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pinholes for a call's own signalling (S3-16, S3-17).
 *
 * Where no proxy stays in the way (RFC 3261 16.6: no Record-Route) or several
 * do, requests and answers come from and go to other addresses than those of
 * the first INVITE: what its parties have written in Contact, Record-Route,
 * Route and Via. For each that the settings allow there is a gate as long as
 * the call is remembered (C15).
 */
#ifndef SIPALG_SIGNALLING_PINHOLE_H
#define SIPALG_SIGNALLING_PINHOLE_H

#include <linux/types.h>

#include "flow.h"

struct sip_msg;
struct sipalg_call;
struct sipalg_gate;

#define SIPALG_MAX_SENDERS	2	/* to one address */

/**
 * struct sipalg_sender - who may come a way
 * @src: from this address; zero: from any
 * @gate: it is open, or NULL
 */
struct sipalg_sender {
	union nf_inet_addr src;
	struct sipalg_gate *gate;
};

/**
 * struct sipalg_way - to one address that a party has named
 * @dst: as the other side addresses it
 * @real: where that is
 * @fork: dialog of the party
 * @side: enum sipalg_side of those whom it leads to
 * @place: enum sip_place it was named at
 * @l4proto: IPPROTO_UDP or IPPROTO_TCP
 * @own: of the host that named it (H-25)
 * @fresh: named by the newest message
 * @tried: bits of the senders for whom it is open, or cannot be
 * @sender: who may come
 */
struct sipalg_way {
	struct sipalg_addr dst;
	struct sipalg_addr real;
	u16 fork;
	u8 side;
	u8 place;
	u8 l4proto;
	bool own;
	bool fresh;
	u8 tried;
	struct sipalg_sender sender[SIPALG_MAX_SENDERS];
};

/**
 * sipalg_signalling_way() - one of the ways that a call knows
 * @call: locked
 * @i: which, from 0
 *
 * Return: it, or NULL: there are no more.
 */
const struct sipalg_way *sipalg_signalling_way(const struct sipalg_call *call,
					       unsigned int i);

/**
 * sipalg_signalling_learn() - what a message says of where its parties are
 * @call: its call, locked
 * @side: enum sipalg_side of the sender
 * @fork: dialog of the sender, 0 for the caller
 * @flow: its flow
 * @msg: the message, its addresses bound (sipalg_translate())
 *
 * A set of addresses that a later message names in the same place goes in
 * the place of the older (S3-45). Caller holds rcu_read_lock.
 */
void sipalg_signalling_learn(struct sipalg_call *call, u8 side, u16 fork,
			     const struct sipalg_flow *flow,
			     const struct sip_msg *msg);

/**
 * sipalg_signalling_sync() - open what is learnt and may be open by now
 * @call: locked
 * @flow: the flow of the message, for a master
 *
 * What cannot be opened is not: the way that the call has come is open
 * anyway. Softirq.
 */
void sipalg_signalling_sync(struct sipalg_call *call,
			    const struct sipalg_flow *flow);

/**
 * sipalg_signalling_close() - close and forget all
 * @call: locked
 */
void sipalg_signalling_close(struct sipalg_call *call);

#endif
