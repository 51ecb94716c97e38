// SPDX-License-Identifier: GPL-2.0-only
/* From the addresses in a call's headers to shared_expects. */
#include <linux/slab.h>
#include "call/call.h"
#include "core/addr_scope.h"
#include "core/net.h"
#include "nat/mapping.h"
#include "nat/shared_expect.h"
#include "nat/sig_expect.h"

#define MAX_WAYS	8	/* of a call */

/**
 * struct sipalg_sig_pinholes - all of a call
 * @count: how many there are
 * @room: for how many there is room: most calls have two
 * @way: they
 */
struct sipalg_sig_pinholes {
	u16 count;
	u16 room;
	struct sipalg_sig_pinhole way[];
};

/* Places that tell of a way, and the settings that let it be opened. */
#define TELLING_FIELDS							\
	(1u << SIP_FIELD_CONTACT | 1u << SIP_FIELD_REFER_TO |			\
	 1u << SIP_FIELD_RECORD_ROUTE | 1u << SIP_FIELD_ROUTE | 1u << SIP_FIELD_VIA)

static const u8 place_setting[SIP_FIELD_MAX] = {
	[SIP_FIELD_CONTACT] = SIPALG_CONTACT_PINHOLE,
	[SIP_FIELD_REFER_TO] = SIPALG_CONTACT_PINHOLE,
	[SIP_FIELD_RECORD_ROUTE] = SIPALG_RECORD_ROUTE_PINHOLE,
	[SIP_FIELD_ROUTE] = SIPALG_ROUTE_PINHOLE,
	[SIP_FIELD_VIA] = SIPALG_VIA_PINHOLE,
};

static void way_close(struct sipalg_sig_pinhole *way)
{
	unsigned int i;

	for (i = 0; i < SIPALG_MAX_SIG_PEERS; i++) {
		if (way->sender[i].shared)
			sipalg_shared_expect_put(way->sender[i].shared);
		way->sender[i] = (struct sipalg_sig_peer){};
	}
	way->tried = 0;
}

static bool is_same(const struct sipalg_sig_pinhole *a,
		    const struct sipalg_sig_pinhole *b)
{
	return sipalg_addr_equal(&a->dst, &b->dst) &&
	       sipalg_addr_equal(&a->real, &b->real) && a->side == b->side &&
	       a->fork == b->fork && a->field == b->field &&
	       a->l4proto == b->l4proto && a->own == b->own;
}

/* Room for one more, or false. */
static bool make_room(struct sipalg_call *call)
{
	struct sipalg_sig_pinholes *ways = call->ways, *grown;
	u16 room = ways ? ways->room : 0;

	if (ways && ways->count < room)
		return true;
	if (room == MAX_WAYS)
		return false;
	grown = krealloc(ways, struct_size(grown, way, room + 2), GFP_ATOMIC);
	if (!grown)
		return false;
	atomic_long_add(struct_size(grown, way, room + 2) -
			(room ? struct_size(grown, way, room) : 0),
			&call->sn->memory);
	if (!room)
		grown->count = 0;
	grown->room = room + 2;
	call->ways = grown;
	return true;
}

static void way_add(struct sipalg_call *call,
		    const struct sipalg_sig_pinhole *new)
{
	struct sipalg_sig_pinholes *ways = call->ways;
	unsigned int i;

	for (i = 0; ways && i < ways->count; i++) {
		if (is_same(&ways->way[i], new)) {
			ways->way[i].fresh = true;
			return;
		}
	}
	if (make_room(call))
		call->ways->way[call->ways->count++] = *new;
}

/* Who told of it: a Route is where the receiver sends the message on to. */
static bool is_told_by(const struct sipalg_sig_pinhole *way, u8 side, u16 fork)
{
	if (way->field == SIP_FIELD_ROUTE)
		return way->side != side && !way->fork;
	return way->side == side && way->fork == fork;
}

/*
 * The message has named others in these @fields: those of before are no more.
 */
static void drop_stale(struct sipalg_sig_pinholes *ways, u8 side, u16 fork,
		       u32 fields)
{
	unsigned int i = 0;

	while (i < ways->count) {
		struct sipalg_sig_pinhole *way = &ways->way[i];

		if (!way->fresh && fields & 1u << way->field &&
		    is_told_by(way, side, fork)) {
			way_close(way);
			*way = ways->way[--ways->count];
		} else {
			way->fresh = false;
			i++;
		}
	}
}

/* The sender has named itself. Returns false if nobody can reach it there. */
static bool find_own(const struct sipalg_flow *flow,
		     struct sipalg_sig_pinhole *way)
{
	const struct sipalg_mapping *mapping;

	way->own = true;
	if (!sipalg_flow_from_inside(flow))
		return true;
	/* it knows its public address and has written that (H-13) */
	if (sipalg_ip_equal(&way->dst.ip, &flow->src_public.ip)) {
		way->real = flow->src;
		return way->dst.port == flow->src_public.port;
	}
	/* what is told in Via is where the message came from */
	mapping = sipalg_mapping_of_sender(flow, way->field == SIP_FIELD_VIA ?
						 &flow->src : &way->dst);
	if (!mapping ||
	    !sipalg_ip_equal(&mapping->private.addr.ip, &way->dst.ip))
		return false;
	way->dst = mapping->public.addr;
	return true;
}

/* A network that is neither party's: who is registered there may be named. */
static bool is_strange(const struct sipalg_flow *flow,
		       const struct sipalg_sig_pinhole *way)
{
	const struct sipalg_mapping *mapping;

	if (!sipalg_is_other_net(flow->sn->net, flow->family, &way->dst.ip,
				 &flow->src.ip, &flow->dst_private.ip))
		return false;
	mapping = sipalg_mapping_at(flow->sn, flow->family, flow->l4proto,
				    &way->dst);
	return !mapping || !READ_ONCE(mapping->registered);
}

/* Another hop: beyond the receiver, or before a sender outside. */
static bool find_other(const struct sipalg_flow *flow,
		       const struct sipalg_sig_pinhole *way)
{
	if (sipalg_flow_from_inside(flow) && way->field != SIP_FIELD_ROUTE)
		return false;
	return !sipalg_ip_equal(&way->dst.ip, &flow->dst.ip) &&
	       !sipalg_ip_equal(&way->dst.ip, &flow->dst_private.ip) &&
	       !sipalg_is_local(flow->sn->net, flow->family, &way->dst.ip) &&
	       !is_strange(flow, way);
}

/* S3-28: a third phone of ours, as the one who is referred to it addresses it. */
static bool find_third(const struct sipalg_flow *flow,
		       struct sipalg_sig_pinhole *way)
{
	const struct sipalg_mapping *mapping;

	if (!sipalg_flow_from_inside(flow) ||
	    !sipalg_is_inside(flow->sn->net, flow->family, &way->dst.ip,
			      &flow->dst_private.ip))
		return false;
	mapping = sipalg_mapping_find_inside(flow, &way->dst,
					     &flow->src_public.ip);
	if (!mapping)
		return false;
	way->dst = mapping->public.addr;
	return true;
}

static bool find_way(const struct sipalg_flow *flow,
		     const struct sip_host *host,
		     struct sipalg_sig_pinhole *way)
{
	u8 form = flow->family == AF_INET ? SIP_HOST_IP4 : SIP_HOST_IP6;
	u16 port = sip_host_port(host);

	/* what is behind TLS is nothing that we could follow */
	if (host->form != form || host->secure || port < SIPALG_LOWEST_PORT ||
	    !sipalg_is_unicast(flow->family, &host->addr))
		return false;
	way->dst = (struct sipalg_addr){ host->addr, htons(port) };
	way->real = way->dst;
	way->l4proto = flow->l4proto;
	way->fresh = true;

	if (sipalg_ip_equal(&host->addr, &flow->src.ip) ||
	    sipalg_ip_equal(&host->addr, &flow->src_public.ip))
		return find_own(flow, way);
	return way->field == SIP_FIELD_REFER_TO ? find_third(flow, way) :
						  find_other(flow, way);
}

/* RFC 3261 12.2.1.2, 3311 5.1; the seed has ACK as well (S3-45). */
static bool is_target_refresh(const struct sip_msg *msg)
{
	return msg->method == SIP_METHOD_INVITE ||
	       msg->method == SIP_METHOD_UPDATE ||
	       msg->method == SIP_METHOD_ACK;
}

/* Does this header of this message say where a party can be reached? */
static bool is_telling(const struct sip_msg *msg, const struct sip_host *host)
{
	switch (host->field) {
	case SIP_FIELD_CONTACT:
	case SIP_FIELD_RECORD_ROUTE:
		/* from 300 on it says where others are (RFC 3261 21.3) */
		return msg->status < 300 && is_target_refresh(msg);
	case SIP_FIELD_VIA:
		return msg->request && !host->value;
	case SIP_FIELD_REFER_TO:
		return msg->request && msg->method == SIP_METHOD_REFER;
	default:
		return msg->request;
	}
}

static void learn_host(struct sipalg_call *call, u8 side, u16 fork,
		       const struct sipalg_flow *flow,
		       const struct sip_host *host)
{
	struct sipalg_sig_pinhole way = { .side = side,
					  .fork = fork,
					  .field = host->field };

	if (host->field == SIP_FIELD_ROUTE) {
		way.side = !side;
		way.fork = 0;
	}
	if (find_way(flow, host, &way))
		way_add(call, &way);
}

void sipalg_sig_expect_learn(struct sipalg_call *call, u8 side, u16 fork,
			     const struct sipalg_flow *flow,
			     const struct sip_msg *msg)
{
	u32 named = 0;
	unsigned int i;

	for (i = 0; i < msg->host_count; i++) {
		const struct sip_host *host = &msg->hosts[i];

		if (!(TELLING_FIELDS & 1u << host->field) ||
		    !is_telling(msg, host) ||
		    !sipalg_setting(call->sn, place_setting[host->field]))
			continue;
		named |= 1u << host->field;
		learn_host(call, side, fork, flow, host);
	}
	if (named && call->ways)
		drop_stale(call->ways, side, fork, named);
}

/*
 * As long as nobody has answered, what a lone INVITE names is not worth a
 * pinhole (H-25), be there a tag in its To; the answer itself comes by Via.
 */
static bool may_open(const struct sipalg_call *call,
		     const struct sipalg_sig_pinhole *way)
{
	return way->field == SIP_FIELD_VIA ||
	       (sipalg_call_heard_both(call) && !list_empty(&call->dialogs));
}

/* Whoever it is, or the other party: as it sends, and as it wants to be sent to. */
static void find_senders(const struct sipalg_call *call,
			 const struct sipalg_sig_pinhole *way,
			 union nf_inet_addr src[SIPALG_MAX_SIG_PEERS])
{
	memset(src, 0, SIPALG_MAX_SIG_PEERS * sizeof(*src));
	if (way->own && sipalg_setting(call->sn, SIPALG_SIGNALLING_SOURCE) ==
			SIPALG_SIGNALLING_SOURCE_ANY)
		return;
	src[0] = call->party[!way->side].ip;
	src[1] = call->contact[!way->side];
}

static void open_way(struct sipalg_call *call, struct sipalg_sig_pinhole *way,
		     const struct sipalg_flow *flow,
		     struct sipalg_sig_peer *sender)
{
	struct sipalg_shared_expect_key key;

	memset(&key, 0, sizeof(key));
	key.dst.ip = way->dst.ip;
	key.dst.port = way->dst.port;
	key.src = sender->src;
	key.family = flow->family;
	key.l4proto = way->l4proto;
	sender->shared = sipalg_shared_expect_get(flow, &key, &way->real,
						  &call->seen[!way->side].ip,
						  call->quota);
}

/*
 * From inside to where the call goes anyway: the rule that attached the helper
 * to it decides whether it stays attached (H-22).
 */
static bool is_way_of_flow(const struct sipalg_call *call,
			   const struct sipalg_sig_pinhole *way)
{
	return sipalg_addr_equal(&way->dst, &way->real) &&
	       sipalg_addr_equal(&way->dst, &call->seen[way->side]);
}

/* The second sender must be known, and another one. */
static bool is_wanted(const struct sipalg_call *call,
		      const struct sipalg_sig_pinhole *way,
		      const union nf_inet_addr src[SIPALG_MAX_SIG_PEERS],
		      unsigned int i)
{
	if (!i)
		return !is_way_of_flow(call, way);
	return memchr_inv(&src[i], 0, sizeof(*src)) &&
	       !sipalg_ip_equal(&src[i], &src[0]);
}

static void sync_way(struct sipalg_call *call, struct sipalg_sig_pinhole *way,
		     const struct sipalg_flow *flow)
{
	union nf_inet_addr src[SIPALG_MAX_SIG_PEERS];
	unsigned int i;

	find_senders(call, way, src);
	for (i = 0; i < SIPALG_MAX_SIG_PEERS; i++) {
		struct sipalg_sig_peer *sender = &way->sender[i];

		if (way->tried & BIT(i) && sipalg_ip_equal(&sender->src, &src[i]))
			continue;
		if (sender->shared)
			sipalg_shared_expect_put(sender->shared);
		*sender = (struct sipalg_sig_peer){ .src = src[i] };
		way->tried |= BIT(i);
		if (is_wanted(call, way, src, i))
			open_way(call, way, flow, sender);
	}
}

void sipalg_sig_expect_sync(struct sipalg_call *call,
			    const struct sipalg_flow *flow)
{
	unsigned int i;

	for (i = 0; call->ways && i < call->ways->count; i++)
		if (may_open(call, &call->ways->way[i]))
			sync_way(call, &call->ways->way[i], flow);
}

const struct sipalg_sig_pinhole *
sipalg_sig_pinhole_nth(const struct sipalg_call *call, unsigned int i)
{
	const struct sipalg_sig_pinholes *ways = call->ways;

	return ways && i < ways->count ? &ways->way[i] : NULL;
}

void sipalg_sig_expect_close(struct sipalg_call *call)
{
	struct sipalg_sig_pinholes *ways = call->ways;
	unsigned int i;

	if (!ways)
		return;
	for (i = 0; i < ways->count; i++)
		way_close(&ways->way[i]);
	call->ways = NULL;
	atomic_long_sub(struct_size(ways, way, ways->room), &call->sn->memory);
	kfree(ways);
}
