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
struct sipalg_origin;
struct sipalg_quota;

#define SIPALG_MAX_ACCOUNT	64	/* bytes of an account that are kept */
#define SIPALG_REGISTRATION_SYNC_KEY	32	/* bytes of a key of its record at most */

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
 *
 * In groups as the members of struct sipalg_call: @local does not leave this router.
 *
 * @longs: group
 * @local: group
 * @times: group
 * @ends: group
 * @hosts: group
 * @words: group
 * @bytes: group
 * @dirty: it has changed since its record was sent
 * @version: of the record that it was restored from, see sipalg_sync_version()
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
 * @id: its number, the same on both routers of a pair
 * @account_len: bytes in @account
 * @way_in: expectation for calls to the phone (S3-16), or NULL
 * @way_out: expectation that keeps the phone's public port the same (H-12)
 * @account: its address of record without scheme, for people
 *
 * A PBX, or a phone with several lines, has several at one mapping.
 */
struct sipalg_registration {
	struct_group_tagged(sipalg_registration_longs, longs,
		u64 call_id;
	);
	struct_group_tagged(sipalg_registration_local, local,
		struct hlist_node node;
		struct rhlist_head account_node;
		struct sipalg_mapping *mapping;
		struct sipalg_quota *holder;
		struct rcu_head rcu;
		struct nf_conntrack_expect *way_in;
		struct nf_conntrack_expect *way_out;
		u64 version;
		bool linked;
		bool dirty;
		u8 account_len;
	);
	struct_group_tagged(sipalg_registration_times, times,
		unsigned long until;
	);
	struct sipalg_account key;
	struct_group_tagged(sipalg_registration_ends, ends,
		struct sipalg_addr contact;
		struct sipalg_addr registrar;
	);
	struct_group_tagged(sipalg_registration_hosts, hosts,
		union nf_inet_addr asked;
	);
	struct_group_tagged(sipalg_registration_words, words,
		u32 cseq;
		u32 expires;
		u32 id;
	);
	struct_group_tagged(sipalg_registration_bytes, bytes,
		u8 confirmed;
	);
	char account[];
};

#define SIPALG_REGISTRATION_GROUP(group)				\
	sizeof(struct sipalg_registration_##group)

/* See struct sipalg_call. */
static_assert(offsetof(struct sipalg_registration, account) ==
	      SIPALG_REGISTRATION_GROUP(longs) +
	      SIPALG_REGISTRATION_GROUP(local) +
	      SIPALG_REGISTRATION_GROUP(times) + sizeof(struct sipalg_account) +
	      SIPALG_REGISTRATION_GROUP(ends) +
	      SIPALG_REGISTRATION_GROUP(hosts) +
	      SIPALG_REGISTRATION_GROUP(words) +
	      SIPALG_REGISTRATION_GROUP(bytes));

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
 * sipalg_registration_sync_key() - the key of a registration's record
 * @registration: any
 * @key: filled
 *
 * Return: bytes of it.
 */
u16 sipalg_registration_sync_key(const struct sipalg_registration *registration,
				 u8 key[SIPALG_REGISTRATION_SYNC_KEY]);

/**
 * sipalg_registration_master() - make the master of a mapping's pinholes without a packet
 * @mapping: its lock is held
 * @origin: of the flow that it is made for
 *
 * Return: the one that it has, or NULL; see sipalg_master_alloc().
 */
struct nf_conn *
sipalg_registration_master(struct sipalg_mapping *mapping,
			   const struct sipalg_origin *origin);

/**
 * sipalg_registration_numbered() - find one by its key
 * @sn: the namespace
 * @account: whose it is
 * @id: its number
 *
 * Caller holds rcu_read_lock.
 *
 * Return: it or NULL.
 */
struct sipalg_registration *
sipalg_registration_numbered(struct sipalg_net *sn,
			     const struct sipalg_account *account, u32 id);

/**
 * sipalg_registration_restore() - one as another router has it
 * @mapping: its mapping, whose lock is held
 * @flow: of its master, for pinholes; NULL: it has none
 * @from: all that travels of it, with &sipalg_registration.key and account_len
 * @account: the account
 *
 * Nobody is told, no limit refuses it. Caller holds rcu_read_lock; BH off.
 *
 * Return: it, or NULL: no memory, or it is there at another mapping.
 */
struct sipalg_registration *
sipalg_registration_restore(struct sipalg_mapping *mapping,
			    const struct sipalg_flow *flow,
			    const struct sipalg_registration *from,
			    const char *account);

/**
 * sipalg_registration_drop() - it has ended on the other router
 * @registration: found under RCU
 *
 * Caller holds rcu_read_lock; takes the mapping's lock.
 */
void sipalg_registration_drop(struct sipalg_registration *registration);

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
