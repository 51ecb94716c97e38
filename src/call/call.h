/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls: from the first INVITE to the last retransmission of a BYE.
 *
 * A call is what shares a Call-ID and passes this router between the same
 * inside host and the outside. Its dialogs are told apart by the callee's tag
 * (RFC 3261 12, forking S3-56), and each is ended by its own BYE.
 *
 * One timer a call, set to the nearest of its deadlines.
 */
#ifndef SIPALG_CALL_H
#define SIPALG_CALL_H

#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include "call/state.h"
#include "core/flow.h"
#include "core/reason.h"
#include "media/media.h"
#include "sip/msg.h"

struct sipalg_mapping;
struct sipalg_msg_log;
struct sipalg_quota;
struct sipalg_targets;
struct sipalg_sig_pinholes;

#define SIPALG_MAX_CALL_ID	512	/* longer ones are not followed */
#define SIPALG_MAX_TAG		256
#define SIPALG_MAX_DIALOGS	16	/* forks of one call */

/**
 * struct sipalg_call_key - what makes a call the same call
 * @hash: of the Call-ID
 * @inside: &sipalg_flow.inside
 * @back: it comes back to the host inside that has sent it out: a telephone
 *	with two lines, one of which calls the other
 */
struct sipalg_call_key {
	u32 hash;
	union nf_inet_addr inside;
	bool back;
};

/**
 * struct sipalg_dialog - one fork of a call
 * @list: in &sipalg_call.dialogs
 * @fork: its number, from 1
 * @confirmed: a 2xx to INVITE has come
 * @ended: its BYE has been answered, or the callee has failed it
 * @answered: CSeq of the last 2xx to INVITE, by who gave it
 * @tag_len: bytes in @tag
 * @tag: the callee's tag
 */
struct sipalg_dialog {
	struct list_head list;
	u16 fork;
	bool confirmed;
	bool ended;
	u32 answered[2];
	u16 tag_len;
	char tag[];
};

/**
 * struct sipalg_transaction - a request and its responses, or what of it is kept
 * @cseq: the low bits of its CSeq, which are enough for what is under way at once
 * @sender: enum sipalg_side of who sent the request
 * @invite: it is an INVITE, with its ACK; else PRACK or UPDATE
 * @fork: number of the dialog, 0: none yet
 * @waiting: a description in it waits for its answer
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
 * @node: in &sipalg_net.calls
 * @key: what it is found by
 * @sn: the namespace
 * @refs: the table's, the timer's while armed, a message's while it is decided
 * @id: the kernel's number of the call, shown to people
 * @timer: the nearest deadline
 * @lock: guards all below
 * @linked: stands in the table
 * @state: enum sipalg_call_state
 * @reason: enum sipalg_end_reason once it ends
 * @event_mask: bits of enum sipalg_event_mask: what its listeners are to be told of
 * @family: AF_INET or AF_INET6
 * @l4proto: of the newest signalling
 * @refresher: enum sip_refresher
 * @hold: by side: it has put the call on hold (S3-34)
 * @hold_offered: by side: what @hold becomes when the offer is answered
 * @incomplete: a pinhole could not be opened; the timer tries again
 * @retries: how often it has done so since the newest message
 * @spoke: bits of the sides that have said more than 100 Trying
 * @lru_answered: in which of the two lists @lru is
 * @bye_side: who sent the newest BYE
 * @bye_fork: for which dialog
 * @forks: dialogs numbered so far
 * @call_id_len: bytes of Call-ID in @text
 * @from_tag_len: bytes of the caller's tag behind it
 * @deadlines: bits of enum sipalg_call_timer
 * @sdp_transaction: by side: what its newest description belongs to
 * @party: by side: where its signalling comes from, as the side knows itself
 * @public: by side: the same as the other side sees it
 * @contact: by side: address of its newest Contact: it may speak from there
 * @asked: by side: where its newest request went: that one may answer from there
 * @invite_cseq: by side: CSeq of its newest INVITE
 * @bye_cseq: CSeq of the newest BYE
 * @session_interval: seconds of the session timer, 0: none (S4-4)
 * @expires: seconds of Expires, 0: none (S0-6)
 * @created: of the first INVITE; see sipalg_since()
 * @answered: of the first 2xx, 0: none yet
 * @active: of the newest message
 * @lru_stamp: when it was last moved in @lru
 * @entries: messages that @msg_log has had
 * @deadline: by enum sipalg_call_timer, where @deadlines has the bit
 * @branch: hash of the branch of the caller's newest INVITE
 * @new_tag: siphash of the caller's tag, 0: it is the one it began with
 * @screen_key: what its INVITE is the same as, 0: not screened
 * @lru: in &sipalg_net.lru
 * @rcu: frees it after the last reader, when it is in no list any more
 * @idle_lru: in &sipalg_net.idle_lru, or empty
 * @targets: all that it was sent to, if there is more than one, or NULL
 * @quota: entry of the address that began it
 * @mapping: what the inside party names in Contact, used while the call lives;
 *	until it has: what it sends from; or NULL
 * @signalling: the flow of its newest message, kept alive for it, or NULL
 * @master: carries the pinholes, or NULL
 * @sig_pinholes: what its parties can be reached by, or NULL
 * @msg_log: its last messages, or NULL
 * @dialogs: struct sipalg_dialog
 * @media: struct sipalg_media
 * @text: Call-ID and the caller's tag
 */
struct sipalg_call {
	struct rhash_head node;
	struct sipalg_call_key key;
	struct sipalg_net *sn;
	refcount_t refs;
	u32 id;
	struct timer_list timer;

	/* guards all below */
	spinlock_t lock;
	bool linked;
	u8 state;
	u8 reason;
	u8 event_mask;
	u8 family;
	u8 l4proto;
	u8 refresher;
	bool hold[2];
	bool hold_offered[2];
	bool incomplete;
	u8 spoke;
	bool lru_answered;
	u8 bye_side;
	u8 retries;
	u8 bye_fork;
	u8 forks;
	u16 call_id_len;
	u16 from_tag_len;
	u16 deadlines;
	struct sipalg_transaction sdp_transaction[2];
	struct sipalg_addr party[2];
	struct sipalg_addr public[2];
	union nf_inet_addr contact[2];
	union nf_inet_addr asked[2];
	u32 invite_cseq[2];
	u32 bye_cseq;
	u32 session_interval;
	u32 expires;
	u32 created;
	u32 answered;
	u32 active;
	u32 lru_stamp;
	u32 entries;
	u32 deadline[SIPALG_TIMER_MAX];
	u32 branch;
	u64 new_tag;
	u64 screen_key;
	union {
		struct list_head lru;
		struct rcu_head rcu;
	};
	struct list_head idle_lru;
	struct sipalg_targets *targets;
	struct sipalg_quota *quota;
	struct sipalg_mapping *mapping;
	struct nf_conn *signalling;
	struct nf_conn *master;
	struct sipalg_sig_pinholes *sig_pinholes;
	struct sipalg_msg_log *msg_log;
	struct list_head dialogs;
	struct list_head media;
	char text[];
};

/**
 * sipalg_since() - how long ago something was
 * @stamp: the low 32 bits of jiffies then; no call lives until they come again
 *
 * Return: jiffies.
 */
static inline u32 sipalg_since(u32 stamp)
{
	return (u32)jiffies - stamp;
}

/**
 * sipalg_call_left() - how far away a deadline is
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

/* What only one side has said may be a call that there never was. */
static inline bool sipalg_call_both_spoke(const struct sipalg_call *call)
{
	return call->spoke == (BIT(SIPALG_CALLER) | BIT(SIPALG_CALLEE));
}

static inline const char *sipalg_call_id(const struct sipalg_call *call)
{
	return call->text;
}

static inline const char *sipalg_call_from_tag(const struct sipalg_call *call)
{
	return call->text + call->call_id_len;
}

/**
 * sipalg_calls_init() - set up the table of a namespace
 * @sn: the namespace
 *
 * Process context.
 *
 * Return: 0 or a negative errno.
 */
int sipalg_calls_init(struct sipalg_net *sn);

/**
 * sipalg_calls_exit() - drop all calls and the table
 * @sn: the namespace; &sipalg_net.dying is set and its packets have drained
 *
 * Process context, sleeps. Media conntracks stay: they are the users'.
 */
void sipalg_calls_exit(struct sipalg_net *sn);

/**
 * sipalg_call_find() - the call of a message
 * @flow: its flow
 * @msg: the message
 * @back: see &sipalg_call_key
 *
 * Caller holds rcu_read_lock.
 *
 * Return: the call with a reference, not locked; NULL: none.
 */
struct sipalg_call *sipalg_call_find(const struct sipalg_flow *flow,
				     const struct sip_msg *msg, bool back);

/**
 * sipalg_call_create() - a new call
 * @flow: flow of its first message
 * @msg: the message: an INVITE, or what a call is picked up by (H-23)
 * @back: see &sipalg_call_key
 * @reason: out: enum sipalg_message_reason where there is none
 *
 * The sender of a request, the receiver of a response becomes the caller.
 * Softirq.
 *
 * Return: the call with a reference, not locked, or NULL.
 */
struct sipalg_call *sipalg_call_create(const struct sipalg_flow *flow,
				       const struct sip_msg *msg, bool back,
				       u8 *reason);

/**
 * sipalg_call_put() - drop a reference
 * @call: not locked
 */
void sipalg_call_put(struct sipalg_call *call);

/**
 * sipalg_call_dialog() - the dialog of a message by the callee's tag
 * @call: locked
 * @msg: the message
 * @callee_tag: the tag's span; empty: none
 * @create: make it if it is new
 *
 * A callee that gives no tag has one dialog, which its 2xx begins (RFC 3261
 * 12.1.2). Only @msg that is one makes that. Where there are too many, one that
 * has only rung makes room for a 2xx.
 *
 * Return: the dialog, or NULL: unknown, or too many of them.
 */
struct sipalg_dialog *sipalg_call_dialog(struct sipalg_call *call,
					 const struct sip_msg *msg,
					 struct sip_span callee_tag,
					 bool create);

/**
 * sipalg_call_timer_set() - set one of its deadlines
 * @call: locked
 * @which: enum sipalg_call_timer
 * @time: jiffies from now
 */
void sipalg_call_timer_set(struct sipalg_call *call,
			   enum sipalg_call_timer which, unsigned long time);

/**
 * sipalg_call_timer_reduce() - set one of its deadlines, unless it comes earlier anyway
 * @call: locked
 * @which: enum sipalg_call_timer
 * @time: jiffies from now
 */
void sipalg_call_timer_reduce(struct sipalg_call *call,
			      enum sipalg_call_timer which, unsigned long time);

/**
 * sipalg_call_timer_clear() - take one away
 * @call: locked
 * @which: enum sipalg_call_timer
 */
void sipalg_call_timer_clear(struct sipalg_call *call,
			     enum sipalg_call_timer which);

/**
 * sipalg_call_schedule() - set the timer to the nearest deadline
 * @call: locked
 */
void sipalg_call_schedule(struct sipalg_call *call);

/**
 * sipalg_call_end() - forget a call at once
 * @call: locked; the caller has a reference
 * @reason: enum sipalg_end_reason
 *
 * Pinholes and media are closed, the table's reference is dropped.
 */
void sipalg_call_end(struct sipalg_call *call, enum sipalg_end_reason reason);

#endif
