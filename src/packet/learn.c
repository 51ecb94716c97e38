// SPDX-License-Identifier: GPL-2.0-only
/* Registrations and subscriptions, of messages that leave. */
#include "core/ct_data.h"
#include "core/net.h"
#include "nat/heard.h"
#include "nat/mapping.h"
#include "nat/registration.h"
#include "packet/learn.h"

#define REGISTER_EXPIRES_DEFAULT	3600
#define SUBSCRIBE_EXPIRES_MAX		(7 * 24 * 3600)

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
		sipalg_mapping_note(mapping, msg, host);
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

static void subscribed(const struct sipalg_flow *flow,
		       const struct sip_msg *msg, struct sipalg_plan *plan)
{
	u32 expires = min_t(u32, msg->expires, SUBSCRIBE_EXPIRES_MAX);

	if (!asked_by(flow))
		return;
	plan->keep = (unsigned long)expires * HZ + sipalg_64_t1(flow->sn);
	keep_subscribed(flow, plan->keep);
}

void sipalg_learn(const struct sipalg_flow *flow, const struct sip_msg *msg,
		  struct sipalg_plan *plan)
{
	switch (plan->tells) {
	case SIPALG_TELLS_REGISTER:
		note_register(flow, msg);
		break;
	case SIPALG_TELLS_REGISTERED:
		confirmed(flow, msg, plan);
		break;
	case SIPALG_TELLS_SUBSCRIBE:
		note_subscribe(flow, msg);
		break;
	case SIPALG_TELLS_SUBSCRIBED:
		subscribed(flow, msg, plan);
		break;
	}
}
