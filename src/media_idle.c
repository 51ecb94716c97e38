// SPDX-License-Identifier: GPL-2.0-only
/* Finds channels without media by the timeouts of their conntracks. */
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_l4proto.h>
#include "call.h"
#include "media_idle.h"
#include "net.h"

#define RETRY_INTERVAL	HZ	/* for pinholes that found their place taken */

/* What conntrack adds to now at each packet of such a connection. */
static u32 udp_timeout(const struct nf_conn *ct)
{
	const unsigned int *timeouts = nf_udp_pernet(nf_ct_net(ct))->timeouts;

	return timeouts[test_bit(IPS_ASSURED_BIT, &ct->status) ?
			UDP_CT_REPLIED : UDP_CT_UNREPLIED];
}

static unsigned long flow_seen(const struct nf_conn *ct)
{
	u32 now = nfct_time_stamp, last;

	/* the flowtable refreshes it for as long as packets pass */
	if (test_bit(IPS_OFFLOAD_BIT, &ct->status))
		return jiffies;
	if (!nf_ct_is_confirmed(ct))
		return jiffies;
	last = READ_ONCE(ct->timeout) - udp_timeout(ct);
	if ((s32)(now - last) < 0)
		return jiffies;	/* a policy of its own keeps it longer */
	return jiffies - (now - last);
}

unsigned long sipalg_media_seen(struct sipalg_media *media)
{
	unsigned int i;

	for (i = 0; i < media->ports; i++) {
		unsigned long seen;

		if (!media->flow[i])
			continue;
		seen = flow_seen(media->flow[i]);
		if (time_after(seen, media->seen))
			media->seen = seen;
	}
	return media->seen;
}

static unsigned long channel_seen(struct sipalg_call *call, unsigned int index)
{
	struct sipalg_media *media;
	unsigned long newest = 0;
	bool any = false;

	list_for_each_entry(media, &call->media, list) {
		unsigned long seen;

		if (media->index != index)
			continue;
		seen = sipalg_media_seen(media);
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

void sipalg_media_watch(struct sipalg_call *call)
{
	sipalg_media_look(call);
}
