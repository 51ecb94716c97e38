/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many calls an address has begun, and how many public ports it holds: one
 * bad phone can take neither the table nor the ports.
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

/**
 * sipalg_source_take_pair() - a host inside takes a pair of public ports
 * @sn: the namespace
 * @family: AF_INET or AF_INET6
 * @ip: the host
 * @likely: an entry that is in use, and may be this host's; or NULL
 *
 * One host has at most twice max-calls-per-source of them, and three quarters
 * of media-ports, unless it may begin all of max-calls. Caller holds
 * rcu_read_lock; softirq.
 *
 * Return: its entry, for sipalg_source_give_pair(); NULL: it has its share
 * already, or there is no memory.
 */
struct sipalg_source *sipalg_source_take_pair(struct sipalg_net *sn, u8 family,
					      const union nf_inet_addr *ip,
					      struct sipalg_source *likely);

/**
 * sipalg_source_give_pair() - it is free again
 * @source: its entry, or NULL
 *
 * Any context.
 */
void sipalg_source_give_pair(struct sipalg_source *source);

#endif
