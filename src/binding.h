/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bindings: "inside X is known outside as Y", and how X wrote itself.
 *
 * One is made when a message first carries a translated address out, so that
 * what comes back is put back to the byte (S3-42), and so that a registered
 * phone can be called (S3-43). Addresses that a phone learnt by itself (STUN)
 * have no binding, and therefore nobody touches them (H-13).
 *
 * NAT may give several hosts inside one public port, as long as they speak to
 * different ones outside: a binding is known by its public transport address
 * and the host inside.
 *
 * A binding lives while a call uses it, while registrations keep it, and
 * for a transaction's time after its last use.
 */
#ifndef SIPALG_BINDING_H
#define SIPALG_BINDING_H

#include <linux/in.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include "flow.h"
#include "sip_msg.h"

#define SIPALG_BINDING_TEXT	47	/* longest host text that is kept */

/**
 * struct sipalg_binding_key - a transport address with its protocol
 * @addr: address and port
 * @family: AF_INET or AF_INET6
 * @l4proto: IPPROTO_UDP or IPPROTO_TCP
 */
struct sipalg_binding_key {
	struct sipalg_addr addr;
	u8 family;
	u8 l4proto;
};

/**
 * struct sipalg_binding - one of them
 * @public_node: in &sipalg_net.bindings_public
 * @private_node: in &sipalg_net.bindings_private
 * @public: as the outside knows it; never changes
 * @private: where it really is; never changes
 * @sn: the namespace
 * @own_port: where its port is counted, or NULL: it is the flow's
 * @holder: who holds its port where it is one of media-ports, or NULL
 * @guest: its port is one of media-ports that its host may not hold: it
 *	stands in no media's way, and no pinhole leads to it
 * @rcu: frees it after the last reader
 * @refs: the table's, one for each user, one for an armed timer
 * @users: calls that need it
 * @timer: end of life, and of registrations
 * @lock: guards all below
 * @dead: taken out of the tables
 * @expires: jiffies until which it lives without users
 * @places: bits of enum sip_place at which the outside was told @public
 * @via_port: port that the phone writes in Via, host byte order; 0: none
 * @uri_port: the same in its Contact, or in routes as long as it gave none
 * @uri_secure: there it was a sips: URI
 * @sent_by: UDP port at which it waits for answers, host byte order; 0: the one
 *	it sends from (RFC 3261 18.2.2, 3581)
 * @text: host as the phone writes it
 * @text_len: its length in bytes
 * @registered: how many of @registrations are confirmed
 * @registrations: struct sipalg_registration, one for each account
 * @master: conntrack that carries their pinholes, or NULL
 */
struct sipalg_binding {
	struct rhash_head public_node;
	struct rhlist_head private_node;
	struct sipalg_binding_key public;
	struct sipalg_binding_key private;
	struct sipalg_net *sn;
	atomic_t *own_port;
	struct sipalg_source *holder;
	bool guest;
	struct rcu_head rcu;
	refcount_t refs;
	atomic_t users;
	struct timer_list timer;

	/* guards all below */
	spinlock_t lock;
	bool dead;
	u8 registered;
	u8 text_len;
	unsigned long expires;
	u32 places;
	u16 via_port;
	u16 uri_port;
	bool uri_secure;
	u16 sent_by;
	struct hlist_head registrations;
	struct nf_conn *master;
	char text[SIPALG_BINDING_TEXT];
};

/**
 * sipalg_bindings_init() - set up the tables of a namespace
 * @sn: the namespace
 *
 * Process context.
 *
 * Return: 0 or a negative errno.
 */
int sipalg_bindings_init(struct sipalg_net *sn);

/**
 * sipalg_bindings_exit() - drop all bindings and the tables
 * @sn: the namespace; &sipalg_net.dying is set and its packets have drained
 *
 * Process context, sleeps.
 */
void sipalg_bindings_exit(struct sipalg_net *sn);

/**
 * sipalg_binding_find() - what a host is known by outside
 * @flow: gives namespace, family and protocol
 * @addr: the public transport address
 * @inside: the host's address
 *
 * Caller holds rcu_read_lock.
 *
 * Return: the binding or NULL.
 */
struct sipalg_binding *sipalg_binding_find(const struct sipalg_flow *flow,
					   const struct sipalg_addr *addr,
					   const union nf_inet_addr *inside);

/**
 * sipalg_binding_at() - is somebody known outside by this address
 * @sn: the namespace
 * @family: AF_INET or AF_INET6
 * @l4proto: IPPROTO_UDP or IPPROTO_TCP
 * @addr: a public transport address
 *
 * Caller holds rcu_read_lock.
 *
 * Return: a binding, any if there are several, or NULL.
 */
struct sipalg_binding *sipalg_binding_at(struct sipalg_net *sn, u8 family,
					 u8 l4proto,
					 const struct sipalg_addr *addr);

/**
 * sipalg_binding_find_inside() - what is this inside address known as outside
 * @flow: gives namespace, family and protocol
 * @addr: the private transport address
 * @seen: the outside must know it by this address
 *
 * Caller holds rcu_read_lock.
 *
 * Return: a binding or NULL.
 */
struct sipalg_binding *
sipalg_binding_find_inside(const struct sipalg_flow *flow,
			   const struct sipalg_addr *addr,
			   const union nf_inet_addr *seen);

/**
 * sipalg_binding_of_sender() - the binding of an address the sender names
 * @flow: its flow; the sender is inside
 * @addr: a transport address of the sender's host
 *
 * A stream is used in both directions (RFC 5923), and so is the port that a
 * phone sends from: both are known outside by the flow's own public address.
 * Caller holds rcu_read_lock.
 *
 * Return: a binding or NULL.
 */
static inline struct sipalg_binding *
sipalg_binding_of_sender(const struct sipalg_flow *flow,
			 const struct sipalg_addr *addr)
{
	if (flow->l4proto == IPPROTO_TCP || addr->port == flow->src.port)
		return sipalg_binding_find(flow, &flow->src_seen,
					   &flow->src.ip);
	return sipalg_binding_find_inside(flow, addr, &flow->src_seen.ip);
}

/**
 * sipalg_binding_make() - find or make the binding of a translated host
 * @flow: the flow that carries it out
 * @private: the inside address the host names
 * @public: what the outside is told
 *
 * Caller holds rcu_read_lock; softirq.
 *
 * Return: the binding, or NULL: no memory, or the host has too many ports.
 */
struct sipalg_binding *sipalg_binding_make(const struct sipalg_flow *flow,
					   const struct sipalg_addr *private,
					   const struct sipalg_addr *public);

/**
 * sipalg_binding_oust() - who was known to a peer by an address is no more
 * @flow: gives namespace, family and protocol
 * @addr: the public transport address
 * @inside: the host that is known by it now
 * @peer: to whom
 *
 * For what a registrar has confirmed: it would call the wrong host. Caller
 * holds rcu_read_lock and no binding's lock.
 */
void sipalg_binding_oust(const struct sipalg_flow *flow,
			 const struct sipalg_addr *addr,
			 const union nf_inet_addr *inside,
			 const struct sipalg_addr *peer);

/**
 * sipalg_binding_note() - remember how the phone writes itself
 * @binding: its binding
 * @msg: the message
 * @host: the host that is being translated
 *
 * Caller holds rcu_read_lock; takes the binding's lock.
 */
void sipalg_binding_note(struct sipalg_binding *binding,
			 const struct sip_msg *msg, const struct sip_host *host);

/**
 * sipalg_binding_keep() - let it live at least this long
 * @binding: its binding
 * @time: jiffies from now
 *
 * Caller holds rcu_read_lock; takes the binding's lock.
 */
void sipalg_binding_keep(struct sipalg_binding *binding, unsigned long time);

/**
 * sipalg_binding_wake() - have the timer look no later than this
 * @binding: in the tables; its lock is held
 * @when: jiffies
 */
void sipalg_binding_wake(struct sipalg_binding *binding, unsigned long when);

/* A call begins or ceases to need the binding. */
bool sipalg_binding_use(struct sipalg_binding *binding);
void sipalg_binding_unuse(struct sipalg_binding *binding);

#endif
