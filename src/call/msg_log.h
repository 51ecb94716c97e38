/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last messages of a call, for people who ask what happened: when, which
 * way, what, and what was done with it. No payload is kept.
 */
#ifndef SIPALG_MSG_LOG_H
#define SIPALG_MSG_LOG_H

#include "core/flow.h"
#include "sip/edit.h"
#include "sip/msg.h"

#define SIPALG_MSG_LOG_ENTRIES	32

/* What &sipalg_msg_log_entry.bits says. */
#define SIPALG_MSG_LOG_CALLER		0x01	/* the caller sent it */
#define SIPALG_MSG_LOG_REQUEST		0x02
#define SIPALG_MSG_LOG_RETRANSMITTED	0x04
#define SIPALG_MSG_LOG_DROPPED		0x08
#define SIPALG_MSG_LOG_TCP			0x10

/**
 * struct sipalg_msg_log_entry - one message
 * @time: milliseconds since the call's first
 * @cseq: its CSeq number
 * @edits: places of it that were changed
 * @status: of a response
 * @method: enum sip_method, of a response that of its CSeq
 * @reason: enum sipalg_message_reason: why dropped or unchanged
 * @bits: SIPALG_MSG_LOG_*
 */
struct sipalg_msg_log_entry {
	u32 time;
	u32 cseq;
	u16 edits;
	u16 status;
	u8 method;
	u8 reason;
	u8 bits;
};

/**
 * struct sipalg_msg_log - the last messages, in a ring
 * @entry: the newest is at &sipalg_call.entries - 1, modulo the size
 */
struct sipalg_msg_log {
	struct sipalg_msg_log_entry entry[SIPALG_MSG_LOG_ENTRIES];
};

/**
 * sipalg_msg_log_note() - remember a message
 * @flow: its flow
 * @msg: the message
 * @plan: its plan, carried out; the call is locked
 * @dropped: it did not go on
 *
 * Without memory the call goes on without a ladder. Softirq.
 */
void sipalg_msg_log_note(const struct sipalg_flow *flow,
			 const struct sip_msg *msg,
			 const struct sipalg_plan *plan, bool dropped);

/**
 * sipalg_msg_log_free() - forget the messages of a call
 * @call: nobody else has it any more
 */
void sipalg_msg_log_free(struct sipalg_call *call);

#endif
