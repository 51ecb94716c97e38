/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of a call: what call/, media/ and nat/ share.
 *
 * A call is identified by its Call-ID and the inside host. Its dialogs differ in
 * the callee's tag (RFC 3261 12, forking S3-56); each is ended by its own BYE.
 *
 * Each call has one timer, set to the nearest of its deadlines.
 */
#ifndef SIPALG_CORE_CALL_H
#define SIPALG_CORE_CALL_H

#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <linux/stddef.h>
#include <linux/timer.h>
#include "core/dirty.h"
#include "core/long_timer.h"
#include "sip/addr.h"

struct nf_conn;
struct sipalg_claims;
struct sipalg_mapping;
struct sipalg_msg_log;
struct sipalg_net;
struct sipalg_quota;
struct sipalg_sig_pinholes;
struct sipalg_targets;

enum sipalg_side { SIPALG_CALLER, SIPALG_CALLEE };

enum sipalg_call_state {
	SIPALG_CALL_EARLY,	/* INVITE seen, no final answer */
	SIPALG_CALL_CONFIRMED,	/* a 2xx has come */
	SIPALG_CALL_CANCELLING, /* CANCEL seen, a 2xx may still cross it (C3) */
	SIPALG_CALL_FAILED,	/* final failure: caller may try again (S4-2) */
	SIPALG_CALL_BYE_SENT,	/* BYE seen: it may still be refused (C10) */
	SIPALG_CALL_ABANDONED,	/* BYE while it rang: another fork may still answer */
	SIPALG_CALL_STATES
};

#define TIMER(id, name, teardown, help)	SIPALG_TIMER_##id,
enum sipalg_call_timer {
#include "core/timers.def"
	SIPALG_TIMER_MAX
};

#define SIPALG_MAX_CALL_ID	512	/* calls with longer ones are not followed */
#define SIPALG_MAX_TAG		256
#define SIPALG_MAX_USER		40	/* bytes of a user that are kept, for people */
#define SIPALG_MAX_DIALOGS	16	/* forks of one call */

/**
 * struct sipalg_call_key - identity of a call
 * @hash: of the Call-ID
 * @inside: &sipalg_flow.inside
 * @zone: conntrack zone of that host
 * @back: it comes back to the inside host that sent it: a phone with two lines,
 *	one of which calls the other
 */
struct sipalg_call_key {
	u32 hash;
	union nf_inet_addr inside;
	u16 zone;
	bool back;
};

/**
 * struct sipalg_dialog - one fork of a call
 *
 * In groups as the members of struct sipalg_call.
 *
 * @words: group
 * @shorts: group
 * @bytes: group
 * @list: in &sipalg_call.dialogs
 * @fork: its number, from 1
 * @tag_len: bytes in @tag
 * @confirmed: a 2xx to INVITE has come
 * @ended: its BYE was answered, or the callee rejected it
 * @has_answered: bits of the sides that have sent a 2xx to INVITE
 * @answered: CSeq of the newest 2xx to INVITE, by its sender
 * @settled: by side: 1 more than the CSeq of its newest PRACK or UPDATE that was
 *	accepted, 0: none yet
 * @tag: the callee's tag
 */
struct sipalg_dialog {
	struct list_head list;
	struct_group_tagged(sipalg_dialog_words, words,
		u32 answered[2];
		u32 settled[2];
	);
	struct_group_tagged(sipalg_dialog_shorts, shorts,
		u16 fork;
		u16 tag_len;
	);
	struct_group_tagged(sipalg_dialog_bytes, bytes,
		u8 confirmed:1;
		u8 ended:1;
		u8 has_answered:2;
	);
	char tag[];
};

/* See struct sipalg_call. */
static_assert(offsetof(struct sipalg_dialog, tag) ==
	      sizeof(struct list_head) + sizeof(struct sipalg_dialog_words) +
	      sizeof(struct sipalg_dialog_shorts) +
	      sizeof(struct sipalg_dialog_bytes));

/**
 * struct sipalg_move - the newest target refresh within the dialog (RFC 3261 12.2)
 * @contact: address of its Contact, which its 2xx makes the target
 * @src: where it came from, as that host knows itself
 * @cseq: its CSeq
 * @side: enum sipalg_side of its sender
 */
struct sipalg_move {
	union nf_inet_addr contact;
	union nf_inet_addr src;
	u32 cseq;
	u8 side;
};

/**
 * struct sipalg_transaction - identity of a transaction
 * @cseq: low bits of its CSeq, enough to tell concurrent transactions apart
 * @sender: enum sipalg_side of the request's sender
 * @invite: it is an INVITE, with its ACK; else PRACK or UPDATE
 * @fork: number of the dialog, 0: none yet
 * @waiting: it carries an offer that waits for its answer
 */
struct sipalg_transaction {
	u32 cseq:24,
	    sender:1,
	    invite:1,
	    fork:5,
	    waiting:1;
};

/**
 * struct sipalg_call - one call
 *
 * Its members stand in groups, the most aligned first: what is in @local does not
 * leave this router, or follows from the rest; each other group travels whole in the
 * record that another router is sent (src/sync/call_record.c). A member that is added
 * at the end of @words, @times or @bytes travels, and is 0 from a router that does not
 * know it.
 *
 * @longs: group
 * @local: group; beside what is said below it has what follows from the key of the record
 * @ends: group
 * @hosts: group
 * @words: group
 * @times: group, of stamps that have passed
 * @limits: group, of stamps that are counted from @limits_set
 * @limits_set: group
 * @zones: group
 * @bytes: group
 * @node: in &sipalg_net.calls
 * @key: key of the table
 * @sn: the namespace
 * @refs: of the table, the armed timer, and messages being decided
 * @id: the kernel's number of the call, shown to people
 * @timer: the nearest deadline
 * @dirty: it has changed since its record was sent
 * @version: of the record that it was restored from, see sipalg_sync_version()
 * @lock: guards all that changes
 * @linked: it is in the table
 * @retired: it was not answered and has been reported as ended, see
 *	sipalg_call_retire()
 * @state: enum sipalg_call_state
 * @reason: enum sipalg_end_reason once it ends
 * @event_mask: bits of enum sipalg_event_mask: changes not yet reported
 * @family: AF_INET or AF_INET6
 * @l4proto: of the newest signalling
 * @refresher: enum sip_refresher
 * @hold: by side: it put the call on hold (S3-34)
 * @hold_offered: by side: what @hold becomes when the offer is answered
 * @incomplete: a pinhole could not be opened; the timer retries
 * @retries: number of retries since the newest message
 * @spoke: bits of the sides that sent more than 100 Trying
 * @invited: bits of the sides of which an INVITE is known
 * @lru_class: enum sipalg_lru_class of @lru
 * @half_refreshed: only the request or the response of a refresh was seen
 * @put_off: it has extended the session once
 * @inner: enum sipalg_side of the party on the inside
 * @bye_side: sender of the newest BYE
 * @bye_fork: dialog of the newest BYE
 * @call_id_len: bytes of Call-ID in @text
 * @from_tag_len: bytes of the caller's tag behind it
 * @from_len: bytes of From's user behind that
 * @to_len: bytes of To's user behind that
 * @deadlines: bits of enum sipalg_call_timer
 * @sooner: one of them was set that @timer may be too late for
 * @running: bits of the limits that apply, also of those that are 0 (never)
 * @sdp_transaction: by side: transaction of its newest description
 * @party: by side: source of its signalling, before NAT
 * @public: by side: source of its signalling, after NAT
 * @zone: by side: conntrack zone in which its packets arrive
 * @move: what counts when it is accepted, or NULL: most calls have none
 * @contact: by side: address of its target, a valid source as well
 * @asked: by side: destination of its newest request; responses may come from it
 * @speaker: by side: its address when its newest refresh was accepted, or zero
 * @refused: by side: bits of the m= lines with port 0 in its newest description
 * @invite_cseq: by side: CSeq of its newest INVITE
 * @update_cseq: by side: CSeq of its newest UPDATE
 * @bye_cseq: CSeq of the newest BYE
 * @session_expires: seconds of Session-Expires in the newest refresh, 0: none
 * @session_interval: seconds of the session timer, 0: none (S4-4)
 * @expires: seconds of Expires, 0: none (S0-6)
 * @created: of the first INVITE; see sipalg_since()
 * @answered: of the first 2xx, 0: none yet
 * @active: of the newest message
 * @lru_stamp: when it was last moved in @lru
 * @entries: number of messages ever written to @msg_log
 * @deadline: by enum sipalg_call_timer, where @deadlines has the bit
 * @since: by enum sipalg_call_timer, start of the limit where @running has the bit
 * @branch: hash of the branch of the caller's newest INVITE
 * @new_tag: siphash of the caller's newer tag, 0: unchanged
 * @screen_key: key of its INVITE for screen-invites, 0: not screened
 * @lru: in &sipalg_lru_source.calls of @quota
 * @rcu: frees it after the last reader
 * @idle_lru: in &sipalg_net.idle_lru, or empty
 * @claims: requests from other addresses, and addresses that were accepted, or NULL
 * @targets: targets of its INVITE if there are several, or NULL
 * @quota: of the address that began it
 * @mapping: of the inside party's Contact; before one was seen, of the address
 *	it sends from; or NULL
 * @signalling: the flow of its newest message, kept alive for it, or NULL
 * @master: master of its pinholes, or NULL
 * @sig_pinholes: addresses of its parties for signalling, or NULL
 * @msg_log: its last messages, or NULL
 * @dialogs: struct sipalg_dialog
 * @media: struct sipalg_media
 * @text: Call-ID, the caller's tag, the users of From and To
 */
struct sipalg_call {
	struct_group_tagged(sipalg_call_longs, longs,
		u64 refused[2];
		u64 new_tag;
		u64 screen_key;
	);
	struct_group_tagged(sipalg_call_local, local,
		struct rhash_head node;
		struct sipalg_net *sn;
		struct timer_list timer;
		struct sipalg_call_key key;
		refcount_t refs;
		u32 id;
		struct sipalg_dirty dirty;
		u64 version;

		/* guards all that changes */
		spinlock_t lock;
		bool linked;
		bool incomplete;
		bool sooner;
		u8 event_mask;
		u8 retries;
		u8 lru_class;
		u8 from_len;
		u8 to_len;
		u16 call_id_len;
		u16 from_tag_len;
		u32 lru_stamp;
		u32 entries;
		union {
			struct list_head lru;
			struct rcu_head rcu;
		};
		struct list_head idle_lru;
		struct sipalg_claims *claims;
		struct sipalg_targets *targets;
		struct sipalg_quota *quota;
		struct sipalg_mapping *mapping;
		struct nf_conn *signalling;
		struct nf_conn *master;
		struct sipalg_sig_pinholes *sig_pinholes;
		struct sipalg_msg_log *msg_log;
		struct list_head dialogs;
		struct list_head media;
		struct sipalg_move *move;
	);
	struct_group_tagged(sipalg_call_ends, ends,
		struct sipalg_addr party[2];
		struct sipalg_addr public[2];
	);
	struct_group_tagged(sipalg_call_hosts, hosts,
		union nf_inet_addr contact[2];
		union nf_inet_addr asked[2];
		union nf_inet_addr speaker[2];
	);
	struct_group_tagged(sipalg_call_words, words,
		struct sipalg_transaction sdp_transaction[2];
		u32 invite_cseq[2];
		u32 update_cseq[2];
		u32 bye_cseq;
		u32 session_expires;
		u32 session_interval;
		u32 expires;
		u32 branch;
	);
	struct_group_tagged(sipalg_call_times, times,
		u32 created;
		u32 active;
		u32 answered;
	);
	struct_group_tagged(sipalg_call_limits, limits,
		u32 deadline[SIPALG_TIMER_MAX];
		u32 since[SIPALG_TIMER_MAX];
	);
	struct_group_tagged(sipalg_call_limits_set, limits_set,
		u16 deadlines;
		u16 running;
	);
	struct_group_tagged(sipalg_call_zones, zones,
		u16 zone[2];
	);
	struct_group_tagged(sipalg_call_bytes, bytes,
		u8 state;
		u8 reason;
		u8 family;
		u8 l4proto;
		u8 refresher;
		u8 hold[2];
		u8 hold_offered[2];
		u8 spoke;
		u8 invited;
		u8 half_refreshed;
		u8 put_off;
		u8 retired;
		u8 inner;
		u8 bye_side;
		u8 bye_fork;
	);
	char text[];
};

#define SIPALG_CALL_GROUP(group)	sizeof(struct sipalg_call_##group)

/* What is in no group is in a gap, or makes one: it does not compile. */
static_assert(offsetof(struct sipalg_call, text) ==
	      SIPALG_CALL_GROUP(longs) + SIPALG_CALL_GROUP(local) +
	      SIPALG_CALL_GROUP(ends) + SIPALG_CALL_GROUP(hosts) +
	      SIPALG_CALL_GROUP(words) + SIPALG_CALL_GROUP(times) +
	      SIPALG_CALL_GROUP(limits) + SIPALG_CALL_GROUP(limits_set) +
	      SIPALG_CALL_GROUP(zones) + SIPALG_CALL_GROUP(bytes));

/**
 * sipalg_since() - time since a stamp
 * @stamp: low 32 bits of jiffies then; no call lives until they wrap
 *
 * Return: jiffies.
 */
static inline u32 sipalg_since(u32 stamp)
{
	return (u32)jiffies - stamp;
}

/**
 * sipalg_call_left() - time until a deadline
 * @call: locked
 * @which: enum sipalg_call_timer, one that is set
 *
 * Return: jiffies, negative if it has passed.
 */
static inline long sipalg_call_left(const struct sipalg_call *call,
				    enum sipalg_call_timer which)
{
	return (s32)(call->deadline[which] - (u32)jiffies);
}

/* A call of which only one side was heard may not exist. */
static inline bool sipalg_call_both_spoke(const struct sipalg_call *call)
{
	return call->spoke == (BIT(SIPALG_CALLER) | BIT(SIPALG_CALLEE));
}

/* The same once it has taken in what @side says now. */
static inline bool sipalg_call_both_speak(const struct sipalg_call *call, u8 side)
{
	return (call->spoke | BIT(side)) == (BIT(SIPALG_CALLER) | BIT(SIPALG_CALLEE));
}

static inline const char *sipalg_call_id(const struct sipalg_call *call)
{
	return call->text;
}

static inline const char *sipalg_call_from_tag(const struct sipalg_call *call)
{
	return call->text + call->call_id_len;
}

static inline const char *sipalg_call_from(const struct sipalg_call *call)
{
	return sipalg_call_from_tag(call) + call->from_tag_len;
}

static inline const char *sipalg_call_to(const struct sipalg_call *call)
{
	return sipalg_call_from(call) + call->from_len;
}

static inline bool sipalg_call_on_hold(const struct sipalg_call *call)
{
	return call->hold[0] || call->hold[1];
}

/**
 * sipalg_call_timer_set() - set a deadline
 * @call: locked
 * @which: enum sipalg_call_timer
 * @time: jiffies from now
 */
static inline void
sipalg_call_timer_set(struct sipalg_call *call, enum sipalg_call_timer which, unsigned long time)
{
	unsigned long deadline = jiffies + time;

	call->deadline[which] = deadline;
	call->deadlines |= 1u << which;
	if (!sipalg_long_timer_covers(&call->timer, deadline))
		call->sooner = true;
}

/**
 * sipalg_call_timer_reduce() - set a deadline, unless it is earlier already
 * @call: locked
 * @which: enum sipalg_call_timer
 * @time: jiffies from now
 */
static inline void
sipalg_call_timer_reduce(struct sipalg_call *call, enum sipalg_call_timer which, unsigned long time)
{
	if (!(call->deadlines & 1u << which) ||
	    (long)time < sipalg_call_left(call, which))
		sipalg_call_timer_set(call, which, time);
}

/**
 * sipalg_call_timer_clear() - remove a deadline
 * @call: locked
 * @which: enum sipalg_call_timer
 */
static inline void
sipalg_call_timer_clear(struct sipalg_call *call, enum sipalg_call_timer which)
{
	call->deadlines &= ~(1u << which);
}

#endif
