// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of faces, and who tells that one may be lost.
 *
 * The notifiers run under the locks of whoever changes addresses, so they look
 * one address up and leave the rest to a work, which is the same for all that
 * went meanwhile and runs once a second at most (call/face_lost.c).
 */
#include <linux/inetdevice.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <net/addrconf.h>
#include <net/if_inet6.h>
#include <net/l3mdev.h>
#include "core/addr_scope.h"
#include "core/net.h"
#include "nat/face.h"

static struct hlist_head *bucket(struct sipalg_net *sn,
				 const union nf_inet_addr *ip)
{
	u32 hash = hsiphash(ip, sizeof(*ip), &sn->table_key);

	return &sn->faces[hash >> (32 - SIPALG_FACE_HASH_BITS)];
}

static bool is_at(const struct sipalg_face *face, u8 family, int l3mdev,
		  const union nf_inet_addr *ip)
{
	return sipalg_ip_equal(&face->ip, ip) && face->family == family &&
	       face->l3mdev == l3mdev;
}

/* Caller holds the lock. */
static struct sipalg_face *find(const struct sipalg_flow *flow,
				const union nf_inet_addr *ip)
{
	struct sipalg_face *face;

	hlist_for_each_entry(face, bucket(flow->sn, ip), node)
		if (is_at(face, flow->family, sipalg_flow_outer_vrf(flow), ip) &&
		    face->zone == sipalg_flow_outer_zone(flow))
			return face;
	return NULL;
}

static struct sipalg_face *face_alloc(const struct sipalg_flow *flow,
				      const union nf_inet_addr *ip)
{
	struct sipalg_face *face = kzalloc(sizeof(*face), GFP_ATOMIC);

	if (!face)
		return NULL;
	face->sn = flow->sn;
	refcount_set(&face->refs, 1);
	face->ip = *ip;
	face->family = flow->family;
	face->zone = sipalg_flow_outer_zone(flow);
	face->l3mdev = sipalg_flow_outer_vrf(flow);
	atomic_long_add(sizeof(*face), &flow->sn->memory);
	return face;
}

struct sipalg_face *sipalg_face_get(const struct sipalg_flow *flow,
				    const union nf_inet_addr *ip)
{
	struct sipalg_net *sn = flow->sn;
	struct sipalg_face *face;

	spin_lock_bh(&sn->face_lock);
	face = find(flow, ip);
	if (face) {
		refcount_inc(&face->refs);
	} else {
		face = face_alloc(flow, ip);
		if (face)
			hlist_add_head(&face->node, bucket(sn, ip));
	}
	spin_unlock_bh(&sn->face_lock);
	return face;
}

void sipalg_face_put(struct sipalg_face *face)
{
	struct sipalg_net *sn;
	bool last;

	if (!face)
		return;
	sn = face->sn;
	spin_lock_bh(&sn->face_lock);
	last = refcount_dec_and_test(&face->refs);
	if (last && !face->lost)
		hlist_del(&face->node);
	spin_unlock_bh(&sn->face_lock);
	if (!last)
		return;
	atomic_long_sub(sizeof(*face), &sn->memory);
	kfree_rcu(face, rcu);
}

unsigned int sipalg_faces_take_lost(struct sipalg_net *sn,
				    struct sipalg_face *lost[SIPALG_LOST_AT_ONCE])
{
	struct hlist_node *next;
	struct sipalg_face *face;
	unsigned int i, count = 0;

	spin_lock_bh(&sn->face_lock);
	for (i = 0; i < ARRAY_SIZE(sn->faces); i++)
		hlist_for_each_entry_safe(face, next, &sn->faces[i], node) {
			if (!face->suspect || count == SIPALG_LOST_AT_ONCE)
				continue;
			face->suspect = false;
			if (sipalg_is_standby(&sn->sync))
				continue;
			/* it has come back, or is on another interface as well */
			if (sipalg_is_configured(sn->net, face->l3mdev,
						 face->family, &face->ip))
				continue;
			hlist_del(&face->node);
			WRITE_ONCE(face->lost, true);
			refcount_inc(&face->refs);
			lost[count++] = face;
		}
	spin_unlock_bh(&sn->face_lock);
	return count;
}

/* An address has gone. Under locks of others. */
static void suspect(struct net *net, struct net_device *dev, u8 family,
		    const union nf_inet_addr *ip)
{
	struct sipalg_net *sn = sipalg_net_get(net);
	int l3mdev = l3mdev_master_ifindex(dev);
	struct sipalg_face *face;
	unsigned long since, wait;
	bool any = false;

	/* the addresses of a pair are where the active one is */
	if (!sn || READ_ONCE(sn->dying) || sipalg_is_standby(&sn->sync))
		return;
	spin_lock_bh(&sn->face_lock);
	hlist_for_each_entry(face, bucket(sn, ip), node)
		if (is_at(face, family, l3mdev, ip)) {
			face->suspect = true;
			any = true;
		}
	spin_unlock_bh(&sn->face_lock);
	if (!any)
		return;
	since = jiffies - READ_ONCE(sn->face_walk);
	wait = since < SIPALG_FACE_SETTLE ? SIPALG_FACE_SETTLE - since : 0;
	if (sipalg_dirty_is_told(sn))
		wait = SIPALG_FACE_PAIR;
	queue_delayed_work(system_wq, &sn->face_work, wait);
}

static int address4_event(struct notifier_block *block, unsigned long event,
			  void *ptr)
{
	const struct in_ifaddr *ifa = ptr;
	union nf_inet_addr ip = { .ip = ifa->ifa_local };

	if (event == NETDEV_DOWN)
		suspect(dev_net(ifa->ifa_dev->dev), ifa->ifa_dev->dev, AF_INET,
			&ip);
	return NOTIFY_DONE;
}

static int address6_event(struct notifier_block *block, unsigned long event,
			  void *ptr)
{
	const struct inet6_ifaddr *ifa = ptr;
	union nf_inet_addr ip = { .in6 = ifa->addr };

	if (event == NETDEV_DOWN)
		suspect(dev_net(ifa->idev->dev), ifa->idev->dev, AF_INET6, &ip);
	return NOTIFY_DONE;
}

static struct notifier_block address4_notifier = {
	.notifier_call = address4_event,
};

static struct notifier_block address6_notifier = {
	.notifier_call = address6_event,
};

int sipalg_faces_register(void)
{
	int err = register_inetaddr_notifier(&address4_notifier);

	if (err)
		return err;
	err = register_inet6addr_notifier(&address6_notifier);
	if (err)
		unregister_inetaddr_notifier(&address4_notifier);
	return err;
}

void sipalg_faces_unregister(void)
{
	unregister_inet6addr_notifier(&address6_notifier);
	unregister_inetaddr_notifier(&address4_notifier);
}
