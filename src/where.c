// SPDX-License-Identifier: GPL-2.0-only
/* Asks the routing tables which addresses are the router's own. */
#include <linux/in.h>
#include <linux/netfilter_ipv6.h>
#include <net/addrconf.h>
#include <net/dst.h>
#include <net/route.h>
#include "flow.h"
#include "where.h"

bool sipalg_is_router(struct net *net, u8 family, const union nf_inet_addr *ip)
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
	return !sipalg_is_router(net, family, ip);
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

/* Index of the interface that leads to an address, 0: none does. */
static int way_to(struct net *net, u8 family, const union nf_inet_addr *ip)
{
	struct dst_entry *dst = NULL;
	struct flowi fl = {};
	int index;

	if (family == AF_INET)
		fl.u.ip4.daddr = ip->ip;
	else
		fl.u.ip6.daddr = ip->in6;
	if (nf_route(net, &dst, &fl, false, family) || !dst)
		return 0;
	index = dst->dev->ifindex;
	dst_release(dst);
	return index;
}

bool sipalg_is_neighbour(struct net *net, u8 family,
			 const union nf_inet_addr *ip,
			 const union nf_inet_addr *receiver)
{
	int way;

	if (!is_private(family, ip) || !is_host(net, family, ip))
		return false;
	way = way_to(net, family, ip);
	return way && way != way_to(net, family, receiver);
}

bool sipalg_is_beyond(struct net *net, u8 family, const union nf_inet_addr *ip,
		      const union nf_inet_addr *sender,
		      const union nf_inet_addr *receiver)
{
	int way;

	/* what is public does not lie in a private network */
	if (sipalg_ip_equal(ip, sender) ||
	    (is_private(family, receiver) && !is_private(family, ip)))
		return false;
	way = way_to(net, family, ip);
	return way && way == way_to(net, family, receiver) &&
	       way != way_to(net, family, sender);
}
