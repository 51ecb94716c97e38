// SPDX-License-Identifier: GPL-2.0-only
/* Keeps signalling conntracks alive as long as they are used. */
#include <net/netfilter/nf_conntrack_l4proto.h>
#include "core/compat.h"
#include "core/ct_data.h"
#include "core/ct_timeout.h"
#include "core/net.h"

/* A TCP connection that is being closed is not kept. */
static bool is_closed(const struct nf_conn *ct)
{
	return nf_ct_protonum(ct) == IPPROTO_TCP &&
	       READ_ONCE(ct->proto.tcp.state) != TCP_CONNTRACK_ESTABLISHED;
}

/* TCP's own timeout is days: never shorten it. */
static void lengthen(struct nf_conn *ct, u32 time)
{
	const struct sipalg_net *sn = sipalg_net_get(nf_ct_net(ct));

	/* `observe` changes nothing */
	if (sipalg_setting(sn, SIPALG_MODE) >= SIPALG_MODE_PINHOLES &&
	    !is_closed(ct) && nf_ct_expires(ct) < time)
		sipalg_compat_refresh(ct, time);
}

u32 sipalg_ct_timeout_natural(const struct nf_conn *ct)
{
	const unsigned int *timeouts = nf_udp_pernet(nf_ct_net(ct))->timeouts;

	if (nf_ct_protonum(ct) == IPPROTO_TCP)
		return nf_tcp_pernet(nf_ct_net(ct))->timeouts[READ_ONCE(ct->proto.tcp.state)];
	return timeouts[test_bit(IPS_ASSURED_BIT, &ct->status) ?
			UDP_CT_REPLIED : UDP_CT_UNREPLIED];
}

static u32 left_of(const struct sipalg_ct_data *data)
{
	u32 until = READ_ONCE(data->keep_until);
	s32 left = until - nfct_time_stamp;

	return until && left > 0 ? left : 0;
}

void sipalg_ct_timeout_extend(struct nf_conn *ct, unsigned long time)
{
	struct sipalg_ct_data *data = sipalg_ct_data(ct);

	if (!data)
		return;
	if (left_of(data) < time)
		WRITE_ONCE(data->keep_until, (nfct_time_stamp + (u32)time) ?: 1);
	lengthen(ct, time);
}

void sipalg_ct_timeout_refresh(struct sipalg_net *sn, struct nf_conn *ct)
{
	struct sipalg_ct_data *data = sipalg_ct_data(ct);
	u32 time;

	if (!data)
		return;
	time = left_of(data);
	/* none of its calls lasts longer */
	if (atomic_read(&data->calls))
		time = max(time, sipalg_setting(sn, SIPALG_MAXIMUM_CALL_DURATION) *
				 60 * HZ);
	if (time)
		lengthen(ct, time);
}

void sipalg_ct_timeout_get(struct sipalg_net *sn, struct nf_conn **user,
			   struct nf_conn *ct)
{
	struct sipalg_ct_data *data = sipalg_ct_data(ct);

	if (*user == ct || !data)
		return;
	sipalg_ct_timeout_put(user);
	nf_conntrack_get(&ct->ct_general);
	atomic_inc(&data->calls);
	*user = ct;
	sipalg_ct_timeout_refresh(sn, ct);
}

/* The helper may have been replaced, and its area be another helper's. */
static struct sipalg_ct_data *our_data(struct nf_conn *ct)
{
	struct nf_conn_help *help = nfct_help(ct);
	const struct nf_conntrack_helper *helper;
	bool ours;

	rcu_read_lock();
	helper = help ? rcu_dereference(help->helper) : NULL;
	ours = helper && helper->me == THIS_MODULE;
	rcu_read_unlock();
	return ours ? sipalg_ct_data(ct) : NULL;
}

static void give_back(struct nf_conn *ct, const struct sipalg_ct_data *data)
{
	u32 time;

	if (nf_ct_protonum(ct) != IPPROTO_UDP || !nf_ct_is_confirmed(ct))
		return;
	time = max(left_of(data), sipalg_ct_timeout_natural(ct));
	if (nf_ct_expires(ct) > time)
		sipalg_compat_refresh(ct, time);
}

void sipalg_ct_timeout_put(struct nf_conn **user)
{
	struct nf_conn *ct = *user;
	struct sipalg_ct_data *data;

	if (!ct)
		return;
	*user = NULL;
	data = our_data(ct);
	if (data && atomic_dec_and_test(&data->calls))
		give_back(ct, data);
	nf_ct_put(ct);
}

bool sipalg_ct_timeout_lost(const struct nf_conn *ct)
{
	return !ct || nf_ct_is_dying(ct) || nf_ct_is_expired(ct) ||
	       is_closed(ct);
}
