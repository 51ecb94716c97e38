// SPDX-License-Identifier: GPL-2.0-only
/* public-address by netlink: all its pairs at once, or none. */
#include <linux/socket.h>
#include <net/genetlink.h>
#include "netlink/family.h"
#include "netlink/gen.h"
#include "netlink/outer.h"

#define NAME	"public-address"
#define RANGE	"up to 16 pairs LOCAL=EXTERNAL, each of one family"

static const char * const sentences[] = {
	[SIPALG_OUTER_MANY] = NAME ": " RANGE ", or none",
	[SIPALG_OUTER_SIZE] = NAME ": " RANGE ", or none",
	[SIPALG_OUTER_SCOPE] =
		NAME ": no NAT gives such an address; " RANGE,
	[SIPALG_OUTER_TWICE] =
		NAME ": an address stands there twice; " RANGE,
};

static int put_pair(struct sk_buff *skb, const struct sipalg_outer_pair *pair)
{
	unsigned int size = sipalg_ip_size(pair->family);
	u8 bytes[32];

	memcpy(bytes, &pair->local, size);
	memcpy(bytes + size, &pair->external, size);
	return nla_put(skb, SIPALG_A_SETTING_PAIR, 2 * size, bytes);
}

int sipalg_nl_outer_put(struct sk_buff *skb, const struct sipalg_outer *outer)
{
	unsigned int i;

	/* what is listed, and what is said of a value that is none */
	if (nla_put_string(skb, SIPALG_A_SETTING_NAME, NAME) ||
	    nla_put_u32(skb, SIPALG_A_SETTING_KIND, SIPALG_SETTING_KIND_PAIRS) ||
	    nla_put_string(skb, SIPALG_A_SETTING_UNIT, "") ||
	    nla_put_string(skb, SIPALG_A_SETTING_WORD, "LOCAL=EXTERNAL,...") ||
	    nla_put_string(skb, SIPALG_A_SETTING_WORD, RANGE))
		return -EMSGSIZE;
	for (i = 0; i < outer->count; i++)
		if (put_pair(skb, &outer->pair[i]))
			return -EMSGSIZE;
	return 0;
}

int sipalg_nl_outer_set(struct sipalg_outer *outer, struct nlattr *setting,
			struct netlink_ext_ack *extack)
{
	enum sipalg_outer_flaw flaw;
	const struct nlattr *attr;
	bool any = false;
	int rest;

	memset(outer, 0, sizeof(*outer));
	nla_for_each_nested(attr, setting, rest) {
		if (nla_type(attr) != SIPALG_A_SETTING_PAIR)
			continue;
		any = true;
		if (!nla_len(attr))
			continue;
		flaw = sipalg_outer_add(outer, nla_data(attr), nla_len(attr));
		if (flaw != SIPALG_OUTER_FINE)
			return sipalg_nl_refuse(sentences[flaw], attr, extack);
	}
	return any ? 0 : sipalg_nl_refuse(sentences[SIPALG_OUTER_SIZE], setting, extack);
}
