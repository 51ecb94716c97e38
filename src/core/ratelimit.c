// SPDX-License-Identifier: GPL-2.0-only
/* Counts requests by address and method. */
#include <linux/siphash.h>
#include "core/hashlimit.h"
#include "core/net.h"
#include "core/ratelimit.h"

bool sipalg_ratelimit_exceeded(const struct sipalg_flow *flow,
			       const struct sip_msg *msg)
{
	u32 limit = sipalg_setting(flow->sn, SIPALG_RATE_LIMIT);
	u64 key;

	if (!limit)
		return false;
	/* @method makes it another key than any of screen.c */
	key = siphash(&flow->src.ip, sizeof(flow->src.ip), &flow->sn->key);
	key = siphash_2u64(key, msg->method, &flow->sn->key);
	return sipalg_hashlimit_hit(flow->sn, key, HZ) > limit;
}
