/* SPDX-License-Identifier: GPL-2.0-only */
/* The setting signalling-peers, and prefixes as netlink carries them. */
#ifndef SIPALG_NETLINK_PEERS_H
#define SIPALG_NETLINK_PEERS_H

#include <linux/netlink.h>
#include <linux/skbuff.h>

struct sipalg_peers;
struct sipalg_prefix;

#define SIPALG_NL_PEERS	"signalling-peers"

/**
 * sipalg_nl_prefix_put() - put a prefix
 * @skb: there
 * @type: attribute
 * @prefix: it; NULL: the empty attribute
 *
 * Return: 0 or -EMSGSIZE.
 */
int sipalg_nl_prefix_put(struct sk_buff *skb, int type,
			 const struct sipalg_prefix *prefix);

/**
 * sipalg_nl_peers_put() - put the setting
 * @skb: there
 * @peers: its value
 *
 * Return: 0 or -EMSGSIZE.
 */
int sipalg_nl_peers_put(struct sk_buff *skb, const struct sipalg_peers *peers);

/**
 * sipalg_nl_peers_set() - take the setting out of a request
 * @peers: gets it
 * @nest: the setting's attributes
 * @extack: gets a sentence
 *
 * Return: 0 or a negative errno.
 */
int sipalg_nl_peers_set(struct sipalg_peers *peers, const struct nlattr *nest,
			struct netlink_ext_ack *extack);

#endif
