// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entry point of packets: framing -> parse -> decide -> apply.
 */
#include <linux/ipv6.h>
#include <linux/ip.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ipv6.h>
#include "core/addr_scope.h"
#include "core/compat.h"
#include "core/ct_timeout.h"
#include "core/net.h"
#include "nat/expect.h"
#include "nat/mapping.h"
#include "packet/gso.h"
#include "packet/helper.h"
#include "packet/mangle.h"
#include "packet/pipeline.h"
#include "packet/scratch.h"
#include "packet/tcp_queue.h"
#include "packet/tcp_stream.h"
#include "sip/frame.h"

#define ROOM_TO_GROW	16384	/* of a packet of many messages */

static const struct nf_conntrack_expect_policy policies[SIPALG_CLASS_MAX] = {
	[SIPALG_CLASS_SIGNALLING] = {
		.name = "signalling",
		.max_expected = NF_CT_EXPECT_MAX_CNT,
		.timeout = SIPALG_EXPECT_TIMEOUT,
	},
	[SIPALG_CLASS_RTP] = {
		.name = "media",
		.max_expected = NF_CT_EXPECT_MAX_CNT,
		.timeout = SIPALG_EXPECT_TIMEOUT,
	},
	[SIPALG_CLASS_RTCP] = {
		.name = "media",
		.max_expected = NF_CT_EXPECT_MAX_CNT,
		.timeout = SIPALG_EXPECT_TIMEOUT,
	},
};

/* Of what is not SIP no length is too much. */
static int too_long(struct sipalg_packet *packet,
		    const struct sipalg_flow *flow, unsigned int len)
{
	if (sip_frame_datagram(sipalg_packet_payload(packet), len) !=
	    SIP_FRAME_MESSAGE)
		return NF_ACCEPT;
	return sipalg_message_unchanged(flow, SIPALG_REASON_TOO_LONG);
}

static int datagram(struct sipalg_packet *packet,
		    const struct sipalg_flow *flow)
{
	const struct udphdr *udp;
	unsigned int len;

	packet->payload = packet->protoff + sizeof(*udp);
	if (packet->payload > packet->skb->len)
		return NF_ACCEPT;
	udp = (const struct udphdr *)(packet->skb->data + packet->protoff);
	len = packet->skb->len - packet->payload;

	/* the mangle functions take all of the skb for payload */
	if (ntohs(udp->len) != len + sizeof(*udp))
		return sipalg_message_unchanged(flow, SIPALG_REASON_PARSE_ERROR);
	if (len > sipalg_setting(flow->sn, SIPALG_MAX_MESSAGE))
		return too_long(packet, flow, len);
	return sipalg_message(packet, flow, sipalg_packet_payload(packet), 0,
			      len);
}

/*
 * The bytes are held, the packet is dropped. A local sender would stop on an error,
 * so it must not see one.
 */
static int held_back(struct sk_buff *skb)
{
	if (!skb->sk || !sk_fullsock(skb->sk))
		return NF_DROP;
	consume_skb(skb);
	return NF_STOLEN;
}

static int segment(struct sipalg_packet *packet,
		   const struct sipalg_flow *flow)
{
	const struct tcphdr *tcp;
	int verdict;

	if (packet->protoff + sizeof(*tcp) > packet->skb->len)
		return NF_ACCEPT;
	tcp = (const struct tcphdr *)(packet->skb->data + packet->protoff);
	packet->payload = packet->protoff + tcp->doff * 4;
	if (tcp->doff * 4 < sizeof(*tcp) || packet->payload > packet->skb->len)
		return NF_ACCEPT;
	verdict = sipalg_tcp_segment(packet, flow);
	return verdict == SIPALG_HELD ? held_back(packet->skb) : verdict;
}

static u8 protocol_of(const struct sk_buff *skb, const struct nf_conn *ct)
{
	__be16 frag_off;
	u8 nexthdr;

	if (nf_ct_l3num(ct) == NFPROTO_IPV4)
		return ip_hdr(skb)->protocol;
	nexthdr = ipv6_hdr(skb)->nexthdr;
	ipv6_skip_exthdr(skb, sizeof(struct ipv6hdr), &nexthdr, &frag_off);
	return nexthdr;
}

/* ICMP errors of a flow come by here too; on lo each packet comes twice. */
static bool is_ours(const struct sk_buff *skb, const struct nf_conn *ct,
		    unsigned int protoff)
{
	return protoff < skb->len && !nf_is_loopback_packet(skb) &&
	       protocol_of(skb, ct) == nf_ct_protonum(ct);
}

static int burst(struct sk_buff *skb, const struct sipalg_flow *flow)
{
	if (sipalg_gso_segment(nf_ct_net(flow->ct), skb))
		return NF_STOLEN;
	return sipalg_message_unchanged(flow, SIPALG_REASON_GSO);
}

/*
 * A datagram can pass unchanged. After an unread TCP segment the next message
 * boundary is not known; and it will be retransmitted.
 */
static int unreadable(const struct sipalg_flow *flow)
{
	if (flow->l4proto == IPPROTO_UDP)
		return sipalg_message_unchanged(flow, SIPALG_REASON_NO_MEMORY);
	return sipalg_message_drop(flow, SIPALG_REASON_NO_MEMORY);
}

/* What grows in a packet of many segments must not outgrow the longest packet. */
static bool is_full(const struct sk_buff *skb, const struct sipalg_flow *flow)
{
	return skb_is_gso(skb) && skb->len > SIP_MAX_MESSAGE - ROOM_TO_GROW &&
	       sipalg_tcp_may_rewrite(flow);
}

static int packet(struct sk_buff *skb, unsigned int protoff,
		  struct nf_conn *ct, enum ip_conntrack_info ctinfo,
		  struct sipalg_net *sn)
{
	struct sipalg_packet packet = {
		.skb = skb,
		.ct = ct,
		.ctinfo = ctinfo,
		.protoff = protoff,
	};
	struct sipalg_flow flow;
	int verdict;

	sipalg_ct_timeout_refresh(sn, ct);
	if (nf_ct_protonum(ct) == IPPROTO_TCP &&
	    sipalg_tcp_only_acknowledges(skb, protoff))
		return skb_linearize(skb) ? NF_DROP : segment(&packet, NULL);
	sipalg_flow_init(&flow, sn, ct, CTINFO2DIR(ctinfo));
	sipalg_domain_init(&flow.domain, skb);
	if (READ_ONCE(sn->zoned))
		sipalg_mapping_zone(&flow);

	if (nf_ct_protonum(ct) == IPPROTO_UDP && skb_is_gso(skb))
		return burst(skb, &flow);
	if (is_full(skb, &flow) && sipalg_gso_segment(nf_ct_net(ct), skb))
		return NF_STOLEN;
	if (skb_linearize(skb))
		return unreadable(&flow);

	if (nf_ct_protonum(ct) == IPPROTO_TCP)
		return segment(&packet, &flow);
	sipalg_scratch_get();
	verdict = datagram(&packet, &flow);
	sipalg_scratch_put();
	return verdict;
}

/* A stream whose numbers are shifted is so to its end, whatever the mode. */
static bool is_wanted(const struct sipalg_net *sn, struct nf_conn *ct)
{
	return sipalg_setting(sn, SIPALG_MODE) != SIPALG_MODE_OFF ||
	       (nf_ct_protonum(ct) == IPPROTO_TCP && sipalg_tcp_is_shifted(ct));
}

static int help(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
		enum ip_conntrack_info ctinfo)
{
	struct sipalg_net *sn = sipalg_net_get(nf_ct_net(ct));
	int verdict;

	if (!sn || !nfct_help(ct) || !is_ours(skb, ct, protoff) ||
	    !is_wanted(sn, ct))
		return NF_ACCEPT;
	if (nf_ct_protonum(ct) == IPPROTO_TCP && sipalg_tcp_leaving())
		return NF_DROP;

	local_bh_disable();
	verdict = packet(skb, protoff, ct, ctinfo, sn);
	local_bh_enable();
	return verdict;
}

static struct nf_conntrack_helper helpers[2];
static struct nf_conntrack_helper *registered[2];
static const u8 l4protos[2] = { IPPROTO_UDP, IPPROTO_TCP };

/* Old kernels would take a second helper of the same name and use either. */
static bool name_taken(const char *name, u8 l4proto)
{
	bool taken;

	rcu_read_lock();
	taken = __nf_conntrack_helper_find(name, NFPROTO_IPV4, l4proto) ||
		__nf_conntrack_helper_find(name, NFPROTO_IPV6, l4proto);
	rcu_read_unlock();
	return taken;
}

int sipalg_helper_register(const char *name)
{
	int i, err;

	err = sipalg_scratch_init();
	if (err)
		return err;

	for (i = 0; i < ARRAY_SIZE(helpers); i++) {
		err = -EBUSY;
		if (name_taken(name, l4protos[i]))
			goto err_registered;
		sipalg_compat_helper_init(&helpers[i], l4protos[i], name,
					  policies, SIPALG_CLASS_MAX - 1, help);
		err = sipalg_compat_helper_register(&helpers[i], &registered[i]);
		if (err)
			goto err_registered;
		sipalg_expect_helpers[i] = registered[i];
	}
	return 0;

err_registered:
	while (i--)
		nf_conntrack_helper_unregister(registered[i]);
	sipalg_scratch_exit();
	return err;
}

void sipalg_helper_unregister(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(helpers); i++)
		nf_conntrack_helper_unregister(registered[i]);
	synchronize_rcu();
	sipalg_scratch_exit();
}

struct nf_conntrack_helper *sipalg_helper_of_udp(void)
{
	return registered[0];
}
