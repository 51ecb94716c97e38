/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mappings: inside address X is Y outside, and how the phone wrote X.
 *
 * A mapping is created when a message first carries a translated address out, so
 * that replies are restored to exactly what the phone sent (S3-42), and a
 * registered phone can be called (S3-43). Addresses that a phone learnt itself
 * (STUN) have no mapping, and are therefore never changed (H-13).
 *
 * NAT may give several inside hosts one public port if their peers differ: the
 * key of a mapping is its public transport address and the inside host.
 *
 * A mapping exists while a call or registration uses it, and for the length of a
 * transaction after its last use.
 */
#ifndef SIPALG_MAPPING_H
#define SIPALG_MAPPING_H

#include <linux/in.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include "core/dirty.h"
#include "core/flow.h"
#include "nat/echo.h"
#include "sip/msg.h"

#define SIPALG_MAPPING_TEXT	SIPALG_ECHO_TEXT	/* longest host text that is kept */
#define SIPALG_MAPPING_SYNC_KEY	48	/* bytes of a key of its record at most */

/* Where a phone writes itself; each in its own way (R5). */
enum sipalg_form_kind {
	SIPALG_FORM_VIA,
	SIPALG_FORM_FROM,
	SIPALG_FORM_CONTACT,	/* as its registrar gives it back */
	SIPALG_FORM_ROUTE,
	SIPALG_FORM_TARGET,	/* the newest Contact: what requests are sent to */
	SIPALG_FORM_MAX
};

/**
 * struct sipalg_mapping_key - a transport address with its protocol
 * @addr: address and port
 * @zone: conntrack zone of the side that it is on
 * @family: AF_INET or AF_INET6
 * @l4proto: IPPROTO_UDP or IPPROTO_TCP
 */
struct sipalg_mapping_key {
	struct sipalg_addr addr;
	u16 zone;
	u8 family;
	u8 l4proto;
};

#define SIPALG_SPELLINGS	2	/* of From and To */

/**
 * struct sipalg_spelling - an address of somebody else, as the phone writes it
 * @ip: what it stands for
 * @text_len: its length in bytes; 0: none
 * @text: the host
 */
struct sipalg_spelling {
	__be32 ip;
	u8 text_len;
	char text[SIPALG_MAPPING_TEXT];
};

/**
 * struct sipalg_mapping - public address of an inside address
 *
 * In groups as the members of struct sipalg_call: @local does not leave this router.
 *
 * @local: group
 * @times: group
 * @words: group
 * @shorts: group
 * @bytes: group
 * @end: marks it
 * @public_node: in &sipalg_net.mappings_public
 * @face_node: in &sipalg_net.mappings_face
 * @private_node: in &sipalg_net.mappings_private
 * @public: address outside; never changes
 * @private: address inside; never changes
 * @sn: the namespace
 * @outer_zone: conntrack zone in which packets of its registrars arrive
 * @face: of @public, or NULL where nothing is translated
 * @own_port: counter of its host's ports, or NULL: it is the flow's port
 * @holder: quota charged for a port of media-ports, or NULL
 * @guest: its port is in media-ports but not charged: media may take it, and
 *	no pinhole leads to it
 * @rcu: frees it after the last reader
 * @refs: of the table, each user, and an armed timer
 * @users: number of calls that use it
 * @timer: expiry of the mapping and of registrations
 * @dirty: for what @forms_dirty and @registrations_dirty say
 * @version: of the record that it was restored from, see sipalg_sync_version()
 * @lock: guards all that changes
 * @forms_dirty: it has changed itself since its record was sent
 * @registrations_dirty: one of @registrations has
 * @dead: removed from the tables
 * @expires: jiffies until which it lives without users
 * @fields: bits of enum sip_field in which the outside was given @public
 * @via_port: port that the phone writes in Via, host byte order; 0: none
 * @uri_port: port in its Contact, or in routes until a Contact was seen
 * @uri_secure: that was a sips: URI
 * @text: host as the phone wrote it last
 * @text_len: its length in bytes
 * @form: how it writes itself, by enum sipalg_form_kind
 * @form_used: when that form was last seen, in jiffies of 64 bits, 0: never
 * @registered: number of confirmed @registrations
 * @spelling: host in From and To, where it was an address of nat64-prefix
 * @registrations: struct sipalg_registration, one for each account
 * @master: master of their pinholes, or NULL
 * @peer_ways: those for calls from signalling-peers, by their number; NULL: none
 */
struct sipalg_mapping {
	struct_group_tagged(sipalg_mapping_local, local,
		struct rhash_head public_node;
		struct rhlist_head face_node;
		struct rhlist_head private_node;
		struct sipalg_net *sn;
		struct sipalg_face *face;
		atomic_t *own_port;
		struct sipalg_quota *holder;
		struct rcu_head rcu;
		refcount_t refs;
		atomic_t users;
		struct timer_list timer;
		struct sipalg_dirty dirty;
		u64 version;
		/* guards all that changes */
		spinlock_t lock;
		bool dead;
		bool forms_dirty;
		bool registrations_dirty;
		u16 registered;
		struct hlist_head registrations;
		struct nf_conn *master;
		struct nf_conntrack_expect **peer_ways;
	);
	struct_group_tagged(sipalg_mapping_times, times,
		unsigned long expires;
		u64 form_used[SIPALG_FORM_MAX];
	);
	struct sipalg_mapping_key public;
	struct sipalg_mapping_key private;
	struct_group_tagged(sipalg_mapping_words, words,
		u32 fields;
	);
	struct sipalg_spelling spelling[SIPALG_SPELLINGS];
	struct_group_tagged(sipalg_mapping_shorts, shorts,
		u16 outer_zone;
		u16 via_port;
		u16 uri_port;
	);
	struct sipalg_form form[SIPALG_FORM_MAX];
	struct_group_tagged(sipalg_mapping_bytes, bytes,
		u8 uri_secure;
		u8 guest;
		u8 text_len;
		char text[SIPALG_MAPPING_TEXT];
	);
	u8 end[];
};

#define SIPALG_MAPPING_GROUP(group)	sizeof(struct sipalg_mapping_##group)

/* See struct sipalg_call. */
static_assert(offsetof(struct sipalg_mapping, end) ==
	      SIPALG_MAPPING_GROUP(local) + SIPALG_MAPPING_GROUP(times) +
	      2 * SIPALG_MAPPING_GROUP(key) + SIPALG_MAPPING_GROUP(words) +
	      SIPALG_SPELLINGS * sizeof(struct sipalg_spelling) +
	      SIPALG_MAPPING_GROUP(shorts) +
	      SIPALG_FORM_MAX * sizeof(struct sipalg_form) +
	      SIPALG_MAPPING_GROUP(bytes));

/**
 * sipalg_mapping_sync_key() - the key of a mapping's record
 * @mapping: any
 * @key: filled
 *
 * Return: bytes of it.
 */
u16 sipalg_mapping_sync_key(const struct sipalg_mapping *mapping,
			    u8 key[SIPALG_MAPPING_SYNC_KEY]);

/**
 * sipalg_mapping_keyed() - find a mapping by the key of its record
 * @sn: the namespace
 * @key: anything
 * @len: bytes of it
 *
 * Caller holds rcu_read_lock.
 *
 * Return: it, or NULL.
 */
struct sipalg_mapping *sipalg_mapping_keyed(struct sipalg_net *sn,
					    const void *key, int len);

/**
 * sipalg_mapping_read_key() - what the key of its record says of a mapping
 * @mapping: filled: &sipalg_mapping.public, and all but the port of &sipalg_mapping.private
 * @key: anything
 * @len: bytes of it
 *
 * Return: false: garbage.
 */
bool sipalg_mapping_read_key(struct sipalg_mapping *mapping, const void *key,
			     int len);

/**
 * sipalg_mapping_restore() - a mapping as another router has it
 * @flow: from the inside host: gives namespace, zones, family and protocol
 * @from: all that travels of it
 *
 * One that is there is made the same. Caller holds rcu_read_lock; BH off.
 *
 * Return: it, or NULL: no memory.
 */
struct sipalg_mapping *sipalg_mapping_restore(const struct sipalg_flow *flow,
					      const struct sipalg_mapping *from);

/**
 * sipalg_mappings_each() - do something with each
 * @sn: the namespace
 * @what: gets one that is in the tables, no lock held; BH off, RCU
 *
 * Process context, may sleep.
 */
void sipalg_mappings_each(struct sipalg_net *sn,
			  void (*what)(struct sipalg_mapping *mapping));

/**
 * sipalg_mappings_init() - set up the tables of a namespace
 * @sn: the namespace
 *
 * Process context.
 *
 * Return: 0 or a negative errno.
 */
int sipalg_mappings_init(struct sipalg_net *sn);

/**
 * sipalg_mappings_settings() - settings have changed: what is open follows them
 * @sn: the namespace
 *
 * Process context, may sleep.
 */
void sipalg_mappings_settings(struct sipalg_net *sn);

/**
 * sipalg_mappings_exit() - drop all mappings and the tables
 * @sn: the namespace; &sipalg_net.dying is set and its packets have drained
 *
 * Process context, sleeps.
 */
void sipalg_mappings_exit(struct sipalg_net *sn);

/**
 * sipalg_mapping_find() - find a mapping by its public address and host
 * @flow: gives namespace, family and protocol
 * @addr: the public transport address
 * @inside: the inside host's address
 *
 * Caller holds rcu_read_lock.
 *
 * Return: the mapping or NULL.
 */
struct sipalg_mapping *sipalg_mapping_find(const struct sipalg_flow *flow,
					   const struct sipalg_addr *addr,
					   const union nf_inet_addr *inside);

/**
 * sipalg_mapping_zone() - the zone of a phone that has been called
 * @flow: filled in; &sipalg_flow.zone and the zone in which the phone's packets
 *	arrive are mended
 *
 * Of a connection that the outside has begun conntrack knows the outside's zone
 * alone. Caller holds rcu_read_lock.
 */
void sipalg_mapping_zone(struct sipalg_flow *flow);

/**
 * sipalg_mapping_at() - find any mapping of a public address
 * @flow: gives namespace, family and zone
 * @l4proto: IPPROTO_UDP or IPPROTO_TCP
 * @addr: a public transport address
 *
 * Caller holds rcu_read_lock.
 *
 * Return: a mapping, any if there are several, or NULL.
 */
struct sipalg_mapping *sipalg_mapping_at(const struct sipalg_flow *flow,
					 u8 l4proto,
					 const struct sipalg_addr *addr);

/**
 * sipalg_mapping_find_inside() - find a mapping by its inside address
 * @flow: gives namespace, family and protocol
 * @addr: the private transport address
 * @seen: its public address
 *
 * Caller holds rcu_read_lock.
 *
 * Return: a mapping or NULL.
 */
struct sipalg_mapping *
sipalg_mapping_find_inside(const struct sipalg_flow *flow,
			   const struct sipalg_addr *addr,
			   const union nf_inet_addr *seen);

/**
 * sipalg_mapping_of_sender() - find the mapping of an address that the sender names
 * @flow: its flow; the sender is inside
 * @addr: a transport address of the sender's host
 *
 * A TCP connection is used in both directions (RFC 5923), and so is the port that
 * a phone sends from: both have the flow's own public address outside. Caller holds rcu_read_lock.
 *
 * Return: a mapping or NULL.
 */
static inline struct sipalg_mapping *
sipalg_mapping_of_sender(const struct sipalg_flow *flow,
			 const struct sipalg_addr *addr)
{
	if (flow->l4proto == IPPROTO_TCP || addr->port == flow->src.port)
		return sipalg_mapping_find(flow, &flow->src_public,
					   &flow->src.ip);
	return sipalg_mapping_find_inside(flow, addr, &flow->src_public.ip);
}

/**
 * sipalg_uri_l4proto() - the protocol a URI is reached by
 * @host: its host, or that of a Via
 * @l4proto: of the flow that brings it
 *
 * The URI's own transport decides, not the flow's; without one it is UDP (RFC
 * 3263 4.1: what is written is an address). A Via, and what neither of the two
 * carries (TLS, WebSocket), goes by the flow.
 *
 * Return: IPPROTO_UDP or IPPROTO_TCP.
 */
static inline u8 sipalg_uri_l4proto(const struct sip_host *host, u8 l4proto)
{
	if (host->field == SIP_FIELD_VIA || host->secure ||
	    host->transport == SIP_TRANSPORT_OTHER)
		return l4proto;
	return host->transport == SIP_TRANSPORT_TCP ? IPPROTO_TCP : IPPROTO_UDP;
}

/**
 * sipalg_uri_is_strict() - can a URI be reached by that protocol alone
 * @host: its host
 * @l4proto: of the flow that brings it
 *
 * Phones that only ever use TCP leave its name out, and are reached by the
 * connection that they keep open: as long as nothing is known of the address by
 * UDP, the flow's protocol is meant.
 *
 * Return: true if the flow's protocol is another and is not meant.
 */
static inline bool sipalg_uri_is_strict(const struct sip_host *host, u8 l4proto)
{
	return sipalg_uri_l4proto(host, l4proto) != l4proto &&
	       host->transport != SIP_TRANSPORT_NONE;
}

/**
 * sipalg_mapping_of_uri() - the mapping of a URI that the sender names
 * @flow: its flow; the sender is inside
 * @host: of the URI, an address of the flow's family
 * @addr: the same as transport address
 *
 * Caller holds rcu_read_lock.
 *
 * Return: a mapping or NULL.
 */
static inline struct sipalg_mapping *
sipalg_mapping_of_uri(const struct sipalg_flow *flow,
		      const struct sip_host *host,
		      const struct sipalg_addr *addr)
{
	struct sipalg_flow other = *flow;
	struct sipalg_mapping *mapping = NULL;

	other.l4proto = sipalg_uri_l4proto(host, flow->l4proto);
	if (other.l4proto != flow->l4proto)
		mapping = sipalg_mapping_find_inside(&other, addr,
						     &flow->src_public.ip);
	if (mapping || sipalg_uri_is_strict(host, flow->l4proto))
		return mapping;
	return sipalg_mapping_of_sender(flow, addr);
}

/**
 * sipalg_mapping_find_uri() - what a host is known by outside, by a URI
 * @flow: gives namespace and family
 * @host: of the URI
 * @addr: the same as transport address
 * @inside: the host's address
 *
 * Who answers or calls may have left the transport out: what is not known by
 * the URI's own is looked for by the flow's. Caller holds rcu_read_lock.
 *
 * Return: the mapping or NULL.
 */
static inline struct sipalg_mapping *
sipalg_mapping_find_uri(const struct sipalg_flow *flow,
			const struct sip_host *host,
			const struct sipalg_addr *addr,
			const union nf_inet_addr *inside)
{
	struct sipalg_mapping *mapping;
	struct sipalg_flow other = *flow;

	other.l4proto = sipalg_uri_l4proto(host, flow->l4proto);
	mapping = sipalg_mapping_find(&other, addr, inside);
	if (mapping || other.l4proto == flow->l4proto)
		return mapping;
	return sipalg_mapping_find(flow, addr, inside);
}

/**
 * sipalg_mapping_add() - create the mapping of a translated host
 * @flow: the flow that carries it out
 * @private: the inside address in the message
 * @public: its replacement
 * @added: out: it is new; false: another CPU was faster, or there is none
 *
 * Another host that is registered by the same public address stays so, see
 * sipalg_mapping_replace(). Caller holds rcu_read_lock; softirq.
 *
 * Return: the mapping, or NULL: no memory, or the host has too many ports.
 */
struct sipalg_mapping *sipalg_mapping_add(const struct sipalg_flow *flow,
					  const struct sipalg_addr *private,
					  const struct sipalg_addr *public,
					  bool *added);

/**
 * sipalg_mapping_discard() - the message for which a mapping was added does not leave
 * @mapping: new; in the tables, or out of them meanwhile
 *
 * It goes at once, unless another message uses it already. Caller holds
 * rcu_read_lock and no mapping's lock.
 */
void sipalg_mapping_discard(struct sipalg_mapping *mapping);

/**
 * sipalg_mapping_make() - find or create a mapping
 * @flow: see sipalg_mapping_add()
 * @private: the same
 * @public: the same
 *
 * A new one replaces another host's, see sipalg_mapping_replace(). Caller holds
 * rcu_read_lock; softirq.
 *
 * Return: the mapping or NULL, as sipalg_mapping_add().
 */
struct sipalg_mapping *sipalg_mapping_make(const struct sipalg_flow *flow,
					   const struct sipalg_addr *private,
					   const struct sipalg_addr *public);

/**
 * sipalg_mapping_replace() - replace another host's mapping of the same public address
 * @flow: gives namespace, family and protocol
 * @addr: the public transport address
 * @inside: the host that has the address now
 * @peer: the peer that uses it
 *
 * For registrations: the registrar would call the wrong host otherwise. Caller
 * holds rcu_read_lock and no mapping's lock.
 */
void sipalg_mapping_replace(const struct sipalg_flow *flow,
			    const struct sipalg_addr *addr,
			    const union nf_inet_addr *inside,
			    const struct sipalg_addr *peer);

/**
 * sipalg_mapping_lose() - its public address is the router's no more, or it has ended on
 *	the other router of a pair
 * @mapping: in the tables
 *
 * Its registrations are void, what they hold open is closed. Caller holds
 * rcu_read_lock and no mapping's lock.
 */
void sipalg_mapping_lose(struct sipalg_mapping *mapping);

/**
 * sipalg_mapping_note_locked() - remember how the phone writes its address
 * @mapping: its mapping, its lock is held
 * @msg: the message
 * @host: the host that is being translated
 * @public: it is the public address, which the phone has learnt, and stays
 *
 * A form is kept as long as answers to requests that had it may come, and then
 * makes room for another.
 *
 * Return: false if another form is kept: this one needs an echo.
 */
bool sipalg_mapping_note_locked(struct sipalg_mapping *mapping,
				const struct sip_msg *msg,
				const struct sip_host *host, bool public);

/* After that, for all of a message; its lock is held: it lives for a transaction. */
void sipalg_mapping_noted(struct sipalg_mapping *mapping);

/**
 * sipalg_mapping_note() - both of these, for one host
 * @mapping: its mapping
 * @msg: the message
 * @host: a host by which the phone names itself
 *
 * Caller holds rcu_read_lock; takes the mapping's lock.
 */
void sipalg_mapping_note(struct sipalg_mapping *mapping,
			 const struct sip_msg *msg, const struct sip_host *host);

/**
 * sipalg_mapping_form() - how the phone writes itself
 * @mapping: its mapping
 * @field: enum sip_field
 * @request: in a request to the phone, else in a response
 * @form: out; no text if that is not known
 *
 * Caller holds rcu_read_lock; takes the mapping's lock.
 */
void sipalg_mapping_form(struct sipalg_mapping *mapping, u8 field, bool request,
			 struct sipalg_form *form);

/**
 * sipalg_mapping_keep() - keep it at least this long
 * @mapping: its mapping
 * @time: jiffies from now
 *
 * Caller holds rcu_read_lock; takes the mapping's lock.
 */
void sipalg_mapping_keep(struct sipalg_mapping *mapping, unsigned long time);

/**
 * sipalg_mapping_wake() - run the timer no later than @when
 * @mapping: in the tables; its lock is held
 * @when: jiffies
 */
void sipalg_mapping_wake(struct sipalg_mapping *mapping, unsigned long when);

/* Drops a reference. Any context. */
void sipalg_mapping_put(struct sipalg_mapping *mapping);

/* A call starts or stops using the mapping. */
bool sipalg_mapping_use(struct sipalg_mapping *mapping);
void sipalg_mapping_unuse(struct sipalg_mapping *mapping);

#endif
