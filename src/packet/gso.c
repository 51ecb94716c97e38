// SPDX-License-Identifier: GPL-2.0-only
/* GSO packets: netfilter hands them over whole, but each part is edited alone. */
#include <linux/netdevice.h>
#include <linux/netfilter_bridge.h>
#include <linux/skbuff.h>
#include <net/dst.h>
#include <net/ip6_fib.h>
#include <net/route.h>
#include "core/compat.h"
#include "packet/gso.h"

/* Is it routed to another host, rather than up to a socket of the router? */
static bool is_routed_on(const struct sk_buff *skb)
{
	const struct dst_entry *dst = skb_dst(skb);

	if (skb->protocol == htons(ETH_P_IP))
		return skb_rtable(skb)->rt_type == RTN_UNICAST;
	return !(container_of(dst, const struct rt6_info, dst)->rt6i_flags &
		 (RTF_LOCAL | RTF_ANYCAST | RTF_REJECT));
}

/* Behind routing, where ip_output() has set the device that it leaves by. */
bool sipalg_is_leaving(const struct sk_buff *skb)
{
	const struct dst_entry *dst = skb_dst(skb);

	return dst && !(dst->flags & DST_FAKE_RTABLE) && skb->dev == dst->dev &&
	       !nf_bridge_info_exists(skb) && is_routed_on(skb);
}

bool sipalg_gso_segment(struct net *net, struct sk_buff *skb)
{
	struct sk_buff *segments, *segment, *next;

	if (!sipalg_is_leaving(skb))
		return false;
	segments = skb_gso_segment(skb, 0);
	if (IS_ERR_OR_NULL(segments))
		return false;

	skb_list_walk_safe(segments, segment, next) {
		skb_mark_not_on_list(segment);
		dst_output(net, segment->sk, segment);
	}
	consume_skb(skb);
	return true;
}
