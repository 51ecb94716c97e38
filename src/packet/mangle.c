// SPDX-License-Identifier: GPL-2.0-only
/*
 * Carries out plans: the mangle call of a message, its pinholes, and the
 * consequences of a changed length: sequence numbers, segmentation,
 * fragmentation.
 */
#include <linux/ip.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/dst.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_seqadj.h>
#include <net/netfilter/nf_nat_helper.h>
#include <net/tcp.h>
#include "call/call.h"
#include "core/compat.h"
#include "core/ct_timeout.h"
#include "core/net.h"
#include "media/media.h"
#include "media/media_expect.h"
#include "nat/sig_expect.h"
#include "packet/mangle.h"

/* RFC 9293 3.7.1: what every path can carry. */
#define SMALLEST_PIECE	536

static bool mangle(struct sipalg_packet *packet, unsigned int offset,
		   struct sip_span span, const char *text, unsigned int len)
{
	if (nf_ct_protonum(packet->ct) == IPPROTO_UDP)
		return nf_nat_mangle_udp_packet(packet->skb, packet->ct,
						packet->ctinfo, packet->protoff,
						offset + span.off, span.len,
						text, len);
	return __nf_nat_mangle_tcp_packet(packet->skb, packet->ct,
					  packet->ctinfo, packet->protoff,
					  offset + span.off, span.len,
					  text, len, false);
}

/* Without the seqadj extension a stream's length must not change. */
static bool may_resize(const struct sipalg_packet *packet)
{
	return nf_ct_protonum(packet->ct) == IPPROTO_UDP ||
	       nfct_seqadj(packet->ct);
}

/* Bytes before the first length change have the sender's sequence numbers. */
static void note_edit(struct sipalg_packet *packet, unsigned int offset, int growth)
{
	if (!packet->delta)
		packet->resized = offset;
	packet->delta += growth;
	packet->edits++;
}

/*
 * The response goes to the port in the phone's Via; conntrack, which has already
 * processed the packet, knows only the port that the phone sends from.
 */
static bool steer(struct sipalg_packet *packet, __be16 port)
{
	struct sk_buff *skb = packet->skb;
	struct udphdr *udp;

	if (skb_ensure_writable(skb, packet->protoff + sizeof(*udp)))
		return false;
	udp = (struct udphdr *)(skb->data + packet->protoff);
	if (udp->check || skb->ip_summed == CHECKSUM_PARTIAL) {
		inet_proto_csum_replace2(&udp->check, skb, udp->dest, port,
					 false);
		if (!udp->check)
			udp->check = CSUM_MANGLED_0;
	}
	udp->dest = port;
	return true;
}

static bool apply_edits(struct sipalg_packet *packet, unsigned int offset,
			const struct sip_msg *msg, struct sipalg_plan *plan,
			char *room, u32 room_len)
{
	struct sip_span span = sipalg_plan_span(plan);
	int len = sipalg_plan_render(plan, msg->data, room, room_len);

	if (len < 0 ||
	    packet->skb->len + len - span.len > SIP_MAX_MESSAGE) {
		plan->reason = SIPALG_REASON_TOO_LONG;
		return false;
	}
	if (len != span.len && !may_resize(packet)) {
		plan->reason = SIPALG_REASON_NO_MEMORY;
		return false;
	}
	if (!mangle(packet, offset, span, room, len)) {
		plan->reason = SIPALG_REASON_NO_MEMORY;
		return false;
	}
	note_edit(packet, offset, len - span.len);
	return !plan->sent_by || steer(packet, htons(plan->sent_by));
}

/*
 * Runs before the edits: media may arrive as soon as the message has left, and an
 * unedited message can still pass if its pinholes cannot be opened. Returns
 * false if it must not pass at all.
 */
static bool apply_pinholes(const struct sipalg_flow *flow,
			   struct sipalg_plan *plan)
{
	int err;

	if (!plan->call)
		return true;
	if (plan->followed && !plan->pinholes)
		sipalg_media_repair(plan->call, flow);
	err = plan->pinholes ? sipalg_media_sync(plan->call, flow) : 0;
	if ((err == -EBUSY || err == -EALREADY) &&
	    sipalg_setting(flow->sn, SIPALG_MODE) == SIPALG_MODE_FULL) {
		plan->reason = SIPALG_REASON_NO_PORT_PAIR;
		return false;
	}
	if (err) {
		sipalg_media_rollback(plan->call, plan->side, plan->fork);
		plan->reason = SIPALG_REASON_NO_MEMORY;
		plan->edit_count = 0;
	}
	sipalg_sig_expect_sync(plan->call, flow);
	return true;
}

enum sipalg_applied sipalg_apply(struct sipalg_packet *packet,
				 const struct sipalg_flow *flow,
				 unsigned int offset,
				 const struct sip_msg *msg,
				 struct sipalg_plan *plan,
				 char *room, u32 room_len)
{
	if (!apply_pinholes(flow, plan))
		return SIPALG_APPLY_FAILED;
	/* the mode may have become full since its pieces were let go */
	if (packet->passed)
		plan->edit_count = 0;
	if (plan->edit_count &&
	    !apply_edits(packet, offset, msg, plan, room, room_len))
		return SIPALG_APPLY_FAILED;

	if (plan->keep)
		sipalg_ct_timeout_extend(packet->ct, plan->keep);
	if (plan->followed)
		sipalg_ct_timeout_get(flow->sn, &plan->call->signalling,
				      packet->ct);
	if (plan->edit_count)
		sipalg_count(flow->sn, translated);
	/* RFC 8224: without translation there would be no call to authenticate */
	if (plan->edit_count && msg->identity)
		sipalg_count(flow->sn, identity_changed);
	return SIPALG_APPLIED;
}

static const struct nf_ct_seqadj *seqadj_of(const struct sipalg_packet *packet,
					    int dir)
{
	const struct nf_conn_seqadj *both = nfct_seqadj(packet->ct);

	return both ? &both->seq[dir] : NULL;
}

static const struct nf_ct_seqadj *seqadj(const struct sipalg_packet *packet)
{
	return seqadj_of(packet, CTINFO2DIR(packet->ctinfo));
}

s32 sipalg_packet_shift(const struct sipalg_packet *packet)
{
	const struct nf_ct_seqadj *adj = seqadj(packet);

	return adj ? adj->offset_after : 0;
}

s32 sipalg_packet_shift_before(const struct sipalg_packet *packet, u32 end)
{
	const struct nf_ct_seqadj *adj = seqadj(packet);

	if (!adj)
		return 0;
	return after(end, adj->correction_pos) ? adj->offset_after :
						 adj->offset_before;
}

bool sipalg_packet_seqadj_covers(const struct sipalg_packet *packet, u32 seq)
{
	const struct nf_ct_seqadj *adj = seqadj(packet);

	return adj && adj->offset_before != adj->offset_after &&
	       !after(seq, adj->correction_pos);
}

u32 sipalg_packet_unmappable(const struct sipalg_packet *packet, u32 seen)
{
	const struct nf_ct_seqadj *adj = seqadj(packet);

	if (!adj || !after(seen, adj->correction_pos + adj->offset_before) ||
	    after(seen, adj->correction_pos + adj->offset_after))
		return 0;
	return adj->correction_pos + adj->offset_after + 1 - seen;
}

/* The sequence number that becomes @seen when conntrack adds its offset. */
static u32 unshifted(const struct sipalg_packet *packet, u32 seen)
{
	const struct nf_ct_seqadj *adj = seqadj(packet);

	if (!adj)
		return seen;
	if (after(seen - adj->offset_after, adj->correction_pos))
		return seen - adj->offset_after;
	return seen - adj->offset_before;
}

static void set_number(struct sipalg_packet *packet, unsigned int offset,
		       __be32 value)
{
	struct sk_buff *skb = packet->skb;
	struct tcphdr *tcp;
	__be32 *number;

	if (skb_ensure_writable(skb, packet->protoff + sizeof(*tcp)))
		return;
	tcp = (struct tcphdr *)(skb->data + packet->protoff);
	number = (__be32 *)((char *)tcp + offset);
	inet_proto_csum_replace4(&tcp->check, skb, *number, value, false);
	*number = value;
}

void sipalg_packet_place(struct sipalg_packet *packet, u32 seen)
{
	set_number(packet, offsetof(struct tcphdr, seq),
		   htonl(unshifted(packet, seen)));
}

void sipalg_packet_acknowledge(struct sipalg_packet *packet, u32 ack)
{
	const struct nf_ct_seqadj *adj =
		seqadj_of(packet, !CTINFO2DIR(packet->ctinfo));

	if (!adj)
		return;
	/* conntrack subtracts again what is added here */
	ack += after(ack, adj->correction_pos) ? adj->offset_after :
						 adj->offset_before;
	set_number(packet, offsetof(struct tcphdr, ack_seq), htonl(ack));
}

void sipalg_packet_clear_fin(struct sipalg_packet *packet)
{
	struct tcphdr *tcp =
		(struct tcphdr *)(packet->skb->data + packet->protoff);

	/* CHECKSUM_PARTIAL since the payload was cut */
	tcp->fin = 0;
}

static bool replace_payload(struct sipalg_packet *packet, unsigned int offset,
			    const char *bytes, u32 len)
{
	unsigned int old = packet->skb->len - packet->payload;

	return __nf_nat_mangle_tcp_packet(packet->skb, packet->ct,
					  packet->ctinfo, packet->protoff,
					  offset, old - offset, bytes, len,
					  false);
}

bool sipalg_packet_blank(struct sipalg_packet *packet, unsigned int offset,
			 unsigned int len)
{
	static const char blank[] = "\r\n";
	const unsigned int blank_len = sizeof(blank) - 1;

	if (len < blank_len || !may_resize(packet) ||
	    !__nf_nat_mangle_tcp_packet(packet->skb, packet->ct,
					packet->ctinfo, packet->protoff,
					offset, len, blank, blank_len, false))
		return false;
	note_edit(packet, offset, blank_len - len);
	return true;
}

bool sipalg_packet_skip(struct sipalg_packet *packet, unsigned int len)
{
	return __nf_nat_mangle_tcp_packet(packet->skb, packet->ct,
					  packet->ctinfo, packet->protoff,
					  0, len, "", 0, false);
}

bool sipalg_packet_cut(struct sipalg_packet *packet, unsigned int len)
{
	return replace_payload(packet, len, "", 0);
}

bool sipalg_packet_replace_payload(struct sipalg_packet *packet,
				   const char *bytes, u32 len, u32 seq,
				   u32 piece)
{
	unsigned int old = packet->skb->len - packet->payload;
	struct tcphdr *tcp;

	if (!replace_payload(packet, 0, bytes, len))
		return false;
	/* CHECKSUM_PARTIAL: the checksum is completed later */
	tcp = (struct tcphdr *)(packet->skb->data + packet->protoff);
	tcp->seq = htonl(seq);
	packet->piece = max(piece, old);
	return true;
}

bool sipalg_packet_append(struct sipalg_packet *packet, const char *bytes,
			  u32 len)
{
	return replace_payload(packet, packet->skb->len - packet->payload, bytes,
			       len);
}

/* A GSO packet may have become one that needs no segmentation. */
static void count_segments(struct sk_buff *skb, unsigned int payload)
{
	struct skb_shared_info *info = skb_shinfo(skb);
	unsigned int segments;

	if (!skb_is_gso(skb))
		return;
	segments = DIV_ROUND_UP(payload, info->gso_size);
	if (segments == info->gso_segs || skb_unclone(skb, GFP_ATOMIC))
		return;
	if (segments > 1)
		skb_shinfo(skb)->gso_segs = segments;
	else
		skb_gso_reset(skb);
}

/*
 * ip_forward compared the length with the MTU before the edits, and the sender of
 * a full-sized segment cannot send a smaller one. As a GSO packet it is
 * segmented on output, with the sender's longest segment as gso_size, which fits
 * the whole path.
 */
static void segment_if_needed(struct sipalg_packet *packet)
{
	struct sk_buff *skb = packet->skb;
	struct dst_entry *dst = skb_dst(skb);
	unsigned int payload = skb->len - packet->payload;
	unsigned int piece = packet->piece ?: payload - packet->delta;

	if (!dst || skb_is_gso(skb) || skb->len <= dst_mtu(dst) ||
	    skb_unclone(skb, GFP_ATOMIC))
		return;
	piece = clamp_t(unsigned int, piece, SMALLEST_PIECE,
			dst_mtu(dst) - packet->payload);
	skb_shinfo(skb)->gso_size = piece;
	skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(payload, piece);
	skb_shinfo(skb)->gso_type = nf_ct_l3num(packet->ct) == NFPROTO_IPV4 ?
				    SKB_GSO_TCPV4 : SKB_GSO_TCPV6;
}

/*
 * SACK blocks report data behind a lost segment; conntrack shifts them like the
 * acknowledgment before them, so that a message that has grown seems to end
 * behind all data seen. Conntrack would declare the packet invalid, and the
 * router would reset the connection.
 */
static void allow_sack(struct sipalg_packet *packet)
{
	struct nf_conn *ct = packet->ct;
	const struct nf_ct_seqadj *adj = seqadj(packet);
	struct ip_ct_tcp_state *seen =
		&ct->proto.tcp.seen[CTINFO2DIR(packet->ctinfo)];
	const struct tcphdr *tcp =
		(const struct tcphdr *)(packet->skb->data + packet->protoff);
	u32 end = ntohl(tcp->seq) + packet->skb->len - packet->payload -
		  packet->delta;

	if (!adj || adj->offset_after <= adj->offset_before)
		return;
	end += adj->offset_after - adj->offset_before;
	spin_lock_bh(&ct->lock);
	if (after(end, seen->td_end))
		seen->td_end = end;
	spin_unlock_bh(&ct->lock);
}

/*
 * A packet that has grown is longer than its sender has found to pass without
 * fragments: by routers behind us, and by a NAT64, which makes it longer still.
 */
static void let_be_fragmented(struct sipalg_packet *packet)
{
	struct sk_buff *skb = packet->skb;
	struct iphdr *iph;

	skb->ignore_df = 1;
	if (nf_ct_l3num(packet->ct) != NFPROTO_IPV4 ||
	    !(ip_hdr(skb)->frag_off & htons(IP_DF)) ||
	    skb_ensure_writable(skb, skb_network_offset(skb) + sizeof(*iph)))
		return;
	iph = ip_hdr(skb);
	iph->frag_off &= ~htons(IP_DF);
	/* RFC 6864: an atomic datagram may have any number, as Linux's have 0 */
	__ip_select_ident(nf_ct_net(packet->ct), iph, 1);
	ip_send_check(iph);
}

void sipalg_apply_done(struct sipalg_packet *packet)
{
	const struct tcphdr *tcp;

	if (nf_ct_protonum(packet->ct) == IPPROTO_UDP) {
		if (packet->delta > 0)
			let_be_fragmented(packet);
		return;
	}

	if (packet->delta) {
		tcp = (const struct tcphdr *)(packet->skb->data + packet->protoff);
		/* not from the segment's first byte: bytes before may be retransmitted */
		nf_ct_seqadj_set(packet->ct, packet->ctinfo,
				 htonl(ntohl(tcp->seq) + packet->resized),
				 packet->delta);
	}
	allow_sack(packet);
	count_segments(packet->skb, packet->skb->len - packet->payload);
	if (packet->delta > 0 || packet->piece)
		segment_if_needed(packet);
}
