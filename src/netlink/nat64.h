/* SPDX-License-Identifier: GPL-2.0-only */
/* The settings nat64-prefix and nat64-pool, which are nothing without each other. */
#ifndef SIPALG_NETLINK_NAT64_H
#define SIPALG_NETLINK_NAT64_H

#include <linux/netlink.h>
#include "sip/nat64.h"

struct net;

/* Both return 0 or -EMSGSIZE. */
int sipalg_nl_nat64_put_prefix(struct sk_buff *skb,
			       const struct sipalg_nat64 *nat64);
int sipalg_nl_nat64_put_pool(struct sk_buff *skb,
			     const struct sipalg_nat64 *nat64);

/**
 * sipalg_nl_nat64_is() - is this one of the two
 * @name: of a setting
 *
 * Return: true if it is.
 */
bool sipalg_nl_nat64_is(const char *name);

/**
 * sipalg_nl_nat64_set() - take one of the two out of a request
 * @nat64: gets it
 * @name: which
 * @value: address and length as netlink carries them, or NULL
 * @given: notes that it was there
 * @extack: gets a sentence
 *
 * Return: 0 or a negative errno.
 */
int sipalg_nl_nat64_set(struct sipalg_nat64 *nat64, const char *name,
			const struct nlattr *value, u8 *given,
			struct netlink_ext_ack *extack);

/**
 * sipalg_nl_nat64_check() - may the two stand together, in this router
 * @net: its namespace
 * @nat64: as the whole request would leave them
 * @given: of sipalg_nl_nat64_set()
 * @extack: gets a sentence
 *
 * Process context.
 *
 * Return: 0 or a negative errno.
 */
int sipalg_nl_nat64_check(struct net *net, const struct sipalg_nat64 *nat64,
			  u8 given, struct netlink_ext_ack *extack);

#endif
