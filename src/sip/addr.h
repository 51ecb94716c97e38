/* SPDX-License-Identifier: GPL-2.0-only */
/* Transport addresses. */
#ifndef SIPALG_ADDR_H
#define SIPALG_ADDR_H

#include <linux/types.h>
#include <linux/netfilter.h>

/**
 * struct sipalg_addr - a transport address; the family stands beside it
 * @ip: network byte order, an IPv4 address leaves the rest zero
 * @port: network byte order
 */
struct sipalg_addr {
	union nf_inet_addr ip;
	__be16 port;
};

static inline bool sipalg_ip_equal(const union nf_inet_addr *a,
				   const union nf_inet_addr *b)
{
	return !((a->all[0] ^ b->all[0]) | (a->all[1] ^ b->all[1]) |
		 (a->all[2] ^ b->all[2]) | (a->all[3] ^ b->all[3]));
}

static inline bool sipalg_addr_equal(const struct sipalg_addr *a,
				     const struct sipalg_addr *b)
{
	return sipalg_ip_equal(&a->ip, &b->ip) && a->port == b->port;
}

#endif
