/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of calls: found, created, ended. See core/call.h for what a call is. */
#ifndef SIPALG_CALL_H
#define SIPALG_CALL_H

#include "core/call.h"
#include "core/flow.h"
#include "core/reason.h"
#include "sip/msg.h"

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
 * Process context, sleeps. Media conntracks stay.
 */
void sipalg_calls_exit(struct sipalg_net *sn);

/**
 * sipalg_call_find() - find the call of a message
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
 * sipalg_call_prepare() - a call that a message may begin
 * @flow: flow of its first message
 * @msg: the message: an INVITE, or one by which a call is picked up (H-23)
 * @back: see &sipalg_call_key
 * @reason: out: enum sipalg_message_reason if NULL is returned
 *
 * It is in no table and counts for nobody until sipalg_call_link(). The sender of
 * a request, the receiver of a response becomes the caller. Softirq.
 *
 * Return: the call with a reference, which need not be locked; or NULL.
 */
struct sipalg_call *sipalg_call_prepare(const struct sipalg_flow *flow,
					const struct sip_msg *msg, bool back,
					u8 *reason);

/**
 * sipalg_call_link() - the call begins
 * @call: prepared
 * @flow: flow of its first message
 *
 * May evict another call: the caller holds no call's lock. Softirq.
 *
 * Return: 0: it is locked, and in the table; -EDQUOT: there are too many calls;
 * -EEXIST: the message's twin on another CPU was faster; else there is no memory.
 */
int sipalg_call_link(struct sipalg_call *call, const struct sipalg_flow *flow);

/**
 * struct sipalg_call_name - by what a call is found, and its texts
 * @key: but for its hash
 * @text: Call-ID, the caller's tag, the users of From and To
 * @len: their bytes
 */
struct sipalg_call_name {
	struct sipalg_call_key key;
	const char *text[4];
	u16 len[4];
};

#define SIPALG_CALL_SYNC_KEY	(SIPALG_MAX_CALL_ID + 24)

/**
 * sipalg_call_sync_key() - the key of a call's record
 * @call: any
 * @key: filled
 *
 * Return: bytes of it.
 */
u16 sipalg_call_sync_key(const struct sipalg_call *call,
			 u8 key[SIPALG_CALL_SYNC_KEY]);

/**
 * sipalg_call_named() - find a call by its name
 * @sn: the namespace
 * @name: with the Call-ID for text
 *
 * Caller holds rcu_read_lock.
 *
 * Return: the call with a reference, not locked; NULL: none.
 */
struct sipalg_call *sipalg_call_named(struct sipalg_net *sn,
				      const struct sipalg_call_name *name);

/**
 * sipalg_call_restore() - begin a call that another router has
 * @sn: the namespace
 * @name: its name; there is none
 * @by: address that it is counted for
 * @family: AF_INET or AF_INET6
 *
 * Nobody is told, nobody is evicted, no limit refuses it. Softirq.
 *
 * Return: the call with a reference, locked, with nothing in it; NULL: no memory, or
 * another CPU was faster.
 */
struct sipalg_call *sipalg_call_restore(struct sipalg_net *sn,
					const struct sipalg_call_name *name,
					const union nf_inet_addr *by, u8 family);

/**
 * sipalg_call_drop() - another record, or another router, says what becomes of a call
 * @call: locked; the caller has a reference
 *
 * It leaves the table, its pinholes close; nobody is told, nothing is counted.
 */
void sipalg_call_drop(struct sipalg_call *call);

/**
 * sipalg_calls_each() - do something with each
 * @sn: the namespace
 * @what: gets one that is in the table, locked; BH off, RCU
 *
 * Process context, may sleep.
 */
void sipalg_calls_each(struct sipalg_net *sn,
		       void (*what)(struct sipalg_call *call));

/**
 * sipalg_call_put() - drop a reference
 * @call: not locked
 */
void sipalg_call_put(struct sipalg_call *call);

/**
 * sipalg_call_schedule() - set the timer to the nearest deadline
 * @call: locked
 */
void sipalg_call_schedule(struct sipalg_call *call);

/**
 * sipalg_call_woken() - update what depends on a call's state
 * @call: locked
 *
 * Its listeners are told, its place in the lists and its timer are set. For
 * changes that no message has made.
 */
void sipalg_call_woken(struct sipalg_call *call);

/**
 * sipalg_calls_settings() - apply changed settings to all calls
 * @sn: the namespace
 *
 * Process context, may sleep.
 */
void sipalg_calls_settings(struct sipalg_net *sn);

/**
 * sipalg_call_retire() - report the end of a call that was not answered, but keep it
 * @call: locked
 * @reason: enum sipalg_end_reason
 *
 * People see it no more. Its ports and dialogs wait for who answers late.
 */
void sipalg_call_retire(struct sipalg_call *call, enum sipalg_end_reason reason);

/**
 * sipalg_call_return() - such a fork has answered: it is a new call for people
 * @call: locked
 */
void sipalg_call_return(struct sipalg_call *call);

/**
 * sipalg_call_end() - end a call at once
 * @call: locked; the caller has a reference
 * @reason: enum sipalg_end_reason
 *
 * Closes pinholes and media, and drops the table's reference.
 */
void sipalg_call_end(struct sipalg_call *call, enum sipalg_end_reason reason);

/**
 * sipalg_call_discard() - the message that has begun a call does not leave
 * @call: locked, not known to anybody yet; the caller has a reference
 *
 * As sipalg_call_end(), but it is not counted and nobody is told of it. What it
 * has evicted does not come back.
 */
void sipalg_call_discard(struct sipalg_call *call);

#endif
