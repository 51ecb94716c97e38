// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hash by public address and RTP port. It keeps two calls on two CPUs from
 * choosing the same pair before their pinholes are in conntrack's table.
 */
#include <linux/jhash.h>
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include "core/compat.h"
#include "core/net.h"
#include "media/media.h"
#include "media/media_ct.h"
#include "media/port.h"
#include "nat/face.h"
#include "nat/mapping.h"
#include "nat/occupied.h"

/* The last free pair of STEPS is always found, in a wider range probably. */
#define PORT_GUESSES	128
#define PORT_STEPS	64
#define PORT_RUN	1024	/* that are asked for a run of them at most */

/**
 * struct port_key - a public address and RTP port
 * @ip: the address
 * @port: host byte order
 * @zone: where the address is: &sipalg_face.zone
 * @l3mdev: the same: &sipalg_face.l3mdev
 */
struct port_key {
	const union nf_inet_addr *ip;
	u16 port;
	u16 zone;
	int l3mdev;
};

/**
 * struct port_search - whose port is looked for, and what was found on the way
 * @flow: the signalling flow
 * @media: with all but its public ports
 * @more: pairs that must be had behind its own
 * @lent: the port that others can best do without, 0: none; host byte order
 * @state: enum sipalg_port_state of it
 * @quiet: for how long nothing was heard of its holder, jiffies
 */
struct port_search {
	const struct sipalg_flow *flow;
	const struct sipalg_media *media;
	u16 more;
	u16 lent;
	u8 state;
	u32 quiet;
};

#define NEIGHBOURS	8

/*
 * Adjacent ports are looked up together, so their buckets are adjacent, in one
 * cache line. The position of the group is hashed with a secret: a phone chooses
 * its ports, but must not choose the bucket.
 */
static u32 hash(const union nf_inet_addr *ip, u16 port, u32 seed)
{
	/* the router's own addresses: nobody else chooses them */
	u32 address = ip->all[0] ^ ip->all[1] ^ ip->all[2] ^ ip->all[3];

	return jhash_2words(address, port / NEIGHBOURS, seed) + port % NEIGHBOURS;
}

static u32 hash_key(const void *data, u32 len, u32 seed)
{
	const struct port_key *key = data;

	return hash(key->ip, key->port, seed);
}

static u32 hash_object(const void *data, u32 len, u32 seed)
{
	const struct sipalg_media *media = data;

	return hash(&media->public, ntohs(media->public_port[SIPALG_RTP]), seed);
}

static int compare(struct rhashtable_compare_arg *arg, const void *object)
{
	const struct port_key *key = arg->key;
	const struct sipalg_media *media = object;

	return ntohs(media->public_port[SIPALG_RTP]) != key->port ||
	       !sipalg_ip_equal(&media->public, key->ip) ||
	       media->face->zone != key->zone ||
	       media->face->l3mdev != key->l3mdev;
}

static const struct rhashtable_params port_params = {
	.head_offset = offsetof(struct sipalg_media, port_node),
	.hashfn = hash_key,
	.obj_hashfn = hash_object,
	.obj_cmpfn = compare,
	.automatic_shrinking = true,
};

/* Whose is this port of a media's address? Caller holds the lock. */
static struct sipalg_media *find(struct sipalg_net *sn,
				 const struct sipalg_face *face, u16 port)
{
	const struct port_key key = {
		.ip = &face->ip,
		.port = port,
		.zone = face->zone,
		.l3mdev = face->l3mdev,
	};

	return rhashtable_lookup_fast(&sn->ports, &key, port_params);
}

/*
 * Who holds the port at an offset from the media's own, or overlaps with it from
 * below by RTCP. Caller holds the lock.
 */
static struct sipalg_media *holder(const struct port_search *search, u16 port,
				   int offset)
{
	struct sipalg_media *media = find(search->flow->sn, search->media->face,
					  port + offset);

	return media && offset < 0 && media->ports < 2 ? NULL : media;
}

/*
 * A phone that uses the same port again has done with the call that was over:
 * what was told to that call's peer still leads to the same place.
 */
static bool passes_on(const struct port_search *search,
		      const struct sipalg_media *holder, int offset)
{
	const struct sipalg_media *media = search->media;

	return holder->port_state == SIPALG_PORT_OVER &&
	       holder->l4proto == media->l4proto &&
	       ntohs(holder->private_port[SIPALG_RTP]) ==
		       ntohs(media->private_port[SIPALG_RTP]) + offset &&
	       sipalg_ip_equal(&holder->private, &media->private);
}

/* Expectations of other helpers, or of a call on another CPU. */
static bool expected_by_another(const struct sipalg_flow *flow,
				const struct sipalg_media *media, u16 port)
{
	const struct nf_conntrack_zone zone = {
		.id = media->face->zone,
		.dir = NF_CT_DEFAULT_ZONE_DIR,
	};
	struct nf_conntrack_tuple tuple = {
		.src.l3num = media->family,
		.dst.u3 = media->public,
		.dst.u.udp.port = htons(port),
		.dst.protonum = media->l4proto,
	};

	return __nf_ct_expect_find(flow->sn->net, &zone, &tuple);
}

/*
 * A pinhole for media where signalling has its own, or may have one later,
 * would be refused, and the message with it.
 */
static bool is_signalling(const struct sipalg_flow *flow,
			  const struct sipalg_media *media, u16 port)
{
	const struct sipalg_addr addr = { media->public, htons(port) };
	const struct sipalg_mapping *mapping;

	if (sipalg_addr_equal(&addr, &flow->src_public))
		return true;
	mapping = sipalg_mapping_at(flow, media->l4proto, &addr);
	return mapping && !mapping->guest;
}

/*
 * A pinhole to a port that was free was refused: somebody's with a source of its
 * own is in the way, which no lookup without that source finds. The INVITE that was
 * dropped for it comes again within 64*T1, and needs another port.
 */
static bool is_refused(const struct sipalg_net *sn,
		       const struct sipalg_media *media, u16 port)
{
	return sn->refused.port == htons(port) &&
	       time_before64(get_jiffies_64(), sn->refused_until) &&
	       sipalg_ip_equal(&sn->refused.ip, &media->public);
}

void sipalg_port_refused(struct sipalg_net *sn,
			 const struct sipalg_media *media, unsigned int which)
{
	spin_lock_bh(&sn->port_lock);
	sn->refused = (struct sipalg_addr){ media->public,
					    media->public_port[which] };
	sn->refused_until = get_jiffies_64() + sipalg_64_t1(sn);
	spin_unlock_bh(&sn->port_lock);
}

/* The router's own programs and port forwards come first. */
static bool is_others(const struct sipalg_flow *flow,
		      const struct sipalg_media *media, u16 port, u16 count)
{
	const struct sipalg_addr addr = { media->public, htons(port) };

	return sipalg_is_occupied(flow, media->l4proto, &addr, count);
}

/* Calls that are over before those that ring, then those of which least was heard. */
static bool goes_first(const struct port_search *search, u8 state, u32 quiet)
{
	if (!search->lent || state != search->state)
		return !search->lent || state > search->state;
	return quiet > search->quiet;
}

/*
 * Test the media's own ports and the pairs behind them. What only calls hold
 * that may never need it again is not free, but remembered.
 */
static bool is_free(struct port_search *search, u16 port)
{
	const struct sipalg_flow *flow = search->flow;
	const struct sipalg_media *media = search->media;
	int count = media->ports + 2 * search->more, i;
	u8 state = SIPALG_PORT_TAKEN;
	u32 quiet = U32_MAX;

	for (i = -1; i < count; i++) {
		const struct sipalg_media *other = holder(search, port, i);

		if (!other || passes_on(search, other, i))
			continue;
		if (other->port_state == SIPALG_PORT_HELD)
			return false;
		state = min(state, other->port_state);
		quiet = min(quiet, sipalg_since(READ_ONCE(other->seen)));
	}
	for (i = 0; i < count; i++)
		if (is_refused(flow->sn, media, port + i) ||
		    is_signalling(flow, media, port + i) ||
		    expected_by_another(flow, media, port + i))
			return false;
	if (is_others(flow, media, port, count))
		return false;
	if (state == SIPALG_PORT_TAKEN)
		return true;
	if (goes_first(search, state, quiet)) {
		search->lent = port;
		search->state = state;
		search->quiet = quiet;
	}
	return false;
}

/* The lowest port of the range with the parity of the private one. */
static u16 first_port(struct sipalg_port_range range, u16 parity)
{
	return range.low + ((range.low ^ parity) & 1);
}

static u16 random_port(struct sipalg_port_range range, u16 parity)
{
	u16 first = first_port(range, parity);

	return first + 2 * get_random_u32_below((range.high - first) / 2 + 1);
}

static u16 next_port(struct sipalg_port_range range, u16 port)
{
	return range.high - port < 2 ? first_port(range, port) : port + 2;
}

/*
 * A rule has given the signalling a port of its own choice, though the phone's
 * was free: `masquerade to :range`, or `random`. What lies beside that is
 * likely to be in its range as well, and the rule will keep it.
 */
static bool rule_picks_ports(const struct sipalg_flow *flow)
{
	struct nf_conntrack_tuple reply;

	if (!sipalg_flow_from_inside(flow) || !flow->original ||
	    flow->src.port == flow->src_public.port)
		return false;
	reply = flow->ct->tuplehash[IP_CT_DIR_REPLY].tuple;
	reply.dst.u.all = flow->src.port;
	return !nf_conntrack_tuple_taken(&reply, flow->ct);
}

/* The nearest free one above or below the port of the signalling, or 0. */
static u16 choose_near(struct port_search *search,
		       struct sipalg_port_range range)
{
	u16 wish = ntohs(search->media->private_port[SIPALG_RTP]);
	int middle = (ntohs(search->flow->src_public.port) & ~1) | (wish & 1);
	int i, port;

	for (i = 1; i <= PORT_STEPS; i++) {
		port = middle + (i & 1 ? i + 1 : -i);
		if (port >= range.low && port <= range.high &&
		    is_free(search, port))
			return port;
	}
	return 0;
}

/* Nobody has this one port, nor a pair that begins below it. */
static bool is_one_free(struct port_search *search, u16 port)
{
	const struct sipalg_flow *flow = search->flow;
	const struct sipalg_media *media = search->media;

	return !holder(search, port, -1) && !holder(search, port, 0) &&
	       !is_refused(flow->sn, media, port) &&
	       !is_signalling(flow, media, port) &&
	       !expected_by_another(flow, media, port);
}

/* The first port from which on, up to the last, no other program has any. */
static unsigned int behind_others(const struct port_search *search,
				  unsigned int first, unsigned int last)
{
	unsigned int free = last + 1;

	while (first < free) {
		unsigned int middle = first + (free - first) / 2;

		if (is_others(search->flow, search->media, middle,
			      free - middle))
			first = middle + 1;
		else
			free = middle;
	}
	return free;
}

/*
 * Many adjacent ports (m=audio 20000/32): each is asked for once, from a random
 * one upward, until so many in a row are free. K4: guesses would ask for each
 * again and again. The walk goes on past where it began, as a run may lie across.
 */
static u16 choose_run(struct port_search *search,
		      struct sipalg_port_range range, u16 count)
{
	u16 wish = ntohs(search->media->private_port[SIPALG_RTP]);
	u16 port = random_port(range, wish), first = port;
	unsigned int i;

	for (i = 0; i < PORT_RUN + count; i++) {
		if (port < range.low || port > range.high + count - 1) {
			port = first_port(range, wish);
			first = port;
		}
		if (!is_one_free(search, port)) {
			first = port + 1 + ((port + 1 - wish) & 1);
		} else if (port - first + 1 == count) {
			unsigned int behind = behind_others(search, first,
							    port);

			if (behind == first)
				return first;
			first = behind + ((behind - wish) & 1);
		}
		port++;
	}
	return 0;
}

/* Where all others are in use, one that a call that is over still holds. */
static u16 choose(struct port_search *search)
{
	struct sipalg_port_range range = sipalg_media_ports(search->flow->sn);
	u16 wish = ntohs(search->media->private_port[SIPALG_RTP]), port = wish;
	u16 last = search->media->ports - 1 + 2 * search->more;
	unsigned int i;

	if (range.high - range.low < last)
		return 0;
	range.high -= last;
	if (rule_picks_ports(search->flow))
		port = choose_near(search, range) ?: wish;
	if (search->more) {
		if (port >= range.low && port <= range.high &&
		    is_free(search, port))
			return port;
		return choose_run(search, range, last + 1) ?: search->lent;
	}
	for (i = 0; i < PORT_GUESSES + PORT_STEPS; i++) {
		if (port >= range.low && port <= range.high &&
		    is_free(search, port))
			return port;
		port = i < PORT_GUESSES ? random_port(range, wish) :
					  next_port(range, port);
	}
	return search->lent;
}

static bool insert(struct sipalg_net *sn, struct sipalg_media *media)
{
	return !rhashtable_insert_fast(&sn->ports, &media->port_node,
				       port_params);
}

static void remove(struct sipalg_net *sn, struct sipalg_media *media)
{
	rhashtable_remove_fast(&sn->ports, &media->port_node, port_params);
}

/* Returns false if there is no memory for a larger table. */
static bool take(const struct port_search *search, struct sipalg_media *media,
		 u16 port)
{
	struct sipalg_net *sn = search->flow->sn;
	int i;

	for (i = -1; i < media->ports + 2 * search->more; i++) {
		struct sipalg_media *other = holder(search, port, i);

		if (!other)
			continue;
		WRITE_ONCE(other->port_state, SIPALG_PORT_TAKEN);
		remove(sn, other);
	}
	media->public_port[SIPALG_RTP] = htons(port);
	media->public_port[SIPALG_RTCP] = htons(port + 1);
	return insert(sn, media);
}

bool sipalg_port_reserve(const struct sipalg_flow *flow,
			 struct sipalg_media *media, u16 pairs)
{
	struct port_search search = {
		.flow = flow, .media = media, .more = pairs - 1,
	};
	struct sipalg_net *sn = flow->sn;
	bool taken;
	u16 port;

	spin_lock_bh(&sn->port_lock);
	port = choose(&search);
	taken = port && take(&search, media, port);
	spin_unlock_bh(&sn->port_lock);
	return taken;
}

/* The media's port as conntrack has it for what flows already. */
static u16 established(const struct sipalg_media *media,
		       const struct sipalg_media *peer)
{
	struct sipalg_addr face;
	struct nf_conn *ct;

	ct = sipalg_media_ct_find(media, peer, SIPALG_RTP, &face);
	if (!ct)
		return 0;
	nf_ct_put(ct);
	return sipalg_ip_equal(&face.ip, &media->public) ? ntohs(face.port) : 0;
}

bool sipalg_port_reattach(const struct sipalg_flow *flow,
			  struct sipalg_media *media)
{
	const struct sipalg_media *peer = sipalg_media_mate(media);
	u16 port = peer ? established(media, peer) : 0;

	return sipalg_is_media_port(flow->sn, port) &&
	       sipalg_is_media_port(flow->sn, port + media->ports - 1) &&
	       sipalg_port_claim(flow, media, port);
}

bool sipalg_port_claim(const struct sipalg_flow *flow,
		       struct sipalg_media *media, u16 port)
{
	struct port_search search = { .flow = flow, .media = media };
	struct sipalg_net *sn = flow->sn;
	bool taken;

	spin_lock_bh(&sn->port_lock);
	taken = port && (is_free(&search, port) || search.lent == port) &&
		take(&search, media, port);
	spin_unlock_bh(&sn->port_lock);
	return taken;
}

void sipalg_port_release(struct sipalg_net *sn, struct sipalg_media *media)
{
	spin_lock_bh(&sn->port_lock);
	remove(sn, media);
	spin_unlock_bh(&sn->port_lock);
}

void sipalg_port_lend(struct sipalg_net *sn, struct sipalg_media *media,
		      enum sipalg_port_state state)
{
	spin_lock_bh(&sn->port_lock);
	if (media->port_state != SIPALG_PORT_TAKEN)
		WRITE_ONCE(media->port_state, state);
	spin_unlock_bh(&sn->port_lock);
}

/* Nobody has it, neither as the first port of a pair nor as the second. */
static bool is_unheld(struct sipalg_net *sn, const struct sipalg_media *media)
{
	u16 port = ntohs(media->public_port[SIPALG_RTP]);
	const struct sipalg_media *below = find(sn, media->face, port - 1);
	unsigned int i;

	for (i = 0; i < media->ports; i++)
		if (find(sn, media->face, port + i))
			return false;
	return !below || below->ports < 2;
}

bool sipalg_port_keep(struct sipalg_net *sn, struct sipalg_media *media)
{
	bool kept;

	spin_lock_bh(&sn->port_lock);
	kept = media->port_state != SIPALG_PORT_TAKEN ||
	       (is_unheld(sn, media) && insert(sn, media));
	if (kept)
		WRITE_ONCE(media->port_state, SIPALG_PORT_HELD);
	spin_unlock_bh(&sn->port_lock);
	return kept;
}

bool sipalg_port_owner(const struct sipalg_flow *flow,
		       const struct sipalg_addr *addr,
		       struct sipalg_addr *private, u16 *zone)
{
	const struct port_key key = {
		.ip = &addr->ip,
		.port = ntohs(addr->port),
		.zone = sipalg_flow_outer_zone(flow),
		.l3mdev = sipalg_flow_outer_vrf(flow),
	};
	struct sipalg_net *sn = flow->sn;
	struct sipalg_media *media;
	unsigned int i;

	spin_lock_bh(&sn->port_lock);
	media = rhashtable_lookup_fast(&sn->ports, &key, port_params);
	for (i = 0; media && i < SIPALG_PORTS; i++) {
		private[i].ip = media->private;
		private[i].port = media->private_port[i];
	}
	if (media)
		*zone = READ_ONCE(media->call->zone[media->side]);
	spin_unlock_bh(&sn->port_lock);
	return media;
}

int sipalg_ports_init(struct sipalg_net *sn)
{
	return rhashtable_init(&sn->ports, &port_params);
}

void sipalg_ports_exit(struct sipalg_net *sn)
{
	rhashtable_destroy(&sn->ports);
}
