// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole state of a call, for a router that continues it in place of this one.
 * doc/dev/restore.md explains each attribute.
 */
#include "call/call.h"
#include "media/media.h"
#include "nat/sig_expect.h"
#include "netlink/family.h"
#include "netlink/gen.h"
#include "sip/names.h"

static const char * const sides[] = {
	[SIPALG_CALLER] = "caller",
	[SIPALG_CALLEE] = "callee",
};

static const char *protocol_word(u8 l4proto)
{
	return l4proto == IPPROTO_TCP ? "tcp" : "udp";
}

static int put_ip(struct sk_buff *skb, int attr, u8 family,
		  const union nf_inet_addr *ip)
{
	static const union nf_inet_addr none;

	if (sipalg_ip_equal(ip, &none))
		return 0;
	return nla_put(skb, attr, family == AF_INET ? sizeof(ip->ip) :
						      sizeof(ip->in6), ip);
}

static int put_flag(struct sk_buff *skb, int attr, bool set)
{
	return set ? nla_put_flag(skb, attr) : 0;
}

static int put_state(struct sk_buff *skb, const struct sipalg_call *call)
{
	static const char *const words[] = {
		[SIPALG_CALL_EARLY] = "early",
		[SIPALG_CALL_CONFIRMED] = "confirmed",
		[SIPALG_CALL_CANCELLING] = "cancelling",
		[SIPALG_CALL_FAILED] = "failed",
		[SIPALG_CALL_BYE_SENT] = "bye_sent",
		[SIPALG_CALL_ABANDONED] = "abandoned",
	};
	bool ending = call->state > SIPALG_CALL_CONFIRMED;

	if (nla_put_string(skb, SIPALG_A_STATE_DUMP_STATE, words[call->state]) ||
	    (ending && nla_put_string(skb, SIPALG_A_STATE_DUMP_REASON,
				      sipalg_end_name(call->reason))) ||
	    (call->answered &&
	     nla_put_u32(skb, SIPALG_A_STATE_DUMP_ANSWERED,
			 sipalg_since(call->answered) / HZ)) ||
	    nla_put_u32(skb, SIPALG_A_STATE_DUMP_INVITE_EXPIRES, call->expires))
		return -EMSGSIZE;
	if (call->bye_fork &&
	    (nla_put_u32(skb, SIPALG_A_STATE_DUMP_BYE_CSEQ, call->bye_cseq) ||
	     nla_put_string(skb, SIPALG_A_STATE_DUMP_BYE_SIDE,
			    sides[call->bye_side]) ||
	     nla_put_u32(skb, SIPALG_A_STATE_DUMP_BYE_FORK, call->bye_fork)))
		return -EMSGSIZE;
	return 0;
}

static int put_party(struct sk_buff *skb, const struct sipalg_call *call,
		     enum sipalg_side side)
{
	struct nlattr *nest = nla_nest_start(skb, SIPALG_A_STATE_DUMP_PARTY);

	if (!nest || nla_put_string(skb, SIPALG_A_PARTY_SIDE, sides[side]) ||
	    sipalg_netlink_endpoint(skb, SIPALG_A_PARTY_ADDRESS, call->family,
				    &call->party[side].ip,
				    call->party[side].port) ||
	    sipalg_netlink_endpoint(skb, SIPALG_A_PARTY_PUBLIC, call->family,
				    &call->public[side].ip,
				    call->public[side].port) ||
	    put_ip(skb, SIPALG_A_PARTY_CONTACT, call->family,
		   &call->contact[side]) ||
	    nla_put_u32(skb, SIPALG_A_PARTY_INVITE_CSEQ,
			call->invite_cseq[side]) ||
	    put_flag(skb, SIPALG_A_PARTY_SPOKE, call->spoke & BIT(side)) ||
	    put_flag(skb, SIPALG_A_PARTY_HELD, call->hold[side]) ||
	    put_flag(skb, SIPALG_A_PARTY_HELD_OFFERED,
		     call->hold_offered[side]) ||
	    put_flag(skb, SIPALG_A_PARTY_HAS_SDP_OFFER,
		     call->sdp_transaction[side].waiting))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_dialog(struct sk_buff *skb, const struct sipalg_dialog *dialog)
{
	struct nlattr *nest = nla_nest_start(skb, SIPALG_A_STATE_DUMP_DIALOG);

	if (!nest || nla_put_u32(skb, SIPALG_A_DIALOG_FORK, dialog->fork) ||
	    nla_put(skb, SIPALG_A_DIALOG_TAG, dialog->tag_len, dialog->tag) ||
	    put_flag(skb, SIPALG_A_DIALOG_CONFIRMED, dialog->confirmed) ||
	    put_flag(skb, SIPALG_A_DIALOG_ENDED, dialog->ended) ||
	    nla_put_u32(skb, SIPALG_A_DIALOG_CALLER_ANSWERED,
			dialog->answered[SIPALG_CALLER]) ||
	    nla_put_u32(skb, SIPALG_A_DIALOG_CALLEE_ANSWERED,
			dialog->answered[SIPALG_CALLEE]))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_timers(struct sk_buff *skb, const struct sipalg_call *call)
{
#define TIMER(id, name, teardown, help)				\
	[SIPALG_TIMER_##id] = name,
	static const char *const names[SIPALG_TIMER_MAX] = {
#include "core/timers.def"
	};
	unsigned int i;

	for (i = 0; i < SIPALG_TIMER_MAX; i++) {
		long left = sipalg_call_left(call, i);
		struct nlattr *nest;

		if (!(call->deadlines & 1u << i))
			continue;
		nest = nla_nest_start(skb, SIPALG_A_STATE_DUMP_TIMER);
		if (!nest ||
		    nla_put_string(skb, SIPALG_A_TIMER_NAME, names[i]) ||
		    nla_put_u32(skb, SIPALG_A_TIMER_REMAINING,
				jiffies_to_msecs(max(left, 0l))))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

static u32 rtcp(const struct sipalg_media *media, const __be16 *port)
{
	return media->ports > 1 ? ntohs(port[SIPALG_RTCP]) : 0;
}

static int put_section_flags(struct sk_buff *skb,
			     const struct sipalg_media *media)
{
	if (put_flag(skb, SIPALG_A_SECTION_TRANSLATED, media->translated) ||
	    put_flag(skb, SIPALG_A_SECTION_OFFERED, media->offered) ||
	    put_flag(skb, SIPALG_A_SECTION_ACTIVE, media->active) ||
	    put_flag(skb, SIPALG_A_SECTION_HELD, media->held) ||
	    put_flag(skb, SIPALG_A_SECTION_HELD_OFFERED, media->held_offered) ||
	    put_flag(skb, SIPALG_A_SECTION_IDLE, media->idle) ||
	    put_flag(skb, SIPALG_A_SECTION_ICE_UNTOUCHED, media->ice_untouched) ||
	    put_flag(skb, SIPALG_A_SECTION_OUTSIDE, media->outside) ||
	    put_flag(skb, SIPALG_A_SECTION_HAIRPIN, media->hairpin))
		return -EMSGSIZE;
	return 0;
}

static int put_section(struct sk_buff *skb, const struct sipalg_media *media)
{
	struct nlattr *nest = nla_nest_start(skb, SIPALG_A_STATE_DUMP_SECTION);

	if (!nest || nla_put_u32(skb, SIPALG_A_SECTION_INDEX, media->index) ||
	    nla_put_string(skb, SIPALG_A_SECTION_SIDE, sides[media->side]) ||
	    nla_put_u32(skb, SIPALG_A_SECTION_FORK, media->fork) ||
	    nla_put_string(skb, SIPALG_A_SECTION_KIND,
			   sipalg_netlink_media_kind(media)) ||
	    nla_put_string(skb, SIPALG_A_SECTION_PROTOCOL,
			   protocol_word(media->l4proto)) ||
	    sipalg_netlink_endpoint(skb, SIPALG_A_SECTION_PRIVATE,
				    media->family, &media->private,
				    media->private_port[SIPALG_RTP]) ||
	    nla_put_u32(skb, SIPALG_A_SECTION_PRIVATE_RTCP,
			rtcp(media, media->private_port)) ||
	    sipalg_netlink_endpoint(skb, SIPALG_A_SECTION_PUBLIC,
				    media->family, &media->public,
				    media->public_port[SIPALG_RTP]) ||
	    nla_put_u32(skb, SIPALG_A_SECTION_PUBLIC_RTCP,
			rtcp(media, media->public_port)) ||
	    nla_put_u32(skb, SIPALG_A_SECTION_SEEN,
			sipalg_since(media->seen) / HZ) ||
	    put_section_flags(skb, media))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_sig_pinhole(struct sk_buff *skb, u8 family,
			   const struct sipalg_sig_pinhole *pinhole)
{
	struct nlattr *nest = nla_nest_start(skb, SIPALG_A_STATE_DUMP_SIG_PINHOLE);

	if (!nest || nla_put_string(skb, SIPALG_A_SIG_PINHOLE_SIDE, sides[pinhole->side]) ||
	    nla_put_u32(skb, SIPALG_A_SIG_PINHOLE_FORK, pinhole->fork) ||
	    nla_put_string(skb, SIPALG_A_SIG_PINHOLE_FIELD, sip_field_name(pinhole->field)) ||
	    nla_put_string(skb, SIPALG_A_SIG_PINHOLE_PROTOCOL,
			   protocol_word(pinhole->l4proto)) ||
	    sipalg_netlink_endpoint(skb, SIPALG_A_SIG_PINHOLE_DESTINATION, family,
				    &pinhole->dst.ip, pinhole->dst.port) ||
	    sipalg_netlink_endpoint(skb, SIPALG_A_SIG_PINHOLE_REAL, family,
				    &pinhole->real.ip, pinhole->real.port) ||
	    put_flag(skb, SIPALG_A_SIG_PINHOLE_INSIDE, pinhole->inside))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_lists(struct sk_buff *skb, const struct sipalg_call *call)
{
	const struct sipalg_dialog *dialog;
	const struct sipalg_media *media;
	const struct sipalg_sig_pinhole *pinhole;
	unsigned int i;

	list_for_each_entry(dialog, &call->dialogs, list)
		if (put_dialog(skb, dialog))
			return -EMSGSIZE;
	list_for_each_entry(media, &call->media, list)
		if (put_section(skb, media))
			return -EMSGSIZE;
	for (i = 0; (pinhole = sipalg_sig_pinhole_nth(call, i)); i++)
		if (put_sig_pinhole(skb, call->family, pinhole))
			return -EMSGSIZE;
	return 0;
}

int sipalg_netlink_state_dump(struct sk_buff *skb, const struct sipalg_call *call)
{
	struct nlattr *nest = nla_nest_start(skb, SIPALG_A_STATE_DUMP);

	if (!nest ||
	    nla_put_string(skb, SIPALG_A_STATE_DUMP_PROTOCOL,
			   protocol_word(call->l4proto)) ||
	    put_ip(skb, SIPALG_A_STATE_DUMP_INSIDE, call->family,
		   &call->key.inside) ||
	    put_state(skb, call) || put_party(skb, call, SIPALG_CALLER) ||
	    put_party(skb, call, SIPALG_CALLEE) || put_timers(skb, call) ||
	    put_lists(skb, call))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}
