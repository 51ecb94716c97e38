// SPDX-License-Identifier: GPL-2.0-only
/*
 * A list of calls for each class and address, and for each class the addresses
 * in the order of how many they have.
 */
#include <linux/sched.h>
#include "call/call.h"
#include "call/lru.h"
#include "core/net.h"
#include "core/quota.h"
#include "media/activity.h"
#include "media/media.h"

#define AT_ONCE	8	/* idle calls that one message or timer evicts at most */
#define TRIES	3	/* other CPUs may end what has just been picked */
#define SAMPLE	8	/* answered calls of which the most silent is sought */

void sipalg_lru_init(struct sipalg_net *sn)
{
	unsigned int i;

	spin_lock_init(&sn->lru_lock);
	for (i = 0; i < SIPALG_LRU_CLASSES; i++)
		sn->lru[i] = RB_ROOT;
	INIT_LIST_HEAD(&sn->idle_lru);
}

static bool is_idle(const struct sipalg_call *call)
{
	const struct sipalg_media *media;

	if (call->state != SIPALG_CALL_CONFIRMED || sipalg_call_on_hold(call))
		return false;
	list_for_each_entry(media, &call->media, list)
		if (!media->idle && sipalg_media_is_open(media))
			return false;
	return true;
}

/* What only one side has said may be a call that there never was. */
static enum sipalg_lru_class class_of(const struct sipalg_call *call)
{
	if (call->state == SIPALG_CALL_EARLY && !call->retired)
		return SIPALG_LRU_UNANSWERED;
	if (call->state != SIPALG_CALL_CONFIRMED)
		return SIPALG_LRU_ENDED;
	if (!sipalg_call_both_spoke(call))
		return SIPALG_LRU_UNANSWERED;
	return is_idle(call) ? SIPALG_LRU_IDLE : SIPALG_LRU_ANSWERED;
}

static u32 oldest(const struct sipalg_lru_source *source)
{
	return list_first_entry(&source->calls, struct sipalg_call, lru)->lru_stamp;
}

/* Of two that have as many, the one whose oldest call is the older goes first. */
static bool has_less(struct rb_node *a, const struct rb_node *b)
{
	const struct sipalg_lru_source *one =
		rb_entry(a, struct sipalg_lru_source, node);
	const struct sipalg_lru_source *other =
		rb_entry(b, struct sipalg_lru_source, node);

	if (one->count != other->count)
		return one->count < other->count;
	return (s32)(oldest(one) - oldest(other)) > 0;
}

/* Caller holds lru_lock. */
static void leave(struct sipalg_call *call)
{
	struct sipalg_lru_source *source =
		&sipalg_quota_lru(call->quota)[call->lru_class];
	struct rb_root *root = &call->sn->lru[call->lru_class];

	if (list_empty(&call->lru))
		return;
	rb_erase(&source->node, root);
	list_del_init(&call->lru);
	source->count--;
	if (source->count)
		rb_add(&source->node, root, has_less);
}

/* Caller holds lru_lock. */
static void enter(struct sipalg_call *call, enum sipalg_lru_class class)
{
	struct sipalg_lru_source *source = &sipalg_quota_lru(call->quota)[class];
	struct rb_root *root = &call->sn->lru[class];

	if (source->count)
		rb_erase(&source->node, root);
	list_add_tail(&call->lru, &source->calls);
	source->count++;
	call->lru_class = class;
	call->lru_stamp = jiffies;
	rb_add(&source->node, root, has_less);
}

void sipalg_lru_active(struct sipalg_call *call)
{
	struct sipalg_net *sn = call->sn;
	enum sipalg_lru_class class = class_of(call);

	/* messages in an idle call do not bring its media */
	if (!list_empty(&call->lru) && class == call->lru_class &&
	    (class == SIPALG_LRU_IDLE || sipalg_since(call->lru_stamp) < HZ))
		return;
	spin_lock_bh(&sn->lru_lock);
	leave(call);
	enter(call, class);
	spin_unlock_bh(&sn->lru_lock);
}

void sipalg_lru_forget(struct sipalg_call *call)
{
	spin_lock_bh(&call->sn->lru_lock);
	leave(call);
	if (!list_empty(&call->idle_lru))
		atomic_dec(&call->sn->idle_count);
	list_del_init(&call->idle_lru);
	spin_unlock_bh(&call->sn->lru_lock);
}

static void sort_idle(struct sipalg_call *call)
{
	struct sipalg_net *sn = call->sn;
	bool idle = is_idle(call);

	if (idle != list_empty(&call->idle_lru))
		return;
	spin_lock_bh(&sn->lru_lock);
	if (idle)
		list_add_tail(&call->idle_lru, &sn->idle_lru);
	else
		list_del_init(&call->idle_lru);
	atomic_add(idle ? 1 : -1, &sn->idle_count);
	spin_unlock_bh(&sn->lru_lock);
}

void sipalg_lru_sort(struct sipalg_call *call)
{
	sort_idle(call);
	if (list_empty(&call->lru) || class_of(call) != call->lru_class)
		sipalg_lru_active(call);
}

/* Caller holds lru_lock. */
static struct sipalg_lru_source *greediest(struct sipalg_net *sn,
					   enum sipalg_lru_class class)
{
	struct rb_node *node = rb_last(&sn->lru[class]);

	return node ? rb_entry(node, struct sipalg_lru_source, node) : NULL;
}

/* Caller holds lru_lock. */
static struct sipalg_call *first_to_go(struct sipalg_net *sn)
{
	struct sipalg_lru_source *source = NULL;
	unsigned int class;

	for (class = 0; class < SIPALG_LRU_ANSWERED && !source; class++)
		source = greediest(sn, class);
	return source ? list_first_entry(&source->calls, struct sipalg_call, lru) :
			NULL;
}

static u32 calls_of(const struct sipalg_call *call)
{
	return sipalg_quota_count(call->quota, SIPALG_QUOTA_CALLS);
}

/*
 * What is over goes, whosever; else, if it is for a call that @wants room, that
 * must be of a host that has less.
 */
static bool may_go(const struct sipalg_call *call,
		   const struct sipalg_call *wants, enum sipalg_lru_class class)
{
	if (!wants)
		return true;
	return call != wants &&
	       (class == SIPALG_LRU_ENDED || calls_of(call) > calls_of(wants) + 1);
}

/*
 * Some calls of a class, of who has most in it, that may go; the first to go first,
 * with a reference each.
 */
static unsigned int sample(struct sipalg_net *sn, enum sipalg_lru_class class,
			   const struct sipalg_call *wants,
			   struct sipalg_call **calls)
{
	struct sipalg_lru_source *source;
	struct sipalg_call *call;
	unsigned int count = 0;

	spin_lock_bh(&sn->lru_lock);
	source = greediest(sn, class);
	if (source)
		list_for_each_entry(call, &source->calls, lru) {
			if (may_go(call, wants, class) &&
			    refcount_inc_not_zero(&call->refs))
				calls[count++] = call;
			if (count == SAMPLE)
				break;
		}
	spin_unlock_bh(&sn->lru_lock);
	return count;
}

static unsigned long silence_of(struct sipalg_call *call)
{
	unsigned long quiet = 0;

	spin_lock_bh(&call->lock);
	if (call->linked && !sipalg_call_on_hold(call))
		quiet = sipalg_media_quiet(call);
	spin_unlock_bh(&call->lock);
	return quiet;
}

static bool evict_call(struct sipalg_call *call)
{
	bool ended;

	spin_lock_bh(&call->lock);
	ended = call->linked;
	net_dbg_ratelimited("call %u evicted\n", call->id);
	sipalg_call_end(call, SIPALG_END_EVICTED);
	spin_unlock_bh(&call->lock);
	return ended;
}

/* All are answered: the one in which nothing has flowed for longest. */
static bool evict_answered(struct sipalg_net *sn)
{
	struct sipalg_call *calls[SAMPLE];
	unsigned int i, count = sample(sn, SIPALG_LRU_ANSWERED, NULL, calls), chosen = 0;
	unsigned long longest = 0;
	bool ended;

	for (i = 0; i < count; i++) {
		unsigned long quiet = silence_of(calls[i]);

		if (quiet <= longest)
			continue;
		longest = quiet;
		chosen = i;
	}
	ended = count && evict_call(calls[chosen]);
	for (i = 0; i < count; i++)
		sipalg_call_put(calls[i]);
	return ended;
}

static bool holds_pinholes(const struct sipalg_call *call)
{
	const struct sipalg_media *media;

	list_for_each_entry(media, &call->media, list)
		if (sipalg_media_has_pinholes(media))
			return true;
	return false;
}

/* Half of the calls and more are its host's. */
static bool has_most(const struct sipalg_call *call)
{
	return 2 * calls_of(call) > atomic_read(&call->sn->call_count);
}

/* The caller holds another call's lock. */
static bool evict_for_room(struct sipalg_call *call)
{
	bool goes;

	if (!spin_trylock(&call->lock))
		return false;
	goes = call->linked && holds_pinholes(call);
	if (goes)
		sipalg_call_end(call, SIPALG_END_EVICTED);
	spin_unlock(&call->lock);
	return goes;
}

bool sipalg_lru_make_room(struct sipalg_call *call)
{
	struct sipalg_call *calls[SAMPLE];
	unsigned int class, i, count;
	bool gone = false;

	for (class = 0; class < SIPALG_LRU_ANSWERED && !gone; class++) {
		count = sample(call->sn, class, call, calls);
		for (i = 0; i < count; i++) {
			gone = gone || evict_for_room(calls[i]);
			sipalg_call_put(calls[i]);
		}
	}
	if (!gone && !has_most(call))
		WRITE_ONCE(call->sn->starved_until,
			   get_jiffies_64() + sipalg_64_t1(call->sn));
	return gone;
}

bool sipalg_lru_must_wait(const struct sipalg_call *call)
{
	return time_before64(get_jiffies_64(),
			     READ_ONCE(call->sn->starved_until)) &&
	       !call->master && has_most(call);
}

static struct sipalg_call *most_idle(struct sipalg_net *sn)
{
	return list_first_entry_or_null(&sn->idle_lru, struct sipalg_call,
					idle_lru);
}

/* Return: true if a call was evicted. */
static bool evict(struct sipalg_net *sn,
		  struct sipalg_call *(*pick)(struct sipalg_net *sn))
{
	struct sipalg_call *call;
	bool ended;

	spin_lock_bh(&sn->lru_lock);
	call = pick(sn);
	if (call && !refcount_inc_not_zero(&call->refs))
		call = NULL;
	spin_unlock_bh(&sn->lru_lock);
	if (!call)
		return false;
	ended = evict_call(call);
	sipalg_call_put(call);
	return ended;
}

bool sipalg_lru_one(struct sipalg_net *sn)
{
	unsigned int i;

	if (sipalg_is_standby(&sn->sync))
		return false;
	for (i = 0; i < TRIES; i++)
		if (evict(sn, first_to_go) || evict_answered(sn))
			return true;
	return false;
}

static bool has_too_many_idle(struct sipalg_net *sn)
{
	u32 most = sipalg_setting(sn, SIPALG_MAX_IDLE_CALLS);

	return most && atomic_read(&sn->idle_count) > most &&
	       !sipalg_is_standby(&sn->sync);
}

void sipalg_lru_idle(struct sipalg_net *sn)
{
	unsigned int i;

	for (i = 0; i < AT_ONCE && has_too_many_idle(sn); i++)
		evict(sn, most_idle);
}

void sipalg_lru_shrink(struct sipalg_net *sn)
{
	bool gone = true;

	while (gone && atomic_read(&sn->call_count) >
			       sipalg_setting(sn, SIPALG_MAX_CALLS)) {
		rcu_read_lock();
		gone = sipalg_lru_one(sn);
		rcu_read_unlock();
		cond_resched();
	}
	while (has_too_many_idle(sn)) {
		rcu_read_lock();
		sipalg_lru_idle(sn);
		rcu_read_unlock();
		cond_resched();
	}
}
