// SPDX-License-Identifier: GPL-2.0-only
/* The arithmetic of RFC 6052, and what may be a prefix or a pool. */
#include <linux/string.h>
#include "sip/nat64.h"
#include "sip/prefix.h"

#define OCTET_U		8	/* bits 64 to 71 are no part of any IPv4 address */
#define SMALLEST_POOL	8	/* bits */

static bool is_length(u32 len)
{
	return len == 96 || (len >= 32 && len <= 64 && !(len % 8));
}

/* Of one link, of one host, or itself a way to write IPv4 (RFC 4291 2.5.5). */
static bool is_out_of_scope(const u8 prefix[16])
{
	static const u8 zeros[10];

	return prefix[0] == 0xff ||
	       (prefix[0] == 0xfe && prefix[1] >= 0x80 && prefix[1] < 0xc0) ||
	       !memcmp(prefix, zeros, sizeof(zeros));
}

enum sipalg_nat64_flaw sipalg_nat64_prefix_flaw(const u8 prefix[16], u32 len)
{
	if (!is_length(len))
		return SIPALG_NAT64_LENGTH;
	if (!sipalg_is_zero_behind(prefix, 16, len))
		return SIPALG_NAT64_BEHIND;
	if (prefix[OCTET_U])
		return SIPALG_NAT64_OCTET;
	return is_out_of_scope(prefix) ? SIPALG_NAT64_SCOPE : SIPALG_NAT64_FINE;
}

enum sipalg_nat64_flaw sipalg_nat64_pool_flaw(const u8 pool[4], u32 len)
{
	if (len < SMALLEST_POOL || len > 32)
		return SIPALG_NAT64_LENGTH;
	if (!sipalg_is_zero_behind(pool, 4, len))
		return SIPALG_NAT64_BEHIND;
	if (!pool[0] || pool[0] == 127 || pool[0] >= 224 ||
	    (pool[0] == 169 && pool[1] == 254))
		return SIPALG_NAT64_SCOPE;
	return SIPALG_NAT64_FINE;
}

/* Where byte @i of the IPv4 address stands. */
static u32 place_of(const struct sipalg_nat64 *nat64, u32 i)
{
	u32 place = nat64->prefix_len / 8 + i;

	return nat64->prefix_len < 96 && place >= OCTET_U ? place + 1 : place;
}

void sipalg_nat64_embed(const struct sipalg_nat64 *nat64,
			const union nf_inet_addr *ip4, union nf_inet_addr *ip6)
{
	const u8 *from = (const u8 *)&ip4->ip;
	u8 *to;
	u32 i;

	*ip6 = nat64->prefix;
	to = (u8 *)&ip6->in6;
	for (i = 0; i < 4; i++)
		to[place_of(nat64, i)] = from[i];
}

bool sipalg_nat64_extract(const struct sipalg_nat64 *nat64,
			  const union nf_inet_addr *ip6,
			  union nf_inet_addr *ip4)
{
	const u8 *from = (const u8 *)&ip6->in6;
	u8 *to;
	u32 i;

	if (!nat64->prefix_len || from[OCTET_U] ||
	    memcmp(from, &nat64->prefix, nat64->prefix_len / 8))
		return false;
	memset(ip4, 0, sizeof(*ip4));
	to = (u8 *)&ip4->ip;
	for (i = 0; i < 4; i++)
		to[i] = from[place_of(nat64, i)];
	return true;
}

bool sipalg_nat64_in_pool(const struct sipalg_nat64 *nat64,
			  const union nf_inet_addr *ip4)
{
	const u8 *a = (const u8 *)&ip4->ip, *b;
	u32 whole, rest;

	if (!nat64 || !nat64->prefix_len)
		return false;
	b = (const u8 *)&nat64->pool;
	whole = nat64->pool_len / 8;
	rest = nat64->pool_len % 8;
	return !memcmp(a, b, whole) &&
	       (!rest || !((a[whole] ^ b[whole]) >> (8 - rest)));
}
