// SPDX-License-Identifier: GPL-2.0-only
/*
 * Order of a direction's sequence numbers, all as the sender counts:
 *
 *	una | old data | next: a message boundary | held | a gap | early
 *
 * Held bytes always begin at the boundary. Old data is rewritten and kept until
 * it is acknowledged, or has passed as it was.
 */
#include <linux/netfilter.h>
#include <linux/tcp.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_seqadj.h>
#include <net/tcp.h>
#include "core/ct_data.h"
#include "core/net.h"
#include "packet/pipeline.h"
#include "packet/scratch.h"
#include "packet/tcp_emit.h"
#include "packet/tcp_position.h"
#include "packet/tcp_queue.h"
#include "packet/tcp_seq.h"
#include "packet/tcp_stream.h"
#include "sip/frame.h"

#define MOST_REPEATS	3	/* of what may not be SIP */

/*
 * What a sender repeats first may be its last segment (RFC 8985 7.3); then, and from
 * then on, it is the first that has not been acknowledged (RFC 6298 5.4).
 */
#define SURE_REPEATS	2

/**
 * struct segment - one segment being processed
 * @packet: its packet
 * @flow: its flow, or NULL where nobody asks for it
 * @stream: its direction of the connection
 * @tcp: what is kept of the connection; NULL: nothing
 * @halves: both directions of that, or of a connection of which nothing is kept
 * @half: its direction of them
 * @dir: enum ip_conntrack_dir
 * @rewrites: bytes of it may be changed
 * @fin: nothing comes behind it
 * @probe: the receiver is to acknowledge what it has
 * @kept: what is being dealt with is not of this packet
 * @seq: sequence number of its payload's first byte
 * @len: bytes of payload, as the sender sent them
 * @arrived: the receiver has all before it, also of what this segment repeats;
 *	of one that has shown where its direction is, else @seq
 * @arrived_at: the same as the receiver counts
 * @scan: how far what is to be framed has been looked through
 * @missing: no message can be whole without so many more bytes
 * @out: what it leaves with
 */
struct segment {
	struct sipalg_packet *packet;
	const struct sipalg_flow *flow;
	struct sipalg_stream *stream;
	struct sipalg_tcp *tcp;
	struct sipalg_tcp_half *halves;
	struct sipalg_tcp_half *half;
	u8 dir;
	bool rewrites;
	bool fin;
	bool probe;
	bool kept;
	u32 seq;
	u32 len;
	u32 arrived;
	u32 arrived_at;
	struct sip_frame_scan scan;
	u32 missing;
	struct sipalg_tcp_out out;
};

/* Somebody wants messages taken out, whether or not any is translated. */
static bool may_drop(const struct sipalg_net *sn)
{
	return sipalg_setting(sn, SIPALG_MODE) >= SIPALG_MODE_PINHOLES &&
	       (sipalg_setting(sn, SIPALG_DENY_METHODS) ||
		sipalg_setting(sn, SIPALG_RATE_LIMIT) ||
		sipalg_setting(sn, SIPALG_SCREEN_INVITES) ||
		sipalg_setting(sn, SIPALG_UNKNOWN_METHOD) == SIPALG_DROP ||
		sipalg_setting(sn, SIPALG_UNKNOWN_MESSAGE) == SIPALG_DROP);
}

bool sipalg_tcp_may_rewrite(const struct sipalg_flow *flow)
{
	return (sipalg_setting(flow->sn, SIPALG_MODE) == SIPALG_MODE_FULL &&
		(sipalg_flow_from_inside(flow) || sipalg_flow_to_inside(flow))) ||
	       may_drop(flow->sn);
}

bool sipalg_tcp_is_shifted(struct nf_conn *ct)
{
	const struct sipalg_ct_data *data = sipalg_ct_data(ct);

	return data && (READ_ONCE(data->tcp) ||
			sipalg_tcp_stored_shift(ct, 0) ||
			sipalg_tcp_stored_shift(ct, 1));
}

bool sipalg_tcp_only_acknowledges(const struct sk_buff *skb,
				  unsigned int protoff)
{
	struct tcphdr buffer;
	const struct tcphdr *tcp = skb_header_pointer(skb, protoff,
						      sizeof(buffer), &buffer);

	return tcp && protoff + tcp->doff * 4 == skb->len &&
	       !tcp->syn && !tcp->fin && !tcp->rst;
}

static bool owe(struct segment *s)
{
	struct sipalg_tcp *tcp;

	if (s->tcp)
		return true;
	tcp = sipalg_tcp_make(s->flow->sn, s->packet->ct, s->halves);
	if (!tcp)
		return false;
	s->tcp = tcp;
	s->packet->tcp = tcp;
	s->halves = tcp->half;
	s->half = &tcp->half[s->dir];
	return true;
}

static struct sipalg_tcp_reasm *held(struct segment *s)
{
	return &s->half->held;
}

static bool is_owed(struct segment *s)
{
	return held(s)->bytes &&
	       sipalg_tcp_held_is_owed(s->half, s->stream->next);
}

static u32 held_end(struct segment *s)
{
	return s->stream->next + held(s)->len;
}

static void let_go(struct segment *s)
{
	if (held(s)->bytes)
		sipalg_tcp_let_go(s->tcp, s->dir);
}

static void put(struct segment *s, u32 seen, const char *bytes, u32 len)
{
	if (!s->packet->passed)
		sipalg_tcp_put(&s->out, s->packet, seen, bytes, len);
}

/* So many bytes at the boundary have been dealt with. */
static void advance(struct segment *s, u32 len)
{
	s->stream->next += len;
	s->stream->repeats = 0;
}

static void put_rtx(struct segment *s, struct sipalg_tcp_rtx *rtx, u32 old_len)
{
	sipalg_tcp_rtx_add(s->tcp, s->dir, rtx, s->stream->next, old_len);
	put(s, rtx->seen, rtx->bytes, rtx->len);
	advance(s, old_len);
}

/*
 * Bytes at the boundary that go on as they are. @kept: they are not of this
 * packet, and their sender may not send them again.
 */
static bool put_raw(struct segment *s, const char *bytes, u32 len, bool kept)
{
	struct sipalg_tcp_rtx *rtx;

	if (!kept || s->packet->passed) {
		put(s, sipalg_tcp_seen(s->half, s->stream->next), bytes, len);
		advance(s, len);
		return true;
	}
	rtx = owe(s) ? sipalg_tcp_rtx_alloc(s->tcp, len) : NULL;
	if (!rtx)
		return false;
	memcpy(rtx->bytes, bytes, len);
	put_rtx(s, rtx, len);
	return true;
}

static void foreign(struct segment *s)
{
	sipalg_count(s->flow->sn, tcp_foreign);
	net_dbg_ratelimited("a direction of a TCP connection is left alone\n");
	s->stream->state = SIPALG_STREAM_FOREIGN;
}

/*
 * A message dropped leaves a line end, which RFC 3261 7.5 has receivers ignore:
 * were the segment dropped, it would come again and again, and every other call
 * of the connection would wait for it.
 */
static struct sipalg_tcp_rtx *blank(struct segment *s)
{
	static const char text[] = "\r\n";
	struct sipalg_tcp_rtx *rtx;

	if (!owe(s) || !nfct_seqadj(s->packet->ct))
		return NULL;
	rtx = sipalg_tcp_rtx_alloc(s->tcp, sizeof(text) - 1);
	if (rtx)
		memcpy(rtx->bytes, text, sizeof(text) - 1);
	return rtx;
}

static bool is_off(const struct segment *s)
{
	return sipalg_setting(s->flow->sn, SIPALG_MODE) == SIPALG_MODE_OFF;
}

/* Return: false: there is no memory, it must come again. */
static bool one_message(struct segment *s, const char *bytes, u32 len,
			bool kept)
{
	struct sipalg_packet *packet = s->packet;
	int verdict;

	if (is_off(s))
		return put_raw(s, bytes, len, kept);
	if (s->rewrites && !owe(s))
		return false;
	packet->rtx = NULL;
	packet->no_room = false;
	verdict = sipalg_message(packet, s->flow, bytes, 0, len);
	if (packet->passed)
		return put_raw(s, bytes, len, false);
	if (packet->no_room)
		return false;
	sipalg_count(s->flow->sn, tcp_messages);
	if (verdict != NF_ACCEPT) {
		if (packet->rtx)
			sipalg_tcp_rtx_free(s->tcp, packet->rtx);
		packet->rtx = blank(s);
		if (!packet->rtx)
			return false;
	}
	if (!packet->rtx)
		return put_raw(s, bytes, len, kept);
	put_rtx(s, packet->rtx, len);
	return true;
}

/* What is longer than there is of it goes on by itself when it comes. */
static bool skip(struct segment *s, const char *bytes, u32 len, u32 total,
		 bool kept)
{
	u32 here = min(len, total);

	if (!put_raw(s, bytes, here, kept))
		return false;
	s->stream->next += total - here;
	return true;
}

/*
 * From a message boundary on; @scan is of the first message, and afterwards of
 * what is left.
 *
 * Return: how many bytes have been dealt with; the rest is the beginning of a
 * message, or has found no memory.
 */
static u32 messages(struct segment *s, const char *bytes, u32 len, bool kept)
{
	u32 max_len = sipalg_setting(s->flow->sn, SIPALG_MAX_MESSAGE);
	u32 used = 0, n;
	bool done = true;

	s->missing = 0;
	while (used < len && done) {
		const char *p = bytes + used;
		u32 rest = len - used;

		switch (sip_frame_resume(p, rest, max_len, &s->scan, &n)) {
		case SIP_FRAME_MESSAGE:
			done = one_message(s, p, n, kept);
			used += done ? n : 0;
			break;
		case SIP_FRAME_KEEPALIVE:
			sipalg_count(s->flow->sn, tcp_keepalives);
			done = put_raw(s, p, n, kept);
			used += done ? n : 0;
			break;
		case SIP_FRAME_MORE:
			/* a body that nobody changes need not be waited for */
			if (s->scan.body && sip_frame_opaque(p, rest)) {
				if (!one_message(s, p, rest, kept))
					return used;
				s->stream->next += n;
				return len;
			}
			s->missing = n;
			return used;
		case SIP_FRAME_TOO_LONG:
			sipalg_message_unchanged(s->flow, SIPALG_REASON_TOO_LONG);
			/* numbers cannot tell what is half their range away */
			if (n && n <= S32_MAX) {
				done = skip(s, p, rest, n, kept);
				used += done ? min(n, rest) : 0;
				break;
			}
			fallthrough;
		default:
			if (!put_raw(s, p, rest, kept))
				return used;
			foreign(s);
			return len;
		}
		if (done)
			s->scan = (struct sip_frame_scan){};
	}
	return used;
}

/*
 * What is old, or passes as it is: again as the receiver got it, or ought to
 * have. Of what the sender believes to have arrived it repeats nothing, so what
 * has not comes with its next bytes.
 */
static void again(struct segment *s, u32 from, u32 to)
{
	const struct sipalg_tcp_half *half = s->half;
	const char *payload = sipalg_packet_payload(s->packet);
	struct sipalg_tcp_rtx *rtx;
	u32 end, seen;

	if (!half->shift && RB_EMPTY_ROOT(&half->rtx) && !held(s)->raised) {
		put(s, from, payload + (from - s->seq), to - from);
		return;
	}
	if (!after(from, half->told))
		from = half->una;
	for (rtx = sipalg_tcp_first(half, from); before(from, to); from = end) {
		seen = from == half->una ? half->seen_una :
					   sipalg_tcp_seen(half, from);
		if (rtx && !before(from, rtx->start)) {
			end = before(to, rtx->end) ? to : rtx->end;
			put(s, seen, rtx->bytes + (seen - rtx->seen),
			    sipalg_tcp_seen(half, end) - seen);
			rtx = rb_entry_safe(rb_next(&rtx->node),
					    struct sipalg_tcp_rtx, node);
			continue;
		}
		end = rtx && before(rtx->start, to) ? rtx->start : to;
		if (before(from, s->seq))
			continue;	/* nobody has it, so nobody misses it */
		put(s, seen, payload + (from - s->seq), end - from);
	}
}

/* The sender may have to be told that what is held has arrived. */
static void ask(struct segment *s)
{
	struct sipalg_tcp_reasm *h = held(s);

	if (h->passing ||
	    (!h->scan.is_sip && !sip_frame_expected(h->bytes, h->len)))
		return;
	h->raised = true;
	h->asked = true;
	s->probe = true;
}

/*
 * A message passes as it is, to its end: @total bytes from the boundary on, or
 * it is not known how many. Return: how many of @len bytes are of it.
 */
static u32 pass_on(struct segment *s, const char *bytes, u32 len, u32 total)
{
	u32 n = min(total ?: len, len);

	if (!put_raw(s, bytes, n, s->kept)) {
		s->out.cut = true;
		return len;
	}
	if (!total || total > S32_MAX)
		foreign(s);
	else
		s->stream->next += total - n;
	return n;
}

/* How long a message is of which @need bytes have been counted; 0: not known. */
static u32 total_of(const struct sip_frame_scan *scan, u32 need)
{
	return scan->is_sip && scan->body ? need : 0;
}

/* The beginning of a message; nothing is held yet. */
static void hold(struct segment *s, const char *bytes, u32 len)
{
	u32 missing = s->missing;
	struct sipalg_tcp_reasm *h;

	if (owe(s)) {
		h = held(s);
		h->passing = !s->rewrites;
		if (sipalg_tcp_hold(s->tcp, s->dir, bytes, len)) {
			sipalg_count(s->flow->sn, tcp_split);
			h->need = len + missing;
			h->scan = s->scan;
			h->sacked = s->kept && !h->passing;
			if (h->passing)
				put(s, sipalg_tcp_seen(s->half, s->stream->next),
				    bytes, len);
			return;
		}
		h->passing = false;
	}
	sipalg_message_unchanged(s->flow, SIPALG_REASON_NO_MEMORY);
	pass_on(s, bytes, len, total_of(&s->scan, len + missing));
}

/* Return: how many bytes of @bytes are of the message that is given up. */
static u32 give_up(struct segment *s, const char *bytes, u32 len)
{
	struct sipalg_tcp_reasm *h = held(s);
	u32 total = total_of(&h->scan, h->need);
	u32 before = h->len;

	sipalg_message_unchanged(s->flow, SIPALG_REASON_NO_MEMORY);
	if (!is_owed(s)) {
		s->stream->next += before;	/* they come again */
	} else if (!put_raw(s, h->bytes, before, true)) {
		s->out.cut = true;
		return len;
	}
	let_go(s);
	return pass_on(s, bytes, len, total ? total - before : 0);
}

/*
 * Framing again only when it can come to something: linear work, however small
 * the pieces. A start line is looked through from its beginning.
 */
static bool may_be_framed(struct sipalg_tcp_reasm *h)
{
	bool had_body = h->scan.body;

	if (sip_frame_headers(h->bytes, h->len, &h->scan) && !had_body)
		return true;
	if (h->scan.is_sip)
		return h->scan.body && h->len >= h->need;
	return h->scan.line || h->len >= h->need;
}

/* So many bytes must come before that. */
static u32 needed(const struct sipalg_tcp_reasm *h, u32 missing)
{
	bool is_start_line = !h->scan.is_sip && h->bytes[0] > ' ';

	return missing ? h->len + missing + (is_start_line ? h->len / 4 : 0) : 0;
}

/* More of what is held back. Return: how many bytes have been dealt with. */
static u32 more(struct segment *s, const char *bytes, u32 len)
{
	u32 max_len = sipalg_setting(s->flow->sn, SIPALG_MAX_MESSAGE);
	struct sipalg_tcp_reasm *h = held(s);
	u32 used;

	if (!sipalg_tcp_hold(s->tcp, s->dir, bytes, len))
		return give_up(s, bytes, len);
	h->sacked = h->sacked || s->kept;
	if (len)
		s->stream->repeats = 0;
	if (!may_be_framed(h) && h->len <= max_len)
		return len;
	s->packet->piece = max(s->packet->piece, h->piece);
	s->scan = h->scan;
	used = messages(s, h->bytes, h->len, true);
	if (used)
		sipalg_tcp_held_skip(s->tcp, s->dir, used);
	if (h->bytes) {
		h->scan = s->scan;
		h->need = needed(h, s->missing);
	}
	return len;
}

/* More of what passes already and is followed: its call, and where it ends. */
static u32 follow(struct segment *s, const char *bytes, u32 len)
{
	u32 max_len = sipalg_setting(s->flow->sn, SIPALG_MAX_MESSAGE);
	bool passed = s->packet->passed;
	struct sipalg_tcp_reasm *h = held(s);
	u32 before = h->len, total = 0, n;

	if (!sipalg_tcp_hold(s->tcp, s->dir, bytes, len)) {
		sipalg_message_unchanged(s->flow, SIPALG_REASON_NO_MEMORY);
		total = total_of(&h->scan, h->need);
		goto end;
	}
	switch (sip_frame_resume(h->bytes, h->len, max_len, &h->scan, &n)) {
	case SIP_FRAME_MORE:
		h->need = h->len + n;
		put(s, sipalg_tcp_seen(s->half, s->stream->next) + before,
		    bytes, len);
		return len;
	case SIP_FRAME_TOO_LONG:
		sipalg_message_unchanged(s->flow, SIPALG_REASON_TOO_LONG);
		total = n;
		break;
	case SIP_FRAME_MESSAGE:
		s->packet->passed = true;
		if (!s->rewrites) {
			sipalg_count(s->flow->sn, tcp_messages);
			sipalg_message(s->packet, s->flow, h->bytes, 0, n);
		}
		s->packet->passed = passed;
		fallthrough;
	case SIP_FRAME_KEEPALIVE:
		total = n;
		break;
	default:
		break;
	}
end:
	let_go(s);
	s->stream->next += before;
	return pass_on(s, bytes, len, total ? total - before : 0);
}

/* Bytes whose turn it is. @kept: they are not of this packet. */
static void take_in(struct segment *s, const char *bytes, u32 len, bool kept)
{
	u32 used = 0;

	s->kept = kept;
	if (held(s)->bytes)
		used = held(s)->passing ? follow(s, bytes, len) :
					  more(s, bytes, len);
	if (used < len && s->stream->state == SIPALG_STREAM_FOREIGN) {
		put_raw(s, bytes + used, len - used, kept);
		return;
	}
	if (used == len)
		return;
	s->scan = (struct sip_frame_scan){};
	used += messages(s, bytes + used, len - used, kept);
	if (used == len)
		return;
	if (s->missing)
		hold(s, bytes + used, len - used);
	else
		s->out.cut = true;
}

/* Of a message that passes as it is: the boundary is behind it already. */
static void pass_kept(struct segment *s, u32 seq, const char *bytes, u32 len)
{
	struct sipalg_tcp_rtx *rtx;

	if (s->packet->passed)
		return;
	rtx = sipalg_tcp_rtx_alloc(s->tcp, len);
	if (!rtx) {
		s->out.cut = true;
		return;
	}
	memcpy(rtx->bytes, bytes, len);
	sipalg_tcp_rtx_add(s->tcp, s->dir, rtx, seq, len);
	put(s, rtx->seen, rtx->bytes, len);
}

/* Of what comes behind the boundary some may be held already. */
static void take_in_kept(struct segment *s, u32 seq, const char *bytes, u32 len)
{
	u32 next = s->stream->next, known = held_end(s) - seq;

	if (before(seq, next))
		pass_kept(s, seq, bytes, min(len, next - seq));
	if (known < len && !s->out.cut)
		take_in(s, bytes + known, len - known, true);
}

/* What has come before its turn and goes on without a gap at @at. */
static void take_in_early(struct segment *s, u32 at)
{
	bool passed = s->packet->passed;
	struct sipalg_tcp_early *early;

	while (!s->out.cut &&
	       (early = sipalg_tcp_early_next(s->tcp, s->dir, s->seq, at))) {
		/* what is only followed has passed */
		s->packet->passed = !s->rewrites;
		s->packet->piece = max(s->packet->piece, early->len);
		take_in_kept(s, at, early->bytes + (at - early->seq),
			     early->len - (at - early->seq));
		s->packet->passed = passed;
		if (s->out.cut)
			break;
		at = early->seq + early->len;
		sipalg_tcp_early_del(s->tcp, s->dir, early);
	}
}

/* A sender that closes amid a message: what there is of it passes as it is. */
static void finish_held(struct segment *s)
{
	struct sipalg_tcp_reasm *h = held(s);

	if (!h->bytes)
		return;
	s->packet->piece = max(s->packet->piece, h->piece);
	if (!h->passing && !put_raw(s, h->bytes, h->len, true)) {
		s->out.cut = true;
		return;
	}
	let_go(s);
	foreign(s);
}

/*
 * The sender may be waiting for the acknowledgment of what is held. It is made
 * one, or gets what may not be SIP through as it is.
 */
static void awaited(struct segment *s, u32 seq, u32 end)
{
	struct sipalg_tcp_reasm *h = held(s);

	ask(s);
	if (s->probe || s->stream->repeats < MOST_REPEATS)
		return;
	sipalg_message_unchanged(s->flow, SIPALG_REASON_SPLIT_MESSAGE);
	if (is_owed(s)) {
		finish_held(s);
		return;
	}
	foreign(s);
	s->stream->next += h->len;
	let_go(s);
	again(s, seq, end);
}

static void repeated(struct segment *s, u32 seq, u32 end)
{
	struct sipalg_tcp_reasm *h = held(s);

	if (h->passing) {
		again(s, seq, end);
		return;
	}
	/* there may be memory now */
	if (!h->need)
		more(s, h->bytes, 0);
	if (s->out.len || !h->bytes)
		return;
	sipalg_stream_repeats(s->stream);
	awaited(s, seq, end);
}

/*
 * Its sender may send no more before this has been acknowledged: under Nagle's
 * algorithm, or with a window of one segment as after an outage.
 */
static void incomplete(struct segment *s, u32 seq, u32 end)
{
	struct sipalg_tcp_reasm *h = held(s);

	if (h->bytes && !h->asked && !h->passing)
		awaited(s, seq, end);
}

/*
 * Something before it is missing. Its sender will see to that when it knows:
 * the receiver is made to say what it has got, and what is here is added to it.
 */
static void early(struct segment *s, u32 seq, u32 end)
{
	const char *bytes = sipalg_packet_payload(s->packet) + (seq - s->seq);
	bool kept = owe(s) && sipalg_tcp_early_add(s->tcp, s->dir, seq, bytes,
						   end - seq);

	if (!s->rewrites)
		again(s, seq, end);
	else
		s->probe = kept;
}

/*
 * Bytes before it passed unseen, while the mode was off or without memory, and
 * will not be sent again. Framing will show whether a message begins here.
 */
static void behind_unseen(struct segment *s, u32 seq)
{
	let_go(s);
	s->stream->next = seq;
}

/* From @seq on, which is not before the boundary. */
static void fresh(struct segment *s, u32 seq)
{
	u32 end = s->seq + s->len;
	u32 skip;

	if (after(seq, held_end(s))) {
		if (after(seq, s->half->una)) {
			early(s, seq, end);
			return;
		}
		behind_unseen(s, seq);
	}
	/* a beginning that has passed without us cannot be taken back */
	if (held(s)->bytes && !is_owed(s) &&
	    after(s->half->una, s->stream->next))
		sipalg_tcp_held_passes(s->tcp, s->dir);
	if (!after(end, held_end(s))) {
		repeated(s, seq, end);
		return;
	}
	skip = held_end(s) - s->seq;
	take_in(s, sipalg_packet_payload(s->packet) + skip, s->len - skip,
		false);
	take_in_early(s, end);
	if (s->fin)
		finish_held(s);
	incomplete(s, seq, end);
}

/*
 * No message is looked for. What came before its turn goes on when that comes:
 * it is not sent again.
 */
static void unseen(struct segment *s)
{
	u32 end = s->seq + s->len, next = s->stream->next;

	again(s, s->seq, end);
	if (s->stream->state == SIPALG_STREAM_FOREIGN && s->tcp &&
	    !after(s->seq, next) && after(end, next)) {
		s->stream->next = end;
		take_in_early(s, end);
	}
	s->probe = !s->out.len;
}

static void take_data(struct segment *s)
{
	u32 end = s->seq + s->len, next = s->stream->next;

	/* what its sender believes to have arrived is followed to its end */
	if (s->stream->state != SIPALG_STREAM_SYNCED ||
	    (is_off(s) && !is_owed(s))) {
		unseen(s);
		return;
	}
	if (before(s->seq, next))
		again(s, s->seq, before(end, next) ? end : next);
	if (after(end, next)) {
		fresh(s, before(s->seq, next) ? next : s->seq);
		return;
	}
	/* of a message that passes as it is, what waits for this */
	if (s->out.len)
		take_in_early(s, end);
	else
		s->probe = true;	/* it has arrived, but is not known to have */
}

/* Nothing is known of the length of what is missing before it. */
static bool fin_may_leave(struct segment *s)
{
	return s->stream->state != SIPALG_STREAM_SYNCED || !s->rewrites ||
	       (!held(s)->bytes &&
		!after(s->seq + s->len, s->stream->next));
}

static void take_fin(struct segment *s)
{
	if (held(s)->bytes && s->seq == held_end(s))
		finish_held(s);
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
static void synchronize(struct segment *s)
{
	struct nf_conn *ct = s->packet->ct;

	if (!nf_ct_is_confirmed(ct) && !nfct_seqadj(ct))
		nfct_seqadj_ext_add(ct);
	if (!is_beginning(ct))
		return;
	/* one that is sent again, with what it had or without */
	if (s->stream->state == SIPALG_STREAM_SYNCED &&
	    !before(s->stream->next, s->seq) && s->tcp)
		return;
	s->stream->next = s->seq;
	s->stream->repeats = 0;
	s->stream->state = SIPALG_STREAM_SYNCED;
	if (s->tcp)
		sipalg_tcp_half_begin(&s->tcp->half[s->dir], s->seq);
	if (s->rewrites && sipalg_packet_is_mptcp(s->packet))
		foreign(s);
}

/* Where a byte arrives that is not sent with others: behind what is held. */
static u32 place(struct segment *s, u32 seq)
{
	u32 next = s->stream->next, len = held(s)->passing ? 0 : held(s)->len;

	if (!len || !after(seq, next))
		return sipalg_tcp_seen(s->half, seq);
	return sipalg_tcp_seen(s->half, next) +
	       (after(seq, next + len) ? seq - next - len : 0);
}

static void set_urgent(struct segment *s, u32 old_seq, u32 seq)
{
	const struct tcphdr *tcp = sipalg_packet_tcp(s->packet);
	u32 urgent;

	if (!tcp->urg)
		return;
	urgent = place(s, old_seq + ntohs(tcp->urg_ptr)) - seq;
	if (urgent > U16_MAX)
		sipalg_packet_clear_flags(s->packet, TCP_FLAG_URG);
	else
		sipalg_packet_set_urgent(s->packet, urgent);
}

/*
 * A segment that goes no further than this makes the receiver say what it has:
 * one byte that it has got already, which TCP answers at once (RFC 1122
 * 4.2.3.6).
 */
static int probe(struct segment *s)
{
	if (!sipalg_packet_set_payload(s->packet, 0, 0, "\n", 1))
		return NF_DROP;
	sipalg_packet_segment(s->packet);
	sipalg_packet_clear_flags(s->packet, TCP_FLAG_FIN | TCP_FLAG_URG);
	sipalg_packet_set_seq(s->packet, s->half->seen_una - 1);
	return NF_ACCEPT;
}

static int leave_with_payload(struct segment *s, u32 *seq)
{
	const struct tcphdr *tcp = sipalg_packet_tcp(s->packet);

	if (!s->out.len && s->probe && !tcp->syn)
		return probe(s);
	if (!s->out.len && !tcp->syn &&
	    (s->out.cut || !tcp->fin || !fin_may_leave(s)))
		return SIPALG_HELD;
	if (!sipalg_tcp_emit(&s->out, s->packet))
		return NF_DROP;
	tcp = sipalg_packet_tcp(s->packet);
	if (s->out.len)
		*seq = s->out.seen - tcp->syn;
	else if (!tcp->syn)
		*seq = place(s, s->seq + s->len);
	if (s->out.cut || !fin_may_leave(s))
		sipalg_packet_clear_flags(s->packet, TCP_FLAG_FIN);
	return NF_ACCEPT;
}

/* Of what nobody has told: all that is known is what its receiver expects. */
static bool is_beyond(struct segment *s, u32 seq)
{
	return sipalg_tcp_is_behind(s->half, s->stream) && after(seq, held_end(s));
}

static int leave(struct segment *s)
{
	const struct tcphdr *tcp = sipalg_packet_tcp(s->packet);
	u32 seq = ntohl(tcp->seq), old_seq = seq;
	int verdict = NF_ACCEPT;

	if (s->len || s->out.len) {
		bool probed = !s->out.len && s->probe && !tcp->syn;

		verdict = leave_with_payload(s, &seq);
		if (verdict != NF_ACCEPT || probed)
			return verdict;
	} else if (tcp->fin && !fin_may_leave(s)) {
		return SIPALG_HELD;
	} else if (is_beyond(s, seq)) {
		seq = s->half->seen_una;
	} else if (!tcp->fin && !tcp->rst && !tcp->syn &&
		   before(seq, s->half->told)) {
		seq = s->half->seen_una - 1;
	} else if (!tcp->syn) {
		seq = place(s, seq);
	}
	set_urgent(s, old_seq, seq);
	if (seq != old_seq)
		sipalg_packet_set_seq(s->packet, seq);
	return verdict;
}

/* Most segments of most connections need not be looked at any further. */
static bool is_plain(const struct segment *s, const struct sipalg_stream *other,
		     const struct tcphdr *tcp)
{
	struct nf_conn *ct = s->packet->ct;

	return !s->tcp && !tcp->syn && !sipalg_stream_is_restored(s->stream) &&
	       !sipalg_stream_is_restored(other) &&
	       (!s->len || s->stream->state != SIPALG_STREAM_SYNCED) &&
	       !sipalg_tcp_stored_shift(ct, 0) &&
	       !sipalg_tcp_stored_shift(ct, 1);
}

/* Messages do not grow or shrink by more than that, all of them together. */
static u32 most_change(u32 len)
{
	return len / 4 + 64;
}

/*
 * The receiver has @more bytes of the messages of which nobody has told, and perhaps of
 * those that the segment repeats: up to that end of a message which fits their length
 * best. Return: false: none fits.
 */
static bool find_end(struct segment *s, u32 more, u32 *end)
{
	const char *bytes = sipalg_packet_payload(s->packet);
	u32 max_len = sipalg_setting(s->flow->sn, SIPALG_MAX_MESSAGE);
	u32 untold = s->seq - s->stream->next, used = 0, best = U32_MAX, change, n;
	struct sip_frame_scan scan;
	enum sip_frame frame;

	for (;;) {
		change = abs((s32)(more - untold - used));
		if (change < best) {
			best = change;
			*end = s->seq + used;
		}
		if (used == s->len)
			break;
		scan = (struct sip_frame_scan){};
		frame = sip_frame_resume(bytes + used, s->len - used, max_len,
					 &scan, &n);
		/* in the middle of a message nothing begins */
		if (!used && (frame == SIP_FRAME_FOREIGN ||
			      frame == SIP_FRAME_TOO_LONG))
			return false;
		if (frame != SIP_FRAME_MESSAGE && frame != SIP_FRAME_KEEPALIVE)
			break;
		used += n;
	}
	return best <= most_change(untold);
}

/* What is sent from now on is asked for or answered by a reset, until nobody sends. */
static void give_up_connection(struct segment *s)
{
	struct sipalg_ct_data *data = sipalg_ct_data(s->packet->ct);

	sipalg_count(s->flow->sn, tcp_foreign);
	net_dbg_ratelimited("a TCP connection is reset: nobody knows where it is\n");
	let_go(s);
	data->stream[0].state = SIPALG_STREAM_RESET;
	data->stream[1].state = SIPALG_STREAM_RESET;
}

/* The first segment that its sender repeats, and what its receiver has: both are known. */
static bool settle(struct segment *s)
{
	u32 seen = s->half->seen_una, end;

	if (!find_end(s, seen - (s->stream->next + s->half->shift), &end)) {
		give_up_connection(s);
		return false;
	}
	let_go(s);
	sipalg_tcp_count_anew(s->packet->ct, s->dir);
	sipalg_tcp_half_resume(s->half, s->seq, end);
	s->arrived = end;
	s->arrived_at = seen;
	s->stream->next = s->seq;
	s->stream->repeats = 0;
	s->stream->state = SIPALG_STREAM_SYNCED;
	return true;
}

/*
 * Its sender is further than another router has told. Where that is shows when it begins
 * to repeat, since nothing of it arrives: all before has been acknowledged; and the
 * receiver, which is asked, says what it has got of that. Their difference is the shift.
 */
static bool find(struct segment *s)
{
	struct sipalg_stream *stream = s->stream;

	if (!owe(s))
		return false;
	if (stream->state == SIPALG_STREAM_RESTORED ||
	    before(s->seq, s->half->astray)) {
		stream->state = SIPALG_STREAM_ASTRAY;
		stream->repeats = 0;
		s->half->astray = s->seq;
	} else if (s->seq == s->half->astray) {
		sipalg_stream_repeats(stream);
	}
	return s->seq == s->half->astray && stream->repeats >= SURE_REPEATS &&
	       sipalg_tcp_is_behind(s->half, stream) && settle(s);
}

/*
 * A segment of a stream that another router has carried. One that begins where that has
 * left it proves it; whose bytes nobody changes is where it is.
 *
 * Return: false: where it belongs is not known.
 */
static bool resume(struct segment *s)
{
	if (s->stream->state == SIPALG_STREAM_RESET)
		return false;
	if (after(s->seq, held_end(s))) {
		if (s->rewrites)
			return find(s);
		behind_unseen(s, s->seq);
	} else if (!after(s->seq + s->len + s->fin, s->stream->next)) {
		return true;
	} else if (sipalg_tcp_is_behind(s->half, s->stream)) {
		/* what it has got comes once more, and is acknowledged then */
		sipalg_tcp_half_begin(s->half, s->stream->next);
	}
	s->stream->state = SIPALG_STREAM_SYNCED;
	return true;
}

/*
 * Of what the segment repeats some has arrived, and has been rewritten once more to follow
 * it: what was put together stood elsewhere. It is asked for, and what is new comes again.
 * Without memory for all of that nobody knows how it goes on.
 */
static void take_arrived(struct segment *s)
{
	if (before(s->stream->next, s->arrived)) {
		s->half->seen_una = s->arrived_at;
		give_up_connection(s);
	} else {
		sipalg_tcp_half_settle(s->half, s->arrived, s->arrived_at);
	}
	__skb_queue_purge(&s->out.before);
	sipalg_tcp_out_init(&s->out);
	s->probe = true;
}

/* Return: whether the segment has been dealt with, and *@verdict says how. */
static bool is_lost(struct segment *s, const struct tcphdr *tcp, int *verdict)
{
	if (!sipalg_stream_is_restored(s->stream) || tcp->syn || tcp->rst)
		return false;
	if (s->len || tcp->fin) {
		if (resume(s))
			return false;
		*verdict = probe(s);
		return true;
	}
	if (s->stream->state != SIPALG_STREAM_RESET)
		return false;
	sipalg_packet_make_reset(s->packet, s->half->seen_una);
	*verdict = NF_ACCEPT;
	return true;
}

/* @local: room for both directions of a connection of which nothing is kept */
static int locked_segment(struct segment *s, struct sipalg_ct_data *data,
			  const struct tcphdr *tcp,
			  struct sipalg_tcp_half *local)
{
	struct sipalg_packet *packet = s->packet;
	struct sipalg_stream *other = &data->stream[!s->dir];
	int verdict;

	s->tcp = data->tcp;
	packet->tcp = s->tcp;
	if (is_plain(s, other, tcp))
		return NF_ACCEPT;
	if (skb_ensure_writable(packet->skb, packet->payload))
		return NF_DROP;
	tcp = sipalg_packet_tcp(packet);
	if (tcp->syn)
		synchronize(s);
	s->halves = s->tcp ? s->tcp->half : local;
	if (!s->tcp) {
		sipalg_tcp_half_init(&local[s->dir], packet->ct, s->dir,
				     s->stream->next);
		sipalg_tcp_half_init(&local[!s->dir], packet->ct, !s->dir,
				     other->next);
	}
	s->half = &s->halves[s->dir];
	if (tcp->ack)
		sipalg_tcp_acknowledged(packet, s->tcp, &s->halves[!s->dir],
					other);
	if (is_lost(s, tcp, &verdict))
		return verdict;
	if (s->len)
		take_data(s);
	else if (tcp->fin)
		take_fin(s);
	if (s->arrived != s->seq)
		take_arrived(s);
	return leave(s);
}

/* Its positions may be others now: with data, a SYN, or when nothing is owed any more. */
static bool has_moved(const struct segment *s, const struct sipalg_ct_data *data,
		      bool syn)
{
	return s->len || syn || (s->tcp && !data->tcp);
}

int sipalg_tcp_segment(struct sipalg_packet *packet,
		       const struct sipalg_flow *flow)
{
	const struct tcphdr *tcp = sipalg_packet_tcp(packet);
	struct sipalg_ct_data *flow_data = sipalg_ct_data(packet->ct);
	struct segment s = {
		.packet = packet,
		.flow = flow,
		.dir = CTINFO2DIR(packet->ctinfo),
		.rewrites = flow && sipalg_tcp_may_rewrite(flow),
		.fin = tcp->fin,
		.seq = ntohl(tcp->seq) + tcp->syn,
		.len = tcp->rst ? 0 : packet->skb->len - packet->payload,
		.arrived = ntohl(tcp->seq) + tcp->syn,
	};
	struct sipalg_tcp_half local[2];
	bool syn = tcp->syn;
	int verdict;

	if (!flow_data)
		return NF_ACCEPT;
	s.stream = &flow_data->stream[s.dir];
	sipalg_tcp_out_init(&s.out);
	sipalg_scratch_get();
	sipalg_tcp_lock(packet->ct);
	sipalg_tcp_position_take(packet->ct);
	verdict = locked_segment(&s, flow_data, tcp, local);
	if (flow_data->tcp)
		sipalg_tcp_tidy(flow_data->tcp);
	if (static_branch_unlikely(&sipalg_dirty_wanted) &&
	    has_moved(&s, flow_data, syn))
		sipalg_tcp_position_mark(packet->ct, s.len);
	sipalg_tcp_unlock(packet->ct);
	sipalg_scratch_put();
	sipalg_tcp_send_before(&s.out, nf_ct_net(packet->ct));
	return verdict;
}
