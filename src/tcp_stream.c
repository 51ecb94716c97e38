// SPDX-License-Identifier: GPL-2.0-only
/* Follows the message boundaries of both directions of a connection. */
#include <linux/tcp.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_seqadj.h>
#include <net/tcp.h>
#include "flow_data.h"
#include "tcp_stream.h"

/*
 * The place to note changed lengths can only be made while the connection is
 * new, and NAT makes it for itself only in some cases.
 */
static void prepare(struct nf_conn *ct)
{
	if (!nf_ct_is_confirmed(ct) && !nfct_seqadj(ct))
		nfct_seqadj_ext_add(ct);
}

static bool at_boundary(const struct sipalg_stream *stream, u32 seq)
{
	return seq == stream->next || seq == stream->last;
}

bool sipalg_segment_begin(struct sipalg_segment *segment, struct nf_conn *ct,
			  const struct tcphdr *tcp, int dir, u32 len)
{
	struct sipalg_flow_data *data = sipalg_flow_data(ct);
	struct sipalg_stream *stream;
	u32 seq = ntohl(tcp->seq);

	if (!data)
		return false;
	stream = &data->stream[dir];
	if (tcp->syn) {
		prepare(ct);
		data = sipalg_flow_data(ct);	/* extensions may have moved */
		if (!data)
			return false;
		stream = &data->stream[dir];
		stream->next = seq + 1;
		stream->last = seq + 1;
		stream->state = SIPALG_STREAM_SYNCED;
		return false;
	}
	if (!len || stream->state != SIPALG_STREAM_SYNCED)
		return false;

	segment->stream = stream;
	segment->seq = seq;
	segment->len = len;
	segment->offset = 0;
	segment->skip = 0;
	segment->foreign = false;
	if (at_boundary(stream, seq))
		return true;

	/* the rest of a message that passed unchanged, then a boundary */
	if (before(seq, stream->next) && after(seq + len, stream->next) &&
	    after(seq, stream->last)) {
		segment->offset = stream->next - seq;
		return true;
	}
	return false;
}

void sipalg_segment_end(struct sipalg_segment *segment)
{
	struct sipalg_stream *stream = segment->stream;
	u32 next = segment->seq + segment->offset + segment->skip;

	if (segment->foreign) {
		stream->state = SIPALG_STREAM_FOREIGN;
		return;
	}
	stream->last = segment->seq;
	if (after(next, stream->next))
		stream->next = next;
}
