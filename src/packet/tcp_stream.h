/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SIP over TCP: messages found in segments, however they are cut (H-3).
 *
 * Boundaries are counted from the SYN on (H-25). The beginning of a message
 * that would have to be rewritten is held back until its last segment comes,
 * which then carries it whole. If the sender begins to repeat itself instead,
 * waiting for an acknowledgment that held segments never get, the message is
 * given up and passes as it is: late, but never half translated.
 */
#ifndef SIPALG_TCP_STREAM_H
#define SIPALG_TCP_STREAM_H

#include "core/flow.h"
#include "packet/mangle.h"

/* Not a verdict of netfilter: the segment is kept, its packet shall go. */
#define SIPALG_HELD	(-1)

/**
 * sipalg_tcp_may_rewrite() - only what may have to be rewritten is held back
 * @flow: a flow
 *
 * Return: true if bytes of it may be changed.
 */
bool sipalg_tcp_may_rewrite(const struct sipalg_flow *flow);

/**
 * sipalg_tcp_segment() - take in one segment
 * @packet: linear, with its TCP header complete and &sipalg_packet.payload set
 * @flow: its flow
 *
 * RCU read side, BH off.
 *
 * Return: NF_ACCEPT, NF_DROP or SIPALG_HELD.
 */
int sipalg_tcp_segment(struct sipalg_packet *packet,
		       const struct sipalg_flow *flow);

#endif
