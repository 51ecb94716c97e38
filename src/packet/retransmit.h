/* SPDX-License-Identifier: GPL-2.0-only */
/* Repeated datagrams outside calls: REGISTER, OPTIONS, and what answers them. */
#ifndef SIPALG_RETRANSMIT_H
#define SIPALG_RETRANSMIT_H

#include "core/flow.h"
#include "sip/msg.h"

/**
 * sipalg_is_retransmission() - is a message the newest of its flow and way again?
 * @flow: its flow
 * @msg: the message
 *
 * By Via branch, CSeq, method and status (RFC 3261 17.1.3, 17.2.3), of which a
 * hash is kept; a stream repeats nothing. Softirq.
 *
 * Return: true if it is.
 */
bool sipalg_is_retransmission(const struct sipalg_flow *flow,
			      const struct sip_msg *msg);

#endif
