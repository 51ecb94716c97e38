// SPDX-License-Identifier: GPL-2.0-only
/* The setting signalling-peers: a list of prefixes of both families. */
#include <net/genetlink.h>
#include "core/peers.h"
#include "netlink/family.h"
#include "netlink/gen.h"
#include "netlink/peers.h"

#define RANGE	"up to 16 prefixes that do not overlap, IPv4 /1../32 or IPv6 /1../128"

static const char * const sentences[] = {
	[SIPALG_PEERS_LENGTH] = SIPALG_NL_PEERS ": " RANGE "; or none",
	[SIPALG_PEERS_BEHIND] = SIPALG_NL_PEERS ": bits are set behind a length; " RANGE,
	[SIPALG_PEERS_OVERLAP] = SIPALG_NL_PEERS ": two of them overlap; " RANGE,
	[SIPALG_PEERS_MANY] = SIPALG_NL_PEERS ": these are more; " RANGE,
};

int sipalg_nl_prefix_put(struct sk_buff *skb, int type,
			 const struct sipalg_prefix *prefix)
{
	u32 size = prefix ? sipalg_ip_size(prefix->family) : 0;
	u8 value[17];

	if (!prefix)
		return nla_put(skb, type, 0, NULL);
	memcpy(value, &prefix->addr, size);
	value[size] = prefix->len;
	return nla_put(skb, type, size + 1, value);
}

int sipalg_nl_peers_put(struct sk_buff *skb, const struct sipalg_peers *peers)
{
	unsigned int i;

	if (nla_put_string(skb, SIPALG_A_SETTING_NAME, SIPALG_NL_PEERS) ||
	    nla_put_u32(skb, SIPALG_A_SETTING_KIND, SIPALG_SETTING_KIND_PREFIXES) ||
	    nla_put_string(skb, SIPALG_A_SETTING_UNIT, "") ||
	    nla_put_string(skb, SIPALG_A_SETTING_WORD, "none, or prefixes") ||
	    nla_put_string(skb, SIPALG_A_SETTING_WORD, RANGE))
		return -EMSGSIZE;
	if (!peers->count)
		return sipalg_nl_prefix_put(skb, SIPALG_A_SETTING_PREFIXES, NULL);
	for (i = 0; i < peers->count; i++)
		if (sipalg_nl_prefix_put(skb, SIPALG_A_SETTING_PREFIXES,
					 &peers->prefix[i]))
			return -EMSGSIZE;
	return 0;
}

static enum sipalg_peers_flaw add(struct sipalg_peers *peers,
				  const struct nlattr *attr)
{
	struct sipalg_prefix prefix = {};
	const u8 *bytes = nla_data(attr);
	u32 size = nla_len(attr) - 1;

	if (size != 4 && size != 16)
		return SIPALG_PEERS_LENGTH;
	prefix.family = size == 4 ? AF_INET : AF_INET6;
	prefix.len = bytes[size];
	memcpy(&prefix.addr, bytes, size);
	return sipalg_peers_add(peers, &prefix);
}

int sipalg_nl_peers_set(struct sipalg_peers *peers, const struct nlattr *nest,
			struct netlink_ext_ack *extack)
{
	enum sipalg_peers_flaw flaw;
	const struct nlattr *attr;
	bool any = false;
	int rest;

	memset(peers, 0, sizeof(*peers));
	nla_for_each_nested(attr, nest, rest) {
		if (nla_type(attr) != SIPALG_A_SETTING_PREFIXES)
			continue;
		any = true;
		if (!nla_len(attr))
			continue;
		flaw = add(peers, attr);
		if (flaw != SIPALG_PEERS_FINE)
			return sipalg_nl_refuse(sentences[flaw], attr, extack);
	}
	return any ? 0 : sipalg_nl_refuse(sentences[SIPALG_PEERS_LENGTH], nest, extack);
}
