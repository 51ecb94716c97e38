// SPDX-License-Identifier: GPL-2.0-only
/*
 * The family and what its objects share. Only what 6.1 and 7.x have in common
 * is used: plain operations, one policy, no split ops.
 */
#include <uapi/linux/sipalg.h>
#include "call.h"
#include "netlink.h"

static const struct nla_policy policy[SIPALG_A_MAX + 1] = {
	[SIPALG_A_SETTING]	= { .type = NLA_NESTED },
	[SIPALG_A_ID]		= { .type = NLA_U32 },
	[SIPALG_A_CALL_ID]	= { .type = NLA_BINARY, .len = SIPALG_MAX_CALL_ID },
	[SIPALG_A_ALL]		= { .type = NLA_FLAG },
	[SIPALG_A_ADDRESS]	= { .type = NLA_BINARY, .len = sizeof(struct in6_addr) },
	[SIPALG_A_PREFIX]	= NLA_POLICY_MAX(NLA_U32, 128),
	[SIPALG_A_PORT]		= { .type = NLA_U32 },
	[SIPALG_A_STATE]	= { .type = NLA_NUL_STRING, .len = 15 },
	[SIPALG_A_OLDER]	= { .type = NLA_U32 },
	[SIPALG_A_IDLE]		= { .type = NLA_U32 },
};

static const struct genl_ops ops[] = {
	{
		.cmd = SIPALG_CMD_SETTING_GET,
		.dumpit = sipalg_nl_setting_dump,
		.flags = GENL_UNS_ADMIN_PERM,
	}, {
		.cmd = SIPALG_CMD_SETTING_SET,
		.doit = sipalg_nl_setting_set,
		.flags = GENL_UNS_ADMIN_PERM,
	}, {
		.cmd = SIPALG_CMD_SETTING_RESET,
		.doit = sipalg_nl_setting_reset,
		.flags = GENL_UNS_ADMIN_PERM,
	}, {
		.cmd = SIPALG_CMD_CALL_GET,
		.doit = sipalg_nl_call_get,
		.start = sipalg_nl_call_dump_start,
		.dumpit = sipalg_nl_call_dump,
		.done = sipalg_nl_call_dump_done,
		.flags = GENL_UNS_ADMIN_PERM,
	}, {
		.cmd = SIPALG_CMD_CALL_END,
		.doit = sipalg_nl_call_end,
		.flags = GENL_UNS_ADMIN_PERM,
	}, {
		.cmd = SIPALG_CMD_REGISTRATION_GET,
		.start = sipalg_nl_registration_dump_start,
		.dumpit = sipalg_nl_registration_dump,
		.done = sipalg_nl_registration_dump_done,
		.flags = GENL_UNS_ADMIN_PERM,
	}, {
		.cmd = SIPALG_CMD_STATS_GET,
		.dumpit = sipalg_nl_stats_dump,
		.flags = GENL_UNS_ADMIN_PERM,
	}, {
		.cmd = SIPALG_CMD_STATS_RESET,
		.doit = sipalg_nl_stats_reset,
		.flags = GENL_UNS_ADMIN_PERM,
	},
};

/* Events tell who calls whom, as reading does. */
static const struct genl_multicast_group groups[] = {
	{ .name = SIPALG_MCGRP_EVENTS, .flags = GENL_MCAST_CAP_NET_ADMIN },
};

struct genl_family sipalg_genl_family __ro_after_init = {
	.name = SIPALG_FAMILY_NAME,
	.version = SIPALG_FAMILY_VERSION,
	.maxattr = SIPALG_A_MAX,
	.policy = policy,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
	.resv_start_op = __SIPALG_CMD_MAX,
};

void *sipalg_netlink_begin(struct sk_buff *skb, u32 portid, u32 seq, int flags,
			   u8 cmd)
{
	return genlmsg_put(skb, portid, seq, &sipalg_genl_family, flags, cmd);
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
	return genl_register_family(&sipalg_genl_family);
}

void sipalg_netlink_exit(void)
{
	genl_unregister_family(&sipalg_genl_family);
}
