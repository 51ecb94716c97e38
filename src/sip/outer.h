/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The setting public-address: a 1:1 NAT outside of this router (a cloud, a
 * provider) gives some of its addresses others.
 *
 * Packets here have LOCAL, messages outside have EXTERNAL. Knows no skb and no
 * conntrack, and compiles in user space.
 */
#ifndef SIPALG_OUTER_H
#define SIPALG_OUTER_H

#include <linux/types.h>
#include <linux/netfilter.h>

#define SIPALG_MAX_OUTER	16	/* pairs */

/**
 * struct sipalg_outer_pair - one address of the router's, and what becomes of it
 * @local: LOCAL
 * @external: EXTERNAL
 * @family: AF_INET or AF_INET6, of both
 */
struct sipalg_outer_pair {
	union nf_inet_addr local;
	union nf_inet_addr external;
	u8 family;
};

/**
 * struct sipalg_outer - the setting
 * @count: pairs in use
 * @pair: each address stands in one of them, and there once
 */
struct sipalg_outer {
	unsigned int count;
	struct sipalg_outer_pair pair[SIPALG_MAX_OUTER];
};

/**
 * enum sipalg_outer_flaw - why a pair cannot be one
 * @SIPALG_OUTER_FINE: it can
 * @SIPALG_OUTER_MANY: there are as many already
 * @SIPALG_OUTER_SIZE: two addresses of one family are wanted
 * @SIPALG_OUTER_SCOPE: no NAT gives or takes such an address
 * @SIPALG_OUTER_TWICE: one of the two stands in the setting already, or both are
 *	the same: it would not be known what is meant by it
 */
enum sipalg_outer_flaw {
	SIPALG_OUTER_FINE,
	SIPALG_OUTER_MANY,
	SIPALG_OUTER_SIZE,
	SIPALG_OUTER_SCOPE,
	SIPALG_OUTER_TWICE,
};

/**
 * sipalg_outer_add() - one more pair
 * @outer: gets it
 * @bytes: LOCAL and EXTERNAL, network byte order
 * @len: bytes of both
 *
 * Return: SIPALG_OUTER_FINE or what is wrong with it.
 */
enum sipalg_outer_flaw sipalg_outer_add(struct sipalg_outer *outer,
					const u8 *bytes, unsigned int len);

/**
 * sipalg_outer_external() - the address by which the outside knows one
 * @outer: the setting, or NULL
 * @family: AF_INET or AF_INET6
 * @ip: the address, as packets have it here
 *
 * Return: EXTERNAL, or @ip itself where nothing becomes of it.
 */
const union nf_inet_addr *
sipalg_outer_external(const struct sipalg_outer *outer, u8 family,
		      const union nf_inet_addr *ip);

/**
 * sipalg_outer_local() - the reverse
 * @outer: the setting, or NULL
 * @family: AF_INET or AF_INET6
 * @ip: the address, as the outside writes it
 *
 * Return: LOCAL, or @ip itself.
 */
const union nf_inet_addr *
sipalg_outer_local(const struct sipalg_outer *outer, u8 family,
		   const union nf_inet_addr *ip);

#endif
