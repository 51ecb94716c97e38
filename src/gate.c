// SPDX-License-Identifier: GPL-2.0-only
/* The table of gates, each with a master and one expectation. */
#include <linux/siphash.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include "binding.h"
#include "gate.h"
#include "net.h"
#include "pinhole.h"
#include "source.h"

/**
 * struct sipalg_gate - one of them; all but @users is written once
 * @node: in &sipalg_net.gates
 * @rcu: frees it after the last connection that came by it is set up
 * @sn: the namespace
 * @key: what it lets through
 * @real: where that is translated to
 * @face: address by which the sender is seen
 * @source: who has it open
 * @users: guarded by &sipalg_net.gate_lock
 * @master: carries @exp
 * @exp: the expectation
 */
struct sipalg_gate {
	struct hlist_node node;
	struct rcu_head rcu;
	struct sipalg_net *sn;
	struct sipalg_gate_key key;
	struct sipalg_addr real;
	union nf_inet_addr face;
	struct sipalg_source *source;
	unsigned int users;
	struct nf_conn *master;
	struct nf_conntrack_expect *exp;
};

static struct hlist_head *bucket(struct sipalg_net *sn,
				 const struct sipalg_gate_key *key)
{
	u32 hash = hsiphash(key, sizeof(*key), &sn->table_key);

	return &sn->gates[hash >> (32 - SIPALG_GATE_HASH_BITS)];
}

/* Caller holds the lock. */
static struct sipalg_gate *find(struct sipalg_net *sn,
				const struct sipalg_gate_key *key)
{
	struct sipalg_gate *gate;

	hlist_for_each_entry(gate, bucket(sn, key), node)
		if (!memcmp(&gate->key, key, sizeof(*key)))
			return gate;
	return NULL;
}

static bool is_any(const union nf_inet_addr *src)
{
	static const union nf_inet_addr any;

	return sipalg_ip_equal(src, &any);
}

static int open_gate(struct sipalg_gate *gate)
{
	struct nf_conn_help *help = nfct_help(gate->master);
	const struct sipalg_pinhole pinhole = {
		.class = SIPALG_CLASS_SIGNALLING,
		.family = gate->key.family,
		.l4proto = gate->key.l4proto,
		.src_ip = is_any(&gate->key.src) ? NULL : &gate->key.src,
		.dst = gate->key.dst,
		.real = gate->real,
		.helper = rcu_dereference(help->helper),
	};

	return sipalg_pinhole_open(gate->sn, gate->master, &pinhole,
				   &gate->exp);
}

/* Caller holds the lock. */
static struct sipalg_gate *gate_alloc(const struct sipalg_flow *flow,
				      const struct sipalg_gate_key *key,
				      const struct sipalg_addr *real,
				      const union nf_inet_addr *face,
				      struct sipalg_source *source)
{
	struct sipalg_net *sn = flow->sn;
	struct sipalg_gate *gate;

	if (sn->gate_count >= SIPALG_MAX_GATES)
		return NULL;
	gate = kzalloc(sizeof(*gate), GFP_ATOMIC);
	if (!gate)
		return NULL;
	gate->sn = sn;
	memcpy(&gate->key, key, sizeof(*key));
	gate->real = *real;
	gate->face = *face;
	gate->users = 1;
	gate->source = sipalg_source_take_more(source, SIPALG_SHARE_GATES);
	if (!gate->source)
		goto err_gate;
	gate->master = sipalg_master_alloc(flow, SIPALG_OWNER_GATE, gate);
	if (!gate->master)
		goto err_source;
	if (open_gate(gate))
		goto err_master;

	hlist_add_head(&gate->node, bucket(sn, key));
	sn->gate_count++;
	atomic_long_add(sizeof(*gate), &sn->memory);
	return gate;

err_master:
	sipalg_master_release(gate->master);
err_source:
	sipalg_source_give(gate->source, SIPALG_SHARE_GATES);
err_gate:
	kfree_rcu(gate, rcu);
	return NULL;
}

/* A trunk's gate may never be without a user. Caller holds the lock. */
static void gate_share(struct sipalg_gate *gate)
{
	gate->users++;
	sipalg_pinhole_prolong(gate->sn, &gate->exp);
	if (!gate->exp)
		open_gate(gate);
}

struct sipalg_gate *sipalg_gate_take(const struct sipalg_flow *flow,
				     const struct sipalg_gate_key *key,
				     const struct sipalg_addr *real,
				     const union nf_inet_addr *face,
				     struct sipalg_source *source)
{
	struct sipalg_net *sn = flow->sn;
	struct sipalg_gate *gate;

	spin_lock_bh(&sn->gate_lock);
	gate = find(sn, key);
	if (!gate)
		gate = gate_alloc(flow, key, real, face, source);
	else if (sipalg_addr_equal(&gate->real, real))
		gate_share(gate);
	else
		gate = NULL;
	spin_unlock_bh(&sn->gate_lock);
	return gate;
}

void sipalg_gate_give(struct sipalg_gate *gate)
{
	struct sipalg_net *sn = gate->sn;
	bool last;

	spin_lock_bh(&sn->gate_lock);
	last = !--gate->users;
	if (last) {
		hlist_del(&gate->node);
		sn->gate_count--;
		sipalg_pinhole_close(sn, &gate->exp);
		sipalg_master_release(gate->master);
		sipalg_source_give(gate->source, SIPALG_SHARE_GATES);
		atomic_long_sub(sizeof(*gate), &sn->memory);
	}
	spin_unlock_bh(&sn->gate_lock);
	if (last)
		kfree_rcu(gate, rcu);
}

/* The public face of an inside sender stays what the other side knows (H-12). */
static bool sender_face(const struct sipalg_gate *gate, const struct nf_conn *ct,
			struct sipalg_addr *face)
{
	const struct nf_conntrack_tuple *tuple =
		&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	const struct sipalg_flow flow = {
		.sn = gate->sn,
		.family = gate->key.family,
		.l4proto = gate->key.l4proto,
	};
	const struct sipalg_addr sender = { tuple->src.u3, tuple->src.u.all };
	const struct sipalg_binding *binding;

	binding = sipalg_binding_find_inside(&flow, &sender, &gate->face);
	if (!binding)
		return false;
	*face = binding->public.addr;
	return true;
}

void sipalg_gate_expected(struct sipalg_gate *gate, struct nf_conn *ct)
{
	struct sipalg_addr face;

	if (!sipalg_addr_equal(&gate->real, &gate->key.dst))
		sipalg_pinhole_nat(ct, &gate->real, false);
	else if (sender_face(gate, ct, &face))
		sipalg_pinhole_nat(ct, &face, true);
}
