// SPDX-License-Identifier: GPL-2.0-only
/* Two lists in the order of the last message: unanswered and answered calls. */
#include "call/call.h"
#include "call/lru.h"
#include "core/net.h"
#include "media/media.h"

#define AT_ONCE	8	/* idle calls that one message or timer evicts at most */
#define TRIES	3	/* other CPUs may end what has just been picked */

void sipalg_lru_init(struct sipalg_net *sn)
{
	spin_lock_init(&sn->lru_lock);
	INIT_LIST_HEAD(&sn->lru[0]);
	INIT_LIST_HEAD(&sn->lru[1]);
	INIT_LIST_HEAD(&sn->idle_lru);
}

void sipalg_lru_active(struct sipalg_call *call)
{
	struct sipalg_net *sn = call->sn;
	bool answered = call->state == SIPALG_CALL_CONFIRMED &&
			sipalg_call_both_spoke(call);

	if (!list_empty(&call->lru) && answered == call->lru_answered &&
	    sipalg_since(call->lru_stamp) < HZ)
		return;
	spin_lock_bh(&sn->lru_lock);
	list_move_tail(&call->lru, &sn->lru[answered]);
	spin_unlock_bh(&sn->lru_lock);
	call->lru_answered = answered;
	call->lru_stamp = jiffies;
}

void sipalg_lru_forget(struct sipalg_call *call)
{
	spin_lock_bh(&call->sn->lru_lock);
	list_del_init(&call->lru);
	if (!list_empty(&call->idle_lru))
		atomic_dec(&call->sn->idle_count);
	list_del_init(&call->idle_lru);
	spin_unlock_bh(&call->sn->lru_lock);
}

static bool is_idle(const struct sipalg_call *call)
{
	const struct sipalg_media *media;

	if (call->state != SIPALG_CALL_CONFIRMED)
		return false;
	list_for_each_entry(media, &call->media, list)
		if (media->exp[SIPALG_RTP] || media->exp[SIPALG_RTCP])
			return false;
	return true;
}

void sipalg_lru_sort(struct sipalg_call *call)
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

static struct sipalg_call *most_silent(struct sipalg_net *sn)
{
	struct sipalg_call *call = NULL;
	unsigned int i;

	for (i = 0; i < 2 && !call; i++)
		call = list_first_entry_or_null(&sn->lru[i], struct sipalg_call,
						lru);
	return call;
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

	spin_lock_bh(&call->lock);
	ended = call->linked;
	net_dbg_ratelimited("call %u evicted\n", call->id);
	sipalg_call_end(call, SIPALG_END_EVICTED);
	spin_unlock_bh(&call->lock);
	sipalg_call_put(call);
	return ended;
}

bool sipalg_lru_one(struct sipalg_net *sn)
{
	unsigned int i;

	for (i = 0; i < TRIES; i++)
		if (evict(sn, most_silent))
			return true;
	return false;
}

void sipalg_lru_idle(struct sipalg_net *sn)
{
	u32 most = sipalg_setting(sn, SIPALG_MAX_IDLE_CALLS);
	unsigned int i;

	if (!most)
		return;
	for (i = 0; i < AT_ONCE && atomic_read(&sn->idle_count) > most; i++)
		evict(sn, most_idle);
}
