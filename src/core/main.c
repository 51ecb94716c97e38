// SPDX-License-Identifier: GPL-2.0-only
/* Module and namespace: set up in order, taken down in reverse. */
#include <linux/module.h>
#include <linux/random.h>
#include <net/net_debug.h>
#include <net/netfilter/nf_nat_helper.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/netns/generic.h>
#include "call/call.h"
#include "call/lru.h"
#include "core/hashlimit.h"
#include "core/net.h"
#include "core/quota.h"
#include "media/port.h"
#include "nat/mapping.h"
#include "netlink/family.h"
#include "packet/helper.h"
#include "packet/reattach.h"
#include "packet/tcp_queue.h"
#include "sipalg_version.h"

static char *helper_name = "sipalg";
module_param(helper_name, charp, 0444);
MODULE_PARM_DESC(helper_name, "name that rules attach the helper by (sip: in place of nf_conntrack_sip)");

static bool resume;
module_param(resume, bool, 0444);
MODULE_PARM_DESC(resume, "follow the UDP connections again that an earlier module followed");

static unsigned int net_id __read_mostly;

struct sipalg_net *sipalg_net_get(const struct net *net)
{
	return net_generic(net, net_id);
}

static int __net_init net_init(struct net *net)
{
	struct sipalg_net *sn = sipalg_net_get(net);
	int i, err;

	sn->net = net;
	sipalg_settings_init(&sn->settings);
	get_random_bytes(&sn->key, sizeof(sn->key));
	get_random_bytes(&sn->table_key, sizeof(sn->table_key));
	spin_lock_init(&sn->port_lock);
	sipalg_lru_init(sn);
	spin_lock_init(&sn->shared_expect_lock);
	spin_lock_init(&sn->tcp_lock);
	INIT_LIST_HEAD(&sn->tcp);
	for (i = 0; i < ARRAY_SIZE(sn->shared_expects); i++)
		INIT_HLIST_HEAD(&sn->shared_expects[i]);

	sn->stats = alloc_percpu(struct sipalg_stats);
	if (!sn->stats)
		return -ENOMEM;
	err = sipalg_mappings_init(sn);
	if (err)
		goto err_stats;
	err = sipalg_quotas_init(sn);
	if (err)
		goto err_mappings;
	err = sipalg_ports_init(sn);
	if (err)
		goto err_sources;
	err = sipalg_calls_init(sn);
	if (err)
		goto err_ports;
	return 0;

err_ports:
	sipalg_ports_exit(sn);
err_sources:
	sipalg_quotas_exit(sn);
err_mappings:
	sipalg_mappings_exit(sn);
err_stats:
	free_percpu(sn->stats);
	return err;
}

/* A grace period passes between pre_exit and exit: packets have drained. */
static void __net_exit net_pre_exit(struct net *net)
{
	WRITE_ONCE(sipalg_net_get(net)->dying, true);
}

/* Debug kernels warn if a counter is not zero at the end. */
static void nothing_left(const struct sipalg_net *sn)
{
	DEBUG_NET_WARN_ON_ONCE(atomic_read(&sn->call_count));
	DEBUG_NET_WARN_ON_ONCE(atomic_read(&sn->idle_count));
	DEBUG_NET_WARN_ON_ONCE(atomic_read(&sn->mapping_count));
	DEBUG_NET_WARN_ON_ONCE(atomic_read(&sn->pinhole_count));
	DEBUG_NET_WARN_ON_ONCE(sn->shared_expect_count);
	DEBUG_NET_WARN_ON_ONCE(atomic_long_read(&sn->tcp_bytes));
	DEBUG_NET_WARN_ON_ONCE(atomic_long_read(&sn->memory));
}

static void __net_exit net_exit(struct net *net)
{
	struct sipalg_net *sn = sipalg_net_get(net);

	sipalg_tcp_exit(sn);
	sipalg_calls_exit(sn);
	sipalg_ports_exit(sn);
	sipalg_mappings_exit(sn);
	sipalg_quotas_exit(sn);
	sipalg_hashlimit_swap(sn, NULL);
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

static struct nf_conntrack_nat_helper nat_helper = NF_CT_NAT_HELPER_INIT("sipalg");

static int __init sipalg_init(void)
{
	int err;

	err = register_pernet_subsys(&net_ops);
	if (err)
		return err;
	err = sipalg_helper_register(helper_name);
	if (err) {
		pr_err("helper name \"%s\" cannot be registered%s (%d)\n",
		       helper_name, err == -EBUSY ?
		       ": another module has it, unload that or choose another helper_name" :
		       "", err);
		goto err_pernet;
	}
	nf_nat_helper_register(&nat_helper);
	err = sipalg_netlink_init();
	if (err)
		goto err_helper;
	if (resume)
		sipalg_reattach();
	return 0;

err_helper:
	nf_nat_helper_unregister(&nat_helper);
	sipalg_helper_unregister();
err_pernet:
	unregister_pernet_subsys(&net_ops);
	return err;
}

static void __exit sipalg_exit(void)
{
	sipalg_netlink_exit();
	nf_nat_helper_unregister(&nat_helper);
	sipalg_reattach_mark();
	sipalg_helper_unregister();
	unregister_pernet_subsys(&net_ops);
	/* a packet may be using one of the last pinholes */
	synchronize_rcu();
	rcu_barrier();
}

module_init(sipalg_init);
module_exit(sipalg_exit);

MODULE_LICENSE("GPL");
MODULE_VERSION(SIPALG_VERSION);
MODULE_DESCRIPTION("SIP application-layer gateway for conntrack and NAT");
MODULE_ALIAS_NFCT_HELPER("sipalg");
MODULE_ALIAS_NF_NAT_HELPER("sipalg");
