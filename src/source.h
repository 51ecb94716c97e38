/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an address holds of what all share: one bad phone can take neither the
 * table of calls nor the public ports, the ways for signalling, or the memory
 * for what connections owe.
 */
#ifndef SIPALG_SOURCE_H
#define SIPALG_SOURCE_H

#include <linux/types.h>
#include <linux/netfilter.h>

struct sipalg_net;
struct sipalg_source;

/*
 * CALLS: that it has begun, max-calls-per-source. PAIRS: public ports of a
 * host inside, twice as many, and three quarters of media-ports; all of them
 * if it may begin all of max-calls. GATES: that its calls have opened, a
 * quarter. DEBT: bytes that its connections owe, a quarter.
 */
enum sipalg_share {
	SIPALG_SHARE_CALLS,
	SIPALG_SHARE_PAIRS,
	SIPALG_SHARE_GATES,
	SIPALG_SHARE_DEBT,
	SIPALG_SHARES
};

/**
 * sipalg_sources_init() - set up the table of a namespace
 * @sn: the namespace
 *
 * Process context.
 *
 * Return: 0 or a negative errno.
 */
int sipalg_sources_init(struct sipalg_net *sn);

/* Takes it down; nobody holds anything. */
void sipalg_sources_exit(struct sipalg_net *sn);

/**
 * sipalg_source_use() - the entry of an address
 * @sn: the namespace
 * @family: AF_INET or AF_INET6
 * @ip: the address
 *
 * Caller holds rcu_read_lock; softirq.
 *
 * Return: it, for sipalg_source_unuse(); NULL: there is no memory.
 */
struct sipalg_source *sipalg_source_use(struct sipalg_net *sn, u8 family,
					const union nf_inet_addr *ip);

/**
 * sipalg_source_unuse() - the reverse
 * @source: its entry
 *
 * Any context.
 */
void sipalg_source_unuse(struct sipalg_source *source);

/**
 * sipalg_source_charge() - it takes something
 * @source: its entry
 * @share: of what
 * @count: so many, or bytes
 *
 * Any context.
 *
 * Return: false if that were more than its share: it gets nothing.
 */
bool sipalg_source_charge(struct sipalg_source *source,
			  enum sipalg_share share, u32 count);

/**
 * sipalg_source_discharge() - it gives it back
 * @source: its entry
 * @share: of what
 * @count: as charged
 *
 * Any context.
 */
void sipalg_source_discharge(struct sipalg_source *source,
			     enum sipalg_share share, u32 count);

/**
 * sipalg_source_take() - an address takes one of something
 * @sn: the namespace
 * @family: AF_INET or AF_INET6
 * @ip: the address
 * @likely: an entry that is in use, and may be this address's; or NULL
 * @share: of what
 *
 * Caller holds rcu_read_lock; softirq.
 *
 * Return: its entry, for sipalg_source_give(); NULL: it has its share already,
 * or there is no memory.
 */
struct sipalg_source *sipalg_source_take(struct sipalg_net *sn, u8 family,
					 const union nf_inet_addr *ip,
					 struct sipalg_source *likely,
					 enum sipalg_share share);

/**
 * sipalg_source_take_more() - the same, for an entry that is in use
 * @source: it
 * @share: of what
 *
 * Any context.
 *
 * Return: as sipalg_source_take() does.
 */
struct sipalg_source *sipalg_source_take_more(struct sipalg_source *source,
					      enum sipalg_share share);

/**
 * sipalg_source_give() - that one is free again
 * @source: its entry, or NULL
 * @share: of what
 *
 * Any context.
 */
void sipalg_source_give(struct sipalg_source *source, enum sipalg_share share);

#endif
