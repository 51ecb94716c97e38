// SPDX-License-Identifier: GPL-2.0-only
/* Session descriptions become media. What becomes of that is media_pinhole.c. */
#include <linux/slab.h>
#include <net/ipv6.h>
#include "call.h"
#include "media.h"
#include "media_pinhole.h"
#include "net.h"
#include "pinhole.h"
#include "port.h"
#include "where.h"

#define LOWEST_MEDIA_PORT	1024	/* H-25 */

static struct sipalg_media *find_media(const struct sipalg_call *call,
				       enum sipalg_side side, u16 fork,
				       const union nf_inet_addr *ip,
				       __be16 port)
{
	struct sipalg_media *media;

	list_for_each_entry(media, &call->media, list)
		if (media->side == side && media->fork == fork &&
		    media->private_port[SIPALG_RTP] == port &&
		    sipalg_ip_equal(&media->private, ip))
			return media;
	return NULL;
}

void sipalg_media_suspend(struct sipalg_media *media)
{
	sipalg_media_release(media, true);
	media->idle = true;
}

static void media_free(struct sipalg_media *media)
{
	struct sipalg_net *sn = media->call->sn;

	sipalg_media_release(media, true);
	if (media->translated)
		sipalg_port_release(sn, media);
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
	struct sipalg_media *other;

	list_for_each_entry(other, &media->call->media, list)
		if (other->side != media->side && other->index == media->index)
			return other;
	return NULL;
}

/* What one m= section asks for, worked out before anything is made. */
struct section {
	const struct sdp_media *sdp;
	const struct sip_host *host;	/* its c=, or NULL */
	unsigned int index;
	u8 ports;
};

static u8 host_family(const struct sip_host *host)
{
	switch (host->form) {
	case SIP_HOST_IP4:
		return AF_INET;
	case SIP_HOST_IP6:
		return AF_INET6;
	default:
		return AF_UNSPEC;
	}
}

/* S3-13, H-9, H-25: holes only for a unicast address of the flow's family. */
static bool section_wants_media(const struct section *section,
				const struct sipalg_flow *flow)
{
	const struct sdp_media *sdp = section->sdp;

	if (sdp->port < LOWEST_MEDIA_PORT || !section->host)
		return false;
	if (sdp->transport != SDP_TRANSPORT_RTP &&
	    sdp->transport != SDP_TRANSPORT_UDP)
		return false;
	if (host_family(section->host) != flow->family ||
	    !sipalg_is_unicast(flow->family, &section->host->addr))
		return false;
	/* only the router itself may have its own ports opened */
	return sipalg_ip_equal(&section->host->addr, &flow->src.ip) ||
	       !sipalg_is_router(flow->sn->net, flow->family,
				 &section->host->addr);
}

static void section_init(struct section *section, const struct sip_msg *msg,
			 unsigned int index)
{
	const struct sdp_media *sdp = &msg->media[index];

	section->sdp = sdp;
	section->index = index;
	section->host = sdp->connection == SIP_NO_INDEX ?
			NULL : &msg->hosts[sdp->connection];
	section->ports = SIPALG_PORTS;
	if (sdp->transport != SDP_TRANSPORT_RTP || sdp->port == U16_MAX)
		section->ports = 1;
}

/* The one place that says which addresses are ours to translate (H-14). */
static bool is_own(const struct sipalg_flow *flow, const union nf_inet_addr *ip)
{
	return sipalg_setting(flow->sn, SIPALG_MODE) == SIPALG_MODE_FULL &&
	       !sipalg_ip_equal(&flow->src.ip, &flow->src_seen.ip) &&
	       sipalg_ip_equal(&flow->src.ip, ip);
}

static bool left_to_ice(const struct sipalg_flow *flow,
			const struct sdp_media *sdp)
{
	return sdp->candidates &&
	       sipalg_setting(flow->sn, SIPALG_ICE) == SIPALG_ICE_LEAVE;
}

static void set_private(struct sipalg_media *media,
			const struct section *section)
{
	const struct sdp_media *sdp = section->sdp;

	media->index = section->index;
	media->kind = sdp->kind;
	media->ports = section->ports;
	media->private = section->host->addr;
	media->private_port[SIPALG_RTP] = htons(sdp->port);
	media->private_port[SIPALG_RTCP] =
		htons(sdp->rtcp_port ?: sdp->port + 1);
}

static enum sipalg_message_reason set_public(struct sipalg_media *media,
					     const struct sipalg_flow *flow)
{
	if (!is_own(flow, &media->private)) {
		media->public = media->private;
		memcpy(media->public_port, media->private_port,
		       sizeof(media->public_port));
		return SIPALG_REASON_NONE;
	}

	media->public = flow->src_seen.ip;
	if (!sipalg_port_reserve(flow, media))
		return SIPALG_REASON_NO_PORT_PAIR;
	media->translated = true;
	return SIPALG_REASON_NONE;
}

/* The media of a section: the one it had before, or a new one. */
static struct sipalg_media *
section_media(struct sipalg_call *call, enum sipalg_side side, u16 fork,
	      const struct sipalg_flow *flow, const struct section *section,
	      struct sipalg_plan *plan)
{
	struct sipalg_media *media;

	media = find_media(call, side, fork, &section->host->addr,
			   htons(section->sdp->port));
	if (media)
		return media;

	media = media_alloc(call);
	if (!media) {
		plan->reason = SIPALG_REASON_NO_MEMORY;
		return NULL;
	}
	media->side = side;
	media->fork = fork;
	media->family = flow->family;
	set_private(media, section);
	plan->reason = set_public(media, flow);
	if (plan->reason) {
		media_free(media);
		return NULL;
	}
	return media;
}

static void edit_ports(struct sipalg_plan *plan, const struct sdp_media *sdp,
		       __be16 rtp, __be16 rtcp)
{
	if (ntohs(rtp) != sdp->port)
		sipalg_plan_number(plan, sdp->digits, ntohs(rtp));
	if (sdp->rtcp_digits.len && ntohs(rtcp) != sdp->rtcp_port)
		sipalg_plan_number(plan, sdp->rtcp_digits, ntohs(rtcp));
}

/*
 * The peer's description names a public port of ours: the peer is another
 * phone behind this router (H-26). It gets the phone's own address, so that
 * media takes the short way and needs no turn at the router.
 */
static bool turn_round(const struct sipalg_flow *flow,
		       const struct section *section, struct sipalg_plan *plan)
{
	struct sipalg_addr private[SIPALG_PORTS], addr;

	if (!section->host || sipalg_flow_from_inside(flow) ||
	    !sipalg_ip_equal(&flow->dst.ip, &section->host->addr) ||
	    sipalg_ip_equal(&flow->dst.ip, &flow->dst_real.ip) ||
	    sipalg_setting(flow->sn, SIPALG_MODE) != SIPALG_MODE_FULL)
		return false;
	addr.ip = section->host->addr;
	addr.port = htons(section->sdp->port);
	if (!sipalg_port_owner(flow->sn, &addr, private))
		return false;

	sipalg_plan_host(plan, section->host, flow->family,
			 &private[SIPALG_RTP].ip, 0);
	edit_ports(plan, section->sdp, private[SIPALG_RTP].port,
		   private[SIPALG_RTCP].port);
	return true;
}

/* Return false: the message must not go on as planned. */
static bool describe_section(struct sipalg_call *call, enum sipalg_side side,
			     u16 fork, const struct sipalg_flow *flow,
			     const struct section *section,
			     struct sipalg_plan *plan)
{
	struct sipalg_media *media;

	if (turn_round(flow, section, plan) ||
	    !section_wants_media(section, flow))
		return true;
	if (is_own(flow, &section->host->addr) &&
	    left_to_ice(flow, section->sdp))
		return true;

	media = section_media(call, side, fork, flow, section, plan);
	if (!media)
		return false;
	media->offered = true;
	media->idle = false;
	media->seen = jiffies;
	media->held_offered = section->sdp->direction == SDP_INACTIVE &&
		!sipalg_setting(call->sn, SIPALG_RETAIN_HOLD_RESOURCE);
	if (!media->active || !media->held_offered)
		media->held = media->held_offered;
	if (media->translated)
		edit_ports(plan, section->sdp, media->public_port[SIPALG_RTP],
			   media->public_port[SIPALG_RTCP]);
	return true;
}

static bool all_left_to_ice(const struct sipalg_flow *flow,
			    const struct sip_msg *msg)
{
	unsigned int i, left = 0;

	for (i = 0; i < msg->media_count; i++) {
		if (!msg->media[i].port)
			continue;
		if (!left_to_ice(flow, &msg->media[i]))
			return false;
		left++;
	}
	return left;
}

/* o=, c= and a=rtcp that name the sender itself (H-9, H-10). */
static void edit_addresses(const struct sipalg_flow *flow,
			   const struct sip_msg *msg, struct sipalg_plan *plan)
{
	unsigned int i;

	if (all_left_to_ice(flow, msg))
		return;
	for (i = 0; i < msg->host_count; i++) {
		const struct sip_host *host = &msg->hosts[i];

		if (host->place != SIP_AT_SDP_ORIGIN &&
		    host->place != SIP_AT_SDP_CONNECTION &&
		    host->place != SIP_AT_SDP_RTCP)
			continue;
		if (host_family(host) == flow->family &&
		    is_own(flow, &host->addr))
			sipalg_plan_host(plan, host, flow->family,
					 &flow->src_seen.ip, 0);
	}
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

static bool receives(const struct sip_msg *msg, const struct sdp_media *sdp)
{
	static const union nf_inet_addr nowhere;
	const struct sip_host *host;

	if (!(sdp->direction & SDP_RECVONLY))
		return false;
	if (sdp->connection == SIP_NO_INDEX)
		return true;
	host = &msg->hosts[sdp->connection];
	return host_family(host) == AF_UNSPEC ||
	       !sipalg_ip_equal(&host->addr, &nowhere);
}

/* S3-34: who holds does not listen, in no stream. */
static bool is_hold(const struct sip_msg *msg)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < msg->media_count; i++) {
		if (!msg->media[i].port)
			continue;
		if (receives(msg, &msg->media[i]))
			return false;
		any = true;
	}
	return any;
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
 * A packet may come by twice: on its way through a bridge behind the router
 * its description already shows our public ports (KERNEL.md 2.1).
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
		if (sipalg_ip_equal(&addr.ip, &flow->src_seen.ip) &&
		    sipalg_port_owner(flow->sn, &addr, private))
			return true;
	}
	return false;
}

void sipalg_media_describe(struct sipalg_call *call, enum sipalg_side side,
			   u16 fork, const struct sipalg_flow *flow,
			   const struct sip_msg *msg, struct sipalg_plan *plan)
{
	struct sipalg_media *media;
	unsigned int i;

	plan->described = true;
	if (translated_before(flow, msg))
		return;
	if (lacks_connection(msg)) {
		plan->reason = SIPALG_REASON_NO_CONNECTION_LINE;
		if (sipalg_setting(call->sn, SIPALG_NO_CONNECTION_LINE) ==
		    SIPALG_DROP)
			plan->verdict = SIPALG_VERDICT_DROP;
		return;
	}
	if (msg->media_count >
	    sipalg_setting(call->sn, SIPALG_MAX_MEDIA_PER_CALL)) {
		plan->reason = SIPALG_REASON_TOO_MANY_MEDIA;
		return;
	}

	list_for_each_entry(media, &call->media, list)
		if (media->side == side && media->fork == fork)
			media->offered = false;

	for (i = 0; i < msg->media_count; i++) {
		struct section section;

		section_init(&section, msg, i);
		if (!describe_section(call, side, fork, flow, &section, plan)) {
			plan->verdict = SIPALG_VERDICT_DROP;
			break;
		}
	}
	edit_addresses(flow, msg, plan);

	forget_unanswered(call, side, fork);
	call->described[side] = true;
	call->hold_offered[side] = is_hold(msg);
	plan->pinholes = true;
}

static struct sipalg_media *known_media(const struct sipalg_call *call,
					const struct section *section)
{
	struct sipalg_media *media;

	if (!call)
		return NULL;
	list_for_each_entry(media, &call->media, list)
		if (media->translated &&
		    media->private_port[SIPALG_RTP] == htons(section->sdp->port) &&
		    sipalg_ip_equal(&media->private, &section->host->addr))
			return media;
	return NULL;
}

void sipalg_media_repeat(struct sipalg_call *call,
			 const struct sipalg_flow *flow,
			 const struct sip_msg *msg, struct sipalg_plan *plan)
{
	unsigned int i;

	for (i = 0; i < msg->media_count; i++) {
		struct sipalg_media *media;
		struct section section;

		section_init(&section, msg, i);
		if (turn_round(flow, &section, plan) ||
		    !section_wants_media(&section, flow) ||
		    !is_own(flow, &section.host->addr) ||
		    left_to_ice(flow, section.sdp))
			continue;
		media = known_media(call, &section);
		if (!media) {
			plan->reason = SIPALG_REASON_NO_PORT_PAIR;
			return;
		}
		edit_ports(plan, section.sdp, media->public_port[SIPALG_RTP],
			   media->public_port[SIPALG_RTCP]);
	}
	edit_addresses(flow, msg, plan);
}

void sipalg_media_commit(struct sipalg_call *call, u16 fork)
{
	struct sipalg_media *media, *next;
	unsigned int side;

	list_for_each_entry_safe(media, next, &call->media, list) {
		if (!call->described[media->side] ||
		    (media->fork && media->fork != fork))
			continue;
		media->active = media->offered;
		media->held = media->held_offered;
		if (!media->active)
			media_free(media);
	}
	for (side = 0; side < 2; side++) {
		if (call->described[side])
			call->hold[side] = call->hold_offered[side];
		call->described[side] = false;
	}
}

void sipalg_media_rollback(struct sipalg_call *call)
{
	struct sipalg_media *media, *next;

	list_for_each_entry_safe(media, next, &call->media, list) {
		media->offered = media->active;
		if (!media->active)
			media_free(media);
	}
	call->described[SIPALG_CALLER] = false;
	call->described[SIPALG_CALLEE] = false;
}

void sipalg_media_forget(struct sipalg_call *call, u16 fork)
{
	struct sipalg_media *media, *next;

	list_for_each_entry_safe(media, next, &call->media, list)
		if (fork && media->fork == fork)
			media_free(media);
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
