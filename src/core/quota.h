/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Quotas: what an address uses of shared resources. One bad phone cannot take the
 * table of calls, the public ports, the signalling pinholes, or the memory of
 * TCP queues.
 */
#ifndef SIPALG_QUOTA_H
#define SIPALG_QUOTA_H

#include <linux/rbtree.h>
#include <linux/types.h>
#include <linux/netfilter.h>

struct sipalg_net;
struct sipalg_quota;

/*
 * CALLS: that it has begun, max-calls-per-source. PAIRS: public ports for the
 * media of a host inside, twice as many. PORTS: of media-ports, by which it is
 * reached itself. Both together: three quarters of media-ports; all of them if
 * it may begin all of max-calls. EXPECTS: that its calls have opened, a quarter.
 * TCP: bytes of each kind that are kept of its connections: no more than what
 * is left for all others, and a quarter. REGISTRATIONS: of a host inside, as
 * memory goes.
 */
enum sipalg_quota_kind {
	SIPALG_QUOTA_CALLS,
	SIPALG_QUOTA_PAIRS,
	SIPALG_QUOTA_PORTS,
	SIPALG_QUOTA_EXPECTS,
	SIPALG_QUOTA_TCP_SENT,
	SIPALG_QUOTA_TCP_HELD,
	SIPALG_QUOTA_TCP_PASSING,
	SIPALG_QUOTA_REGISTRATIONS,
	SIPALG_QUOTA_MAX
};

/**
 * struct sipalg_lru_source - the calls of one class that an address has begun
 * @node: in &sipalg_net.lru while there are any
 * @calls: they, the next to be evicted first
 * @count: how many
 */
struct sipalg_lru_source {
	struct rb_node node;
	struct list_head calls;
	u32 count;
};

/**
 * sipalg_quotas_init() - set up the table of a namespace
 * @sn: the namespace
 *
 * Process context.
 *
 * Return: 0 or a negative errno.
 */
int sipalg_quotas_init(struct sipalg_net *sn);

/* Frees the table; all charges have been returned. */
void sipalg_quotas_exit(struct sipalg_net *sn);

/**
 * sipalg_quota_host_get() - get the entry of an address
 * @sn: the namespace
 * @family: AF_INET or AF_INET6
 * @ip: the address
 *
 * Caller holds rcu_read_lock; softirq.
 *
 * Return: it, for sipalg_quota_host_put(); NULL: there is no memory.
 */
struct sipalg_quota *sipalg_quota_host_get(struct sipalg_net *sn, u8 family,
					   const union nf_inet_addr *ip);

/**
 * sipalg_quota_lru() - the calls that an address has begun
 * @quota: its entry
 *
 * Return: a list for each enum sipalg_lru_class, guarded by &sipalg_net.lru_lock.
 */
struct sipalg_lru_source *sipalg_quota_lru(struct sipalg_quota *quota);

/**
 * sipalg_quota_host_put() - drop a reference
 * @quota: its entry
 *
 * Any context.
 */
void sipalg_quota_host_put(struct sipalg_quota *quota);

/**
 * sipalg_quota_charge() - charge an address
 * @quota: its entry
 * @kind: resource
 * @count: number or bytes
 *
 * Any context.
 *
 * Return: false if its share would be exceeded; nothing is charged.
 */
bool sipalg_quota_charge(struct sipalg_quota *quota,
			 enum sipalg_quota_kind kind, u32 count);

/**
 * sipalg_quota_count() - how much an address has been charged
 * @quota: its entry
 * @kind: resource
 *
 * Any context.
 *
 * Return: number or bytes.
 */
u32 sipalg_quota_count(const struct sipalg_quota *quota,
		       enum sipalg_quota_kind kind);

/**
 * sipalg_quota_uncharge() - uncharge an address
 * @quota: its entry
 * @kind: resource
 * @count: as charged
 *
 * Any context.
 */
void sipalg_quota_uncharge(struct sipalg_quota *quota,
			   enum sipalg_quota_kind kind, u32 count);

/**
 * sipalg_quota_get() - charge an address with one
 * @sn: the namespace
 * @family: AF_INET or AF_INET6
 * @ip: the address
 * @likely: an entry in use that may be this address's, or NULL
 * @kind: resource
 *
 * Caller holds rcu_read_lock; softirq.
 *
 * Return: its entry, for sipalg_quota_put(); NULL: its share is used up, or there
 * is no memory.
 */
struct sipalg_quota *sipalg_quota_get(struct sipalg_net *sn, u8 family,
				      const union nf_inet_addr *ip,
				      struct sipalg_quota *likely,
				      enum sipalg_quota_kind kind);

/**
 * sipalg_quota_take() - charge an address with one, whatever its share
 * @sn: the namespace
 * @family: AF_INET or AF_INET6
 * @ip: the address
 * @kind: resource
 *
 * What another router has granted is not refused here. Caller holds rcu_read_lock;
 * softirq.
 *
 * Return: its entry, for sipalg_quota_put(); NULL: no memory.
 */
struct sipalg_quota *sipalg_quota_take(struct sipalg_net *sn, u8 family,
				       const union nf_inet_addr *ip,
				       enum sipalg_quota_kind kind);

/**
 * sipalg_quota_get_more() - charge an entry that is in use with one
 * @quota: the entry
 * @kind: resource
 *
 * Any context.
 *
 * Return: as sipalg_quota_get() does.
 */
struct sipalg_quota *sipalg_quota_get_more(struct sipalg_quota *quota,
					   enum sipalg_quota_kind kind);

/**
 * sipalg_quota_put() - uncharge one
 * @quota: its entry, or NULL
 * @kind: resource
 *
 * Any context.
 */
void sipalg_quota_put(struct sipalg_quota *quota, enum sipalg_quota_kind kind);

#endif
