// SPDX-License-Identifier: GPL-2.0-only
/* LOCAL and EXTERNAL of public-address in messages. */
#include "core/net.h"
#include "nat/outer.h"

void sipalg_outer_read(const struct sipalg_flow *flow, struct sip_msg *msg)
{
	const struct sipalg_outer *outer = rcu_dereference(flow->sn->outer);
	const union nf_inet_addr *local;
	unsigned int i;

	if (!outer)
		return;
	for (i = 0; i < msg->host_count; i++) {
		struct sip_host *host = &msg->hosts[i];

		local = sipalg_outer_local(outer, sip_host_family(host),
					   &host->addr);
		if (local == &host->addr)
			continue;
		host->written = host->written ?: host->form;
		host->addr = *local;
	}
}

void sipalg_outer_begin(const struct sipalg_flow *flow,
			struct sipalg_plan *plan)
{
	/* who is inside as well knows the router by its own address */
	if (!sipalg_flow_to_inside(flow))
		plan->outer = rcu_dereference(flow->sn->outer);
}

/* Of a request that leaves, this is nobody's of ours (H-7). */
static bool is_crossing(const struct sip_host *host, bool outward)
{
	return sip_host_family(host) != AF_UNSPEC &&
	       host->field != SIP_FIELD_SDP_CANDIDATE &&
	       !(outward && host->field == SIP_FIELD_REQUEST_URI);
}

void sipalg_outer_finish(const struct sipalg_flow *flow,
			 const struct sip_msg *msg, struct sipalg_plan *plan)
{
	const struct sipalg_outer *outer = plan->outer;
	bool outward, inward;
	unsigned int i;

	if (!sipalg_flow_is_plain(flow) || plan->reader.text_len)
		return;
	outward = sipalg_outer_external(outer, flow->family, &flow->src.ip) !=
		  &flow->src.ip;
	inward = sipalg_outer_external(outer, flow->family, &flow->dst.ip) !=
		 &flow->dst.ip;
	if (outward == inward)
		return;
	if (inward)
		plan->outer = NULL;
	for (i = 0; i < msg->host_count; i++) {
		const struct sip_host *host = &msg->hosts[i];

		/* a literal of EXTERNAL has been read, one of LOCAL has not */
		if (is_crossing(host, outward) && !host->written == outward)
			sipalg_plan_host(plan, host, sip_host_family(host),
					 &host->addr, host->port);
	}
}
