// SPDX-License-Identifier: GPL-2.0-only
/*
 * The family and what its objects share. Not generated from spec/sipalg.yaml,
 * as the rest of it is: the kernel's generator leaves out what keeps others
 * than administrators from joining the group.
 */
#include <linux/rhashtable.h>
#include "core/compat.h"
#include "core/event.h"
#include "netlink/family.h"
#include "netlink/gen.h"

/* Events tell who calls whom, as reading does. */
static const struct genl_multicast_group groups[] = {
	{ .name = SIPALG_MCGRP_EVENTS, .flags = GENL_MCAST_CAP_NET_ADMIN },
};

struct genl_family sipalg_genl_family __ro_after_init = {
	.name = SIPALG_FAMILY_NAME,
	.version = SIPALG_FAMILY_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

void *sipalg_netlink_begin(struct sk_buff *skb, u32 portid, u32 seq, int flags,
			   u8 cmd)
{
	return genlmsg_put(skb, portid, seq, &sipalg_genl_family, flags, cmd);
}

void sipalg_netlink_walk(struct rhashtable_iter *iter,
			 struct netlink_callback *cb)
{
	if (rhashtable_walk_start_check(iter) != -EAGAIN)
		return;
	/* its last entry may be gone: not every kernel would look */
	iter->p = NULL;
	cb->seq++;
}

int sipalg_nl_refuse(const char *sentence, const struct nlattr *attr,
		     struct netlink_ext_ack *extack)
{
	if (extack)
		extack->_msg = sentence;
	if (attr)
		NL_SET_BAD_ATTR(extack, attr);
	return -ERANGE;
}

int sipalg_netlink_endpoint(struct sk_buff *skb, int attr, u8 family,
			    const union nf_inet_addr *ip, __be16 port)
{
	int len = family == AF_INET ? sizeof(ip->ip) : sizeof(ip->in6);
	struct nlattr *nest = nla_nest_start(skb, attr);

	if (!nest || nla_put(skb, SIPALG_A_ENDPOINT_IP, len, ip) ||
	    nla_put_u32(skb, SIPALG_A_ENDPOINT_PORT, ntohs(port)))
		return -EMSGSIZE;	/* the caller cancels all of it */
	nla_nest_end(skb, nest);
	return 0;
}

int sipalg_netlink_init(void)
{
	int err;

	sipalg_compat_genl_ops(&sipalg_genl_family, sipalg_nl_ops,
			       ARRAY_SIZE(sipalg_nl_ops));
	err = genl_register_family(&sipalg_genl_family);
	if (!err)
		WRITE_ONCE(sipalg_event_ops, &sipalg_netlink_event_ops);
	return err;
}

void sipalg_netlink_exit(void)
{
	WRITE_ONCE(sipalg_event_ops, NULL);
	synchronize_net();	/* events are sent with BH off */
	genl_unregister_family(&sipalg_genl_family);
}
