/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where an address is, seen from the router.
 */
#ifndef SIPALG_ADDR_SCOPE_H
#define SIPALG_ADDR_SCOPE_H

#include <linux/types.h>
#include <linux/netfilter.h>

struct net;

/**
 * sipalg_is_local() - is this an address of the router itself
 * @net: the namespace
 * @family: AF_INET or AF_INET6
 * @ip: the address, network byte order
 *
 * No pinhole may lead there (H-25): it would open the router's own ports.
 * Any context; caller holds rcu_read_lock.
 *
 * Return: true if it is.
 */
bool sipalg_is_local(struct net *net, u8 family, const union nf_inet_addr *ip);

/**
 * sipalg_is_inside() - is this an inside host's address
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
bool sipalg_is_inside(struct net *net, u8 family, const union nf_inet_addr *ip,
		      const union nf_inet_addr *receiver);

/**
 * sipalg_is_other_net() - is this an address of a network that is neither's (H-25)
 * @net: the namespace
 * @family: AF_INET or AF_INET6
 * @ip: the address that a message names, network byte order
 * @sender: of the message, as it knows itself
 * @receiver: of the message, the same
 *
 * It lies behind another interface than sender and receiver, and not at the
 * end of a default route: another network of the router's owner, for which
 * whoever calls from outside must not speak. Where there is no route, as on a
 * bridge, nobody is known to be anywhere. Any context; caller holds
 * rcu_read_lock.
 *
 * Return: true if it is.
 */
bool sipalg_is_other_net(struct net *net, u8 family,
			 const union nf_inet_addr *ip,
			 const union nf_inet_addr *sender,
			 const union nf_inet_addr *receiver);

/**
 * sipalg_is_outside() - is this on the receiver's side (S3-46), or a third one
 * @net: the namespace
 * @family: AF_INET or AF_INET6
 * @ip: the address that a message names, network byte order
 * @sender: of the message, as it knows itself
 * @receiver: of the message, the same
 *
 * What a host on its own side and the receiver send each other does not come
 * by this router; what is in a third network is not the sender's to name. Any
 * context; caller holds rcu_read_lock.
 *
 * Return: true if it is either.
 */
bool sipalg_is_outside(struct net *net, u8 family, const union nf_inet_addr *ip,
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
