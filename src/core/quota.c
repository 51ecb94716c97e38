// SPDX-License-Identifier: GPL-2.0-only
/* A table of addresses with charges; an entry lives as long as its charges. */
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include "core/net.h"
#include "core/quota.h"
#include "sip/addr.h"

#define TRIES		8	/* each time another CPU has got on with its own */
#define FEW_PAIRS	32	/* of fewer nothing is kept back for others */

struct quota_key {
	union nf_inet_addr ip;
	u32 family;
};

struct sipalg_quota {
	struct rhash_head node;
	struct quota_key key;
	struct sipalg_net *sn;
	struct rcu_head rcu;
	refcount_t users;
	atomic_t has[SIPALG_QUOTA_MAX];
	struct sipalg_lru_source lru[SIPALG_LRU_CLASSES];
};

static const struct rhashtable_params quota_params = {
	.head_offset = offsetof(struct sipalg_quota, node),
	.key_offset = offsetof(struct sipalg_quota, key),
	.key_len = sizeof(struct quota_key),
	.automatic_shrinking = true,
};

static struct sipalg_quota *quota_make(struct sipalg_net *sn,
				       const struct quota_key *key)
{
	struct sipalg_quota *quota = kzalloc(sizeof(*quota), GFP_ATOMIC);
	unsigned int class;
	int err;

	if (!quota)
		return ERR_PTR(-ENOMEM);
	quota->key = *key;
	quota->sn = sn;
	refcount_set(&quota->users, 1);
	for (class = 0; class < SIPALG_LRU_CLASSES; class++)
		INIT_LIST_HEAD(&quota->lru[class].calls);
	err = rhashtable_lookup_insert_fast(&sn->quotas, &quota->node,
					    quota_params);
	if (err) {
		kfree(quota);
		return ERR_PTR(err);
	}
	atomic_long_add(sizeof(*quota), &sn->memory);
	return quota;
}

static void quota_unlink(struct sipalg_quota *quota)
{
	rhashtable_remove_fast(&quota->sn->quotas, &quota->node, quota_params);
}

struct sipalg_lru_source *sipalg_quota_lru(struct sipalg_quota *quota)
{
	return quota->lru;
}

void sipalg_quota_host_put(struct sipalg_quota *quota)
{
	struct sipalg_net *sn = quota->sn;

	if (!refcount_dec_and_test(&quota->users))
		return;
	quota_unlink(quota);
	atomic_long_sub(sizeof(*quota), &sn->memory);
	kfree_rcu(quota, rcu);
}

struct sipalg_quota *sipalg_quota_host_get(struct sipalg_net *sn, u8 family,
					   const union nf_inet_addr *ip)
{
	struct quota_key key = { .ip = *ip, .family = family };
	struct sipalg_quota *quota;
	unsigned int try;

	/* Another CPU may be creating the same entry, or removing it. */
	for (try = 0; try < TRIES; try++) {
		quota = rhashtable_lookup(&sn->quotas, &key, quota_params);
		if (quota && refcount_inc_not_zero(&quota->users))
			return quota;
		/* its last user may not have removed it yet */
		if (quota)
			quota_unlink(quota);
		quota = quota_make(sn, &key);
		if (!IS_ERR(quota))
			return quota;
		if (PTR_ERR(quota) != -EEXIST)
			break;
	}
	return NULL;
}

/* Who has chosen both means it; what memory allows says nothing of one host. */
static bool may_have_all(const struct sipalg_net *sn)
{
	u32 calls = sipalg_setting(sn, SIPALG_MAX_CALLS);

	return sipalg_setting(sn, SIPALG_MAX_CALLS_PER_SOURCE) >= calls &&
	       calls != sipalg_setting_initial(SIPALG_MAX_CALLS);
}

static u32 most_ports(const struct sipalg_net *sn)
{
	const struct sipalg_port_range range = sipalg_media_ports(sn);
	u32 pairs = (range.high - range.low + 1) / 2;

	return pairs < FEW_PAIRS || may_have_all(sn) ? pairs :
						       pairs - pairs / 4;
}

static u32 most_of_calls(const struct sipalg_net *sn)
{
	u32 calls = sipalg_setting(sn, SIPALG_MAX_CALLS);
	u32 own = sipalg_setting(sn, SIPALG_MAX_CALLS_PER_SOURCE);

	return may_have_all(sn) ? most_ports(sn) : 2 * min(own, calls);
}

/* What it has of one kind is not there for the other. */
static u32 ports_beside(const struct sipalg_quota *quota,
			enum sipalg_quota_kind other)
{
	u32 ports = most_ports(quota->sn);

	return ports - min_t(u32, ports, atomic_read(&quota->has[other]));
}

/*
 * Whoever has as much as is left gets no more: however many hosts take all that
 * they can, something remains for the next one.
 */
static u32 most_tcp(const struct sipalg_net *sn, enum sipalg_tcp_kind kind)
{
	long left = SIPALG_MAX_TCP_QUEUE -
		    atomic_long_read(&sn->tcp_bytes[kind]);

	return clamp_t(long, left, 0, SIPALG_MAX_TCP_QUEUE / 4);
}

/*
 * A PBX has an account for each of its numbers. At some 250 bytes each, all that
 * one host may have take a thousandth of the memory, or of a small one as many
 * as a thousand numbers need.
 */
static u32 most_registrations(void)
{
	return clamp_t(unsigned long, totalram_pages() / 64, 2048, 8192);
}

static u32 most(const struct sipalg_quota *quota, enum sipalg_quota_kind kind)
{
	const struct sipalg_net *sn = quota->sn;

	switch (kind) {
	case SIPALG_QUOTA_CALLS:
		return sipalg_setting(sn, SIPALG_MAX_CALLS_PER_SOURCE);
	case SIPALG_QUOTA_PAIRS:
		return min(ports_beside(quota, SIPALG_QUOTA_PORTS),
			   most_of_calls(sn));
	case SIPALG_QUOTA_PORTS:
		return ports_beside(quota, SIPALG_QUOTA_PAIRS);
	case SIPALG_QUOTA_EXPECTS:
		return SIPALG_MAX_SHARED_EXPECTS / 4;
	case SIPALG_QUOTA_TCP_SENT:
		return most_tcp(sn, SIPALG_TCP_SENT);
	case SIPALG_QUOTA_TCP_HELD:
		return most_tcp(sn, SIPALG_TCP_HELD);
	case SIPALG_QUOTA_REGISTRATIONS:
		return most_registrations();
	default:
		return most_tcp(sn, SIPALG_TCP_PASSING);
	}
}

/*
 * Never exceeds the share, whatever other CPUs do at the same time; but for ports
 * and pairs, which are of one share, by one a CPU.
 */
bool sipalg_quota_charge(struct sipalg_quota *quota,
			 enum sipalg_quota_kind kind, u32 count)
{
	int limit = most(quota, kind);
	int has = atomic_read(&quota->has[kind]);

	do {
		if (has + (int)count > limit)
			return false;
	} while (!atomic_try_cmpxchg(&quota->has[kind], &has, has + count));
	return true;
}

u32 sipalg_quota_count(const struct sipalg_quota *quota,
		       enum sipalg_quota_kind kind)
{
	return atomic_read(&quota->has[kind]);
}

void sipalg_quota_uncharge(struct sipalg_quota *quota,
			   enum sipalg_quota_kind kind, u32 count)
{
	atomic_sub(count, &quota->has[kind]);
}

struct sipalg_quota *sipalg_quota_get(struct sipalg_net *sn, u8 family,
				      const union nf_inet_addr *ip,
				      struct sipalg_quota *likely,
				      enum sipalg_quota_kind kind)
{
	struct sipalg_quota *quota = likely;

	if (likely && likely->key.family == family &&
	    sipalg_ip_equal(&likely->key.ip, ip))
		refcount_inc(&likely->users);
	else
		quota = sipalg_quota_host_get(sn, family, ip);
	if (!quota)
		return NULL;
	if (sipalg_quota_charge(quota, kind, 1))
		return quota;
	sipalg_quota_host_put(quota);
	return NULL;
}

struct sipalg_quota *sipalg_quota_take(struct sipalg_net *sn, u8 family,
				       const union nf_inet_addr *ip,
				       enum sipalg_quota_kind kind)
{
	struct sipalg_quota *quota = sipalg_quota_host_get(sn, family, ip);

	if (quota)
		atomic_inc(&quota->has[kind]);
	return quota;
}

struct sipalg_quota *sipalg_quota_get_more(struct sipalg_quota *quota,
					   enum sipalg_quota_kind kind)
{
	return sipalg_quota_get(quota->sn, quota->key.family, &quota->key.ip,
				quota, kind);
}

void sipalg_quota_put(struct sipalg_quota *quota, enum sipalg_quota_kind kind)
{
	if (!quota)
		return;
	sipalg_quota_uncharge(quota, kind, 1);
	sipalg_quota_host_put(quota);
}

int sipalg_quotas_init(struct sipalg_net *sn)
{
	return rhashtable_init(&sn->quotas, &quota_params);
}

void sipalg_quotas_exit(struct sipalg_net *sn)
{
	rhashtable_destroy(&sn->quotas);
}
