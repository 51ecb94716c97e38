// SPDX-License-Identifier: GPL-2.0-only
/* Finds channels without media by the timeouts of their conntracks. */
#include "call.h"
#include "media_flow.h"
#include "media_idle.h"
#include "media_pinhole.h"
#include "net.h"

#define RETRY_INTERVAL	HZ	/* for pinholes that found their place taken */

static unsigned long channel_seen(struct sipalg_call *call, unsigned int index)
{
	struct sipalg_media *media;
	unsigned long newest = 0;
	bool any = false;

	list_for_each_entry(media, &call->media, list) {
		unsigned long seen;

		if (media->index != index)
			continue;
		seen = sipalg_media_flows_seen(media);
		if (!any || time_after(seen, newest))
			newest = seen;
		any = true;
	}
	return newest;
}

static bool is_open(const struct sipalg_media *media)
{
	return media->exp[SIPALG_RTP] || media->exp[SIPALG_RTCP];
}

static void next_look(struct sipalg_call *call, unsigned long time)
{
	if (!(call->deadlines & 1u << SIPALG_DEADLINE_MEDIA) ||
	    time_before(jiffies + time, call->deadline[SIPALG_DEADLINE_MEDIA]))
		sipalg_call_deadline(call, SIPALG_DEADLINE_MEDIA, time);
}

void sipalg_media_look(struct sipalg_call *call)
{
	unsigned long limit =
		sipalg_setting(call->sn, SIPALG_INACTIVE_MEDIA_TIMEOUT) * HZ;
	struct sipalg_media *media;

	sipalg_call_no_deadline(call, SIPALG_DEADLINE_MEDIA);
	list_for_each_entry(media, &call->media, list) {
		unsigned long quiet;

		if (!limit || !is_open(media))
			continue;
		quiet = jiffies - channel_seen(call, media->index);
		if (quiet >= limit)
			sipalg_media_suspend(media);
		else
			next_look(call, limit - quiet);
	}

	if (call->incomplete) {
		sipalg_media_sync(call, NULL);
		next_look(call, RETRY_INTERVAL);
	}
}
