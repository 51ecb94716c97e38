/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last messages of a call: time, direction, method or status, and what was
 * done with them. No payload is kept.
 */
#ifndef SIPALG_MSG_LOG_H
#define SIPALG_MSG_LOG_H

#include <linux/build_bug.h>
#include "core/flow.h"
#include "sip/edit.h"
#include "sip/msg.h"

#define SIPALG_MSG_LOG_ENTRIES	32

/* Bits of &sipalg_msg_log_entry.bits. */
#define SIPALG_MSG_LOG_CALLER		0x01	/* the caller sent it */
#define SIPALG_MSG_LOG_REQUEST		0x02
#define SIPALG_MSG_LOG_RETRANSMITTED	0x04
#define SIPALG_MSG_LOG_DROPPED		0x08
#define SIPALG_MSG_LOG_TCP			0x10

/**
 * struct sipalg_msg_log_entry - one message
 * @time: milliseconds since the call's first
 * @cseq: its CSeq number
 * @fields: bits of enum sipalg_message_field: where it was changed
 * @status: of a response
 * @method: enum sip_method, of a response that of its CSeq
 * @reason: enum sipalg_message_reason: why dropped or unchanged
 * @bits: SIPALG_MSG_LOG_*
 * @edits: places of it that were changed, 255: that many or more
 */
struct sipalg_msg_log_entry {
	u32 time;
	u32 cseq;
	u16 fields;
	u16 status;
	u8 method;
	u8 reason;
	u8 bits;
	u8 edits;
};

/* A power of two: what is added takes a hole, or costs each call half a kilobyte. */
static_assert(sizeof(struct sipalg_msg_log_entry) == 16);

/**
 * struct sipalg_msg_log - the last messages, in a ring
 * @entry: the newest is at &sipalg_call.entries - 1, modulo the size
 */
struct sipalg_msg_log {
	struct sipalg_msg_log_entry entry[SIPALG_MSG_LOG_ENTRIES];
};

/**
 * sipalg_msg_log_note() - add a message
 * @flow: its flow
 * @msg: the message
 * @plan: its plan, carried out; the call is locked
 * @dropped: it was dropped
 *
 * Without memory the call has no log. Softirq.
 */
void sipalg_msg_log_note(const struct sipalg_flow *flow,
			 const struct sip_msg *msg,
			 const struct sipalg_plan *plan, bool dropped);

/**
 * sipalg_msg_log_free() - free the log of a call
 * @call: no longer referenced elsewhere
 */
void sipalg_msg_log_free(struct sipalg_call *call);

#endif
