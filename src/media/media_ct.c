// SPDX-License-Identifier: GPL-2.0-only
/* A bounded list of referenced media conntracks. */
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_acct.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include "core/call.h"
#include "core/ct_timeout.h"
#include "core/net.h"
#include "media/media.h"
#include "media/media_ct.h"

struct media_flow {
	struct hlist_node node;
	struct nf_conn *ct;
};

static void flow_free(struct sipalg_media *media, struct media_flow *flow)
{
	hlist_del(&flow->node);
	media->flow_count--;
	atomic_long_sub(sizeof(*flow), &media->call->sn->memory);
	nf_ct_put(flow->ct);
	kfree(flow);
}

/* Gone from conntrack's table; or the firewall never let it in. */
static bool is_dead(const struct nf_conn *ct)
{
	if (!nf_ct_is_confirmed(ct))
		return refcount_read(&ct->ct_general.use) == 1;
	return nf_ct_is_dying(ct) || nf_ct_is_expired(ct);
}

static void drop_dead(struct sipalg_media *media)
{
	struct media_flow *flow;
	struct hlist_node *next;

	hlist_for_each_entry_safe(flow, next, &media->flows, node)
		if (is_dead(flow->ct))
			flow_free(media, flow);
}

/* From where the other side said it is, or from where its signalling comes. */
static bool is_named(const struct sipalg_media *media, const struct nf_conn *ct)
{
	const union nf_inet_addr *src =
		&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple.src.u3;
	const struct sipalg_media *other = sipalg_media_mate(media);

	return sipalg_ip_equal(src, &media->call->party[!media->side].ip) ||
	       (other && sipalg_ip_equal(src, &other->private));
}

/* All places are taken: a stranger goes, or else who came first. */
static void make_room(struct sipalg_media *media)
{
	struct media_flow *flow, *goes = NULL;

	hlist_for_each_entry(flow, &media->flows, node) {
		if (!nf_ct_is_confirmed(flow->ct))
			continue;
		goes = flow;
		if (!is_named(media, flow->ct))
			break;
	}
	if (!goes)
		return;
	nf_ct_kill(goes->ct);
	flow_free(media, goes);
}

bool sipalg_media_ct_add(struct sipalg_media *media, struct nf_conn *ct)
{
	struct media_flow *flow;

	drop_dead(media);
	if (media->flow_count == SIPALG_MAX_FLOWS && is_named(media, ct))
		make_room(media);
	if (media->flow_count == SIPALG_MAX_FLOWS)
		return false;
	flow = kmalloc(sizeof(*flow), GFP_ATOMIC);
	if (!flow)
		return false;
	nf_conntrack_get(&ct->ct_general);
	flow->ct = ct;
	hlist_add_head(&flow->node, &media->flows);
	media->flow_count++;
	atomic_long_add(sizeof(*flow), &media->call->sn->memory);
	return true;
}

bool sipalg_media_ct_has(const struct sipalg_media *media,
			 const struct nf_conn *ct)
{
	const struct media_flow *flow;

	hlist_for_each_entry(flow, &media->flows, node)
		if (flow->ct == ct)
			return true;
	return false;
}

struct nf_conn *sipalg_media_ct_find(const struct sipalg_media *media,
				     const struct sipalg_media *peer,
				     unsigned int port,
				     struct sipalg_addr *face)
{
	const struct nf_conntrack_zone zone = {
		.id = media->call->zone[media->side],
		.dir = NF_CT_DEFAULT_ZONE_DIR,
	};
	const struct nf_conntrack_tuple tuple = {
		.src.l3num = media->family,
		.src.u3 = media->private,
		.src.u.udp.port = media->private_port[port],
		.dst.u3 = peer->private,
		.dst.u.udp.port = peer->private_port[port],
		.dst.protonum = media->l4proto,
	};
	const struct nf_conntrack_tuple *back;
	struct nf_conntrack_tuple_hash *hash;
	struct nf_conn *ct;

	hash = nf_conntrack_find_get(media->call->sn->net, &zone, &tuple);
	if (!hash)
		return NULL;
	ct = nf_ct_tuplehash_to_ctrack(hash);
	back = &ct->tuplehash[!NF_CT_DIRECTION(hash)].tuple;
	*face = (struct sipalg_addr){ back->dst.u3, back->dst.u.udp.port };
	return ct;
}

bool sipalg_media_cts_flow(const struct sipalg_media *media)
{
	const struct media_flow *flow;

	hlist_for_each_entry(flow, &media->flows, node)
		if (!is_dead(flow->ct) && nf_ct_is_confirmed(flow->ct) &&
		    test_bit(IPS_SEEN_REPLY_BIT, &flow->ct->status))
			return true;
	return false;
}

void sipalg_media_cts_end(struct sipalg_media *media, bool kill)
{
	struct media_flow *flow;
	struct hlist_node *next;

	hlist_for_each_entry_safe(flow, next, &media->flows, node) {
		if (kill && nf_ct_is_confirmed(flow->ct))
			nf_ct_kill(flow->ct);
		flow_free(media, flow);
	}
}

static u32 flow_quiet(const struct nf_conn *ct)
{
	s32 quiet;

	/* the flowtable refreshes it for as long as packets pass */
	if (test_bit(IPS_OFFLOAD_BIT, &ct->status) || !nf_ct_is_confirmed(ct))
		return 0;
	quiet = nfct_time_stamp -
		(READ_ONCE(ct->timeout) - sipalg_ct_timeout_natural(ct));
	return max(quiet, 0);	/* a policy of its own keeps it longer */
}

u32 sipalg_media_cts_quiet(struct sipalg_media *media)
{
	u32 quiet = sipalg_since(media->seen);
	struct media_flow *flow;

	hlist_for_each_entry(flow, &media->flows, node)
		quiet = min(quiet, flow_quiet(flow->ct));
	sipalg_media_seen(media, quiet);
	return quiet;
}

bool sipalg_media_cts_count(struct sipalg_media *media, u64 *packets,
			    u64 *bytes)
{
	struct media_flow *flow;
	bool counted = false;
	unsigned int dir;

	*packets = 0;
	*bytes = 0;
	hlist_for_each_entry(flow, &media->flows, node) {
		struct nf_conn_acct *acct = nf_conn_acct_find(flow->ct);

		for (dir = 0; acct && dir < IP_CT_DIR_MAX; dir++) {
			*packets += atomic64_read(&acct->counter[dir].packets);
			*bytes += atomic64_read(&acct->counter[dir].bytes);
			counted = true;
		}
	}
	return counted;
}
