/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where an address is, seen from the router.
 */
#ifndef SIPALG_WHERE_H
#define SIPALG_WHERE_H

#include <linux/types.h>
#include <linux/netfilter.h>

struct net;

/**
 * sipalg_is_router() - is this an address of the router itself
 * @net: the namespace
 * @family: AF_INET or AF_INET6
 * @ip: the address, network byte order
 *
 * No pinhole may lead there (H-25): it would open the router's own ports.
 * Any context; caller holds rcu_read_lock.
 *
 * Return: true if it is.
 */
bool sipalg_is_router(struct net *net, u8 family, const union nf_inet_addr *ip);

/**
 * sipalg_is_neighbour() - is this an inside host's address
 * @net: the namespace
 * @family: AF_INET or AF_INET6
 * @ip: the address, network byte order
 * @receiver: address of whom a message goes to, from inside to outside
 *
 * A private one (RFC 1918, 6598, 4193) that lies behind another interface
 * than the receiver, and is not the router's, nor a broadcast address. Any
 * context; caller holds rcu_read_lock.
 *
 * Return: true if it is.
 */
bool sipalg_is_neighbour(struct net *net, u8 family,
			 const union nf_inet_addr *ip,
			 const union nf_inet_addr *receiver);

/**
 * sipalg_is_beyond() - is this an address on the receiver's side (S3-46)
 * @net: the namespace
 * @family: AF_INET or AF_INET6
 * @ip: the address that a message names, network byte order
 * @sender: of the message, as it knows itself
 * @receiver: of the message, the same
 *
 * What such a host and the receiver send each other does not come by this
 * router. On a bridge, and where all are behind one interface, nobody is
 * beyond. Any context; caller holds rcu_read_lock.
 *
 * Return: true if it is.
 */
bool sipalg_is_beyond(struct net *net, u8 family, const union nf_inet_addr *ip,
		      const union nf_inet_addr *sender,
		      const union nf_inet_addr *receiver);

/**
 * sipalg_is_unicast() - is this an address of one host (S3-13)
 * @family: AF_INET or AF_INET6
 * @ip: the address, network byte order
 *
 * Return: true if it is; 0.0.0.0, multicast and loopback are none.
 */
bool sipalg_is_unicast(u8 family, const union nf_inet_addr *ip);

#endif
