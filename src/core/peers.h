/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The setting signalling-peers: who may call a registered phone beside its
 * registrar.
 */
#ifndef SIPALG_PEERS_H
#define SIPALG_PEERS_H

#include <linux/netfilter.h>
#include <linux/types.h>

struct sipalg_net;

#define SIPALG_MAX_PEERS	16

/**
 * struct sipalg_prefix - addresses that begin alike
 * @addr: the first of them
 * @family: AF_INET or AF_INET6
 * @len: bits
 */
struct sipalg_prefix {
	union nf_inet_addr addr;
	u8 family;
	u8 len;
};

/**
 * struct sipalg_peers - the setting
 * @count: of prefixes
 * @prefix: no two of them overlap
 */
struct sipalg_peers {
	u8 count;
	struct sipalg_prefix prefix[SIPALG_MAX_PEERS];
};

/**
 * enum sipalg_peers_flaw - why a prefix cannot be added
 * @SIPALG_PEERS_FINE: it can
 * @SIPALG_PEERS_LENGTH: no such length; 0 would be everybody
 * @SIPALG_PEERS_BEHIND: there are bits behind its length
 * @SIPALG_PEERS_OVERLAP: one that is there has some of its addresses
 * @SIPALG_PEERS_MANY: there are as many as there can be
 */
enum sipalg_peers_flaw {
	SIPALG_PEERS_FINE,
	SIPALG_PEERS_LENGTH,
	SIPALG_PEERS_BEHIND,
	SIPALG_PEERS_OVERLAP,
	SIPALG_PEERS_MANY,
};

/**
 * sipalg_peers_add() - add a prefix
 * @peers: to these
 * @prefix: it
 *
 * Return: SIPALG_PEERS_FINE, or why it has not been added.
 */
enum sipalg_peers_flaw sipalg_peers_add(struct sipalg_peers *peers,
					const struct sipalg_prefix *prefix);

/**
 * sipalg_peers_find() - which prefix has this address
 * @peers: of these; NULL: none
 * @family: AF_INET or AF_INET6
 * @ip: the address
 *
 * Return: its number, or -1.
 */
int sipalg_peers_find(const struct sipalg_peers *peers, u8 family,
		      const union nf_inet_addr *ip);

/**
 * sipalg_is_peer() - is it one of signalling-peers?
 * @sn: the namespace
 * @family: AF_INET or AF_INET6
 * @ip: the address, as that host knows itself
 *
 * Caller holds rcu_read_lock.
 */
bool sipalg_is_peer(const struct sipalg_net *sn, u8 family,
		    const union nf_inet_addr *ip);

#endif
