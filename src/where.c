// SPDX-License-Identifier: GPL-2.0-only
/* Asks the routing tables which addresses are the router's own. */
#include <linux/in.h>
#include <linux/netfilter_ipv6.h>
#include <net/addrconf.h>
#include <net/route.h>
#include "where.h"

bool sipalg_is_router(struct net *net, u8 family, const union nf_inet_addr *ip)
{
	if (family == AF_INET)
		return inet_addr_type(net, ip->ip) == RTN_LOCAL;
	return nf_ipv6_chk_addr(net, &ip->in6, NULL, 0);
}

bool sipalg_is_unicast(u8 family, const union nf_inet_addr *ip)
{
	if (family == AF_INET)
		return ip->ip && !ipv4_is_multicast(ip->ip) &&
		       !ipv4_is_lbcast(ip->ip) && !ipv4_is_loopback(ip->ip);
	return ipv6_addr_type(&ip->in6) & IPV6_ADDR_UNICAST &&
	       !ipv6_addr_loopback(&ip->in6);
}
