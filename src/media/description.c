// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sections become streams: planned, acquired, offered. RFC 3264; what becomes of
 * the offer is in media.c.
 */
#include "core/call.h"
#include "core/net.h"
#include "core/quota.h"
#include "media/description.h"
#include "media/media.h"
#include "media/port.h"
#include "media/section.h"
#include "nat/face.h"
#include "nat/nat64.h"
#include "sip/names.h"

#define FORK_MEDIA	4	/* minimum of streams for each of 16 forks */

/* -- decide ------------------------------------------------------------------- */

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

/*
 * A packet may pass twice: on a bridge behind the router its description already
 * has the public ports.
 */
static bool translated_before(const struct sipalg_flow *flow,
			      const struct sip_msg *msg)
{
	struct sipalg_addr private[SIPALG_PORTS], addr;
	unsigned int i;
	u16 zone;

	if (!sipalg_flow_from_inside(flow))
		return false;
	for (i = 0; i < msg->media_count; i++) {
		const struct sdp_media *sdp = &msg->media[i];

		if (!sdp->port || sdp->connection == SIP_NO_INDEX)
			continue;
		addr.ip = msg->hosts[sdp->connection].addr;
		addr.port = htons(sdp->port);
		if (sipalg_ip_equal(&addr.ip, &flow->src_public.ip) &&
		    sipalg_port_owner(flow, &addr, private, &zone))
			return true;
	}
	return false;
}

/* @rtp, @rtcp: what its ports become, network byte order */
static void edit_ports(const struct sipalg_section *section,
		       const struct sip_msg *msg, __be16 rtp, __be16 rtcp,
		       u8 family, const union nf_inet_addr *ip,
		       struct sipalg_plan *plan)
{
	u16 first = sipalg_plan_new_port(plan, section->sdp->port, ntohs(rtp));
	u16 second = sipalg_plan_new_port(plan, sipalg_section_rtcp_port(section, 0),
					  ntohs(rtcp));

	sipalg_section_edit(section, msg, first, second, family, ip, plan);
}

/*
 * The peer's description names a public port of this router, of whichever of its
 * addresses: the peer is another phone behind it (H-26). The description gets that
 * phone's own address, so that media takes the direct path and is not hairpinned.
 * In another zone that address may be somebody else's.
 */
static bool turn_round(const struct sipalg_flow *flow,
		       const struct sipalg_section *section,
		       const struct sip_msg *msg, struct sipalg_plan *plan,
		       struct sipalg_addr *private)
{
	struct sipalg_addr addr;
	u16 zone;

	if (!section->host || section->ice_untouched || sipalg_flow_from_inside(flow) ||
	    sipalg_ip_equal(&flow->dst.ip, &flow->dst_private.ip) ||
	    !translates(flow->sn))
		return false;
	addr.ip = section->host->addr;
	addr.port = htons(section->sdp->port);
	if (!sipalg_port_owner(flow, &addr, private, &zone) ||
	    zone != flow->to_zone ||
	    sipalg_nat64_is_neighbour(flow, &private[SIPALG_RTP].ip))
		return false;

	sipalg_plan_host(plan, section->host, flow->family,
			 &private[SIPALG_RTP].ip, 0);
	edit_ports(section, msg, private[SIPALG_RTP].port,
		   private[SIPALG_RTCP].port, 0, NULL, plan);
	return true;
}

static struct sipalg_media_intent *next(struct sipalg_description *description)
{
	return &description->stream[description->count];
}

/* The direct path may lead from one inside network to another. */
static void add_hairpin(struct sipalg_description *description,
			const struct sipalg_addr *private)
{
	struct sipalg_media_intent *stream = next(description);

	stream->sdp = *stream->section.sdp;
	stream->sdp.port = ntohs(private[SIPALG_RTP].port);
	stream->sdp.rtcp_port = ntohs(private[SIPALG_RTCP].port);
	stream->host = *stream->section.host;
	stream->host.addr = private[SIPALG_RTP].ip;
	stream->section.sdp = &stream->sdp;
	stream->section.host = &stream->host;
	stream->section.inside = false;
	stream->section.hairpin = true;
	stream->edited = false;
	description->count++;
}

/* Its public ports are the first pair's, and are only to be had. */
static void add(struct sipalg_description *description,
		const struct sipalg_flow *flow, const struct sip_msg *msg,
		struct sipalg_plan *plan)
{
	struct sipalg_media_intent *stream = next(description);
	const struct sipalg_section *section = &stream->section;

	description->count++;
	stream->edited = section->inside && !section->ice_untouched;
	stream->ports = plan->port_count;
	if (stream->edited)
		edit_ports(section, msg, 0, 0, section->family,
			   &flow->src_public.ip, plan);
}

/* The RTCP of a section at another host comes before it. */
static void add_rtcp(struct sipalg_description *description,
		     const struct sipalg_flow *flow, const struct sip_msg *msg,
		     struct sipalg_plan *plan)
{
	struct sipalg_media_intent *stream = next(description);
	const struct sipalg_section section = stream->section;

	if (!sipalg_section_rtcp(&stream->section, &stream->sdp, &section, flow, msg)) {
		stream->section = section;
		return;
	}
	add(description, flow, msg, plan);
	next(description)->section = section;
}

static void add_section(struct sipalg_description *description,
			const struct sipalg_flow *flow,
			const struct sip_msg *msg, struct sipalg_plan *plan)
{
	const struct sipalg_section *section = &next(description)->section;
	struct sipalg_addr private[SIPALG_PORTS];

	if (turn_round(flow, section, msg, plan, private)) {
		add_hairpin(description, private);
		return;
	}
	if (section->sdp->rtcp_host != SIP_NO_INDEX)
		add_rtcp(description, flow, msg, plan);
	if (next(description)->section.wanted)
		add(description, flow, msg, plan);
}

/* Returns a reason why it is left as it is. */
static enum sipalg_message_reason fault_of(const struct sipalg_flow *flow,
					   const struct sip_msg *msg,
					   u32 pairs)
{
	if (lacks_connection(msg))
		return SIPALG_REASON_NO_CONNECTION_LINE;
	if (pairs > sipalg_setting(flow->sn, SIPALG_MAX_MEDIA_PER_CALL))
		return SIPALG_REASON_TOO_MANY_MEDIA;
	return SIPALG_REASON_NONE;
}

void sipalg_description_decide(const struct sipalg_flow *flow,
			       const struct sip_msg *msg,
			       struct sipalg_plan *plan)
{
	struct sipalg_description *description = plan->description;
	u64 ice_untouched = sipalg_sections_ice_untouched(flow, msg);
	u32 pairs = sipalg_sections_pairs(msg);
	unsigned int i;

	plan->described = true;
	plan->describes = false;
	if (translated_before(flow, msg))
		return;
	plan->reason = fault_of(flow, msg, pairs);
	if (plan->reason == SIPALG_REASON_NO_CONNECTION_LINE &&
	    translates(flow->sn) &&
	    sipalg_setting(flow->sn, SIPALG_NO_CONNECTION_LINE) == SIPALG_DROP)
		plan->verdict = SIPALG_VERDICT_DROP;
	if (plan->reason)
		return;

	INIT_LIST_HEAD(&description->made);
	description->count = 0;
	description->has_new = false;
	description->pairs = pairs;
	description->refused = sipalg_sections_refused(msg);
	description->hold = sipalg_sections_hold(msg);
	for (i = 0; i < msg->media_count; i++) {
		sipalg_section_read(&next(description)->section, flow, msg, i,
				    ice_untouched);
		add_section(description, flow, msg, plan);
	}
	sipalg_sections_edit(flow, msg, ice_untouched, plan);
	plan->describes = true;
	plan->pinholes = true;
}

/* What the other side was told of it is what it would be told now. */
static bool keeps_face(const struct sipalg_media *media,
		       const struct sipalg_flow *flow)
{
	return !media->translated ||
	       (!sipalg_media_is_lost(media) &&
		sipalg_ip_equal(&media->public, &flow->src_public.ip));
}

static const struct sipalg_media *known_media(const struct sipalg_call *call,
					      const struct sipalg_flow *flow,
					      const struct sipalg_section *section)
{
	const struct sipalg_media *media;

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
static bool repeat_section(const struct sipalg_call *call,
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
		edit_ports(section, msg, media->public_port[SIPALG_RTP],
			   media->public_port[SIPALG_RTCP], media->family,
			   &media->public, plan);
	/* D8: elsewhere, or repeated, it tells of addresses, and opens nothing */
	return media || plan->retransmitted || !negotiates(msg);
}

void sipalg_description_repeat(const struct sipalg_call *call,
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
		if (!repeat_section(call, flow, msg, &section, plan) ||
		    (sipalg_section_rtcp(&rtcp, &sdp, &section, flow, msg) &&
		     !repeat_section(call, flow, msg, &rtcp, plan))) {
			plan->reason = SIPALG_REASON_NO_PORT_PAIR;
			return;
		}
	}
	sipalg_sections_edit(flow, msg, ice_untouched, plan);
}

/* -- acquire ------------------------------------------------------------------ */

/*
 * Test whether a section can use this media, which has its address. All sections
 * of a description with one address share it (H-17). Existing media must have
 * RTCP if it is wanted now: fax had none (H-30), a=rtcp may have changed.
 */
static bool suits(const struct sipalg_media *media,
		  const struct sipalg_section *section, unsigned int pair)
{
	if (media->described || section->ports == 1)
		return true;
	return media->ports > 1 &&
	       media->private_port[SIPALG_RTCP] ==
		       htons(sipalg_section_rtcp_port(section, pair));
}

/* That of the sender that names it. */
static bool is_of_sender(const struct sipalg_media *media,
			 const struct sipalg_plan *plan)
{
	return media->side == plan->side && media->fork == plan->fork;
}

static struct sipalg_media *find_in(const struct list_head *list,
				    const struct sipalg_flow *flow,
				    const struct sipalg_plan *plan,
				    const struct sipalg_section *section,
				    unsigned int pair)
{
	const __be16 port = htons(section->sdp->port + 2 * pair);
	struct sipalg_media *media;

	list_for_each_entry(media, list, list)
		if (is_of_sender(media, plan) &&
		    media->private_port[SIPALG_RTP] == port &&
		    media->l4proto == section->l4proto &&
		    media->translated == section->inside &&	/* the mode may change */
		    sipalg_ip_equal(&media->private, &section->host->addr) &&
		    keeps_face(media, flow) && suits(media, section, pair))
			return media;
	return NULL;
}

static struct sipalg_media *find_media(const struct sipalg_call *call,
				       const struct sipalg_flow *flow,
				       const struct sipalg_plan *plan,
				       const struct sipalg_section *section,
				       unsigned int pair)
{
	return find_in(&call->media, flow, plan, section, pair) ?:
	       find_in(&plan->description->made, flow, plan, section, pair);
}

/* The pairs of port/n are adjacent: this is number @pair. */
static void set_private(struct sipalg_media *media,
			const struct sipalg_section *section,
			unsigned int pair)
{
	const struct sdp_media *sdp = section->sdp;

	media->index = section->index;
	media->kind = sdp->kind;
	media->family = section->family;
	media->ports = section->ports;
	media->l4proto = section->l4proto;
	media->ice_untouched = section->ice_untouched;
	media->outside = section->outside;
	media->hairpin = section->hairpin;
	media->rtcp_alone = section->rtcp_alone;
	media->private = section->host->addr;
	media->private_port[SIPALG_RTP] = htons(sdp->port + 2 * pair);
	media->private_port[SIPALG_RTCP] =
		htons(sipalg_section_rtcp_port(section, pair));
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

static enum sipalg_message_reason
make_media(struct sipalg_media **made, struct sipalg_call *call,
	   const struct sipalg_flow *flow, const struct sipalg_plan *plan,
	   const struct sipalg_section *section, unsigned int pair,
	   const struct sipalg_media *before)
{
	struct sipalg_media *media = sipalg_media_alloc(call, &plan->description->made);
	enum sipalg_message_reason reason;

	if (!media)
		return SIPALG_REASON_NO_MEMORY;
	media->side = plan->side;
	media->fork = plan->fork;
	media->resumed = plan->up;
	media->opened_late = plan->up || !sipalg_call_both_speak(call, plan->side);
	set_private(media, section, pair);
	reason = set_public(media, flow, section, pair, before);
	if (reason) {
		sipalg_media_free(media);
		return reason;
	}
	*made = media;
	plan->description->has_new = true;
	return SIPALG_REASON_NONE;
}

/* Its ports may be lent; what they were is known until the message has left. */
static bool keep(struct sipalg_media *media)
{
	u8 state = READ_ONCE(media->port_state);

	if (!sipalg_media_keep(media))
		return false;
	media->lent = min_t(u8, state, SIPALG_PORT_OVER);
	return true;
}

/*
 * The media of one pair of a section: the one it had before, or a new one,
 * its public ports behind those of the pair @media.
 */
static enum sipalg_message_reason
acquire_pair(struct sipalg_media **media, struct sipalg_call *call,
	     const struct sipalg_flow *flow, const struct sipalg_plan *plan,
	     const struct sipalg_section *section, unsigned int pair)
{
	struct sipalg_media *found = find_media(call, flow, plan, section, pair);
	enum sipalg_message_reason reason = SIPALG_REASON_NONE;

	if (found && (found->described || keep(found)))
		*media = found;
	else
		reason = make_media(media, call, flow, plan, section, pair, *media);
	if (!reason)
		(*media)->described = true;
	return reason;
}

static void set_ports(const struct sipalg_media_intent *stream,
		      struct sipalg_plan *plan)
{
	struct sipalg_plan_port *port = &plan->ports[stream->ports];
	unsigned int i;

	for (i = 0; i < SIPALG_PORTS; i++)
		port[i].new = ntohs(stream->media->public_port[i]);
}

static enum sipalg_message_reason
acquire_stream(struct sipalg_media_intent *stream, struct sipalg_call *call,
	       const struct sipalg_flow *flow, struct sipalg_plan *plan)
{
	const struct sipalg_section *section = &stream->section;
	enum sipalg_message_reason reason;
	struct sipalg_media *media = NULL;
	unsigned int pair;

	stream->media = NULL;
	for (pair = 0; pair < section->pairs; pair++) {
		reason = acquire_pair(&media, call, flow, plan, section, pair);
		/* where nothing is edited the message is right as it is */
		if (reason)
			return section->ice_untouched ? SIPALG_REASON_NONE : reason;
		stream->media = stream->media ?: media;
	}
	if (stream->edited)
		set_ports(stream, plan);
	return SIPALG_REASON_NONE;
}

/* Returns the number of removed streams. */
static unsigned int forget_oldest(struct sipalg_call *call, u8 side, u16 fork)
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
		sipalg_media_free(media);
		gone++;
	}
	return gone;
}

/*
 * Make room for more streams of all forks: at most twice max-media-per-call, or a
 * few for each fork. The oldest unanswered ones are removed.
 */
static bool make_room(struct sipalg_call *call, u8 side, u16 fork, u32 count)
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

enum sipalg_message_reason
sipalg_description_acquire(struct sipalg_call *call,
			   const struct sipalg_flow *flow,
			   struct sipalg_plan *plan)
{
	struct sipalg_description *description = plan->description;
	enum sipalg_message_reason reason;
	struct sipalg_media *media;
	unsigned int i;

	if (!make_room(call, plan->side, plan->fork, description->pairs))
		return SIPALG_REASON_TOO_MANY_MEDIA;
	list_for_each_entry(media, &call->media, list) {
		media->described = false;
		media->lent = SIPALG_PORT_HELD;
	}
	for (i = 0; i < description->count; i++) {
		reason = acquire_stream(&description->stream[i], call, flow, plan);
		if (reason)
			return reason;
	}
	return SIPALG_REASON_NONE;
}

void sipalg_description_release(struct sipalg_call *call, struct sipalg_plan *plan)
{
	struct sipalg_media *media, *next;

	list_for_each_entry_safe(media, next, &plan->description->made, list)
		sipalg_media_free(media);
	list_for_each_entry(media, &call->media, list)
		if (media->lent != SIPALG_PORT_HELD) {
			sipalg_media_lend(media, media->lent);
			media->lent = SIPALG_PORT_HELD;
		}
	plan->description->has_new = false;
}

/* -- commit ------------------------------------------------------------------- */

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
	sipalg_media_seen(media, 0);
	media->mux_offered = section->sdp->rtcp_mux;
	media->held_offered = section->sdp->direction == SDP_INACTIVE;
	if (!media->active || !media->held_offered)
		media->held = media->held_offered;
}

static void offer_stream(const struct sipalg_media_intent *stream,
			 const struct sipalg_call *call,
			 const struct sipalg_flow *flow,
			 const struct sipalg_plan *plan)
{
	struct sipalg_media *media = stream->media;
	unsigned int pair;

	for (pair = 0; media && pair < stream->section.pairs; pair++) {
		if (pair)
			media = find_media(call, flow, plan, &stream->section, pair);
		if (media && media->described)
			offer(media, &stream->section);
	}
}

void sipalg_description_commit(struct sipalg_call *call,
			       const struct sipalg_flow *flow,
			       struct sipalg_plan *plan)
{
	struct sipalg_description *description = plan->description;
	struct sipalg_media *media, *next;
	unsigned int i;

	list_splice_tail_init(&description->made, &call->media);
	list_for_each_entry(media, &call->media, list) {
		media->lent = SIPALG_PORT_HELD;
		if (is_of_sender(media, plan))
			media->offered = false;
	}
	for (i = 0; i < description->count; i++)
		offer_stream(&description->stream[i], call, flow, plan);
	list_for_each_entry_safe(media, next, &call->media, list)
		if (is_of_sender(media, plan) && !media->offered && !media->active)
			sipalg_media_free(media);
	call->refused[plan->side] = description->refused;
	call->hold_offered[plan->side] = description->hold;
}
