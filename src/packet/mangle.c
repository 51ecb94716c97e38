// SPDX-License-Identifier: GPL-2.0-only
/*
 * The edits of a message and its pinholes; and what a changed length entails for
 * the packet: segmentation, fragmentation. What it entails for a stream is in
 * tcp_seq.c.
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
#include "call/lru.h"
#include "call/message.h"
#include "core/compat.h"
#include "core/ct_timeout.h"
#include "core/net.h"
#include "media/description.h"
#include "media/media.h"
#include "media/media_expect.h"
#include "nat/intent.h"
#include "nat/sig_expect.h"
#include "packet/learn.h"
#include "packet/mangle.h"
#include "packet/tcp_queue.h"

/* RFC 9293 3.7.1: what every path can carry. */
#define SMALLEST_PIECE	536
#define SMALLEST_MTU	576

/* RFC 8684 3.1 */
#define MPTCP_MP_CAPABLE	0

/*
 * A packet that has grown is longer than its sender has found to pass without
 * fragments: by routers behind us, and by a NAT64, which makes it longer still.
 * A short one passes everywhere, and stays as its sender has made it.
 */
static void let_be_fragmented(struct sipalg_packet *packet)
{
	struct sk_buff *skb = packet->skb;
	struct iphdr *iph;

	skb->ignore_df = 1;
	if (skb->len <= SMALLEST_MTU || nf_ct_l3num(packet->ct) != NFPROTO_IPV4 ||
	    !(ip_hdr(skb)->frag_off & htons(IP_DF)) ||
	    skb_ensure_writable(skb, skb_network_offset(skb) + sizeof(*iph)))
		return;
	iph = ip_hdr(skb);
	iph->frag_off &= ~htons(IP_DF);
	/* RFC 6864: an atomic datagram may have any number, as Linux's have 0 */
	__ip_select_ident(nf_ct_net(packet->ct), iph, 1);
	ip_send_check(iph);
}

/* A datagram is changed where it stands. */
static void mangle(struct sipalg_packet *packet, unsigned int offset,
		   struct sip_span span, const char *text, unsigned int len)
{
	nf_nat_mangle_udp_packet(packet->skb, packet->ct, packet->ctinfo,
				 packet->protoff, offset + span.off, span.len,
				 text, len);
	if (len > span.len)
		let_be_fragmented(packet);
}

/* A datagram, as its changes need it: writable, and as much longer. */
static bool make_room(struct sipalg_packet *packet, int more)
{
	struct sk_buff *skb = packet->skb;
	int missing = more - skb_tailroom(skb);

	return !skb_ensure_writable(skb, skb->len) &&
	       (missing <= 0 || !pskb_expand_head(skb, 0, missing, GFP_ATOMIC));
}

/* Without the seqadj extension a stream's length must not change. */
static bool may_resize(const struct sipalg_packet *packet)
{
	return nf_ct_protonum(packet->ct) == IPPROTO_UDP ||
	       nfct_seqadj(packet->ct);
}

/* A message of a stream is kept until it has arrived, and sent from there. */
static bool rewrite(struct sipalg_packet *packet, const struct sip_msg *msg,
		    struct sip_span span, const char *text, unsigned int len)
{
	u32 behind = span.off + span.len;
	struct sipalg_tcp_rtx *rtx;

	rtx = packet->tcp ? sipalg_tcp_rtx_alloc(packet->tcp, msg->len -
						 span.len + len) : NULL;
	packet->rtx = rtx;
	packet->no_room = !rtx;
	if (!rtx)
		return false;
	memcpy(rtx->bytes, msg->data, span.off);
	memcpy(rtx->bytes + span.off, text, len);
	memcpy(rtx->bytes + span.off + len, msg->data + behind,
	       msg->len - behind);
	return true;
}

/*
 * The response goes to the port in the phone's Via; conntrack, which has already
 * processed the packet, knows only the port that the phone sends from.
 */
static void steer(struct sipalg_packet *packet, __be16 port)
{
	struct sk_buff *skb = packet->skb;
	struct udphdr *udp;

	udp = (struct udphdr *)(skb->data + packet->protoff);
	if (udp->check || skb->ip_summed == CHECKSUM_PARTIAL) {
		inet_proto_csum_replace2(&udp->check, skb, udp->dest, port,
					 false);
		if (!udp->check)
			udp->check = CSUM_MANGLED_0;
	}
	udp->dest = port;
}

/*
 * The new bytes are in @room, or in the copy that a stream sends, and a datagram
 * has room for them.
 */
static enum sipalg_applied acquire_edits(struct sipalg_packet *packet,
					 const struct sip_msg *msg,
					 const struct sipalg_plan *plan,
					 char *room, u32 room_len, int *len)
{
	struct sip_span span = sipalg_plan_span(plan);
	bool udp = nf_ct_protonum(packet->ct) == IPPROTO_UDP;

	*len = sipalg_plan_render(plan, msg->data, room, room_len);
	if (*len < 0 ||
	    (udp && packet->skb->len + *len - span.len > SIP_MAX_MESSAGE))
		return SIPALG_LACKS_LENGTH;
	if ((*len != span.len && !may_resize(packet)) ||
	    (udp ? !make_room(packet, *len - span.len) :
		   !rewrite(packet, msg, span, room, *len)))
		return SIPALG_LACKS_ROOM;
	return SIPALG_APPLIED;
}

/* In full tables others' calls make room for one of a host that has less. */
static int open_media(struct sipalg_call *call, const struct sipalg_flow *flow)
{
	int err;

	if (sipalg_lru_must_wait(call))
		return -EMFILE;
	do {
		err = sipalg_media_sync(call, flow);
	} while ((err == -EMFILE || err == -ENFILE) &&
		 sipalg_lru_make_room(call));
	return err;
}

/*
 * Media may arrive as soon as the message has left. What is open beyond the plan's
 * own is repaired if it can be.
 */
static enum sipalg_applied acquire_pinholes(const struct sipalg_flow *flow,
					    const struct sipalg_plan *plan)
{
	if (plan->repairs && plan->followed)
		sipalg_media_repair(plan->call, flow);
	switch (plan->pinholes ? open_media(plan->call, flow) : 0) {
	case 0:
		return SIPALG_APPLIED;
	case -EBUSY:
	case -EALREADY:
		return SIPALG_LACKS_PORT;
	case -EMFILE:
		return SIPALG_LACKS_EXPECTATION;
	case -ENFILE:
		return SIPALG_LACKS_CONNTRACK;
	default:
		return SIPALG_LACKS_PINHOLE;
	}
}

/* Whom the message calls again was over, and is gone now. */
static void end_former(struct sipalg_plan *plan)
{
	struct sipalg_call *call = plan->former;

	if (!call)
		return;
	plan->former = NULL;
	sipalg_call_end(call, call->reason);
	spin_unlock_bh(&call->lock);
	sipalg_call_put(call);
}

static enum sipalg_applied begin_call(const struct sipalg_flow *flow,
				      struct sipalg_plan *plan)
{
	switch (sipalg_call_link(plan->call, flow)) {
	case 0:
		plan->prepared = false;
		plan->created = true;
		return SIPALG_APPLIED;
	case -EEXIST:
		return SIPALG_LOST_RACE;
	case -EDQUOT:
		return SIPALG_LACKS_CALL;
	default:
		return SIPALG_LACKS_MEMORY;
	}
}

static enum sipalg_applied acquire_call(const struct sipalg_flow *flow,
					const struct sip_msg *msg,
					struct sipalg_plan *plan)
{
	enum sipalg_applied lack = SIPALG_APPLIED;

	end_former(plan);
	if (plan->prepared)
		lack = begin_call(flow, plan);
	if (!lack && plan->call && !plan->taken_in)
		sipalg_call_acquire(plan->call, msg, plan);
	return lack;
}

static enum sipalg_applied acquire_streams(const struct sipalg_flow *flow,
					   struct sipalg_plan *plan)
{
	if (!plan->describes || plan->taken_in)
		return SIPALG_APPLIED;
	switch (sipalg_description_acquire(plan->call, flow, plan)) {
	case SIPALG_REASON_NONE:
		return SIPALG_APPLIED;
	case SIPALG_REASON_TOO_MANY_MEDIA:
		return SIPALG_LACKS_PLACE;
	case SIPALG_REASON_NO_PORT_PAIR:
		return SIPALG_LACKS_PORT;
	default:
		return SIPALG_LACKS_STREAM;
	}
}

/* All that may fail before the call takes the message in. */
static enum sipalg_applied acquire(struct sipalg_packet *packet,
				   const struct sipalg_flow *flow,
				   const struct sip_msg *msg,
				   struct sipalg_plan *plan,
				   char *room, u32 room_len, int *len)
{
	enum sipalg_applied lack = acquire_call(flow, msg, plan);

	if (!lack && !sipalg_intents_acquire(plan->intents, flow))
		lack = SIPALG_LACKS_MAPPING;
	lack = lack ?: acquire_streams(flow, plan);
	if (lack || !plan->edit_count)
		return lack;
	if (!sipalg_plan_finish(plan, msg))
		return SIPALG_LACKS_EDITS;
	/* ports may be what they were */
	return plan->edit_count ?
		       acquire_edits(packet, msg, plan, room, room_len, len) :
		       SIPALG_APPLIED;
}

/* The message does not leave so. */
static void release(struct sipalg_packet *packet, struct sipalg_plan *plan)
{
	sipalg_intents_release(plan->intents);
	if (plan->call && !plan->prepared && !plan->taken_in) {
		if (plan->describes)
			sipalg_description_release(plan->call, plan);
		sipalg_call_release(plan->call, plan);
	}
	if (!packet->rtx)
		return;
	sipalg_tcp_rtx_free(packet->tcp, packet->rtx);
	packet->rtx = NULL;
}

/* Last of what may fail, since packets may come through them at once. */
static enum sipalg_applied take_in(const struct sipalg_flow *flow,
				   const struct sip_msg *msg,
				   struct sipalg_plan *plan)
{
	if (plan->call && !plan->taken_in)
		sipalg_call_take_in(plan->call, flow, msg, plan);
	return acquire_pinholes(flow, plan);
}

/* What the message means, while its bytes are still as they came. */
static void commit(struct sipalg_packet *packet, const struct sipalg_flow *flow,
		   const struct sip_msg *msg, struct sipalg_plan *plan)
{
	bool in_use = plan->followed && plan->call->linked;

	sipalg_intents_commit(plan->intents, flow, msg, plan->call);
	sipalg_learn(flow, msg, plan);
	if (in_use && plan->names_parties)
		sipalg_sig_expect_learn(plan->call, plan, flow, msg);
	if (plan->call)
		sipalg_sig_expect_sync(plan->call, flow);
	if (plan->keep)
		sipalg_ct_timeout_extend(packet->ct, plan->keep);
	if (in_use)
		sipalg_ct_timeout_get(flow->sn, &plan->call->signalling,
				      packet->ct);
	if (!plan->edit_count)
		return;
	sipalg_count(flow->sn, translated);
	/* RFC 8224: without translation there would be no call to authenticate */
	if (msg->identity)
		sipalg_count(flow->sn, identity_changed);
}

/* It has the room that it needs: this does not fail. */
static void edit(struct sipalg_packet *packet, unsigned int offset,
		 const struct sipalg_plan *plan, const char *room, int len)
{
	if (nf_ct_protonum(packet->ct) == IPPROTO_UDP)
		mangle(packet, offset, sipalg_plan_span(plan), room, len);
	if (plan->sent_by)
		steer(packet, htons(plan->sent_by));
}

enum sipalg_applied sipalg_apply(struct sipalg_packet *packet,
				 const struct sipalg_flow *flow,
				 unsigned int offset,
				 const struct sip_msg *msg,
				 struct sipalg_plan *plan,
				 char *room, u32 room_len)
{
	enum sipalg_applied lack;
	int len = 0;

	lack = acquire(packet, flow, msg, plan, room, room_len, &len) ?:
	       take_in(flow, msg, plan);
	if (lack) {
		release(packet, plan);
		return lack;
	}
	commit(packet, flow, msg, plan);
	if (plan->edit_count)
		edit(packet, offset, plan, room, len);
	return SIPALG_APPLIED;
}

void sipalg_apply_call(const struct sipalg_flow *flow, const struct sip_msg *msg,
		       struct sipalg_plan *plan)
{
	if (acquire_call(flow, msg, plan) == SIPALG_APPLIED)
		sipalg_call_take_in(plan->call, flow, msg, plan);
}

bool sipalg_packet_set_payload(struct sipalg_packet *packet, unsigned int from,
			       unsigned int until, const char *bytes, u32 len)
{
	struct sk_buff *skb = packet->skb;
	unsigned int old = skb->len - packet->payload;

	packet->piece = max(packet->piece, old);
	if ((until < old || len) &&
	    !__nf_nat_mangle_tcp_packet(skb, packet->ct, packet->ctinfo,
					packet->protoff, until, old - until,
					bytes, len, false))
		return false;
	return !from ||
	       __nf_nat_mangle_tcp_packet(skb, packet->ct, packet->ctinfo,
					  packet->protoff, 0, from, NULL, 0,
					  false);
}

/* Another word in the TCP header, which is writable, and in its checksum. */
static void set_word(struct sipalg_packet *packet, __be32 *word, __be32 value)
{
	if (*word == value)
		return;
	inet_proto_csum_replace4(&sipalg_packet_tcp(packet)->check, packet->skb,
				 *word, value, false);
	*word = value;
}

void sipalg_packet_set_seq(struct sipalg_packet *packet, u32 seq)
{
	set_word(packet, &sipalg_packet_tcp(packet)->seq, htonl(seq));
}

void sipalg_packet_set_ack(struct sipalg_packet *packet, u32 ack)
{
	set_word(packet, &sipalg_packet_tcp(packet)->ack_seq, htonl(ack));
}

void sipalg_packet_set_urgent(struct sipalg_packet *packet, u16 urgent)
{
	struct tcphdr *tcp = sipalg_packet_tcp(packet);
	__be16 value = htons(urgent);

	inet_proto_csum_replace2(&tcp->check, packet->skb, tcp->urg_ptr, value,
				 false);
	tcp->urg_ptr = value;
}

void sipalg_packet_clear_flags(struct sipalg_packet *packet, __be32 flags)
{
	__be32 *word = &tcp_flag_word(sipalg_packet_tcp(packet));

	set_word(packet, word, *word & ~flags);
}

void sipalg_packet_make_reset(struct sipalg_packet *packet, u32 seq)
{
	__be32 *word = &tcp_flag_word(sipalg_packet_tcp(packet));

	sipalg_packet_clear_flags(packet, TCP_FLAG_PSH | TCP_FLAG_URG);
	set_word(packet, word, *word | TCP_FLAG_RST);
	sipalg_packet_set_seq(packet, seq);
}

void sipalg_packet_header_changed(struct sipalg_packet *packet, const u8 *now,
				  const u8 *old, unsigned int len)
{
	struct tcphdr *tcp = sipalg_packet_tcp(packet);
	unsigned int i, at = now - (u8 *)tcp;

	for (i = 0; i < len; i++, at++) {
		u8 shift = at % 2 ? 0 : 8;

		if (now[i] != old[i])
			inet_proto_csum_replace2(&tcp->check, packet->skb,
						 htons(old[i] << shift),
						 htons(now[i] << shift), false);
	}
}

u8 *sipalg_packet_option(const struct sipalg_packet *packet, u8 kind)
{
	struct tcphdr *tcp = sipalg_packet_tcp(packet);
	u8 *p = (u8 *)(tcp + 1), *end = (u8 *)tcp + tcp->doff * 4;

	while (p < end && *p != TCPOPT_EOL) {
		if (*p == TCPOPT_NOP) {
			p++;
			continue;
		}
		if (end - p < 2 || p[1] < 2 || p[1] > end - p)
			return NULL;
		if (*p == kind)
			return p;
		p += p[1];
	}
	return NULL;
}

bool sipalg_packet_is_mptcp(struct sipalg_packet *packet)
{
	u8 *mptcp = sipalg_packet_option(packet, TCPOPT_MPTCP);
	u8 old[MAX_TCP_OPTION_SPACE];
	u8 len;

	if (!mptcp || mptcp[1] < 3)
		return false;
	if (mptcp[2] >> 4 != MPTCP_MP_CAPABLE)
		return true;
	len = mptcp[1];
	memcpy(old, mptcp, len);
	memset(mptcp, TCPOPT_NOP, len);
	sipalg_packet_header_changed(packet, mptcp, old, len);
	return false;
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
	unsigned int piece = packet->piece;

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

void sipalg_packet_segment(struct sipalg_packet *packet)
{
	count_segments(packet->skb, packet->skb->len - packet->payload);
	segment_if_needed(packet);
}
