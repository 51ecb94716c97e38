/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The payload that a segment leaves with: put together from its own bytes and
 * from rewritten messages, all of them next to each other as the receiver
 * counts. What one packet cannot carry goes in others before it.
 */
#ifndef SIPALG_TCP_EMIT_H
#define SIPALG_TCP_EMIT_H

#include <linux/skbuff.h>
#include "packet/mangle.h"

/**
 * struct sipalg_tcp_out - what has been put together so far
 * @one: where the bytes are as long as they are in one place, or NULL: they
 *	are in the CPU's scratch space
 * @len: how many
 * @seen: sequence number of the first, as the receiver counts
 * @cut: the rest has found no room, and must come again
 * @before: packets that go before the segment's own
 */
struct sipalg_tcp_out {
	const char *one;
	u32 len;
	u32 seen;
	bool cut;
	struct sk_buff_head before;
};

static inline void sipalg_tcp_out_init(struct sipalg_tcp_out *out)
{
	out->one = NULL;
	out->len = 0;
	out->seen = 0;
	out->cut = false;
	__skb_queue_head_init(&out->before);
}

/**
 * sipalg_tcp_put() - more bytes
 * @out: what they are put behind
 * @packet: the segment
 * @seen: sequence number of the first, as the receiver counts
 * @bytes: they stay where they are until sipalg_tcp_emit()
 * @len: how many
 */
void sipalg_tcp_put(struct sipalg_tcp_out *out, struct sipalg_packet *packet,
		    u32 seen, const char *bytes, u32 len);

/**
 * sipalg_tcp_emit() - give the segment its payload
 * @out: what it is to carry
 * @packet: the segment
 *
 * Return: false: no memory; it must not go.
 */
bool sipalg_tcp_emit(struct sipalg_tcp_out *out, struct sipalg_packet *packet);

/* Sends what goes before the segment, no lock held. */
void sipalg_tcp_send_before(struct sipalg_tcp_out *out, struct net *net);

#endif
