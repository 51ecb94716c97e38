/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One map of a direction's sequence space: as its sender counts, and as its
 * receiver counts. Sequence numbers, acknowledgments, SACK blocks, the urgent
 * pointer and conntrack's window all come from it.
 */
#ifndef SIPALG_TCP_SEQ_H
#define SIPALG_TCP_SEQ_H

#include <linux/types.h>
#include <net/tcp.h>
#include "core/ct_data.h"
#include "packet/mangle.h"
#include "packet/tcp_queue.h"

/* The shift of a direction of which nothing is kept. */
s32 sipalg_tcp_stored_shift(const struct nf_conn *ct, int dir);

/**
 * sipalg_tcp_window() - tell conntrack by how much acknowledgments are shifted
 * @half: direction of the data
 * @ct: the connection, locked
 * @dir: the same direction
 *
 * It compares them with what it has seen of the sender, so it may be told too
 * large a shift and never too small a one.
 */
void sipalg_tcp_window(struct sipalg_tcp_half *half, struct nf_conn *ct,
		       int dir);

/**
 * sipalg_tcp_first() - the first rewritten message that ends behind a place
 * @half: direction
 * @seq: sequence number as the sender counts
 *
 * Logarithmic. Return: it or NULL.
 */
struct sipalg_tcp_rtx *sipalg_tcp_first(const struct sipalg_tcp_half *half,
					u32 seq);

/* The shift of what is before all rewritten messages of a direction. */
s32 sipalg_tcp_first_shift(const struct sipalg_tcp_half *half);

/**
 * sipalg_tcp_seen() - where a byte arrives
 * @half: direction
 * @seq: sequence number as the sender counts
 *
 * Inside a rewritten message in proportion, so that every part of the old one
 * stands for a part of the new one. Logarithmic.
 *
 * Return: sequence number as the receiver counts.
 */
u32 sipalg_tcp_seen(const struct sipalg_tcp_half *half, u32 seq);

/**
 * sipalg_tcp_is_behind() - does a receiver have more than another router has told
 * @half: direction
 * @stream: the same direction
 *
 * By how much it is shifted behind that place, nobody knows.
 */
static inline bool sipalg_tcp_is_behind(const struct sipalg_tcp_half *half,
					const struct sipalg_stream *stream)
{
	return sipalg_stream_is_restored(stream) &&
	       after(half->seen_una, stream->next + half->shift);
}

/**
 * sipalg_tcp_count_anew() - conntrack has seen acknowledgments as if shifted otherwise
 * @ct: the connection, locked
 * @dir: direction of the data
 *
 * It forgets the highest one, and takes the next as it is then.
 */
void sipalg_tcp_count_anew(struct nf_conn *ct, int dir);

/**
 * sipalg_tcp_half_resume() - where a direction is that was behind is known now
 * @half: direction; nothing is kept of it
 * @seq: its sender repeats all from here on
 * @end: its receiver has all before, as the sender counts
 */
void sipalg_tcp_half_resume(struct sipalg_tcp_half *half, u32 seq, u32 end);

/**
 * sipalg_tcp_half_settle() - messages that have arrived have been rewritten once more
 * @half: direction
 * @end: what is behind them, as the sender counts
 * @seen: and as the receiver counts
 */
void sipalg_tcp_half_settle(struct sipalg_tcp_half *half, u32 end, u32 seen);

/**
 * sipalg_tcp_acknowledged() - a segment with an acknowledgment comes by
 * @packet: the segment; its header is writable
 * @tcp: of its connection, locked; or NULL
 * @half: direction of the data that it acknowledges
 * @stream: where that direction is
 *
 * Frees what has arrived, and gives the segment the acknowledgment, the SACK
 * blocks and conntrack the window that the sender of the data understands. Of a
 * direction that is behind the sender is told no more than what is known.
 */
void sipalg_tcp_acknowledged(struct sipalg_packet *packet,
			     struct sipalg_tcp *tcp,
			     struct sipalg_tcp_half *half,
			     const struct sipalg_stream *stream);

#endif
