/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Message boundaries in a TCP connection, counted from its SYN (H-25).
 *
 * A segment is looked at only if it begins at a proven boundary, or is the
 * retransmission of one that did; all others pass as they are.
 */
#ifndef SIPALG_TCP_STREAM_H
#define SIPALG_TCP_STREAM_H

#include <linux/types.h>

struct nf_conn;
struct sipalg_stream;
struct tcphdr;

/**
 * struct sipalg_segment - one segment on its way through the framing
 * @stream: its direction of the connection
 * @seq: sequence number of its first byte, host byte order
 * @len: bytes of payload
 * @offset: where the next message begins in the payload
 * @skip: bytes of a message that the segment does not hold
 * @foreign: it has turned out not to be SIP
 */
struct sipalg_segment {
	struct sipalg_stream *stream;
	u32 seq;
	u32 len;
	u32 offset;
	u32 skip;
	bool foreign;
};

/**
 * sipalg_segment_begin() - may this segment be looked at
 * @segment: filled
 * @ct: its conntrack
 * @tcp: its header
 * @dir: enum ip_conntrack_dir
 * @len: bytes of payload
 *
 * Learns the first boundary from a SYN. RCU read side, BH off.
 *
 * Return: true if @segment's offset is at a message boundary.
 */
bool sipalg_segment_begin(struct sipalg_segment *segment, struct nf_conn *ct,
			  const struct tcphdr *tcp, int dir, u32 len);

static inline u32 sipalg_segment_left(const struct sipalg_segment *segment)
{
	return segment->len - segment->offset;
}

/* A message or keepalive of @len bytes has been dealt with. */
static inline void sipalg_segment_advance(struct sipalg_segment *segment,
					  u32 len)
{
	segment->offset += len;
}

/* The rest is the beginning of a message, @missing bytes more than is here. */
static inline void sipalg_segment_skip(struct sipalg_segment *segment,
				       u32 missing)
{
	segment->offset = segment->len;
	segment->skip = missing;
}

static inline void sipalg_segment_foreign(struct sipalg_segment *segment)
{
	segment->foreign = true;
}

/**
 * sipalg_segment_end() - note where the next message begins
 * @segment: dealt with
 */
void sipalg_segment_end(struct sipalg_segment *segment);

#endif
