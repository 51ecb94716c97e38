/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests within a dialog that come from an address which is not its party's.
 *
 * A provider answers and asks from several hosts. Whoever knows Call-ID and
 * tags may be one of them, or somebody who has listened: that is known when
 * the party that is asked accepts it. Until then the request is kept as it
 * came, and means nothing (S3-54). A host of signalling-peers may be answered at
 * another one, and 481 to its BYE accepts that as well.
 */
#ifndef SIPALG_CALL_CLAIM_H
#define SIPALG_CALL_CLAIM_H

#include "core/flow.h"
#include "sip/edit.h"
#include "sip/msg.h"

struct sipalg_call;

#define SIPALG_MAX_CLAIMS	4	/* of a call at once */
#define SIPALG_MAX_PROVEN	4	/* addresses of a party beside its own */

/**
 * struct sipalg_replay - a kept request, to be read again
 * @msg: its index
 * @src: where it came from
 * @plan: takes what would be edited: nothing is, the message has left long ago
 * @data: its bytes
 */
struct sipalg_replay {
	struct sip_msg msg;
	union nf_inet_addr src;
	struct sipalg_plan plan;
	char data[];
};

/**
 * sipalg_claim_note() - remember a request
 * @call: locked
 * @flow: its flow
 * @msg: INVITE, UPDATE, PRACK or BYE; others have nothing that could take effect later
 *
 * The newest of a method from an address counts. When there are too many of
 * them the oldest one goes.
 */
void sipalg_claim_note(struct sipalg_call *call, const struct sipalg_flow *flow,
		       const struct sip_msg *msg);

/**
 * sipalg_claim_is_answered() - is this the final answer to a request that is kept?
 * @call: locked
 * @flow: flow of the message
 * @msg: a message
 *
 * By its transaction (RFC 3261 17.1.3), and told to who has asked; one of
 * signalling-peers may be answered at another host.
 */
bool sipalg_claim_is_answered(const struct sipalg_call *call,
			      const struct sipalg_flow *flow,
			      const struct sip_msg *msg);

/**
 * sipalg_claim_take() - which request is this the answer to?
 * @call: locked
 * @flow: flow of the answer
 * @msg: the answer; a provisional one leaves the request waiting
 *
 * Return: the request, for sipalg_claim_replay_free(); it is not remembered any
 * more. NULL: none, none yet, or no memory to read it again.
 */
struct sipalg_replay *sipalg_claim_take(struct sipalg_call *call,
					const struct sipalg_flow *flow,
					const struct sip_msg *msg);

/* Gives it back, or NULL. */
void sipalg_claim_replay_free(struct sipalg_replay *replay);

/**
 * sipalg_claim_prove() - a party has asked from an address, and was accepted
 * @call: locked
 * @side: enum sipalg_side of that party
 * @ip: the address
 */
void sipalg_claim_prove(struct sipalg_call *call, unsigned int side,
			const union nf_inet_addr *ip);

/**
 * sipalg_claim_is_proven() - has it?
 * @call: locked
 * @side: enum sipalg_side of the party
 * @ip: the address
 *
 * Return: true if so, and not too long ago.
 */
bool sipalg_claim_is_proven(const struct sipalg_call *call, unsigned int side,
			    const union nf_inet_addr *ip);

/**
 * sipalg_claims_free() - forget all
 * @call: locked, or nobody else has it any more
 */
void sipalg_claims_free(struct sipalg_call *call);

#endif
