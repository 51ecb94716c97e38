// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decides on one message: policy, call, headers, registration. The order matters:
 * a message whose media cannot be followed is not translated at all, so that no
 * message leaves half translated.
 */
#include "call/call.h"
#include "call/lru.h"
#include "call/message.h"
#include "call/screen.h"
#include "core/ct_data.h"
#include "core/event.h"
#include "core/net.h"
#include "core/ratelimit.h"
#include "media/media.h"
#include "nat/header_nat.h"
#include "nat/heard.h"
#include "nat/mapping.h"
#include "nat/nat64.h"
#include "nat/outer.h"
#include "nat/registration.h"
#include "nat/sig_expect.h"
#include "packet/decide.h"
#include "sip/names.h"

#define REGISTER_EXPIRES_DEFAULT	3600
#define HEARD_FOR			(3600UL * HZ)
#define SUBSCRIBE_EXPIRES_MAX		(7 * 24 * 3600)

/* `observe` drops nothing, whatever other settings say. */
static bool only_watches(const struct sipalg_net *sn)
{
	return sipalg_setting(sn, SIPALG_MODE) < SIPALG_MODE_PINHOLES;
}

static bool refused_by_policy(struct sipalg_net *sn, const struct sip_msg *msg,
			      struct sipalg_plan *plan)
{
	bool unknown = msg->method == SIP_METHOD_UNKNOWN &&
		       sipalg_setting(sn, SIPALG_UNKNOWN_METHOD) == SIPALG_DROP;
	bool denied = sipalg_setting(sn, SIPALG_DENY_METHODS) & 1u << msg->method;

	if (!msg->request || (!unknown && !denied) || only_watches(sn))
		return false;
	plan->verdict = SIPALG_VERDICT_DROP;
	plan->reason = SIPALG_REASON_METHOD_DENIED;
	return true;
}

/*
 * An INVITE, and whatever else brings a description into a call that began
 * before this module was there (H-23).
 */
static bool begins_call(const struct sip_msg *msg)
{
	if (msg->request && msg->method == SIP_METHOD_INVITE)
		return true;
	return msg->sdp.len && msg->status < 300 &&
	       sip_method_is(msg, SIP_OFFERS);
}

/* Locks a referenced call if it is still in the table. */
static struct sipalg_call *lock_call(struct sipalg_call *call)
{
	if (!call)
		return NULL;
	spin_lock_bh(&call->lock);
	if (call->linked)
		return call;
	/* it ended between lookup and lock */
	spin_unlock_bh(&call->lock);
	sipalg_call_put(call);
	return NULL;
}

static bool outside_dialog(const struct sip_msg *msg)
{
	return msg->request && msg->method == SIP_METHOD_INVITE &&
	       !msg->to_tag.len;
}

/* Who calls again when a refusal is over begins another call. */
static void begin_anew(struct sipalg_plan *plan)
{
	struct sipalg_call *call = plan->call;

	plan->call = NULL;
	sipalg_call_end(call, call->reason);
	spin_unlock_bh(&call->lock);
	sipalg_call_put(call);
}

/* Requests above rate-limit, and INVITEs repeated after a refusal. */
static bool refused_for_now(const struct sipalg_flow *flow,
			    const struct sip_msg *msg, struct sipalg_plan *plan)
{
	const struct sipalg_call *call = plan->call;

	if (only_watches(flow->sn))
		return false;
	if (msg->request && !call && sipalg_ratelimit_exceeded(flow, msg))
		plan->reason = SIPALG_REASON_RATE_LIMITED;
	else if (outside_dialog(msg) &&
		 (!call || sipalg_call_message_retries(call, msg)) &&
		 sipalg_screen_refuses(flow, msg))
		plan->reason = SIPALG_REASON_SCREENED;
	else
		return false;
	plan->verdict = SIPALG_VERDICT_DROP;
	return true;
}

static u32 requested_expires(const struct sip_msg *msg,
			     const struct sip_contact *contact)
{
	if (contact->has_expires)
		return contact->expires;
	return msg->has_expires ? msg->expires : REGISTER_EXPIRES_DEFAULT;
}

/* Phones behind NAT get their mapping in header translation, others here. */
static struct sipalg_mapping *bind_plain(const struct sipalg_flow *flow,
					 const struct sip_msg *msg,
					 const struct sip_host *host,
					 const struct sipalg_addr *addr)
{
	struct sipalg_mapping *mapping;
	struct sipalg_flow other;

	if (!sipalg_flow_is_plain(flow) || !sipalg_ip_equal(&addr->ip, &flow->src.ip))
		return NULL;
	other = *flow;
	if (sipalg_uri_is_strict(host, flow->l4proto))
		other.l4proto = sipalg_uri_l4proto(host, flow->l4proto);
	mapping = sipalg_mapping_make(&other, addr, addr);
	if (mapping)
		sipalg_mapping_note(mapping, msg, host, false);
	return mapping;
}

static void note_contact(const struct sipalg_flow *flow,
			 const struct sip_msg *msg,
			 const struct sip_contact *contact)
{
	u32 expires = requested_expires(msg, contact);
	struct sipalg_mapping *mapping = NULL;
	const struct sip_host *host = NULL;
	struct sipalg_addr addr;

	if (contact->host != SIP_NO_INDEX)
		host = &msg->hosts[contact->host];
	if (host && sip_host_family(host) == flow->family) {
		addr.ip = host->addr;
		addr.port = htons(sip_host_port(host));
		mapping = sipalg_mapping_of_uri(flow, host, &addr) ?:
				  bind_plain(flow, msg, host, &addr);
	}
	if (mapping)
		sipalg_registration_request(flow, msg, mapping, &addr, expires);
	if (!expires)
		sipalg_registration_request_end(flow, msg,
						mapping ? &addr : NULL,
						!mapping);
}

static void note_register(const struct sipalg_flow *flow,
			  const struct sip_msg *msg)
{
	unsigned int i;

	if (msg->contact_star)
		sipalg_registration_request_end(flow, msg, NULL, false);
	for (i = 0; i < msg->contact_count; i++)
		note_contact(flow, msg, &msg->contacts[i]);
}

static void confirmed(const struct sipalg_flow *flow, const struct sip_msg *msg,
		      struct sipalg_plan *plan)
{
	plan->keep = sipalg_registration_confirmed(flow, msg);
	if (plan->keep)
		sipalg_heard_keep(flow, plan->keep);
}

static void registrations(const struct sipalg_flow *flow,
			  const struct sip_msg *msg, struct sipalg_plan *plan)
{
	if (msg->method != SIP_METHOD_REGISTER)
		return;
	if (msg->request && (sipalg_flow_from_inside(flow) || sipalg_flow_is_plain(flow)))
		note_register(flow, msg);
	else if (msg->status / 100 == 2 &&
		 (sipalg_flow_to_inside(flow) || sipalg_flow_is_plain(flow)))
		confirmed(flow, msg, plan);
}

/* 0 where it is not the flow's: of another family, or no host. */
static __be16 contact_port(const struct sipalg_flow *flow,
			   const struct sip_msg *msg)
{
	const struct sip_host *host;

	if (!msg->contact_count || msg->contacts[0].host == SIP_NO_INDEX)
		return 0;
	host = &msg->hosts[msg->contacts[0].host];
	if (sip_host_family(host) != flow->family)
		return 0;
	return htons(sip_host_port(host));
}

/* Stored for the requester's direction; the response comes in the other one. */
static __be16 *subscriber(const struct sipalg_flow *flow, bool by_sender)
{
	struct sipalg_ct_data *data = sipalg_ct_data(flow->ct);
	int dir = flow->original == by_sender ? IP_CT_DIR_ORIGINAL :
						IP_CT_DIR_REPLY;

	return data ? &data->stream[dir].subscriber : NULL;
}

/* Without this check one forged response would keep any flow for a week. */
static __be16 asked_by(const struct sipalg_flow *flow)
{
	const __be16 *port = subscriber(flow, false);

	return port ? READ_ONCE(*port) : 0;
}

static void note_subscribe(const struct sipalg_flow *flow,
			   const struct sip_msg *msg)
{
	__be16 *port = subscriber(flow, true);

	if (port)
		WRITE_ONCE(*port, contact_port(flow, msg) ?: flow->src.port);
}

static void keep_mapping(struct sipalg_mapping *mapping, unsigned long time)
{
	if (mapping)
		sipalg_mapping_keep(mapping, time);
}

/* The sender's mapping, and that of its Contact. */
static void keep_subscribed(const struct sipalg_flow *flow, unsigned long time)
{
	bool in = sipalg_flow_to_inside(flow);
	const struct sipalg_addr *seen = in ? &flow->dst : &flow->src_public;
	struct sipalg_addr phone = in ? flow->dst_private : flow->src;

	keep_mapping(sipalg_mapping_find(flow, seen, &phone.ip), time);
	if (!in)
		return;
	phone.port = asked_by(flow);
	keep_mapping(sipalg_mapping_find_inside(flow, &phone, &seen->ip), time);
}

/*
 * S3-36, RFC 6665 4.1.2.1: NOTIFYs come on the flow of the SUBSCRIBE, rarely, and
 * until the expiry in the 2xx.
 */
static void subscriptions(const struct sipalg_flow *flow,
			  const struct sip_msg *msg, struct sipalg_plan *plan)
{
	u32 expires;

	if (msg->method != SIP_METHOD_SUBSCRIBE)
		return;
	if (msg->request)
		note_subscribe(flow, msg);
	if (msg->status / 100 != 2 || !msg->has_expires || !msg->expires ||
	    !asked_by(flow))
		return;
	expires = min_t(u32, msg->expires, SUBSCRIBE_EXPIRES_MAX);
	plan->keep = (unsigned long)expires * HZ + sipalg_64_t1(flow->sn);
	keep_subscribed(flow, plan->keep);
}

static void pass_unchanged(struct sipalg_plan *plan, u8 reason)
{
	plan->edit_count = 0;
	plan->reason = reason;
}

static void create_call(const struct sipalg_flow *flow,
			const struct sip_msg *msg, bool back,
			struct sipalg_plan *plan)
{
	plan->call = lock_call(sipalg_call_create(flow, msg, back,
						  &plan->reason));
	/* the INVITE's twin on another CPU may have been faster */
	plan->created = plan->call && !plan->call->deadlines;
}

/* To who called, or from who was called; else it is of another of the caller's hosts. */
static bool is_sent_back(const struct sipalg_call *call,
			 const struct sipalg_flow *flow)
{
	return sipalg_ip_equal(&call->party[SIPALG_CALLER].ip,
			       &flow->dst_private.ip) ||
	       sipalg_ip_equal(&call->party[SIPALG_CALLEE].ip, &flow->src.ip);
}

/*
 * The message does not belong to the call with this Call-ID. A proxy may have sent
 * the call back to the host it came from, which is then both parties: each of
 * the two passes through this router is a call of its own.
 */
static void come_back(const struct sipalg_flow *flow, const struct sip_msg *msg,
		      struct sipalg_plan *plan)
{
	bool back = is_sent_back(plan->call, flow);

	sipalg_decide_done(plan);	/* one lock at a time */
	plan->call = lock_call(sipalg_call_find(flow, msg, true));
	plan->created = false;
	if (!plan->call && outside_dialog(msg) && back)
		create_call(flow, msg, true, plan);
	if (plan->call)
		sipalg_call_message(plan->call, flow, msg, plan);
	else
		plan->call = lock_call(sipalg_call_find(flow, msg, false));
}

void sipalg_decide(const struct sipalg_flow *flow, const struct sip_msg *msg,
		   struct sipalg_plan *plan)
{
	struct sipalg_net *sn = flow->sn;

	sipalg_plan_init(plan);
	sipalg_heard_note(flow, HEARD_FOR);
	/* before any refusal: what is dropped is in its call's msg_log, too */
	if (!sip_method_is(msg, SIP_NO_CALL))
		plan->call = lock_call(sipalg_call_find(flow, msg, false));
	if (plan->call && plan->call->retired && outside_dialog(msg))
		begin_anew(plan);
	if (sipalg_nat64_is_used(flow))
		sipalg_nat64_begin(flow, plan);
	if (sipalg_outer_is_used(flow))
		sipalg_outer_begin(flow, plan);
	plan->unseen = !plan->call && msg->request && msg->to_tag.len;
	if (refused_by_policy(sn, msg, plan) || refused_for_now(flow, msg, plan))
		return;
	if (!plan->call && begins_call(msg))
		create_call(flow, msg, false, plan);
	if (plan->call)
		sipalg_call_message(plan->call, flow, msg, plan);
	if (plan->call && !plan->followed && !sipalg_flow_is_plain(flow))
		come_back(flow, msg, plan);
	if (plan->call && !plan->followed)
		sipalg_call_claim(plan->call, flow, msg);
	if (msg->sdp.len && !plan->described && !plan->reason)
		sipalg_media_retransmit(plan->call, flow, msg, plan);
	if (plan->verdict == SIPALG_VERDICT_DROP)
		return;
	if (plan->reason) {
		pass_unchanged(plan, plan->reason);
		return;
	}

	if (sipalg_setting(sn, SIPALG_MODE) == SIPALG_MODE_FULL) {
		sipalg_translate(flow, msg, plan);
		if (sipalg_nat64_is_used(flow))
			sipalg_nat64_finish(flow, msg, plan);
		if (plan->outer)
			sipalg_outer_finish(flow, msg, plan);
	}
	registrations(flow, msg, plan);
	subscriptions(flow, msg, plan);
	if (plan->followed && plan->call->linked &&
	    sipalg_setting(sn, SIPALG_MODE) >= SIPALG_MODE_PINHOLES)
		sipalg_sig_expect_learn(plan->call, plan->side, plan->fork,
					flow, msg);
	if (!sipalg_plan_finish(plan, msg))
		pass_unchanged(plan, plan->reason ?: SIPALG_REASON_TOO_LONG);
}

void sipalg_decide_undo(struct sipalg_plan *plan)
{
	if (plan->created)
		sipalg_call_discard(plan->call);
	else if (plan->call && plan->new_media)
		sipalg_media_rollback(plan->call, plan->side, plan->fork);
}

void sipalg_decide_done(struct sipalg_plan *plan)
{
	struct sipalg_call *call = plan->call;

	if (!call)
		return;
	plan->call = NULL;
	if (call->linked) {
		sipalg_event_flush(call);
		sipalg_lru_active(call);
		sipalg_lru_sort(call);
		sipalg_call_schedule(call);
	}
	spin_unlock_bh(&call->lock);
	sipalg_lru_idle(call->sn);
	sipalg_call_put(call);
}
