// SPDX-License-Identifier: GPL-2.0-only
/* Two lists in the order of the last message: unanswered and answered calls. */
#include "call.h"
#include "evict.h"
#include "net.h"

void sipalg_evict_init(struct sipalg_net *sn)
{
	spin_lock_init(&sn->silent_lock);
	INIT_LIST_HEAD(&sn->silent[0]);
	INIT_LIST_HEAD(&sn->silent[1]);
}

void sipalg_evict_active(struct sipalg_call *call)
{
	struct sipalg_net *sn = call->sn;
	bool answered = call->state == SIPALG_CALL_CONFIRMED;

	if (!list_empty(&call->silent) && answered == call->silent_answered &&
	    time_before(jiffies, call->silent_since + HZ))
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
	spin_unlock_bh(&call->sn->silent_lock);
}

static struct sipalg_call *most_silent(struct sipalg_net *sn)
{
	struct sipalg_call *call = NULL;
	unsigned int i;

	spin_lock_bh(&sn->silent_lock);
	for (i = 0; i < 2 && !call; i++)
		call = list_first_entry_or_null(&sn->silent[i],
						struct sipalg_call, silent);
	if (call && !refcount_inc_not_zero(&call->refs))
		call = NULL;
	spin_unlock_bh(&sn->silent_lock);
	return call;
}

void sipalg_evict_one(struct sipalg_net *sn)
{
	struct sipalg_call *call = most_silent(sn);

	if (!call)
		return;
	spin_lock_bh(&call->lock);
	sipalg_call_end(call, SIPALG_END_EVICTED);
	spin_unlock_bh(&call->lock);
	sipalg_call_put(call);
}
