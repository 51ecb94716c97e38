// SPDX-License-Identifier: GPL-2.0-only
/* Per-connection TCP state: creation, lookup, release. */
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/tcp.h>
#include "core/compat.h"
#include "core/ct_data.h"
#include "core/net.h"
#include "core/quota.h"
#include "packet/tcp_queue.h"

static bool charge(struct sipalg_net *sn, struct sipalg_quota *quota,
		   long bytes)
{
	if (!sipalg_quota_charge(quota, SIPALG_QUOTA_TCP_BYTES, bytes))
		return false;
	if (atomic_long_add_return(bytes, &sn->tcp_bytes) >
	    SIPALG_MAX_TCP_QUEUE) {
		atomic_long_sub(bytes, &sn->tcp_bytes);
		sipalg_quota_uncharge(quota, SIPALG_QUOTA_TCP_BYTES, bytes);
		return false;
	}
	atomic_long_add(bytes, &sn->memory);
	return true;
}

static void uncharge(struct sipalg_net *sn, struct sipalg_quota *quota,
		     long bytes)
{
	sipalg_quota_uncharge(quota, SIPALG_QUOTA_TCP_BYTES, bytes);
	atomic_long_sub(bytes, &sn->tcp_bytes);
	atomic_long_sub(bytes, &sn->memory);
}

static void tcp_put(struct sipalg_tcp *tcp)
{
	if (refcount_dec_and_test(&tcp->refs)) {
		nf_ct_put(tcp->ct);
		uncharge(tcp->sn, tcp->quota, sizeof(*tcp));
		sipalg_quota_host_put(tcp->quota);
		kfree_rcu(tcp, rcu);
	}
}

static void sent_free(struct sipalg_tcp *tcp, struct sipalg_tcp_rtx *sent)
{
	list_del(&sent->list);
	uncharge(tcp->sn, tcp->quota, sizeof(*sent) + sent->len);
	kfree(sent);
}

void sipalg_tcp_let_go(struct sipalg_tcp *tcp, int dir)
{
	struct sipalg_tcp_reasm *held = &tcp->held[dir];

	if (held->bytes)
		uncharge(tcp->sn, tcp->quota, held->size);
	kfree(held->bytes);
	memset(held, 0, sizeof(*held));
}

/* Caller holds the lock; lookups no longer find it afterwards. */
static void forgive(struct sipalg_tcp *tcp)
{
	struct sipalg_ct_data *data = sipalg_ct_data(tcp->ct);
	struct sipalg_tcp_rtx *sent, *next;
	int dir;

	for (dir = 0; dir < 2; dir++) {
		sipalg_tcp_let_go(tcp, dir);
		list_for_each_entry_safe(sent, next, &tcp->sent[dir], list)
			sent_free(tcp, sent);
	}
	tcp->dead = true;
	if (data && rcu_access_pointer(data->tcp) == tcp)
		RCU_INIT_POINTER(data->tcp, NULL);

	spin_lock(&tcp->sn->tcp_lock);
	list_del_init(&tcp->list);
	spin_unlock(&tcp->sn->tcp_lock);
	if (timer_delete(&tcp->timer))
		tcp_put(tcp);	/* the timer's; others remain */
	tcp_put(tcp);		/* the list's; the caller's remains */
}

/*
 * A sender that neither completed its message nor retransmitted it is gone. If it
 * comes back, its connection is no longer followed.
 */
static void tcp_expired(struct timer_list *timer)
{
	struct sipalg_tcp *tcp = timer_container_of(tcp, timer, timer);
	struct sipalg_ct_data *data = sipalg_ct_data(tcp->ct);
	int dir;

	spin_lock(&tcp->lock);
	/* the list of a dying namespace is walked without its lock */
	if (!tcp->dead && !READ_ONCE(tcp->sn->dying)) {
		for (dir = 0; data && dir < 2; dir++)
			if (tcp->held[dir].bytes)
				data->stream[dir].state = SIPALG_STREAM_FOREIGN;
		forgive(tcp);
	}
	spin_unlock(&tcp->lock);
	tcp_put(tcp);
}

struct sipalg_tcp *sipalg_tcp_lock(struct nf_conn *ct)
{
	struct sipalg_ct_data *data = sipalg_ct_data(ct);
	struct sipalg_tcp *tcp = data ? rcu_dereference(data->tcp) : NULL;

	if (!tcp || !refcount_inc_not_zero(&tcp->refs))
		return NULL;
	spin_lock(&tcp->lock);
	if (!tcp->dead)
		return tcp;
	spin_unlock(&tcp->lock);
	tcp_put(tcp);
	return NULL;
}

static struct sipalg_tcp *tcp_alloc(struct sipalg_net *sn, struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *opener =
		&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	struct sipalg_quota *quota;
	struct sipalg_tcp *tcp;

	if (READ_ONCE(sn->dying))
		return NULL;
	quota = sipalg_quota_host_get(sn, nf_ct_l3num(ct), &opener->src.u3);
	if (!quota)
		return NULL;
	if (!charge(sn, quota, sizeof(*tcp)))
		goto err_source;
	tcp = kzalloc(sizeof(*tcp), GFP_ATOMIC);
	if (!tcp)
		goto err_charge;
	tcp->sn = sn;
	tcp->quota = quota;
	tcp->ct = ct;
	nf_conntrack_get(&ct->ct_general);
	refcount_set(&tcp->refs, 2);	/* the list's and the caller's */
	timer_setup(&tcp->timer, tcp_expired, 0);
	spin_lock_init(&tcp->lock);
	INIT_LIST_HEAD(&tcp->list);
	INIT_LIST_HEAD(&tcp->sent[0]);
	INIT_LIST_HEAD(&tcp->sent[1]);
	return tcp;

err_charge:
	uncharge(sn, quota, sizeof(*tcp));
err_source:
	sipalg_quota_host_put(quota);
	return NULL;
}

struct sipalg_tcp *sipalg_tcp_make(struct sipalg_net *sn, struct nf_conn *ct)
{
	struct sipalg_ct_data *data = sipalg_ct_data(ct);
	struct sipalg_tcp *tcp;

	if (!data)
		return NULL;
	tcp = tcp_alloc(sn, ct);
	if (!tcp)
		return NULL;
	spin_lock(&tcp->lock);
	if (cmpxchg((struct sipalg_tcp __force **)&data->tcp, NULL, tcp)) {
		/* the other direction was faster on another CPU */
		spin_unlock(&tcp->lock);
		refcount_set(&tcp->refs, 1);
		tcp_put(tcp);
		return sipalg_tcp_lock(ct);
	}
	spin_lock(&sn->tcp_lock);
	list_add(&tcp->list, &sn->tcp);
	spin_unlock(&sn->tcp_lock);
	return tcp;
}

static bool owes(const struct sipalg_tcp *tcp)
{
	return tcp->held[0].bytes || tcp->held[1].bytes ||
	       !list_empty(&tcp->sent[0]) || !list_empty(&tcp->sent[1]);
}

void sipalg_tcp_unlock(struct sipalg_tcp *tcp)
{
	if (!tcp)
		return;
	if (!tcp->dead && !owes(tcp))
		forgive(tcp);
	else if (!tcp->dead && !READ_ONCE(tcp->sn->dying) &&
		 !mod_timer(&tcp->timer, jiffies + 2 * sipalg_64_t1(tcp->sn)))
		refcount_inc(&tcp->refs);
	spin_unlock(&tcp->lock);
	tcp_put(tcp);
}

/* The size doubles, so that many small pieces cost no more than a few large ones. */
static bool grow(struct sipalg_tcp *tcp, struct sipalg_tcp_reasm *held, u32 len)
{
	u32 size = max(held->size * 2, roundup_pow_of_two(len));
	char *bytes;

	if (len <= held->size)
		return true;
	if (!charge(tcp->sn, tcp->quota, size - held->size))
		return false;
	bytes = kmalloc(size, GFP_ATOMIC | __GFP_NOWARN);
	if (!bytes) {
		uncharge(tcp->sn, tcp->quota, size - held->size);
		return false;
	}
	memcpy(bytes, held->bytes, held->len);
	kfree(held->bytes);
	held->bytes = bytes;
	held->size = size;
	return true;
}

/* Test whether the bytes from @from on complete a blank line. */
static bool ends_headers(const struct sipalg_tcp_reasm *held, u32 from)
{
	u32 i;

	for (i = max(from, 1u); i < held->len; i++) {
		if (held->bytes[i] != '\n')
			continue;
		if (held->bytes[i - 1] == '\n' ||
		    (i > 1 && held->bytes[i - 1] == '\r' &&
		     held->bytes[i - 2] == '\n'))
			return true;
	}
	return false;
}

bool sipalg_tcp_hold(struct sipalg_tcp *tcp, int dir, u32 seq,
		     const char *bytes, u32 len)
{
	struct sipalg_tcp_reasm *held = &tcp->held[dir];

	if (!grow(tcp, held, held->len + len))
		return false;
	if (!held->len)
		held->start = seq;
	memcpy(held->bytes + held->len, bytes, len);
	held->len += len;
	held->piece = max(held->piece, len);
	if (!held->headers_end)
		held->headers_end = ends_headers(held, held->len - len);
	return true;
}

bool sipalg_tcp_note(struct sipalg_tcp *tcp, int dir,
		     const struct sipalg_tcp_rtx *what, const char *bytes)
{
	size_t size = sizeof(*what) + what->len;
	struct sipalg_tcp_rtx *sent;

	if (!charge(tcp->sn, tcp->quota, size))
		return false;
	sent = kmalloc(size, GFP_ATOMIC);
	if (!sent) {
		uncharge(tcp->sn, tcp->quota, size);
		return false;
	}
	sent->start = what->start;
	sent->old_len = what->old_len;
	sent->seen = what->seen;
	sent->len = what->len;
	memcpy(sent->bytes, bytes, what->len);
	list_add_tail(&sent->list, &tcp->sent[dir]);
	return true;
}

const struct sipalg_tcp_rtx *sipalg_tcp_noted(const struct sipalg_tcp *tcp,
					      int dir, u32 seq, u32 len)
{
	const struct sipalg_tcp_rtx *sent;

	if (!tcp)
		return NULL;
	list_for_each_entry(sent, &tcp->sent[dir], list)
		if (before(seq, sent->start + sent->old_len) &&
		    after(seq + len, sent->start))
			return sent;
	return NULL;
}

const struct sipalg_tcp_rtx *sipalg_tcp_noted_from(const struct sipalg_tcp *tcp,
						   int dir, u32 seq)
{
	const struct sipalg_tcp_rtx *sent;

	if (!tcp)
		return NULL;
	list_for_each_entry(sent, &tcp->sent[dir], list)
		if (!before(sent->start, seq))
			return sent;
	return NULL;
}

const struct sipalg_tcp_rtx *
sipalg_tcp_noted_behind(const struct sipalg_tcp *tcp, int dir,
			const struct sipalg_tcp_rtx *sent)
{
	const struct sipalg_tcp_rtx *next = list_next_entry(sent, list);

	if (list_entry_is_head(next, &tcp->sent[dir], list) ||
	    next->start != sent->start + sent->old_len ||
	    next->seen != sent->seen + sent->len)
		return NULL;
	return next;
}

bool sipalg_tcp_ack_means(const struct sipalg_tcp *tcp, int dir, u32 ack,
			  u32 *means)
{
	const struct sipalg_tcp_rtx *sent;

	if (list_empty(&tcp->sent[dir]))
		return false;
	sent = list_first_entry(&tcp->sent[dir], struct sipalg_tcp_rtx, list);
	*means = after(ack, sent->seen) ? sent->start :
					  ack - (sent->seen - sent->start);
	return true;
}

bool sipalg_tcp_has_got(const struct sipalg_tcp *tcp, int dir, u32 seen)
{
	return tcp->heard[dir] && !before(tcp->acked[dir], seen);
}

void sipalg_tcp_acknowledged(struct sipalg_tcp *tcp, int dir, u32 ack)
{
	struct sipalg_tcp_rtx *sent, *next;

	if (!tcp->heard[dir] || after(ack, tcp->acked[dir]))
		tcp->acked[dir] = ack;
	tcp->heard[dir] = true;
	list_for_each_entry_safe(sent, next, &tcp->sent[dir], list) {
		if (before(ack, sent->seen + sent->len))
			break;
		sent_free(tcp, sent);
	}
}

void sipalg_tcp_exit(struct sipalg_net *sn)
{
	struct sipalg_tcp *tcp;

	while (!list_empty(&sn->tcp)) {
		tcp = list_first_entry(&sn->tcp, struct sipalg_tcp, list);
		refcount_inc(&tcp->refs);
		if (timer_delete_sync(&tcp->timer))
			tcp_put(tcp);
		spin_lock_bh(&tcp->lock);
		if (!tcp->dead)
			forgive(tcp);
		spin_unlock_bh(&tcp->lock);
		tcp_put(tcp);
	}
}
