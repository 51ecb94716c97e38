// SPDX-License-Identifier: GPL-2.0-only
/* Settings by netlink: listed, set all or nothing, reset. */
#include <linux/slab.h>
#include "call/call.h"
#include "core/hashlimit.h"
#include "core/net.h"
#include "core/setting.h"
#include "nat/mapping.h"
#include "netlink/family.h"
#include "nat/nat64.h"
#include "nat/outer.h"
#include "netlink/gen.h"
#include "netlink/nat64.h"
#include "netlink/outer.h"
#include "netlink/peers.h"
#include "sip/names.h"

/* Serialises writers; readers on the packet path take whole words. */
static DEFINE_MUTEX(setting_mutex);

static int put_words(struct sk_buff *skb, const struct sipalg_setting_info *info)
{
	u32 i;

	if (info->kind == SIPALG_SETTING_KIND_METHODS)
		for (i = 0; i < SIP_METHOD_MAX; i++)
			if (nla_put_string(skb, SIPALG_A_SETTING_WORD,
					   sip_method_name(i)))
				return -EMSGSIZE;
	if (info->kind == SIPALG_SETTING_KIND_WORD)
		for (i = 0; i <= info->max; i++)
			if (nla_put_string(skb, SIPALG_A_SETTING_WORD,
					   info->words[i]))
				return -EMSGSIZE;
	return 0;
}

static int put_info(struct sk_buff *skb, struct sipalg_net *sn, unsigned int i)
{
	const struct sipalg_setting_info *info = &sipalg_setting_table[i];

	if (nla_put_string(skb, SIPALG_A_SETTING_NAME, info->name) ||
	    nla_put_u32(skb, SIPALG_A_SETTING_VALUE,
			sipalg_setting(sn, i)) ||
	    nla_put_u32(skb, SIPALG_A_SETTING_DEFAULT,
			sipalg_setting_initial(i)) ||
	    nla_put_u32(skb, SIPALG_A_SETTING_MIN, info->min) ||
	    nla_put_u32(skb, SIPALG_A_SETTING_MAX_VALUE, info->max) ||
	    nla_put_u32(skb, SIPALG_A_SETTING_KIND, info->kind) ||
	    nla_put_string(skb, SIPALG_A_SETTING_UNIT, info->unit))
		return -EMSGSIZE;
	if (info->zero && nla_put_flag(skb, SIPALG_A_SETTING_ZERO))
		return -EMSGSIZE;
	return put_words(skb, info);
}

static int put_codes(struct sk_buff *skb, int attr, const u16 *codes)
{
	int n = 0;

	while (n < SIPALG_SCREEN_EXEMPT_MAX && codes[n])
		n++;
	return nla_put(skb, attr, n * sizeof(u16), codes);
}

static int put_exempt(struct sk_buff *skb,
		      const struct sipalg_setting_info *info, const u16 *codes)
{
	if (nla_put_string(skb, SIPALG_A_SETTING_NAME, info->name) ||
	    nla_put_u32(skb, SIPALG_A_SETTING_KIND, info->kind) ||
	    nla_put_string(skb, SIPALG_A_SETTING_UNIT, info->unit) ||
	    nla_put_u32(skb, SIPALG_A_SETTING_MIN, info->min) ||
	    nla_put_u32(skb, SIPALG_A_SETTING_MAX_VALUE, info->max) ||
	    put_codes(skb, SIPALG_A_SETTING_LIST, codes) ||
	    put_codes(skb, SIPALG_A_SETTING_DEFAULT_LIST, info->codes))
		return -EMSGSIZE;
	return 0;
}

static int put_row(struct sk_buff *skb, struct sipalg_net *sn, unsigned int i)
{
	const struct sipalg_setting_info *info = &sipalg_setting_table[i];

	switch (info->kind) {
	case SIPALG_SETTING_KIND_CODES:
		return put_exempt(skb, info, sn->settings.screen_exempt);
	case SIPALG_SETTING_KIND_PREFIX:
		return i == SIPALG_NAT64_PREFIX ?
		       sipalg_nl_nat64_put_prefix(skb, &sn->settings.nat64) :
		       sipalg_nl_nat64_put_pool(skb, &sn->settings.nat64);
	case SIPALG_SETTING_KIND_PREFIXES:
		return sipalg_nl_peers_put(skb, &sn->settings.peers);
	case SIPALG_SETTING_KIND_PAIRS:
		return sipalg_nl_outer_put(skb, &sn->settings.outer);
	default:
		return put_info(skb, sn, i);
	}
}

static int put_setting(struct sk_buff *skb, struct netlink_callback *cb,
		       struct sipalg_net *sn, unsigned int i)
{
	void *header = sipalg_netlink_begin(skb, NETLINK_CB(cb->skb).portid,
					    cb->nlh->nlmsg_seq, NLM_F_MULTI,
					    SIPALG_CMD_SETTING_GET);
	struct nlattr *nest;
	int err;

	if (!header)
		return -EMSGSIZE;
	nest = nla_nest_start(skb, SIPALG_A_SETTING);
	err = nest ? put_row(skb, sn, i) : -EMSGSIZE;
	if (err) {
		genlmsg_cancel(skb, header);
		return err;
	}
	nla_nest_end(skb, nest);
	genlmsg_end(skb, header);
	return 0;
}

int sipalg_nl_setting_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct sipalg_net *sn = sipalg_net_get(sock_net(skb->sk));

	while (cb->args[0] < SIPALG_SETTING_MAX &&
	       !put_setting(skb, cb, sn, cb->args[0]))
		cb->args[0]++;
	return skb->len;
}

static int find_setting(const char *name)
{
	int i;

	for (i = 0; i < SIPALG_SETTING_MAX; i++)
		if (!strcmp(sipalg_setting_table[i].name, name))
			return i;
	return -ENOENT;
}

/*
 * The extended ack keeps a pointer, and kernels before 6.2 cannot format one:
 * each setting has its sentence, written when it is first needed. Caller holds
 * setting_mutex.
 */
static const char *range_sentence(int i)
{
	static char sentences[SIPALG_SETTING_MAX][80];
	const struct sipalg_setting_info *info = &sipalg_setting_table[i];

	if (info->kind == SIPALG_SETTING_KIND_PORTS)
		snprintf(sentences[i], sizeof(sentences[i]),
			 "%s: two ports %u-%u with an even-odd pair between",
			 info->name, info->min, info->max);
	else
		snprintf(sentences[i], sizeof(sentences[i]), "%s: %s%u..%u %s",
			 info->name, info->zero ? "0 or " : "", info->min,
			 info->max, info->unit);
	return sentences[i];
}

static void refuse(struct netlink_ext_ack *extack, struct nlattr *attr, int i)
{
	if (!extack)
		return;
	extack->_msg = range_sentence(i);
	NL_SET_BAD_ATTR(extack, attr);
}

static int set_exempt(struct sipalg_settings *new, struct nlattr *list,
		      struct netlink_ext_ack *extack)
{
	const u16 *codes;
	int i, n;

	if (!list || nla_len(list) % sizeof(u16)) {
		NL_SET_ERR_MSG(extack, "screen-exempt: up to 16 status codes from 300 to 699");
		return -EINVAL;
	}
	codes = nla_data(list);
	n = nla_len(list) / sizeof(u16);
	for (i = 0; i < n; i++)
		if (codes[i] < 300 || codes[i] > 699) {
			NL_SET_ERR_MSG_ATTR(extack, list,
					    "screen-exempt: up to 16 status codes from 300 to 699");
			return -ERANGE;
		}
	memset(new->screen_exempt, 0, sizeof(new->screen_exempt));
	memcpy(new->screen_exempt, codes, n * sizeof(u16));
	return 0;
}

/* @given: which settings that need each other have been named */
static int set_one(struct sipalg_settings *new, struct nlattr *attr, u8 *given,
		   struct netlink_ext_ack *extack)
{
	struct nlattr *tb[SIPALG_A_SETTING_MAX + 1];
	const char *name;
	int err, i;

	err = nla_parse_nested(tb, SIPALG_A_SETTING_MAX, attr,
			       sipalg_setting_nl_policy, extack);
	if (err)
		return err;
	if (!tb[SIPALG_A_SETTING_NAME]) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "setting without a name");
		return -EINVAL;
	}
	name = nla_data(tb[SIPALG_A_SETTING_NAME]);
	if (sipalg_nl_nat64_is(name))
		return sipalg_nl_nat64_set(&new->nat64, name,
					   tb[SIPALG_A_SETTING_PREFIX], given,
					   extack);

	i = find_setting(name);
	if (i < 0) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "no setting has this name: see sipalg-ctl setting list");
		return i;
	}
	if (sipalg_setting_table[i].kind == SIPALG_SETTING_KIND_CODES)
		return set_exempt(new, tb[SIPALG_A_SETTING_LIST], extack);
	if (sipalg_setting_table[i].kind == SIPALG_SETTING_KIND_PAIRS)
		return sipalg_nl_outer_set(&new->outer, attr, extack);
	if (sipalg_setting_table[i].kind == SIPALG_SETTING_KIND_PREFIXES)
		return sipalg_nl_peers_set(&new->peers, attr, extack);
	if (!tb[SIPALG_A_SETTING_VALUE]) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "setting without a value");
		return -EINVAL;
	}
	if (!sipalg_setting_valid(i, nla_get_u32(tb[SIPALG_A_SETTING_VALUE]))) {
		refuse(extack, tb[SIPALG_A_SETTING_VALUE], i);
		return -ERANGE;
	}
	new->value[i] = nla_get_u32(tb[SIPALG_A_SETTING_VALUE]);
	return 0;
}

/* Do these say who may call a registered phone by a pinhole of ours? */
static bool changes_ways(const struct sipalg_settings *old,
			 const struct sipalg_settings *new)
{
	static const u8 settings[] = {
		SIPALG_MODE, SIPALG_CONTACT_PINHOLE, SIPALG_SIGNALLING_SOURCE,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(settings); i++)
		if (old->value[settings[i]] != new->value[settings[i]])
			return true;
	return memcmp(&old->peers, &new->peers, sizeof(old->peers));
}

/* What exists follows, as far as it can (doc/configuration.md). */
static void reach_all(struct sipalg_net *sn, bool ways)
{
	sipalg_calls_settings(sn);
	if (ways)
		sipalg_mappings_settings(sn);
}

/* A list of a setting for the packet path, NULL where it is empty. */
static void *copy_of(const void *list, size_t size, bool used)
{
	return used ? kmemdup(list, size, GFP_KERNEL) : NULL;
}

/* What the packet path reads through a pointer: all new, or all as before. */
static int swap_all(struct sipalg_net *sn, const struct sipalg_settings *new)
{
	struct sipalg_outer *outer = copy_of(&new->outer, sizeof(*outer),
					     new->outer.count);
	struct sipalg_nat64 *nat64 = copy_of(&new->nat64, sizeof(*nat64),
					     new->nat64.prefix_len);
	struct sipalg_peers *peers = copy_of(&new->peers, sizeof(*peers),
					     new->peers.count);
	bool all = (outer || !new->outer.count) &&
		   (nat64 || !new->nat64.prefix_len) &&
		   (peers || !new->peers.count);

	if (all) {
		outer = rcu_replace_pointer(sn->outer, outer, true);
		nat64 = rcu_replace_pointer(sn->nat64, nat64, true);
		peers = rcu_replace_pointer(sn->peers, peers, true);
		if (outer || nat64 || peers)
			synchronize_rcu();
		sn->settings.outer = new->outer;
		sn->settings.nat64 = new->nat64;
		sn->settings.peers = new->peers;
	}
	kfree(outer);
	kfree(nat64);
	kfree(peers);
	return all ? 0 : -ENOMEM;
}

static int take_over(struct sipalg_net *sn, const struct sipalg_settings *new)
{
	bool metered = new->value[SIPALG_RATE_LIMIT] ||
		       new->value[SIPALG_SCREEN_INVITES];
	const bool ways = changes_ways(&sn->settings, new);
	struct sipalg_hashlimit *hashlimit;
	unsigned int i;
	int err;

	if (metered && !rcu_access_pointer(sn->hashlimit)) {
		hashlimit = sipalg_hashlimit_alloc();
		if (!hashlimit)
			return -ENOMEM;
		sipalg_hashlimit_swap(sn, hashlimit);
	}

	err = swap_all(sn, new);
	if (err)
		return err;
	for (i = 0; i < SIPALG_SETTING_MAX; i++)
		WRITE_ONCE(sn->settings.value[i], new->value[i]);
	for (i = 0; i < SIPALG_SCREEN_EXEMPT_MAX; i++)
		WRITE_ONCE(sn->settings.screen_exempt[i], new->screen_exempt[i]);
	if (!metered)
		sipalg_hashlimit_swap(sn, NULL);
	reach_all(sn, ways);
	return 0;
}

/* All that a request says; its settings are in force only if all are right. */
static int set_all(struct sipalg_settings *new, struct genl_info *info)
{
	bool any = false;
	struct nlattr *attr;
	int rest, err;
	u8 given = 0;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rest) {
		if (nla_type(attr) != SIPALG_A_SETTING)
			continue;
		any = true;
		err = set_one(new, attr, &given, info->extack);
		if (err)
			return err;
	}
	if (!any) {
		NL_SET_ERR_MSG(info->extack, "no setting given");
		return -EINVAL;
	}
	return sipalg_nl_nat64_check(genl_info_net(info), &new->nat64, given,
				     info->extack);
}

int sipalg_nl_setting_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sipalg_net *sn = sipalg_net_get(genl_info_net(info));
	struct sipalg_settings *new;
	int err;

	mutex_lock(&setting_mutex);
	new = kmemdup(&sn->settings, sizeof(*new), GFP_KERNEL);
	err = new ? set_all(new, info) : -ENOMEM;
	if (!err)
		err = take_over(sn, new);
	mutex_unlock(&setting_mutex);
	kfree(new);
	return err;
}

int sipalg_nl_setting_reset_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sipalg_settings *new = kzalloc(sizeof(*new), GFP_KERNEL);
	int err;

	if (!new)
		return -ENOMEM;
	sipalg_settings_init(new);
	mutex_lock(&setting_mutex);
	err = take_over(sipalg_net_get(genl_info_net(info)), new);
	mutex_unlock(&setting_mutex);
	kfree(new);
	return err;
}
