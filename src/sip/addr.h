/* SPDX-License-Identifier: GPL-2.0-only */
/* Transport addresses. */
#ifndef SIPALG_ADDR_H
#define SIPALG_ADDR_H

#include <linux/compiler.h>
#include <linux/netfilter.h>
#include <linux/socket.h>
#include <linux/types.h>

/**
 * struct sipalg_addr - a transport address; the family stands beside it
 * @ip: network byte order, an IPv4 address leaves the rest zero
 * @port: network byte order
 */
struct sipalg_addr {
	union nf_inet_addr ip;
	__be16 port;
};

/* Bytes of an address. */
static inline unsigned int sipalg_ip_size(u8 family)
{
	return family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

/* An address as few words, where it stands. */
struct sipalg_ip_words {
	u64 word[2];
} __packed __aligned(4);

/* A message asks this some fifty times. */
static inline bool sipalg_ip_equal(const union nf_inet_addr *a,
				   const union nf_inet_addr *b)
{
	const struct sipalg_ip_words *x = (const struct sipalg_ip_words *)a;
	const struct sipalg_ip_words *y = (const struct sipalg_ip_words *)b;

	return !((x->word[0] ^ y->word[0]) | (x->word[1] ^ y->word[1]));
}

static inline bool sipalg_addr_equal(const struct sipalg_addr *a,
				     const struct sipalg_addr *b)
{
	return sipalg_ip_equal(&a->ip, &b->ip) && a->port == b->port;
}

#endif
