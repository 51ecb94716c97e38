/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Address scope: where an address is, seen from the router.
 */
#ifndef SIPALG_ADDR_SCOPE_H
#define SIPALG_ADDR_SCOPE_H

#include <linux/types.h>
#include <linux/netfilter.h>

struct net;

/**
 * sipalg_is_local() - test whether an address is the router's own
 * @net: the namespace
 * @family: AF_INET or AF_INET6
 * @ip: the address, network byte order
 *
 * No pinhole may lead there (H-25): it would open services of the router.
 * Any context; caller holds rcu_read_lock.
 *
 * Return: true if it is.
 */
bool sipalg_is_local(struct net *net, u8 family, const union nf_inet_addr *ip);

/**
 * sipalg_is_inside() - test whether an address is an inside host's
 * @net: the namespace
 * @family: AF_INET or AF_INET6
 * @ip: the address, network byte order
 * @receiver: address of the receiver of an outbound message
 *
 * True for a private address (RFC 1918, 6598, 4193) behind another interface
 * than the receiver that is neither the router's nor a broadcast address. Any
 * context; caller holds rcu_read_lock.
 *
 * Return: true if it is.
 */
bool sipalg_is_inside(struct net *net, u8 family, const union nf_inet_addr *ip,
		      const union nf_inet_addr *receiver);

/**
 * sipalg_is_other_net() - test for a network of neither party (H-25)
 * @net: the namespace
 * @family: AF_INET or AF_INET6
 * @ip: address in a message, network byte order
 * @sender: of the message, before NAT
 * @receiver: of the message, before NAT
 *
 * True if it is behind another interface than sender and receiver, and not reached
 * by a default route: another network of the router's owner, which an outside
 * caller must not name. Without routes, as on a bridge, it is always false.
 * Any context; caller holds rcu_read_lock.
 *
 * Return: true if it is.
 */
bool sipalg_is_other_net(struct net *net, u8 family,
			 const union nf_inet_addr *ip,
			 const union nf_inet_addr *sender,
			 const union nf_inet_addr *receiver);

/**
 * sipalg_is_outside() - test for the receiver's side (S3-46) or a third net
 * @net: the namespace
 * @family: AF_INET or AF_INET6
 * @ip: address in a message, network byte order
 * @sender: of the message, before NAT
 * @receiver: of the message, before NAT
 *
 * Media between two hosts of the receiver's side does not cross this router; a
 * third network must not be named by the sender. Any
 * context; caller holds rcu_read_lock.
 *
 * Return: true if it is either.
 */
bool sipalg_is_outside(struct net *net, u8 family, const union nf_inet_addr *ip,
		       const union nf_inet_addr *sender,
		       const union nf_inet_addr *receiver);

/**
 * sipalg_is_unicast() - test for a unicast address (S3-13)
 * @family: AF_INET or AF_INET6
 * @ip: the address, network byte order
 *
 * Return: false also for 0.0.0.0 and loopback.
 */
bool sipalg_is_unicast(u8 family, const union nf_inet_addr *ip);

#endif
