/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Targets of the caller's newest INVITE.
 *
 * A proxy may send one INVITE to several targets, at once or one after the
 * other, all with its CSeq and each with a branch of its own (RFC 3261 16.6).
 * The INVITE is over when the last of them has refused, or one has accepted
 * (16.7). Most calls have one target, which is stored in the call itself.
 */
#ifndef SIPALG_TARGET_H
#define SIPALG_TARGET_H

#include "core/flow.h"
#include "sip/msg.h"

struct sipalg_call;
struct sipalg_targets;

/**
 * sipalg_target_first() - start with an INVITE of a new CSeq
 * @call: locked
 * @msg: the INVITE, of the caller
 *
 * Forgets the targets of the INVITE before.
 */
void sipalg_target_first(struct sipalg_call *call, const struct sip_msg *msg);

/**
 * sipalg_target_is_another() - does the INVITE go to a new target?
 * @call: locked
 * @msg: the INVITE, with the CSeq of the newest
 *
 * Return: true if so; false: it is a retransmission, or there are too many.
 */
bool sipalg_target_is_another(const struct sipalg_call *call,
			      const struct sip_msg *msg);

/**
 * sipalg_target_add() - add a new target
 * @call: locked; &sipalg_call.asked is the destination of the one before
 * @flow: the INVITE's flow
 * @msg: the INVITE: sipalg_target_is_another()
 *
 * Without memory for it the call has those that it had.
 */
void sipalg_target_add(struct sipalg_call *call, const struct sipalg_flow *flow,
		       const struct sip_msg *msg);

/**
 * sipalg_target_end() - mark a target that refused or was cancelled
 * @call: locked
 * @msg: the answer to the INVITE, or its CANCEL
 *
 * Return: true if another may still accept, or has accepted.
 */
bool sipalg_target_end(struct sipalg_call *call, const struct sip_msg *msg);

/**
 * sipalg_target_accept() - mark the target that accepted
 * @call: locked
 * @msg: the 2xx to the INVITE
 */
void sipalg_target_accept(struct sipalg_call *call, const struct sip_msg *msg);

/**
 * sipalg_target_is_over() - test whether a message belongs to an ended target
 * @call: locked
 * @msg: any message
 *
 * Return: true if so.
 */
bool sipalg_target_is_over(const struct sipalg_call *call,
			   const struct sip_msg *msg);

/**
 * sipalg_target_has() - test whether an address is one of several targets
 * @call: locked
 * @ip: the address
 *
 * Return: true if so.
 */
bool sipalg_target_has(const struct sipalg_call *call,
		       const union nf_inet_addr *ip);

/**
 * sipalg_targets_free() - free the targets of a call
 * @call: locked, or no longer referenced elsewhere
 */
void sipalg_targets_free(struct sipalg_call *call);

#endif
