// SPDX-License-Identifier: GPL-2.0-only
/* Remembers refused INVITEs for screen-timeout. */
#include <linux/siphash.h>
#include "call/call.h"
#include "call/screen.h"
#include "core/hashlimit.h"
#include "core/net.h"

static u64 key_of(const struct sipalg_flow *flow, const struct sip_msg *msg)
{
	const siphash_key_t *key = &flow->sn->key;

	return siphash_3u64(siphash(&flow->src.ip, sizeof(flow->src.ip), key),
			    siphash(&flow->dst.ip, sizeof(flow->dst.ip), key),
			    siphash(sip_span_ptr(msg, msg->uri), msg->uri.len, key),
			    key);
}

static bool is_on(const struct sipalg_net *sn)
{
	return sipalg_setting(sn, SIPALG_SCREEN_INVITES);
}

bool sipalg_screen_refuses(const struct sipalg_flow *flow,
			   const struct sip_msg *msg)
{
	u32 time = sipalg_setting(flow->sn, SIPALG_SCREEN_TIMEOUT) * HZ;

	return is_on(flow->sn) &&
	       sipalg_hashlimit_seen(flow->sn, key_of(flow, msg), time);
}

void sipalg_screen_invite(struct sipalg_call *call,
			  const struct sipalg_flow *flow,
			  const struct sip_msg *msg)
{
	call->screen_key = is_on(call->sn) ? key_of(flow, msg) : 0;
}

static bool is_exempt(const struct sipalg_net *sn, u16 status)
{
	unsigned int i;

	for (i = 0; i < SIPALG_SCREEN_EXEMPT_MAX; i++)
		if (READ_ONCE(sn->settings.screen_exempt[i]) == status)
			return true;
	return false;
}

void sipalg_screen_failure(struct sipalg_call *call, u16 status)
{
	if (call->screen_key && status < 600 && !is_exempt(call->sn, status))
		sipalg_hashlimit_hit(call->sn, call->screen_key, 1);
}
