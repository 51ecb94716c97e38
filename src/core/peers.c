// SPDX-License-Identifier: GPL-2.0-only
/* The prefixes of signalling-peers. */
#include <linux/socket.h>
#include "core/net.h"
#include "core/peers.h"
#include "sip/prefix.h"

/* Conntrack has room for one of two pinholes that admit the same packet. */
static bool overlap(const struct sipalg_prefix *a, const struct sipalg_prefix *b)
{
	return a->family == b->family &&
	       sipalg_begins_alike(&a->addr, &b->addr, min(a->len, b->len));
}

enum sipalg_peers_flaw sipalg_peers_add(struct sipalg_peers *peers,
					const struct sipalg_prefix *prefix)
{
	u32 size = sipalg_ip_size(prefix->family);
	unsigned int i;

	if (!prefix->len || prefix->len > size * 8)
		return SIPALG_PEERS_LENGTH;
	if (!sipalg_is_zero_behind((const u8 *)&prefix->addr, size, prefix->len))
		return SIPALG_PEERS_BEHIND;
	for (i = 0; i < peers->count; i++)
		if (overlap(&peers->prefix[i], prefix))
			return SIPALG_PEERS_OVERLAP;
	if (peers->count == SIPALG_MAX_PEERS)
		return SIPALG_PEERS_MANY;
	peers->prefix[peers->count++] = *prefix;
	return SIPALG_PEERS_FINE;
}

int sipalg_peers_find(const struct sipalg_peers *peers, u8 family,
		      const union nf_inet_addr *ip)
{
	int i;

	for (i = 0; peers && i < peers->count; i++)
		if (peers->prefix[i].family == family &&
		    sipalg_begins_alike(&peers->prefix[i].addr, ip,
					peers->prefix[i].len))
			return i;
	return -1;
}

bool sipalg_is_peer(const struct sipalg_net *sn, u8 family,
		    const union nf_inet_addr *ip)
{
	return sipalg_peers_find(rcu_dereference(sn->peers), family, ip) >= 0;
}
