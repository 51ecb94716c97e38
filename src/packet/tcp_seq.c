// SPDX-License-Identifier: GPL-2.0-only
/*
 * The map of a direction's sequence space (doc/dev/tcp.md).
 *
 * Rewritten messages stand in one tree, by their old and by their new numbers
 * alike. Between two of them bytes are shifted by what the first has left; what
 * is before una has arrived, and its numbers interest nobody.
 */
#include <linux/math64.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_seqadj.h>
#include <net/tcp.h>
#include "core/compat.h"
#include "packet/tcp_seq.h"

/*
 * What conntrack itself adds behind us: for SYNPROXY, and for what a former
 * module has left to it. We never ask it to: it could change between our look at
 * it and its own.
 */
static s32 conntrack_shift(const struct nf_conn *ct, int dir)
{
	const struct nf_conn_seqadj *seqadj = nfct_seqadj(ct);

	if (!seqadj || !test_bit(IPS_SEQ_ADJUST_BIT, &ct->status))
		return 0;
	return seqadj->seq[dir].offset_after;
}

s32 sipalg_tcp_stored_shift(const struct nf_conn *ct, int dir)
{
	const struct nf_conn_seqadj *seqadj = nfct_seqadj(ct);

	if (!seqadj || test_bit(IPS_SEQ_ADJUST_BIT, &ct->status))
		return 0;
	return seqadj->seq[dir].offset_after;
}

/* Conntrack does not know our shifts where its own stand in their place. */
static void be_liberal(struct nf_conn *ct)
{
	ct->proto.tcp.seen[0].flags |= IP_CT_TCP_FLAG_BE_LIBERAL;
	ct->proto.tcp.seen[1].flags |= IP_CT_TCP_FLAG_BE_LIBERAL;
}

void sipalg_tcp_window(struct sipalg_tcp_half *half, struct nf_conn *ct,
		       int dir)
{
	struct nf_conn_seqadj *seqadj = nfct_seqadj(ct);
	struct nf_ct_seqadj *adj;

	sipalg_tcp_assert_locked(ct);
	if (!seqadj)
		return;
	if (RB_EMPTY_ROOT(&half->rtx))
		half->top = half->shift;
	adj = &seqadj->seq[dir];
	if (adj->offset_after == half->top && adj->offset_before == half->top)
		return;
	spin_lock(&ct->lock);
	if (!test_bit(IPS_SEQ_ADJUST_BIT, &ct->status)) {
		adj->offset_before = half->top;
		adj->offset_after = half->top;
	} else if (half->top) {
		be_liberal(ct);
	}
	spin_unlock(&ct->lock);
}

static struct sipalg_tcp_rtx *rtx_of(struct rb_node *node)
{
	return rb_entry_safe(node, struct sipalg_tcp_rtx, node);
}

struct sipalg_tcp_rtx *sipalg_tcp_first(const struct sipalg_tcp_half *half,
					u32 seq)
{
	struct sipalg_tcp_rtx *rtx = rtx_of(half->rtx.rb_node), *found = NULL;

	while (rtx) {
		if (after(rtx->end, seq)) {
			found = rtx;
			rtx = rtx_of(rtx->node.rb_left);
		} else {
			rtx = rtx_of(rtx->node.rb_right);
		}
	}
	return found;
}

/* The last one that begins at @place or before, by either count. */
static struct sipalg_tcp_rtx *last_until(const struct sipalg_tcp_half *half,
					 u32 place, bool seen)
{
	struct sipalg_tcp_rtx *rtx = rtx_of(half->rtx.rb_node), *found = NULL;

	while (rtx) {
		if (after(seen ? rtx->seen : rtx->start, place)) {
			rtx = rtx_of(rtx->node.rb_left);
		} else {
			found = rtx;
			rtx = rtx_of(rtx->node.rb_right);
		}
	}
	return found;
}

s32 sipalg_tcp_first_shift(const struct sipalg_tcp_half *half)
{
	const struct sipalg_tcp_rtx *rtx = rtx_of(rb_first(&half->rtx));

	return rtx ? (s32)(rtx->seen - rtx->start) : half->shift;
}

static s32 shift_behind(const struct sipalg_tcp_rtx *rtx)
{
	return rtx->seen + rtx->len - rtx->end;
}

u32 sipalg_tcp_seen(const struct sipalg_tcp_half *half, u32 seq)
{
	const struct sipalg_tcp_rtx *rtx = last_until(half, seq, false);

	if (!rtx)
		return seq + sipalg_tcp_first_shift(half);
	if (!before(seq, rtx->end))
		return seq + shift_behind(rtx);
	return rtx->seen + div_u64((u64)(seq - rtx->start) * rtx->len,
				   rtx->end - rtx->start);
}

/*
 * The reverse of sipalg_tcp_seen(): the last byte, as the sender counts, that
 * arrives at @seen or before.
 */
static u32 sender_seq(const struct sipalg_tcp_half *half, u32 seen)
{
	const struct sipalg_tcp_rtx *rtx = last_until(half, seen, true);
	u32 at, old_len;

	if (!rtx)
		return seen - sipalg_tcp_first_shift(half);
	at = seen - rtx->seen;
	if (at >= rtx->len)
		return seen - shift_behind(rtx);
	if (!at)
		return rtx->start;
	old_len = rtx->end - rtx->start;
	return rtx->start + div_u64((u64)(at + 1) * old_len - 1, rtx->len);
}

/* The first as the sender counts that arrives at @seen or behind it. */
static u32 sent_from(const struct sipalg_tcp_half *half, u32 seen)
{
	const struct sipalg_tcp_rtx *rtx = last_until(half, seen, true);
	u32 at;

	if (!rtx || seen - rtx->seen >= rtx->len)
		return sender_seq(half, seen);
	at = seen - rtx->seen;
	return rtx->start + div_u64((u64)at * (rtx->end - rtx->start) +
				    rtx->len - 1, rtx->len);
}

void sipalg_tcp_count_anew(struct nf_conn *ct, int dir)
{
	spin_lock(&ct->lock);
	ct->proto.tcp.seen[!dir].flags &= ~IP_CT_TCP_FLAG_MAXACK_SET;
	spin_unlock(&ct->lock);
}

void sipalg_tcp_half_resume(struct sipalg_tcp_half *half, u32 seq, u32 end)
{
	half->shift = half->seen_una - end;
	half->una = seq;
	half->told = seq;
	half->seen_una = seq + half->shift;
	half->top = half->shift;
	half->top_next = half->shift;
	half->top_from = seq;
}

void sipalg_tcp_half_settle(struct sipalg_tcp_half *half, u32 end, u32 seen)
{
	s32 by = seen - sipalg_tcp_seen(half, end);
	struct rb_node *node;

	for (node = rb_first(&half->rtx); node; node = rb_next(node))
		rtx_of(node)->seen += by;
	half->shift += by;
	half->seen_una += by;
	half->top += by;
	half->top_next += by;
}

/* No shift behind @next is smaller than the ones that come. */
static void forget_top(struct sipalg_tcp_half *half, u32 next)
{
	if (before(half->una, half->top_from))
		return;
	half->top = half->top_next;
	half->top_next = half->shift;
	half->top_from = next;
}

/*
 * An acknowledgment that is old harms nobody, and one of what was never sent makes
 * its receiver drop the segment. Who is to be reset answers by the number that he gets,
 * which conntrack compares with what it has seen.
 */
static bool is_clamped(const struct sipalg_tcp_half *half,
		       const struct sipalg_stream *stream)
{
	return sipalg_tcp_is_behind(half, stream) &&
	       stream->state != SIPALG_STREAM_RESET;
}

/* What has arrived is kept no more. Return: what the sender is told. */
static u32 take(struct sipalg_tcp *tcp, int dir, struct sipalg_tcp_half *half,
		u32 ack, const struct sipalg_stream *stream)
{
	u32 next = stream->next;
	struct sipalg_tcp_rtx *rtx;

	if (before(ack, half->seen_una))
		return half->una - (half->seen_una - ack);

	half->una = sender_seq(half, ack);
	half->seen_una = ack;
	if (is_clamped(half, stream))
		half->una = next;
	while ((rtx = rtx_of(rb_first(&half->rtx))) &&
	       !before(ack, rtx->seen + rtx->len))
		sipalg_tcp_rtx_del(tcp, dir, rtx);
	if (tcp)
		sipalg_tcp_early_acknowledged(tcp, dir);
	forget_top(half, next);

	if (after(half->una, half->told))
		half->told = half->una;
	if (half->held.raised && half->una == next) {
		half->told = next + half->held.len;
		half->held.asked = false;
	}
	return half->told;
}

/* Of the sender's data: what it may send, and where it is. */
static void tell_conntrack(struct nf_conn *ct, int dir, u32 una, u32 edge)
{
	struct ip_ct_tcp_state *sender = &ct->proto.tcp.seen[dir];
	struct ip_ct_tcp_state *receiver = &ct->proto.tcp.seen[!dir];

	spin_lock(&ct->lock);
	if (after(edge, sender->td_maxend))
		sender->td_maxend = edge;
	if (receiver->flags & IP_CT_TCP_FLAG_MAXACK_SET &&
	    after(una, receiver->td_maxack))
		receiver->td_maxack = una;
	spin_unlock(&ct->lock);
}

struct block {
	u32 start;
	u32 end;
};

/* The echo of what has asked for an acknowledgment says what has come early. */
static bool map_block(const struct sipalg_tcp_half *half, struct block *block)
{
	u32 start = block->start, end = block->end;

	if (start == end - 1 && !after(end, half->seen_una))
		return sipalg_tcp_early_range(half, &block->start, &block->end);
	if (before(start, half->seen_una)) {
		/* what has come twice */
		block->start = half->una - (half->seen_una - start);
		block->end = half->una - (half->seen_una - end);
		return !after(end, half->seen_una);
	}
	block->start = sent_from(half, start);
	block->end = sender_seq(half, end);
	return before(block->start, block->end);
}

static void map_sack(struct sipalg_packet *packet,
		     const struct sipalg_tcp_half *half, bool behind, s32 conntrack)
{
	u8 *sack = sipalg_packet_option(packet, TCPOPT_SACK);
	u8 *from, *to, *end;
	u8 old[TCPOLEN_SACK_BASE + 4 * TCPOLEN_SACK_PERBLOCK];
	u8 len;

	if (!sack || sack[1] > sizeof(old) ||
	    (sack[1] - TCPOLEN_SACK_BASE) % TCPOLEN_SACK_PERBLOCK)
		return;
	len = sack[1];
	memcpy(old, sack, len);
	end = sack + len;
	to = sack + TCPOLEN_SACK_BASE;
	for (from = to; from < end; from += TCPOLEN_SACK_PERBLOCK) {
		struct block block = {
			.start = get_unaligned_be32(from) - conntrack,
			.end = get_unaligned_be32(from + 4) - conntrack,
		};

		if (behind || !map_block(half, &block))
			continue;
		put_unaligned_be32(block.start + conntrack, to);
		put_unaligned_be32(block.end + conntrack, to + 4);
		to += TCPOLEN_SACK_PERBLOCK;
	}
	sack[1] = to - sack;
	if (sack[1] == TCPOLEN_SACK_BASE)
		to = sack;
	memset(to, TCPOPT_NOP, end - to);
	sipalg_packet_header_changed(packet, sack, old, len);
}

void sipalg_tcp_acknowledged(struct sipalg_packet *packet,
			     struct sipalg_tcp *tcp,
			     struct sipalg_tcp_half *half,
			     const struct sipalg_stream *stream)
{
	struct nf_conn *ct = packet->ct;
	int dir = !CTINFO2DIR(packet->ctinfo);
	s32 conntrack = conntrack_shift(ct, dir);
	struct tcphdr *th;
	u32 ack, told, win;

	sipalg_tcp_assert_locked(ct);
	th = sipalg_packet_tcp(packet);
	ack = ntohl(th->ack_seq) - conntrack;
	told = take(tcp, dir, half, ack, stream);
	sipalg_packet_set_ack(packet, told + conntrack);
	map_sack(packet, half, sipalg_tcp_is_behind(half, stream), conntrack);
	if (before(ack, half->seen_una))
		return;
	win = ntohs(th->window);
	if (!th->syn)
		win <<= ct->proto.tcp.seen[!dir].td_scale;
	tell_conntrack(ct, dir, half->una, told + win);
}
