/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Address scope: where an address is, seen from the router.
 */
#ifndef SIPALG_ADDR_SCOPE_H
#define SIPALG_ADDR_SCOPE_H

#include <linux/types.h>
#include <linux/netfilter.h>

struct net;
struct sk_buff;
struct sipalg_domain;
struct sipalg_flow;

/**
 * sipalg_domain_init() - where are this packet's addresses looked up
 * @domain: filled
 * @skb: the packet, as a helper sees it: on its way out, or in to the router
 *
 * Caller holds rcu_read_lock.
 */
void sipalg_domain_init(struct sipalg_domain *domain,
			const struct sk_buff *skb);

/**
 * sipalg_is_configured() - is it on an interface, be that up or down
 * @net: the namespace
 * @l3mdev: index of the VRF that the interface belongs to, 0: none
 * @family: AF_INET or AF_INET6
 * @ip: the address, network byte order
 *
 * Any context.
 *
 * Return: true if it is.
 */
bool sipalg_is_configured(struct net *net, int l3mdev, u8 family,
			  const union nf_inet_addr *ip);

/**
 * sipalg_is_local() - test whether an address is the router's own
 * @flow: the flow of the message that names it: its VRFs are asked
 * @family: AF_INET or AF_INET6
 * @ip: the address, network byte order
 *
 * No pinhole may lead there (H-25): it would open services of the router.
 * Any context; caller holds rcu_read_lock.
 *
 * Return: true if it is.
 */
bool sipalg_is_local(const struct sipalg_flow *flow, u8 family,
		     const union nf_inet_addr *ip);

/**
 * sipalg_is_inside() - test whether an address is an inside host's
 * @flow: of a message that goes from inside to outside
 * @ip: the address, network byte order
 *
 * True for a private address (RFC 1918, 6598, 4193) behind another interface
 * than the receiver that is neither the router's nor a broadcast address. Any
 * context; caller holds rcu_read_lock.
 *
 * Return: true if it is.
 */
bool sipalg_is_inside(const struct sipalg_flow *flow,
		      const union nf_inet_addr *ip);

/**
 * sipalg_is_other_net() - test for a network of neither party (H-25)
 * @flow: of the message
 * @ip: the address that the message names, network byte order
 *
 * True if it is behind another interface than sender and receiver, and not reached
 * by a default route: another network of the router's owner, which an outside
 * caller must not name. Without routes, as on a bridge, it is always false.
 * Any context; caller holds rcu_read_lock.
 *
 * Return: true if it is.
 */
bool sipalg_is_other_net(const struct sipalg_flow *flow,
			 const union nf_inet_addr *ip);

/**
 * sipalg_is_outside() - test for the receiver's side (S3-46) or a third net
 * @flow: of the message
 * @ip: the address that the message names, network byte order
 *
 * Media between two hosts of the receiver's side does not cross this router; a
 * third network must not be named by the sender. Any
 * context; caller holds rcu_read_lock.
 *
 * Return: true if it is either.
 */
bool sipalg_is_outside(const struct sipalg_flow *flow,
		       const union nf_inet_addr *ip);

/**
 * sipalg_is_default() - does only a default route lead there
 * @flow: of the message
 * @ip: the address, network byte order
 *
 * Caller holds rcu_read_lock.
 *
 * Return: true if so.
 */
bool sipalg_is_default(const struct sipalg_flow *flow,
		       const union nf_inet_addr *ip);

/**
 * sipalg_is_beside() - do two addresses lie behind one interface
 * @flow: of the message
 * @a: one, network byte order
 * @b: the other
 * @unrouted: what to say on a bridge, that has no routes
 *
 * Caller holds rcu_read_lock.
 *
 * Return: true if so; @unrouted if no route leads to the first.
 */
bool sipalg_is_beside(const struct sipalg_flow *flow,
		      const union nf_inet_addr *a, const union nf_inet_addr *b,
		      bool unrouted);

/**
 * sipalg_is_senders_side() - does an address lie where the sender's lie
 * @flow: of the message
 * @family: AF_INET or AF_INET6, be it the flow's or the other
 * @ip: the address, network byte order
 *
 * Behind the interface by which the message has come. Caller holds
 * rcu_read_lock.
 *
 * Return: true if so.
 */
bool sipalg_is_senders_side(const struct sipalg_flow *flow, u8 family,
			    const union nf_inet_addr *ip);

/**
 * sipalg_is_sender() - is an address of the other family the sender's own
 * @flow: of the message
 * @family: AF_INET or AF_INET6
 * @ip: the address, network byte order
 *
 * As far as the link layer tells: both are reached by the same station, which
 * is a known one. Caller holds rcu_read_lock.
 *
 * Return: true if so.
 */
bool sipalg_is_sender(const struct sipalg_flow *flow, u8 family,
		      const union nf_inet_addr *ip);

/**
 * sipalg_is_unicast() - test for a unicast address (S3-13)
 * @family: AF_INET or AF_INET6
 * @ip: the address, network byte order
 *
 * Return: false also for 0.0.0.0 and loopback.
 */
bool sipalg_is_unicast(u8 family, const union nf_inet_addr *ip);

#endif
