// SPDX-License-Identifier: GPL-2.0-only
/* Counters and registrations by netlink. */
#include "core/compat.h"
#include "core/net.h"
#include "nat/expect.h"
#include "nat/mapping.h"
#include "nat/registration.h"
#include "netlink/family.h"
#include "netlink/gen.h"
#include "netlink/peers.h"
#include "sip/names.h"

struct counters {
	struct sk_buff *skb;
	struct netlink_callback *cb;
	int number;	/* of the next counter; those before cb->args[0] are out */
};

/* Returns false when the answer is full: the dump goes on from here. */
static bool put_value(struct counters *c, const char *group, const char *name,
		      u64 value, enum sipalg_counter_kind kind)
{
	struct nlattr *nest;
	void *header;

	if (c->number++ < c->cb->args[0])
		return true;
	header = sipalg_netlink_begin(c->skb, NETLINK_CB(c->cb->skb).portid,
				      c->cb->nlh->nlmsg_seq, NLM_F_MULTI,
				      SIPALG_CMD_STATS_GET);
	if (!header)
		return false;
	nest = nla_nest_start(c->skb, SIPALG_A_COUNTER);
	if (!nest || nla_put_string(c->skb, SIPALG_A_COUNTER_GROUP, group) ||
	    nla_put_string(c->skb, SIPALG_A_COUNTER_NAME, name) ||
	    nla_put_u64_64bit(c->skb, SIPALG_A_COUNTER_VALUE, value,
			      SIPALG_A_COUNTER_PAD) ||
	    nla_put_u32(c->skb, SIPALG_A_COUNTER_KIND, kind)) {
		genlmsg_cancel(c->skb, header);
		return false;
	}
	nla_nest_end(c->skb, nest);
	genlmsg_end(c->skb, header);
	c->cb->args[0]++;
	return true;
}

static bool put_counter(struct counters *c, const char *group, const char *name,
			u64 value)
{
	return put_value(c, group, name, value, SIPALG_COUNTER_KIND_COUNTER);
}

static bool put_pair(struct counters *c, const char *name, const u64 *pair)
{
	char group[32];

	snprintf(group, sizeof(group), "messages.%s", name);
	return put_counter(c, group, "new", pair[0]) &&
	       put_counter(c, group, "retransmitted", pair[1]);
}

static bool put_messages(struct counters *c, const struct sipalg_stats *sum)
{
	static const char * const classes[] = {
		"1xx", "2xx", "3xx", "4xx", "5xx", "6xx"
	};
	unsigned int i;

	for (i = 0; i < SIP_METHOD_MAX; i++)
		if (!put_pair(c, sip_method_name(i), sum->requests[i]))
			return false;
	for (i = 0; i < ARRAY_SIZE(classes); i++)
		if (!put_pair(c, classes[i], sum->responses[i]))
			return false;
	return true;
}

static bool put_ends(struct counters *c, const struct sipalg_stats *sum)
{
	unsigned int i;

	for (i = 0; i < SIPALG_END_MAX; i++)
		if (!put_counter(c, "calls.ended", sipalg_end_name(i),
				 sum->ended[i]))
			return false;
	return true;
}

static bool put_reasons(struct counters *c, const char *group, const u64 *sum)
{
	unsigned int i;

	for (i = 1; i < SIPALG_REASON_MAX; i++)
		if (!put_counter(c, group, sipalg_reason_name(i), sum[i]))
			return false;
	return true;
}

static int active_calls(const struct sipalg_net *sn)
{
	return max(atomic_read(&sn->call_count) -
		   atomic_read(&sn->calls_retired), 0);
}

/* The groups of counters that are arrays, by the name of their row. */
static bool put_group(struct counters *c, const struct sipalg_stats *sum,
		      const char *group)
{
	if (!strcmp(group, "messages"))
		return put_messages(c, sum);
	if (!strcmp(group, "calls.ended"))
		return put_ends(c, sum);
	return put_reasons(c, group, !strcmp(group, "dropped") ?
				     sum->dropped : sum->passed_unchanged);
}

static bool put_all(struct counters *c, struct sipalg_net *sn,
		    const struct sipalg_stats *sum)
{
	bool more = true;

#define COUNTER(member, group, name, metric, help)			\
	more = more && put_counter(c, group, name, sum->member);
#define GAUGE(group, name, metric, help, value)				\
	more = more && put_value(c, group, name, value,			\
				 SIPALG_COUNTER_KIND_GAUGE);
#define COUNTERS(group, metric, label, help)				\
	more = more && put_group(c, sum, group);
#include "core/counters.def"
	return more;
}

int sipalg_nl_stats_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct sipalg_net *sn = sipalg_net_get(sock_net(skb->sk));
	struct counters c = { .skb = skb, .cb = cb };
	struct sipalg_stats *sum = kmalloc(sizeof(*sum), GFP_KERNEL);

	if (!sum)
		return -ENOMEM;
	sipalg_stats_sum(sn, sum);
	put_all(&c, sn, sum);
	kfree(sum);
	return skb->len;
}

int sipalg_nl_stats_reset_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sipalg_net *sn = sipalg_net_get(genl_info_net(info));

	sipalg_stats_reset(sn);
	atomic_set(&sn->call_peak, atomic_read(&sn->call_count));
	return 0;
}

struct registration_dump {
	struct rhashtable_iter iter;
	const struct nlattr *account;
};

int sipalg_nl_registration_get_start(struct netlink_callback *cb)
{
	struct sipalg_net *sn = sipalg_net_get(sock_net(cb->skb->sk));
	struct registration_dump *dump = kmalloc(sizeof(*dump), GFP_KERNEL);

	if (!dump)
		return -ENOMEM;
	dump->account = sipalg_compat_dump_attrs(cb)[SIPALG_A_ACCOUNT];
	cb->seq = 1;
	rhltable_walk_enter(&sn->registrations, &dump->iter);
	cb->args[0] = (long)dump;
	return 0;
}

/* Its whole address of record, or the user of it. */
static bool is_account(const struct nlattr *wanted,
		       const struct sipalg_registration *registration)
{
	const char *at = memchr(registration->account, '@',
				registration->account_len);
	size_t user = at ? at - registration->account :
			   registration->account_len;
	size_t len = min_t(size_t, nla_len(wanted), SIPALG_MAX_ACCOUNT);

	return (len == user || len == registration->account_len) &&
	       !memcmp(nla_data(wanted), registration->account, len);
}

static int put_callers(struct sk_buff *skb, const struct sipalg_mapping *mapping,
		       const struct sipalg_registration *registration)
{
	struct sipalg_prefix callers[SIPALG_MAX_CALLERS];
	unsigned int i, n;

	n = sipalg_registration_callers(mapping, registration, callers);
	for (i = 0; i < n; i++)
		if (sipalg_nl_prefix_put(skb, SIPALG_A_REGISTRATION_CALLER,
					 &callers[i]))
			return -EMSGSIZE;
	return 0;
}

int sipalg_netlink_registration(struct sk_buff *skb,
				const struct sipalg_mapping *mapping,
				const struct sipalg_registration *registration)
{
	const struct sipalg_addr *public = &mapping->public.addr;
	const struct sipalg_addr *private = &mapping->private.addr;
	struct nlattr *nest = nla_nest_start(skb, SIPALG_A_REGISTRATION);
	u8 family = mapping->public.family;
	u32 left = 0;

	if (time_after(registration->until, jiffies))
		left = (registration->until - jiffies) / HZ;
	if (!nest ||
	    sipalg_netlink_endpoint(skb, SIPALG_A_REGISTRATION_PRIVATE, family,
				    &private->ip, private->port) ||
	    sipalg_netlink_endpoint(skb, SIPALG_A_REGISTRATION_PUBLIC, family,
				    &public->ip, public->port) ||
	    sipalg_netlink_endpoint(skb, SIPALG_A_REGISTRATION_REGISTRAR,
				    family, &registration->registrar.ip,
				    registration->registrar.port) ||
	    nla_put_string(skb, SIPALG_A_REGISTRATION_PROTOCOL,
			   mapping->public.l4proto == IPPROTO_TCP ? "tcp" :
								    "udp") ||
	    nla_put_u32(skb, SIPALG_A_REGISTRATION_EXPIRES, left) ||
	    nla_put_u32(skb, SIPALG_A_REGISTRATION_NUMBER, registration->id) ||
	    nla_put(skb, SIPALG_A_REGISTRATION_ACCOUNT,
		    registration->account_len, registration->account) ||
	    put_callers(skb, mapping, registration))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int answer_registration(struct sk_buff *skb, struct netlink_callback *cb,
			       const struct sipalg_mapping *mapping,
			       const struct sipalg_registration *registration)
{
	void *header = sipalg_netlink_begin(skb, NETLINK_CB(cb->skb).portid,
					    cb->nlh->nlmsg_seq, NLM_F_MULTI,
					    SIPALG_CMD_REGISTRATION_GET);
	int err;

	if (!header)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, header);
	err = sipalg_netlink_registration(skb, mapping, registration);
	if (!err)
		genlmsg_end(skb, header);
	return err;
}

/* A PBX has more of them than one answer has room for. */
static int answer_confirmed(struct sk_buff *skb, struct netlink_callback *cb,
			    const struct sipalg_registration *registration,
			    const struct nlattr *account)
{
	struct sipalg_mapping *mapping = registration->mapping;
	unsigned char *before = skb_tail_pointer(skb);
	int err = 0;

	spin_lock_bh(&mapping->lock);
	if (registration->linked && registration->confirmed &&
	    (!account || is_account(account, registration)))
		err = answer_registration(skb, cb, mapping, registration);
	spin_unlock_bh(&mapping->lock);
	if (err)
		nlmsg_trim(skb, before);
	return err;
}

int sipalg_nl_registration_get_dumpit(struct sk_buff *skb,
				      struct netlink_callback *cb)
{
	struct registration_dump *dump =
		(struct registration_dump *)cb->args[0];
	struct rhashtable_iter *iter = &dump->iter;
	struct sipalg_registration *registration;

	sipalg_netlink_walk(iter, cb);
	for (registration = rhashtable_walk_peek(iter); registration;
	     registration = rhashtable_walk_next(iter)) {
		if (IS_ERR(registration)) {
			cb->seq++;
			continue;
		}
		if (answer_confirmed(skb, cb, registration, dump->account))
			break;
	}
	rhashtable_walk_stop(iter);
	return skb->len;
}

int sipalg_nl_registration_get_done(struct netlink_callback *cb)
{
	struct registration_dump *dump =
		(struct registration_dump *)cb->args[0];

	if (dump) {
		rhashtable_walk_exit(&dump->iter);
		kfree(dump);
	}
	return 0;
}

int sipalg_nl_registration_end_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sipalg_net *sn = sipalg_net_get(genl_info_net(info));
	const struct nlattr *id = info->attrs[SIPALG_A_ID];

	if (!id) {
		NL_SET_ERR_MSG(info->extack, "which registration: a number");
		return -EINVAL;
	}
	if (!sipalg_registration_end(sn, nla_get_u32(id))) {
		NL_SET_ERR_MSG(info->extack,
			       "there is no such registration (any more): see sipalg-ctl registration list");
		return -ENOENT;
	}
	return 0;
}
