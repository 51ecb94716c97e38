/* SPDX-License-Identifier: GPL-2.0-only */
/* The setting public-address, which is a list of pairs. */
#ifndef SIPALG_NETLINK_OUTER_H
#define SIPALG_NETLINK_OUTER_H

#include <linux/netlink.h>
#include "sip/outer.h"

/* Returns 0 or -EMSGSIZE. */
int sipalg_nl_outer_put(struct sk_buff *skb, const struct sipalg_outer *outer);

/**
 * sipalg_nl_outer_set() - take it out of a request
 * @outer: becomes what the request says
 * @setting: the nest of the setting, validated
 * @extack: gets a sentence
 *
 * Return: 0 or a negative errno.
 */
int sipalg_nl_outer_set(struct sipalg_outer *outer, struct nlattr *setting,
			struct netlink_ext_ack *extack);

#endif
