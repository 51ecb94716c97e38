// SPDX-License-Identifier: GPL-2.0-only
/*
 * A packet's one way: framing -> parse -> decide -> apply.
 *
 * The index, the plan and the new bytes of a message are too large for the
 * stack: each CPU has a set of them, used with BH off and not across packets.
 */
#include <linux/ipv6.h>
#include <linux/ip.h>
#include <linux/percpu.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack_seqadj.h>
#include "apply.h"
#include "compat.h"
#include "decide.h"
#include "flow_data.h"
#include "helper.h"
#include "keep.h"
#include "net.h"
#include "pinhole.h"
#include "sip_frame.h"
#include "tcp_stream.h"

/* What one message at a time needs. */
struct workbench {
	struct sip_msg msg;
	struct sipalg_plan plan;
	char room[SIP_MAX_MESSAGE];
};

static DEFINE_PER_CPU(struct workbench *, workbenches);

/* Pinholes are closed by their owners, never by a policy's timeout. */
#define POLICY_TIMEOUT	(10 * 24 * 3600)

static const struct nf_conntrack_expect_policy policies[SIPALG_CLASS_MAX] = {
	[SIPALG_CLASS_SIGNALLING] = {
		.name = "signalling",
		.max_expected = NF_CT_EXPECT_MAX_CNT,
		.timeout = POLICY_TIMEOUT,
	},
	[SIPALG_CLASS_MEDIA] = {
		.name = "media",
		.max_expected = NF_CT_EXPECT_MAX_CNT,
		.timeout = POLICY_TIMEOUT,
	},
};

static void count_unchanged(const struct sipalg_flow *flow,
			    enum sipalg_message_reason reason)
{
	if (reason)
		sipalg_count(flow->sn, passed_unchanged[reason]);
}

static int drop(const struct sipalg_flow *flow,
		enum sipalg_message_reason reason)
{
	sipalg_count(flow->sn, dropped[reason]);
	net_info_ratelimited("sipalg: message dropped: %s\n",
			     sipalg_reason_word(reason));
	return NF_DROP;
}

/* Parse failed: pass unchanged, or drop what claims to be SIP if so set. */
static int not_understood(const struct sipalg_flow *flow,
			  enum sip_result result)
{
	static const u8 reasons[] = {
		[SIP_NOT_SIP] = SIPALG_REASON_NOT_SIP,
		[SIP_MALFORMED] = SIPALG_REASON_PARSE_ERROR,
		[SIP_TOO_MANY] = SIPALG_REASON_TOO_LONG,
	};

	if (result == SIP_MALFORMED &&
	    sipalg_setting(flow->sn, SIPALG_UNKNOWN_MESSAGE) == SIPALG_DROP)
		return drop(flow, SIPALG_REASON_PARSE_ERROR);
	count_unchanged(flow, reasons[result]);
	return NF_ACCEPT;
}

/* One message at @offset of the payload, @len bytes long. */
static int message(struct sipalg_packet *packet, const struct sipalg_flow *flow,
		   unsigned int offset, u32 len)
{
	struct workbench *bench = this_cpu_read(workbenches);
	struct sipalg_plan *plan = &bench->plan;
	enum sip_result result;
	int verdict = NF_ACCEPT;

	result = sip_parse(packet->skb->data + packet->payload + offset, len,
			   &bench->msg);
	if (result != SIP_OK)
		return not_understood(flow, result);

	sipalg_decide(flow, &bench->msg, plan);
	sipalg_count_message(flow->sn, &bench->msg, plan->retransmitted);

	if (plan->verdict == SIPALG_VERDICT_DROP)
		verdict = drop(flow, plan->reason);
	else if (sipalg_apply(packet, flow, offset, &bench->msg, plan,
			      bench->room, sizeof(bench->room)))
		verdict = drop(flow, plan->reason);
	else
		count_unchanged(flow, plan->reason);

	sipalg_decide_done(plan);
	return verdict;
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
	if (ntohs(udp->len) != len + sizeof(*udp)) {
		count_unchanged(flow, SIPALG_REASON_PARSE_ERROR);
		return NF_ACCEPT;
	}
	if (sip_frame_datagram(packet->skb->data + packet->payload, len) !=
	    SIP_FRAME_MESSAGE)
		return NF_ACCEPT;
	if (len > sipalg_setting(flow->sn, SIPALG_MAX_MESSAGE)) {
		count_unchanged(flow, SIPALG_REASON_TOO_LONG);
		return NF_ACCEPT;
	}
	return message(packet, flow, 0, len);
}

/* Whole messages from @offset on; the stream's boundary moves along. */
static int messages(struct sipalg_packet *packet,
		    const struct sipalg_flow *flow,
		    struct sipalg_segment *segment)
{
	u32 max_len = sipalg_setting(flow->sn, SIPALG_MAX_MESSAGE);
	u32 len;

	while (sipalg_segment_left(segment)) {
		/* earlier messages of the segment may have moved this one */
		unsigned int offset = segment->offset + packet->delta;
		int verdict;

		switch (sip_frame_stream(packet->skb->data + packet->payload +
					 offset, sipalg_segment_left(segment),
					 max_len, &len)) {
		case SIP_FRAME_MESSAGE:
			sipalg_count(flow->sn, tcp[SIPALG_TCP_MESSAGES]);
			verdict = message(packet, flow, offset, len);
			if (verdict != NF_ACCEPT)
				return verdict;
			sipalg_segment_advance(segment, len);
			break;
		case SIP_FRAME_KEEPALIVE:
			sipalg_count(flow->sn, tcp[SIPALG_TCP_KEEPALIVES]);
			sipalg_segment_advance(segment, len);
			break;
		case SIP_FRAME_MORE:
			sipalg_count(flow->sn, tcp[SIPALG_TCP_SPLIT]);
			count_unchanged(flow, SIPALG_REASON_SPLIT_MESSAGE);
			sipalg_segment_skip(segment, len);
			return NF_ACCEPT;
		default:
			sipalg_count(flow->sn, tcp[SIPALG_TCP_FOREIGN]);
			sipalg_segment_foreign(segment);
			return NF_ACCEPT;
		}
	}
	return NF_ACCEPT;
}

static int segment(struct sipalg_packet *packet,
		   const struct sipalg_flow *flow)
{
	struct sipalg_segment segment;
	const struct tcphdr *tcp;
	int verdict;

	if (packet->protoff + sizeof(*tcp) > packet->skb->len)
		return NF_ACCEPT;
	tcp = (const struct tcphdr *)(packet->skb->data + packet->protoff);
	packet->payload = packet->protoff + tcp->doff * 4;
	if (packet->payload > packet->skb->len)
		return NF_ACCEPT;

	if (!sipalg_segment_begin(&segment, packet->ct, tcp,
				  CTINFO2DIR(packet->ctinfo),
				  packet->skb->len - packet->payload))
		return NF_ACCEPT;
	verdict = messages(packet, flow, &segment);
	sipalg_segment_end(&segment);
	return verdict;
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

	sipalg_keep_refresh(ct);
	sipalg_flow_init(&flow, sn, ct, CTINFO2DIR(ctinfo));

	if (nf_ct_protonum(ct) == IPPROTO_UDP && skb_is_gso(skb)) {
		/* several datagrams in one: their lengths cannot be changed */
		count_unchanged(&flow, SIPALG_REASON_GSO);
		return NF_ACCEPT;
	}
	if (skb_linearize(skb)) {
		count_unchanged(&flow, SIPALG_REASON_NO_MEMORY);
		return NF_ACCEPT;
	}

	verdict = nf_ct_protonum(ct) == IPPROTO_UDP ?
		  datagram(&packet, &flow) : segment(&packet, &flow);
	if (verdict == NF_ACCEPT)
		sipalg_apply_done(&packet);
	return verdict;
}

static int help(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
		enum ip_conntrack_info ctinfo)
{
	struct sipalg_net *sn = sipalg_net_get(nf_ct_net(ct));
	int verdict;

	if (!sn || sipalg_setting(sn, SIPALG_MODE) == SIPALG_MODE_OFF ||
	    !nfct_help(ct) || !is_ours(skb, ct, protoff))
		return NF_ACCEPT;

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

static void free_workbenches(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		kvfree(per_cpu(workbenches, cpu));
}

static int alloc_workbenches(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct workbench *bench = kvmalloc(sizeof(*bench), GFP_KERNEL);

		if (!bench) {
			free_workbenches();
			return -ENOMEM;
		}
		per_cpu(workbenches, cpu) = bench;
	}
	return 0;
}

int sipalg_helper_register(const char *name)
{
	int i, err;

	err = alloc_workbenches();
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
	}
	return 0;

err_registered:
	while (i--)
		nf_conntrack_helper_unregister(registered[i]);
	free_workbenches();
	return err;
}

void sipalg_helper_unregister(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(helpers); i++)
		nf_conntrack_helper_unregister(registered[i]);
	synchronize_rcu();
	free_workbenches();
}
