// SPDX-License-Identifier: GPL-2.0-only
/*
 * Conntrack attaches a helper to a new flow only. TCP connections are left alone:
 * message boundaries cannot be proven in the middle of a stream.
 */
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack_core.h>
#include "core/compat.h"
#include "core/ct_data.h"
#include "core/ct_timeout.h"
#include "core/net.h"
#include "nat/mapping.h"
#include "packet/helper.h"
#include "packet/reattach.h"

#define MARK	0x7369706132363131ULL	/* changes with the structure */

/* Places at which the phone may have written its own address, in bits of a mark. */
static const u8 wrote_at[] = { SIP_FIELD_CONTACT, SIP_FIELD_VIA,
			       SIP_FIELD_FROM };

/**
 * struct mark - state of a flow for a newer module
 * @mark: MARK
 * @keep_until: of struct sipalg_ct_data
 * @uri_port: of the phone's mapping, as the others
 * @via_port: the same
 * @uri_secure: the same
 * @wrote: at which of &wrote_at; 0: there is no mapping
 */
struct mark {
	u64 mark;
	u32 keep_until;
	u16 uri_port;
	u16 via_port;
	u8 uri_secure;
	u8 wrote;
};

/* A flow, referenced. */
struct found {
	struct list_head list;
	struct nf_conn *ct;
};

static struct mark *mark_of(const struct nf_conn *ct)
{
	NF_CT_HELPER_BUILD_BUG_ON(sizeof(struct mark));
	return (struct mark *)nfct_help(ct)->data;
}

static bool note(struct nf_conn *ct, struct list_head *flows)
{
	struct found *found = kmalloc(sizeof(*found), GFP_ATOMIC | __GFP_NOWARN);

	if (!found)
		return false;
	nf_conntrack_get(&ct->ct_general);
	found->ct = ct;
	list_add(&found->list, flows);
	return true;
}

/* Conntrack deletes none of which 0 is returned; its lock is held. */
static int take_off(struct nf_conn *ct, void *flows)
{
	struct nf_conn_help *help = nfct_help(ct);
	struct nf_conntrack_helper *helper;

	if (!help || nf_ct_protonum(ct) != IPPROTO_UDP)
		return 0;
	helper = rcu_dereference_protected(help->helper, 1);
	if (!helper || helper->me != THIS_MODULE || !note(ct, flows))
		return 0;
	RCU_INIT_POINTER(help->helper, NULL);
	sipalg_compat_helper_put(helper);
	return 0;
}

static int is_marked(struct nf_conn *ct, void *flows)
{
	const struct nf_conn_help *help = nfct_help(ct);

	if (help && nf_ct_protonum(ct) == IPPROTO_UDP &&
	    !rcu_access_pointer(help->helper) && mark_of(ct)->mark == MARK)
		note(ct, flows);
	return 0;
}

/* The flow as its phone sees it. */
static void phones_flow(struct sipalg_flow *flow, struct nf_conn *ct)
{
	struct sipalg_net *sn = sipalg_net_get(nf_ct_net(ct));

	sipalg_flow_init(flow, sn, ct, IP_CT_DIR_ORIGINAL);
	if (sipalg_flow_to_inside(flow))
		sipalg_flow_init(flow, sn, ct, IP_CT_DIR_REPLY);
}

static void leave(struct nf_conn *ct)
{
	struct mark mark = {
		.mark = MARK,
		.keep_until = sipalg_ct_data(ct)->keep_until,
	};
	const struct sipalg_mapping *mapping;
	struct sipalg_flow flow;
	unsigned int i;

	phones_flow(&flow, ct);
	rcu_read_lock();
	mapping = sipalg_flow_from_inside(&flow) ?
			  sipalg_mapping_find(&flow, &flow.src_public,
					      &flow.src.ip) :
			  NULL;
	if (mapping) {
		mark.uri_port = READ_ONCE(mapping->uri_port);
		mark.via_port = READ_ONCE(mapping->via_port);
		mark.uri_secure = READ_ONCE(mapping->uri_secure);
		for (i = 0; i < ARRAY_SIZE(wrote_at); i++)
			if (READ_ONCE(mapping->fields) & 1u << wrote_at[i])
				mark.wrote |= BIT(i);
	}
	rcu_read_unlock();
	memcpy(mark_of(ct), &mark, sizeof(mark));
}

/* It stays as long as a call that is up may last. */
static void remember(const struct sipalg_flow *flow, const struct mark *mark)
{
	struct sipalg_mapping *mapping;
	unsigned int i;

	mapping = sipalg_mapping_make(flow, &flow->src, &flow->src_public);
	if (!mapping)
		return;
	spin_lock_bh(&mapping->lock);
	WRITE_ONCE(mapping->uri_port, mark->uri_port);
	WRITE_ONCE(mapping->via_port, mark->via_port);
	WRITE_ONCE(mapping->uri_secure, mark->uri_secure);
	for (i = 0; i < ARRAY_SIZE(wrote_at); i++)
		if (mark->wrote & BIT(i))
			WRITE_ONCE(mapping->fields,
				   mapping->fields | 1u << wrote_at[i]);
	spin_unlock_bh(&mapping->lock);
	sipalg_mapping_keep(mapping, 60UL * HZ *
			    sipalg_setting(flow->sn, SIPALG_MAXIMUM_CALL_DURATION));
}

static void adopt(struct nf_conn *ct)
{
	struct nf_conntrack_helper *helper = sipalg_helper_of_udp();
	struct nf_conn_help *help = nfct_help(ct);
	struct mark mark = *mark_of(ct);
	struct sipalg_flow flow;

	if (!sipalg_compat_helper_get(helper))
		return;
	memset(help->data, 0, sizeof(help->data));
	sipalg_ct_data(ct)->keep_until = mark.keep_until;
	rcu_assign_pointer(help->helper, helper);

	local_bh_disable();
	rcu_read_lock();
	phones_flow(&flow, ct);
	if (mark.wrote && sipalg_flow_from_inside(&flow))
		remember(&flow, &mark);
	sipalg_ct_timeout_refresh(flow.sn, ct);
	rcu_read_unlock();
	local_bh_enable();
}

/* Of all namespaces; none goes meanwhile. */
static void each_flow(int (*pick)(struct nf_conn *ct, void *flows),
		      void (*use)(struct nf_conn *ct))
{
	struct nf_ct_iter_data iter = {};
	struct found *found, *next;
	LIST_HEAD(flows);

	iter.data = &flows;
	down_read(&net_rwsem);
	for_each_net(iter.net)
		nf_ct_iterate_cleanup_net(pick, &iter);
	synchronize_rcu();	/* packets that still have the helper */
	list_for_each_entry_safe(found, next, &flows, list) {
		use(found->ct);
		nf_ct_put(found->ct);
		kfree(found);
	}
	up_read(&net_rwsem);
}

void sipalg_reattach_mark(void)
{
	each_flow(take_off, leave);
}

void sipalg_reattach(void)
{
	each_flow(is_marked, adopt);
}
