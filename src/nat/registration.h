/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registrations: learnt from REGISTER and its 2xx (S3-24, S3-43).
 *
 * A mapping that a registrar confirms is kept until its Expires across all
 * conntrack timeouts (H-11): a signalling pinhole admits calls to the phone, and
 * a second one keeps the phone's public port the same outbound (H-12).
 */
#ifndef SIPALG_REGISTRATION_H
#define SIPALG_REGISTRATION_H

#include <linux/list.h>
#include <linux/rhashtable-types.h>
#include <linux/types.h>
#include "core/flow.h"
#include "core/peers.h"
#include "sip/msg.h"

struct nf_conn;
struct nf_conntrack_expect;
struct sipalg_mapping;
struct sipalg_net;
struct sipalg_quota;

#define SIPALG_MAX_ACCOUNT	64	/* bytes of an account that are kept */

/**
 * struct sipalg_account - whose registrations are found together
 * @host: the inside host
 * @aor: hash of the address of record
 * @zone: conntrack zone of the host
 */
struct sipalg_account {
	union nf_inet_addr host;
	u32 aor;
	u32 zone;	/* no gap: accounts are compared as bytes */
};

/**
 * struct sipalg_registration - an account that a phone registers
 * @node: in &sipalg_mapping.registrations, whose lock guards all of this
 * @account_node: in &sipalg_net.registrations
 * @account: whose it is; never changes
 * @mapping: of its Contact; never changes
 * @holder: who may have but so many of them
 * @linked: it is in both lists
 * @contact: as the phone names itself in its Contact
 * @rcu: frees it after the last reader
 * @call_id: siphash of the Call-ID of the last REGISTER
 * @cseq: its CSeq
 * @expires: seconds it asked for
 * @asked: address the REGISTER was sent to
 * @until: expiry in jiffies; if not confirmed: as long as a response may come
 * @confirmed: a registrar has confirmed it
 * @registrar: address and port of that registrar
 * @id: its number, for people
 * @account_len: bytes in @account
 * @way_in: expectation for calls to the phone (S3-16), or NULL
 * @way_out: expectation that keeps the phone's public port the same (H-12)
 * @account: its address of record without scheme, for people
 *
 * A PBX, or a phone with several lines, has several at one mapping.
 */
struct sipalg_registration {
	struct hlist_node node;
	struct rhlist_head account_node;
	struct sipalg_account key;
	struct sipalg_mapping *mapping;
	struct sipalg_quota *holder;
	bool linked;
	struct sipalg_addr contact;
	struct rcu_head rcu;
	u64 call_id;
	u32 cseq;
	u32 expires;
	union nf_inet_addr asked;
	bool confirmed;
	struct sipalg_addr registrar;
	unsigned long until;
	struct nf_conntrack_expect *way_in;
	struct nf_conntrack_expect *way_out;
	u32 id;
	u8 account_len;
	char account[];
};

/**
 * sipalg_registration_end() - forget one, whatever the registrar thinks
 * @sn: the namespace
 * @id: &sipalg_registration.id
 *
 * Its pinholes are closed; nobody is sent anything. Process context.
 *
 * Return: true if there was one.
 */
bool sipalg_registration_end(struct sipalg_net *sn, u32 id);

/**
 * sipalg_registrations_init() - set up the table of a namespace
 * @sn: the namespace
 *
 * Process context.
 *
 * Return: 0 or a negative errno.
 */
int sipalg_registrations_init(struct sipalg_net *sn);

/* Takes it down; no mapping is left. */
void sipalg_registrations_exit(struct sipalg_net *sn);

/**
 * sipalg_registration_request() - note a REGISTER of an inside phone
 * @flow: its flow
 * @msg: the message
 * @mapping: of the Contact, just made
 * @contact: the address as the phone wrote it
 * @expires: requested seconds; 0: unregister
 *
 * Caller holds rcu_read_lock; takes the mapping's lock.
 */
void sipalg_registration_request(const struct sipalg_flow *flow,
				 const struct sip_msg *msg,
				 struct sipalg_mapping *mapping,
				 const struct sipalg_addr *contact, u32 expires);

/**
 * sipalg_registration_request_end() - a REGISTER asks to end what is registered
 * @flow: its flow
 * @msg: the message
 * @contact: of those that the phone registered by this Contact; NULL: of all
 *	("*"), or of those with the same Call-ID where @named says so
 * @named: by a host name or another address, which tells nothing here
 *
 * By whatever socket and protocol: the answer lists what is left of the
 * address of record, and those that are not listed then end. Caller holds
 * rcu_read_lock; takes mappings' locks.
 */
void sipalg_registration_request_end(const struct sipalg_flow *flow,
				     const struct sip_msg *msg,
				     const struct sipalg_addr *contact,
				     bool named);

/**
 * sipalg_registration_confirmed() - process a 2xx to REGISTER
 * @flow: its flow
 * @msg: the message
 *
 * RFC 3261 10.3: the 2xx lists all bindings of the address of record, so those
 * of ours that it lists are registered for the stated time, the others are not.
 *
 * Caller holds rcu_read_lock; takes mappings' locks.
 *
 * Return: longest registration of them, in jiffies; 0: none.
 */
unsigned long sipalg_registration_confirmed(const struct sipalg_flow *flow,
					    const struct sip_msg *msg);

/**
 * sipalg_registration_expire() - end those that have expired
 * @mapping: its lock is held
 * @when: out: when the next one expires, in jiffies
 *
 * Any context.
 *
 * Return: whether any are left.
 */
bool sipalg_registration_expire(struct sipalg_mapping *mapping,
				unsigned long *when);

/**
 * sipalg_registration_forget() - end all, and close their pinholes
 * @mapping: its lock is held
 *
 * Any context.
 */
void sipalg_registration_forget(struct sipalg_mapping *mapping);

/**
 * sipalg_registration_is_at() - test whether one is confirmed by this registrar
 * @mapping: its lock need not be held
 * @registrar: its address and port
 *
 * Caller holds rcu_read_lock.
 */
bool sipalg_registration_is_at(const struct sipalg_mapping *mapping,
			       const struct sipalg_addr *registrar);

/**
 * sipalg_registration_lose() - end those confirmed by this registrar
 * @mapping: its lock is held
 * @registrar: its address and port
 *
 * Any context.
 *
 * Return: whether there were any.
 */
bool sipalg_registration_lose(struct sipalg_mapping *mapping,
			      const struct sipalg_addr *registrar);

#define SIPALG_MAX_CALLERS	(SIPALG_MAX_PEERS + 1)

/**
 * sipalg_registration_callers() - who may call the phone
 * @mapping: its lock is held
 * @registration: one of it
 * @callers: filled, from open pinholes; 0 bits: anyone
 *
 * Return: how many they are.
 */
unsigned int
sipalg_registration_callers(const struct sipalg_mapping *mapping,
			    const struct sipalg_registration *registration,
			    struct sipalg_prefix callers[SIPALG_MAX_CALLERS]);

/**
 * sipalg_registration_settings() - apply changed settings to a mapping's pinholes
 * @mapping: its lock is not held
 *
 * Caller holds rcu_read_lock. Pinholes that were not allowed when the
 * registration was confirmed wait for the next REGISTER.
 */
void sipalg_registration_settings(struct sipalg_mapping *mapping);

#endif
