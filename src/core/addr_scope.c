// SPDX-License-Identifier: GPL-2.0-only
/* Asks the routing tables which addresses are the router's own. */
#include <linux/in.h>
#include <linux/inetdevice.h>
#include <linux/netfilter_ipv6.h>
#include <net/addrconf.h>
#include <net/dst.h>
#include <net/ip6_fib.h>
#include <net/ip_fib.h>
#include <net/l3mdev.h>
#include <net/neighbour.h>
#include <net/route.h>
#include "core/addr_scope.h"
#include "core/flow.h"
#include "core/net.h"

static int vrf_of(struct net *net, int ifindex)
{
	struct net_device *dev = dev_get_by_index_rcu(net, ifindex);

	return dev ? l3mdev_master_ifindex_rcu(dev) : 0;
}

void sipalg_domain_init(struct sipalg_domain *domain, const struct sk_buff *skb)
{
	domain->out = skb->dev ? l3mdev_master_ifindex_rcu(skb->dev) : 0;
	domain->in = skb->dev && skb->skb_iif ?
			     vrf_of(dev_net(skb->dev), skb->skb_iif) :
			     domain->out;
	domain->dev_in = skb->skb_iif;
	domain->dev_out = skb->dev ? skb->dev->ifindex : 0;
	domain->mark = skb->mark;
}

static bool is_configured4(struct net *net, int l3mdev, __be32 ip)
{
	struct net_device *dev = __ip_dev_find(net, ip, false);

	if (dev && l3mdev_master_ifindex_rcu(dev) == l3mdev)
		return true;
	/* another VRF may have it as well */
	return l3mdev && inet_addr_type_table(net, ip,
					      l3mdev_fib_table_by_index(net, l3mdev) ?:
					      RT_TABLE_LOCAL) == RTN_LOCAL;
}

static bool is_configured6(struct net *net, int l3mdev,
			   const struct in6_addr *ip)
{
	struct net_device *vrf = l3mdev ? dev_get_by_index_rcu(net, l3mdev) :
					  NULL;

	return nf_ipv6_chk_addr(net, ip, vrf, 0);
}

bool sipalg_is_configured(struct net *net, int l3mdev, u8 family,
			  const union nf_inet_addr *ip)
{
	bool here;

	rcu_read_lock();
	here = family == AF_INET ? is_configured4(net, l3mdev, ip->ip) :
				   is_configured6(net, l3mdev, &ip->in6);
	rcu_read_unlock();
	return here;
}

/* Of what kind it is in a VRF, or in none. */
static unsigned int type_in(struct net *net, int l3mdev, __be32 ip)
{
	u32 table = l3mdev ? l3mdev_fib_table_by_index(net, l3mdev) : 0;

	return table ? inet_addr_type_table(net, ip, table) :
		       inet_addr_type(net, ip);
}

static bool is_of_type(const struct sipalg_flow *flow, __be32 ip,
		       unsigned int type)
{
	struct net *net = flow->sn->net;

	return type_in(net, flow->domain.in, ip) == type ||
	       (flow->domain.in != flow->domain.out &&
		type_in(net, flow->domain.out, ip) == type);
}

bool sipalg_is_local(const struct sipalg_flow *flow, u8 family,
		     const union nf_inet_addr *ip)
{
	if (family == AF_INET)
		return is_of_type(flow, ip->ip, RTN_LOCAL);
	return is_configured6(flow->sn->net, flow->domain.in, &ip->in6) ||
	       is_configured6(flow->sn->net, flow->domain.out, &ip->in6);
}

/* Neither the router itself nor all hosts of a network. */
static bool is_host(const struct sipalg_flow *flow, const union nf_inet_addr *ip)
{
	if (flow->family == AF_INET)
		return !is_of_type(flow, ip->ip, RTN_LOCAL) &&
		       is_of_type(flow, ip->ip, RTN_UNICAST);
	return !sipalg_is_local(flow, AF_INET6, ip);
}

bool sipalg_is_unicast(u8 family, const union nf_inet_addr *ip)
{
	if (family == AF_INET)
		return ip->ip && !ipv4_is_multicast(ip->ip) &&
		       !ipv4_is_lbcast(ip->ip) && !ipv4_is_loopback(ip->ip);
	return ipv6_addr_type(&ip->in6) & IPV6_ADDR_UNICAST &&
	       !ipv6_addr_loopback(&ip->in6);
}

static bool is_private(u8 family, const union nf_inet_addr *ip)
{
	if (family == AF_INET6)
		return (ip->in6.s6_addr[0] & 0xfe) == 0xfc;
	return ipv4_is_private_10(ip->ip) || ipv4_is_private_172(ip->ip) ||
	       ipv4_is_private_192(ip->ip) ||
	       (ip->ip & htonl(0xffc00000)) == htonl(0x64400000);
}

/* As a packet would go that has come by this VRF, or by none. */
static struct dst_entry *route_in(const struct sipalg_flow *flow, int l3mdev,
				  const union nf_inet_addr *ip)
{
	struct dst_entry *dst = NULL;
	struct flowi fl = {};

	fl.flowi_oif = l3mdev;
	fl.flowi_mark = flow->domain.mark;
	if (flow->family == AF_INET)
		fl.u.ip4.daddr = ip->ip;
	else
		fl.u.ip6.daddr = ip->in6;
	return nf_route(flow->sn->net, &dst, &fl, false, flow->family) ? NULL :
									 dst;
}

static struct dst_entry *route_to(const struct sipalg_flow *flow,
				  const union nf_inet_addr *ip)
{
	const struct sipalg_domain *domain = &flow->domain;
	struct dst_entry *dst = route_in(flow, domain->in, ip);

	if (!dst && domain->out != domain->in)
		dst = route_in(flow, domain->out, ip);
	return dst;
}

/* Index of the interface that leads to an address, 0: none does. */
static int way_to(const struct sipalg_flow *flow, const union nf_inet_addr *ip)
{
	struct dst_entry *dst = route_to(flow, ip);
	int index = dst ? dst->dev->ifindex : 0;

	dst_release(dst);
	return index;
}

static bool is_default4(const struct sipalg_flow *flow,
			const union nf_inet_addr *ip)
{
	struct flowi4 fl = {
		.daddr = ip->ip,
		.flowi4_oif = flow->domain.in,
		.flowi4_mark = flow->domain.mark,
	};
	struct fib_result result;

	l3mdev_update_flow(flow->sn->net, flowi4_to_flowi(&fl));
	return !fib_lookup(flow->sn->net, &fl, &result, FIB_LOOKUP_NOREF) &&
	       !result.prefixlen;
}

static bool is_default6(const struct sipalg_flow *flow,
			const union nf_inet_addr *ip)
{
	struct dst_entry *dst = route_to(flow, ip);
	const struct fib6_info *from;
	bool is_default;

	if (!dst)
		return false;
	from = rcu_dereference(container_of(dst, struct rt6_info, dst)->from);
	is_default = from && !from->fib6_dst.plen;
	dst_release(dst);
	return is_default;
}

/* What only a default route leads to is out in the world. */
bool sipalg_is_default(const struct sipalg_flow *flow,
		       const union nf_inet_addr *ip)
{
	return flow->family == AF_INET ? is_default4(flow, ip) :
					 is_default6(flow, ip);
}

bool sipalg_is_beside(const struct sipalg_flow *flow,
		      const union nf_inet_addr *a, const union nf_inet_addr *b,
		      bool unrouted)
{
	int way = way_to(flow, a);

	return way ? way == way_to(flow, b) : unrouted;
}

bool sipalg_is_inside(const struct sipalg_flow *flow,
		      const union nf_inet_addr *ip)
{
	int way;

	if (!is_private(flow->family, ip) || !is_host(flow, ip))
		return false;
	way = way_to(flow, ip);
	return way && way != way_to(flow, &flow->dst_private.ip);
}

/* Interfaces that lead to three addresses. */
struct ways {
	int to_ip;
	int to_sender;
	int to_receiver;
};

/* Return: false if the address is of the sender's side, or of no known one. */
static bool find_ways(const struct sipalg_flow *flow,
		      const union nf_inet_addr *ip, struct ways *ways)
{
	const union nf_inet_addr *receiver = &flow->dst_private.ip;

	/* what is public does not lie in a private network */
	if (sipalg_ip_equal(ip, &flow->src.ip) ||
	    (is_private(flow->family, receiver) &&
	     !is_private(flow->family, ip)))
		return false;
	ways->to_ip = way_to(flow, ip);
	if (!ways->to_ip)
		return false;
	ways->to_sender = way_to(flow, &flow->src.ip);
	if (ways->to_ip == ways->to_sender)
		return false;
	ways->to_receiver = way_to(flow, receiver);
	return true;
}

static bool is_third(const struct sipalg_flow *flow,
		     const union nf_inet_addr *ip, const struct ways *ways)
{
	return ways->to_sender && ways->to_receiver &&
	       ways->to_ip != ways->to_receiver && !sipalg_is_default(flow, ip);
}

bool sipalg_is_outside(const struct sipalg_flow *flow,
		       const union nf_inet_addr *ip)
{
	struct ways ways;

	return find_ways(flow, ip, &ways) &&
	       (ways.to_ip == ways.to_receiver || is_third(flow, ip, &ways));
}

bool sipalg_is_other_net(const struct sipalg_flow *flow,
			 const union nf_inet_addr *ip)
{
	struct ways ways;

	return find_ways(flow, ip, &ways) && is_third(flow, ip, &ways);
}

/* The same message, its addresses looked up as those of a family. */
static struct sipalg_flow as_family(const struct sipalg_flow *flow, u8 family)
{
	struct sipalg_flow other = *flow;

	other.family = family;
	return other;
}

bool sipalg_is_senders_side(const struct sipalg_flow *flow, u8 family,
			    const union nf_inet_addr *ip)
{
	const struct sipalg_flow as = as_family(flow, family);

	return flow->domain.dev_in && way_to(&as, ip) == flow->domain.dev_in;
}

/* The station that packets to an address are handed to. */
struct station {
	int ifindex;
	u8 addr_len;
	u8 addr[MAX_ADDR_LEN];
};

static bool find_station(const struct sipalg_flow *flow, u8 family,
			 const union nf_inet_addr *ip, struct station *station)
{
	const struct sipalg_flow as = as_family(flow, family);
	struct dst_entry *dst = route_to(&as, ip);
	struct neighbour *neighbour;
	bool known = false;

	if (!dst)
		return false;
	neighbour = dst_neigh_lookup(dst, ip);
	if (neighbour) {
		known = READ_ONCE(neighbour->nud_state) & NUD_VALID;
		station->ifindex = dst->dev->ifindex;
		station->addr_len = dst->dev->addr_len;
		neigh_ha_snapshot((char *)station->addr, neighbour, dst->dev);
		neigh_release(neighbour);
	}
	dst_release(dst);
	return known;
}

bool sipalg_is_sender(const struct sipalg_flow *flow, u8 family,
		      const union nf_inet_addr *ip)
{
	struct station its, senders;

	return find_station(flow, family, ip, &its) &&
	       find_station(flow, flow->family, &flow->src.ip, &senders) &&
	       its.ifindex == senders.ifindex &&
	       its.addr_len == senders.addr_len &&
	       !memcmp(its.addr, senders.addr, its.addr_len);
}
