/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one m= section of a description asks for: destination and kind of its
 * pinholes, and whether its address is translated.
 */
#ifndef SIPALG_SECTION_H
#define SIPALG_SECTION_H

#include "core/flow.h"
#include "sip/msg.h"

struct sipalg_plan;

/**
 * struct sipalg_section - evaluated m= section
 * @sdp: as it was parsed
 * @host: its c=, or NULL
 * @index: which m= line
 * @pairs: of ports: n of "port/n"
 * @ports: of a pair: 1, or 2 with RTCP
 * @l4proto: IPPROTO_UDP or IPPROTO_TCP
 * @family: AF_INET or AF_INET6 of @host: media may be of the other one than
 *	signalling
 * @wanted: it asks for pinholes
 * @inside: @host is an address of the sender's side, and is translated
 * @ice_untouched: it is left to ICE, and is not translated
 * @ice_rewrite: its candidates are translated as well
 * @outside: @host is on the receiver's side (S3-46), or in a network that is
 *	neither's (H-25): no pinhole leads there
 * @hairpin: @host is a phone on the receiver's side, which is told its private
 *	address (H-26)
 * @rtcp_alone: it is not the section but its RTCP, at a host of its own
 */
struct sipalg_section {
	const struct sdp_media *sdp;
	const struct sip_host *host;
	unsigned int index;
	u16 pairs;
	u8 ports;
	u8 family;
	u8 l4proto;
	bool wanted;
	bool inside;
	bool ice_untouched;
	bool ice_rewrite;
	bool outside;
	bool hairpin;
	bool rtcp_alone;
};

/**
 * sipalg_sections_ice_untouched() - find the sections that are left to ICE (H-15)
 * @flow: the message's flow
 * @msg: the message, with a session description
 *
 * Those with candidates, if `ice` says so, and those that share a c= with one of
 * them, since a shared c= cannot be changed for one section.
 *
 * Return: a bit for each m= line.
 */
u64 sipalg_sections_ice_untouched(const struct sipalg_flow *flow,
				  const struct sip_msg *msg);

/**
 * sipalg_section_read() - evaluate a section
 * @section: filled
 * @flow: the message's flow
 * @msg: the message
 * @index: which m= line
 * @ice_untouched: of sipalg_sections_ice_untouched()
 *
 * Caller holds rcu_read_lock.
 */
void sipalg_section_read(struct sipalg_section *section,
			 const struct sipalg_flow *flow,
			 const struct sip_msg *msg, unsigned int index,
			 u64 ice_untouched);

/**
 * sipalg_section_rtcp() - does a=rtcp name another host than c=
 * @rtcp: filled: what it asks for, as if it was a section of one port
 * @sdp: filled; @rtcp points to it
 * @section: the section that the line stands in
 * @flow: the message's flow
 * @msg: the message
 *
 * RFC 3605 2.1: a media server and a monitor may be two hosts. Caller holds
 * rcu_read_lock.
 *
 * Return: true if so, and if a pinhole is wanted there.
 */
bool sipalg_section_rtcp(struct sipalg_section *rtcp, struct sdp_media *sdp,
			 const struct sipalg_section *section,
			 const struct sipalg_flow *flow,
			 const struct sip_msg *msg);

/**
 * sipalg_sections_edit() - plan new addresses for o=, c= and a=rtcp
 * @flow: the message's flow
 * @msg: the message
 * @ice_untouched: of sipalg_sections_ice_untouched()
 * @plan: gets the edits
 *
 * Those that name the sender's side become the public address (H-9, H-10).
 * Caller holds rcu_read_lock.
 */
void sipalg_sections_edit(const struct sipalg_flow *flow,
			  const struct sip_msg *msg, u64 ice_untouched,
			  struct sipalg_plan *plan);

/* The RTCP port of a section, for its pair of ports number @pair (RFC 3605). */
static inline u16 sipalg_section_rtcp_port(const struct sipalg_section *section,
					   unsigned int pair)
{
	const struct sdp_media *sdp = section->sdp;

	return sdp->rtcp_port && !pair ? sdp->rtcp_port :
					 sdp->port + 2 * pair + 1;
}

/**
 * sipalg_section_edit() - plan new ports for m=, a=rtcp and candidates
 * @section: the section
 * @msg: the message
 * @rtp: of sipalg_plan_new_port()
 * @rtcp: the same
 * @ip: public address, for candidates that name the section's own; NULL: none
 * @family: AF_INET or AF_INET6 of @ip
 * @plan: gets the edits
 */
void sipalg_section_edit(const struct sipalg_section *section,
			 const struct sip_msg *msg, u16 rtp, u16 rtcp,
			 u8 family, const union nf_inet_addr *ip,
			 struct sipalg_plan *plan);

/**
 * sipalg_sections_pairs() - count the port pairs of a description
 * @msg: the message
 *
 * Return: the sum of all n of "port/n", saturated.
 */
u32 sipalg_sections_pairs(const struct sip_msg *msg);

/**
 * sipalg_sections_refused() - streams with port 0
 * @msg: the message, with a session description
 *
 * Return: a bit for each of its m= lines.
 */
u64 sipalg_sections_refused(const struct sip_msg *msg);

/**
 * sipalg_sections_hold() - test whether the sender puts the call on hold (S3-34)
 * @msg: the message, with a session description
 *
 * On hold means that no stream is received: inactive, sendonly or 0.0.0.0.
 *
 * Return: true if so.
 */
bool sipalg_sections_hold(const struct sip_msg *msg);

#endif
