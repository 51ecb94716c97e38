// SPDX-License-Identifier: GPL-2.0-only
/* Expectations and their unhashed master conntracks. */
#include <linux/inetdevice.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_ecache.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include <net/netfilter/nf_nat.h>
#include "core/compat.h"
#include "core/event.h"
#include "core/net.h"
#include "nat/expect.h"

struct nf_conntrack_helper *sipalg_expect_helpers[2];

/*
 * In the private area of a master's helper extension. @next: of the same owner,
 * for pinholes of another zone; the owner's lock guards it.
 */
struct master_data {
	void __rcu *owner;
	const struct sipalg_expect_ops *ops;
	struct nf_conn *next;
};

static struct master_data *master_data(const struct nf_conn *master)
{
	struct nf_conn_help *help = nfct_help(master);

	return help ? (struct master_data *)help->data : NULL;
}

void sipalg_origin_of(const struct nf_conn *ct, struct sipalg_origin *origin)
{
	origin->tuple[IP_CT_DIR_ORIGINAL] = ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	origin->tuple[IP_CT_DIR_REPLY] = ct->tuplehash[IP_CT_DIR_REPLY].tuple;
	origin->zone = *nf_ct_zone(ct);
#ifdef CONFIG_NF_CONNTRACK_MARK
	origin->mark = READ_ONCE(ct->mark);
#else
	origin->mark = 0;
#endif
}

struct nf_conn *sipalg_origin_find(struct net *net,
				   const struct sipalg_origin *origin)
{
	struct nf_conntrack_tuple_hash *hash;
	struct nf_conn *ct;

	hash = nf_conntrack_find_get(net, &origin->zone,
				     &origin->tuple[IP_CT_DIR_ORIGINAL]);
	if (!hash)
		return NULL;
	ct = nf_ct_tuplehash_to_ctrack(hash);
	if (NF_CT_DIRECTION(hash) == IP_CT_DIR_ORIGINAL &&
	    nf_ct_tuple_equal(&ct->tuplehash[IP_CT_DIR_REPLY].tuple,
			      &origin->tuple[IP_CT_DIR_REPLY]))
		return ct;
	nf_ct_put(ct);
	return NULL;
}

static struct nf_conn *master_alloc(struct net *net,
				    const struct sipalg_origin *of,
				    struct nf_conntrack_helper *helper,
				    const struct sipalg_expect_ops *ops,
				    void *owner)
{
	struct nf_conn_help *help;
	struct master_data *data;
	struct nf_conn *master;

	NF_CT_HELPER_BUILD_BUG_ON(sizeof(struct master_data));

	master = nf_conntrack_alloc(net, &of->zone,
				    &of->tuple[IP_CT_DIR_ORIGINAL],
				    &of->tuple[IP_CT_DIR_REPLY], GFP_ATOMIC);
	if (IS_ERR(master))
		return NULL;

	help = nf_ct_helper_ext_add(master, GFP_ATOMIC);
	if (!help || !sipalg_compat_helper_get(helper)) {
		nf_conntrack_free(master);
		return NULL;
	}
	rcu_assign_pointer(help->helper, helper);
	/* so that `conntrack -E expect` tells of its pinholes */
	nf_ct_ecache_ext_add(master, 0, 0, GFP_ATOMIC);
	data = (struct master_data *)help->data;
	data->ops = ops;
	rcu_assign_pointer(data->owner, owner);
#ifdef CONFIG_NF_CONNTRACK_MARK
	master->mark = of->mark;
#endif
	/* conntrack matches no expectation of a master it deems unconfirmed */
	sipalg_compat_confirm(master);
	smp_wmb();	/* before anyone can take a reference */
	refcount_set(&master->ct_general.use, 1);
	atomic_inc(&sipalg_net_get(nf_ct_net(master))->master_count);
	return master;
}

struct nf_conn *sipalg_master_restore(struct sipalg_net *sn,
				      const struct sipalg_origin *origin,
				      const struct sipalg_expect_ops *ops,
				      void *owner)
{
	bool tcp = origin->tuple[0].dst.protonum == IPPROTO_TCP;

	return master_alloc(sn->net, origin, sipalg_expect_helpers[tcp], ops,
			    owner);
}

struct nf_conn *sipalg_master_alloc(const struct sipalg_flow *flow,
				    const struct sipalg_expect_ops *ops,
				    void *owner)
{
	struct nf_conn_help *help = nfct_help(flow->ct);
	struct nf_conntrack_helper *helper =
		help ? rcu_dereference(help->helper) : NULL;
	struct sipalg_origin origin;

	if (!helper)
		return NULL;
	sipalg_origin_of(flow->ct, &origin);
	return master_alloc(nf_ct_net(flow->ct), &origin, helper, ops, owner);
}

static void note_full(struct sipalg_net *sn)
{
	WRITE_ONCE(sn->full_at, get_jiffies_64());
	sipalg_count(sn, pinholes_refused);
}

bool sipalg_expects_are_full(const struct sipalg_net *sn)
{
	return time_before_eq64(get_jiffies_64(), READ_ONCE(sn->full_at) + HZ);
}

int sipalg_master_error(struct sipalg_net *sn)
{
	if (!sipalg_compat_conntrack_is_full(sn->net))
		return -ENOMEM;
	note_full(sn);
	return -ENFILE;
}

/* The owner's master for pinholes of a zone, made if there is none yet, or NULL. */
static struct nf_conn *master_in(struct nf_conn *master, u16 id)
{
	struct master_data *first = master_data(master), *data;
	struct nf_conn_help *help = nfct_help(master);
	struct sipalg_origin origin;
	struct nf_conn *other;

	for (other = master; other; other = data->next) {
		if (nf_ct_zone(other)->id == id)
			return other;
		data = master_data(other);
	}
	sipalg_origin_of(master, &origin);
	origin.zone = (struct nf_conntrack_zone){
		.id = id,
		.dir = NF_CT_DEFAULT_ZONE_DIR,
	};
	other = master_alloc(nf_ct_net(master), &origin,
			     rcu_dereference_raw(help->helper), first->ops,
			     rcu_dereference_raw(first->owner));
	if (!other)
		return NULL;
	master_data(other)->next = first->next;
	first->next = other;
	return other;
}

bool sipalg_master_has(const struct nf_conn *master, const struct nf_conn *ct)
{
	for (; master; master = master_data(master)->next)
		if (ct->master == master)
			return true;
	return false;
}

void sipalg_master_release(struct nf_conn *master)
{
	struct nf_conn_help *help = nfct_help(master);
	struct nf_conntrack_helper *helper;
	struct master_data *data = master_data(master);
	struct nf_conn *next = data->next;

	atomic_dec(&sipalg_net_get(nf_ct_net(master))->master_count);
	RCU_INIT_POINTER(data->owner, NULL);
	data->next = NULL;
	nf_ct_remove_expectations(master);

	/* media conntracks may outlive the module: leave them no pointer to it */
	helper = rcu_dereference_protected(help->helper, 1);
	RCU_INIT_POINTER(help->helper, NULL);
	if (helper)
		sipalg_compat_helper_put(helper);
	nf_ct_put(master);
	if (next)
		sipalg_master_release(next);
}

void sipalg_expect_nat(struct nf_conn *ct, const struct sipalg_addr *addr,
		       bool src)
{
	enum nf_nat_manip_type manip = src ? NF_NAT_MANIP_SRC : NF_NAT_MANIP_DST;
	struct nf_nat_range2 range = {
		.flags = NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED,
		.min_addr = addr->ip,
		.max_addr = addr->ip,
		.min_proto.all = addr->port,
		.max_proto.all = addr->port,
	};

	if (!nf_nat_initialized(ct, manip))
		nf_nat_setup_info(ct, &range, manip);
}

/*
 * Called by conntrack for a new, unconfirmed connection that an expectation of
 * this module admitted. RCU read side, no lock held. If the owner has just ended,
 * the connection gets no translation.
 */
static void expected(struct nf_conn *ct, struct nf_conntrack_expect *exp)
{
	struct master_data *data = ct->master ? master_data(ct->master) : NULL;
	void *owner = data ? rcu_dereference(data->owner) : NULL;

	if (owner)
		data->ops->expected(owner, ct, exp);
}

/*
 * A connection may have a signalling flow for its master, too, that somebody
 * has given an expectation by netlink: of a master of ours no table knows.
 */
static bool is_master(const struct nf_conn *ct)
{
	const struct nf_conn_help *help = nfct_help(ct);
	const struct nf_conntrack_helper *helper =
		help ? rcu_dereference(help->helper) : NULL;

	return helper && helper->me == THIS_MODULE &&
	       hlist_nulls_unhashed(&ct->tuplehash[IP_CT_DIR_ORIGINAL].hnnode);
}

bool sipalg_expect_face(const struct nf_conn *ct, struct sipalg_addr *public)
{
	const struct master_data *data;
	void *owner;

	if (!ct->master || !is_master(ct->master))
		return false;
	data = master_data(ct->master);
	owner = rcu_dereference(data->owner);
	if (!owner)
		return false;
	return data->ops->face && data->ops->face(owner, ct, public);
}

/* Conntrack's own function knows one address or any. */
static void mask_source(struct nf_conntrack_expect *exp,
			const struct sipalg_expect *pinhole)
{
	union nf_inet_addr *mask = &exp->mask.src.u3;
	struct in6_addr ones;

	if (pinhole->family == AF_INET) {
		mask->ip = inet_make_mask(pinhole->src_len);
		return;
	}
	memset(&ones, 0xff, sizeof(ones));
	ipv6_addr_prefix(&mask->in6, &ones, pinhole->src_len);
}

int sipalg_expect_open(struct sipalg_net *sn, struct nf_conn *master,
		       const struct sipalg_expect *pinhole,
		       struct nf_conntrack_expect **exp)
{
	struct nf_conntrack_expect *new;
	int err;

	master = master_in(master, pinhole->zone);
	if (!master)
		return sipalg_master_error(sn);
	/* conntrack would evict the oldest */
	if (nfct_help(master)->expecting[pinhole->class] >= NF_CT_EXPECT_MAX_CNT)
		return -ENOSPC;
	new = nf_ct_expect_alloc(master);
	if (!new)
		return -ENOMEM;
	nf_ct_expect_init(new, pinhole->class, pinhole->family, pinhole->src_ip,
			  &pinhole->dst.ip, pinhole->l4proto,
			  pinhole->src_port ? &pinhole->src_port : NULL,
			  &pinhole->dst.port);
	if (pinhole->src_len)
		mask_source(new, pinhole);
	new->flags = NF_CT_EXPECT_PERMANENT;
	new->expectfn = expected;
	new->saved_addr = pinhole->real.ip;
	new->saved_proto.all = pinhole->real.port;
	/* the master's may be of the other protocol than the URI's */
	if (pinhole->helper)
		sipalg_compat_expect_assign(new, sipalg_expect_helpers[pinhole->l4proto ==
								       IPPROTO_TCP]);

	err = nf_ct_expect_related(new, 0);
	if (err) {
		if (err == -EMFILE)
			note_full(sn);
		nf_ct_expect_put(new);
		return err;
	}
	atomic_inc(&sn->pinhole_count);
	sipalg_count(sn, pinholes_opened);
	sipalg_event_pinhole(sn, new, "opened");
	*exp = new;
	return 0;
}

/* Whose a pinhole is, or NULL; RCU keeps the owner. */
static void *owner_of(const struct nf_conn *master,
		      const struct nf_conntrack_tuple *tuple, u16 id,
		      const struct sipalg_expect_ops **ops)
{
	const struct nf_conntrack_zone zone = {
		.id = id,
		.dir = NF_CT_DEFAULT_ZONE_DIR,
	};
	const struct nf_conntrack_expect *exp;
	const struct master_data *data = NULL;
	void *owner = NULL;

	spin_lock_bh(&nf_conntrack_expect_lock);
	exp = __nf_ct_expect_find(nf_ct_net(master), &zone, tuple);
	if (exp && exp->expectfn == expected)
		data = master_data(exp->master);
	if (data)
		owner = rcu_dereference(data->owner);
	/* not of the one who asks */
	if (owner == rcu_dereference(master_data(master)->owner))
		owner = NULL;
	if (owner)
		*ops = data->ops;
	spin_unlock_bh(&nf_conntrack_expect_lock);
	return owner;
}

bool sipalg_expect_make_way(const struct nf_conn *master,
			    const struct sipalg_expect *pinhole)
{
	struct nf_conntrack_tuple tuple = {
		.src.l3num = pinhole->family,
		.dst.u3 = pinhole->dst.ip,
		.dst.u.all = pinhole->dst.port,
		.dst.protonum = pinhole->l4proto,
	};
	const struct sipalg_expect_ops *ops;
	bool closed = false;
	void *owner;

	if (pinhole->src_ip)
		tuple.src.u3 = *pinhole->src_ip;
	rcu_read_lock();
	owner = owner_of(master, &tuple, pinhole->zone, &ops);
	if (owner && ops->give_way)
		closed = ops->give_way(owner);
	rcu_read_unlock();
	return closed;
}

static bool still_linked(const struct nf_conn_help *help,
			 const struct nf_conntrack_expect *exp)
{
	const struct nf_conntrack_expect *pos;

	hlist_for_each_entry(pos, &help->expectations, lnode)
		if (pos == exp)
			return true;
	return false;
}

bool sipalg_expect_is_gone(const struct nf_conntrack_expect *exp)
{
	return exp && sipalg_compat_expect_is_gone(exp);
}

static bool is_counted(const struct nf_conntrack_expect *exp,
		       const struct net *net)
{
	return exp->expectfn == expected &&
	       net_eq(nf_ct_net(exp->master), net) &&
	       !sipalg_compat_expect_is_gone(exp);
}

unsigned int sipalg_expects_count(const struct net *net)
{
	const struct nf_conntrack_expect *exp;
	unsigned int i, count = 0;

	rcu_read_lock();
	for (i = 0; i < nf_ct_expect_hsize; i++)
		hlist_for_each_entry_rcu(exp, &nf_ct_expect_hash[i], hnode)
			count += is_counted(exp, net);
	rcu_read_unlock();
	return count;
}

/* Of its extensions conntrack allocates 128 bytes at least: help, ecache, zone. */
#define MASTER_BYTES	(sizeof(struct nf_conn) + 128)

unsigned long sipalg_expects_memory(const struct sipalg_net *sn)
{
	return atomic_read(&sn->master_count) * MASTER_BYTES +
	       atomic_read(&sn->pinhole_count) *
			sizeof(struct nf_conntrack_expect);
}

void sipalg_expect_prolong(struct sipalg_net *sn,
			   struct nf_conntrack_expect **exp)
{
	struct nf_conn_help *help;
	bool alive;

	if (!*exp)
		return;
	spin_lock_bh(&nf_conntrack_expect_lock);
	help = nfct_help((*exp)->master);
	alive = help && still_linked(help, *exp) &&
		sipalg_compat_expect_prolong(*exp, SIPALG_EXPECT_TIMEOUT);
	spin_unlock_bh(&nf_conntrack_expect_lock);
	if (!alive)
		sipalg_expect_close(sn, exp);
}

void sipalg_expect_close(struct sipalg_net *sn,
			 struct nf_conntrack_expect **exp)
{
	struct nf_conn_help *help;

	if (!*exp)
		return;

	/*
	 * nf_ct_unexpect_related() only marks it on new kernels and leaves it
	 * counted; an administrator may have flushed it meanwhile. The owner
	 * holds the master, so walking its short list is safe.
	 */
	spin_lock_bh(&nf_conntrack_expect_lock);
	help = nfct_help((*exp)->master);
	if (help && still_linked(help, *exp))
		sipalg_compat_expect_unlink(*exp);
	spin_unlock_bh(&nf_conntrack_expect_lock);

	sipalg_event_pinhole(sn, *exp, "closed");
	nf_ct_expect_put(*exp);
	*exp = NULL;
	atomic_dec(&sn->pinhole_count);
	sipalg_count(sn, pinholes_closed);
}
