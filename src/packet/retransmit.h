/* SPDX-License-Identifier: GPL-2.0-only */
/* Retransmitted datagrams outside calls: REGISTER, OPTIONS and their responses. */
#ifndef SIPALG_RETRANSMIT_H
#define SIPALG_RETRANSMIT_H

#include "core/flow.h"
#include "sip/msg.h"

/**
 * sipalg_is_retransmission() - test whether a message repeats the newest of its direction
 * @flow: its flow
 * @msg: the message
 *
 * Compares a hash of Via branch, CSeq, method and status (RFC 3261 17.1.3,
 * 17.2.3). Never true over TCP. Softirq.
 *
 * Return: true if it is.
 */
bool sipalg_is_retransmission(const struct sipalg_flow *flow,
			      const struct sip_msg *msg);

#endif
