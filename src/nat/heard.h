/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hosts that have spoken for themselves: who has a signalling flow of its own
 * that is followed, or a registration. Where nothing is translated nobody else
 * may have a host opened to the outside (CONTRACT.md D9).
 *
 * A table of a fixed size: who was heard and is forgotten, because many others
 * were, must say something again.
 */
#ifndef SIPALG_HEARD_H
#define SIPALG_HEARD_H

#include "core/flow.h"

#define SIPALG_HEARD_BITS	10
#define SIPALG_HEARD_WAYS	4

/**
 * struct sipalg_heard - a host that has spoken
 * @host: hash of its address, 0: none
 * @until: jiffies of 64 bits: nobody takes it away
 */
struct sipalg_heard {
	u64 host;
	u64 until;
};

/**
 * sipalg_heard_note() - the sender of a message has spoken for itself
 * @flow: the message's flow
 * @time: jiffies from now for which that holds
 *
 * Any context.
 */
void sipalg_heard_note(const struct sipalg_flow *flow, unsigned long time);

/**
 * sipalg_heard_keep() - a registrar has confirmed the receiver of its answer
 * @flow: the answer's flow
 * @time: jiffies from now for which that holds
 *
 * Any context.
 */
void sipalg_heard_keep(const struct sipalg_flow *flow, unsigned long time);

/**
 * sipalg_may_be_named() - may this message have this host opened to its peer
 * @flow: the message's flow; nothing is translated on it
 * @family: AF_INET or AF_INET6
 * @ip: an address that it names
 *
 * The sender's own address; a host on the side that is not the phone's; or one
 * that has spoken for itself. Caller holds rcu_read_lock.
 */
bool sipalg_may_be_named(const struct sipalg_flow *flow, u8 family,
			 const union nf_inet_addr *ip);

/**
 * sipalg_may_be_media() - may this address of the other family have media
 * @flow: the message's flow
 * @family: AF_INET or AF_INET6, not the flow's
 * @ip: an address that a session description names
 *
 * On the sender's side: its own, or that of a host that has spoken for itself;
 * where the sender is outside, any. Caller holds rcu_read_lock.
 */
bool sipalg_may_be_media(const struct sipalg_flow *flow, u8 family,
			 const union nf_inet_addr *ip);

/**
 * sipalg_heard_init() - set up the table of a namespace
 * @sn: the namespace
 *
 * Process context.
 *
 * Return: 0 or a negative errno.
 */
int sipalg_heard_init(struct sipalg_net *sn);
void sipalg_heard_exit(struct sipalg_net *sn);

#endif
