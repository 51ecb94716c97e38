// SPDX-License-Identifier: GPL-2.0-only
/* Which addresses a 1:1 NAT outside of this router changes, and into what. */
#include <linux/socket.h>
#include <linux/string.h>
#include "sip/addr.h"
#include "sip/outer.h"

static bool is_usable4(const u8 *addr)
{
	return addr[0] && addr[0] != 127 && addr[0] < 224;
}

/* Neither of one link, nor of one host, nor another way to write IPv4. */
static bool is_usable6(const u8 *addr)
{
	static const u8 zeros[10];

	return addr[0] != 0xff &&
	       !(addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80) &&
	       memcmp(addr, zeros, sizeof(zeros));
}

static bool is_usable(u8 family, const u8 *addr)
{
	return family == AF_INET ? is_usable4(addr) : is_usable6(addr);
}

static bool has(const struct sipalg_outer *outer, u8 family,
		const union nf_inet_addr *ip)
{
	return sipalg_outer_external(outer, family, ip) != ip ||
	       sipalg_outer_local(outer, family, ip) != ip;
}

enum sipalg_outer_flaw sipalg_outer_add(struct sipalg_outer *outer,
					const u8 *bytes, unsigned int len)
{
	unsigned int size = len / 2;
	struct sipalg_outer_pair pair = {
		.family = len == 8 ? AF_INET : AF_INET6,
	};

	if (len != 8 && len != 32)
		return SIPALG_OUTER_SIZE;
	if (!is_usable(pair.family, bytes) || !is_usable(pair.family, bytes + size))
		return SIPALG_OUTER_SCOPE;
	memcpy(&pair.local, bytes, size);
	memcpy(&pair.external, bytes + size, size);
	if (sipalg_ip_equal(&pair.local, &pair.external) ||
	    has(outer, pair.family, &pair.local) ||
	    has(outer, pair.family, &pair.external))
		return SIPALG_OUTER_TWICE;
	if (outer->count == SIPALG_MAX_OUTER)
		return SIPALG_OUTER_MANY;
	outer->pair[outer->count++] = pair;
	return SIPALG_OUTER_FINE;
}

/* What stands beside @ip in its pair, @ip itself where it stands in none. */
static const union nf_inet_addr *other_of(const struct sipalg_outer *outer, u8 family,
					  const union nf_inet_addr *ip, bool is_local)
{
	unsigned int i;

	for (i = 0; outer && i < outer->count; i++) {
		const struct sipalg_outer_pair *pair = &outer->pair[i];

		if (pair->family == family &&
		    sipalg_ip_equal(is_local ? &pair->local : &pair->external, ip))
			return is_local ? &pair->external : &pair->local;
	}
	return ip;
}

const union nf_inet_addr *
sipalg_outer_external(const struct sipalg_outer *outer, u8 family,
		      const union nf_inet_addr *ip)
{
	return other_of(outer, family, ip, true);
}

const union nf_inet_addr *
sipalg_outer_local(const struct sipalg_outer *outer, u8 family,
		   const union nf_inet_addr *ip)
{
	return other_of(outer, family, ip, false);
}
