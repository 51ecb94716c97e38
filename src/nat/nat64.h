/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Phones behind a NAT64: their messages speak of IPv6, their packets are IPv4.
 *
 * All that decides works on the IPv4 addresses that conntrack shows. So before
 * it a message of such a phone is read as if it were written so, and behind it
 * what is for such a phone is written as that one writes itself.
 */
#ifndef SIPALG_NAT_NAT64_H
#define SIPALG_NAT_NAT64_H

#include "core/net.h"
#include "core/flow.h"
#include "sip/edit.h"
#include "sip/msg.h"
#include "sip/nat64.h"

/* Most networks have no translator, and their messages pay for none. */
static inline bool sipalg_nat64_is_used(const struct sipalg_flow *flow)
{
	return rcu_access_pointer(flow->sn->nat64);
}

/**
 * sipalg_nat64_is_phone() - is the sender a phone behind the translator
 * @flow: its flow
 *
 * Such a one opens ways to itself alone: what it names are addresses that the
 * translator knows, and not the router. Caller holds rcu_read_lock.
 *
 * Return: true if it is.
 */
bool sipalg_nat64_is_phone(const struct sipalg_flow *flow);

/**
 * sipalg_nat64_is_neighbour() - are the receiver and another both behind the translator
 * @flow: a flow to the receiver
 * @ip: address of the other
 *
 * A translator need not lead from one of its phones to another by their addresses
 * of the pool; tayga does not. Caller holds rcu_read_lock.
 *
 * Return: true if they are.
 */
bool sipalg_nat64_is_neighbour(const struct sipalg_flow *flow,
			       const union nf_inet_addr *ip);

/**
 * sipalg_nat64_read() - read a message as if it were written with IPv4 alone
 * @flow: its flow
 * @msg: its index; &sip_host.written of what has changed
 *
 * The sender's own literal becomes the address that it has, one of the prefix
 * the address in it. All else stays, and is counted where it is a stream's.
 * Caller holds rcu_read_lock; softirq.
 */
void sipalg_nat64_read(const struct sipalg_flow *flow, struct sip_msg *msg);

/**
 * sipalg_nat64_spell() - remember how a phone writes somebody else
 * @mapping: the phone's, its lock is held
 * @msg: the message
 * @host: its From or To
 */
void sipalg_nat64_spell(struct sipalg_mapping *mapping,
			const struct sip_msg *msg, const struct sip_host *host);

/**
 * sipalg_nat64_written() - how a party behind a translator writes itself
 * @call: locked
 * @side: enum sipalg_side of the party
 * @text: out: its literal, in brackets if it is IPv6, with a NUL behind it
 *
 * Return: the length; 0: none stands between, or it writes its address of the pool.
 */
unsigned int sipalg_nat64_written(const struct sipalg_call *call,
				  unsigned int side,
				  char text[SIPALG_LITERAL_TEXT + 1]);

/**
 * sipalg_nat64_begin() - who is to read this message
 * @flow: its flow
 * @plan: empty; its call, if there is one, is locked. &sipalg_plan.reader is
 *	filled if that is a phone behind the translator
 *
 * Caller holds rcu_read_lock; takes mappings' locks.
 */
void sipalg_nat64_begin(const struct sipalg_flow *flow,
			struct sipalg_plan *plan);

/**
 * sipalg_nat64_finish() - have all written that no other rule has written
 * @flow: its flow
 * @msg: the message, as sipalg_nat64_read() has left it
 * @plan: gets the edits, behind those of header_nat.c and section.c
 *
 * Caller holds rcu_read_lock; takes mappings' locks.
 */
void sipalg_nat64_finish(const struct sipalg_flow *flow,
			 const struct sip_msg *msg, struct sipalg_plan *plan);

#endif
