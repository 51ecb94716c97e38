// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	spec/sipalg.yaml */
/* YNL-GEN kernel source */
/* To regenerate run: make generate */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "gen.h"

#include <uapi/linux/sipalg.h>

/* Integer value ranges */
static struct netlink_range_validation sipalg_a_sync_epoch_range = {
	.max	= 16777215ULL,
};

/* Common nested types */
const struct nla_policy sipalg_setting_nl_policy[SIPALG_A_SETTING_PAIR + 1] = {
	[SIPALG_A_SETTING_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[SIPALG_A_SETTING_VALUE] = { .type = NLA_U32, },
	[SIPALG_A_SETTING_DEFAULT] = { .type = NLA_U32, },
	[SIPALG_A_SETTING_MIN] = { .type = NLA_U32, },
	[SIPALG_A_SETTING_MAX_VALUE] = { .type = NLA_U32, },
	[SIPALG_A_SETTING_ZERO] = { .type = NLA_FLAG, },
	[SIPALG_A_SETTING_KIND] = NLA_POLICY_MAX(NLA_U32, 8),
	[SIPALG_A_SETTING_UNIT] = { .type = NLA_NUL_STRING, },
	[SIPALG_A_SETTING_WORD] = { .type = NLA_STRING, },
	[SIPALG_A_SETTING_LIST] = NLA_POLICY_MAX_LEN(32),
	[SIPALG_A_SETTING_DEFAULT_LIST] = NLA_POLICY_MAX_LEN(32),
	[SIPALG_A_SETTING_PREFIX] = NLA_POLICY_MAX_LEN(17),
	[SIPALG_A_SETTING_PREFIXES] = NLA_POLICY_MAX_LEN(17),
	[SIPALG_A_SETTING_PAIR] = NLA_POLICY_MAX_LEN(32),
};

const struct nla_policy sipalg_sync_nl_policy[SIPALG_A_SYNC_PAD + 1] = {
	[SIPALG_A_SYNC_ROLE] = NLA_POLICY_MAX(NLA_U32, 1),
	[SIPALG_A_SYNC_EPOCH] = NLA_POLICY_FULL_RANGE(NLA_U32, &sipalg_a_sync_epoch_range),
	[SIPALG_A_SYNC_SEQUENCE] = { .type = NLA_U64, },
	[SIPALG_A_SYNC_CLOCK] = { .type = NLA_U64, },
	[SIPALG_A_SYNC_DIRTY] = { .type = NLA_U32, },
	[SIPALG_A_SYNC_LISTEN] = { .type = NLA_FLAG, },
	[SIPALG_A_SYNC_LOST] = { .type = NLA_FLAG, },
};

const struct nla_policy sipalg_sync_object_nl_policy[SIPALG_A_SYNC_OBJECT_PAD + 1] = {
	[SIPALG_A_SYNC_OBJECT_KEY] = NLA_POLICY_MAX_LEN(640),
	[SIPALG_A_SYNC_OBJECT_SEQUENCE] = { .type = NLA_U64, },
	[SIPALG_A_SYNC_OBJECT_RECORD] = { .type = NLA_BINARY, },
	[SIPALG_A_SYNC_OBJECT_AGE] = { .type = NLA_U32, },
};

/* SIPALG_CMD_SETTING_SET - do */
static const struct nla_policy sipalg_setting_set_nl_policy[SIPALG_A_SETTING + 1] = {
	[SIPALG_A_SETTING] = NLA_POLICY_NESTED(sipalg_setting_nl_policy),
};

/* SIPALG_CMD_CALL_GET - do */
static const struct nla_policy sipalg_call_get_do_nl_policy[SIPALG_A_CALL_ID + 1] = {
	[SIPALG_A_ID] = { .type = NLA_U32, },
	[SIPALG_A_CALL_ID] = NLA_POLICY_MAX_LEN(512),
};

/* SIPALG_CMD_CALL_GET - dump */
static const struct nla_policy sipalg_call_get_dump_nl_policy[SIPALG_A_ACCOUNT + 1] = {
	[SIPALG_A_CALL_ID] = NLA_POLICY_MAX_LEN(512),
	[SIPALG_A_ADDRESS] = NLA_POLICY_MAX_LEN(16),
	[SIPALG_A_PREFIX] = { .type = NLA_U32, },
	[SIPALG_A_PORT] = { .type = NLA_U32, },
	[SIPALG_A_STATE] = { .type = NLA_NUL_STRING, .len = 15, },
	[SIPALG_A_OLDER] = { .type = NLA_U32, },
	[SIPALG_A_IDLE] = { .type = NLA_U32, },
	[SIPALG_A_FROM] = NLA_POLICY_MAX_LEN(64),
	[SIPALG_A_TO] = NLA_POLICY_MAX_LEN(64),
	[SIPALG_A_ACCOUNT] = NLA_POLICY_MAX_LEN(128),
};

/* SIPALG_CMD_CALL_END - do */
static const struct nla_policy sipalg_call_end_nl_policy[SIPALG_A_ACCOUNT + 1] = {
	[SIPALG_A_ID] = { .type = NLA_U32, },
	[SIPALG_A_CALL_ID] = NLA_POLICY_MAX_LEN(512),
	[SIPALG_A_ALL] = { .type = NLA_FLAG, },
	[SIPALG_A_ADDRESS] = NLA_POLICY_MAX_LEN(16),
	[SIPALG_A_PREFIX] = { .type = NLA_U32, },
	[SIPALG_A_PORT] = { .type = NLA_U32, },
	[SIPALG_A_STATE] = { .type = NLA_NUL_STRING, .len = 15, },
	[SIPALG_A_OLDER] = { .type = NLA_U32, },
	[SIPALG_A_IDLE] = { .type = NLA_U32, },
	[SIPALG_A_FROM] = NLA_POLICY_MAX_LEN(64),
	[SIPALG_A_TO] = NLA_POLICY_MAX_LEN(64),
	[SIPALG_A_ACCOUNT] = NLA_POLICY_MAX_LEN(128),
};

/* SIPALG_CMD_REGISTRATION_GET - dump */
static const struct nla_policy sipalg_registration_get_nl_policy[SIPALG_A_ACCOUNT + 1] = {
	[SIPALG_A_ACCOUNT] = NLA_POLICY_MAX_LEN(128),
};

/* SIPALG_CMD_REGISTRATION_END - do */
static const struct nla_policy sipalg_registration_end_nl_policy[SIPALG_A_ID + 1] = {
	[SIPALG_A_ID] = { .type = NLA_U32, },
};

/* SIPALG_CMD_SYNC_SET - do */
static const struct nla_policy sipalg_sync_set_nl_policy[SIPALG_A_SYNC + 1] = {
	[SIPALG_A_SYNC] = NLA_POLICY_NESTED(sipalg_sync_nl_policy),
};

/* SIPALG_CMD_SYNC_RESTORE - do */
static const struct nla_policy sipalg_sync_restore_nl_policy[SIPALG_A_SYNC_OBJECT + 1] = {
	[SIPALG_A_SYNC] = NLA_POLICY_NESTED(sipalg_sync_nl_policy),
	[SIPALG_A_SYNC_OBJECT] = NLA_POLICY_NESTED(sipalg_sync_object_nl_policy),
};

/* Ops table for sipalg */
const struct genl_split_ops sipalg_nl_ops[15] = {
	{
		.cmd	= SIPALG_CMD_SETTING_GET,
		.dumpit	= sipalg_nl_setting_get_dumpit,
		.flags	= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= SIPALG_CMD_SETTING_SET,
		.doit		= sipalg_nl_setting_set_doit,
		.policy		= sipalg_setting_set_nl_policy,
		.maxattr	= SIPALG_A_SETTING,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= SIPALG_CMD_SETTING_RESET,
		.doit	= sipalg_nl_setting_reset_doit,
		.flags	= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= SIPALG_CMD_CALL_GET,
		.doit		= sipalg_nl_call_get_doit,
		.policy		= sipalg_call_get_do_nl_policy,
		.maxattr	= SIPALG_A_CALL_ID,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= SIPALG_CMD_CALL_GET,
		.start		= sipalg_nl_call_get_start,
		.dumpit		= sipalg_nl_call_get_dumpit,
		.done		= sipalg_nl_call_get_done,
		.policy		= sipalg_call_get_dump_nl_policy,
		.maxattr	= SIPALG_A_ACCOUNT,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= SIPALG_CMD_CALL_END,
		.doit		= sipalg_nl_call_end_doit,
		.policy		= sipalg_call_end_nl_policy,
		.maxattr	= SIPALG_A_ACCOUNT,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= SIPALG_CMD_REGISTRATION_GET,
		.start		= sipalg_nl_registration_get_start,
		.dumpit		= sipalg_nl_registration_get_dumpit,
		.done		= sipalg_nl_registration_get_done,
		.policy		= sipalg_registration_get_nl_policy,
		.maxattr	= SIPALG_A_ACCOUNT,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd	= SIPALG_CMD_STATS_GET,
		.dumpit	= sipalg_nl_stats_get_dumpit,
		.flags	= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd	= SIPALG_CMD_STATS_RESET,
		.doit	= sipalg_nl_stats_reset_doit,
		.flags	= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= SIPALG_CMD_REGISTRATION_END,
		.doit		= sipalg_nl_registration_end_doit,
		.policy		= sipalg_registration_end_nl_policy,
		.maxattr	= SIPALG_A_ID,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= SIPALG_CMD_SYNC_GET,
		.doit	= sipalg_nl_sync_get_doit,
		.flags	= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= SIPALG_CMD_SYNC_SET,
		.doit		= sipalg_nl_sync_set_doit,
		.policy		= sipalg_sync_set_nl_policy,
		.maxattr	= SIPALG_A_SYNC,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= SIPALG_CMD_SYNC_MARK,
		.doit	= sipalg_nl_sync_mark_doit,
		.flags	= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= SIPALG_CMD_SYNC_OBJECT_GET,
		.start	= sipalg_nl_sync_object_get_start,
		.dumpit	= sipalg_nl_sync_object_get_dumpit,
		.done	= sipalg_nl_sync_object_get_done,
		.flags	= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= SIPALG_CMD_SYNC_RESTORE,
		.doit		= sipalg_nl_sync_restore_doit,
		.policy		= sipalg_sync_restore_nl_policy,
		.maxattr	= SIPALG_A_SYNC_OBJECT,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
};
