/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a message means to mappings and echoes, if it leaves.
 *
 * Translation only reads the tables: a mapping that is missing becomes an entry
 * here, with the public address that its host is going to have, and what is to
 * be remembered of a host of the message becomes an intent. Apply then makes
 * the mappings, or none of them, before it changes anything else; the intents
 * are carried out when nothing can fail any more.
 */
#ifndef SIPALG_INTENT_H
#define SIPALG_INTENT_H

#include "core/flow.h"
#include "nat/mapping.h"
#include "sip/msg.h"

struct sipalg_call;

/* Two of each host and of the flow's ends; three things are known of a host. */
#define SIPALG_MAX_BOUND	(2 * SIP_MAX_HOSTS + 2)
#define SIPALG_MAX_INTENTS	(3 * SIP_MAX_HOSTS + 1)

/* Each is carried out for one host of the message. */
enum sipalg_intent_bits {
	SIPALG_INTENT_NOTE = BIT(0),	/* so the phone writes this address */
	SIPALG_INTENT_PUBLIC = BIT(1),	/* and that is the public one */
	SIPALG_INTENT_ECHO = BIT(2),	/* an echo, if its mapping has another form */
	SIPALG_INTENT_ECHO_TO = BIT(3),	/* an echo: a To that the phone gives back */
	SIPALG_INTENT_FOREIGN = BIT(4),	/* a route of outside looks like the phone's */
	SIPALG_INTENT_ROUTE = BIT(5),	/* and comes back: its echo lives on */
	SIPALG_INTENT_SPELL = BIT(6),	/* so the phone writes somebody else */
	SIPALG_INTENT_USE = BIT(7),	/* the call uses its mapping, if it has none */
	SIPALG_INTENT_TARGET = BIT(8),	/* or in place of the one that it has */
	SIPALG_INTENT_ANSWER = BIT(9),	/* else it lives until the INVITE's answer */
	SIPALG_INTENT_RING = BIT(10),	/* so long it lives in any case */
};

/**
 * struct sipalg_bound - a mapping of a message
 * @mapping: in the tables; NULL: it is to be made of what follows
 * @private: the inside address
 * @public: what it becomes
 * @l4proto: IPPROTO_UDP or IPPROTO_TCP
 * @added: apply has made it
 */
struct sipalg_bound {
	struct sipalg_mapping *mapping;
	struct sipalg_addr private;
	struct sipalg_addr public;
	u8 l4proto;
	bool added;
};

/**
 * struct sipalg_intent - what is to be remembered of one host
 * @bound: its mapping, or NULL: of the echoes alone
 * @host: its place in &sip_msg.hosts
 * @what: bits of enum sipalg_intent_bits
 */
struct sipalg_intent {
	struct sipalg_bound *bound;
	u16 host;
	u16 what;
};

/**
 * struct sipalg_intents - all of a message
 * @added: apply has made one of @bound
 * @bound_count: entries of @bound in use
 * @count: entries of @intent in use
 * @bound: mappings that it uses
 * @intent: in the order in which they are carried out
 */
struct sipalg_intents {
	bool added;
	u16 bound_count;
	u16 count;
	struct sipalg_bound bound[SIPALG_MAX_BOUND];
	struct sipalg_intent intent[SIPALG_MAX_INTENTS];
};

static inline void sipalg_intents_init(struct sipalg_intents *intents)
{
	intents->added = false;
	intents->bound_count = 0;
	intents->count = 0;
}

/* The public address of an inside address. */
static inline const struct sipalg_addr *
sipalg_bound_public(const struct sipalg_bound *bound)
{
	return bound->mapping ? &bound->mapping->public.addr : &bound->public;
}

/**
 * sipalg_bound_of() - the entry of a mapping that there is
 * @intents: of the message
 * @mapping: the mapping
 *
 * Return: its entry.
 */
struct sipalg_bound *sipalg_bound_of(struct sipalg_intents *intents,
				     struct sipalg_mapping *mapping);

/**
 * sipalg_bound_find() - find a mapping by its public address and host
 * @intents: of the message: those that it is going to make are found as well
 * @flow: gives namespace, family, zone and protocol
 * @public: the public address
 * @inside: the inside host
 *
 * Caller holds rcu_read_lock.
 *
 * Return: its entry, or NULL.
 */
struct sipalg_bound *sipalg_bound_find(struct sipalg_intents *intents,
				       const struct sipalg_flow *flow,
				       const struct sipalg_addr *public,
				       const union nf_inet_addr *inside);

/**
 * sipalg_bound_make() - the mapping of a host that is translated
 * @intents: of the message
 * @flow: gives namespace, family, zone and protocol
 * @private: the inside address
 * @public: its replacement
 *
 * Caller holds rcu_read_lock.
 *
 * Return: its entry: a mapping that there is, or one that is going to be made.
 */
struct sipalg_bound *sipalg_bound_make(struct sipalg_intents *intents,
				       const struct sipalg_flow *flow,
				       const struct sipalg_addr *private,
				       const struct sipalg_addr *public);

/**
 * sipalg_bound_inside() - find a mapping by its inside address
 * @intents: of the message: those that it is going to make are found as well
 * @flow: the message's, with the protocol that is asked for
 * @private: the inside address, known outside by the flow's public one
 *
 * Caller holds rcu_read_lock.
 *
 * Return: its entry, or NULL.
 */
struct sipalg_bound *sipalg_bound_inside(struct sipalg_intents *intents,
					 const struct sipalg_flow *flow,
					 const struct sipalg_addr *private);

/**
 * sipalg_bound_has() - does the message already mean to give this away?
 * @intents: of the message
 * @l4proto: IPPROTO_UDP or IPPROTO_TCP
 * @public: a public address
 */
bool sipalg_bound_has(const struct sipalg_intents *intents, u8 l4proto,
		      const struct sipalg_addr *public);

/**
 * sipalg_intend() - something is to be remembered of a host
 * @intents: of the message
 * @msg: the message
 * @host: a host of it
 * @bound: its mapping, or NULL
 * @what: bits of enum sipalg_intent_bits
 */
void sipalg_intend(struct sipalg_intents *intents, const struct sip_msg *msg,
		   const struct sip_host *host, struct sipalg_bound *bound,
		   u16 what);

/**
 * sipalg_intents_acquire() - make the mappings
 * @intents: of the message
 * @flow: its flow
 *
 * Caller holds rcu_read_lock; softirq.
 *
 * Return: false if one could not be made: then there is none of them.
 */
bool sipalg_intents_acquire(struct sipalg_intents *intents,
			    const struct sipalg_flow *flow);

/**
 * sipalg_intents_release() - the message does not leave as planned
 * @intents: acquired, or not; nothing is left of them
 *
 * Caller holds rcu_read_lock; softirq.
 */
void sipalg_intents_release(struct sipalg_intents *intents);

/**
 * sipalg_intents_commit() - remember all
 * @intents: acquired
 * @flow: the message's flow
 * @msg: the message, as it came
 * @call: its call, locked, or NULL
 *
 * Does not fail: what there is no memory for, an echo, an answer may do without.
 * Caller holds rcu_read_lock; takes mappings' locks.
 */
void sipalg_intents_commit(struct sipalg_intents *intents,
			   const struct sipalg_flow *flow,
			   const struct sip_msg *msg, struct sipalg_call *call);

#endif
