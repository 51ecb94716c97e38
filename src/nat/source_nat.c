// SPDX-License-Identifier: GPL-2.0-only
/* Two hooks at postrouting, one just before source NAT and one just behind. */
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include <net/netfilter/nf_nat.h>
#include "core/compat.h"
#include "core/net.h"
#include "nat/expect.h"
#include "nat/source_nat.h"

#define AGREED_FOR	(5 * HZ)	/* the next packet comes sooner */

static u64 hash_of(const struct sipalg_net *sn, const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *tuple =
		&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	const struct {
		union nf_inet_addr src, dst;
		__be16 sport, dport;
		u16 l3num, l4proto;
	} key = {
		tuple->src.u3, tuple->dst.u3, tuple->src.u.all,
		tuple->dst.u.all, tuple->src.l3num, tuple->dst.protonum,
	};

	return siphash(&key, sizeof(key), &sn->key) ?: 1;
}

/* A new connection that is for us to look at, else NULL. */
static struct nf_conn *new_of_ours(const struct sk_buff *skb)
{
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct = nf_ct_get(skb, &ctinfo);

	if (!ct || ctinfo >= IP_CT_IS_REPLY || !ct->master ||
	    nf_ct_is_confirmed(ct))
		return NULL;
	return ct;
}

/* Caller holds the lock. */
static struct sipalg_promise *agreed(struct sipalg_net *sn, u64 hash)
{
	unsigned int i;

	for (i = 0; i < SIPALG_PROMISES; i++)
		if (sn->promises[i].agreed == hash &&
		    time_before64(get_jiffies_64(),
				  sn->promises[i].when + AGREED_FOR))
			return &sn->promises[i];
	return NULL;
}

/* Caller holds the lock. The oldest place: what was in it nobody needs. */
static struct sipalg_promise *take_place(struct sipalg_net *sn,
					 struct nf_conn **gone)
{
	struct sipalg_promise *promise = sn->promises;
	unsigned int i;

	for (i = 1; i < SIPALG_PROMISES; i++)
		if (time_before64(sn->promises[i].when, promise->when))
			promise = &sn->promises[i];
	*gone = promise->mapped;
	*promise = (struct sipalg_promise){ .when = get_jiffies_64() };
	return promise;
}

/* Was never in the table of connections, only among the sources mapped. */
static void forget(struct nf_conn *mapped)
{
	if (mapped)
		nf_conntrack_free(mapped);
}

static struct nf_nat_range2 range_of(const struct sipalg_addr *addr)
{
	return (struct nf_nat_range2){
		.flags = NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED,
		.min_addr = addr->ip,
		.max_addr = addr->ip,
		.min_proto.all = addr->port,
		.max_proto.all = addr->port,
	};
}

static struct nf_conn *map(const struct nf_conn *ct,
			   const struct sipalg_addr *public)
{
	const struct nf_conntrack_tuple *orig =
		&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	struct nf_nat_range2 range = range_of(public);
	struct nf_conntrack_tuple reply;
	struct nf_conn *mapped;

	nf_ct_invert_tuple(&reply, orig);
	mapped = nf_conntrack_alloc(nf_ct_net(ct), nf_ct_zone(ct), orig, &reply,
				    GFP_ATOMIC);
	if (IS_ERR(mapped))
		return NULL;
	nf_nat_setup_info(mapped, &range, NF_NAT_MANIP_SRC);
	return mapped;
}

static void promise(struct sipalg_net *sn, struct nf_conn *ct,
		    const struct sipalg_addr *public)
{
	struct nf_conn *mapped = map(ct, public), *gone;
	struct sipalg_promise *promise;

	if (!mapped)
		return;
	spin_lock_bh(&sn->promise_lock);
	promise = take_place(sn, &gone);
	promise->of = ct;
	promise->mapped = mapped;
	spin_unlock_bh(&sn->promise_lock);
	forget(gone);
}

/* A rule has agreed to the address a moment ago. */
static bool keep(struct sipalg_net *sn, struct nf_conn *ct,
		 const struct sipalg_addr *public)
{
	u64 hash = hash_of(sn, ct);
	struct sipalg_promise *promise;
	struct nf_conn_nat *nat;
	int masq_index = 0;

	spin_lock_bh(&sn->promise_lock);
	promise = agreed(sn, hash);
	if (promise)
		masq_index = promise->masq_index;
	spin_unlock_bh(&sn->promise_lock);
	if (!promise)
		return false;
	nat = masq_index ? nf_ct_nat_ext_add(ct) : NULL;
	if (nat)
		nat->masq_index = masq_index;
	sipalg_expect_nat(ct, public, true);
	return true;
}

static unsigned int ahead(void *priv, struct sk_buff *skb,
			  const struct nf_hook_state *state)
{
	struct nf_conn *ct = new_of_ours(skb);
	struct sipalg_addr public;
	struct sipalg_net *sn;

	if (!ct || nf_nat_initialized(ct, NF_NAT_MANIP_SRC) ||
	    !sipalg_expect_face(ct, &public))
		return NF_ACCEPT;
	sn = sipalg_net_get(state->net);
	if (!keep(sn, ct, &public))
		promise(sn, ct, &public);
	return NF_ACCEPT;
}

/* What was put in the way is taken away. Returns whether there was any. */
static bool take_back(struct sipalg_net *sn, const struct nf_conn *ct)
{
	struct nf_conn *mapped = NULL;
	unsigned int i;

	spin_lock_bh(&sn->promise_lock);
	for (i = 0; i < SIPALG_PROMISES && !mapped; i++)
		if (sn->promises[i].of == ct) {
			swap(mapped, sn->promises[i].mapped);
			sn->promises[i].of = NULL;
			sn->promises[i].when = 0;
		}
	spin_unlock_bh(&sn->promise_lock);
	forget(mapped);
	return mapped;
}

static void agree(struct sipalg_net *sn, const struct nf_conn *ct)
{
	const struct nf_conn_nat *nat = nfct_nat(ct);
	struct sipalg_promise *promise;
	struct nf_conn *gone;

	spin_lock_bh(&sn->promise_lock);
	promise = take_place(sn, &gone);
	promise->agreed = hash_of(sn, ct);
	promise->masq_index = nat ? nat->masq_index : 0;
	spin_unlock_bh(&sn->promise_lock);
	forget(gone);
}

/*
 * The rule has chosen the promised address and not the port, though that is
 * free. A sender on the router itself must not see a drop.
 */
static bool has_agreed(const struct sk_buff *skb, const struct nf_conn *ct,
		       const struct sipalg_addr *public)
{
	struct nf_conntrack_tuple reply =
		ct->tuplehash[IP_CT_DIR_REPLY].tuple;

	if (!sipalg_ip_equal(&reply.dst.u3, &public->ip) ||
	    reply.dst.u.all == public->port || skb->sk)
		return false;
	reply.dst.u.all = public->port;
	return !nf_conntrack_tuple_taken(&reply, ct);
}

static unsigned int behind(void *priv, struct sk_buff *skb,
			   const struct nf_hook_state *state)
{
	struct nf_conn *ct = new_of_ours(skb);
	struct sipalg_addr public;
	struct sipalg_net *sn;

	if (!ct)
		return NF_ACCEPT;
	sn = sipalg_net_get(state->net);
	if (!take_back(sn, ct) || !sipalg_expect_face(ct, &public) ||
	    !has_agreed(skb, ct, &public))
		return NF_ACCEPT;
	agree(sn, ct);
	return NF_DROP;
}

#define HOOK(_hook, _pf, _priority)					\
	{ .hook = (_hook), .pf = (_pf),					\
	  .hooknum = NF_INET_POST_ROUTING, .priority = (_priority) }

static const struct nf_hook_ops hooks[] = {
	HOOK(ahead, NFPROTO_IPV4, NF_IP_PRI_NAT_SRC - 1),
	HOOK(behind, NFPROTO_IPV4, NF_IP_PRI_NAT_SRC + 1),
	HOOK(ahead, NFPROTO_IPV6, NF_IP6_PRI_NAT_SRC - 1),
	HOOK(behind, NFPROTO_IPV6, NF_IP6_PRI_NAT_SRC + 1),
};

int sipalg_source_nat_init(struct sipalg_net *sn)
{
	int err;

	sn->promises = kcalloc(SIPALG_PROMISES, sizeof(*sn->promises),
			       GFP_KERNEL_ACCOUNT);
	if (!sn->promises)
		return -ENOMEM;
	err = nf_register_net_hooks(sn->net, hooks, ARRAY_SIZE(hooks));
	if (err)
		kfree(sn->promises);
	return err;
}

void sipalg_source_nat_exit(struct sipalg_net *sn)
{
	unsigned int i;

	nf_unregister_net_hooks(sn->net, hooks, ARRAY_SIZE(hooks));
	synchronize_rcu();
	for (i = 0; i < SIPALG_PROMISES; i++)
		forget(sn->promises[i].mapped);
	kfree(sn->promises);
}
