// SPDX-License-Identifier: GPL-2.0-only
/* What hangs on public addresses that the router has lost is closed and ended. */
#include <linux/rhashtable.h>
#include <linux/workqueue.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include "call/call.h"
#include "call/face_lost.h"
#include "call/lru.h"
#include "core/event.h"
#include "core/net.h"
#include "media/media.h"
#include "nat/face.h"
#include "nat/mapping.h"
#include "nat/sig_expect.h"

#define BREATH	64	/* calls or mappings, then others may run */

/* What the walks below look for. */
struct losses {
	struct sipalg_face *face[SIPALG_LOST_AT_ONCE];
	unsigned int count;
};

static bool is_followed(const struct nf_conn *ct)
{
	const struct nf_conn_help *help = nfct_help(ct);
	const struct nf_conntrack_helper *helper =
		help ? rcu_dereference(help->helper) : NULL;

	return helper && helper->me == THIS_MODULE;
}

/* Is this one of them: an address in the zone of those that send to it? */
static bool names(const struct losses *losses, const struct nf_conn *ct,
		  const union nf_inet_addr *ip, enum ip_conntrack_dir dir)
{
	const struct sipalg_face *face;
	unsigned int i;

	for (i = 0; i < losses->count; i++) {
		face = losses->face[i];
		if (face->family == nf_ct_l3num(ct) &&
		    sipalg_ip_equal(&face->ip, ip) &&
		    face->zone == nf_ct_zone_id(nf_ct_zone(ct), dir))
			return true;
	}
	return false;
}

/* Does one of a flow's addresses that is lost stand for somebody inside? */
static bool shows(const struct losses *losses, const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *orig =
		&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	const struct nf_conntrack_tuple *reply =
		&ct->tuplehash[IP_CT_DIR_REPLY].tuple;

	if (!sipalg_ip_equal(&orig->src.u3, &reply->dst.u3))
		return names(losses, ct, &reply->dst.u3, IP_CT_DIR_REPLY);
	if (!sipalg_ip_equal(&orig->dst.u3, &reply->src.u3))
		return names(losses, ct, &orig->dst.u3, IP_CT_DIR_ORIGINAL);
	return false;
}

/*
 * A signalling flow that we make outlive its time ends with its address,
 * whatever rule has translated it: the next packet begins another, as the rules
 * say now. Returns 1: conntrack deletes it.
 */
static int is_stranded(struct nf_conn *ct, void *losses)
{
	int stranded;

	rcu_read_lock();
	stranded = is_followed(ct) && shows(losses, ct);
	rcu_read_unlock();
	return stranded;
}

static void end_flows(struct sipalg_net *sn, struct losses *losses)
{
	struct nf_ct_iter_data iter = {};

	iter.net = sn->net;
	iter.data = losses;
	nf_ct_iterate_cleanup_net(is_stranded, &iter);
}

static void each(struct rhashtable *table, struct losses *losses,
		 void (*lose)(void *object, struct losses *losses))
{
	struct rhashtable_iter iter;
	unsigned int count = 0;
	void *object;

	rhashtable_walk_enter(table, &iter);
	rhashtable_walk_start(&iter);
	while ((object = rhashtable_walk_next(&iter))) {
		/* a table that grows is walked again from its beginning */
		if (!IS_ERR(object))
			lose(object, losses);
		if (++count % BREATH)
			continue;
		rhashtable_walk_stop(&iter);
		cond_resched();
		rhashtable_walk_start(&iter);
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
}

static void lose_mapping(void *object, struct losses *losses)
{
	struct sipalg_mapping *mapping = object;

	if (sipalg_face_is_lost(mapping->face))
		sipalg_mapping_lose(mapping);
}

static void lose_call(void *object, struct losses *losses)
{
	struct sipalg_call *call = object;

	if (!refcount_inc_not_zero(&call->refs))
		return;
	spin_lock_bh(&call->lock);
	if (call->linked) {
		sipalg_media_lose(call);
		sipalg_sig_expect_lose(call);
		sipalg_event_flush(call);
		sipalg_lru_sort(call);
		sipalg_call_schedule(call);
	}
	spin_unlock_bh(&call->lock);
	sipalg_call_put(call);
}

static void faces_work(struct work_struct *work)
{
	struct sipalg_net *sn = container_of(to_delayed_work(work),
					     struct sipalg_net, face_work);
	struct losses losses;

	WRITE_ONCE(sn->face_walk, jiffies);
	while ((losses.count = sipalg_faces_take_lost(sn, losses.face))) {
		sipalg_count_by(sn, face_lost, losses.count);
		/* first nothing new by the old address, then what has begun */
		each(&sn->mappings_public, &losses, lose_mapping);
		each(&sn->calls, &losses, lose_call);
		end_flows(sn, &losses);
		while (losses.count)
			sipalg_face_put(losses.face[--losses.count]);
	}
}

int sipalg_face_lost_init(struct sipalg_net *sn)
{
	INIT_DELAYED_WORK(&sn->face_work, faces_work);
	sn->face_walk = jiffies - SIPALG_FACE_SETTLE;
	return 0;
}

void sipalg_face_lost_exit(struct sipalg_net *sn)
{
	cancel_delayed_work_sync(&sn->face_work);
}
