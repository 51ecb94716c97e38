// SPDX-License-Identifier: GPL-2.0-only
/* Asks the router's sockets, and the administrator's rules for incoming packets. */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/udp.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include <net/netfilter/nf_nat.h>
#include "core/compat.h"
#include "core/flow.h"
#include "core/net.h"
#include "nat/occupied.h"

#define PEER_PORT	40000	/* of the packet that is made up */

/* One question. */
struct question {
	const struct sipalg_flow *flow;
	const union nf_inet_addr *ip;
	__be16 port;
	struct net_device *dev;	/* by which the packet would come, or NULL */
	int ifindex;
	int vrf;
	u8 l4proto;
};

/* What listens to all of them, or to this address, in the VRF of the interface. */
static bool is_listened_at(const struct question *q)
{
	const struct sipalg_compat_listener listener = {
		.family = q->flow->family,
		.l4proto = q->l4proto,
		.ip = q->ip,
		.port = q->port,
		.dif = q->vrf ?: q->ifindex,
		.sdif = q->vrf ? q->ifindex : 0,
	};

	return sipalg_compat_listens(q->flow->sn->net, &listener);
}

/* Who speaks with the phone: a rule may be for some and not for others. */
static const union nf_inet_addr *peer_of(const struct question *q)
{
	return sipalg_flow_from_inside(q->flow) ? &q->flow->dst_private.ip :
						  &q->flow->src.ip;
}

static void put_ports(struct sk_buff *skb, const struct question *q)
{
	struct udphdr *udp;

	skb_set_transport_header(skb, skb->len);
	/* the ports lie alike in both, and an empty TCP header is longer */
	udp = skb_put_zero(skb, sizeof(struct tcphdr));
	udp->source = htons(PEER_PORT);
	udp->dest = q->port;
	if (q->l4proto == IPPROTO_UDP)
		udp->len = htons(sizeof(struct tcphdr));
	else
		((struct tcphdr *)udp)->doff = sizeof(struct tcphdr) / 4;
}

static void put_ip4(struct sk_buff *skb, const struct question *q)
{
	struct iphdr *ip = skb_put_zero(skb, sizeof(*ip));

	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->ttl = 64;
	ip->protocol = q->l4proto;
	ip->saddr = peer_of(q)->ip;
	ip->daddr = q->ip->ip;
	ip->tot_len = htons(sizeof(*ip) + sizeof(struct tcphdr));
	skb->protocol = htons(ETH_P_IP);
}

static void put_ip6(struct sk_buff *skb, const struct question *q)
{
	struct ipv6hdr *ip = skb_put_zero(skb, sizeof(*ip));

	ip->version = 6;
	ip->hop_limit = 64;
	ip->nexthdr = q->l4proto;
	ip->saddr = peer_of(q)->in6;
	ip->daddr = q->ip->in6;
	ip->payload_len = htons(sizeof(struct tcphdr));
	skb->protocol = htons(ETH_P_IPV6);
}

static struct sk_buff *make_packet(const struct question *q)
{
	struct sk_buff *skb = alloc_skb(LL_MAX_HEADER + sizeof(struct ipv6hdr) +
					sizeof(struct tcphdr), GFP_ATOMIC);

	if (!skb)
		return NULL;
	skb_reserve(skb, LL_MAX_HEADER);
	skb_reset_network_header(skb);
	if (q->flow->family == AF_INET)
		put_ip4(skb, q);
	else
		put_ip6(skb, q);
	put_ports(skb, q);
	skb->dev = q->dev;
	skb->skb_iif = q->dev->ifindex;
	skb->pkt_type = PACKET_HOST;
	return skb;
}

/* A connection that no table has ever seen. */
static struct nf_conn *make_connection(const struct question *q)
{
	struct nf_conntrack_tuple tuple = {
		.src.u3 = *peer_of(q),
		.src.u.udp.port = htons(PEER_PORT),
		.src.l3num = q->flow->family,
		.dst.u3 = *q->ip,
		.dst.u.all = q->port,
		.dst.protonum = q->l4proto,
		.dst.dir = IP_CT_DIR_ORIGINAL,
	};
	const struct nf_conntrack_zone zone = {
		.id = sipalg_flow_outer_zone(q->flow),
		.dir = NF_CT_DEFAULT_ZONE_DIR,
	};
	struct nf_conntrack_tuple reply;
	struct nf_conn *ct;

	nf_ct_invert_tuple(&reply, &tuple);
	ct = nf_conntrack_alloc(q->flow->sn->net, &zone, &tuple, &reply,
				GFP_ATOMIC);
	return IS_ERR(ct) ? NULL : ct;
}

/* Where NAT looks at what comes in; no chain of rules stands there itself. */
static bool is_nat(const struct nf_hook_ops *ops, u8 family)
{
	int priority = family == AF_INET ? (int)NF_IP_PRI_NAT_DST :
					   (int)NF_IP6_PRI_NAT_DST;

	return ops->priority == priority && ops->pf == family &&
	       sipalg_compat_is_nat(ops);
}

static const struct nf_hook_entry *find_nat(const struct question *q)
{
	struct net *net = q->flow->sn->net;
	const struct nf_hook_entries *entries;
	struct nf_hook_ops **ops;
	unsigned int i;

	if (q->flow->family == AF_INET)
		entries = rcu_dereference(net->nf.hooks_ipv4[NF_INET_PRE_ROUTING]);
	else
		entries = rcu_dereference(net->nf.hooks_ipv6[NF_INET_PRE_ROUTING]);
	if (!entries)
		return NULL;
	ops = nf_hook_entries_get_hook_ops(entries);
	for (i = 0; i < entries->num_hook_entries; i++)
		if (is_nat(ops[i], q->flow->family))
			return &entries->hooks[i];
	return NULL;
}

/*
 * The same packet and connection, as if nothing had been asked yet, but to the
 * port that is asked for now.
 */
static void aim(const struct question *q, struct sk_buff *skb,
		struct nf_conn *ct)
{
	/* the ports lie alike in both protocols */
	udp_hdr(skb)->dest = q->port;
	ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple.dst.u.all = q->port;
	ct->tuplehash[IP_CT_DIR_REPLY].tuple.src.u.all = q->port;
	ct->status = 0;
	skb->mark = 0;
#ifdef CONFIG_NF_CONNTRACK_MARK
	ct->mark = 0;
#endif
}

static bool ask(const struct question *q, const struct nf_hook_entry *nat,
		struct sk_buff *skb, struct nf_conn *ct)
{
	struct nf_hook_state state;

	nf_hook_state_init(&state, NF_INET_PRE_ROUTING, q->flow->family, q->dev,
			   NULL, NULL, q->flow->sn->net, NULL);
	nf_hook_entry_hookfn(nat, skb, &state);
	return ct->status & IPS_DST_NAT;
}

/* A dnat or redirect rule takes one of so many ports. */
static bool is_forwarded(struct question *q, unsigned int count)
{
	const struct nf_hook_entry *nat = find_nat(q);
	bool forwarded = false;
	struct sk_buff *skb;
	struct nf_conn *ct;
	unsigned int i;

	if (!nat || !sipalg_compat_nat_has_chains(nat))
		return false;
	ct = make_connection(q);
	skb = ct ? make_packet(q) : NULL;
	if (skb) {
		nf_ct_set(skb, ct, IP_CT_NEW);
		for (i = 0; i < count && !forwarded; i++) {
			aim(q, skb, ct);
			forwarded = ask(q, nat, skb, ct);
			be16_add_cpu(&q->port, 1);
		}
		/* it has never been counted as a user of the connection */
		skb->_nfct = 0;
		kfree_skb(skb);
	}
	if (ct)
		nf_conntrack_free(ct);
	return forwarded;
}

bool sipalg_is_occupied(const struct sipalg_flow *flow, u8 l4proto,
			const struct sipalg_addr *addr, unsigned int count)
{
	const struct sipalg_domain *domain = &flow->domain;
	bool out = sipalg_flow_from_inside(flow);
	struct question q = {
		.flow = flow,
		.ip = &addr->ip,
		.port = addr->port,
		.ifindex = out ? domain->dev_out : domain->dev_in,
		.vrf = out ? domain->out : domain->in,
		.l4proto = l4proto,
	};
	unsigned int i;

	for (i = 0; i < count; i++, be16_add_cpu(&q.port, 1))
		if (is_listened_at(&q))
			return true;
	q.port = addr->port;
	q.dev = dev_get_by_index_rcu(flow->sn->net, q.ifindex);
	return q.dev && is_forwarded(&q, count);
}
