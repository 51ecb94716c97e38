// SPDX-License-Identifier: GPL-2.0-only
/* Two lists in the order of the last message: unanswered and answered calls. */
#include "call.h"
#include "evict.h"
#include "net.h"

#define AT_ONCE	8	/* idle calls that one message or timer ends at most */
#define TRIES	3	/* other CPUs may end what has just been picked */

void sipalg_evict_init(struct sipalg_net *sn)
{
	spin_lock_init(&sn->silent_lock);
	INIT_LIST_HEAD(&sn->silent[0]);
	INIT_LIST_HEAD(&sn->silent[1]);
	INIT_LIST_HEAD(&sn->idle);
}

void sipalg_evict_active(struct sipalg_call *call)
{
	struct sipalg_net *sn = call->sn;
	bool answered = call->state == SIPALG_CALL_CONFIRMED &&
			sipalg_call_heard_both(call);

	if (!list_empty(&call->silent) && answered == call->silent_answered &&
	    sipalg_since(call->silent_since) < HZ)
		return;
	spin_lock_bh(&sn->silent_lock);
	list_move_tail(&call->silent, &sn->silent[answered]);
	spin_unlock_bh(&sn->silent_lock);
	call->silent_answered = answered;
	call->silent_since = jiffies;
}

void sipalg_evict_forget(struct sipalg_call *call)
{
	spin_lock_bh(&call->sn->silent_lock);
	list_del_init(&call->silent);
	if (!list_empty(&call->idle))
		atomic_dec(&call->sn->idle_count);
	list_del_init(&call->idle);
	spin_unlock_bh(&call->sn->silent_lock);
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

void sipalg_evict_sort(struct sipalg_call *call)
{
	struct sipalg_net *sn = call->sn;
	bool idle = is_idle(call);

	if (idle != list_empty(&call->idle))
		return;
	spin_lock_bh(&sn->silent_lock);
	if (idle)
		list_add_tail(&call->idle, &sn->idle);
	else
		list_del_init(&call->idle);
	atomic_add(idle ? 1 : -1, &sn->idle_count);
	spin_unlock_bh(&sn->silent_lock);
}

static struct sipalg_call *most_silent(struct sipalg_net *sn)
{
	struct sipalg_call *call = NULL;
	unsigned int i;

	for (i = 0; i < 2 && !call; i++)
		call = list_first_entry_or_null(&sn->silent[i],
						struct sipalg_call, silent);
	return call;
}

static struct sipalg_call *most_idle(struct sipalg_net *sn)
{
	return list_first_entry_or_null(&sn->idle, struct sipalg_call, idle);
}

/* Return: true if a call has gone by this. */
static bool evict(struct sipalg_net *sn,
		  struct sipalg_call *(*pick)(struct sipalg_net *sn))
{
	struct sipalg_call *call;
	bool ended;

	spin_lock_bh(&sn->silent_lock);
	call = pick(sn);
	if (call && !refcount_inc_not_zero(&call->refs))
		call = NULL;
	spin_unlock_bh(&sn->silent_lock);
	if (!call)
		return false;

	spin_lock_bh(&call->lock);
	ended = call->linked;
	net_dbg_ratelimited("call %u gives way to a newer one\n", call->id);
	sipalg_call_end(call, SIPALG_END_EVICTED);
	spin_unlock_bh(&call->lock);
	sipalg_call_put(call);
	return ended;
}

bool sipalg_evict_one(struct sipalg_net *sn)
{
	unsigned int i;

	for (i = 0; i < TRIES; i++)
		if (evict(sn, most_silent))
			return true;
	return false;
}

void sipalg_evict_idle(struct sipalg_net *sn)
{
	u32 most = sipalg_setting(sn, SIPALG_MAX_IDLE_CALLS);
	unsigned int i;

	if (!most)
		return;
	for (i = 0; i < AT_ONCE && atomic_read(&sn->idle_count) > most; i++)
		evict(sn, most_idle);
}
