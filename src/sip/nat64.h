/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IPv4 addresses in IPv6 ones (RFC 6052), for phones behind a NAT64.
 *
 * A stateless translator in front of us gives each IPv6 phone an address of an
 * IPv4 pool, and shows it the rest of the world as a prefix with the IPv4
 * address in it. The translator changes packets; what messages say is ours.
 * Knows no skb and no conntrack, and compiles in user space.
 */
#ifndef SIPALG_NAT64_H
#define SIPALG_NAT64_H

#include <linux/types.h>
#include <linux/netfilter.h>

/**
 * struct sipalg_nat64 - the two settings
 * @prefix: nat64-prefix, zeros behind @prefix_len
 * @pool: nat64-pool, network byte order, zeros behind @pool_len
 * @prefix_len: bits: 32, 40, 48, 56, 64 or 96; 0: none
 * @pool_len: bits
 */
struct sipalg_nat64 {
	union nf_inet_addr prefix;
	__be32 pool;
	u8 prefix_len;
	u8 pool_len;
};

#define SIPALG_LITERAL_TEXT	47	/* longest host text, brackets included */

/**
 * struct sipalg_nat64_reader - how the receiver of a message reads addresses
 * @nat64: the settings
 * @self: its own address, of the pool
 * @text: how it writes itself
 * @text_len: its length in bytes; 0: it is no phone of the pool, or has never
 *	been heard: nothing is different for it
 * @ip6: that is IPv6, and so shall be what it is told. Otherwise it knows
 *	nothing of the translator (464XLAT)
 */
struct sipalg_nat64_reader {
	struct sipalg_nat64 nat64;
	union nf_inet_addr self;
	char text[SIPALG_LITERAL_TEXT];
	u8 text_len;
	bool ip6;
};

/**
 * enum sipalg_nat64_flaw - why a prefix or pool cannot be one
 * @SIPALG_NAT64_FINE: it can
 * @SIPALG_NAT64_LENGTH: its length is none of those that are allowed
 * @SIPALG_NAT64_BEHIND: there are bits behind its length
 * @SIPALG_NAT64_OCTET: bits 64 to 71 are not zero (RFC 6052 2.2)
 * @SIPALG_NAT64_SCOPE: no packet can have such a source and destination
 */
enum sipalg_nat64_flaw {
	SIPALG_NAT64_FINE,
	SIPALG_NAT64_LENGTH,
	SIPALG_NAT64_BEHIND,
	SIPALG_NAT64_OCTET,
	SIPALG_NAT64_SCOPE,
};

/**
 * sipalg_nat64_prefix_flaw() - can this be nat64-prefix
 * @prefix: 16 bytes, network byte order
 * @len: bits
 *
 * Return: SIPALG_NAT64_FINE or what is wrong with it.
 */
enum sipalg_nat64_flaw sipalg_nat64_prefix_flaw(const u8 prefix[16], u32 len);

/**
 * sipalg_nat64_pool_flaw() - can this be nat64-pool
 * @pool: 4 bytes, network byte order
 * @len: bits
 *
 * Return: SIPALG_NAT64_FINE or what is wrong with it.
 */
enum sipalg_nat64_flaw sipalg_nat64_pool_flaw(const u8 pool[4], u32 len);

/**
 * sipalg_nat64_embed() - the IPv6 address by which a phone knows an IPv4 one
 * @nat64: the settings
 * @ip4: the address
 * @ip6: filled
 *
 * RFC 6052 2.2: the address stands behind the prefix, and leaves out bits 64
 * to 71; these and all behind it are zero.
 */
void sipalg_nat64_embed(const struct sipalg_nat64 *nat64,
			const union nf_inet_addr *ip4, union nf_inet_addr *ip6);

/**
 * sipalg_nat64_extract() - the IPv4 address that an IPv6 one stands for
 * @nat64: the settings
 * @ip6: the address
 * @ip4: filled, if there is one
 *
 * What stands behind the IPv4 address is passed over (RFC 6052 2.2).
 *
 * Return: false: it is not of the prefix, or bits 64 to 71 are not zero.
 */
bool sipalg_nat64_extract(const struct sipalg_nat64 *nat64,
			  const union nf_inet_addr *ip6,
			  union nf_inet_addr *ip4);

/**
 * sipalg_nat64_in_pool() - is this the address of a phone behind the translator
 * @nat64: the settings, or NULL
 * @ip4: the address
 *
 * Return: true if it is.
 */
bool sipalg_nat64_in_pool(const struct sipalg_nat64 *nat64,
			  const union nf_inet_addr *ip4);

#endif
