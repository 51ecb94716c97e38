// SPDX-License-Identifier: GPL-2.0-only
/* From the addresses in a call's headers to shared_expects. */
#include <linux/slab.h>
#include "core/addr_scope.h"
#include "core/call.h"
#include "core/net.h"
#include "nat/echo.h"
#include "nat/expect.h"
#include "nat/face.h"
#include "nat/heard.h"
#include "nat/mapping.h"
#include "nat/nat64.h"
#include "nat/shared_expect.h"
#include "nat/sig_expect.h"
#include "sip/edit.h"
#include "sip/names.h"

/* Contact and Record-Route of each fork, and what the caller has named. */
#define MAX_SIG_PINHOLES	(4 * SIPALG_MAX_DIALOGS)
#define MOST_OF_PARTY	8	/* of these: no message opens more (T-18) */

/**
 * struct naming - a request that has named its sender's target, and waits
 * @of: low bits of its CSeq; 0: none waits
 * @order: &sipalg_sig_pinhole.order of what it has named
 * @fork: dialog of its sender, 0 for the caller
 */
struct naming {
	u8 of;
	u8 order;
	u8 fork;
};

/**
 * struct sipalg_sig_pinholes - all of a call
 * @count: how many there are
 * @room: for how many there is room: most calls have two
 * @order: of the newest message that has named a target
 * @naming: by side that asks: its newest INVITE, and its newest UPDATE
 * @pinhole: they
 */
struct sipalg_sig_pinholes {
	u8 count;
	u8 room;
	u8 order;
	struct naming naming[2][2];
	struct sipalg_sig_pinhole pinhole[];
};

/* The settings of headers.def that let a field open a pinhole. */
#define SIPALG_NO_PINHOLE	SIPALG_SETTING_MAX

#define NOT_A_FIELD(X, id, name, compact)
#define FIELD_SETTING(X, id, name, rules, flags, pinhole, ...)		\
	[SIP_FIELD_##id] = SIPALG_##pinhole##_PINHOLE,
#define HEADER_SETTING(X, id, name, compact, rules, flags, pinhole, ...) \
	[SIP_FIELD_##id] = SIPALG_##pinhole##_PINHOLE,

static const u8 field_setting[SIP_FIELD_MAX] = {
	SIP_FIELDS(FIELD_SETTING, _)
	SIP_HEADERS(NOT_A_FIELD, HEADER_SETTING, _)
	SDP_FIELDS(FIELD_SETTING, _)
};

static void pinhole_close(struct sipalg_sig_pinhole *pinhole)
{
	unsigned int i;

	for (i = 0; i < SIPALG_MAX_SIG_PEERS; i++) {
		if (pinhole->sender[i].shared)
			sipalg_shared_expect_put(pinhole->sender[i].shared);
		pinhole->sender[i] = (struct sipalg_sig_peer){};
	}
	pinhole->tried = 0;
}

static bool is_same(const struct sipalg_sig_pinhole *a,
		    const struct sipalg_sig_pinhole *b)
{
	return sipalg_addr_equal(&a->dst, &b->dst) &&
	       sipalg_addr_equal(&a->real, &b->real) && a->side == b->side &&
	       a->fork == b->fork && a->field == b->field &&
	       a->l4proto == b->l4proto && a->inside == b->inside;
}

/* Make room for one more; false without memory. */
static bool make_room(struct sipalg_call *call)
{
	struct sipalg_sig_pinholes *all = call->sig_pinholes, *grown;
	unsigned int room = all ? all->room : 0;

	if (all && all->count < room)
		return true;
	if (room == MAX_SIG_PINHOLES)
		return false;
	grown = krealloc(all, struct_size(grown, pinhole, room + 2), GFP_ATOMIC);
	if (!grown)
		return false;
	atomic_long_add(struct_size(grown, pinhole, room + 2) -
			(room ? struct_size(grown, pinhole, room) : 0),
			&call->sn->memory);
	if (!room)
		memset(grown, 0, sizeof(*grown));
	grown->room = room + 2;
	call->sig_pinholes = grown;
	return true;
}

/* Closed, and its place is the last one's. */
static void pinhole_forget(struct sipalg_sig_pinholes *all, unsigned int i)
{
	struct sipalg_sig_pinhole *pinhole = &all->pinhole[i];

	pinhole_close(pinhole);
	sipalg_face_put(pinhole->face);
	*pinhole = all->pinhole[--all->count];
}

/* The public address at which it is, if it is at one. Returns false without memory. */
static bool find_face(const struct sipalg_flow *flow,
		      struct sipalg_sig_pinhole *pinhole)
{
	if (!sipalg_flow_from_inside(flow) ||
	    !sipalg_ip_equal(&pinhole->dst.ip, &flow->src_public.ip))
		return true;
	pinhole->face = sipalg_face_get(flow, &pinhole->dst.ip);
	return pinhole->face;
}

/* Orders count round; no more than half of them are in use at once. */
static bool is_before(u8 a, u8 b)
{
	return (s8)(a - b) < 0;
}

static bool is_target_of(const struct sipalg_sig_pinhole *pinhole, u8 side, u16 fork)
{
	return pinhole->field == SIP_FIELD_CONTACT && pinhole->side == side &&
	       pinhole->fork == fork;
}

/* A target that nobody has accepted makes place for a new one, the oldest first. */
static bool has_place(struct sipalg_sig_pinholes *all,
		      const struct sipalg_sig_pinhole *new)
{
	unsigned int i, count = 0, oldest = MAX_SIG_PINHOLES;

	for (i = 0; all && i < all->count; i++) {
		const struct sipalg_sig_pinhole *pinhole = &all->pinhole[i];

		if (pinhole->side != new->side || pinhole->fork != new->fork)
			continue;
		count++;
		if (pinhole->field != SIP_FIELD_CONTACT || pinhole->fresh ||
		    pinhole->accepted)
			continue;
		if (oldest == MAX_SIG_PINHOLES ||
		    is_before(pinhole->order, all->pinhole[oldest].order))
			oldest = i;
	}
	if (count < MOST_OF_PARTY)
		return true;
	if (oldest == MAX_SIG_PINHOLES)
		return false;
	pinhole_forget(all, oldest);
	return true;
}

static void pinhole_add(struct sipalg_call *call,
			const struct sipalg_flow *flow,
			struct sipalg_sig_pinhole *new)
{
	struct sipalg_sig_pinholes *all = call->sig_pinholes;
	unsigned int i;

	for (i = 0; all && i < all->count; i++) {
		struct sipalg_sig_pinhole *pinhole = &all->pinhole[i];

		if (is_same(pinhole, new)) {
			pinhole->fresh = true;
			return;
		}
	}
	if (has_place(all, new) && make_room(call) && find_face(flow, new))
		call->sig_pinholes->pinhole[call->sig_pinholes->count++] = *new;
}

/* The party that it belongs to: a Route is where the receiver forwards the message. */
static bool is_told_by(const struct sipalg_sig_pinhole *pinhole, u8 side, u16 fork)
{
	if (pinhole->field == SIP_FIELD_ROUTE)
		return pinhole->side != side && !pinhole->fork;
	return pinhole->side == side && pinhole->fork == fork;
}

/* What the message names in these @fields takes the place of what was named before. */
static void replace(struct sipalg_sig_pinholes *all, u8 side, u16 fork, u32 fields)
{
	unsigned int i = 0;

	while (i < all->count) {
		struct sipalg_sig_pinhole *pinhole = &all->pinhole[i];

		if (!pinhole->fresh && fields & 1u << pinhole->field &&
		    is_told_by(pinhole, side, fork))
			pinhole_forget(all, i);
		else
			i++;
	}
}

/* Returns whether the message has named any target for which there is a place. */
static bool name_targets(struct sipalg_sig_pinholes *all, u8 side, u16 fork)
{
	bool named = false;
	unsigned int i;

	all->order++;
	for (i = 0; i < all->count; i++) {
		struct sipalg_sig_pinhole *pinhole = &all->pinhole[i];

		if (pinhole->fresh && is_target_of(pinhole, side, fork)) {
			pinhole->order = all->order;
			named = true;
		}
	}
	return named;
}

/* Named by a request that is not answered yet. */
static bool is_waiting(const struct sipalg_sig_pinholes *all,
		       const struct sipalg_sig_pinhole *pinhole)
{
	const struct naming *naming = all->naming[pinhole->side];

	return (naming[0].of && naming[0].order == pinhole->order) ||
	       (naming[1].of && naming[1].order == pinhole->order);
}

/*
 * The targets of that @order are in force, and those before are not any more (RFC 3261
 * 12.2.1.2). Until the call is answered a fork may come that knows only the INVITE's.
 */
static void accept(struct sipalg_call *call, u8 side, u16 fork, u8 order)
{
	bool keeps = side == SIPALG_CALLER && call->state == SIPALG_CALL_EARLY;
	struct sipalg_sig_pinholes *all = call->sig_pinholes;
	unsigned int i = 0;

	while (i < all->count) {
		struct sipalg_sig_pinhole *pinhole = &all->pinhole[i];

		if (is_target_of(pinhole, side, fork)) {
			pinhole->accepted |= pinhole->order == order;
			if (!keeps && is_before(pinhole->order, order) &&
			    !is_waiting(all, pinhole)) {
				pinhole_forget(all, i);
				continue;
			}
		}
		i++;
	}
}

/* What a target refresh or its answer makes of the targets. @named: it names its own */
static void refresh_targets(struct sipalg_call *call, const struct sipalg_plan *plan,
			    const struct sip_msg *msg, bool named)
{
	struct sipalg_sig_pinholes *all = call->sig_pinholes;
	u8 asker = msg->request ? plan->side : !plan->side, of = msg->cseq | 0x80;
	struct naming *naming = &all->naming[asker][!sip_method_is(msg, SIP_INVITES)];
	const struct naming was = *naming;

	if (msg->request) {
		*naming = (struct naming){ named ? of : 0, all->order, plan->fork };
		return;
	}
	if (msg->status < 200)
		return;
	if (was.of == of) {
		naming->of = 0;
		if (msg->status < 300)
			accept(call, asker, was.fork, was.order);
	}
	if (named)
		accept(call, plan->side, plan->fork, all->order);
}

/* The sender named itself. Returns false if it cannot be reached there. */
static bool find_inside(const struct sipalg_flow *flow,
			const struct sip_host *host,
			struct sipalg_sig_pinhole *pinhole)
{
	const struct sipalg_mapping *mapping;

	pinhole->inside = true;
	if (!sipalg_flow_from_inside(flow))
		return true;
	/* it knows its public address and wrote it (H-13) */
	if (sipalg_ip_equal(&pinhole->dst.ip, &flow->src_public.ip)) {
		pinhole->real = flow->src;
		return pinhole->dst.port == flow->src_public.port &&
		       pinhole->l4proto == flow->l4proto;
	}
	/* a Via names the source of the message */
	mapping = sipalg_mapping_of_uri(flow, host,
					pinhole->field == SIP_FIELD_VIA ?
						&flow->src : &pinhole->dst);
	if (!mapping || mapping->public.l4proto != pinhole->l4proto ||
	    !sipalg_ip_equal(&mapping->private.addr.ip, &pinhole->dst.ip))
		return false;
	pinhole->dst = mapping->public.addr;
	return true;
}

/* A network of neither party: only registered phones there may be named. */
static bool is_strange(const struct sipalg_flow *flow,
		       const struct sipalg_sig_pinhole *pinhole)
{
	const struct sipalg_mapping *mapping;

	if (!sipalg_is_other_net(flow, &pinhole->dst.ip))
		return false;
	mapping = sipalg_mapping_at(flow, pinhole->l4proto, &pinhole->dst);
	return !mapping || !READ_ONCE(mapping->registered);
}

/* Another hop: beyond the receiver, or before a sender outside. */
static bool find_other(const struct sipalg_flow *flow,
		       const struct sipalg_sig_pinhole *pinhole)
{
	if (sipalg_flow_from_inside(flow) && pinhole->field != SIP_FIELD_ROUTE)
		return false;
	if (sipalg_flow_is_plain(flow) &&
	    !sipalg_may_be_named(flow, flow->family, &pinhole->dst.ip))
		return false;
	return !sipalg_ip_equal(&pinhole->dst.ip, &flow->dst.ip) &&
	       !sipalg_ip_equal(&pinhole->dst.ip, &flow->dst_private.ip) &&
	       !sipalg_is_local(flow, flow->family, &pinhole->dst.ip) &&
	       !is_strange(flow, pinhole);
}

/* S3-28: a third inside phone, by the address that the referred party uses. */
static bool find_third(const struct sipalg_flow *flow,
		       struct sipalg_sig_pinhole *pinhole)
{
	const struct sipalg_mapping *mapping;
	struct sipalg_flow other = *flow;

	if (!sipalg_flow_from_inside(flow) || sipalg_nat64_is_phone(flow) ||
	    !sipalg_is_inside(flow, &pinhole->dst.ip))
		return false;
	other.l4proto = pinhole->l4proto;
	mapping = sipalg_mapping_find_inside(&other, &pinhole->dst,
					     &flow->src_public.ip);
	if (!mapping)
		return false;
	pinhole->dst = mapping->public.addr;
	return true;
}

static bool find_pinhole(const struct sipalg_flow *flow,
			 const struct sip_host *host,
			 struct sipalg_sig_pinhole *pinhole)
{
	u16 port = sip_host_port(host);

	/* messages over TLS cannot be followed */
	if (sip_host_family(host) != flow->family || host->secure ||
	    host->transport == SIP_TRANSPORT_OTHER || port < SIPALG_LOWEST_PORT ||
	    !sipalg_is_unicast(flow->family, &host->addr))
		return false;
	pinhole->dst = (struct sipalg_addr){ host->addr, htons(port) };
	pinhole->real = pinhole->dst;
	pinhole->fresh = true;

	if (sipalg_ip_equal(&host->addr, &flow->src.ip) ||
	    sipalg_ip_equal(&host->addr, &flow->src_public.ip))
		return find_inside(flow, host, pinhole);
	return pinhole->field == SIP_FIELD_REFER_TO ? find_third(flow, pinhole) :
						  find_other(flow, pinhole);
}

#define TARGET_FIELDS							\
	(1u << SIP_FIELD_CONTACT | 1u << SIP_FIELD_RECORD_ROUTE)

/* The headers of this message that may say where a party can be reached. */
static u32 telling_fields(const struct sip_msg *msg, bool news)
{
	u32 fields = msg->request ? ~TARGET_FIELDS : 0;

	/* from 300 on it says where others are (RFC 3261 21.3) */
	if (news && msg->status < 300 && sip_method_is(msg, SIP_OPENS_PINHOLES))
		fields |= TARGET_FIELDS;
	if (msg->method != SIP_METHOD_REFER)
		fields &= ~(1u << SIP_FIELD_REFER_TO);
	return fields;
}

/* Only the topmost Via is the sender's own. */
static bool is_telling(const struct sip_host *host, u32 fields)
{
	return fields & 1u << host->field &&
	       !(host->field == SIP_FIELD_VIA && host->value);
}

static void learn_host(struct sipalg_call *call, u8 side, u16 fork,
		       const struct sipalg_flow *flow,
		       const struct sip_host *host)
{
	struct sipalg_sig_pinhole pinhole = { .side = side,
					  .fork = fork,
					  .field = host->field };

	if (host->field == SIP_FIELD_ROUTE) {
		pinhole.side = !side;
		pinhole.fork = 0;
	}
	pinhole.l4proto = sipalg_uri_l4proto(host, flow->l4proto);
	if (find_pinhole(flow, host, &pinhole))
		pinhole_add(call, flow, &pinhole);
	/* who writes no transport may mean the connection that it speaks by */
	if (pinhole.l4proto == flow->l4proto ||
	    sipalg_uri_is_strict(host, flow->l4proto))
		return;
	pinhole.l4proto = flow->l4proto;
	if (find_pinhole(flow, host, &pinhole))
		pinhole_add(call, flow, &pinhole);
}

/* R3: a route from outside that only looks as if it were the sender's. */
static bool is_foreign(const struct sipalg_flow *flow, const struct sip_msg *msg,
		       const struct sip_host *host)
{
	return (host->field == SIP_FIELD_ROUTE ||
		host->field == SIP_FIELD_RECORD_ROUTE) &&
	       sipalg_flow_from_inside(flow) &&
	       sipalg_ip_equal(&host->addr, &flow->src.ip) &&
	       sipalg_echo_keep_foreign(flow, msg, host);
}

/* Returns the fields in which the message has named addresses. */
static u32 learn_hosts(struct sipalg_call *call, const struct sipalg_plan *plan,
		       const struct sipalg_flow *flow, const struct sip_msg *msg,
		       u32 fields)
{
	u32 named = 0;
	unsigned int i;

	for (i = 0; fields && i < msg->host_count; i++) {
		const struct sip_host *host = &msg->hosts[i];

		if (!is_telling(host, fields) ||
		    field_setting[host->field] == SIPALG_NO_PINHOLE ||
		    !sipalg_setting(call->sn, field_setting[host->field]) ||
		    is_foreign(flow, msg, host))
			continue;
		named |= 1u << host->field;
		learn_host(call, plan->side, plan->fork, flow, host);
	}
	return named;
}

void sipalg_sig_expect_learn(struct sipalg_call *call, const struct sipalg_plan *plan,
			     const struct sipalg_flow *flow, const struct sip_msg *msg)
{
	/* what is repeated, or was overtaken, moves nobody */
	bool news = plan->act && !plan->retransmitted && !plan->stale;
	u32 named = learn_hosts(call, plan, flow, msg, telling_fields(msg, news));
	struct sipalg_sig_pinholes *all = call->sig_pinholes;
	unsigned int i;
	bool targets;

	if (!all)
		return;
	replace(all, plan->side, plan->fork, named & ~TARGET_FIELDS);
	targets = named & 1u << SIP_FIELD_CONTACT &&
		  name_targets(all, plan->side, plan->fork);
	/* a Contact in an ACK is beside the target, and yet some phones mean it (S3-45) */
	if (news && sip_method_is(msg, SIP_TARGET_REFRESH))
		refresh_targets(call, plan, msg, targets);
	for (i = 0; i < all->count; i++)
		all->pinhole[i].fresh = false;
}

static bool is_allowed(const struct sipalg_call *call,
		       const struct sipalg_sig_pinhole *pinhole)
{
	return sipalg_setting(call->sn, SIPALG_MODE) >= SIPALG_MODE_PINHOLES &&
	       sipalg_setting(call->sn, field_setting[pinhole->field]);
}

/*
 * Before a response, addresses in a single INVITE get no pinhole (H-25), even if
 * its To has a tag; the response itself uses Via.
 */
static bool may_all_open(const struct sipalg_call *call)
{
	return sipalg_call_both_spoke(call) && !list_empty(&call->dialogs);
}

/* Any sender, or the other party: its source address and its Contact. */
static void find_senders(const struct sipalg_call *call,
			 const struct sipalg_sig_pinhole *pinhole,
			 const union nf_inet_addr *src[SIPALG_MAX_SIG_PEERS])
{
	static const union nf_inet_addr any;

	if (pinhole->inside && sipalg_setting(call->sn, SIPALG_SIGNALLING_SOURCE) ==
			SIPALG_SIGNALLING_SOURCE_ANY) {
		src[0] = &any;
		src[1] = &any;
		return;
	}
	src[0] = &call->party[!pinhole->side].ip;
	src[1] = &call->contact[!pinhole->side];
}

static void open_pinhole(struct sipalg_call *call, struct sipalg_sig_pinhole *pinhole,
			 const struct sipalg_flow *flow,
		     struct sipalg_sig_peer *sender)
{
	const union nf_inet_addr *seen = &call->public[!pinhole->side].ip;
	struct sipalg_shared_expect_key key;
	struct sipalg_face *face = NULL;

	if (!sipalg_ip_equal(seen, &call->party[!pinhole->side].ip)) {
		face = sipalg_face_get(flow, seen);
		if (!face)
			return;
	}
	memset(&key, 0, sizeof(key));
	key.dst.ip = pinhole->dst.ip;
	key.dst.port = pinhole->dst.port;
	key.src = sender->src;
	key.family = flow->family;
	key.l4proto = pinhole->l4proto;
	key.zone = call->zone[!pinhole->side];
	sender->shared = sipalg_shared_expect_get(flow, &key, &pinhole->real,
						  face, call->quota);
	sipalg_face_put(face);
}

/*
 * From inside to where the call goes anyway: the rule that attached the helper
 * to it decides whether it stays attached (H-22).
 */
static bool is_flow_itself(const struct sipalg_call *call,
			   const struct sipalg_sig_pinhole *pinhole)
{
	return pinhole->l4proto == call->l4proto &&
	       sipalg_addr_equal(&pinhole->dst, &pinhole->real) &&
	       sipalg_addr_equal(&pinhole->dst, &call->public[pinhole->side]);
}

/* The second sender must be known, and another one. */
static bool is_wanted(const struct sipalg_call *call,
		      const struct sipalg_sig_pinhole *pinhole,
		      const union nf_inet_addr *src[SIPALG_MAX_SIG_PEERS],
		      unsigned int i)
{
	if (!i)
		return !is_flow_itself(call, pinhole);
	return memchr_inv(src[i], 0, sizeof(*src[i])) &&
	       !sipalg_ip_equal(src[i], src[0]);
}

static void sync_pinhole(struct sipalg_call *call, struct sipalg_sig_pinhole *pinhole,
			 const struct sipalg_flow *flow)
{
	const union nf_inet_addr *src[SIPALG_MAX_SIG_PEERS];
	unsigned int i;

	find_senders(call, pinhole, src);
	for (i = 0; i < SIPALG_MAX_SIG_PEERS; i++) {
		struct sipalg_sig_peer *sender = &pinhole->sender[i];

		if (pinhole->tried & BIT(i) &&
		    sipalg_ip_equal(&sender->src, src[i])) {
			if (sender->shared)
				sipalg_shared_expect_repair(sender->shared);
			continue;
		}
		if (sender->shared)
			sipalg_shared_expect_put(sender->shared);
		*sender = (struct sipalg_sig_peer){ .src = *src[i] };
		pinhole->tried |= BIT(i);
		if (!is_wanted(call, pinhole, src, i))
			continue;
		open_pinhole(call, pinhole, flow, sender);
		/* tables that were full may have room with the next message */
		if (!sender->shared && sipalg_expects_are_full(call->sn))
			pinhole->tried &= ~BIT(i);
	}
}

void sipalg_sig_expect_sync(struct sipalg_call *call,
			    const struct sipalg_flow *flow)
{
	struct sipalg_sig_pinholes *opened = call->sig_pinholes;
	bool all = may_all_open(call);
	unsigned int i;

	for (i = 0; opened && i < opened->count; i++) {
		struct sipalg_sig_pinhole *pinhole = &opened->pinhole[i];

		if ((all || pinhole->field == SIP_FIELD_VIA) && is_allowed(call, pinhole))
			sync_pinhole(call, pinhole, flow);
	}
}

void sipalg_sig_expect_settings(struct sipalg_call *call,
				const struct sipalg_flow *flow)
{
	unsigned int i;

	for (i = 0; call->sig_pinholes && i < call->sig_pinholes->count; i++)
		if (!is_allowed(call, &call->sig_pinholes->pinhole[i]))
			pinhole_close(&call->sig_pinholes->pinhole[i]);
	if (flow)
		sipalg_sig_expect_sync(call, flow);
}

bool sipalg_sig_pinhole_restore(struct sipalg_call *call,
				const struct sipalg_flow *flow,
				const struct sipalg_sig_pinhole *from)
{
	struct sipalg_sig_pinhole new = *from;

	if (new.field >= SIP_FIELD_MAX ||
	    field_setting[new.field] == SIPALG_NO_PINHOLE || !make_room(call) ||
	    !find_face(flow, &new))
		return false;
	new.fresh = false;
	if (is_before(call->sig_pinholes->order, new.order))
		call->sig_pinholes->order = new.order;
	call->sig_pinholes->pinhole[call->sig_pinholes->count++] = new;
	return true;
}

const struct sipalg_sig_pinhole *
sipalg_sig_pinhole_nth(const struct sipalg_call *call, unsigned int i)
{
	const struct sipalg_sig_pinholes *all = call->sig_pinholes;

	return all && i < all->count ? &all->pinhole[i] : NULL;
}

void sipalg_sig_expect_lose(struct sipalg_call *call)
{
	struct sipalg_sig_pinholes *all = call->sig_pinholes;
	unsigned int i = 0;

	while (all && i < all->count)
		if (sipalg_face_is_lost(all->pinhole[i].face))
			pinhole_forget(all, i);
		else
			i++;
}

void sipalg_sig_expect_close(struct sipalg_call *call)
{
	struct sipalg_sig_pinholes *all = call->sig_pinholes;

	if (!all)
		return;
	while (all->count)
		pinhole_forget(all, all->count - 1);
	call->sig_pinholes = NULL;
	atomic_long_sub(struct_size(all, pinhole, all->room), &call->sn->memory);
	kfree(all);
}
