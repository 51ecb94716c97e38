// SPDX-License-Identifier: GPL-2.0-only
/* The call table and the objects in it: found, made, counted, freed. */
#include <linux/rhashtable.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack.h>
#include "call/call.h"
#include "call/claim.h"
#include "call/dialog.h"
#include "call/event.h"
#include "call/life.h"
#include "call/lru.h"
#include "call/msg_log.h"
#include "call/target.h"
#include "core/compat.h"
#include "core/ct_timeout.h"
#include "core/event.h"
#include "core/long_timer.h"
#include "core/net.h"
#include "core/quota.h"
#include "core/sipalg_trace.h"
#include "core/sync_key.h"
#include "media/media.h"
#include "media/media_expect.h"
#include "nat/mapping.h"
#include "nat/sig_expect.h"
#include "sip/text.h"
#include "sip/uri.h"

/* Key of lookups: the key and the Call-ID behind its hash. */
struct lookup {
	struct sipalg_call_key key;
	const char *call_id;
	u16 call_id_len;
};

static u32 hash_key(const void *data, u32 len, u32 seed)
{
	const struct sipalg_call_key *key = data;

	return key->hash ^ seed;	/* with a secret key already */
}

static u32 hash_object(const void *data, u32 len, u32 seed)
{
	const struct sipalg_call *call = data;

	return hash_key(&call->key, len, seed);
}

static int compare(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct lookup *lookup = arg->key;
	const struct sipalg_call *call = obj;

	return call->key.hash != lookup->key.hash ||
	       !sipalg_ip_equal(&call->key.inside, &lookup->key.inside) ||
	       call->key.zone != lookup->key.zone ||
	       call->key.back != lookup->key.back ||
	       call->call_id_len != lookup->call_id_len ||
	       !text_exact(call->text, lookup->call_id, lookup->call_id_len);
}

static const struct rhashtable_params call_params = {
	.head_offset = offsetof(struct sipalg_call, node),
	.hashfn = hash_key,
	.obj_hashfn = hash_object,
	.obj_cmpfn = compare,
	.automatic_shrinking = true,
};

u16 sipalg_call_sync_key(const struct sipalg_call *call,
			 u8 bytes[SIPALG_CALL_SYNC_KEY])
{
	struct sipalg_key_writer key = { .bytes = bytes };

	sipalg_key_u8(&key, SIPALG_DIRTY_CALL);
	sipalg_key_u8(&key, call->key.back);
	sipalg_key_u16(&key, call->key.zone);
	sipalg_key_ip(&key, &call->key.inside);
	sipalg_key_bytes(&key, sipalg_call_id(call), call->call_id_len);
	return key.len;
}

static void bury(const struct sipalg_call *call)
{
	u8 key[SIPALG_CALL_SYNC_KEY];

	if (sipalg_dirty_is_told(call->sn))
		sipalg_dirty_bury(call->sn, key, sipalg_call_sync_key(call, key));
}

/* @lookup: gets all of the key but where the call is */
static void look_for_text(struct lookup *lookup, const struct sipalg_net *sn,
			  const char *call_id, u16 len)
{
	lookup->call_id = call_id;
	lookup->call_id_len = len;
	lookup->key.hash = hsiphash(call_id, len, &sn->table_key);
}

static void make_lookup(struct lookup *lookup, const struct sipalg_flow *flow,
			const struct sip_msg *msg, bool back)
{
	look_for_text(lookup, flow->sn, sip_span_ptr(msg, msg->call_id),
		      msg->call_id.len);
	lookup->key.inside = flow->inside;
	lookup->key.zone = sipalg_flow_call_zone(flow);
	lookup->key.back = back;
}

static void name_lookup(struct lookup *lookup, const struct sipalg_net *sn,
			const struct sipalg_call_name *name)
{
	lookup->key = name->key;
	look_for_text(lookup, sn, name->text[0], name->len[0]);
}

static struct sipalg_call *find(struct sipalg_net *sn, const struct lookup *lookup)
{
	struct sipalg_call *call;

	call = rhashtable_lookup(&sn->calls, lookup, call_params);
	if (call && !refcount_inc_not_zero(&call->refs))
		return NULL;
	return call;
}

struct sipalg_call *sipalg_call_find(const struct sipalg_flow *flow,
				     const struct sip_msg *msg, bool back)
{
	struct lookup lookup;

	make_lookup(&lookup, flow, msg, back);
	return find(flow->sn, &lookup);
}

struct sipalg_call *sipalg_call_named(struct sipalg_net *sn,
				      const struct sipalg_call_name *name)
{
	struct lookup lookup;

	name_lookup(&lookup, sn, name);
	return find(sn, &lookup);
}

static size_t call_size(const struct sipalg_call *call)
{
	return offsetof(struct sipalg_call, text) + call->call_id_len +
	       call->from_tag_len + call->from_len + call->to_len;
}

static void call_free(struct sipalg_call *call)
{
	sipalg_dialogs_free(call);
	if (call->mapping)
		sipalg_mapping_unuse(call->mapping);
	sipalg_quota_put(call->quota, SIPALG_QUOTA_CALLS);
	sipalg_targets_free(call);
	sipalg_claims_free(call);
	if (call->move)
		atomic_long_sub(sizeof(*call->move), &call->sn->memory);
	kfree(call->move);
	sipalg_msg_log_free(call);
	atomic_long_sub(call_size(call), &call->sn->memory);
	kfree_rcu(call, rcu);
}

void sipalg_call_put(struct sipalg_call *call)
{
	if (refcount_dec_and_test(&call->refs))
		call_free(call);
}

void sipalg_call_woken(struct sipalg_call *call)
{
	if (!call->linked)
		return;
	sipalg_event_flush(call);
	sipalg_lru_sort(call);
	sipalg_call_schedule(call);
}

static void deadlines_passed(struct sipalg_call *call)
{
	rcu_read_lock();	/* for conntrack, that of pinholes that it opens */
	spin_lock(&call->lock);
	if (call->linked)
		sipalg_call_timers_expired(call);
	call->sooner = true;
	sipalg_call_woken(call);
	spin_unlock(&call->lock);
	sipalg_lru_idle(call->sn);
	rcu_read_unlock();
}

static void call_timer(struct timer_list *timer)
{
	struct sipalg_call *call = timer_container_of(call, timer, timer);

	/* the table and with it the call is being destroyed; or others run it */
	if (!READ_ONCE(call->sn->dying) && !sipalg_is_standby(&call->sn->sync))
		deadlines_passed(call);
	sipalg_call_put(call);
}

void sipalg_call_schedule(struct sipalg_call *call)
{
	const unsigned long set = call->deadlines;
	long nearest = LONG_MAX;
	unsigned int i;

	sipalg_dirty_mark(call->sn, &call->dirty);
	if (call->state == SIPALG_CALL_BYE_SENT)
		sipalg_dirty_hurry(call->sn);
	/* most messages put deadlines off: the timer finds that when it comes */
	if (!call->sooner || sipalg_is_standby(&call->sn->sync))
		return;
	call->sooner = false;
	for_each_set_bit(i, &set, SIPALG_TIMER_MAX)
		nearest = min(nearest, sipalg_call_left(call, i));
	/*
	 * An armed timer holds a reference; a dying namespace arms none. One
	 * that comes too early does nothing but set itself again.
	 */
	if (call->deadlines && !READ_ONCE(call->sn->dying) &&
	    !sipalg_long_timer_reduce(&call->timer, jiffies + nearest))
		refcount_inc(&call->refs);
}

/* Count one more call, evicting an older one if necessary: never above max-calls. */
static bool count_call(struct sipalg_net *sn)
{
	int most = sipalg_setting(sn, SIPALG_MAX_CALLS);
	int count = atomic_inc_return(&sn->call_count);
	int peak = atomic_read(&sn->call_peak);

	if (count > most) {
		if (!sipalg_lru_one(sn)) {
			atomic_dec(&sn->call_count);
			return false;
		}
		return true;
	}
	while (count > peak && !atomic_try_cmpxchg(&sn->call_peak, &peak, count))
		;
	return true;
}

/* For people, and no more than they would read. */
static struct sip_span user_of(const struct sip_msg *msg, struct sip_span uri)
{
	struct sip_span user = sip_uri_user(msg, uri, false);

	user.len = min_t(u16, user.len, SIPALG_MAX_USER);
	return user;
}

/* A call with its texts behind it: lengths and bytes are set, all else is 0. */
static struct sipalg_call *named_alloc(const struct sipalg_call_name *name)
{
	struct sipalg_call *call;
	size_t size = offsetof(struct sipalg_call, text);
	unsigned int i;
	char *text;

	for (i = 0; i < ARRAY_SIZE(name->text); i++)
		size += name->len[i];
	call = kzalloc(size, GFP_ATOMIC);
	if (!call)
		return NULL;
	call->call_id_len = name->len[0];
	call->from_tag_len = name->len[1];
	call->from_len = name->len[2];
	call->to_len = name->len[3];
	for (i = 0, text = call->text; i < ARRAY_SIZE(name->text); i++) {
		memcpy(text, name->text[i], name->len[i]);
		text += name->len[i];
	}
	return call;
}

static struct sipalg_call *text_alloc(const struct sip_msg *msg)
{
	const struct sip_span spans[] = {
		msg->call_id, msg->from_tag, user_of(msg, msg->from_uri),
		user_of(msg, msg->to_uri),
	};
	struct sipalg_call_name name;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(spans); i++) {
		name.text[i] = sip_span_ptr(msg, spans[i]);
		name.len[i] = spans[i].len;
	}
	return named_alloc(&name);
}

/* By a pinhole of ours, which leads in to a phone, not out from one that is known. */
static bool is_led_in(const struct sipalg_flow *flow)
{
	const struct sipalg_addr *opener =
		flow->original ? &flow->src : &flow->dst_private;

	return flow->ct->master &&
	       !sipalg_mapping_at(flow, flow->l4proto, opener);
}

/*
 * The party that media leads in to: the one that NAT hides. Where it hides none
 * or both: who has opened the way that the first message came by, since a
 * router lets nobody else begin; unless that one was led in.
 */
static u8 inner_side(const struct sipalg_flow *flow, enum sipalg_side sender)
{
	bool hidden = sipalg_flow_from_inside(flow);

	if (hidden != sipalg_flow_to_inside(flow))
		return hidden ? sender : !sender;
	return flow->original == !is_led_in(flow) ? sender : !sender;
}

static void call_init(struct sipalg_call *call, struct sipalg_net *sn)
{
	call->sn = sn;
	refcount_set(&call->refs, 1);
	sipalg_dirty_init(&call->dirty, SIPALG_DIRTY_CALL, &call->refs);
	spin_lock_init(&call->lock);
	timer_setup(&call->timer, call_timer, 0);
	INIT_LIST_HEAD(&call->dialogs);
	INIT_LIST_HEAD(&call->media);
	INIT_LIST_HEAD(&call->lru);
	INIT_LIST_HEAD(&call->idle_lru);
	/* one that is never linked leaves a gap */
	call->id = atomic_inc_return(&sn->call_id);
	atomic_long_add(call_size(call), &sn->memory);
}

static struct sipalg_call *call_alloc(const struct sipalg_flow *flow,
				      const struct sip_msg *msg)
{
	enum sipalg_side sender = msg->request ? SIPALG_CALLER : SIPALG_CALLEE;
	struct sipalg_call *call = text_alloc(msg);

	if (!call)
		return NULL;
	call_init(call, flow->sn);
	call->state = SIPALG_CALL_EARLY;
	call->event_mask = SIPALG_NOTIFY_NEW;
	call->family = flow->family;
	call->inner = inner_side(flow, sender);
	call->l4proto = flow->l4proto;
	call->created = jiffies;
	call->active = jiffies;
	call->party[sender] = flow->src;
	call->public[sender] = flow->src_public;
	call->party[!sender] = flow->dst_private;
	call->public[!sender] = flow->dst;
	call->zone[sender] = flow->from_zone;
	call->zone[!sender] = flow->to_zone;
	return call;
}

struct sipalg_call *sipalg_call_prepare(const struct sipalg_flow *flow,
					const struct sip_msg *msg, bool back,
					u8 *reason)
{
	struct sipalg_call *call;
	struct lookup lookup;

	if (msg->call_id.len > SIPALG_MAX_CALL_ID ||
	    msg->from_tag.len > SIPALG_MAX_TAG) {
		*reason = SIPALG_REASON_TOO_LONG;
		return NULL;
	}
	call = call_alloc(flow, msg);
	if (!call) {
		*reason = SIPALG_REASON_NO_MEMORY;
		return NULL;
	}
	make_lookup(&lookup, flow, msg, back);
	call->key = lookup.key;
	return call;
}

/* Into the table: returns 0 with the call locked, or a negative errno. */
static int enter(struct sipalg_call *call)
{
	const struct lookup lookup = {
		.key = call->key,
		.call_id = sipalg_call_id(call),
		.call_id_len = call->call_id_len,
	};
	int err;

	spin_lock_bh(&call->lock);
	refcount_inc(&call->refs);	/* the table's */
	call->linked = true;
	err = rhashtable_lookup_insert_key(&call->sn->calls, &lookup,
					   &call->node, call_params);
	if (!err)
		return 0;
	call->linked = false;
	refcount_dec(&call->refs);
	spin_unlock_bh(&call->lock);
	return err;
}

int sipalg_call_link(struct sipalg_call *call, const struct sipalg_flow *flow)
{
	struct sipalg_net *sn = call->sn;
	int err;

	if (READ_ONCE(sn->dying))
		return -EDQUOT;
	call->quota = sipalg_quota_get(sn, flow->family, &flow->src.ip, NULL,
				       SIPALG_QUOTA_CALLS);
	if (!call->quota || !count_call(sn))
		return -EDQUOT;

	err = enter(call);
	if (err)
		atomic_dec(&sn->call_count);
	else
		sipalg_count(sn, calls);
	return err;
}

static void unlink_call(struct sipalg_call *call)
{
	call->linked = false;
	call->deadlines = 0;
	call->running = 0;
	sipalg_ct_timeout_put(&call->signalling);
	sipalg_lru_forget(call);
	rhashtable_remove_fast(&call->sn->calls, &call->node, call_params);
	atomic_dec(&call->sn->call_count);
	if (call->retired)
		atomic_dec(&call->sn->calls_retired);
	bury(call);
}

static void report_end(struct sipalg_call *call, enum sipalg_end_reason reason)
{
	call->reason = reason;
	sipalg_count(call->sn, ended[reason]);
	sipalg_event_end(call);
	trace_sipalg_call_end(call);
}

void sipalg_call_retire(struct sipalg_call *call, enum sipalg_end_reason reason)
{
	report_end(call, reason);
	call->retired = true;
	atomic_inc(&call->sn->calls_retired);
}

void sipalg_call_return(struct sipalg_call *call)
{
	if (!call->retired)
		return;
	call->retired = false;
	atomic_dec(&call->sn->calls_retired);
	call->event_mask |= SIPALG_NOTIFY_NEW;
	sipalg_count(call->sn, calls);
}

/* The caller's reference remains. */
static void remove_call(struct sipalg_call *call)
{
	sipalg_media_close(call);
	sipalg_sig_expect_close(call);
	unlink_call(call);
	if (timer_delete(&call->timer))
		sipalg_call_put(call);	/* the timer's */
	sipalg_call_put(call);		/* the table's */
}

void sipalg_call_end(struct sipalg_call *call, enum sipalg_end_reason reason)
{
	if (!call->linked)
		return;
	remove_call(call);
	if (!call->retired)
		report_end(call, reason);
}

void sipalg_call_discard(struct sipalg_call *call)
{
	if (!call->linked)
		return;
	sipalg_count_by(call->sn, calls, -1);
	remove_call(call);
}

void sipalg_call_drop(struct sipalg_call *call)
{
	if (call->linked)
		remove_call(call);
}

struct sipalg_call *sipalg_call_restore(struct sipalg_net *sn,
					const struct sipalg_call_name *name,
					const union nf_inet_addr *by, u8 family)
{
	struct sipalg_call *call = named_alloc(name);
	struct lookup lookup;

	if (!call)
		return NULL;
	call_init(call, sn);
	call->family = family;
	call->quota = sipalg_quota_take(sn, family, by, SIPALG_QUOTA_CALLS);
	name_lookup(&lookup, sn, name);
	call->key = lookup.key;
	if (call->quota && !enter(call)) {
		atomic_inc(&sn->call_count);
		return call;
	}
	sipalg_call_put(call);
	return NULL;
}

static void signalling_flow(struct sipalg_flow *flow,
			    const struct sipalg_call *call)
{
	sipalg_flow_init(flow, call->sn, call->signalling, IP_CT_DIR_ORIGINAL);
	sipalg_mapping_zone(flow);
}

static void call_settings(struct sipalg_call *call)
{
	struct sipalg_flow flow;

	if (call->signalling)
		signalling_flow(&flow, call);
	sipalg_life_settings(call);
	sipalg_media_settings(call, call->signalling ? &flow : NULL);
	sipalg_sig_expect_settings(call, call->signalling ? &flow : NULL);
	sipalg_call_woken(call);
}

/* The next call that has not gone meanwhile, with a reference, or NULL. */
static struct sipalg_call *next_call(struct rhashtable_iter *iter)
{
	struct sipalg_call *call;

	do {
		call = rhashtable_walk_next(iter);
	} while (call && (IS_ERR(call) || !refcount_inc_not_zero(&call->refs)));
	return call;
}

void sipalg_calls_each(struct sipalg_net *sn,
		       void (*what)(struct sipalg_call *call))
{
	struct rhashtable_iter iter;
	struct sipalg_call *call;

	rhashtable_walk_enter(&sn->calls, &iter);
	rhashtable_walk_start(&iter);
	while ((call = next_call(&iter))) {
		/* nothing of the table's is held while it may take longer */
		rhashtable_walk_stop(&iter);
		rcu_read_lock();
		spin_lock_bh(&call->lock);
		if (call->linked)
			what(call);
		spin_unlock_bh(&call->lock);
		rcu_read_unlock();
		sipalg_call_put(call);
		cond_resched();
		rhashtable_walk_start(&iter);
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
}

void sipalg_calls_settings(struct sipalg_net *sn)
{
	sipalg_calls_each(sn, call_settings);
	sipalg_lru_shrink(sn);
}

int sipalg_calls_init(struct sipalg_net *sn)
{
	sipalg_lru_init(sn);
	return rhashtable_init(&sn->calls, &call_params);
}

static void drop_call(void *ptr, void *arg)
{
	struct sipalg_call *call = ptr;

	if (timer_delete_sync(&call->timer))
		sipalg_call_put(call);
	spin_lock_bh(&call->lock);
	call->linked = false;
	sipalg_lru_forget(call);
	sipalg_ct_timeout_put(&call->signalling);
	sipalg_media_abandon(call);
	sipalg_sig_expect_close(call);
	if (call->retired)
		atomic_dec(&call->sn->calls_retired);
	spin_unlock_bh(&call->lock);
	atomic_dec(&call->sn->call_count);
	sipalg_call_put(call);
}

void sipalg_calls_exit(struct sipalg_net *sn)
{
	rhashtable_free_and_destroy(&sn->calls, drop_call, NULL);
}
