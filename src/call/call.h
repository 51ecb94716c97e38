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
