// SPDX-License-Identifier: GPL-2.0-only
/* Opens media pinholes, and sets up NAT of the connections they admit. */
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include "core/call.h"
#include "core/compat.h"
#include "core/long_timer.h"
#include "core/net.h"
#include "media/activity.h"
#include "media/media.h"
#include "media/media_ct.h"
#include "media/media_expect.h"
#include "media/port.h"
#include "media/way_out.h"
#include "nat/expect.h"

#define RETRY_INTERVAL	HZ	/* for pinholes whose expectation was refused */
#define THIN_INTERVAL	HZ	/* until media that has begun may flow both ways */
#define THIN_WITHIN	(30 * HZ)
#define MAX_DOUBLINGS	3	/* first retry: calls that end free their pinholes soon */

void sipalg_media_release(struct sipalg_media *media, bool kill)
{
	unsigned int i;

	for (i = 0; i < SIPALG_PORTS; i++) {
		if (media->exp[i] || media->in_table)
			media->opened_late = true;
		media->cleared_for = NULL;
		sipalg_expect_close(media->call->sn, &media->exp[i]);
	}
	sipalg_way_out_leave(media);
	sipalg_media_cts_end(media, kill);
}

void sipalg_media_cut(struct sipalg_media *media)
{
	media->cleared_for = NULL;
	sipalg_media_cts_end(media, true);
}

bool sipalg_media_leads_out(const struct sipalg_media *media)
{
	return media->call->answered && !media->translated &&
	       media->side != media->call->inner;
}

/*
 * Test whether a phone behind NAT names an outside host (S3-46). An inside address
 * named by an outside peer may belong to the peer's own private network.
 */
static bool names_outsider(const struct sipalg_call *call,
			   const struct sipalg_media *media)
{
	return media && media->outside &&
	       !sipalg_ip_equal(&call->party[media->side].ip,
				&call->public[media->side].ip);
}

/* Its newest refresh may have come from another of a provider's hosts. */
static const union nf_inet_addr *signals_from(const struct sipalg_call *call,
					      unsigned int side)
{
	const union nf_inet_addr *moved = &call->speaker[side];

	return memchr_inv(moved, 0, sizeof(*moved)) ? moved :
						      &call->party[side].ip;
}

/*
 * Allowed source of this media. Towards a phone behind NAT: as media-source says.
 * From a phone behind NAT to the outside: that phone only, so that two calls to
 * one media server do not conflict (also S3-46). Otherwise any.
 */
static const union nf_inet_addr *
allowed_source(const struct sipalg_media *media, const struct sipalg_media *other)
{
	const struct sipalg_call *call = media->call;

	if (other && other->family != media->family)
		other = NULL;
	/* of the other family than signalling: only descriptions name senders */
	if (media->family != call->family)
		return other && sipalg_setting(call->sn, SIPALG_MEDIA_SOURCE) ==
					SIPALG_MEDIA_SOURCE_ANSWER ?
			       &other->private : NULL;
	if (!media->translated && other && other->translated)
		return &other->private;
	if (names_outsider(call, other))
		return &call->party[other->side].ip;

	switch (sipalg_setting(call->sn, SIPALG_MEDIA_SOURCE)) {
	case SIPALG_MEDIA_SOURCE_ANSWER:
		return other ? &other->private : NULL;
	case SIPALG_MEDIA_SOURCE_SIGNALLING:
		return signals_from(call, !media->side);
	default:
		return NULL;
	}
}

/*
 * Media that arrived too early, on hold, or after an earlier call with the same
 * ports has created a connection without translation, which each further packet
 * would keep alive.
 */
static void clear_port(const struct sipalg_media *media,
		       const struct sipalg_media *other, unsigned int port)
{
	const struct nf_conntrack_zone zone = {
		.id = media->call->zone[!media->side],
		.dir = NF_CT_DEFAULT_ZONE_DIR,
	};
	struct nf_conntrack_tuple_hash *hash;
	struct nf_conntrack_tuple tuple = {};
	struct nf_conn *ct;

	tuple.src.l3num = media->family;
	tuple.src.u3 = other->private;
	tuple.src.u.udp.port = other->private_port[port];
	tuple.dst.u3 = media->public;
	tuple.dst.u.udp.port = media->public_port[port];
	tuple.dst.protonum = media->l4proto;
	tuple.dst.dir = IP_CT_DIR_ORIGINAL;

	hash = nf_conntrack_find_get(media->call->sn->net, &zone, &tuple);
	if (!hash)
		return;
	ct = nf_ct_tuplehash_to_ctrack(hash);
	if (NF_CT_DIRECTION(hash) == IP_CT_DIR_ORIGINAL &&
	    !sipalg_master_has(media->call->master, ct))
		nf_ct_kill(ct);
	nf_ct_put(ct);
}

/*
 * A phone that sent media before the module was loaded has a connection from that
 * time, with another public port than its present one (S3-11).
 */
static void clear_sender(const struct sipalg_media *media,
			 const struct sipalg_media *other, unsigned int port)
{
	const struct sipalg_addr wanted = { media->public, media->public_port[port] };
	struct sipalg_addr face;
	struct nf_conn *ct;

	ct = sipalg_media_ct_find(media, other, port, &face);
	if (!ct)
		return;
	if (!sipalg_master_has(media->call->master, ct) &&
	    !sipalg_addr_equal(&face, &wanted))
		nf_ct_kill(ct);
	nf_ct_put(ct);
}

/* Once for each peer that may send here; no peer sends to an address it was not given. */
static void clear_way(struct sipalg_media *media,
		      const struct sipalg_media *other)
{
	unsigned int i;

	if (!other || media->cleared_for == other ||
	    (!media->translated && !media->opened_late))
		return;
	media->cleared_for = other;
	for (i = 0; i < media->ports; i++)
		if (media->exp[i]) {
			clear_port(media, other, i);
			if (media->translated &&
			    (media->resumed || media->opened_late))
				clear_sender(media, other, i);
		}
}

static struct nf_conn *find_ct(const struct sipalg_call *call, u16 id, u8 family,
			       u8 l4proto, const struct sipalg_addr *src,
			       const struct sipalg_addr *dst)
{
	const struct nf_conntrack_zone zone = {
		.id = id,
		.dir = NF_CT_DEFAULT_ZONE_DIR,
	};
	const struct nf_conntrack_tuple tuple = {
		.src.l3num = family,
		.src.u3 = src->ip,
		.src.u.all = src->port,
		.dst.u3 = dst->ip,
		.dst.u.all = dst->port,
		.dst.protonum = l4proto,
		.dst.dir = IP_CT_DIR_ORIGINAL,
	};
	struct nf_conntrack_tuple_hash *hash;
	struct nf_conn *ct;

	hash = nf_conntrack_find_get(call->sn->net, &zone, &tuple);
	if (!hash)
		return NULL;
	ct = nf_ct_tuplehash_to_ctrack(hash);
	if (NF_CT_DIRECTION(hash) == IP_CT_DIR_ORIGINAL)
		return ct;
	nf_ct_put(ct);	/* it is found from its other end */
	return NULL;
}

/* The call's own, or not what its parties have been told. Drops the reference. */
static void adopt(struct sipalg_media *media, struct nf_conn *ct, bool fits)
{
	if (!ct)
		return;
	if (!fits)
		nf_ct_kill(ct);
	else if (!sipalg_media_ct_has(media, ct) && !nf_ct_is_dying(ct))
		sipalg_media_ct_add(media, ct);
	nf_ct_put(ct);
}

/* What comes by the way in to @media, and what leaves by the way out to @other. */
static void adopt_port(struct sipalg_media *media, struct sipalg_media *other,
		       unsigned int port)
{
	const struct sipalg_addr public = { media->public, media->public_port[port] };
	const struct sipalg_addr own = { media->private, media->private_port[port] };
	const struct sipalg_addr peer = { other->private, other->private_port[port] };
	const struct sipalg_addr seen = { other->public, other->public_port[port] };
	struct sipalg_call *call = media->call;
	const struct nf_conntrack_tuple *back;
	struct nf_conn *ct;

	ct = find_ct(call, call->zone[other->side], media->family, media->l4proto,
		     &peer, &public);
	back = ct ? &ct->tuplehash[IP_CT_DIR_REPLY].tuple : NULL;
	adopt(media, ct, back && sipalg_ip_equal(&back->src.u3, &own.ip) &&
	      back->src.u.all == own.port);

	ct = find_ct(call, call->zone[media->side], media->family, media->l4proto,
		     &own, &seen);
	back = ct ? &ct->tuplehash[IP_CT_DIR_REPLY].tuple : NULL;
	adopt(other, ct, back && sipalg_ip_equal(&back->dst.u3, &public.ip) &&
	      back->dst.u.all == public.port);
}

void sipalg_media_adopt(struct sipalg_call *call)
{
	struct sipalg_media *media, *other;
	unsigned int i;

	list_for_each_entry(media, &call->media, list) {
		other = sipalg_media_mate(media);
		if (!other || other->family != media->family ||
		    !sipalg_media_holds_ports(media) ||
		    (!media->translated && other->translated) || media->hairpin)
			continue;
		for (i = 0; i < media->ports; i++)
			adopt_port(media, other, i);
	}
}

/* A call that is over keeps its media for teardown-delay, unless another one wants it. */
static bool gives_way(const struct sipalg_call *call)
{
	return call->state == SIPALG_CALL_BYE_SENT ||
	       call->state == SIPALG_CALL_FAILED;
}

static int open_port(struct sipalg_media *media,
		     const struct sipalg_media *other, unsigned int port)
{
	const struct sipalg_expect pinhole = {
		.class = port == SIPALG_RTP ? SIPALG_CLASS_RTP :
					      SIPALG_CLASS_RTCP,
		.family = media->family,
		.l4proto = media->l4proto,
		.zone = media->call->zone[!media->side],
		.src_ip = allowed_source(media, other),
		.dst = { media->public, media->public_port[port] },
		.real = { media->private, media->private_port[port] },
	};
	struct sipalg_call *call = media->call;
	int err;

	err = sipalg_expect_open(call->sn, call->master, &pinhole,
				 &media->exp[port]);
	/* on a standby such calls are opened as well, and ask nobody */
	if (err == -EBUSY && !gives_way(call) &&
	    sipalg_expect_make_way(call->master, &pinhole))
		err = sipalg_expect_open(call->sn, call->master, &pinhole,
					 &media->exp[port]);
	return err;
}

/*
 * An offered stream is open to anyone until the answer names the peer. A later
 * answer may name another.
 */
static bool may_narrow(const struct sipalg_media *media,
		       const struct sipalg_media *other)
{
	return media->hairpin || names_outsider(media->call, other) ||
	       sipalg_setting(media->call->sn, SIPALG_MEDIA_SOURCE) !=
			SIPALG_MEDIA_SOURCE_ANY;
}

static void narrow(struct sipalg_media *media, const struct sipalg_media *other)
{
	const union nf_inet_addr *src = allowed_source(media, other);
	unsigned int i;

	if (!src || !may_narrow(media, other))
		return;
	for (i = 0; i < media->ports; i++)
		if (media->exp[i] &&
		    !sipalg_ip_equal(src, &media->exp[i]->tuple.src.u3)) {
			sipalg_media_release(media, true);
			return;
		}
}

static bool is_wanted(const struct sipalg_media *media)
{
	if (!sipalg_media_holds_ports(media))
		return false;
	if (media->held &&
	    !sipalg_setting(media->call->sn, SIPALG_RETAIN_HOLD_RESOURCE))
		return false;
	if (media->idle && !sipalg_media_leads_out(media))
		return false;
	return !sipalg_media_is_lost(media) && !media->outside &&
	       (media->offered || media->active);
}

/* Two media of one side: test for the same address. Public ports never are the same. */
static bool is_same(const struct sipalg_media *media, unsigned int port,
		    const struct sipalg_media *other, unsigned int other_port)
{
	return media->public_port[port] == other->public_port[other_port] &&
	       media->side == other->side && media->l4proto == other->l4proto &&
	       sipalg_ip_equal(&media->public, &other->public);
}

/* H-16: an unneeded pinhole may occupy the port of another stream. */
static unsigned int ports_wanted(const struct sipalg_media *media)
{
	if (!is_wanted(media))
		return 0;
	return media->muxed ? 1 : media->ports;
}

/*
 * A host without RTCP may have the RTP port of its next stream there, and a=rtcp
 * may name the RTP port itself: such packets are RTP's.
 */
static bool rtcp_is_rtp(const struct sipalg_media *media)
{
	const struct sipalg_media *other;

	list_for_each_entry(other, &media->call->media, list)
		if (is_same(media, SIPALG_RTCP, other, SIPALG_RTP) &&
		    ports_wanted(other))
			return true;
	return false;
}

/*
 * Two forks may be one host, and a new description may differ from the one in
 * force in RTCP only: the newest has the pinhole. Conntrack would replace the
 * expectation silently, and both would lose it.
 */
static bool has_newer(const struct sipalg_media *media, unsigned int port)
{
	const struct sipalg_media *other = media;

	list_for_each_entry_continue(other, &media->call->media, list)
		if (is_same(media, port, other, port) &&
		    port < ports_wanted(other))
			return true;
	return false;
}

static bool needs_port(const struct sipalg_media *media, unsigned int port)
{
	if (port >= ports_wanted(media) || media->in_table)
		return false;
	if (media->translated)
		return true;
	return !(port == SIPALG_RTCP && rtcp_is_rtp(media)) &&
	       !has_newer(media, port);
}

static int sync_media(struct sipalg_media *media)
{
	const struct sipalg_media *other = sipalg_media_mate(media);
	unsigned int i;
	int err;

	if (!is_wanted(media)) {
		/* released with all that came through (S3-32) */
		sipalg_media_release(media, true);
		return 0;
	}
	narrow(media, other);
	if (!sipalg_way_out_is_for(media, other))
		sipalg_way_out_leave(media);
	for (i = 0; i < media->ports; i++) {
		if (!needs_port(media, i)) {
			sipalg_expect_close(media->call->sn, &media->exp[i]);
			continue;
		}
		/* an administrator may have flushed it: then it opens again */
		sipalg_expect_prolong(media->call->sn, &media->exp[i]);
		if (media->exp[i])
			continue;
		err = sipalg_way_out_is_taken(media, other) ?
			      -EBUSY : open_port(media, other, i);
		if (err == -EBUSY && media->translated)
			sipalg_port_refused(media->call->sn, media, i);
		if (err && media->translated && !media->ice_untouched)
			return err;
		/*
		 * Another call has a hole to this very address: media passes
		 * by that one, and the call's timer tries again.
		 */
		if (err)
			media->call->incomplete = true;
	}
	clear_way(media, other);
	return 0;
}

static const struct sipalg_expect_ops media_ops;

struct nf_conn *sipalg_media_master(struct sipalg_call *call,
				    const struct sipalg_origin *origin)
{
	call->master = sipalg_master_restore(call->sn, origin, &media_ops, call);
	return call->master;
}

static int sync_call(struct sipalg_call *call, const struct sipalg_flow *flow)
{
	struct sipalg_media *media;
	int err;

	if (list_empty(&call->media) ||
	    sipalg_setting(call->sn, SIPALG_MODE) < SIPALG_MODE_PINHOLES)
		return 0;
	if (!call->master && flow)
		call->master = sipalg_master_alloc(flow, &media_ops, call);
	if (!call->master)	/* only a message can bring one: no use in waiting */
		return flow ? sipalg_master_error(call->sn) : 0;

	list_for_each_entry(media, &call->media, list) {
		err = sync_media(media);
		if (err)
			return err;
	}
	return 0;
}

static int sync_or_wait(struct sipalg_call *call, const struct sipalg_flow *flow)
{
	int err;

	call->incomplete = false;
	err = sync_call(call, flow);
	if (err && !flow)	/* no message that would come again */
		call->incomplete = true;
	if (call->incomplete)
		sipalg_call_timer_reduce(call, SIPALG_TIMER_MEDIA,
					 RETRY_INTERVAL << call->retries);
	return err;
}

/* What was told may not be what flows: until that is seen again all have pinholes. */
static bool leave_table(struct sipalg_call *call)
{
	struct sipalg_media *media;
	bool any = false;

	list_for_each_entry(media, &call->media, list) {
		any |= media->in_table;
		sipalg_way_out_leave(media);
	}
	if (any)
		sipalg_call_timer_reduce(call, SIPALG_TIMER_MEDIA,
					 THIN_INTERVAL);
	return any;
}

void sipalg_media_thicken(struct sipalg_call *call)
{
	if (leave_table(call))
		sync_or_wait(call, NULL);
}

int sipalg_media_sync(struct sipalg_call *call, const struct sipalg_flow *flow)
{
	call->retries = 0;
	if (flow)
		leave_table(call);
	return sync_or_wait(call, flow);
}

static bool is_flushed(const struct sipalg_media *media)
{
	return sipalg_expect_is_gone(media->exp[SIPALG_RTP]) ||
	       sipalg_expect_is_gone(media->exp[SIPALG_RTCP]);
}

void sipalg_media_repair(struct sipalg_call *call,
			 const struct sipalg_flow *flow)
{
	struct sipalg_media *media;

	list_for_each_entry(media, &call->media, list)
		if (is_flushed(media)) {
			sipalg_media_sync(call, flow);
			return;
		}
}

void sipalg_media_retry(struct sipalg_call *call)
{
	if (call->retries < MAX_DOUBLINGS)
		call->retries++;
	sync_or_wait(call, NULL);
}

/* Whom a pinhole lets in; NULL: anyone. */
static const union nf_inet_addr *lets_in(const struct nf_conntrack_expect *exp)
{
	return memchr_inv(&exp->mask.src.u3, 0, sizeof(exp->mask.src.u3)) ?
		       &exp->tuple.src.u3 : NULL;
}

static bool is_as_set(const struct sipalg_media *media,
		      const struct nf_conntrack_expect *exp)
{
	const union nf_inet_addr *wanted =
		allowed_source(media, sipalg_media_mate(media));
	const union nf_inet_addr *now = lets_in(exp);

	if (!wanted || !now)
		return wanted == now;
	return sipalg_ip_equal(wanted, now);
}

/* What flows goes on; who may not any more is cut off with the rest of it. */
static void reshape(struct sipalg_media *media, bool all)
{
	unsigned int i;

	for (i = 0; i < SIPALG_PORTS; i++) {
		if (!media->exp[i] || (!all && is_as_set(media, media->exp[i])))
			continue;
		if (!all && allowed_source(media, sipalg_media_mate(media)))
			sipalg_media_cut(media);
		sipalg_expect_close(media->call->sn, &media->exp[i]);
	}
}

void sipalg_media_settings(struct sipalg_call *call,
			   const struct sipalg_flow *flow)
{
	bool none = sipalg_setting(call->sn, SIPALG_MODE) < SIPALG_MODE_PINHOLES;
	struct sipalg_media *media;

	list_for_each_entry(media, &call->media, list)
		reshape(media, none);
	if (none)
		return;
	sipalg_media_sync(call, flow);
	sipalg_media_look(call);
}

/* Is it the other party that sends, from where its media or signalling is? */
static bool is_sender(const struct sipalg_media *media, const struct nf_conn *ct)
{
	const union nf_inet_addr *src =
		&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple.src.u3;
	const struct sipalg_media *other = sipalg_media_mate(media);

	return sipalg_ip_equal(src, &media->call->party[!media->side].ip) ||
	       (other && sipalg_ip_equal(src, &other->private));
}

static void start_timer(struct sipalg_call *call, unsigned long time)
{
	if (!READ_ONCE(call->sn->dying) &&
	    !sipalg_long_timer_reduce(&call->timer, jiffies + time))
		refcount_inc(&call->refs);
}

/* The phone speaks after a long silence: who answers comes in again (S2-5). */
static void wake(struct sipalg_call *call, const struct sipalg_media *spoken)
{
	struct sipalg_media *media;

	list_for_each_entry(media, &call->media, list) {
		if (media->index != spoken->index)
			continue;
		media->idle = false;
		sipalg_media_seen(media, 0);
	}
	sipalg_media_sync(call, NULL);
	sipalg_media_look(call);
	/* its timer does the rest: it knows who listens, and what comes next */
	start_timer(call, 0);
}

/* Is there what the table of ways out could do in its place? */
static bool may_thin(const struct sipalg_media *media,
		     const struct sipalg_media *other)
{
	return !media->translated && !media->hairpin && media->exp[SIPALG_RTP] &&
	       other && other->translated;
}

bool sipalg_media_admit(struct sipalg_media *media, struct nf_conn *ct)
{
	struct sipalg_call *call = media->call;
	struct sipalg_media *other = sipalg_media_mate(media);
	bool welcome = sipalg_media_ct_add(media, ct);

	sipalg_media_seen(media, 0);
	if (welcome && media->idle && is_sender(media, ct))
		wake(call, media);
	if (may_thin(media, other) || (other && may_thin(other, media))) {
		sipalg_call_timer_reduce(call, SIPALG_TIMER_MEDIA, THIN_INTERVAL);
		start_timer(call, THIN_INTERVAL);
	}
	return welcome;
}

void sipalg_media_thin(struct sipalg_call *call)
{
	struct sipalg_media *media, *other;
	bool waits = false;
	unsigned int i;

	list_for_each_entry(media, &call->media, list) {
		other = sipalg_media_mate(media);
		if (!may_thin(media, other))
			continue;
		if (!sipalg_media_cts_flow(media) && !sipalg_media_cts_flow(other)) {
			waits |= sipalg_since(media->seen) < THIN_WITHIN ||
				 sipalg_since(other->seen) < THIN_WITHIN;
			continue;
		}
		if (!sipalg_way_out_enter(media, other))
			continue;
		for (i = 0; i < SIPALG_PORTS; i++)
			sipalg_expect_close(call->sn, &media->exp[i]);
	}
	if (waits)
		sipalg_call_timer_reduce(call, SIPALG_TIMER_MEDIA, THIN_INTERVAL);
}

static struct sipalg_media *find_by_exp(struct sipalg_call *call,
					struct nf_conntrack_expect *exp,
					unsigned int *port)
{
	struct sipalg_media *media;

	list_for_each_entry(media, &call->media, list)
		for (*port = 0; *port < media->ports; (*port)++)
			if (media->exp[*port] == exp)
				return media;
	return NULL;
}

/* Has the phone that sends from this address been promised a port by it? */
static bool names_sender(const struct sipalg_media *media,
			 const struct nf_conntrack_tuple *tuple,
			 struct sipalg_addr *face)
{
	unsigned int i;

	if (!media->translated || sipalg_media_is_lost(media) ||
	    !sipalg_ip_equal(&media->private, &tuple->src.u3))
		return false;
	for (i = 0; i < media->ports; i++)
		if (media->private_port[i] == tuple->src.u.all) {
			face->ip = media->public;
			face->port = media->public_port[i];
			return true;
		}
	return false;
}

/* What was promised last goes for what is described twice. */
static bool sender_face(struct sipalg_call *call, enum sipalg_side side,
			const struct nf_conntrack_tuple *tuple,
			struct sipalg_addr *face)
{
	struct sipalg_media *media;
	bool found = false;

	list_for_each_entry(media, &call->media, list)
		if (media->side == side)
			found |= names_sender(media, tuple, face);
	return found;
}

/* Takes the call's lock. */
static bool media_face(void *owner, const struct nf_conn *ct,
		       struct sipalg_addr *public)
{
	struct sipalg_call *call = owner;
	const struct nf_conntrack_tuple *tuple =
		&ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	struct sipalg_media *media;
	bool found = false;

	spin_lock_bh(&call->lock);
	list_for_each_entry(media, &call->media, list)
		if (sipalg_media_ct_has(media, ct)) {
			found = !media->hairpin &&
				sender_face(call, !media->side, tuple, public);
			break;
		}
	spin_unlock_bh(&call->lock);
	return found;
}

/* Takes the call's lock. */
static void media_expected(void *owner, struct nf_conn *ct,
			   struct nf_conntrack_expect *exp)
{
	struct sipalg_call *call = owner;
	bool to_inside = false, welcome = false;
	struct sipalg_media *media;
	struct sipalg_addr real;
	unsigned int port;

	spin_lock_bh(&call->lock);
	media = find_by_exp(call, exp, &port);
	if (media) {
		to_inside = media->translated;
		real.ip = media->private;
		real.port = media->private_port[port];
		welcome = sipalg_media_admit(media, ct);
	}
	spin_unlock_bh(&call->lock);

	if (!welcome) {
		/* conntrack drops what is dying before it is confirmed */
		set_bit(IPS_DYING_BIT, &ct->status);
		return;
	}
	if (to_inside)
		sipalg_expect_nat(ct, &real, false);
}

/*
 * A call that is over keeps its media for teardown-delay. The next one of the
 * same phone to the same place need not wait, and takes no connection over from
 * it that has another public port. Whoever is at that call now is not waited for.
 */
static bool media_give_way(void *owner)
{
	struct sipalg_call *call = owner;
	bool over;

	if (!spin_trylock(&call->lock))
		return false;
	over = call->linked && gives_way(call);
	if (over)
		sipalg_media_close(call);
	spin_unlock(&call->lock);
	return over;
}

static const struct sipalg_expect_ops media_ops = {
	.expected = media_expected,
	.face = media_face,
	.give_way = media_give_way,
};
