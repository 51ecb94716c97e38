/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All differences between kernels.
 *
 * Each SIPALG_* macro is the result of a header probe in Kbuild: netfilter's
 * helper and expectation API changed inside stable series in 2026.
 */
#ifndef SIPALG_COMPAT_H
#define SIPALG_COMPAT_H

#include <linux/netdevice.h>
#include <linux/timer.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_expect.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/genetlink.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/tcp.h>
#include <net/udp.h>
#include <uapi/linux/sipalg.h>

/*
 * Where softirqs of one CPU may preempt each other (PREEMPT_RT), BH off alone
 * guards nothing that is per CPU; before this lock was there they could not.
 */
#ifdef SIPALG_HAS_NESTED_BH_LOCK
#include <linux/local_lock.h>
typedef local_lock_t sipalg_compat_bh_lock;
#define SIPALG_COMPAT_BH_LOCK_INIT(name)	INIT_LOCAL_LOCK(name)
#define sipalg_compat_bh_lock_get(lock)		local_lock_nested_bh(lock)
#define sipalg_compat_bh_lock_put(lock)		local_unlock_nested_bh(lock)
#define sipalg_compat_bh_lock_assert(lock)	lockdep_assert_held(lock)
#else
typedef struct { } sipalg_compat_bh_lock;
#define SIPALG_COMPAT_BH_LOCK_INIT(name)	{ }
#define sipalg_compat_bh_lock_get(lock)		do { } while (0)
#define sipalg_compat_bh_lock_put(lock)		do { } while (0)
#define sipalg_compat_bh_lock_assert(lock)	((void)(lock))
#endif

#ifdef SIPALG_UNALIGNED_HAS_HEADER
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

#ifdef SIPALG_GSO_HAS_HEADER
#include <net/gso.h>	/* before it was part of netdevice.h */
#endif

#ifndef timer_container_of
#define timer_container_of from_timer
#endif

typedef int sipalg_help_fn(struct sk_buff *skb, unsigned int protoff,
			   struct nf_conn *ct, enum ip_conntrack_info ctinfo);

/*
 * Old kernels also key helpers by port; an unused odd one avoids h323's key
 * (UNSPEC, UDP, 0) and those of all in-tree helpers.
 */
#define SIPALG_COMPAT_PORT	65060

static inline void
sipalg_compat_helper_init(struct nf_conntrack_helper *helper, u8 l4proto,
			  const char *name,
			  const struct nf_conntrack_expect_policy *policy,
			  unsigned int class_max, sipalg_help_fn *help)
{
#ifdef SIPALG_HELPER_HAS_PORTS
	memset(helper, 0, sizeof(*helper));
	nf_ct_helper_init(helper, NFPROTO_UNSPEC, l4proto, name,
			  SIPALG_COMPAT_PORT, SIPALG_COMPAT_PORT, 0,
			  policy, class_max, help, NULL, THIS_MODULE);
#else
	nf_ct_helper_init(helper, NFPROTO_UNSPEC, l4proto, name,
			  policy, class_max, help, NULL, THIS_MODULE);
#endif
}

/* On new kernels the registered object is a copy: *registered, never @helper. */
static inline int
sipalg_compat_helper_register(struct nf_conntrack_helper *helper,
			      struct nf_conntrack_helper **registered)
{
#ifdef SIPALG_HELPER_IS_COPIED
	return nf_conntrack_helper_register(helper, registered);
#else
	*registered = helper;
	return nf_conntrack_helper_register(helper);
#endif
}

/* New kernels count the conntracks that point at a helper. */
static inline bool sipalg_compat_helper_get(struct nf_conntrack_helper *helper)
{
#ifdef SIPALG_HELPER_IS_COUNTED
	return refcount_inc_not_zero(&helper->ct_refcnt);
#else
	return true;
#endif
}

static inline void sipalg_compat_helper_put(struct nf_conntrack_helper *helper)
{
#ifdef SIPALG_HELPER_IS_COUNTED
	if (refcount_dec_and_test(&helper->ct_refcnt))
		kfree_rcu(helper, rcu);
#endif
}

/* exp->helper once meant "helper for the new connection", now "creator". */
static inline void
sipalg_compat_expect_assign(struct nf_conntrack_expect *exp,
			    struct nf_conntrack_helper *helper)
{
#ifdef SIPALG_EXPECT_HAS_ASSIGN_HELPER
	rcu_assign_pointer(exp->assign_helper, helper);
#else
	rcu_assign_pointer(exp->helper, helper);
#endif
}

/*
 * Old kernels ignore the extensions of conntracks that were unconfirmed when any
 * helper was unloaded; confirmed ones are exempt.
 */
static inline void sipalg_compat_confirm(struct nf_conn *ct)
{
#ifdef SIPALG_EXTENSIONS_AGE
	ct->ext->gen_id = 0;
#endif
	set_bit(IPS_CONFIRMED_BIT, &ct->status);
}

/* nf_conntrack_expect_lock held */
static inline void sipalg_compat_expect_unlink(struct nf_conntrack_expect *exp)
{
#ifdef SIPALG_EXPECT_HAS_TIMER
	if (!timer_delete(&exp->timeout))
		return;		/* its timer runs and unlinks it */
	nf_ct_unlink_expect(exp);
	nf_ct_expect_put(exp);	/* the timer's reference */
#else
	nf_ct_unlink_expect(exp);
#endif
}

/* Somebody has taken it out. No lock needed: it is looked at again if so. */
static inline bool
sipalg_compat_expect_is_gone(const struct nf_conntrack_expect *exp)
{
#ifdef SIPALG_EXPECT_HAS_DEAD
	if (READ_ONCE(exp->flags) & NF_CT_EXPECT_DEAD)
		return true;
#endif
	return READ_ONCE(exp->lnode.pprev) == LIST_POISON2;
}

/* nf_conntrack_expect_lock held. Return: false if it goes anyway. */
static inline bool
sipalg_compat_expect_prolong(struct nf_conntrack_expect *exp, u32 seconds)
{
#ifdef SIPALG_EXPECT_HAS_TIMER
	return mod_timer_pending(&exp->timeout, jiffies + seconds * HZ);
#else
	if (sipalg_compat_expect_is_gone(exp))
		return false;
	WRITE_ONCE(exp->timeout, nfct_time_stamp + seconds * HZ);
	return true;
#endif
}

static inline void sipalg_compat_refresh(struct nf_conn *ct, u32 extra_jiffies)
{
#ifdef SIPALG_REFRESH_WITHOUT_SKB
	nf_ct_refresh(ct, extra_jiffies);
#else
	nf_ct_refresh(ct, NULL, extra_jiffies);
#endif
}

/* Caller has just been refused one more, or asks whether it would be. */
static inline bool sipalg_compat_conntrack_is_full(const struct net *net)
{
	return nf_conntrack_count(net) >= nf_conntrack_max;
}

/* Among the hooks of a priority, that of NAT. */
static inline bool sipalg_compat_is_nat(const struct nf_hook_ops *ops)
{
#ifdef SIPALG_HOOKS_SAY_NAT
	return ops->hook_ops_type == NF_HOOK_OP_NAT;
#else
	return ops->hook_ops_type == NF_HOOK_OP_UNDEFINED;
#endif
}

/*
 * Has NAT's hook any chain to ask? What it keeps begins, in all kernels from 4.18
 * on, with the list of them (nf_nat_core.c, struct nf_nat_lookup_hook_priv).
 * Caller holds rcu_read_lock.
 */
static inline bool sipalg_compat_nat_has_chains(const struct nf_hook_entry *nat)
{
	struct nf_hook_entries __rcu * const *chains = nat->priv;

	return rcu_access_pointer(*chains);
}

/**
 * struct sipalg_compat_listener - a socket that would get what comes for it
 * @family: AF_INET or AF_INET6
 * @l4proto: IPPROTO_UDP or IPPROTO_TCP
 * @ip: the router's address
 * @port: network byte order
 * @dif: index of the interface, or of its VRF
 * @sdif: index of the interface if it has a VRF, else 0
 */
struct sipalg_compat_listener {
	u8 family;
	u8 l4proto;
	const union nf_inet_addr *ip;
	__be16 port;
	int dif;
	int sdif;
};

/* Old kernels want to be told in which table. */
#ifdef SIPALG_NET_HAS_UDP_TABLE
#define SIPALG_UDP_TABLE(_net)	((_net)->ipv4.udp_table)
#else
#define SIPALG_UDP_TABLE(_net)	(&udp_table)
#endif
#ifdef SIPALG_UDP_LOOKUP_HAS_TABLE
#define SIPALG_UDP_LOOKUP(_lookup, _net, ...)				\
	_lookup(_net, __VA_ARGS__, SIPALG_UDP_TABLE(_net), NULL)
#else
#define SIPALG_UDP_LOOKUP(_lookup, _net, ...)				\
	_lookup(_net, __VA_ARGS__, NULL)
#endif
#ifdef SIPALG_TCP_LOOKUP_HAS_TABLE
#define SIPALG_TCP_LOOKUP(_lookup, _net, ...)				\
	_lookup(_net, (_net)->ipv4.tcp_death_row.hashinfo, __VA_ARGS__)
#else
#define SIPALG_TCP_LOOKUP(_lookup, _net, ...)				\
	_lookup(_net, __VA_ARGS__)
#endif

/* Caller holds rcu_read_lock. Return: somebody listens there, to whomever. */
static inline bool
sipalg_compat_listens(struct net *net,
		      const struct sipalg_compat_listener *l)
{
	const struct in6_addr *ip6 = &l->ip->in6;
	u16 port = ntohs(l->port);

	if (l->family == AF_INET && l->l4proto == IPPROTO_UDP)
		return SIPALG_UDP_LOOKUP(__udp4_lib_lookup, net, 0, 0, l->ip->ip,
					 l->port, l->dif, l->sdif);
	if (l->family == AF_INET)
		return SIPALG_TCP_LOOKUP(__inet_lookup_listener, net, NULL, 0,
					 0, 0, l->ip->ip, port, l->dif, l->sdif);
	if (l->l4proto == IPPROTO_UDP)
		return SIPALG_UDP_LOOKUP(__udp6_lib_lookup, net, &in6addr_any, 0,
					 ip6, l->port, l->dif, l->sdif);
	return SIPALG_TCP_LOOKUP(inet6_lookup_listener, net, NULL, 0,
				 &in6addr_any, 0, ip6, port, l->dif, l->sdif);
}

#ifndef NLA_POLICY_MAX_LEN
#define NLA_POLICY_MAX_LEN(_len) { .type = NLA_BINARY, .len = _len }
#endif

/* Before 6.2 a command has one policy, so the family has one for all. */
#ifndef SIPALG_GENL_HAS_SPLIT_OPS
struct genl_split_ops {
	int (*doit)(struct sk_buff *skb, struct genl_info *info);
	int (*start)(struct netlink_callback *cb);
	int (*dumpit)(struct sk_buff *skb, struct netlink_callback *cb);
	int (*done)(struct netlink_callback *cb);
	const struct nla_policy *policy;
	unsigned int maxattr;
	u8 cmd;
	u8 flags;
};
#endif

/**
 * sipalg_compat_genl_ops() - set the commands of a family
 * @family: not registered yet
 * @split: do and dump of each command, do first; must stay valid
 * @count: number of entries
 *
 * Once, at init.
 */
static inline void sipalg_compat_genl_ops(struct genl_family *family,
					  const struct genl_split_ops *split,
					  unsigned int count)
{
#ifdef SIPALG_GENL_HAS_SPLIT_OPS
	family->split_ops = split;
	family->n_split_ops = count;
#else
	static struct nla_policy policy[SIPALG_A_MAX + 1];
	static struct genl_ops ops[SIPALG_CMD_MAX];
	struct genl_ops *op = ops;
	unsigned int i, attr;

	for (i = 0; i < count; i++, split++) {
		if (op->cmd && op->cmd != split->cmd)
			op++;
		op->cmd = split->cmd;
		op->flags = split->flags &
			    ~(GENL_CMD_CAP_DO | GENL_CMD_CAP_DUMP);
		op->doit = split->doit ?: op->doit;
		op->start = split->start ?: op->start;
		op->dumpit = split->dumpit ?: op->dumpit;
		op->done = split->done ?: op->done;
		for (attr = 1; split->policy && attr <= split->maxattr; attr++)
			if (split->policy[attr].type)
				/* some of its members are const */
				memcpy(&policy[attr], &split->policy[attr],
				       sizeof(*policy));
	}
	family->policy = policy;
	family->maxattr = SIPALG_A_MAX;
	family->ops = ops;
	family->n_ops = op - ops + 1;
#endif
}

/* The attributes of a dump's request, by type, from its start() on. */
static inline struct nlattr **
sipalg_compat_dump_attrs(struct netlink_callback *cb)
{
#ifdef SIPALG_GENL_HAS_INFO_DUMP
	return genl_info_dump(cb)->attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

#endif
