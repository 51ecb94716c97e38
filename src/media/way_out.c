// SPDX-License-Identifier: GPL-2.0-only
/* The table of ways out, and the hooks behind conntrack's that look into it. */
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/rhashtable.h>
#include <linux/siphash.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include "core/call.h"
#include "media/media_expect.h"
#include "media/way_out.h"

/* RTP and RTCP have one entry: their ports differ in the last bit. */
struct way {
	union nf_inet_addr src;
	union nf_inet_addr dst;
	u16 pair;
	u16 zone;
	u8 l4proto;
	u8 unused[3];
};

static const struct rhashtable_params way_params = {
	.head_offset = offsetof(struct sipalg_media, port_node),
	.key_offset = offsetof(struct sipalg_media, way_key),
	.key_len = sizeof_field(struct sipalg_media, way_key),
	.automatic_shrinking = true,
};

/* Whoever chooses addresses and ports must not choose this. */
static u32 key_of(const struct sipalg_net *sn, const struct way *way)
{
	return hsiphash(way, sizeof(*way), &sn->table_key);
}

static u32 key_for(const struct sipalg_media *media,
		   const struct sipalg_media *phone)
{
	const struct way way = {
		.src = phone->private,
		.dst = media->public,
		.pair = ntohs(media->public_port[SIPALG_RTP]) >> 1,
		.zone = media->call->zone[!media->side],
		.l4proto = media->l4proto,
	};

	return key_of(media->call->sn, &way);
}

static bool is_a_pair(const struct sipalg_media *media)
{
	u16 rtp = ntohs(media->public_port[SIPALG_RTP]);

	return media->ports == 1 ||
	       (rtp ^ 1) == ntohs(media->public_port[SIPALG_RTCP]);
}

/* Only who is behind NAT has this node for a port of its own. */
bool sipalg_way_out_enter(struct sipalg_media *media,
			  const struct sipalg_media *phone)
{
	struct sipalg_net *sn = media->call->sn;

	if (media->translated || !is_a_pair(media) || READ_ONCE(sn->dying))
		return false;
	if (media->in_table)
		return sipalg_way_out_is_for(media, phone);
	media->way_key = key_for(media, phone);
	/* two calls of a phone to one place: the pinhole is the first one's */
	media->in_table = !rhashtable_lookup_insert_fast(&sn->ways_out,
							 &media->port_node,
							 way_params);
	return media->in_table;
}

bool sipalg_way_out_is_taken(const struct sipalg_media *media,
			     const struct sipalg_media *phone)
{
	struct sipalg_net *sn = media->call->sn;
	u32 key;

	if (media->translated || !phone || !phone->translated ||
	    !atomic_read(&sn->ways_out.nelems))
		return false;
	key = key_for(media, phone);
	return rhashtable_lookup_fast(&sn->ways_out, &key, way_params);
}

void sipalg_way_out_leave(struct sipalg_media *media)
{
	if (!media->in_table)
		return;
	media->in_table = false;
	rhashtable_remove_fast(&media->call->sn->ways_out, &media->port_node,
			       way_params);
}

bool sipalg_way_out_is_for(const struct sipalg_media *media,
			   const struct sipalg_media *phone)
{
	return media->in_table && phone && phone->translated &&
	       media->way_key == key_for(media, phone);
}

/* A key is a hash: what it stands for is asked of the media itself. */
static bool leads(const struct sipalg_media *media,
		  const struct nf_conntrack_tuple *tuple)
{
	const struct sipalg_media *phone = sipalg_media_mate(media);
	unsigned int i, ports = media->muxed ? 1 : media->ports;

	if (!media->in_table || !phone ||
	    !sipalg_ip_equal(&phone->private, &tuple->src.u3) ||
	    !sipalg_ip_equal(&media->public, &tuple->dst.u3) ||
	    media->family != tuple->src.l3num)
		return false;
	for (i = 0; i < ports; i++)
		if (media->public_port[i] == tuple->dst.u.all)
			return true;
	return false;
}

static struct sipalg_media *find(struct sipalg_net *sn, const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *tuple =
		&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	const struct way way = {
		.src = tuple->src.u3,
		.dst = tuple->dst.u3,
		.pair = ntohs(tuple->dst.u.all) >> 1,
		.zone = nf_ct_zone(ct)->id,
		.l4proto = tuple->dst.protonum,
	};
	u32 key = key_of(sn, &way);

	return rhashtable_lookup(&sn->ways_out, &key, way_params);
}

/* As init_conntrack() does with a connection that an expectation is there for. */
static void expect(struct sk_buff *skb, struct nf_conn *ct,
		   struct nf_conn *master)
{
	nf_conntrack_get(&master->ct_general);
	ct->master = master;
#ifdef CONFIG_NF_CONNTRACK_MARK
	ct->mark = READ_ONCE(master->mark);
#endif
#ifdef CONFIG_NF_CONNTRACK_SECMARK
	ct->secmark = master->secmark;
#endif
	__set_bit(IPS_EXPECTED_BIT, &ct->status);
	/* the packet has its reference to it already */
	skb->_nfct = (unsigned long)ct | IP_CT_RELATED;
}

static void lead_out(struct sipalg_net *sn, struct sk_buff *skb,
		     struct nf_conn *ct)
{
	struct sipalg_media *media = find(sn, ct);
	struct sipalg_call *call;

	if (!media)
		return;
	call = media->call;	/* as long as RCU keeps the media */
	spin_lock_bh(&call->lock);
	if (call->master &&
	    leads(media, &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple) &&
	    sipalg_media_admit(media, ct))
		expect(skb, ct, call->master);
	spin_unlock_bh(&call->lock);
}

/* All packets come by here: nearly all are of connections that exist. */
static unsigned int look(void *priv, struct sk_buff *skb,
			 const struct nf_hook_state *state)
{
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct = nf_ct_get(skb, &ctinfo);
	struct sipalg_net *sn;

	if (!ct || ctinfo != IP_CT_NEW || ct->master || nf_ct_is_confirmed(ct) ||
	    nf_ct_is_template(ct))
		return NF_ACCEPT;
	sn = sipalg_net_get(state->net);
	if (atomic_read(&sn->ways_out.nelems))
		lead_out(sn, skb, ct);
	return NF_ACCEPT;
}

#define HOOK(_pf, _hooknum, _priority)					\
	{ .hook = look, .pf = (_pf), .hooknum = (_hooknum),		\
	  .priority = (_priority) }

static const struct nf_hook_ops hooks[] = {
	HOOK(NFPROTO_IPV4, NF_INET_PRE_ROUTING, NF_IP_PRI_CONNTRACK + 1),
	HOOK(NFPROTO_IPV4, NF_INET_LOCAL_OUT, NF_IP_PRI_CONNTRACK + 1),
	HOOK(NFPROTO_IPV6, NF_INET_PRE_ROUTING, NF_IP6_PRI_CONNTRACK + 1),
	HOOK(NFPROTO_IPV6, NF_INET_LOCAL_OUT, NF_IP6_PRI_CONNTRACK + 1),
};

int sipalg_ways_out_init(struct sipalg_net *sn)
{
	int err = rhashtable_init(&sn->ways_out, &way_params);

	if (err)
		return err;
	err = nf_register_net_hooks(sn->net, hooks, ARRAY_SIZE(hooks));
	if (err)
		rhashtable_destroy(&sn->ways_out);
	return err;
}

void sipalg_ways_out_exit(struct sipalg_net *sn)
{
	nf_unregister_net_hooks(sn->net, hooks, ARRAY_SIZE(hooks));
	synchronize_rcu();
	rhashtable_destroy(&sn->ways_out);
}
