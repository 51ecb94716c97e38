/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SIP over TCP: finds messages in segments, however they are cut (H-3).
 *
 * Boundaries are counted from the SYN on (H-25). The beginning of a message
 * that would have to be rewritten is held back until its last segment comes,
 * which then carries it whole (doc/dev/tcp.md).
 */
#ifndef SIPALG_TCP_STREAM_H
#define SIPALG_TCP_STREAM_H

#include "core/flow.h"
#include "packet/mangle.h"

/* Not a netfilter verdict: the bytes are held, the packet is dropped. */
#define SIPALG_HELD	(-1)

/**
 * sipalg_tcp_may_rewrite() - test whether bytes of a flow may be changed or taken out
 * @flow: a flow
 *
 * Return: true if so; only then segments are held.
 */
bool sipalg_tcp_may_rewrite(const struct sipalg_flow *flow);

/**
 * sipalg_tcp_is_shifted() - must its segments be changed whatever the settings
 * @ct: a TCP connection
 *
 * Return: true if its two ends do not count alike, or bytes of it are kept.
 */
bool sipalg_tcp_is_shifted(struct nf_conn *ct);

/* Has it no bytes of the stream, and does it neither begin nor end it? */
bool sipalg_tcp_only_acknowledges(const struct sk_buff *skb,
				  unsigned int protoff);

/**
 * sipalg_tcp_segment() - take in one segment
 * @packet: linear, with its TCP header complete and &sipalg_packet.payload set
 * @flow: its flow; NULL: it only acknowledges, see sipalg_tcp_only_acknowledges()
 *
 * RCU read side, BH off.
 *
 * Return: NF_ACCEPT, NF_DROP or SIPALG_HELD.
 */
int sipalg_tcp_segment(struct sipalg_packet *packet,
		       const struct sipalg_flow *flow);

#endif
