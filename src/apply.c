// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one mangle call of a message, its pinholes, and what a changed length
 * entails: sequence numbers, segmentation, fragmentation.
 */
#include <linux/ip.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/dst.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_seqadj.h>
#include <net/netfilter/nf_nat_helper.h>
#include "apply.h"
#include "call.h"
#include "compat.h"
#include "keep.h"
#include "net.h"

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

/* Without a place to note it, a stream's length must not change. */
static bool may_resize(const struct sipalg_packet *packet)
{
	return nf_ct_protonum(packet->ct) == IPPROTO_UDP ||
	       nfct_seqadj(packet->ct);
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
	packet->delta += len - span.len;
	return true;
}

enum sipalg_applied sipalg_apply(struct sipalg_packet *packet,
				 const struct sipalg_flow *flow,
				 unsigned int offset,
				 const struct sip_msg *msg,
				 struct sipalg_plan *plan,
				 char *room, u32 room_len)
{
	int err;

	if (plan->edit_count &&
	    !apply_edits(packet, offset, msg, plan, room, room_len))
		return SIPALG_APPLY_FAILED;

	if (plan->call && plan->pinholes) {
		err = sipalg_media_sync(plan->call, flow);
		if (err) {
			plan->reason = err == -EBUSY || err == -EALREADY ?
				SIPALG_REASON_NO_PORT_PAIR :
				SIPALG_REASON_NO_MEMORY;
			return SIPALG_APPLY_FAILED;
		}
	}
	if (plan->keep)
		sipalg_keep_until(packet->ct, plan->keep);
	if (plan->edit_count)
		sipalg_count(flow->sn, translated);
	return SIPALG_APPLIED;
}

/*
 * ip_forward has compared the length with the MTU before we changed it, and
 * whoever sent a full-sized segment cannot send a smaller one to please us.
 * As a GSO packet it is cut into two on the way out.
 */
static void segment_if_needed(struct sipalg_packet *packet)
{
	struct sk_buff *skb = packet->skb;
	struct dst_entry *dst = skb_dst(skb);
	unsigned int old_payload;

	if (!dst || skb_is_gso(skb) || skb->len <= dst_mtu(dst))
		return;
	old_payload = skb->len - packet->payload - packet->delta;
	if (!old_payload || skb_unclone(skb, GFP_ATOMIC))
		return;
	skb_shinfo(skb)->gso_size = old_payload;
	skb_shinfo(skb)->gso_segs =
		DIV_ROUND_UP(skb->len - packet->payload, old_payload);
	skb_shinfo(skb)->gso_type = nf_ct_l3num(packet->ct) == NFPROTO_IPV4 ?
				    SKB_GSO_TCPV4 : SKB_GSO_TCPV6;
}

void sipalg_apply_done(struct sipalg_packet *packet)
{
	const struct tcphdr *tcp;

	if (!packet->delta)
		return;

	if (nf_ct_protonum(packet->ct) == IPPROTO_UDP) {
		if (packet->delta > 0)
			packet->skb->ignore_df = 1;
		return;
	}

	tcp = (const struct tcphdr *)(packet->skb->data + packet->protoff);
	nf_ct_seqadj_set(packet->ct, packet->ctinfo, tcp->seq, packet->delta);
	if (packet->delta > 0)
		segment_if_needed(packet);
}
