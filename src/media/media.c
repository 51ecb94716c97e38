// SPDX-License-Identifier: GPL-2.0-only
/* Media of a call, from the first offer to the end. Pinholes: see media_expect.c. */
#include <linux/slab.h>
#include "core/call.h"
#include "core/event.h"
#include "core/net.h"
#include "core/quota.h"
#include "media/media.h"
#include "media/media_ct.h"
#include "media/media_expect.h"
#include "media/port.h"
#include "nat/expect.h"
#include "nat/face.h"

bool sipalg_media_is_lost(const struct sipalg_media *media)
{
	return sipalg_face_is_lost(media->face) ||
	       READ_ONCE(media->port_state) == SIPALG_PORT_TAKEN;
}

void sipalg_media_suspend(struct sipalg_media *media)
{
	media->idle = true;
	if (sipalg_media_leads_out(media)) {
		sipalg_media_cut(media);
		sipalg_media_thicken(media->call);
	} else {
		sipalg_media_release(media, true);
	}
	media->call->event_mask |= SIPALG_NOTIFY_CHANGED;
}

void sipalg_media_lend(struct sipalg_media *media, enum sipalg_port_state state)
{
	if (!media->translated)
		return;
	if (sipalg_media_holds_ports(media))
		sipalg_quota_uncharge(media->holder, SIPALG_QUOTA_PAIRS, 1);
	sipalg_port_lend(media->call->sn, media, state);
}

bool sipalg_media_keep(struct sipalg_media *media)
{
	if (sipalg_media_holds_ports(media))
		return true;
	if (!sipalg_quota_charge(media->holder, SIPALG_QUOTA_PAIRS, 1))
		return false;
	if (sipalg_port_keep(media->call->sn, media))
		return true;
	sipalg_quota_uncharge(media->holder, SIPALG_QUOTA_PAIRS, 1);
	return false;
}

void sipalg_media_free(struct sipalg_media *media)
{
	struct sipalg_net *sn = media->call->sn;

	sipalg_media_release(media, true);
	if (media->translated)
		sipalg_port_release(sn, media);
	if (sipalg_media_holds_ports(media))
		sipalg_quota_put(media->holder, SIPALG_QUOTA_PAIRS);
	else
		sipalg_quota_host_put(media->holder);
	sipalg_face_put(media->face);
	list_del(&media->list);
	atomic_long_sub(sizeof(*media), &sn->memory);
	kfree_rcu(media, rcu);
}

struct sipalg_media *sipalg_media_alloc(struct sipalg_call *call,
					struct list_head *list)
{
	struct sipalg_media *media = kzalloc(sizeof(*media), GFP_ATOMIC);

	if (!media)
		return NULL;
	media->call = call;
	sipalg_media_seen(media, 0);
	list_add_tail(&media->list, list);
	atomic_long_add(sizeof(*media), &call->sn->memory);
	return media;
}

/* The ports that the peer was told, if they are free here. */
static bool claim_told(struct sipalg_media *media, const struct sipalg_flow *flow,
		       u16 port)
{
	enum sipalg_port_state state = media->port_state;
	struct sipalg_net *sn = flow->sn;

	media->face = sipalg_face_get(flow, &media->public);
	media->holder = state == SIPALG_PORT_HELD ?
			sipalg_quota_take(sn, flow->family, &media->private,
					  SIPALG_QUOTA_PAIRS) :
			sipalg_quota_host_get(sn, flow->family, &media->private);
	if (!media->face || !media->holder)
		return false;
	media->port_state = SIPALG_PORT_HELD;
	if (state == SIPALG_PORT_TAKEN || !sipalg_port_claim(flow, media, port)) {
		if (state == SIPALG_PORT_HELD)
			sipalg_quota_uncharge(media->holder, SIPALG_QUOTA_PAIRS, 1);
		state = SIPALG_PORT_TAKEN;
	}
	media->port_state = state;
	return true;
}

bool sipalg_media_restore(struct sipalg_call *call,
			  const struct sipalg_flow *flow,
			  const struct sipalg_media *from)
{
	struct sipalg_media *media = sipalg_media_alloc(call, &call->media);

	if (!media)
		return false;
	media->longs = from->longs;
	media->before = from->before;
	media->hosts = from->hosts;
	media->times = from->times;
	media->shorts = from->shorts;
	media->bytes = from->bytes;
	media->in_table = false;
	media->opened_late = true;
	if (!media->translated) {
		media->port_state = SIPALG_PORT_HELD;
		return true;
	}
	if (claim_told(media, flow, ntohs(from->public_port[SIPALG_RTP])))
		return true;
	/* no port has to be given back, and perhaps nobody holds one */
	media->translated = false;
	if (!media->holder)
		media->port_state = SIPALG_PORT_HELD;
	sipalg_media_free(media);
	return false;
}

struct sipalg_media *sipalg_media_mate(const struct sipalg_media *media)
{
	struct sipalg_media *other, *first = NULL;

	list_for_each_entry(other, &media->call->media, list) {
		if (other->side == media->side ||
		    other->index != media->index || other->rtcp_alone)
			continue;
		if (other->active)
			return other;
		first = first ?: other;
	}
	return first;
}

static void restore_terms(struct sipalg_media *media)
{
	if (!media->offer_pending)
		return;
	media->offer_pending = false;
	media->lines = media->before.lines;
	media->index = media->before.index;
	media->kind = media->before.kind;
	media->held = media->before.held;
	media->mux_offered = media->before.mux_offered;
	media->idle = media->before.idle;
}

/*
 * A sender at this media's address may get another public port from now on, but
 * an existing connection keeps its old one.
 */
static void renew_sender(const struct sipalg_media *media)
{
	struct sipalg_media *other;

	list_for_each_entry(other, &media->call->media, list)
		if (other->side != media->side && other->index == media->index)
			sipalg_media_cts_end(other, true);
}

/* RFC 5761 5.1.1: rtcp-mux applies if the descriptions of both sides have it. */
static void agree_on_mux(struct sipalg_call *call)
{
	struct sipalg_media *media, *mate;

	list_for_each_entry(media, &call->media, list) {
		mate = sipalg_media_mate(media);
		media->muxed = media->mux_offered && mate && mate->mux_offered;
	}
}

/* Another fork that has answered may want what this one refuses. */
static bool others_answered(const struct sipalg_call *call, u16 fork)
{
	const struct sipalg_dialog *dialog;

	list_for_each_entry(dialog, &call->dialogs, list)
		if (dialog->fork != fork && dialog->confirmed && !dialog->ended)
			return true;
	return false;
}

/* The other side's streams that this one does not want (RFC 3264 6). */
static void drop_refused(struct sipalg_call *call, enum sipalg_side side,
			 u16 fork)
{
	struct sipalg_media *media, *next;

	if (side == SIPALG_CALLEE && others_answered(call, fork))
		return;
	list_for_each_entry_safe(media, next, &call->media, list) {
		if (media->side == side || !sipalg_media_is_of(media, fork) ||
		    media->lines & ~call->refused[side])
			continue;
		if (media->translated)
			renew_sender(media);
		sipalg_media_free(media);
	}
}

void sipalg_media_commit(struct sipalg_call *call, enum sipalg_side side,
			 u16 fork)
{
	struct sipalg_media *media, *next;

	list_for_each_entry_safe(media, next, &call->media, list) {
		if (media->side != side || !sipalg_media_is_of(media, fork))
			continue;
		media->active = media->offered;
		media->held = media->held_offered;
		media->offer_pending = false;
		if (media->active)
			continue;
		if (media->translated)
			renew_sender(media);
		sipalg_media_free(media);
	}
	if (call->sdp_transaction[side].waiting) {
		call->hold[side] = call->hold_offered[side];
		drop_refused(call, side, fork);
	}
	agree_on_mux(call);
	call->sdp_transaction[side].waiting = false;
}

void sipalg_media_rollback(struct sipalg_call *call, enum sipalg_side side,
			   u16 fork)
{
	struct sipalg_media *media, *next;

	list_for_each_entry_safe(media, next, &call->media, list) {
		if (media->side != side || !sipalg_media_is_of(media, fork))
			continue;
		media->offered = media->active;
		restore_terms(media);
		if (!media->active)
			sipalg_media_free(media);
	}
	call->sdp_transaction[side].waiting = false;
	/* what remains may have had a pinhole in common with what has gone */
	sipalg_media_sync(call, NULL);
}

void sipalg_media_forget(struct sipalg_call *call, u16 fork)
{
	struct sipalg_media *media, *next;

	list_for_each_entry_safe(media, next, &call->media, list)
		if (fork && media->fork == fork)
			sipalg_media_free(media);
	/* what remains may have had a pinhole in common with what has gone */
	sipalg_media_sync(call, NULL);
}

void sipalg_media_lose(struct sipalg_call *call)
{
	struct sipalg_media *media;

	list_for_each_entry(media, &call->media, list) {
		if (!sipalg_face_is_lost(media->face))
			continue;
		sipalg_media_release(media, true);
		renew_sender(media);
		call->event_mask |= SIPALG_NOTIFY_CHANGED;
	}
}

void sipalg_media_abandon(struct sipalg_call *call)
{
	struct sipalg_media *media;

	list_for_each_entry(media, &call->media, list)
		sipalg_media_release(media, false);
	sipalg_media_close(call);
}

void sipalg_media_close(struct sipalg_call *call)
{
	struct sipalg_media *media, *next;

	list_for_each_entry_safe(media, next, &call->media, list)
		sipalg_media_free(media);
	if (call->master)
		sipalg_master_release(call->master);
	call->master = NULL;
}
