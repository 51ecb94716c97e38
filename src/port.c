// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hash by public address and RTP port. It keeps two calls on two CPUs from
 * choosing the same pair before their pinholes are in conntrack's table.
 */
#include <linux/random.h>
#include <linux/siphash.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include "binding.h"
#include "compat.h"
#include "media.h"
#include "net.h"
#include "port.h"

#define PORT_ATTEMPTS	128

static struct hlist_head *bucket(struct sipalg_net *sn,
				 const union nf_inet_addr *ip, u16 port)
{
	u64 hash = siphash_4u32((__force u32)ip->all[0], (__force u32)ip->all[1],
				(__force u32)ip->all[2] ^ (__force u32)ip->all[3],
				port, &sn->key);

	return &sn->ports[hash & ((1 << SIPALG_PORT_HASH_BITS) - 1)];
}

static struct sipalg_media *find(struct sipalg_net *sn,
				 const union nf_inet_addr *ip, u16 port)
{
	struct sipalg_media *media;

	hlist_for_each_entry(media, bucket(sn, ip, port), port_node)
		if (ntohs(media->public_port[SIPALG_RTP]) == port &&
		    sipalg_ip_equal(&media->public, ip))
			return media;
	return NULL;
}

/* Expectations of other helpers, or of a call on another CPU. */
static bool expected_by_another(const struct sipalg_flow *flow,
				const struct sipalg_media *media, u16 port)
{
	struct nf_conntrack_tuple tuple = {
		.src.l3num = media->family,
		.dst.u3 = media->public,
		.dst.u.udp.port = htons(port),
		.dst.protonum = media->l4proto,
	};

	return __nf_ct_expect_find(nf_ct_net(flow->ct), nf_ct_zone(flow->ct),
				   &tuple);
}

/*
 * A pinhole for media where signalling has its own, or may have one later,
 * would be refused, and the message with it.
 */
static bool is_signalling(const struct sipalg_flow *flow,
			  const struct sipalg_media *media, u16 port)
{
	const struct sipalg_addr addr = { media->public, htons(port) };

	return sipalg_addr_equal(&addr, &flow->src_seen) ||
	       sipalg_binding_at(flow->sn, flow->family, media->l4proto, &addr);
}

/* For the media's own ports, and @more pairs behind them. */
static bool is_free(const struct sipalg_flow *flow,
		    const struct sipalg_media *media, u16 port, u16 more)
{
	struct sipalg_media *below = find(flow->sn, &media->public, port - 1);
	unsigned int i;

	if (below && below->ports > 1)
		return false;
	for (i = 0; i < media->ports + 2 * more; i++)
		if (find(flow->sn, &media->public, port + i) ||
		    is_signalling(flow, media, port + i) ||
		    expected_by_another(flow, media, port + i))
			return false;
	return true;
}

/* A random port of the range with the parity of the private one. */
static u16 random_port(u16 low, u16 high, u16 parity)
{
	u16 first = low + ((low ^ parity) & 1);

	return first + 2 * get_random_u32_below((high - first) / 2 + 1);
}

static u16 choose(const struct sipalg_flow *flow,
		  const struct sipalg_media *media, u16 more)
{
	u32 range = sipalg_setting(flow->sn, SIPALG_MEDIA_PORTS);
	u16 low = range >> 16, high = range & 0xffff;
	u16 wish = ntohs(media->private_port[SIPALG_RTP]), port = wish;
	u16 last = media->ports - 1 + 2 * more;
	unsigned int i;

	if (high - low < last)
		return 0;
	high -= last;
	for (i = 0; i < PORT_ATTEMPTS; i++) {
		if (port >= low && port <= high &&
		    is_free(flow, media, port, more))
			return port;
		port = random_port(low, high, wish);
	}
	return 0;
}

static void take(struct sipalg_net *sn, struct sipalg_media *media, u16 port)
{
	media->public_port[SIPALG_RTP] = htons(port);
	media->public_port[SIPALG_RTCP] = htons(port + 1);
	hlist_add_head(&media->port_node, bucket(sn, &media->public, port));
}

bool sipalg_port_reserve(const struct sipalg_flow *flow,
			 struct sipalg_media *media, u16 pairs)
{
	struct sipalg_net *sn = flow->sn;
	u16 port;

	spin_lock_bh(&sn->port_lock);
	port = choose(flow, media, pairs - 1);
	if (port)
		take(sn, media, port);
	spin_unlock_bh(&sn->port_lock);
	return port;
}

bool sipalg_port_claim(const struct sipalg_flow *flow,
		       struct sipalg_media *media, u16 port)
{
	struct sipalg_net *sn = flow->sn;
	bool free;

	spin_lock_bh(&sn->port_lock);
	free = port && is_free(flow, media, port, 0);
	if (free)
		take(sn, media, port);
	spin_unlock_bh(&sn->port_lock);
	return free;
}

void sipalg_port_release(struct sipalg_net *sn, struct sipalg_media *media)
{
	spin_lock_bh(&sn->port_lock);
	hlist_del_init(&media->port_node);
	spin_unlock_bh(&sn->port_lock);
}

bool sipalg_port_owner(struct sipalg_net *sn, const struct sipalg_addr *addr,
		       struct sipalg_addr *private)
{
	struct sipalg_media *media;
	unsigned int i;

	spin_lock_bh(&sn->port_lock);
	media = find(sn, &addr->ip, ntohs(addr->port));
	for (i = 0; media && i < SIPALG_PORTS; i++) {
		private[i].ip = media->private;
		private[i].port = media->private_port[i];
	}
	spin_unlock_bh(&sn->port_lock);
	return media;
}
