// SPDX-License-Identifier: GPL-2.0-only
/* Asks the routing tables which addresses are the router's own. */
#include <linux/in.h>
#include <linux/netfilter_ipv6.h>
#include <net/addrconf.h>
#include <net/dst.h>
#include <net/ip6_fib.h>
#include <net/ip_fib.h>
#include <net/route.h>
#include "core/addr_scope.h"
#include "core/flow.h"

bool sipalg_is_local(struct net *net, u8 family, const union nf_inet_addr *ip)
{
	if (family == AF_INET)
		return inet_addr_type(net, ip->ip) == RTN_LOCAL;
	return nf_ipv6_chk_addr(net, &ip->in6, NULL, 0);
}

/* Neither the router itself nor all hosts of a network. */
static bool is_host(struct net *net, u8 family, const union nf_inet_addr *ip)
{
	if (family == AF_INET)
		return inet_addr_type(net, ip->ip) == RTN_UNICAST;
	return !sipalg_is_local(net, family, ip);
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

static struct dst_entry *route_to(struct net *net, u8 family,
				  const union nf_inet_addr *ip)
{
	struct dst_entry *dst = NULL;
	struct flowi fl = {};

	if (family == AF_INET)
		fl.u.ip4.daddr = ip->ip;
	else
		fl.u.ip6.daddr = ip->in6;
	return nf_route(net, &dst, &fl, false, family) ? NULL : dst;
}

/* Index of the interface that leads to an address, 0: none does. */
static int way_to(struct net *net, u8 family, const union nf_inet_addr *ip)
{
	struct dst_entry *dst = route_to(net, family, ip);
	int index = dst ? dst->dev->ifindex : 0;

	dst_release(dst);
	return index;
}

static bool is_default4(struct net *net, const union nf_inet_addr *ip)
{
	struct flowi4 fl = { .daddr = ip->ip };
	struct fib_result result;

	return !fib_lookup(net, &fl, &result, FIB_LOOKUP_NOREF) &&
	       !result.prefixlen;
}

static bool is_default6(struct net *net, const union nf_inet_addr *ip)
{
	struct dst_entry *dst = route_to(net, AF_INET6, ip);
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
static bool is_default(struct net *net, u8 family, const union nf_inet_addr *ip)
{
	return family == AF_INET ? is_default4(net, ip) : is_default6(net, ip);
}

bool sipalg_is_inside(struct net *net, u8 family, const union nf_inet_addr *ip,
		      const union nf_inet_addr *receiver)
{
	int way;

	if (!is_private(family, ip) || !is_host(net, family, ip))
		return false;
	way = way_to(net, family, ip);
	return way && way != way_to(net, family, receiver);
}

/* Interfaces that lead to three addresses. */
struct ways {
	int to_ip;
	int to_sender;
	int to_receiver;
};

/* Return: false if the address is of the sender's side, or of no known one. */
static bool find_ways(struct net *net, u8 family, const union nf_inet_addr *ip,
		      const union nf_inet_addr *sender,
		      const union nf_inet_addr *receiver, struct ways *ways)
{
	/* what is public does not lie in a private network */
	if (sipalg_ip_equal(ip, sender) ||
	    (is_private(family, receiver) && !is_private(family, ip)))
		return false;
	ways->to_ip = way_to(net, family, ip);
	if (!ways->to_ip)
		return false;
	ways->to_sender = way_to(net, family, sender);
	if (ways->to_ip == ways->to_sender)
		return false;
	ways->to_receiver = way_to(net, family, receiver);
	return true;
}

static bool is_third(struct net *net, u8 family, const union nf_inet_addr *ip,
		     const struct ways *ways)
{
	return ways->to_sender && ways->to_receiver &&
	       ways->to_ip != ways->to_receiver && !is_default(net, family, ip);
}

bool sipalg_is_outside(struct net *net, u8 family, const union nf_inet_addr *ip,
		       const union nf_inet_addr *sender,
		       const union nf_inet_addr *receiver)
{
	struct ways ways;

	return find_ways(net, family, ip, sender, receiver, &ways) &&
	       (ways.to_ip == ways.to_receiver ||
		is_third(net, family, ip, &ways));
}

bool sipalg_is_other_net(struct net *net, u8 family,
			 const union nf_inet_addr *ip,
			 const union nf_inet_addr *sender,
			 const union nf_inet_addr *receiver)
{
	struct ways ways;

	return find_ways(net, family, ip, sender, receiver, &ways) &&
	       is_third(net, family, ip, &ways);
}
