/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All state of a network namespace, and the order of the module's locks.
 *
 * Lock order, outermost first:
 *	the packet's scratch space (sipalg_scratch_get(), one a CPU)
 *	sipalg_tcp_lock() (of one connection)
 *	sipalg_call.lock (a second one is only tried, never waited for)
 *	sipalg_mapping.lock
 *	sipalg_net.port_lock, .tcp_lock, .shared_expect_lock, .echo_lock or
 *	.lru_lock (one at a time)
 *	sipalg_net.face_lock or .promise_lock
 *	nf_conntrack_expect_lock (conntrack's, inside its functions)
 *	sipalg_sync.lock
 * All are taken with _bh: the helper also runs for packets of local sockets
 * in process context. rhashtable locks its own buckets; no function of this
 * module is called under them. Conntrack calls help and expectfn without locks.
 */
#ifndef SIPALG_NET_H
#define SIPALG_NET_H

#include <linux/rbtree.h>
#include <linux/rhashtable.h>
#include <linux/siphash.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include "core/dirty.h"
#include "core/setting.h"
#include "core/stats.h"
#include "sip/addr.h"

#define SIPALG_OWN_PORTS_BITS		8
#define SIPALG_FACE_HASH_BITS		6
#define SIPALG_LRU_CLASSES		4	/* enum sipalg_lru_class */
#define SIPALG_SHARED_EXPECT_HASH_BITS	8
#define SIPALG_MAX_TCP_QUEUE		(16 << 20)	/* bytes of a kind in a namespace */
#define SIPALG_MAX_SHARED_EXPECTS	4096	/* in a namespace (S3-17) */
#define SIPALG_ECHO_HASH_BITS		10

/**
 * enum sipalg_tcp_kind - bytes that are kept of TCP, each kind with a budget
 * @SIPALG_TCP_SENT: rewritten messages that are not acknowledged
 * @SIPALG_TCP_HELD: beginnings of messages, and what came before its turn
 * @SIPALG_TCP_PASSING: copies of what passes in pieces and is only followed
 */
enum sipalg_tcp_kind {
	SIPALG_TCP_SENT,
	SIPALG_TCP_HELD,
	SIPALG_TCP_PASSING,
	SIPALG_TCP_KINDS
};

/**
 * struct sipalg_net - one namespace
 * @net: the namespace; it outlives this
 * @settings: see setting.h; written under genl, read without a lock
 * @stats: per CPU
 * @key: of hashes of message bytes that are compared in place of the bytes
 * @short_key: the same of short ones; both routers of a pair have the same two
 * @table_key: of hashes that choose a bucket, or are compared within one flow
 * @calls: struct sipalg_call by Call-ID and inside address
 * @mappings_public: struct sipalg_mapping by public transport address and host
 * @mappings_face: the same by public transport address
 * @mappings_private: the same by private transport address
 * @registrations: struct sipalg_registration by host and address of record
 * @quotas: struct sipalg_quota by address
 * @nat64: of @settings, for the packet path; NULL: no translator
 * @peers: the same of signalling-peers; NULL: none
 * @outer: of @settings, for the packet path; NULL: no NAT outside of us
 * @lru_lock: guards @lru and @idle_lru
 * @lru: by enum sipalg_lru_class, addresses with calls of that class; the last
 *	one has most
 * @idle_lru: calls without media, longest first
 * @hashlimit: table of rate-limit and screen-invites, or NULL
 * @port_lock: guards @ports and @refused
 * @refused: the newest public address and port whose pinhole conntrack has refused
 * @refused_until: until when it is given to nobody, in jiffies of 64 bits
 * @ports: struct sipalg_media by translated address and port
 * @ways_out: struct sipalg_media whose ways out have no expectation, see way_out.h
 * @shared_expect_lock: guards @shared_expects
 * @shared_expects: struct sipalg_shared_expect by what they admit
 * @shared_expect_count: their number
 * @face_lock: guards @faces
 * @faces: struct sipalg_face by address
 * @face_work: ends what hangs on lost ones
 * @face_walk: when it has last done so, in jiffies
 * @promise_lock: guards @promises
 * @promises: what the nat chains are told of, see source_nat.c
 * @heard: hosts that have spoken for themselves, see heard.h
 * @echo_lock: guards @echoes
 * @echoes: how addresses were written, see echo.h
 * @echo_count: their number
 * @echoes_held: the same by hash of the inside host
 * @echo_timer: frees expired ones
 * @tcp_positions: struct sipalg_tcp_position by tuple
 * @tcp_sweep: forgets those that have ended
 * @tcp_lock: guards @tcp
 * @tcp: struct sipalg_tcp of connections of which something is kept
 * @tcp_bytes: what is kept, by enum sipalg_tcp_kind
 * @call_id: number of the newest call
 * @registration_id: number of the newest registration
 * @call_count: calls in @calls; @call_peak its highest value
 * @calls_retired: those that were reported as ended
 * @idle_count: calls in @idle
 * @mapping_count: mappings in the tables
 * @own_ports: by hash of the host inside: its mappings with a port of their own
 * @registration_count: confirmed registrations
 * @pinhole_count: expectations of this module
 * @master_count: their master conntracks
 * @memory: bytes of this module's objects, but for those of conntrack
 * @event_second: second of @event_count, in jiffies / HZ
 * @event_count: events sent in it
 * @events_lost: events that were not sent
 * @full_at: when conntrack's tables have refused us last, in jiffies of 64 bits
 * @starved_until: until when who has most leaves what becomes free to others, in
 *	jiffies of 64 bits
 * @zoned: a flow of another zone than the default one has been seen
 * @sync: it may be one of a pair, see dirty.h
 * @dying: the namespace is being removed: no new state
 */
struct sipalg_net {
	struct net *net;
	struct sipalg_settings settings;
	struct sipalg_cpu_stats __percpu *stats;
	siphash_key_t key;
	hsiphash_key_t short_key;
	hsiphash_key_t table_key;

	struct rhashtable calls;
	struct rhashtable mappings_public;
	struct rhltable mappings_face;
	struct rhltable mappings_private;
	struct rhltable registrations;
	struct rhashtable quotas;
	struct sipalg_nat64 __rcu *nat64;
	struct sipalg_peers __rcu *peers;
	struct sipalg_outer __rcu *outer;
	u64 full_at;
	u64 starved_until;
	bool zoned;
	bool dying;

	/*
	 * All above is read with each message and hardly ever written; what is
	 * written with each call has lines of its own, by what guards it.
	 */

	/* guards lru and idle_lru */
	spinlock_t lru_lock ____cacheline_aligned_in_smp;
	struct rb_root lru[SIPALG_LRU_CLASSES];
	struct list_head idle_lru;

	struct sipalg_hashlimit __rcu *hashlimit;

	/* guards ports and refused */
	spinlock_t port_lock ____cacheline_aligned_in_smp;
	struct rhashtable ports;
	struct sipalg_addr refused;
	u64 refused_until;

	struct rhashtable ways_out;

	/* guards shared_expects */
	spinlock_t shared_expect_lock ____cacheline_aligned_in_smp;
	struct hlist_head shared_expects[1 << SIPALG_SHARED_EXPECT_HASH_BITS];
	unsigned int shared_expect_count;

	/* guards faces */
	spinlock_t face_lock;
	struct hlist_head faces[1 << SIPALG_FACE_HASH_BITS];
	struct delayed_work face_work;
	unsigned long face_walk;

	/* guards promises */
	spinlock_t promise_lock;
	struct sipalg_promise *promises;

	struct sipalg_heard *heard;

	/* guards echoes */
	spinlock_t echo_lock;
	struct hlist_head echoes[1 << SIPALG_ECHO_HASH_BITS];
	unsigned int echo_count;
	atomic_t echoes_held[1 << SIPALG_OWN_PORTS_BITS];
	struct timer_list echo_timer;

	struct rhashtable tcp_positions;
	struct delayed_work tcp_sweep;

	/* guards tcp */
	spinlock_t tcp_lock;
	struct list_head tcp;
	atomic_long_t tcp_bytes[SIPALG_TCP_KINDS];

	atomic_t call_id ____cacheline_aligned_in_smp;
	atomic_t registration_id;
	atomic_t call_count;
	atomic_t call_peak;
	atomic_t calls_retired;
	atomic_t idle_count;
	atomic_t mapping_count;
	atomic_t own_ports[1 << SIPALG_OWN_PORTS_BITS];
	atomic_t registration_count;
	atomic_t pinhole_count;
	atomic_t master_count;
	atomic_long_t memory;
	unsigned long event_second;
	atomic_t event_count;
	atomic_t events_lost;

	struct sipalg_sync sync ____cacheline_aligned_in_smp;
};

/**
 * struct sipalg_net_part - what a folder keeps in a namespace
 * @init: set it up; 0 or a negative errno. Process context; or NULL
 * @exit: take it down; packets have drained. Process context, sleeps
 */
struct sipalg_net_part {
	int (*init)(struct sipalg_net *sn);
	void (*exit)(struct sipalg_net *sn);
};

/**
 * sipalg_net_register() - set up all namespaces, those to come as well
 * @parts: set up in this order after the members of core/, taken down in
 *	reverse
 * @count: how many
 *
 * Process context.
 *
 * Return: 0 or a negative errno.
 */
int sipalg_net_register(const struct sipalg_net_part *parts, unsigned int count);

/* Takes all namespaces down. Process context, sleeps. */
void sipalg_net_unregister(void);

/**
 * sipalg_net_get() - the state of a namespace
 * @net: the namespace
 *
 * Return: its state, valid while the module is loaded and @net exists.
 */
struct sipalg_net *sipalg_net_get(const struct net *net);

static inline u32 sipalg_setting(const struct sipalg_net *sn,
				 enum sipalg_setting setting)
{
	return READ_ONCE(sn->settings.value[setting]);
}

/* Ports from @low to @high, host byte order. */
struct sipalg_port_range {
	u16 low;
	u16 high;
};

static inline struct sipalg_port_range
sipalg_media_ports(const struct sipalg_net *sn)
{
	u32 range = sipalg_setting(sn, SIPALG_MEDIA_PORTS);

	return (struct sipalg_port_range){ range >> 16, range & 0xffff };
}

static inline bool sipalg_is_media_port(const struct sipalg_net *sn, u16 port)
{
	const struct sipalg_port_range range = sipalg_media_ports(sn);

	return port >= range.low && port <= range.high;
}

/* RFC 3261 17: time after which retransmissions end, in jiffies. */
static inline unsigned long sipalg_64_t1(const struct sipalg_net *sn)
{
	return msecs_to_jiffies(64 * sipalg_setting(sn, SIPALG_T1_INTERVAL));
}

#endif
