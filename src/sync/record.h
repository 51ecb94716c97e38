/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records: an object as another router is told of it.
 *
 * A record is a byte, RECORD_VERSION, three of zero, and netlink attributes. What has
 * gathered in a struct in groups (core/call.h) is one attribute each; an attribute that
 * is not known is skipped, one that is missing or shorter leaves zeros. So an older and
 * a newer module understand each other as long as attributes and members are only ever
 * added at the end. What cannot be read so has another RECORD_VERSION, and is refused.
 *
 * No time of a router's means anything to another: what has passed and what is left is
 * in milliseconds, as it was when the record was made; who restores it says how old it
 * has become.
 *
 * What is read is what somebody with CAP_NET_ADMIN says, and may be anything.
 */
#ifndef SIPALG_SYNC_RECORD_H
#define SIPALG_SYNC_RECORD_H

#include <net/netlink.h>
#include "core/flow.h"
#include "nat/expect.h"

struct sipalg_call;
struct sipalg_mapping;
struct sipalg_registration;
struct sipalg_tcp_position;

/* Blocks of members are in host byte order: a pair is of one kind. */
#ifdef __BIG_ENDIAN
#define RECORD_VERSION		0x81
#else
#define RECORD_VERSION		0x01
#endif
#define RECORD_HEAD		4	/* bytes before the first attribute */
#define RECORD_ATTRS		32	/* types of attributes, with room */
#define RECORD_LATEST		(20 * 24 * 3600 * 1000u)	/* ms; no stamp is older */

/**
 * struct sipalg_record - one that is read
 * @attr: by type; of those of which there may be several the last
 * @data: behind its head
 * @len: bytes of it
 * @age: ms since it was made
 */
struct sipalg_record {
	struct nlattr *attr[RECORD_ATTRS];
	const void *data;
	int len;
	u32 age;
};

/**
 * sipalg_record_parse() - begin to read one
 * @record: filled
 * @data: its bytes
 * @len: how many
 * @age: ms since it was made
 *
 * Return: 0; -EPROTO: of another version; -EINVAL: garbage.
 */
int sipalg_record_parse(struct sipalg_record *record, const void *data, int len,
			u32 age);

/* The attributes of a nest. Return: false: garbage. */
bool sipalg_record_nest(const struct nlattr *nest,
			struct nlattr *attr[RECORD_ATTRS]);

/* Puts the head of a record. Return: 0 or -EMSGSIZE. */
int sipalg_record_begin(struct sk_buff *skb);

/**
 * sipalg_record_block() - read a group of members
 * @attr: it, or NULL: zeros
 * @to: where
 * @size: bytes there
 * @unit: bytes of a member, of which a group has whole ones
 *
 * Return: false: garbage.
 */
bool sipalg_record_block(const struct nlattr *attr, void *to, int size, int unit);

#define record_block(attr, group, unit)					\
	sipalg_record_block(attr, group, sizeof(*(group)), unit)
#define put_block(skb, type, group)					\
	nla_put(skb, type, sizeof(*(group)), group)

/* Addresses, in as few bytes as they have. */
int sipalg_record_put_hosts(struct sk_buff *skb, int type,
			    const union nf_inet_addr *ip, unsigned int count);
bool sipalg_record_hosts(const struct nlattr *attr, union nf_inet_addr *ip,
			 unsigned int count);

/* The same with ports. */
int sipalg_record_put_ends(struct sk_buff *skb, int type,
			   const struct sipalg_addr *addr, unsigned int count);
bool sipalg_record_ends(const struct nlattr *attr, struct sipalg_addr *addr,
			unsigned int count);

/* A signalling flow, for masters. */
int sipalg_record_put_origin(struct sk_buff *skb, int type,
			     const struct sipalg_origin *origin);
/* The same of a connection, or a master; NULL: nothing. */
int sipalg_record_put_origin_of(struct sk_buff *skb, int type,
				const struct nf_conn *ct);
bool sipalg_record_origin(const struct nlattr *attr,
			  struct sipalg_origin *origin);

/**
 * sipalg_record_ago() - how long ago that was
 * @ms: milliseconds before the record was made, of whoever made it
 * @age: milliseconds since then
 *
 * Return: jiffies.
 */
static inline unsigned long sipalg_record_ago(u32 ms, u32 age)
{
	return msecs_to_jiffies(min(min(ms, RECORD_LATEST) +
				    min(age, RECORD_LATEST), RECORD_LATEST));
}

/**
 * sipalg_record_stamp() - a stamp of this router
 * @ms: how long ago it was when the record was made
 * @age: ms since then
 *
 * Return: jiffies.
 */
static inline u32 sipalg_record_stamp(u32 ms, u32 age)
{
	return (u32)jiffies - (u32)sipalg_record_ago(ms, age);
}

/* Jiffies until a deadline that was @ms away then; negative: it has passed. */
static inline long sipalg_record_left(s32 ms, u32 age)
{
	s64 left = (s64)ms - age;

	left = clamp_t(s64, left, -(s64)RECORD_LATEST, RECORD_LATEST);
	return left < 0 ? -(long)msecs_to_jiffies(-left) :
			  (long)msecs_to_jiffies(left);
}

/* The reverse. */
static inline s32 sipalg_record_ms(long left)
{
	return left < 0 ? -(s32)min(jiffies_to_msecs(-left), RECORD_LATEST) :
			  (s32)min(jiffies_to_msecs(left), RECORD_LATEST);
}

/**
 * sipalg_call_record_put() - put a call's record
 * @skb: where
 * @call: locked
 *
 * Return: 0 or -EMSGSIZE.
 */
int sipalg_call_record_put(struct sk_buff *skb, const struct sipalg_call *call);

/* The same of a mapping and a registration, with the mapping's lock held. */
int sipalg_mapping_record_put(struct sk_buff *skb,
			      const struct sipalg_mapping *mapping);
int sipalg_registration_record_put(struct sk_buff *skb,
				   const struct sipalg_registration *registration);

/**
 * sipalg_tcp_record_put() - put a TCP connection's record
 * @skb: where
 * @position: it
 * @ct: it, locked; or NULL: it is not there (yet)
 *
 * BH off. Return: 0; -ENOENT: nothing is known of it; or -EMSGSIZE.
 */
int sipalg_tcp_record_put(struct sk_buff *skb,
			  struct sipalg_tcp_position *position, struct nf_conn *ct);

/**
 * struct sipalg_restore - one object that is restored
 * @sn: the namespace
 * @key: its key
 * @key_len: bytes of it, at least 1
 * @record: its record
 * @record_len: bytes of it; 0: it has ended
 * @version: see sipalg_sync_version()
 * @age: ms since the record was made
 */
struct sipalg_restore {
	struct sipalg_net *sn;
	const u8 *key;
	int key_len;
	const void *record;
	int record_len;
	u64 version;
	u32 age;
};

/*
 * Restore a call, a mapping, a registration, a TCP connection, or take it away.
 * Process context, BH off, RCU. Return: 0, also where a newer record was there; or
 * a negative errno.
 */
int sipalg_call_restore_record(const struct sipalg_restore *restore);
int sipalg_mapping_restore_record(const struct sipalg_restore *restore);
int sipalg_registration_restore_record(const struct sipalg_restore *restore);
int sipalg_tcp_restore_record(const struct sipalg_restore *restore);

#endif
