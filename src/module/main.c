// SPDX-License-Identifier: GPL-2.0-only
/* The module: the one file that knows every folder. */
#include <linux/module.h>
#include <net/netfilter/nf_nat_helper.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include "call/call.h"
#include "call/face_lost.h"
#include "core/net.h"
#include "media/port.h"
#include "media/way_out.h"
#include "nat/echo.h"
#include "nat/face.h"
#include "nat/heard.h"
#include "nat/mapping.h"
#include "nat/source_nat.h"
#include "netlink/family.h"
#include "netlink/sync.h"
#include "packet/helper.h"
#include "packet/reattach.h"
#include "packet/tcp_position.h"
#include "packet/tcp_queue.h"
#include "sipalg_version.h"

static char *helper_name = "sipalg";
module_param(helper_name, charp, 0444);
MODULE_PARM_DESC(helper_name, "name of the helper in rules (sip: in place of nf_conntrack_sip)");

static bool resume;
module_param(resume, bool, 0444);
MODULE_PARM_DESC(resume, "attach the helper again to UDP connections of an earlier module");

/* Taken down from the last to the first: what holds others goes before them. */
static const struct sipalg_net_part net_parts[] = {
	{ sipalg_heard_init, sipalg_heard_exit },
	{ sipalg_echoes_init, sipalg_echoes_exit },
	{ sipalg_mappings_init, sipalg_mappings_exit },
	{ sipalg_ports_init, sipalg_ports_exit },
	{ sipalg_ways_out_init, sipalg_ways_out_exit },
	{ sipalg_calls_init, sipalg_calls_exit },
	{ sipalg_face_lost_init, sipalg_face_lost_exit },
	{ sipalg_source_nat_init, sipalg_source_nat_exit },
	{ NULL, sipalg_tcp_exit },
	{ sipalg_tcp_positions_init, sipalg_tcp_positions_exit },
	{ sipalg_netlink_sync_init, sipalg_netlink_sync_exit },
};

static struct nf_conntrack_nat_helper nat_helper = NF_CT_NAT_HELPER_INIT("sipalg");

static int __init sipalg_init(void)
{
	int err;

	err = sipalg_net_register(net_parts, ARRAY_SIZE(net_parts));
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
	err = sipalg_faces_register();
	if (err)
		goto err_helper;
	err = sipalg_netlink_init();
	if (err)
		goto err_faces;
	if (resume)
		sipalg_reattach();
	return 0;

err_faces:
	sipalg_faces_unregister();
err_helper:
	nf_nat_helper_unregister(&nat_helper);
	sipalg_helper_unregister();
err_pernet:
	sipalg_net_unregister();
	return err;
}

static void __exit sipalg_exit(void)
{
	sipalg_netlink_exit();
	sipalg_faces_unregister();
	nf_nat_helper_unregister(&nat_helper);
	sipalg_reattach_mark();
	sipalg_tcp_hand_over();
	sipalg_helper_unregister();
	sipalg_net_unregister();
	/* a packet may have met one of the last pinholes a moment ago */
	synchronize_rcu();
	rcu_barrier();
}

module_init(sipalg_init);
module_exit(sipalg_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("SIP application-layer gateway for conntrack and NAT");
MODULE_VERSION(SIPALG_VERSION);
MODULE_ALIAS_NFCT_HELPER("sipalg");
MODULE_ALIAS_NF_NAT_HELPER("sipalg");
