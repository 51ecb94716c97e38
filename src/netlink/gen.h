/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	spec/sipalg.yaml */
/* YNL-GEN kernel header */
/* To regenerate run: make generate */

#ifndef _LINUX_SIPALG_GEN_H
#define _LINUX_SIPALG_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include "core/compat.h"

#include <uapi/linux/sipalg.h>

/* Common nested types */
extern const struct nla_policy sipalg_setting_nl_policy[SIPALG_A_SETTING_PAIR + 1];
extern const struct nla_policy sipalg_sync_nl_policy[SIPALG_A_SYNC_PAD + 1];
extern const struct nla_policy sipalg_sync_object_nl_policy[SIPALG_A_SYNC_OBJECT_PAD + 1];

/* Ops table for sipalg */
extern const struct genl_split_ops sipalg_nl_ops[15];

int sipalg_nl_call_get_start(struct netlink_callback *cb);
int sipalg_nl_registration_get_start(struct netlink_callback *cb);
int sipalg_nl_sync_object_get_start(struct netlink_callback *cb);
int sipalg_nl_call_get_done(struct netlink_callback *cb);
int sipalg_nl_registration_get_done(struct netlink_callback *cb);
int sipalg_nl_sync_object_get_done(struct netlink_callback *cb);

int sipalg_nl_setting_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);
int sipalg_nl_setting_set_doit(struct sk_buff *skb, struct genl_info *info);
int sipalg_nl_setting_reset_doit(struct sk_buff *skb, struct genl_info *info);
int sipalg_nl_call_get_doit(struct sk_buff *skb, struct genl_info *info);
int sipalg_nl_call_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int sipalg_nl_call_end_doit(struct sk_buff *skb, struct genl_info *info);
int sipalg_nl_registration_get_dumpit(struct sk_buff *skb,
				      struct netlink_callback *cb);
int sipalg_nl_stats_get_dumpit(struct sk_buff *skb,
			       struct netlink_callback *cb);
int sipalg_nl_stats_reset_doit(struct sk_buff *skb, struct genl_info *info);
int sipalg_nl_registration_end_doit(struct sk_buff *skb,
				    struct genl_info *info);
int sipalg_nl_sync_get_doit(struct sk_buff *skb, struct genl_info *info);
int sipalg_nl_sync_set_doit(struct sk_buff *skb, struct genl_info *info);
int sipalg_nl_sync_mark_doit(struct sk_buff *skb, struct genl_info *info);
int sipalg_nl_sync_object_get_dumpit(struct sk_buff *skb,
				     struct netlink_callback *cb);
int sipalg_nl_sync_restore_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	SIPALG_NLGRP_EVENTS,
};

#endif /* _LINUX_SIPALG_GEN_H */
