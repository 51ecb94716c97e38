/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last messages of a call, for people who ask what happened: when, which
 * way, what, and what was done with it. No payload is kept.
 */
#ifndef SIPALG_LADDER_H
#define SIPALG_LADDER_H

#include "flow.h"
#include "plan.h"
#include "sip_msg.h"

#define SIPALG_LADDER_RUNGS	32

/* What &sipalg_rung.bits says. */
#define SIPALG_RUNG_CALLER		0x01	/* the caller sent it */
#define SIPALG_RUNG_REQUEST		0x02
#define SIPALG_RUNG_RETRANSMITTED	0x04
#define SIPALG_RUNG_DROPPED		0x08
#define SIPALG_RUNG_TCP			0x10

/**
 * struct sipalg_rung - one message
 * @time: milliseconds since the call's first
 * @cseq: its CSeq number
 * @edits: places of it that were changed
 * @status: of a response
 * @method: enum sip_method, of a response that of its CSeq
 * @reason: enum sipalg_message_reason: why dropped or unchanged
 * @bits: SIPALG_RUNG_*
 */
struct sipalg_rung {
	u32 time;
	u32 cseq;
	u16 edits;
	u16 status;
	u8 method;
	u8 reason;
	u8 bits;
};

/**
 * struct sipalg_ladder - the last messages, in a ring
 * @rung: the newest is at &sipalg_call.rungs - 1, modulo the size
 */
struct sipalg_ladder {
	struct sipalg_rung rung[SIPALG_LADDER_RUNGS];
};

/**
 * sipalg_ladder_note() - remember a message
 * @flow: its flow
 * @msg: the message
 * @plan: its plan, carried out; the call is locked
 * @dropped: it did not go on
 *
 * Without memory the call goes on without a ladder. Softirq.
 */
void sipalg_ladder_note(const struct sipalg_flow *flow,
			const struct sip_msg *msg,
			const struct sipalg_plan *plan, bool dropped);

/**
 * sipalg_ladder_free() - forget the messages of a call
 * @call: nobody else has it any more
 */
void sipalg_ladder_free(struct sipalg_call *call);

#endif
