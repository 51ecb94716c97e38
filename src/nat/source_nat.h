/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which public address a host of ours leaves by: the nat chains decide.
 *
 * A new connection that one of our expectations has let in, and whose sender
 * has been promised a public port, is about to be translated. NAT has a rule of
 * its own for what a source is mapped to already: it stays mapped to that, if
 * the rule that matches allows (RFC 4787 REQ-1). So the promise is put in the
 * way of the nat chains as such a mapping, for as long as they look at this one
 * packet. A rule that would have it leave by another address, or untranslated,
 * or by another interface, has its way.
 *
 * Rules that choose ports at random (`random`, `masquerade to :range`) do not
 * ask what is mapped already. Where one of them has chosen the very address
 * that was promised and another port, the packet is dropped, and the next one
 * of that connection gets the port as well: the rule has agreed to the address.
 */
#ifndef SIPALG_SOURCE_NAT_H
#define SIPALG_SOURCE_NAT_H

#include <linux/types.h>

#define SIPALG_PROMISES		32	/* packets on their way at once, or agreed to */

struct net;
struct nf_conn;
struct sipalg_net;

/**
 * struct sipalg_promise - what the nat chains are told of one connection
 * @of: the connection, only to be compared
 * @mapped: conntrack that maps its source to what was promised, or NULL
 * @agreed: hash of the addresses and ports of one to whose public address a rule
 *	has agreed, 0: none
 * @masq_index: interface that the rule has masqueraded to, 0: none
 * @when: jiffies of 64 bits: none at first, and long after that
 */
struct sipalg_promise {
	const struct nf_conn *of;
	struct nf_conn *mapped;
	u64 agreed;
	int masq_index;
	u64 when;
};

/**
 * sipalg_source_nat_init() - stand on both sides of the nat chains
 * @sn: the namespace
 *
 * Process context.
 *
 * Return: 0 or a negative errno.
 */
int sipalg_source_nat_init(struct sipalg_net *sn);

/**
 * sipalg_source_nat_exit() - the reverse
 * @sn: the namespace
 *
 * Process context, sleeps.
 */
void sipalg_source_nat_exit(struct sipalg_net *sn);

#endif
