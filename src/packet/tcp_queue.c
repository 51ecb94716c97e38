// SPDX-License-Identifier: GPL-2.0-only
/* What is kept of TCP connections: made, found, freed; and its budgets. */
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_seqadj.h>
#include <net/tcp.h>
#include "core/compat.h"
#include "core/ct_data.h"
#include "core/net.h"
#include "core/quota.h"
#include "packet/tcp_queue.h"
#include "packet/tcp_seq.h"

#define LOCKS_BITS	8

/* A connection that owes nothing has no object, but it has positions. */
static spinlock_t locks[1 << LOCKS_BITS] = {
	[0 ... (1 << LOCKS_BITS) - 1] = __SPIN_LOCK_UNLOCKED(locks),
};

static bool leaving;

static spinlock_t *lock_of(const struct nf_conn *ct)
{
	return &locks[hash_ptr(ct, LOCKS_BITS)];
}

void sipalg_tcp_lock(const struct nf_conn *ct)
{
	spin_lock(lock_of(ct));
}

void sipalg_tcp_unlock(const struct nf_conn *ct)
{
	spin_unlock(lock_of(ct));
}

#ifdef CONFIG_LOCKDEP
void sipalg_tcp_assert_locked(const struct nf_conn *ct)
{
	lockdep_assert_held(lock_of(ct));
}
#endif

static const u8 quota_of[SIPALG_TCP_KINDS] = {
	[SIPALG_TCP_SENT] = SIPALG_QUOTA_TCP_SENT,
	[SIPALG_TCP_HELD] = SIPALG_QUOTA_TCP_HELD,
	[SIPALG_TCP_PASSING] = SIPALG_QUOTA_TCP_PASSING,
};

static bool charge(struct sipalg_tcp *tcp, enum sipalg_tcp_kind kind,
		   long bytes)
{
	struct sipalg_net *sn = tcp->sn;

	if (!sipalg_quota_charge(tcp->quota, quota_of[kind], bytes))
		return false;
	if (atomic_long_add_return(bytes, &sn->tcp_bytes[kind]) >
	    SIPALG_MAX_TCP_QUEUE) {
		atomic_long_sub(bytes, &sn->tcp_bytes[kind]);
		sipalg_quota_uncharge(tcp->quota, quota_of[kind], bytes);
		return false;
	}
	atomic_long_add(bytes, &sn->memory);
	return true;
}

static void uncharge(struct sipalg_tcp *tcp, enum sipalg_tcp_kind kind,
		     long bytes)
{
	sipalg_quota_uncharge(tcp->quota, quota_of[kind], bytes);
	atomic_long_sub(bytes, &tcp->sn->tcp_bytes[kind]);
	atomic_long_sub(bytes, &tcp->sn->memory);
}

static void *charged_alloc(struct sipalg_tcp *tcp, enum sipalg_tcp_kind kind,
			   size_t size)
{
	void *room;

	if (!charge(tcp, kind, size))
		return NULL;
	room = kmalloc(size, GFP_ATOMIC | __GFP_NOWARN);
	if (!room)
		uncharge(tcp, kind, size);
	return room;
}

static enum sipalg_tcp_kind held_kind(const struct sipalg_tcp_reasm *held)
{
	return held->passing ? SIPALG_TCP_PASSING : SIPALG_TCP_HELD;
}

static void tcp_put(struct sipalg_tcp *tcp)
{
	if (!refcount_dec_and_test(&tcp->refs))
		return;
	nf_ct_put(tcp->ct);
	uncharge(tcp, tcp->kind, sizeof(*tcp));
	sipalg_quota_host_put(tcp->quota);
	kfree(tcp);
}

void sipalg_tcp_let_go(struct sipalg_tcp *tcp, int dir)
{
	struct sipalg_tcp_reasm *held = &tcp->half[dir].held;

	if (held->bytes)
		uncharge(tcp, held_kind(held), held->size);
	kfree(held->bytes);
	memset(held, 0, sizeof(*held));
}

/* Of another kind, whose budget it may exceed: it is there already. */
void sipalg_tcp_held_passes(struct sipalg_tcp *tcp, int dir)
{
	struct sipalg_tcp_reasm *held = &tcp->half[dir].held;

	if (held->passing)
		return;
	if (!charge(tcp, SIPALG_TCP_PASSING, held->size)) {
		sipalg_tcp_let_go(tcp, dir);
		return;
	}
	uncharge(tcp, SIPALG_TCP_HELD, held->size);
	held->passing = true;
}

void sipalg_tcp_held_skip(struct sipalg_tcp *tcp, int dir, u32 len)
{
	struct sipalg_tcp_reasm *held = &tcp->half[dir].held;

	if (len >= held->len) {
		sipalg_tcp_let_go(tcp, dir);
		return;
	}
	held->len -= len;
	memmove(held->bytes, held->bytes + len, held->len);
	held->need = 0;
	held->raised = false;
	held->asked = false;
}

void sipalg_tcp_early_del(struct sipalg_tcp *tcp, int dir,
			  struct sipalg_tcp_early *early)
{
	if (tcp->half[dir].newest == early)
		tcp->half[dir].newest = NULL;
	rb_erase(&early->node, &tcp->half[dir].early);
	uncharge(tcp, SIPALG_TCP_HELD, sizeof(*early) + early->len);
	kfree(early);
}

static struct sipalg_tcp_early *early_of(struct rb_node *node)
{
	return rb_entry_safe(node, struct sipalg_tcp_early, node);
}

static void drop_early(struct sipalg_tcp *tcp, int dir)
{
	struct sipalg_tcp_early *early;

	while ((early = early_of(rb_first(&tcp->half[dir].early))))
		sipalg_tcp_early_del(tcp, dir, early);
}

static void drop_rtx(struct sipalg_tcp *tcp, int dir)
{
	struct sipalg_tcp_half *half = &tcp->half[dir];
	struct sipalg_tcp_rtx *rtx, *next;

	rbtree_postorder_for_each_entry_safe(rtx, next, &half->rtx, node)
		sipalg_tcp_rtx_free(tcp, rtx);
	half->rtx = RB_ROOT;
	half->una = half->seen_una - half->shift;
}

/* Nothing is kept. Nobody finds it afterwards; the caller's connection is locked. */
static void unlink(struct sipalg_tcp *tcp)
{
	struct sipalg_ct_data *data = sipalg_ct_data(tcp->ct);

	tcp->dead = true;
	if (data && data->tcp == tcp)
		data->tcp = NULL;

	spin_lock(&tcp->sn->tcp_lock);
	list_del_init(&tcp->list);
	spin_unlock(&tcp->sn->tcp_lock);
	if (timer_delete(&tcp->timer))
		tcp_put(tcp);	/* the timer's; the connection's remains */
	tcp_put(tcp);
}

void sipalg_tcp_forget(struct sipalg_tcp *tcp)
{
	int dir;

	for (dir = 0; dir < 2; dir++) {
		sipalg_tcp_let_go(tcp, dir);
		drop_early(tcp, dir);
		drop_rtx(tcp, dir);
		sipalg_tcp_window(&tcp->half[dir], tcp->ct, dir);
	}
	unlink(tcp);
}

static bool half_keeps(const struct sipalg_tcp *tcp, int dir)
{
	const struct sipalg_tcp_half *half = &tcp->half[dir];
	const struct sipalg_ct_data *data = sipalg_ct_data(tcp->ct);

	return half->held.bytes || !RB_EMPTY_ROOT(&half->rtx) ||
	       !RB_EMPTY_ROOT(&half->early) ||
	       (data && data->stream[dir].state == SIPALG_STREAM_ASTRAY) ||
	       (half->shift && sipalg_tcp_stored_shift(tcp->ct, dir) !=
			       half->shift);
}

void sipalg_tcp_tidy(struct sipalg_tcp *tcp)
{
	sipalg_tcp_window(&tcp->half[0], tcp->ct, 0);
	sipalg_tcp_window(&tcp->half[1], tcp->ct, 1);
	if (!half_keeps(tcp, 0) && !half_keeps(tcp, 1))
		unlink(tcp);
}

/*
 * Conntrack says so by a timeout, never by a state: it is in TIME_WAIT as soon
 * as both have closed, and what they sent before may still be to be repeated.
 */
static bool is_over(const struct nf_conn *ct)
{
	return nf_ct_is_dying(ct) || nf_ct_is_expired(ct) ||
	       !nf_ct_is_confirmed(ct);
}

/*
 * A sender that has not gone on is gone, or it comes again with what it has not
 * been told of: after minutes, and then it has been waiting for long. What it has
 * been told of, by an acknowledgment or a SACK block, is kept: nobody else has it.
 */
static void expire_half(struct sipalg_tcp *tcp, int dir, unsigned long age)
{
	struct sipalg_tcp_reasm *held = &tcp->half[dir].held;
	struct sipalg_ct_data *data = sipalg_ct_data(tcp->ct);

	if (data && data->stream[dir].state == SIPALG_STREAM_ASTRAY)
		data->stream[dir].state = SIPALG_STREAM_RESTORED;
	if (!held->bytes || !data || !time_after(jiffies, held->since + age) ||
	    sipalg_tcp_held_is_owed(&tcp->half[dir], data->stream[dir].next))
		return;
	if (!held->passing)
		sipalg_stream_repeats(&data->stream[dir]);
	sipalg_tcp_let_go(tcp, dir);
}

static void tcp_expired(struct timer_list *timer)
{
	struct sipalg_tcp *tcp = timer_container_of(tcp, timer, timer);
	unsigned long age = 2 * sipalg_64_t1(tcp->sn);

	sipalg_tcp_lock(tcp->ct);
	/* of a dying namespace the list is walked without its lock */
	if (!tcp->dead && !READ_ONCE(tcp->sn->dying) && !sipalg_tcp_leaving()) {
		refcount_inc(&tcp->refs);
		mod_timer(&tcp->timer, jiffies + age);
		expire_half(tcp, 0, age - HZ);
		expire_half(tcp, 1, age - HZ);
		if (is_over(tcp->ct))
			sipalg_tcp_forget(tcp);
		else
			sipalg_tcp_tidy(tcp);
	}
	sipalg_tcp_unlock(tcp->ct);
	tcp_put(tcp);
}

void sipalg_tcp_half_init(struct sipalg_tcp_half *half, struct nf_conn *ct,
			  int dir, u32 next)
{
	const struct ip_ct_tcp_state *receiver = &ct->proto.tcp.seen[!dir];

	sipalg_tcp_assert_locked(ct);
	memset(half, 0, sizeof(*half));
	half->shift = sipalg_tcp_stored_shift(ct, dir);
	half->top = half->shift;
	half->top_next = half->shift;
	spin_lock(&ct->lock);
	half->una = receiver->flags & IP_CT_TCP_FLAG_MAXACK_SET ?
		    receiver->td_maxack : next;
	spin_unlock(&ct->lock);
	half->told = half->una;
	half->seen_una = half->una + half->shift;
	half->top_from = half->una;
}

void sipalg_tcp_half_begin(struct sipalg_tcp_half *half, u32 next)
{
	half->una = next;
	half->told = next;
	half->seen_una = next + half->shift;
	half->top_from = next;
}

static struct sipalg_tcp *tcp_alloc(struct sipalg_net *sn, struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *opener =
		&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	struct sipalg_tcp *tcp = kzalloc(sizeof(*tcp), GFP_ATOMIC);

	if (!tcp)
		return NULL;
	tcp->sn = sn;
	tcp->quota = sipalg_quota_host_get(sn, nf_ct_l3num(ct),
					   &opener->src.u3);
	if (!tcp->quota)
		goto err_tcp;
	/* a host that holds as much as it may still gets its messages through */
	tcp->kind = SIPALG_TCP_HELD;
	if (charge(tcp, SIPALG_TCP_HELD, sizeof(*tcp)))
		return tcp;
	tcp->kind = SIPALG_TCP_SENT;
	if (!charge(tcp, SIPALG_TCP_SENT, sizeof(*tcp)))
		goto err_quota;
	return tcp;

err_quota:
	sipalg_quota_host_put(tcp->quota);
err_tcp:
	kfree(tcp);
	return NULL;
}

struct sipalg_tcp *sipalg_tcp_make(struct sipalg_net *sn, struct nf_conn *ct,
				   const struct sipalg_tcp_half *halves)
{
	struct sipalg_ct_data *data = sipalg_ct_data(ct);
	struct sipalg_tcp *tcp;

	if (!data || READ_ONCE(sn->dying))
		return NULL;
	tcp = tcp_alloc(sn, ct);
	if (!tcp)
		return NULL;
	tcp->ct = ct;
	nf_conntrack_get(&ct->ct_general);
	memcpy(tcp->half, halves, sizeof(tcp->half));
	refcount_set(&tcp->refs, 2);	/* the connection's and the timer's */
	timer_setup(&tcp->timer, tcp_expired, 0);
	mod_timer(&tcp->timer, jiffies + 2 * sipalg_64_t1(sn));
	spin_lock(&sn->tcp_lock);
	list_add(&tcp->list, &sn->tcp);
	spin_unlock(&sn->tcp_lock);
	data->tcp = tcp;
	return tcp;
}

/* Room doubles, so that many small pieces cost no more than a few large. */
static bool grow(struct sipalg_tcp *tcp, struct sipalg_tcp_reasm *held, u32 len)
{
	u32 size = max(held->size * 2, roundup_pow_of_two(len));
	char *bytes;

	if (len <= held->size)
		return true;
	bytes = charged_alloc(tcp, held_kind(held), size);
	if (!bytes)
		return false;
	if (held->len)
		memcpy(bytes, held->bytes, held->len);
	if (held->bytes)
		uncharge(tcp, held_kind(held), held->size);
	kfree(held->bytes);
	held->bytes = bytes;
	held->size = size;
	return true;
}

bool sipalg_tcp_hold(struct sipalg_tcp *tcp, int dir, const char *bytes,
		     u32 len)
{
	struct sipalg_tcp_reasm *held = &tcp->half[dir].held;

	if (!grow(tcp, held, held->len + len))
		return false;
	memcpy(held->bytes + held->len, bytes, len);
	held->len += len;
	held->piece = max(held->piece, len);
	held->since = jiffies;
	return true;
}

struct sipalg_tcp_rtx *sipalg_tcp_rtx_alloc(struct sipalg_tcp *tcp, u32 len)
{
	struct sipalg_tcp_rtx *rtx =
		charged_alloc(tcp, SIPALG_TCP_SENT, sizeof(*rtx) + len);

	if (rtx)
		rtx->len = len;
	return rtx;
}

void sipalg_tcp_rtx_free(struct sipalg_tcp *tcp, struct sipalg_tcp_rtx *rtx)
{
	uncharge(tcp, SIPALG_TCP_SENT, sizeof(*rtx) + rtx->len);
	kfree(rtx);
}

void sipalg_tcp_rtx_add(struct sipalg_tcp *tcp, int dir,
			struct sipalg_tcp_rtx *rtx, u32 start, u32 old_len)
{
	struct sipalg_tcp_half *half = &tcp->half[dir];
	struct rb_node **link = &half->rtx.rb_node, *parent = NULL;

	sipalg_tcp_assert_locked(tcp->ct);
	rtx->start = start;
	rtx->end = start + old_len;
	rtx->seen = sipalg_tcp_seen(half, start);
	half->shift += (s32)(rtx->len - old_len);
	half->top = max(half->top, half->shift);
	half->top_next = max(half->top_next, half->shift);
	while (*link) {
		parent = *link;
		link = after(rb_entry(parent, struct sipalg_tcp_rtx, node)->start,
			     start) ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&rtx->node, parent, link);
	rb_insert_color(&rtx->node, &half->rtx);
}

void sipalg_tcp_rtx_del(struct sipalg_tcp *tcp, int dir,
			struct sipalg_tcp_rtx *rtx)
{
	rb_erase(&rtx->node, &tcp->half[dir].rtx);
	sipalg_tcp_rtx_free(tcp, rtx);
}

bool sipalg_tcp_early_add(struct sipalg_tcp *tcp, int dir, u32 seq,
			  const char *bytes, u32 len)
{
	struct sipalg_tcp_half *half = &tcp->half[dir];
	struct rb_node **link = &half->early.rb_node, *parent = NULL;
	struct sipalg_tcp_early *early, *prev = NULL;

	while (*link) {
		parent = *link;
		early = early_of(parent);
		if (after(early->seq, seq)) {
			link = &parent->rb_left;
		} else {
			prev = early;
			link = &parent->rb_right;
		}
	}
	if (prev && !after(seq + len, prev->seq + prev->len)) {
		half->newest = prev;
		return true;
	}
	early = charged_alloc(tcp, SIPALG_TCP_HELD, sizeof(*early) + len);
	if (!early)
		return false;
	early->seq = seq;
	early->len = len;
	early->run = prev && !after(seq, prev->seq + prev->len) ? prev->run :
								  seq;
	memcpy(early->bytes, bytes, len);
	rb_link_node(&early->node, parent, link);
	rb_insert_color(&early->node, &half->early);
	half->newest = early;
	return true;
}

/* The last one that begins at @seq or before. */
static struct sipalg_tcp_early *early_until(const struct sipalg_tcp_half *half,
					    u32 seq)
{
	struct sipalg_tcp_early *early = early_of(half->early.rb_node);
	struct sipalg_tcp_early *found = NULL;

	while (early) {
		if (after(early->seq, seq)) {
			early = early_of(early->node.rb_left);
		} else {
			found = early;
			early = early_of(early->node.rb_right);
		}
	}
	return found;
}

struct sipalg_tcp_early *sipalg_tcp_early_next(struct sipalg_tcp *tcp, int dir,
					       u32 from, u32 seq)
{
	struct sipalg_tcp_early *early, *prev;

	if (!tcp)
		return NULL;
	for (early = early_until(&tcp->half[dir], seq); early; early = prev) {
		if (after(early->seq + early->len, seq))
			return early;
		if (before(early->seq, from))
			return NULL;
		prev = early_of(rb_prev(&early->node));
		sipalg_tcp_early_del(tcp, dir, early);
	}
	return NULL;
}

void sipalg_tcp_early_acknowledged(struct sipalg_tcp *tcp, int dir)
{
	struct sipalg_tcp_half *half = &tcp->half[dir];
	struct sipalg_tcp_early *early;

	while ((early = early_of(rb_first(&half->early))) &&
	       !after(early->seq + early->len, half->una))
		sipalg_tcp_early_del(tcp, dir, early);
}

bool sipalg_tcp_early_range(const struct sipalg_tcp_half *half, u32 *start,
			    u32 *end)
{
	const struct sipalg_tcp_early *early = half->newest;

	if (!early)
		early = early_of(rb_last(&half->early));
	if (!early)
		return false;
	*start = early->run;
	*end = early->seq + early->len;
	return true;
}

bool sipalg_tcp_leaving(void)
{
	return READ_ONCE(leaving);
}

/* What conntrack can do with one change of length is done for the newest. */
static int hand_over(struct nf_conn *ct, void *unused)
{
	struct nf_conn_seqadj *seqadj = nfct_seqadj(ct);
	struct sipalg_ct_data *data = sipalg_ct_data(ct);
	const struct nf_conntrack_helper *helper;
	struct sipalg_tcp_rtx *rtx;
	struct nf_ct_seqadj *adj;
	int dir;

	if (!data || !seqadj || nf_ct_protonum(ct) != IPPROTO_TCP ||
	    test_bit(IPS_SEQ_ADJUST_BIT, &ct->status))
		return 0;
	helper = rcu_dereference_protected(nfct_help(ct)->helper, 1);
	if (!helper || helper->me != THIS_MODULE)
		return 0;
	for (dir = 0; dir < 2 && data->tcp; dir++) {
		const struct sipalg_tcp_half *half = &data->tcp->half[dir];
		struct rb_node *last = rb_last(&half->rtx);

		adj = &seqadj->seq[dir];
		adj->offset_before = half->shift;
		adj->offset_after = half->shift;
		if (!last)
			continue;
		rtx = rb_entry(last, struct sipalg_tcp_rtx, node);
		adj->offset_before = rtx->seen - rtx->start;
		adj->correction_pos = rtx->start;
	}
	if (seqadj->seq[0].offset_after || seqadj->seq[1].offset_after ||
	    seqadj->seq[0].offset_before || seqadj->seq[1].offset_before)
		set_bit(IPS_SEQ_ADJUST_BIT, &ct->status);
	return 0;
}

void sipalg_tcp_hand_over(void)
{
	struct nf_ct_iter_data iter = {};

	WRITE_ONCE(leaving, true);
	synchronize_rcu();	/* what we have shifted is not shifted again */
	down_read(&net_rwsem);
	for_each_net(iter.net)
		nf_ct_iterate_cleanup_net(hand_over, &iter);
	up_read(&net_rwsem);
}

void sipalg_tcp_exit(struct sipalg_net *sn)
{
	struct sipalg_tcp *tcp;
	struct nf_conn *ct;

	while (!list_empty(&sn->tcp)) {
		tcp = list_first_entry(&sn->tcp, struct sipalg_tcp, list);
		ct = tcp->ct;
		refcount_inc(&tcp->refs);
		nf_conntrack_get(&ct->ct_general);
		if (timer_delete_sync(&tcp->timer))
			tcp_put(tcp);
		local_bh_disable();
		sipalg_tcp_lock(ct);
		if (!tcp->dead)
			sipalg_tcp_forget(tcp);
		sipalg_tcp_unlock(ct);
		local_bh_enable();
		tcp_put(tcp);
		nf_ct_put(ct);
	}
}
