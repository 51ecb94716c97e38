/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whom the caller's newest INVITE has been sent to.
 *
 * A proxy may send one INVITE to several targets, at once or one after the
 * other, all with its CSeq and each with a branch of its own (RFC 3261 16.6).
 * What becomes of it is known when the last of them has refused, or one has
 * accepted (16.7). Most calls have one target, which is remembered in the call
 * itself.
 */
#ifndef SIPALG_TARGET_H
#define SIPALG_TARGET_H

#include "core/flow.h"
#include "sip/msg.h"

struct sipalg_call;
struct sipalg_targets;

/**
 * sipalg_target_first() - an INVITE with a CSeq not seen before
 * @call: locked
 * @msg: the INVITE, of the caller
 *
 * The targets of the INVITE before are forgotten.
 */
void sipalg_target_first(struct sipalg_call *call, const struct sip_msg *msg);

/**
 * sipalg_target_add() - is the same INVITE sent to another target?
 * @call: locked; &sipalg_call.asked tells where the one before went
 * @flow: the INVITE's flow
 * @msg: the INVITE, with the CSeq of the newest
 *
 * Return: true if so; false: it is repeated, or there are too many of them.
 */
bool sipalg_target_add(struct sipalg_call *call, const struct sipalg_flow *flow,
		       const struct sip_msg *msg);

/**
 * sipalg_target_end() - one of the targets has refused, or is not wanted any more
 * @call: locked
 * @msg: the answer to the INVITE, or its CANCEL
 *
 * Return: true if another may still accept, or has accepted.
 */
bool sipalg_target_end(struct sipalg_call *call, const struct sip_msg *msg);

/**
 * sipalg_target_accept() - one of the targets has accepted
 * @call: locked
 * @msg: the 2xx to the INVITE
 */
void sipalg_target_accept(struct sipalg_call *call, const struct sip_msg *msg);

/**
 * sipalg_target_is_over() - is this message about a target that has ended?
 * @call: locked
 * @msg: any message
 *
 * Return: true if so.
 */
bool sipalg_target_is_over(const struct sipalg_call *call,
			   const struct sip_msg *msg);

/**
 * sipalg_target_has() - is this the address of one of several targets?
 * @call: locked
 * @ip: the address
 *
 * Return: true if so.
 */
bool sipalg_target_has(const struct sipalg_call *call,
		       const union nf_inet_addr *ip);

/**
 * sipalg_targets_free() - forget them
 * @call: locked, or nobody else has it any more
 */
void sipalg_targets_free(struct sipalg_call *call);

#endif
