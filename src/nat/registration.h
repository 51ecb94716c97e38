/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registrations: learnt from REGISTER and its 2xx (S3-24, S3-43).
 *
 * A mapping that a registrar confirms is kept to its Expires across all
 * conntrack timeouts (H-11): a signalling pinhole lets calls in to the phone,
 * and its mate keeps the phone's public port the same on the way out (H-12).
 */
#ifndef SIPALG_REGISTRATION_H
#define SIPALG_REGISTRATION_H

#include <linux/list.h>
#include <linux/types.h>
#include "core/flow.h"
#include "sip/msg.h"

struct nf_conn;
struct nf_conntrack_expect;
struct sipalg_mapping;

/**
 * struct sipalg_registration - an account that a phone registers
 * @node: in &sipalg_mapping.registrations, whose lock guards all of this
 * @rcu: frees it after the last reader
 * @call_id: siphash of the Call-ID of the last REGISTER
 * @cseq: its CSeq
 * @expires: seconds it asked for
 * @asked: who was asked
 * @aor: hash of the address of record
 * @until: jiffies; of one that is not confirmed: as long as an answer may come
 * @confirmed: a registrar has confirmed it
 * @registrar: who that was: address and port
 * @way_in: expectation for calls to the phone (S3-16), or NULL
 * @way_out: expectation that keeps the phone's public port the same (H-12)
 *
 * A PBX and a phone of several lines have several at one mapping.
 */
struct sipalg_registration {
	struct hlist_node node;
	struct rcu_head rcu;
	u64 call_id;
	u32 cseq;
	u32 expires;
	union nf_inet_addr asked;
	u32 aor;
	bool confirmed;
	struct sipalg_addr registrar;
	unsigned long until;
	struct nf_conntrack_expect *way_in;
	struct nf_conntrack_expect *way_out;
};

/**
 * sipalg_registration_request() - a REGISTER goes out from an inside phone
 * @flow: its flow
 * @msg: the message
 * @mapping: of the Contact, just made
 * @expires: what it asks for, in seconds; 0: it wants to be forgotten
 *
 * Caller holds rcu_read_lock; takes the mapping's lock.
 */
void sipalg_registration_request(const struct sipalg_flow *flow,
				 const struct sip_msg *msg,
				 struct sipalg_mapping *mapping, u32 expires);

/**
 * sipalg_registration_confirmed() - a 2xx to REGISTER comes in
 * @flow: its flow
 * @msg: the message
 *
 * RFC 3261 10.3: the 2xx lists all mappings of the address of record, so ours
 * among its Contacts are registered for the time it says, and ours that is
 * missing is not.
 *
 * Caller holds rcu_read_lock; takes mappings' locks.
 *
 * Return: how long the longest of them is registered, in jiffies; 0: none is.
 */
unsigned long sipalg_registration_confirmed(const struct sipalg_flow *flow,
					    const struct sip_msg *msg);

/**
 * sipalg_registration_expire() - end those whose time is over
 * @mapping: its lock is held
 * @when: out: when the next one lapses, in jiffies
 *
 * Any context.
 *
 * Return: whether any are left.
 */
bool sipalg_registration_expire(struct sipalg_mapping *mapping,
				unsigned long *when);

/**
 * sipalg_registration_forget() - end all, and close what they hold open
 * @mapping: its lock is held
 *
 * Any context.
 */
void sipalg_registration_forget(struct sipalg_mapping *mapping);

/**
 * sipalg_registration_is_at() - is one confirmed by this registrar
 * @mapping: its lock need not be held
 * @registrar: its address and port
 *
 * Caller holds rcu_read_lock.
 */
bool sipalg_registration_is_at(const struct sipalg_mapping *mapping,
			       const struct sipalg_addr *registrar);

/**
 * sipalg_registration_lose() - end those that this registrar has confirmed
 * @mapping: its lock is held
 * @registrar: its address and port
 *
 * Any context.
 *
 * Return: whether there were any.
 */
bool sipalg_registration_lose(struct sipalg_mapping *mapping,
			      const struct sipalg_addr *registrar);

/**
 * sipalg_registration_expected() - a connection came by a signalling pinhole
 * @mapping: whose
 * @ct: the new conntrack
 * @exp: the pinhole
 *
 * expectfn context (RCU read side, no lock held).
 */
void sipalg_registration_expected(struct sipalg_mapping *mapping,
				  struct nf_conn *ct,
				  struct nf_conntrack_expect *exp);

#endif
