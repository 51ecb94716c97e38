// SPDX-License-Identifier: GPL-2.0-only
/* Hosts that have spoken, and who is inside where nothing is translated. */
#include <linux/siphash.h>
#include <linux/slab.h>
#include "core/addr_scope.h"
#include "core/ct_data.h"
#include "core/net.h"
#include "nat/heard.h"
#include "nat/mapping.h"

static u64 hash_of(const struct sipalg_flow *flow, u8 family,
		   const union nf_inet_addr *ip)
{
	return siphash_3u64((u64)ip->all[0] << 32 | ip->all[1],
			    (u64)ip->all[2] << 32 | ip->all[3],
			    flow->zone << 8 | family, &flow->sn->key) ?: 1;
}

static struct sipalg_heard *set_of(struct sipalg_net *sn, u64 host)
{
	u64 set = host >> (64 - SIPALG_HEARD_BITS);

	return &sn->heard[set * SIPALG_HEARD_WAYS];
}

/* Where it stands already, or in the place of who was heard longest ago. */
static struct sipalg_heard *place_of(struct sipalg_net *sn, u64 host)
{
	struct sipalg_heard *set = set_of(sn, host), *place = set;
	unsigned int i;

	for (i = 0; i < SIPALG_HEARD_WAYS; i++) {
		if (READ_ONCE(set[i].host) == host)
			return &set[i];
		if (time_before64(READ_ONCE(set[i].until),
				  READ_ONCE(place->until)))
			place = &set[i];
	}
	return place;
}

/* Two that come at once may lose one of them: it will speak again. */
static void note(struct sipalg_net *sn, u64 host, unsigned long time)
{
	struct sipalg_heard *place = place_of(sn, host);
	u64 until = get_jiffies_64() + time;

	if (READ_ONCE(place->host) == host &&
	    time_before64(until, READ_ONCE(place->until) + HZ))
		return;
	WRITE_ONCE(place->host, host);
	WRITE_ONCE(place->until, until);
}

/* Where the flow knows it without a hash, or NULL. */
static u8 *noted_of(const struct sipalg_flow *flow)
{
	struct sipalg_ct_data *data = sipalg_ct_data(flow->ct);
	int dir = flow->original ? IP_CT_DIR_ORIGINAL : IP_CT_DIR_REPLY;

	return data && flow->l4proto == IPPROTO_UDP ? &data->stream[dir].heard :
						      NULL;
}

void sipalg_heard_note(const struct sipalg_flow *flow, unsigned long time)
{
	u8 second = jiffies / HZ | 1;	/* two of them, and none is 0 */
	u8 *noted = noted_of(flow);

	if (noted && READ_ONCE(*noted) == second)
		return;
	note(flow->sn, hash_of(flow, flow->family, &flow->src.ip), time);
	if (noted)
		WRITE_ONCE(*noted, second);
}

void sipalg_heard_keep(const struct sipalg_flow *flow, unsigned long time)
{
	note(flow->sn, hash_of(flow, flow->family, &flow->dst_private.ip), time);
}

static bool is_known(const struct sipalg_flow *flow, u8 family,
		     const union nf_inet_addr *ip)
{
	u64 host = hash_of(flow, family, ip);
	const struct sipalg_heard *place = place_of(flow->sn, host);

	return READ_ONCE(place->host) == host &&
	       time_before64(get_jiffies_64(), READ_ONCE(place->until));
}

static bool is_registered(const struct sipalg_flow *flow,
			  const struct sipalg_addr *addr)
{
	const struct sipalg_mapping *mapping =
		sipalg_mapping_at(flow, flow->l4proto, addr);

	return mapping && READ_ONCE(mapping->registered);
}

/*
 * Which of the two is the phone. Who is registered by this router is one; what
 * only a default route leads to is the world; and a phone begins.
 */
static bool sender_is_inside(const struct sipalg_flow *flow)
{
	bool from_world, to_world;

	if (!sipalg_flow_is_plain(flow))
		return sipalg_flow_from_inside(flow);
	if (is_registered(flow, &flow->src))
		return true;
	if (is_registered(flow, &flow->dst_private))
		return false;
	from_world = sipalg_is_default(flow, &flow->src.ip);
	to_world = sipalg_is_default(flow, &flow->dst_private.ip);
	return from_world == to_world ? flow->original : to_world;
}

bool sipalg_may_be_named(const struct sipalg_flow *flow, u8 family,
			 const union nf_inet_addr *ip)
{
	const union nf_inet_addr *phone;
	bool outgoing;

	if (family == flow->family && sipalg_ip_equal(ip, &flow->src.ip))
		return true;
	outgoing = sender_is_inside(flow);
	phone = outgoing ? &flow->src.ip : &flow->dst_private.ip;
	if (family == flow->family &&
	    !sipalg_is_beside(flow, ip, phone, outgoing))
		return true;
	return is_known(flow, family, ip);
}

bool sipalg_may_be_media(const struct sipalg_flow *flow, u8 family,
			 const union nf_inet_addr *ip)
{
	if (!sipalg_is_senders_side(flow, family, ip))
		return false;
	return !sender_is_inside(flow) || sipalg_is_sender(flow, family, ip) ||
	       is_known(flow, family, ip);
}

int sipalg_heard_init(struct sipalg_net *sn)
{
	sn->heard = kvcalloc(SIPALG_HEARD_WAYS << SIPALG_HEARD_BITS,
			     sizeof(*sn->heard), GFP_KERNEL_ACCOUNT);
	return sn->heard ? 0 : -ENOMEM;
}

void sipalg_heard_exit(struct sipalg_net *sn)
{
	kvfree(sn->heard);
}
