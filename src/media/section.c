// SPDX-License-Identifier: GPL-2.0-only
/* Reads m= sections: RFC 4566, 3264, 3605, 4145, 8839. */
#include <linux/in.h>
#include "core/addr_scope.h"
#include "core/net.h"
#include "media/media.h"
#include "media/section.h"
#include "nat/nat64.h"
#include "nat/heard.h"
#include "sip/edit.h"

/*
 * The only place that decides which addresses are translated (H-14): that of a
 * sender behind NAT and, depending on media-source, that of another host on its
 * side of the router, since a PBX speaks for its phones and its media server
 * (S3-47, S3-48).
 */
static bool is_own(const struct sipalg_flow *flow, const struct sip_host *host)
{
	const struct sipalg_net *sn = flow->sn;

	if (sip_host_family(host) != flow->family ||
	    sipalg_setting(sn, SIPALG_MODE) != SIPALG_MODE_FULL ||
	    sipalg_ip_equal(&flow->src.ip, &flow->src_public.ip))
		return false;
	if (sipalg_ip_equal(&flow->src.ip, &host->addr))
		return true;
	return sipalg_setting(sn, SIPALG_MEDIA_SOURCE) ==
		       SIPALG_MEDIA_SOURCE_ANY &&
	       !sipalg_nat64_is_phone(flow) &&
	       sipalg_is_inside(flow, &host->addr);
}

static const struct sip_host *connection_of(const struct sip_msg *msg,
					    const struct sdp_media *sdp)
{
	return sdp->connection == SIP_NO_INDEX ? NULL :
						 &msg->hosts[sdp->connection];
}

/* fe80::/10 and fc00::/7: nobody else's network routes them. */
static bool is_site_ip6(const union nf_inet_addr *ip)
{
	const u8 *first = ip->in6.s6_addr;

	return (first[0] & 0xfe) == 0xfc ||
	       (first[0] == 0xfe && (first[1] & 0xc0) == 0x80);
}

/* A name that mDNS alone resolves hides a host's own address (RFC 8839 5.1). */
static bool is_mdns_name(const struct sip_msg *msg, const struct sip_host *host)
{
	static const char suffix[] = ".local";
	u32 len = sizeof(suffix) - 1;

	return host->host.len > len &&
	       !strncasecmp(sip_span_ptr(msg, host->host) + host->host.len - len,
			    suffix, len);
}

/* Is it of no use to anybody beyond the router? */
static bool is_inside_candidate(const struct sipalg_flow *flow,
				const struct sip_msg *msg,
				const struct sip_host *host)
{
	switch (sip_host_family(host)) {
	case AF_UNSPEC:
		return is_mdns_name(msg, host);
	case AF_INET6:
		return is_site_ip6(&host->addr) || is_own(flow, host);
	default:
		return is_own(flow, host);
	}
}

/*
 * D7: a phone with no other candidates than its own addresses inside, that
 * nowhere names its public one, uses no STUN. Left as it is it would be heard
 * by nobody without ICE; translated, ICE sees the mismatch and uses c= (RFC 8839
 * 3.2.5).
 */
static bool is_ice_inside_only(const struct sipalg_flow *flow,
			       const struct sip_msg *msg)
{
	unsigned int i;

	for (i = 0; i < msg->host_count; i++) {
		const struct sip_host *host = &msg->hosts[i];

		if (host->field == SIP_FIELD_SDP_CANDIDATE) {
			if (!is_inside_candidate(flow, msg, host))
				return false;
		} else if (host->field >= SIP_FIELD_SDP_ORIGIN &&
			   sipalg_ip_equal(&host->addr, &flow->src_public.ip)) {
			return false;
		}
	}
	return true;
}

u64 sipalg_sections_ice_untouched(const struct sipalg_flow *flow,
				  const struct sip_msg *msg)
{
	u64 ice_untouched = 0, shared = 0;
	u16 session = SIP_NO_INDEX;
	unsigned int i;

	BUILD_BUG_ON(SIP_MAX_MEDIA > 64);
	if (sipalg_setting(flow->sn, SIPALG_ICE) != SIPALG_ICE_LEAVE ||
	    is_ice_inside_only(flow, msg))
		return 0;
	for (i = 0; i < msg->media_count; i++) {
		const struct sdp_media *sdp = &msg->media[i];
		const struct sip_host *host = connection_of(msg, sdp);

		/* what crosses to IPv4 would else be of no use to anybody */
		if (!sdp->port || !host || host->written == SIP_HOST_IP6)
			continue;
		if (!host->value)
			shared |= BIT_ULL(i);
		if (!sdp->candidates)
			continue;
		ice_untouched |= BIT_ULL(i);
		if (!host->value)
			session = sdp->connection;
	}
	return session == SIP_NO_INDEX ? ice_untouched : ice_untouched | shared;
}

/* a=rtcp may name another host, whose port is not adjacent to this one's. */
static bool rtcp_is_here(const struct sip_msg *msg,
			 const struct sdp_media *sdp,
			 const struct sip_host *host)
{
	return sdp->rtcp_host == SIP_NO_INDEX ||
	       sipalg_ip_equal(&msg->hosts[sdp->rtcp_host].addr, &host->addr);
}

/* S3-7: a phone that connects actively needs no pinhole. */
static bool has_transport(const struct sdp_media *sdp)
{
	switch (sdp->transport) {
	case SDP_TRANSPORT_RTP:
	case SDP_TRANSPORT_UDP:
		return true;
	case SDP_TRANSPORT_TCP:
		return sdp->setup != SDP_SETUP_ACTIVE;
	default:
		return false;
	}
}

/* A phone behind a NAT64 opens nothing to others who are there, or inside. */
static bool is_neighbour_of_pool(const struct sipalg_flow *flow,
				 const union nf_inet_addr *ip)
{
	return sipalg_nat64_is_phone(flow) &&
	       sipalg_is_inside(flow, ip);
}

/* Of the other family than signalling: there is no NAT that we could follow. */
static bool is_wanted_other(const struct sipalg_flow *flow, u8 family,
			    const union nf_inet_addr *ip)
{
	return sipalg_setting(flow->sn, SIPALG_MEDIA_SOURCE) !=
		       SIPALG_MEDIA_SOURCE_SIGNALLING &&
	       !sipalg_nat64_is_phone(flow) &&
	       !sipalg_is_local(flow, family, ip) &&
	       sipalg_may_be_media(flow, family, ip);
}

/* S3-13, H-9, H-25: holes only for a unicast address. */
static bool is_wanted(const struct sipalg_section *section,
		      const struct sipalg_flow *flow)
{
	const struct sip_host *host = section->host;
	u32 last = section->sdp->port + 2 * (section->pairs - 1) +
		   section->ports - 1;

	if (section->sdp->port < SIPALG_LOWEST_PORT || last > U16_MAX ||
	    !host || !has_transport(section->sdp))
		return false;
	if (section->family == AF_UNSPEC ||
	    !sipalg_is_unicast(section->family, &host->addr))
		return false;
	if (section->family != flow->family)
		return is_wanted_other(flow, section->family, &host->addr);
	if (sipalg_ip_equal(&host->addr, &flow->src.ip))
		return true;
	/* only the router itself may have its own ports opened */
	return !is_neighbour_of_pool(flow, &host->addr) &&
	       !sipalg_is_local(flow, flow->family, &host->addr) &&
	       (!sipalg_flow_is_plain(flow) ||
		sipalg_may_be_named(flow, flow->family, &host->addr));
}

/*
 * Host candidate of an address learnt by STUN: the phone's own address, with the
 * port that NAT keeps if it can (H-15).
 */
static const struct sip_host *base_of(const struct sipalg_section *section,
				      const struct sipalg_flow *flow,
				      const struct sip_msg *msg)
{
	unsigned int i;

	if (!section->ice_untouched || !section->host ||
	    !sipalg_ip_equal(&section->host->addr, &flow->src_public.ip))
		return section->host;
	for (i = 0; i < msg->host_count; i++) {
		const struct sip_host *host = &msg->hosts[i];

		if (host->field == SIP_FIELD_SDP_CANDIDATE &&
		    host->value == section->index + 1 &&
		    host->port == section->sdp->port &&
		    sipalg_ip_equal(&host->addr, &flow->src.ip))
			return host;
	}
	return section->host;
}

/* S3-46: whose side the address is on decides what is opened and translated. */
static void find_scope(struct sipalg_section *section,
		       const struct sipalg_flow *flow)
{
	section->family = section->host ? sip_host_family(section->host) :
					  AF_UNSPEC;
	section->wanted = is_wanted(section, flow);
	section->inside = section->wanted && is_own(flow, section->host);
	section->outside = section->wanted && !section->inside &&
			  section->family == flow->family &&
			  sipalg_is_outside(flow, &section->host->addr);
	section->hairpin = false;
}

void sipalg_section_read(struct sipalg_section *section,
			 const struct sipalg_flow *flow,
			 const struct sip_msg *msg, unsigned int index,
			 u64 ice_untouched)
{
	const struct sdp_media *sdp = &msg->media[index];
	const struct sip_host *named = connection_of(msg, sdp);

	section->sdp = sdp;
	section->index = index;
	section->ice_untouched = ice_untouched & BIT_ULL(index);
	section->ice_rewrite = sipalg_setting(flow->sn, SIPALG_ICE) !=
			       SIPALG_ICE_LEAVE;
	section->host = named;
	section->host = base_of(section, flow, msg);
	section->pairs = sdp->port_count;
	section->l4proto = sdp->transport == SDP_TRANSPORT_TCP ? IPPROTO_TCP :
								 IPPROTO_UDP;
	section->ports = SIPALG_PORTS;
	section->rtcp_alone = false;
	if (sdp->transport != SDP_TRANSPORT_RTP || sdp->port == U16_MAX ||
	    (sdp->rtcp_port && sdp->rtcp_port < SIPALG_LOWEST_PORT) ||
	    (named && !rtcp_is_here(msg, sdp, named)))
		section->ports = 1;
	find_scope(section, flow);
}

bool sipalg_section_rtcp(struct sipalg_section *rtcp, struct sdp_media *sdp,
			 const struct sipalg_section *section,
			 const struct sipalg_flow *flow,
			 const struct sip_msg *msg)
{
	const struct sdp_media *of = section->sdp;

	if (!section->host || section->ice_untouched || !of->port ||
	    of->transport != SDP_TRANSPORT_RTP ||
	    rtcp_is_here(msg, of, connection_of(msg, of)))
		return false;
	*sdp = *of;
	sdp->digits = of->rtcp_digits;
	sdp->port = of->rtcp_port;
	sdp->port_count = 1;
	sdp->connection = of->rtcp_host;
	sdp->rtcp_digits = (struct sip_span){};
	sdp->rtcp_port = 0;
	sdp->rtcp_host = SIP_NO_INDEX;
	sdp->candidates = 0;

	*rtcp = *section;
	rtcp->sdp = sdp;
	rtcp->host = &msg->hosts[of->rtcp_host];
	rtcp->pairs = 1;
	rtcp->ports = 1;
	rtcp->rtcp_alone = true;
	find_scope(rtcp, flow);
	return rtcp->wanted;
}

static bool is_ice_untouched(const struct sip_msg *msg, const struct sip_host *host,
			     u64 ice_untouched)
{
	unsigned int i;

	if (host->value)
		return ice_untouched & BIT_ULL(host->value - 1);
	for (i = 0; i < msg->media_count; i++)
		if (ice_untouched & BIT_ULL(i) &&
		    connection_of(msg, &msg->media[i]) == host)
			return true;
	return false;
}

static bool all_ice_untouched(const struct sip_msg *msg, u64 ice_untouched)
{
	unsigned int i;

	for (i = 0; i < msg->media_count; i++)
		if (msg->media[i].port && !(ice_untouched & BIT_ULL(i)))
			return false;
	return ice_untouched;
}

/* Test whether a host's address changes with its section's. */
static bool is_edited(const struct sip_msg *msg, const struct sip_host *host,
		      u64 ice_untouched)
{
	switch (host->field) {
	case SIP_FIELD_SDP_ORIGIN:
		return true;
	case SIP_FIELD_SDP_CONNECTION:
	case SIP_FIELD_SDP_RTCP:
		return !is_ice_untouched(msg, host, ice_untouched);
	default:
		return false;
	}
}

void sipalg_sections_edit(const struct sipalg_flow *flow,
			  const struct sip_msg *msg, u64 ice_untouched,
			  struct sipalg_plan *plan)
{
	unsigned int i;

	if (all_ice_untouched(msg, ice_untouched))
		return;
	for (i = 0; i < msg->host_count; i++) {
		const struct sip_host *host = &msg->hosts[i];

		if (is_edited(msg, host, ice_untouched) && is_own(flow, host))
			sipalg_plan_host(plan, host, flow->family,
					 &flow->src_public.ip, 0);
	}
}

/* Candidates of a section that is rewritten (H-15). */
static void edit_candidates(const struct sipalg_section *section,
			    const struct sip_msg *msg, u16 rtp, u16 rtcp,
			    u8 family, const union nf_inet_addr *ip,
			    struct sipalg_plan *plan)
{
	u16 own_rtcp = sipalg_section_rtcp_port(section, 0);
	unsigned int i;

	for (i = 0; i < msg->host_count; i++) {
		const struct sip_host *host = &msg->hosts[i];
		bool is_rtp = host->port == section->sdp->port;

		if (host->field != SIP_FIELD_SDP_CANDIDATE ||
		    host->value != section->index + 1 ||
		    !sipalg_ip_equal(&host->addr, &section->host->addr) ||
		    (!is_rtp && (host->port != own_rtcp || section->ports < 2)))
			continue;
		sipalg_plan_host(plan, host, family, ip, host->port);
		sipalg_plan_port(plan, host->digits, is_rtp ? rtp : rtcp);
	}
}

void sipalg_section_edit(const struct sipalg_section *section,
			 const struct sip_msg *msg, u16 rtp, u16 rtcp,
			 u8 family, const union nf_inet_addr *ip,
			 struct sipalg_plan *plan)
{
	const struct sdp_media *sdp = section->sdp;

	sipalg_plan_port(plan, sdp->digits, rtp);
	if (section->ports > 1 && sdp->rtcp_digits.len)
		sipalg_plan_port(plan, sdp->rtcp_digits, rtcp);
	if (ip && sdp->candidates && section->ice_rewrite)
		edit_candidates(section, msg, rtp, rtcp, family, ip, plan);
}

u32 sipalg_sections_pairs(const struct sip_msg *msg)
{
	u32 pairs = 0;
	unsigned int i;

	for (i = 0; i < msg->media_count; i++)
		pairs += msg->media[i].port ? msg->media[i].port_count : 1;
	return pairs;
}

u64 sipalg_sections_refused(const struct sip_msg *msg)
{
	u64 refused = 0;
	unsigned int i;

	for (i = 0; i < msg->media_count; i++)
		if (!msg->media[i].port)
			refused |= BIT_ULL(i);
	return refused;
}

static bool receives(const struct sip_msg *msg, const struct sdp_media *sdp)
{
	static const union nf_inet_addr nowhere;
	const struct sip_host *host = connection_of(msg, sdp);

	if (!(sdp->direction & SDP_RECVONLY))
		return false;
	return !host || sip_host_family(host) == AF_UNSPEC ||
	       !sipalg_ip_equal(&host->addr, &nowhere);
}

bool sipalg_sections_hold(const struct sip_msg *msg)
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
