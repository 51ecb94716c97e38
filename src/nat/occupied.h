/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ports at the router's addresses that are somebody else's (law of least
 * surprise, threats T-4): what a program on the router listens at, and what a
 * rule of the administrator's leads on to a host inside. A pinhole there would
 * lead a stranger's packets, meant for those, to a phone.
 */
#ifndef SIPALG_OCCUPIED_H
#define SIPALG_OCCUPIED_H

#include <linux/types.h>

struct sipalg_addr;
struct sipalg_flow;

/**
 * sipalg_is_occupied() - is one of these public ports in other hands
 * @flow: the flow of the message for which they would be given
 * @l4proto: IPPROTO_UDP or IPPROTO_TCP
 * @addr: the public address and the first port
 * @count: how many ports
 *
 * The nat chains are asked as if a packet from the flow's peer had come for it:
 * what they count, they count once more. Caller holds rcu_read_lock; softirq;
 * it may hold locks of ours.
 *
 * Return: true if it is.
 */
bool sipalg_is_occupied(const struct sipalg_flow *flow, u8 l4proto,
			const struct sipalg_addr *addr, unsigned int count);

#endif
