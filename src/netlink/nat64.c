// SPDX-License-Identifier: GPL-2.0-only
/* The settings nat64-prefix and nat64-pool: both in one command, or none. */
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <net/genetlink.h>
#include "netlink/family.h"
#include "netlink/gen.h"
#include "netlink/nat64.h"

#define PREFIX	"nat64-prefix"
#define POOL	"nat64-pool"
#define PREFIX_RANGE	"an IPv6 prefix of /32, /40, /48, /56, /64 or /96"
#define POOL_RANGE	"an IPv4 prefix of /8 to /32"
#define BOTH	(PREFIX_GIVEN | POOL_GIVEN)

enum { PREFIX_GIVEN = 1, POOL_GIVEN = 2 };

static const char * const prefix_sentences[] = {
	[SIPALG_NAT64_LENGTH] =
		PREFIX ": " PREFIX_RANGE ", or none",
	[SIPALG_NAT64_BEHIND] =
		PREFIX ": bits are set behind its length; " PREFIX_RANGE,
	[SIPALG_NAT64_OCTET] =
		PREFIX ": bits 64 to 71 must be zero; " PREFIX_RANGE,
	[SIPALG_NAT64_SCOPE] =
		PREFIX ": no such address can be routed; " PREFIX_RANGE,
};

static const char * const pool_sentences[] = {
	[SIPALG_NAT64_LENGTH] = POOL ": " POOL_RANGE ", or none",
	[SIPALG_NAT64_BEHIND] =
		POOL ": bits are set behind its length; " POOL_RANGE,
	[SIPALG_NAT64_SCOPE] =
		POOL ": no such address can be a phone's; " POOL_RANGE,
};

/* @range: what is listed, and what is said of a value that is none */
static int put(struct sk_buff *skb, const char *name, const char *range,
	       const char *sentence, const void *addr, u32 size, u8 len)
{
	u8 value[17];

	memcpy(value, addr, size);
	value[size] = len;
	if (nla_put_string(skb, SIPALG_A_SETTING_NAME, name) ||
	    nla_put_u32(skb, SIPALG_A_SETTING_KIND, SIPALG_SETTING_KIND_PREFIX) ||
	    nla_put_string(skb, SIPALG_A_SETTING_UNIT, "") ||
	    nla_put_string(skb, SIPALG_A_SETTING_WORD, range) ||
	    nla_put_string(skb, SIPALG_A_SETTING_WORD, sentence) ||
	    nla_put(skb, SIPALG_A_SETTING_PREFIX, len ? size + 1 : 0, value))
		return -EMSGSIZE;
	return 0;
}

int sipalg_nl_nat64_put_prefix(struct sk_buff *skb,
			       const struct sipalg_nat64 *nat64)
{
	return put(skb, PREFIX, "/32,/40,/48,/56,/64,/96", PREFIX_RANGE,
		   &nat64->prefix, 16, nat64->prefix_len);
}

int sipalg_nl_nat64_put_pool(struct sk_buff *skb,
			     const struct sipalg_nat64 *nat64)
{
	return put(skb, POOL, "IPv4 /8../32", POOL_RANGE, &nat64->pool, 4,
		   nat64->pool_len);
}

bool sipalg_nl_nat64_is(const char *name)
{
	return !strcmp(name, PREFIX) || !strcmp(name, POOL);
}

static int prefix_set(struct sipalg_nat64 *nat64, const struct nlattr *value,
		      struct netlink_ext_ack *extack)
{
	enum sipalg_nat64_flaw flaw = SIPALG_NAT64_LENGTH;
	const u8 *bytes = nla_data(value);

	memset(&nat64->prefix, 0, sizeof(nat64->prefix));
	nat64->prefix_len = 0;
	if (!nla_len(value))
		return 0;
	if (nla_len(value) == 17)
		flaw = sipalg_nat64_prefix_flaw(bytes, bytes[16]);
	if (flaw != SIPALG_NAT64_FINE)
		return sipalg_nl_refuse(prefix_sentences[flaw], value, extack);
	memcpy(&nat64->prefix, bytes, 16);
	nat64->prefix_len = bytes[16];
	return 0;
}

static int pool_set(struct sipalg_nat64 *nat64, const struct nlattr *value,
		    struct netlink_ext_ack *extack)
{
	enum sipalg_nat64_flaw flaw = SIPALG_NAT64_LENGTH;
	const u8 *bytes = nla_data(value);

	nat64->pool = 0;
	nat64->pool_len = 0;
	if (!nla_len(value))
		return 0;
	if (nla_len(value) == 5)
		flaw = sipalg_nat64_pool_flaw(bytes, bytes[4]);
	if (flaw != SIPALG_NAT64_FINE)
		return sipalg_nl_refuse(pool_sentences[flaw], value, extack);
	memcpy(&nat64->pool, bytes, 4);
	nat64->pool_len = bytes[4];
	return 0;
}

int sipalg_nl_nat64_set(struct sipalg_nat64 *nat64, const char *name,
			const struct nlattr *value, u8 *given,
			struct netlink_ext_ack *extack)
{
	bool prefix = !strcmp(name, PREFIX);

	*given |= prefix ? PREFIX_GIVEN : POOL_GIVEN;
	if (!value)
		return sipalg_nl_refuse(prefix ? prefix_sentences[SIPALG_NAT64_LENGTH] :
						 pool_sentences[SIPALG_NAT64_LENGTH],
					NULL, extack);
	return prefix ? prefix_set(nat64, value, extack) :
			pool_set(nat64, value, extack);
}

/* The translator's own device leads to the pool, and may have its network. */
static bool is_network(const struct net_device *dev,
		       const struct in_ifaddr *ifa)
{
	return !(dev->flags & IFF_POINTOPOINT) && ifa->ifa_prefixlen < 32;
}

static bool overlaps(const struct net_device *dev,
		     const struct sipalg_nat64 *nat64)
{
	const struct in_device *in_dev = __in_dev_get_rcu(dev);
	const struct in_ifaddr *ifa;
	__be32 mask;

	if (!in_dev)
		return false;
	in_dev_for_each_ifa_rcu(ifa, in_dev) {
		mask = ifa->ifa_mask & inet_make_mask(nat64->pool_len);
		if (is_network(dev, ifa) &&
		    !((ifa->ifa_address ^ nat64->pool) & mask))
			return true;
	}
	return false;
}

/* A host that is there without translator would be taken for a phone. */
static bool overlaps_any(struct net *net, const struct sipalg_nat64 *nat64)
{
	const struct net_device *dev;
	bool found = false;

	rcu_read_lock();
	for_each_netdev_rcu(net, dev)
		found |= overlaps(dev, nat64);
	rcu_read_unlock();
	return found;
}

int sipalg_nl_nat64_check(struct net *net, const struct sipalg_nat64 *nat64,
			  u8 given, struct netlink_ext_ack *extack)
{
	if (!given)
		return 0;
	if (given != BOTH || !nat64->prefix_len != !nat64->pool_len)
		return sipalg_nl_refuse(PREFIX " and " POOL ": " PREFIX_RANGE " and " POOL_RANGE
					", both in one command; or both none", NULL, extack);
	if (nat64->pool_len && overlaps_any(net, nat64))
		return sipalg_nl_refuse(POOL ": it overlaps the network of an interface of this router",
					NULL, extack);
	return 0;
}
