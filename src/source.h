/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many calls an address has begun: one bad phone cannot take the table.
 */
#ifndef SIPALG_SOURCE_H
#define SIPALG_SOURCE_H

#include <linux/types.h>
#include <linux/netfilter.h>

struct sipalg_net;
struct sipalg_source;

/**
 * sipalg_sources_init() - set up the table of a namespace
 * @sn: the namespace
 *
 * Process context.
 *
 * Return: 0 or a negative errno.
 */
int sipalg_sources_init(struct sipalg_net *sn);

/* Takes it down; no call is left. */
void sipalg_sources_exit(struct sipalg_net *sn);

/**
 * sipalg_source_take() - an address begins a call
 * @sn: the namespace
 * @family: AF_INET or AF_INET6
 * @ip: the address
 *
 * Caller holds rcu_read_lock; softirq.
 *
 * Return: its entry, for sipalg_source_give(); NULL: it has
 * max-calls-per-source already, or there is no memory.
 */
struct sipalg_source *sipalg_source_take(struct sipalg_net *sn, u8 family,
					 const union nf_inet_addr *ip);

/**
 * sipalg_source_give() - a call of it is forgotten
 * @source: its entry
 *
 * Any context.
 */
void sipalg_source_give(struct sipalg_source *source);

#endif
