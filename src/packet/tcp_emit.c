// SPDX-License-Identifier: GPL-2.0-only
#include <net/dst.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_seqadj.h>
#include <net/tcp.h>
#include "packet/gso.h"
#include "packet/scratch.h"
#include "packet/tcp_emit.h"

/* Headers find room in a packet of 64 KiB as well. */
#define MOST_PAYLOAD	61440

static bool is_whole_payload(const struct sipalg_tcp_out *out,
			     const struct sipalg_packet *packet)
{
	return out->one == sipalg_packet_payload(packet) &&
	       out->len == packet->skb->len - packet->payload;
}

static bool is_own_payload(const struct sipalg_tcp_out *out,
			   const struct sipalg_packet *packet)
{
	const char *payload = sipalg_packet_payload(packet);

	return out->one >= payload &&
	       out->one < payload + packet->skb->len - packet->payload;
}

static bool set_payload(const struct sipalg_tcp_out *out,
			struct sipalg_packet *packet, const char *payload)
{
	const char *bytes = out->one ?: sipalg_scratch()->out;

	if (payload)
		return sipalg_packet_set_payload(packet, out->one - payload,
						 out->one - payload + out->len,
						 NULL, 0);
	return sipalg_packet_set_payload(packet, 0, 0, bytes, out->len);
}

/* It has been through NAT and conntrack, and shall not go through us again. */
static void detach(struct sipalg_packet *packet)
{
	struct sk_buff *skb = packet->skb;

	if (test_bit(IPS_SEQ_ADJUST_BIT, &packet->ct->status))
		nf_ct_seq_adjust(skb, packet->ct, packet->ctinfo,
				 packet->protoff);
	nf_reset_ct(skb);
	nf_ct_set(skb, NULL, IP_CT_UNTRACKED);
}

/* A packet with the segment's headers and what there is so far. */
static bool put_before(struct sipalg_tcp_out *out,
		       const struct sipalg_packet *packet)
{
	struct sipalg_packet copy = *packet;

	if (!sipalg_is_leaving(packet->skb))
		return false;
	copy.skb = skb_copy(packet->skb, GFP_ATOMIC);
	if (!copy.skb)
		return false;
	skb_gso_reset(copy.skb);
	if (!set_payload(out, &copy, is_own_payload(out, packet) ?
				     sipalg_packet_payload(packet) : NULL)) {
		kfree_skb(copy.skb);
		return false;
	}
	sipalg_packet_clear_flags(&copy, TCP_FLAG_FIN | TCP_FLAG_URG);
	sipalg_packet_set_seq(&copy, out->seen);
	sipalg_packet_segment(&copy);
	detach(&copy);
	__skb_queue_tail(&out->before, copy.skb);
	return true;
}

static void put_one(struct sipalg_tcp_out *out, u32 seen, const char *bytes,
		    u32 len)
{
	char *room = sipalg_scratch()->out;

	if (!out->len) {
		out->seen = seen;
		out->one = bytes;
	} else if (out->one && bytes != out->one + out->len) {
		memcpy(room, out->one, out->len);
		out->one = NULL;
	}
	if (!out->one)
		memcpy(room + out->len, bytes, len);
	out->len += len;
}

void sipalg_tcp_put(struct sipalg_tcp_out *out, struct sipalg_packet *packet,
		    u32 seen, const char *bytes, u32 len)
{
	u32 room;

	while (len && !out->cut) {
		room = min(len, MOST_PAYLOAD - out->len);
		if (room) {
			put_one(out, seen, bytes, room);
		} else if (put_before(out, packet)) {
			out->len = 0;
			out->one = NULL;
		} else {
			out->cut = true;
		}
		seen += room;
		bytes += room;
		len -= room;
	}
}

bool sipalg_tcp_emit(struct sipalg_tcp_out *out, struct sipalg_packet *packet)
{
	const char *payload = sipalg_packet_payload(packet);
	bool own = out->len && is_own_payload(out, packet);

	if (is_whole_payload(out, packet))
		return true;
	if (!set_payload(out, packet, own ? payload : NULL))
		return false;
	sipalg_packet_segment(packet);
	return true;
}

void sipalg_tcp_send_before(struct sipalg_tcp_out *out, struct net *net)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(&out->before)))
		dst_output(net, skb->sk, skb);
}
