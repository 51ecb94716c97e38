// SPDX-License-Identifier: GPL-2.0-only
/*
 * Order of a direction's sequence numbers, all as the sender counts:
 *
 *	old data | next: a message boundary | held.start .. held end | early
 *
 * Held bytes always begin at the boundary. Old data was rewritten and kept, or
 * passed unchanged.
 */
#include <linux/netfilter.h>
#include <linux/tcp.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_seqadj.h>
#include <net/tcp.h>
#include "core/ct_data.h"
#include "core/net.h"
#include "packet/pipeline.h"
#include "packet/tcp_queue.h"
#include "packet/tcp_stream.h"
#include "sip/frame.h"

#define MOST_REPEATS	3	/* of held bytes, then it passes unchanged */
#define MOST_EARLY	255	/* then the stream is not followed */

/**
 * struct segment - one segment being processed
 * @packet: its packet
 * @flow: its flow
 * @stream: its direction of the connection
 * @tcp: queues of the connection, locked, or NULL
 * @dir: enum ip_conntrack_dir
 * @seq: sequence number of its payload's first byte
 * @len: bytes of payload, as the sender sent them
 * @offset: bytes processed so far
 * @fin: nothing comes behind it
 */
struct segment {
	struct sipalg_packet *packet;
	const struct sipalg_flow *flow;
	struct sipalg_stream *stream;
	struct sipalg_tcp *tcp;
	u8 dir;
	bool fin;
	u32 seq;
	u32 len;
	u32 offset;
};

static const struct tcphdr *header(const struct sipalg_packet *packet)
{
	return (const struct tcphdr *)(packet->skb->data + packet->protoff);
}

/* Start of the remaining payload: earlier messages may have moved it. */
static unsigned int place(const struct segment *s)
{
	return s->offset + s->packet->delta;
}

static const char *bytes(const struct segment *s)
{
	return sipalg_packet_payload(s->packet) + place(s);
}

static struct sipalg_tcp_reasm *held(const struct segment *s)
{
	if (!s->tcp || !s->tcp->held[s->dir].bytes)
		return NULL;
	return &s->tcp->held[s->dir];
}

bool sipalg_tcp_may_rewrite(const struct sipalg_flow *flow)
{
	return sipalg_setting(flow->sn, SIPALG_MODE) == SIPALG_MODE_FULL &&
	       (sipalg_flow_from_inside(flow) || sipalg_flow_to_inside(flow));
}

static int foreign(struct segment *s)
{
	sipalg_count(s->flow->sn, tcp_foreign);
	net_dbg_ratelimited("TCP connection: one direction is no longer followed\n");
	s->stream->state = SIPALG_STREAM_FOREIGN;
	if (held(s))
		sipalg_tcp_let_go(s->tcp, s->dir);
	return NF_ACCEPT;
}

static bool owe(struct segment *s)
{
	if (!s->tcp)
		s->tcp = sipalg_tcp_make(s->flow->sn, s->packet->ct);
	return s->tcp;
}

/* The held bytes will be retransmitted, since they are not acknowledged; then they pass. */
static int no_room(struct segment *s)
{
	sipalg_message_unchanged(s->flow, SIPALG_REASON_NO_MEMORY);
	return foreign(s);
}

/* The beginning of a message, @missing bytes short at least. */
static int hold(struct segment *s, u32 missing)
{
	unsigned int kept = place(s);
	u32 rest = s->len - s->offset;
	struct sipalg_tcp_reasm *h;

	if (s->fin)
		return foreign(s);
	if (!owe(s) ||
	    !sipalg_tcp_hold(s->tcp, s->dir, s->seq + s->offset, bytes(s), rest))
		return no_room(s);

	sipalg_count(s->flow->sn, tcp_split);
	h = held(s);
	h->need = rest + missing;
	h->passing = !sipalg_tcp_may_rewrite(s->flow);
	s->stream->next = s->seq + s->offset;
	if (h->passing)
		return NF_ACCEPT;
	if (!kept)
		return SIPALG_HELD;
	/* the messages before it go on, the beginning stays */
	if (!sipalg_packet_cut(s->packet, kept))
		return sipalg_message_drop(s->flow, SIPALG_REASON_NO_MEMORY);
	return NF_ACCEPT;
}

/* The receiver must get a rewritten message as a whole (H-3). */
static bool note(struct segment *s, unsigned int at, u32 seen, u32 old_len,
		 u32 len)
{
	const struct sipalg_tcp_rtx sent = {
		.start = s->seq + s->offset,
		.old_len = old_len,
		.seen = seen,
		.len = len,
	};

	return owe(s) &&
	       sipalg_tcp_note(s->tcp, s->dir, &sent,
			       sipalg_packet_payload(s->packet) + at);
}

static int one_message(struct segment *s, u32 len)
{
	struct sipalg_packet *packet = s->packet;
	unsigned int at = place(s);
	u32 seen = s->seq + at + sipalg_packet_shift(packet);
	int delta = packet->delta, edits = packet->edits;
	int verdict;

	sipalg_count(s->flow->sn, tcp_messages);
	verdict = sipalg_message(packet, s->flow, bytes(s), at, len);
	if (verdict != NF_ACCEPT && !sipalg_packet_blank(packet, at, len))
		return verdict;
	if (packet->edits != edits &&
	    !note(s, at, seen, len, len + packet->delta - delta))
		return sipalg_message_drop(s->flow, SIPALG_REASON_NO_MEMORY);
	s->offset += len;
	return NF_ACCEPT;
}

/*
 * A message whose body is not changed need not wait for it: a sender could not
 * send tens of kilobytes without an acknowledgment anyway.
 */
static int without_body(struct segment *s, u32 missing)
{
	int verdict = one_message(s, s->len - s->offset);

	if (verdict == NF_ACCEPT)
		s->stream->next = s->seq + s->offset + missing;
	return verdict;
}

/* Too long to be followed, but it is known where it ends; or it is not. */
static int too_long(struct segment *s, u32 total)
{
	/* sequence numbers cannot tell what is half their range away */
	if (!total || total > S32_MAX)
		return foreign(s);
	s->stream->next = s->seq + s->offset + total;
	if (held(s))
		sipalg_tcp_let_go(s->tcp, s->dir);
	return sipalg_message_unchanged(s->flow, SIPALG_REASON_TOO_LONG);
}

/* From a message boundary at @s->offset on. */
static int messages(struct segment *s)
{
	u32 max_len = sipalg_setting(s->flow->sn, SIPALG_MAX_MESSAGE);
	int verdict;
	u32 n;

	s->stream->early = 0;
	while (s->offset < s->len) {
		switch (sip_frame_stream(bytes(s), s->len - s->offset, max_len,
					 &n)) {
		case SIP_FRAME_MESSAGE:
			verdict = one_message(s, n);
			if (verdict != NF_ACCEPT)
				return verdict;
			break;
		case SIP_FRAME_KEEPALIVE:
			sipalg_count(s->flow->sn, tcp_keepalives);
			s->offset += n;
			break;
		case SIP_FRAME_MORE:
			if (sip_frame_opaque(bytes(s), s->len - s->offset))
				return without_body(s, n);
			return hold(s, n);
		case SIP_FRAME_TOO_LONG:
			return too_long(s, n);
		default:
			return foreign(s);
		}
	}
	s->stream->next = s->seq + s->offset;
	return NF_ACCEPT;
}

/* A message that is not rewritten passed in pieces: follow its call. */
static int passed(struct segment *s, struct sipalg_tcp_reasm *h, u32 len)
{
	u32 end = h->start + len;

	if (!sipalg_tcp_may_rewrite(s->flow)) {
		sipalg_count(s->flow->sn, tcp_messages);
		s->packet->passed = true;
		sipalg_message(s->packet, s->flow, h->bytes, 0, len);
		s->packet->passed = false;
	}
	sipalg_tcp_let_go(s->tcp, s->dir);
	s->stream->next = end;
	/* its bytes have passed already: too late to drop it */
	if (!after(s->seq + s->len, end))
		return NF_ACCEPT;
	s->offset = end - s->seq;
	return messages(s);
}

/* The last piece arrived: this segment carries the whole message. */
static int completed(struct segment *s, struct sipalg_tcp_reasm *h)
{
	if (!sipalg_packet_replace_payload(s->packet, h->bytes, h->len,
					   h->start, h->piece))
		return sipalg_message_drop(s->flow, SIPALG_REASON_NO_MEMORY);
	s->seq = h->start;
	s->len = h->len;
	s->offset = 0;
	sipalg_tcp_let_go(s->tcp, s->dir);
	return messages(s);
}

static int still_incomplete(const struct sipalg_tcp_reasm *h)
{
	return h->passing ? NF_ACCEPT : SIPALG_HELD;
}

/* The next piece of what is held; @skip bytes of it are known already. */
static int next_piece(struct segment *s, u32 skip)
{
	u32 max_len = sipalg_setting(s->flow->sn, SIPALG_MAX_MESSAGE);
	struct sipalg_tcp_reasm *h = held(s);
	u32 n;

	if (!sipalg_tcp_hold(s->tcp, s->dir, s->seq + skip,
			     sipalg_packet_payload(s->packet) + skip,
			     s->len - skip))
		return no_room(s);
	s->stream->early = 0;
	if (s->fin && !h->passing)
		return foreign(s);
	/* framing again only when it can come to something: linear work */
	if (h->len <= max_len && (h->len < h->need || !h->headers_end))
		return still_incomplete(h);

	switch (sip_frame_stream(h->bytes, h->len, max_len, &n)) {
	case SIP_FRAME_MESSAGE:
	case SIP_FRAME_KEEPALIVE:
		return h->passing ? passed(s, h, n) : completed(s, h);
	case SIP_FRAME_MORE:
		h->need = h->len + n;
		if (!h->passing && sip_frame_opaque(h->bytes, h->len))
			return completed(s, h);
		return still_incomplete(h);
	case SIP_FRAME_TOO_LONG:
		s->seq = h->start;
		s->offset = 0;
		return too_long(s, n);
	default:
		return foreign(s);
	}
}

/* The sender retransmits held bytes: it may be waiting for their acknowledgment. */
static int repeated(struct segment *s, struct sipalg_tcp_reasm *h)
{
	if (h->passing)
		return NF_ACCEPT;
	if (++h->repeats < MOST_REPEATS)
		return SIPALG_HELD;
	h->passing = true;
	return sipalg_message_unchanged(s->flow, SIPALG_REASON_SPLIT_MESSAGE);
}

/*
 * Sends a rewritten message as a whole at the receiver's position, and all that
 * the sender retransmitted with it.
 */
static int messages_again(struct segment *s, const struct sipalg_tcp_rtx *sent)
{
	u32 end = s->seq + s->len, seen = sent->seen;

	if (!sipalg_packet_replace_payload(s->packet, sent->bytes, sent->len,
					   sent->start, s->len))
		return sipalg_message_drop(s->flow, SIPALG_REASON_NO_MEMORY);
	while (after(end, sent->start + sent->old_len)) {
		const struct sipalg_tcp_rtx *next =
			sipalg_tcp_noted_behind(s->tcp, s->dir, sent);

		if (!next || after(next->start + next->old_len, end) ||
		    !sipalg_packet_append(s->packet, next->bytes, next->len)) {
			sipalg_packet_clear_fin(s->packet);
			break;
		}
		sent = next;
	}
	sipalg_packet_place(s->packet, seen);
	return NF_ACCEPT;
}

/*
 * Retransmission of bytes that passed unchanged, up to @end, and of parts of
 * rewritten messages in it: the receiver has these in another length, so the end
 * must be where it was.
 */
static int bytes_again(struct segment *s, u32 end)
{
	const struct sipalg_tcp_rtx *sent;
	u32 seen, skip;

	if (before(end, s->seq + s->len)) {
		if (!sipalg_packet_cut(s->packet, end - s->seq))
			return sipalg_message_drop(s->flow,
						   SIPALG_REASON_NO_MEMORY);
		sipalg_packet_clear_fin(s->packet);
	} else {
		end = s->seq + s->len;
	}
	sent = sipalg_tcp_noted_from(s->tcp, s->dir, end);
	seen = s->seq + (sent ? sent->seen - sent->start :
				sipalg_packet_shift_before(s->packet, end));
	/* these are of a message that the receiver has */
	skip = min(sipalg_packet_unmappable(s->packet, seen), end - s->seq);
	if (skip && !sipalg_packet_skip(s->packet, skip))
		return sipalg_message_drop(s->flow, SIPALG_REASON_NO_MEMORY);
	sipalg_packet_place(s->packet, seen + skip);
	return NF_ACCEPT;
}

/*
 * Retransmission of old data, as the receiver got it. One message at a time; the
 * sender retransmits the rest when that is acknowledged.
 */
static int old_data(struct segment *s)
{
	u32 next = s->stream->next;
	const struct sipalg_tcp_rtx *sent =
		sipalg_tcp_noted(s->tcp, s->dir, s->seq, s->len);

	if (sent && (!before(s->seq, sent->start) ||
		     sipalg_tcp_has_got(s->tcp, s->dir, sent->seen)))
		return messages_again(s, sent);
	if (sent)
		return bytes_again(s, sent->start);
	if (!after(s->seq + s->len, next) ||
	    sipalg_packet_seqadj_covers(s->packet, s->seq))
		return bytes_again(s, next);

	s->offset = next - s->seq;
	if (held(s))
		sipalg_tcp_let_go(s->tcp, s->dir);
	return messages(s);
}

/* Out of order: the sender will retransmit what is missing. */
static int early(struct segment *s)
{
	if (s->stream->early == MOST_EARLY)
		return foreign(s);
	s->stream->early++;
	return SIPALG_HELD;
}

/* Has the receiver said that it has all bytes before @seq? */
static bool arrived(const struct segment *s, u32 seq)
{
	struct nf_conn *ct = s->packet->ct;
	const struct ip_ct_tcp_state *receiver = &ct->proto.tcp.seen[!s->dir];
	bool arrived;

	spin_lock(&ct->lock);
	arrived = receiver->flags & IP_CT_TCP_FLAG_MAXACK_SET &&
		  !before(receiver->td_maxack, seq);
	spin_unlock(&ct->lock);
	return arrived;
}

/*
 * Bytes before it passed unseen, while the mode was off or without memory, and
 * will not be sent again. Framing will show whether a message begins here.
 */
static int behind_unseen(struct segment *s)
{
	if (held(s))
		sipalg_tcp_let_go(s->tcp, s->dir);
	s->stream->next = s->seq;
	return messages(s);
}

static int data(struct segment *s)
{
	struct sipalg_tcp_reasm *h = held(s);
	u32 expected = h ? h->start + h->len : s->stream->next;

	if (before(s->seq, s->stream->next))
		return old_data(s);
	if (after(s->seq, expected))
		return arrived(s, s->seq) ? behind_unseen(s) : early(s);
	if (!h)
		return messages(s);
	/* a beginning that passed unseen cannot be rewritten */
	if (arrived(s, h->start + 1))
		h->passing = true;
	if (!after(s->seq + s->len, expected))
		return repeated(s, h);
	return next_piece(s, expected - s->seq);
}

/* Anyone can send a SYN into a connection; conntrack passes it without a reset. */
static bool is_beginning(const struct nf_conn *ct)
{
	u8 state = READ_ONCE(ct->proto.tcp.state);

	return state == TCP_CONNTRACK_SYN_SENT ||
	       state == TCP_CONNTRACK_SYN_SENT2 ||
	       state == TCP_CONNTRACK_SYN_RECV;
}

/*
 * The seqadj extension can only be added while the connection is new, and NAT
 * adds it only in some cases.
 */
static void synchronize(struct nf_conn *ct, u32 seq, u32 len, int dir)
{
	struct sipalg_ct_data *flow_data;

	if (!nf_ct_is_confirmed(ct) && !nfct_seqadj(ct))
		nfct_seqadj_ext_add(ct);
	flow_data = sipalg_ct_data(ct);
	if (!flow_data || !is_beginning(ct))
		return;
	flow_data->stream[dir].next = seq + 1;
	flow_data->stream[dir].early = 0;
	/* data in a SYN (RFC 7413) may or may not be taken: no boundary is sure */
	flow_data->stream[dir].state = len ? SIPALG_STREAM_FOREIGN :
				       SIPALG_STREAM_SYNCED;
}

static void acknowledgment(struct segment *s, u32 ack)
{
	u32 means;

	sipalg_tcp_acknowledged(s->tcp, !s->dir, ack);
	if (sipalg_tcp_ack_means(s->tcp, !s->dir, ack, &means))
		sipalg_packet_acknowledge(s->packet, means);
}

int sipalg_tcp_segment(struct sipalg_packet *packet,
		       const struct sipalg_flow *flow)
{
	const struct tcphdr *tcp = header(packet);
	struct sipalg_ct_data *flow_data = sipalg_ct_data(packet->ct);
	struct segment s = {
		.packet = packet,
		.flow = flow,
		.dir = CTINFO2DIR(packet->ctinfo),
		.fin = tcp->fin || tcp->rst,
		.seq = ntohl(tcp->seq),
		.len = packet->skb->len - packet->payload,
	};
	int verdict = NF_ACCEPT;

	if (tcp->syn) {
		synchronize(packet->ct, s.seq, s.len, s.dir);
		return NF_ACCEPT;
	}
	if (!flow_data)
		return NF_ACCEPT;

	s.stream = &flow_data->stream[s.dir];
	s.tcp = sipalg_tcp_lock(packet->ct);
	if (s.tcp && tcp->ack)
		acknowledgment(&s, ntohl(tcp->ack_seq));
	if (s.len && s.stream->state == SIPALG_STREAM_SYNCED)
		verdict = data(&s);
	sipalg_tcp_unlock(s.tcp);
	return verdict;
}
