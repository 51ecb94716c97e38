// SPDX-License-Identifier: GPL-2.0-only
/* The state of a namespace: set up part by part, taken down in reverse. */
#include <linux/slab.h>
#include <linux/random.h>
#include <net/net_debug.h>
#include <net/netns/generic.h>
#include "core/hashlimit.h"
#include "core/net.h"
#include "core/quota.h"

static unsigned int net_id __read_mostly;
static const struct sipalg_net_part *net_parts __read_mostly;
static unsigned int net_part_count __read_mostly;

struct sipalg_net *sipalg_net_get(const struct net *net)
{
	return net_generic(net, net_id);
}

static void init_members(struct sipalg_net *sn)
{
	unsigned int i;

	sipalg_settings_init(&sn->settings);
	get_random_bytes(&sn->key, sizeof(sn->key));
	get_random_bytes(&sn->short_key, sizeof(sn->short_key));
	get_random_bytes(&sn->table_key, sizeof(sn->table_key));
	spin_lock_init(&sn->port_lock);
	spin_lock_init(&sn->shared_expect_lock);
	spin_lock_init(&sn->face_lock);
	spin_lock_init(&sn->promise_lock);
	spin_lock_init(&sn->tcp_lock);
	INIT_LIST_HEAD(&sn->tcp);
	spin_lock_init(&sn->sync.lock);
	INIT_LIST_HEAD(&sn->sync.dirty);
	for (i = 0; i < ARRAY_SIZE(sn->shared_expects); i++)
		INIT_HLIST_HEAD(&sn->shared_expects[i]);
	for (i = 0; i < ARRAY_SIZE(sn->faces); i++)
		INIT_HLIST_HEAD(&sn->faces[i]);
}

static void exit_parts(struct sipalg_net *sn, unsigned int count)
{
	while (count--)
		net_parts[count].exit(sn);
}

static int init_parts(struct sipalg_net *sn)
{
	unsigned int i;
	int err;

	for (i = 0; i < net_part_count; i++) {
		err = net_parts[i].init ? net_parts[i].init(sn) : 0;
		if (err) {
			exit_parts(sn, i);
			return err;
		}
	}
	return 0;
}

static int __net_init net_init(struct net *net)
{
	struct sipalg_net *sn = sipalg_net_get(net);
	int err;

	sn->net = net;
	init_members(sn);
	sn->stats = sipalg_stats_alloc();
	if (!sn->stats)
		return -ENOMEM;
	err = sipalg_quotas_init(sn);
	if (err)
		goto err_stats;
	err = init_parts(sn);
	if (err)
		goto err_quotas;
	return 0;

err_quotas:
	sipalg_quotas_exit(sn);
err_stats:
	free_percpu(sn->stats);
	return err;
}

/* A grace period passes between pre_exit and exit: packets have drained. */
static void __net_exit net_pre_exit(struct net *net)
{
	WRITE_ONCE(sipalg_net_get(net)->dying, true);
}

/* Debug kernels say so when something is still counted that all have left. */
static void nothing_left(const struct sipalg_net *sn)
{
	int i;

	DEBUG_NET_WARN_ON_ONCE(atomic_read(&sn->call_count));
	DEBUG_NET_WARN_ON_ONCE(atomic_read(&sn->calls_retired));
	DEBUG_NET_WARN_ON_ONCE(atomic_read(&sn->idle_count));
	DEBUG_NET_WARN_ON_ONCE(atomic_read(&sn->mapping_count));
	DEBUG_NET_WARN_ON_ONCE(atomic_read(&sn->pinhole_count));
	DEBUG_NET_WARN_ON_ONCE(atomic_read(&sn->master_count));
	DEBUG_NET_WARN_ON_ONCE(sn->shared_expect_count);
	for (i = 0; i < SIPALG_TCP_KINDS; i++)
		DEBUG_NET_WARN_ON_ONCE(atomic_long_read(&sn->tcp_bytes[i]));
	DEBUG_NET_WARN_ON_ONCE(atomic_long_read(&sn->memory));
}

static void __net_exit net_exit(struct net *net)
{
	struct sipalg_net *sn = sipalg_net_get(net);

	exit_parts(sn, net_part_count);
	sipalg_quotas_exit(sn);
	sipalg_hashlimit_swap(sn, NULL);
	kfree(rcu_access_pointer(sn->nat64));
	kfree(rcu_access_pointer(sn->peers));
	kfree(rcu_access_pointer(sn->outer));
	nothing_left(sn);
	free_percpu(sn->stats);
}

static struct pernet_operations net_ops = {
	.init = net_init,
	.pre_exit = net_pre_exit,
	.exit = net_exit,
	.id = &net_id,
	.size = sizeof(struct sipalg_net),
};

int sipalg_net_register(const struct sipalg_net_part *parts, unsigned int count)
{
	net_parts = parts;
	net_part_count = count;
	return register_pernet_subsys(&net_ops);
}

void sipalg_net_unregister(void)
{
	unregister_pernet_subsys(&net_ops);
}
