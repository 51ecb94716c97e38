// SPDX-License-Identifier: GPL-2.0-only
/* Derives both addresses of each end from a conntrack's two tuples. */
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include "core/flow.h"
#include "core/net.h"

static struct sipalg_addr tuple_src(const struct nf_conntrack_tuple *tuple)
{
	return (struct sipalg_addr){ tuple->src.u3, tuple->src.u.all };
}

static struct sipalg_addr tuple_dst(const struct nf_conntrack_tuple *tuple)
{
	return (struct sipalg_addr){ tuple->dst.u3, tuple->dst.u.all };
}

void sipalg_flow_init(struct sipalg_flow *flow, struct sipalg_net *sn,
		      struct nf_conn *ct, int dir)
{
	const struct nf_conntrack_tuple *here = &ct->tuplehash[dir].tuple;
	const struct nf_conntrack_tuple *back = &ct->tuplehash[!dir].tuple;
	const struct nf_conntrack_tuple *orig =
		&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	const struct nf_conntrack_tuple *reply =
		&ct->tuplehash[IP_CT_DIR_REPLY].tuple;

	flow->sn = sn;
	flow->domain = (struct sipalg_domain){};
	flow->ct = ct;
	flow->family = nf_ct_l3num(ct);
	flow->l4proto = nf_ct_protonum(ct);
	flow->original = dir == IP_CT_DIR_ORIGINAL;
	flow->src = tuple_src(here);
	flow->src_public = tuple_dst(back);
	flow->dst = tuple_dst(here);
	flow->dst_private = tuple_src(back);
	flow->zone = nf_ct_zone(ct)->id;
	flow->from_zone = nf_ct_zone_id(nf_ct_zone(ct), dir);
	flow->to_zone = nf_ct_zone_id(nf_ct_zone(ct), !dir);
	if (flow->zone && !READ_ONCE(sn->zoned))
		WRITE_ONCE(sn->zoned, true);

	if (!sipalg_ip_equal(&orig->src.u3, &reply->dst.u3))
		flow->inside = orig->src.u3;
	else if (!sipalg_ip_equal(&orig->dst.u3, &reply->src.u3))
		flow->inside = reply->src.u3;
	else
		memset(&flow->inside, 0, sizeof(flow->inside));
}
