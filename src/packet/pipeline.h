/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The steps of a message: parse -> decide -> apply.
 */
#ifndef SIPALG_PIPELINE_H
#define SIPALG_PIPELINE_H

#include "core/flow.h"
#include "core/reason.h"
#include "packet/mangle.h"

/**
 * sipalg_message() - process one message
 * @packet: the packet it arrived in
 * @flow: its flow
 * @data: its first byte
 * @offset: where it begins in a datagram's payload, in bytes
 * @len: its length in bytes
 *
 * Pointers into a datagram are stale afterwards; a stream's message is not
 * changed where it is, see &sipalg_packet.rtx. RCU read side, BH off, with the
 * CPU's scratch space.
 *
 * Return: NF_ACCEPT or NF_DROP.
 */
int sipalg_message(struct sipalg_packet *packet, const struct sipalg_flow *flow,
		   const char *data, unsigned int offset, u32 len);

/**
 * sipalg_message_unchanged() - count a message that passes unchanged
 * @flow: its flow
 * @reason: enum sipalg_message_reason; SIPALG_REASON_NONE counts nothing
 *
 * Return: NF_ACCEPT.
 */
int sipalg_message_unchanged(const struct sipalg_flow *flow,
			     enum sipalg_message_reason reason);

/**
 * sipalg_message_drop() - count and log a dropped message
 * @flow: its flow
 * @reason: enum sipalg_message_reason
 *
 * Return: NF_DROP.
 */
int sipalg_message_drop(const struct sipalg_flow *flow,
			enum sipalg_message_reason reason);

#endif
