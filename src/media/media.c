// SPDX-License-Identifier: GPL-2.0-only
/* Turns session descriptions into media. Pinholes: see media_expect.c. */
#include <linux/slab.h>
#include "core/call.h"
#include "core/event.h"
#include "core/net.h"
#include "core/quota.h"
#include "media/media.h"
#include "media/media_ct.h"
#include "media/media_expect.h"
#include "media/port.h"
#include "media/section.h"
#include "nat/expect.h"
#include "nat/face.h"
#include "nat/nat64.h"
#include "sip/names.h"

#define FORK_MEDIA	4	/* minimum of streams for each of 16 forks */

static u16 rtcp_port(const struct sipalg_section *section, unsigned int pair)
{
	const struct sdp_media *sdp = section->sdp;

	return sdp->rtcp_port && !pair ? sdp->rtcp_port :
					 sdp->port + 2 * pair + 1;
}

/*
 * Test whether a section can use this media, which has its address. All sections
 * of a description with one address share it (H-17). Existing media must have
 * RTCP if it is wanted now: fax had none (H-30), a=rtcp may have changed.
 */
static bool suits(const struct sipalg_media *media,
		  const struct sipalg_section *section, unsigned int pair)
{
	if (media->offered || section->ports == 1)
		return true;
	return media->ports > 1 && media->private_port[SIPALG_RTCP] ==
					   htons(rtcp_port(section, pair));
}

bool sipalg_media_is_lost(const struct sipalg_media *media)
{
	return sipalg_face_is_lost(media->face) ||
	       READ_ONCE(media->port_state) == SIPALG_PORT_TAKEN;
}

/* What the other side was told of it is what it would be told now. */
static bool keeps_face(const struct sipalg_media *media,
		       const struct sipalg_flow *flow)
{
	return !media->translated ||
	       (!sipalg_media_is_lost(media) &&
		sipalg_ip_equal(&media->public, &flow->src_public.ip));
}

static struct sipalg_media *find_media(const struct sipalg_call *call,
				       enum sipalg_side side, u16 fork,
				       const struct sipalg_flow *flow,
				       const struct sipalg_section *section,
				       unsigned int pair)
{
	const __be16 port = htons(section->sdp->port + 2 * pair);
	struct sipalg_media *media;

	list_for_each_entry(media, &call->media, list)
		if (media->side == side && media->fork == fork &&
		    media->private_port[SIPALG_RTP] == port &&
		    media->l4proto == section->l4proto &&
		    sipalg_ip_equal(&media->private, &section->host->addr) &&
		    keeps_face(media, flow) && suits(media, section, pair))
			return media;
	return NULL;
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
	if (media->port_state == SIPALG_PORT_HELD)
		sipalg_quota_uncharge(media->holder, SIPALG_QUOTA_PAIRS, 1);
	sipalg_port_lend(media->call->sn, media, state);
}

bool sipalg_media_keep(struct sipalg_media *media)
{
	if (media->port_state == SIPALG_PORT_HELD)
		return true;
	if (!sipalg_quota_charge(media->holder, SIPALG_QUOTA_PAIRS, 1))
		return false;
	if (sipalg_port_keep(media->call->sn, media))
		return true;
	sipalg_quota_uncharge(media->holder, SIPALG_QUOTA_PAIRS, 1);
	return false;
}

static void media_free(struct sipalg_media *media)
{
	struct sipalg_net *sn = media->call->sn;

	sipalg_media_release(media, true);
	if (media->translated)
		sipalg_port_release(sn, media);
	if (media->port_state == SIPALG_PORT_HELD)
		sipalg_quota_put(media->holder, SIPALG_QUOTA_PAIRS);
	else
		sipalg_quota_host_put(media->holder);
	sipalg_face_put(media->face);
	list_del(&media->list);
	atomic_long_sub(sizeof(*media), &sn->memory);
	kfree_rcu(media, rcu);
}

static struct sipalg_media *media_alloc(struct sipalg_call *call)
{
	struct sipalg_media *media = kzalloc(sizeof(*media), GFP_ATOMIC);

	if (!media)
		return NULL;
	media->call = call;
	media->seen = jiffies;
	list_add_tail(&media->list, &call->media);
	atomic_long_add(sizeof(*media), &call->sn->memory);
	return media;
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

/* The pairs of port/n are adjacent: this is number @pair. */
static void set_private(struct sipalg_media *media,
			const struct sipalg_section *section,
			unsigned int pair)
{
	const struct sdp_media *sdp = section->sdp;

	media->index = section->index;
	media->kind = sdp->kind;
	media->ports = section->ports;
	media->l4proto = section->l4proto;
	media->ice_untouched = section->ice_untouched;
	media->outside = section->outside;
	media->hairpin = section->hairpin;
	media->rtcp_alone = section->rtcp_alone;
	media->private = section->host->addr;
	media->private_port[SIPALG_RTP] = htons(sdp->port + 2 * pair);
	media->private_port[SIPALG_RTCP] = htons(rtcp_port(section, pair));
}

/* Not edited, so the public ports must be the phone's own. */
static bool claim_own(struct sipalg_media *media,
		      const struct sipalg_flow *flow,
		      const struct sipalg_section *section, unsigned int pair)
{
	u16 port = section->sdp->port + 2 * pair;

	if (media->private_port[SIPALG_RTCP] != htons(port + 1))
		media->ports = 1;
	return sipalg_port_claim(flow, media, port);
}

static enum sipalg_message_reason
set_public(struct sipalg_media *media, const struct sipalg_flow *flow,
	   const struct sipalg_section *section, unsigned int pair,
	   const struct sipalg_media *before)
{
	bool reserved;

	if (!section->inside) {
		media->public = media->private;
		memcpy(media->public_port, media->private_port,
		       sizeof(media->public_port));
		return SIPALG_REASON_NONE;
	}

	media->holder = sipalg_quota_get(flow->sn, flow->family,
					 &flow->src.ip, media->call->quota,
					 SIPALG_QUOTA_PAIRS);
	if (!media->holder)
		return SIPALG_REASON_NO_PORT_PAIR;
	media->public = flow->src_public.ip;
	media->face = sipalg_face_get(flow, &media->public);
	if (!media->face)
		return SIPALG_REASON_NO_MEMORY;
	if (section->ice_untouched)
		reserved = claim_own(media, flow, section, pair);
	else if (before)
		reserved = sipalg_port_claim(flow, media,
					     ntohs(before->public_port[SIPALG_RTP]) + 2);
	else
		reserved = (media->resumed && section->pairs == 1 &&
			    sipalg_port_reattach(flow, media)) ||
			   sipalg_port_reserve(flow, media, section->pairs);
	if (!reserved)
		return SIPALG_REASON_NO_PORT_PAIR;
	media->translated = true;
	return SIPALG_REASON_NONE;
}

/*
 * The media of one pair of a section: the one it had before, or a new one,
 * its public ports behind those of the pair @before.
 */
static struct sipalg_media *
pair_media(struct sipalg_call *call, enum sipalg_side side, u16 fork,
	   const struct sipalg_flow *flow, const struct sipalg_section *section,
	   unsigned int pair, const struct sipalg_media *before,
	   struct sipalg_plan *plan)
{
	struct sipalg_media *media;

	media = find_media(call, side, fork, flow, section, pair);
	if (media && sipalg_media_keep(media))
		return media;

	media = media_alloc(call);
	if (!media) {
		plan->reason = SIPALG_REASON_NO_MEMORY;
		return NULL;
	}
	plan->new_media = true;
	media->side = side;
	media->fork = fork;
	media->resumed = call->state != SIPALG_CALL_EARLY;
	media->opened_late = media->resumed || !sipalg_call_both_spoke(call);
	media->family = section->family;
	set_private(media, section, pair);
	plan->reason = set_public(media, flow, section, pair, before);
	if (plan->reason) {
		media_free(media);
		return NULL;
	}
	return media;
}

/*
 * The peer's description names a public port of this router: the peer is another
 * phone behind it (H-26). The description gets that phone's own address, so that
 * media takes the direct path and is not hairpinned.
 */
static bool turn_round(const struct sipalg_flow *flow,
		       const struct sipalg_section *section,
		       const struct sip_msg *msg, struct sipalg_plan *plan,
		       struct sipalg_addr *private)
{
	struct sipalg_addr addr;

	if (!section->host || section->ice_untouched || sipalg_flow_from_inside(flow) ||
	    !sipalg_ip_equal(&flow->dst.ip, &section->host->addr) ||
	    sipalg_ip_equal(&flow->dst.ip, &flow->dst_private.ip) ||
	    sipalg_setting(flow->sn, SIPALG_MODE) != SIPALG_MODE_FULL)
		return false;
	addr.ip = section->host->addr;
	addr.port = htons(section->sdp->port);
	if (!sipalg_port_owner(flow, &addr, private) ||
	    sipalg_nat64_is_neighbour(flow, &private[SIPALG_RTP].ip))
		return false;

	sipalg_plan_host(plan, section->host, flow->family,
			 &private[SIPALG_RTP].ip, 0);
	sipalg_section_edit(section, msg, private[SIPALG_RTP].port,
			    private[SIPALG_RTCP].port, 0, NULL, plan);
	return true;
}

static void note_terms(struct sipalg_media *media)
{
	if (media->offer_pending)
		return;
	media->offer_pending = true;
	media->before = (struct sipalg_media_terms){
		.lines = media->lines,
		.index = media->index,
		.kind = media->kind,
		.held = media->held,
		.mux_offered = media->mux_offered,
		.idle = media->idle,
	};
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

/* All of one description that name it share it (H-17): the first one counts. */
static void offer(struct sipalg_media *media,
		  const struct sipalg_section *section)
{
	note_terms(media);
	if (!media->offered) {
		media->lines = 0;
		media->index = section->index;
		media->kind = section->sdp->kind;
	}
	media->lines |= BIT_ULL(section->index);
	media->offered = true;
	media->idle = false;
	media->seen = jiffies;
	media->mux_offered = section->sdp->rtcp_mux;
	media->held_offered = section->sdp->direction == SDP_INACTIVE;
	if (!media->active || !media->held_offered)
		media->held = media->held_offered;
}

/* Return false: the message must not go on as planned. */
static bool describe_pairs(struct sipalg_call *call, enum sipalg_side side,
			   u16 fork, const struct sipalg_flow *flow,
			   const struct sip_msg *msg,
			   const struct sipalg_section *section,
			   struct sipalg_plan *plan)
{
	struct sipalg_media *media = NULL;
	unsigned int pair;

	for (pair = 0; pair < section->pairs; pair++) {
		media = pair_media(call, side, fork, flow, section, pair, media,
				   plan);
		if (!media)
			return false;
		offer(media, section);
		if (!pair && media->translated && !section->ice_untouched)
			sipalg_section_edit(section, msg,
					    media->public_port[SIPALG_RTP],
					    media->public_port[SIPALG_RTCP],
					    media->family, &media->public, plan);
	}
	return true;
}

/* The direct path may lead from one inside network to another. */
static bool describe_hairpin(struct sipalg_call *call, enum sipalg_side side,
			     u16 fork, const struct sipalg_flow *flow,
			    const struct sip_msg *msg,
			    const struct sipalg_section *section,
			    const struct sipalg_addr *private,
			    struct sipalg_plan *plan)
{
	struct sip_host host = *section->host;
	struct sdp_media sdp = *section->sdp;
	struct sipalg_section hairpin = *section;

	host.addr = private[SIPALG_RTP].ip;
	sdp.port = ntohs(private[SIPALG_RTP].port);
	sdp.rtcp_port = ntohs(private[SIPALG_RTCP].port);
	hairpin.host = &host;
	hairpin.sdp = &sdp;
	hairpin.inside = false;
	hairpin.hairpin = true;
	return describe_pairs(call, side, fork, flow, msg, &hairpin, plan);
}

static bool describe_section(struct sipalg_call *call, enum sipalg_side side,
			     u16 fork, const struct sipalg_flow *flow,
			     const struct sip_msg *msg,
			     const struct sipalg_section *section,
			     struct sipalg_plan *plan)
{
	struct sipalg_addr private[SIPALG_PORTS];
	struct sipalg_section rtcp;
	struct sdp_media sdp;

	if (turn_round(flow, section, msg, plan, private))
		return describe_hairpin(call, side, fork, flow, msg, section,
				       private, plan);
	if (sipalg_section_rtcp(&rtcp, &sdp, section, flow, msg) &&
	    !describe_pairs(call, side, fork, flow, msg, &rtcp, plan))
		return false;
	if (!section->wanted ||
	    describe_pairs(call, side, fork, flow, msg, section, plan))
		return true;
	if (!section->ice_untouched)
		return false;
	/* nothing is edited, so the message is right as it is */
	plan->reason = SIPALG_REASON_NONE;
	return true;
}

/* What is not translated is right as it stands, and is not dropped. */
static bool translates(const struct sipalg_net *sn)
{
	return sipalg_setting(sn, SIPALG_MODE) == SIPALG_MODE_FULL;
}

/* C11: a stream with a port but no c= at either level. */
static bool lacks_connection(const struct sip_msg *msg)
{
	unsigned int i;

	for (i = 0; i < msg->media_count; i++)
		if (msg->media[i].port &&
		    msg->media[i].connection == SIP_NO_INDEX)
			return true;
	return false;
}

static void forget_unanswered(struct sipalg_call *call, enum sipalg_side side,
			      u16 fork)
{
	struct sipalg_media *media, *next;

	list_for_each_entry_safe(media, next, &call->media, list)
		if (media->side == side && media->fork == fork &&
		    !media->offered && !media->active)
			media_free(media);
}

/*
 * A packet may pass twice: on a bridge behind the router its description already
 * has the public ports.
 */
static bool translated_before(const struct sipalg_flow *flow,
			      const struct sip_msg *msg)
{
	struct sipalg_addr private[SIPALG_PORTS], addr;
	unsigned int i;

	if (!sipalg_flow_from_inside(flow))
		return false;
	for (i = 0; i < msg->media_count; i++) {
		const struct sdp_media *sdp = &msg->media[i];

		if (!sdp->port || sdp->connection == SIP_NO_INDEX)
			continue;
		addr.ip = msg->hosts[sdp->connection].addr;
		addr.port = htons(sdp->port);
		if (sipalg_ip_equal(&addr.ip, &flow->src_public.ip) &&
		    sipalg_port_owner(flow, &addr, private))
			return true;
	}
	return false;
}

/* Returns the number of removed streams. */
static unsigned int forget_oldest(struct sipalg_call *call,
				  enum sipalg_side side, u16 fork)
{
	struct sipalg_media *media, *next;
	unsigned int gone = 0;
	u16 oldest = fork;

	list_for_each_entry_safe(media, next, &call->media, list) {
		if (media->side != side || media->fork == fork || media->active)
			continue;
		if (!gone)
			oldest = media->fork;
		if (media->fork != oldest)
			continue;
		media_free(media);
		gone++;
	}
	return gone;
}

/*
 * Make room for more streams of all forks: at most twice max-media-per-call, or a
 * few for each fork. The oldest unanswered ones are removed.
 */
static bool make_room(struct sipalg_call *call, enum sipalg_side side, u16 fork,
		      u32 count)
{
	u32 most = max_t(u32, FORK_MEDIA * SIPALG_MAX_DIALOGS,
			 2 * sipalg_setting(call->sn, SIPALG_MAX_MEDIA_PER_CALL));
	struct sipalg_media *media;
	unsigned int gone;

	list_for_each_entry(media, &call->media, list)
		count += media->side == side && media->fork != fork;
	while (count > most) {
		gone = forget_oldest(call, side, fork);
		if (!gone)
			return false;
		count -= gone;
	}
	return true;
}

void sipalg_media_describe(struct sipalg_call *call, enum sipalg_side side,
			   u16 fork, const struct sipalg_flow *flow,
			   const struct sip_msg *msg, struct sipalg_plan *plan)
{
	u64 ice_untouched = sipalg_sections_ice_untouched(flow, msg);
	u32 pairs = sipalg_sections_pairs(msg);
	struct sipalg_media *media;
	unsigned int i;

	plan->described = true;
	if (translated_before(flow, msg))
		return;
	if (lacks_connection(msg)) {
		plan->reason = SIPALG_REASON_NO_CONNECTION_LINE;
		if (translates(call->sn) &&
		    sipalg_setting(call->sn, SIPALG_NO_CONNECTION_LINE) ==
			    SIPALG_DROP)
			plan->verdict = SIPALG_VERDICT_DROP;
		return;
	}
	if (pairs > sipalg_setting(call->sn, SIPALG_MAX_MEDIA_PER_CALL) ||
	    !make_room(call, side, fork, pairs)) {
		plan->reason = SIPALG_REASON_TOO_MANY_MEDIA;
		return;
	}

	list_for_each_entry(media, &call->media, list)
		if (media->side == side && media->fork == fork)
			media->offered = false;

	for (i = 0; i < msg->media_count; i++) {
		struct sipalg_section section;

		sipalg_section_read(&section, flow, msg, i, ice_untouched);
		if (!describe_section(call, side, fork, flow, msg, &section,
				      plan)) {
			if (translates(call->sn))
				plan->verdict = SIPALG_VERDICT_DROP;
			break;
		}
	}
	sipalg_sections_edit(flow, msg, ice_untouched, plan);

	forget_unanswered(call, side, fork);
	call->refused[side] = sipalg_sections_refused(msg);
	call->hold_offered[side] = sipalg_sections_hold(msg);
	plan->pinholes = true;
}

static struct sipalg_media *known_media(const struct sipalg_call *call,
					const struct sipalg_flow *flow,
					const struct sipalg_section *section)
{
	struct sipalg_media *media;

	if (!call)
		return NULL;
	list_for_each_entry(media, &call->media, list)
		if (media->translated && keeps_face(media, flow) &&
		    media->private_port[SIPALG_RTP] == htons(section->sdp->port) &&
		    sipalg_ip_equal(&media->private, &section->host->addr))
			return media;
	return NULL;
}

/* Does the message bring an offer or an answer (RFC 3261 13.2.1, 3262, 3311)? */
static bool negotiates(const struct sip_msg *msg)
{
	return msg->status < 300 && sip_method_is(msg, SIP_OFFERS);
}

/* Returns false if what is negotiated here has no public port. */
static bool retransmit_section(struct sipalg_call *call,
			       const struct sipalg_flow *flow,
			       const struct sip_msg *msg,
			       const struct sipalg_section *section,
			       struct sipalg_plan *plan)
{
	struct sipalg_addr private[SIPALG_PORTS];
	const struct sipalg_media *media;

	if (turn_round(flow, section, msg, plan, private) ||
	    !section->inside || section->ice_untouched)
		return true;
	media = known_media(call, flow, section);
	if (media)
		sipalg_section_edit(section, msg,
				    media->public_port[SIPALG_RTP],
				    media->public_port[SIPALG_RTCP],
				    media->family, &media->public, plan);
	/* D8: elsewhere, or repeated, it tells of addresses, and opens nothing */
	return media || plan->retransmitted || !negotiates(msg);
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

void sipalg_media_retransmit(struct sipalg_call *call,
			     const struct sipalg_flow *flow,
			     const struct sip_msg *msg,
			     struct sipalg_plan *plan)
{
	u64 ice_untouched = sipalg_sections_ice_untouched(flow, msg);
	unsigned int i;

	for (i = 0; i < msg->media_count; i++) {
		struct sipalg_section section, rtcp;
		struct sdp_media sdp;

		sipalg_section_read(&section, flow, msg, i, ice_untouched);
		if (!retransmit_section(call, flow, msg, &section, plan) ||
		    (sipalg_section_rtcp(&rtcp, &sdp, &section, flow, msg) &&
		     !retransmit_section(call, flow, msg, &rtcp, plan))) {
			plan->reason = SIPALG_REASON_NO_PORT_PAIR;
			return;
		}
	}
	sipalg_sections_edit(flow, msg, ice_untouched, plan);
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
		media_free(media);
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
		media_free(media);
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
			media_free(media);
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
			media_free(media);
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
		media_free(media);
	if (call->master)
		sipalg_master_release(call->master);
	call->master = NULL;
}
