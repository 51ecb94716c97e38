// SPDX-License-Identifier: GPL-2.0-only
/* Finds channels without media by the timeouts of their conntracks. */
#include "core/call.h"
#include "core/event.h"
#include "core/net.h"
#include "media/activity.h"
#include "media/media.h"
#include "media/media_ct.h"
#include "media/media_expect.h"

static unsigned long channel_quiet(struct sipalg_call *call, unsigned int index)
{
	struct sipalg_media *media;
	u32 quiet = U32_MAX;

	list_for_each_entry(media, &call->media, list)
		if (media->index == index)
			quiet = min(quiet, sipalg_media_cts_quiet(media));
	return quiet;
}

/* Media retained on hold is inactive, but must not be closed (S3-33). */
static unsigned long limit_of(const struct sipalg_call *call)
{
	bool retained = sipalg_call_on_hold(call) &&
			sipalg_setting(call->sn, SIPALG_RETAIN_HOLD_RESOURCE);

	return HZ * (unsigned long)sipalg_setting(call->sn, retained ?
						  SIPALG_HOLD_TIMEOUT :
						  SIPALG_INACTIVE_MEDIA_TIMEOUT);
}

unsigned long sipalg_media_quiet(struct sipalg_call *call)
{
	unsigned long quiet = ULONG_MAX;
	struct sipalg_media *media;

	list_for_each_entry(media, &call->media, list)
		quiet = min_t(unsigned long, quiet,
			      sipalg_media_cts_quiet(media));
	return quiet;
}

void sipalg_media_begin(struct sipalg_call *call)
{
	struct sipalg_media *media;

	list_for_each_entry(media, &call->media, list)
		sipalg_media_seen(media, 0);
}

void sipalg_media_shut(struct sipalg_call *call)
{
	bool over = call->state == SIPALG_CALL_FAILED ||
		    call->state == SIPALG_CALL_CANCELLING;
	struct sipalg_media *media;

	list_for_each_entry(media, &call->media, list) {
		sipalg_media_suspend(media);
		sipalg_media_lend(media, over ? SIPALG_PORT_OVER :
						SIPALG_PORT_RUNG_OUT);
	}
}

/* Close what has been silent too long, and look again when the next one may be. */
static void watch(struct sipalg_call *call)
{
	unsigned long limit = limit_of(call);
	struct sipalg_media *media;

	list_for_each_entry(media, &call->media, list) {
		unsigned long quiet;

		if (!limit || !call->answered || media->idle || !sipalg_media_is_open(media))
			continue;
		quiet = channel_quiet(call, media->index);
		if (quiet >= limit)
			sipalg_media_suspend(media);
		else
			sipalg_call_timer_reduce(call, SIPALG_TIMER_MEDIA,
						 limit - quiet);
	}
}

void sipalg_media_reopen(struct sipalg_call *call)
{
	struct sipalg_media *media;
	bool any = false;

	list_for_each_entry(media, &call->media, list) {
		if (!sipalg_media_keep(media))
			continue;
		any |= media->idle;
		if (media->idle)
			sipalg_media_seen(media, 0);
		media->idle = false;
	}
	if (!any)
		return;
	call->event_mask |= SIPALG_NOTIFY_CHANGED;
	sipalg_media_sync(call, NULL);
	watch(call);
}

void sipalg_media_look(struct sipalg_call *call)
{
	sipalg_call_timer_clear(call, SIPALG_TIMER_MEDIA);
	sipalg_media_thin(call);
	watch(call);
	if (call->incomplete)
		sipalg_media_retry(call);
	else
		sipalg_media_repair(call, NULL);
}
