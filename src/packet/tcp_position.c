// SPDX-License-Identifier: GPL-2.0-only
/* Where TCP connections are, for the other router of a pair, and as it has told. */
#include <linux/jhash.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/tcp.h>
#include "core/net.h"
#include "core/sync_key.h"
#include "packet/tcp_position.h"
#include "packet/tcp_seq.h"

#define SWEEP_INTERVAL	(64 * HZ)	/* so often those that have ended are looked for */

/* What a lookup compares. */
struct lookup {
	const struct nf_conntrack_tuple *tuple;
	u16 zone;
};

static u32 hash_lookup(const void *data, u32 len, u32 seed)
{
	const struct lookup *lookup = data;
	const struct nf_conntrack_tuple *tuple = lookup->tuple;
	u32 ports = (__force u32)tuple->src.u.all << 16 |
		    (__force u32)tuple->dst.u.all;

	return jhash2(tuple->src.u3.all, ARRAY_SIZE(tuple->src.u3.all),
		      jhash2(tuple->dst.u3.all, ARRAY_SIZE(tuple->dst.u3.all),
			     seed ^ ports));
}

static u32 hash_object(const void *data, u32 len, u32 seed)
{
	const struct sipalg_tcp_position *position = data;
	const struct lookup lookup = {
		.tuple = &position->origin.tuple[IP_CT_DIR_ORIGINAL],
	};

	return hash_lookup(&lookup, len, seed);
}

static int compare(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct sipalg_tcp_position *position = obj;
	const struct lookup *lookup = arg->key;

	return position->origin.zone.id != lookup->zone ||
	       !nf_ct_tuple_equal(&position->origin.tuple[IP_CT_DIR_ORIGINAL],
				  lookup->tuple);
}

static const struct rhashtable_params params = {
	.head_offset = offsetof(struct sipalg_tcp_position, node),
	.hashfn = hash_lookup,
	.obj_hashfn = hash_object,
	.obj_cmpfn = compare,
	.automatic_shrinking = true,
};

static struct lookup lookup_of(const struct sipalg_origin *origin)
{
	return (struct lookup){
		.tuple = &origin->tuple[IP_CT_DIR_ORIGINAL],
		.zone = origin->zone.id,
	};
}

static struct sipalg_tcp_position *find(struct sipalg_net *sn,
					const struct sipalg_origin *origin)
{
	const struct lookup lookup = lookup_of(origin);

	return rhashtable_lookup(&sn->tcp_positions, &lookup, params);
}

void sipalg_tcp_restored_free(struct sipalg_tcp_restored *restored)
{
	struct sipalg_tcp_piece *piece, *next;

	if (!restored)
		return;
	list_for_each_entry_safe(piece, next, &restored->pieces, list)
		kfree(piece);
	kfree(restored);
}

void sipalg_tcp_position_put(struct sipalg_tcp_position *position)
{
	if (!refcount_dec_and_test(&position->refs))
		return;
	sipalg_tcp_restored_free(position->restored);
	atomic_long_sub(sizeof(*position), &position->sn->memory);
	kfree_rcu(position, rcu);
}

static void sweep_later(struct sipalg_net *sn)
{
	if (!READ_ONCE(sn->dying))
		queue_delayed_work(system_wq, &sn->tcp_sweep, SWEEP_INTERVAL);
}

static struct sipalg_tcp_position *position_alloc(struct sipalg_net *sn,
						  const struct sipalg_origin *origin)
{
	struct sipalg_tcp_position *position =
		kzalloc(sizeof(*position), GFP_ATOMIC | __GFP_NOWARN);

	if (!position)
		return NULL;
	refcount_set(&position->refs, 1);
	sipalg_dirty_init(&position->dirty, SIPALG_DIRTY_TCP, &position->refs);
	spin_lock_init(&position->lock);
	position->sn = sn;
	position->origin = *origin;
	position->linked = true;
	atomic_long_add(sizeof(*position), &sn->memory);
	return position;
}

/* Return: the one in the table, for RCU readers; or NULL. */
static struct sipalg_tcp_position *make(struct sipalg_net *sn,
					const struct sipalg_origin *origin)
{
	struct sipalg_tcp_position *position = position_alloc(sn, origin), *other;
	const struct lookup lookup = lookup_of(origin);

	if (!position)
		return NULL;
	other = rhashtable_lookup_get_insert_key(&sn->tcp_positions, &lookup,
						 &position->node, params);
	if (!other) {
		sweep_later(sn);
		return position;
	}
	sipalg_tcp_position_put(position);
	return IS_ERR(other) ? NULL : other;
}

void sipalg_tcp_position_unlink(struct sipalg_tcp_position *position)
{
	bool linked;

	spin_lock_bh(&position->lock);
	linked = position->linked;
	position->linked = false;
	spin_unlock_bh(&position->lock);
	if (!linked)
		return;
	rhashtable_remove_fast(&position->sn->tcp_positions, &position->node,
			       params);
	sipalg_tcp_position_put(position);
}

/* One that is not confirmed may never come to be. */
void __sipalg_tcp_position_mark(struct sipalg_net *sn, struct nf_conn *ct,
				bool now)
{
	struct sipalg_tcp_position *position;
	struct sipalg_origin origin;

	if (!sipalg_dirty_is_told(sn) || !nf_ct_is_confirmed(ct))
		return;
	sipalg_origin_of(ct, &origin);
	position = find(sn, &origin) ?: make(sn, &origin);
	if (position && refcount_inc_not_zero(&position->refs)) {
		sipalg_dirty_mark(sn, &position->dirty);
		if (now)
			sipalg_dirty_hurry(sn);
		sipalg_tcp_position_put(position);
	}
}

/* Its ends may have been connected once more, and translated otherwise. */
static bool is_same(const struct sipalg_tcp_position *position,
		    const struct sipalg_origin *origin)
{
	return nf_ct_tuple_equal(&position->origin.tuple[IP_CT_DIR_REPLY],
				 &origin->tuple[IP_CT_DIR_REPLY]);
}

static struct sipalg_tcp_restored *take(struct sipalg_tcp_position *position)
{
	struct sipalg_tcp_restored *restored;

	spin_lock(&position->lock);
	restored = position->restored;
	position->restored = NULL;
	spin_unlock(&position->lock);
	return restored;
}

static void half_of(struct sipalg_tcp_half *half,
		    const struct sipalg_tcp_place *place)
{
	memset(half, 0, sizeof(*half));
	half->una = place->una;
	half->told = place->told;
	half->seen_una = place->una + place->shift;
	half->shift = place->shift;
	half->top = place->shift;
	half->top_next = place->shift;
	half->top_from = place->una;
}

/* Return: false: no memory, or the host has its share. */
static bool owe(struct sipalg_tcp *tcp, const struct sipalg_tcp_piece *piece)
{
	struct sipalg_tcp_half *half = &tcp->half[piece->dir];
	struct sipalg_tcp_rtx *rtx;

	if (piece->held) {
		half->held.raised = true;
		half->held.sacked = half->told == piece->start;
		return sipalg_tcp_hold(tcp, piece->dir, piece->bytes, piece->len);
	}
	rtx = sipalg_tcp_rtx_alloc(tcp, piece->len);
	if (!rtx)
		return false;
	memcpy(rtx->bytes, piece->bytes, piece->len);
	sipalg_tcp_rtx_add(tcp, piece->dir, rtx, piece->start, piece->old_len);
	return true;
}

/* What is acknowledged of a piece is where the map says, so that it is within. */
static bool owe_all(struct sipalg_tcp *tcp,
		    const struct sipalg_tcp_restored *restored)
{
	const struct sipalg_tcp_piece *piece;
	int dir;

	list_for_each_entry(piece, &restored->pieces, list)
		if (!owe(tcp, piece))
			return false;
	for (dir = 0; dir < 2; dir++)
		tcp->half[dir].seen_una = sipalg_tcp_seen(&tcp->half[dir],
							  tcp->half[dir].una);
	return true;
}

static void set_state(struct nf_conn *ct, int dir, u32 next, u8 state)
{
	struct sipalg_stream *stream = &sipalg_ct_data(ct)->stream[dir];

	stream->next = next;
	stream->repeats = 0;
	stream->state = state;
}

static u8 state_of(const struct sipalg_tcp_place *place)
{
	return place->state == SIPALG_STREAM_SYNCED ? SIPALG_STREAM_RESTORED :
						      place->state;
}

/* What the connection was here before was before. */
static void apply(struct sipalg_net *sn, struct nf_conn *ct,
		  const struct sipalg_tcp_restored *restored)
{
	struct sipalg_ct_data *data = sipalg_ct_data(ct);
	struct sipalg_tcp_half halves[2];
	struct sipalg_tcp *tcp;
	int dir;

	if (data->tcp)
		sipalg_tcp_forget(data->tcp);
	for (dir = 0; dir < 2; dir++) {
		half_of(&halves[dir], &restored->place[dir]);
		set_state(ct, dir, restored->place[dir].next,
			  state_of(&restored->place[dir]));
		/* of this packet, which it has looked at before */
		sipalg_tcp_count_anew(ct, dir);
	}
	tcp = sipalg_tcp_make(sn, ct, halves);
	if (tcp && owe_all(tcp, restored))
		return;
	/* without what is owed nobody knows how it goes on */
	for (dir = 0; dir < 2; dir++)
		set_state(ct, dir, 0, SIPALG_STREAM_UNKNOWN);
}

void __sipalg_tcp_position_take(struct sipalg_net *sn, struct nf_conn *ct)
{
	struct sipalg_tcp_position *position;
	struct sipalg_tcp_restored *restored;
	struct sipalg_origin origin;

	if (!atomic_read(&sn->tcp_positions.nelems))
		return;
	sipalg_origin_of(ct, &origin);
	position = find(sn, &origin);
	if (!position || !READ_ONCE(position->restored))
		return;
	restored = take(position);
	if (restored && is_same(position, &origin))
		apply(sn, ct, restored);
	sipalg_tcp_restored_free(restored);
}

/* More than is told, or it passes as it is and is not at a boundary. */
static bool is_too_much(const struct sipalg_tcp_half *half, u32 next)
{
	const struct sipalg_tcp_reasm *held = &half->held;
	const struct rb_node *node;
	u32 bytes = 0;

	if (held->bytes && held->passing)
		return true;
	if (held->bytes && sipalg_tcp_held_is_owed(half, next))
		bytes = held->len;
	for (node = rb_first(&half->rtx); node && bytes <= SIPALG_TCP_OWED;
	     node = rb_next(node)) {
		const struct sipalg_tcp_rtx *rtx =
			rb_entry(node, struct sipalg_tcp_rtx, node);

		if (after(rtx->end, next))
			return true;
		bytes += rtx->len;
	}
	return bytes > SIPALG_TCP_OWED;
}

struct sipalg_tcp_place sipalg_tcp_place_of(struct nf_conn *ct, int dir)
{
	struct sipalg_ct_data *data = sipalg_ct_data(ct);
	const struct sipalg_stream *stream = &data->stream[dir];
	const struct sipalg_tcp_half *half;
	struct sipalg_tcp_half local;
	struct sipalg_tcp_place place;

	if (!data->tcp)
		sipalg_tcp_half_init(&local, ct, dir, stream->next);
	half = data->tcp ? &data->tcp->half[dir] : &local;
	place.next = stream->next;
	/* behind the boundary is only what is held, if its sender knows of it */
	place.una = after(half->una, stream->next) ? stream->next : half->una;
	place.told = half->held.bytes && after(half->told, stream->next) ?
		     half->told : place.una;
	place.shift = sipalg_tcp_first_shift(half);
	place.state = sipalg_stream_is_restored(stream) ? SIPALG_STREAM_SYNCED :
							  stream->state;
	if (is_too_much(half, stream->next)) {
		place.state = SIPALG_STREAM_UNKNOWN;
		place.shift = half->shift;
		place.told = place.una;
	}
	return place;
}

u16 sipalg_tcp_position_sync_key(const struct sipalg_tcp_position *position,
				 u8 bytes[SIPALG_POSITION_SYNC_KEY])
{
	const struct nf_conntrack_tuple *tuple =
		&position->origin.tuple[IP_CT_DIR_ORIGINAL];
	struct sipalg_key_writer key = { .bytes = bytes };

	sipalg_key_u8(&key, SIPALG_DIRTY_TCP);
	sipalg_key_u8(&key, tuple->src.l3num);
	sipalg_key_u16(&key, position->origin.zone.id);
	sipalg_key_u16(&key, ntohs(tuple->src.u.all));
	sipalg_key_ip(&key, &tuple->src.u3);
	sipalg_key_u16(&key, ntohs(tuple->dst.u.all));
	sipalg_key_ip(&key, &tuple->dst.u3);
	return key.len;
}

bool sipalg_tcp_position_read_key(struct sipalg_origin *origin, const void *bytes,
				  int len)
{
	struct nf_conntrack_tuple *tuple = &origin->tuple[IP_CT_DIR_ORIGINAL];
	struct sipalg_key_reader key = { .bytes = bytes, .left = len };

	memset(origin, 0, sizeof(*origin));
	if (sipalg_key_take_u8(&key) != SIPALG_DIRTY_TCP)
		return false;
	tuple->src.l3num = sipalg_key_take_u8(&key);
	tuple->dst.protonum = IPPROTO_TCP;
	tuple->dst.dir = IP_CT_DIR_ORIGINAL;
	origin->zone.id = sipalg_key_take_u16(&key);
	tuple->src.u.all = htons(sipalg_key_take_u16(&key));
	sipalg_key_take_ip(&key, &tuple->src.u3);
	tuple->dst.u.all = htons(sipalg_key_take_u16(&key));
	sipalg_key_take_ip(&key, &tuple->dst.u3);
	return !key.bad && !key.left;
}

/* What was sent is before what is to come, one behind the other. */
static bool is_sane_piece(const struct sipalg_tcp_piece *piece,
			  const struct sipalg_tcp_place *place, u32 *end)
{
	if (!piece->len || piece->len > SIPALG_TCP_OWED)
		return false;
	if (piece->held)
		return piece->start == place->next &&
		       piece->old_len == piece->len;
	if (!piece->old_len || piece->old_len > SIP_MAX_MESSAGE ||
	    before(piece->start, *end) ||
	    piece->start - *end > SIPALG_MAX_TCP_QUEUE)
		return false;
	*end = piece->start + piece->old_len;
	return !after(*end, place->next);
}

static bool is_sane_half(const struct sipalg_tcp_restored *restored, int dir)
{
	const struct sipalg_tcp_place *place = &restored->place[dir];
	const struct sipalg_tcp_piece *piece;
	u32 end, known = place->next, bytes = 0;
	bool first = true, held = false;

	if (place->state > SIPALG_STREAM_FOREIGN || after(place->una, place->next))
		return false;
	list_for_each_entry(piece, &restored->pieces, list) {
		if (piece->dir != dir)
			continue;
		if (first)
			end = piece->start;
		first = false;
		if (held || !is_sane_piece(piece, place, &end))
			return false;
		held = piece->held;
		known += held ? piece->len : 0;
		bytes += piece->len;
	}
	return bytes <= SIPALG_TCP_OWED && !before(place->told, place->una) &&
	       !after(place->told, known);
}

static bool is_sane(const struct sipalg_tcp_restored *restored)
{
	return is_sane_half(restored, 0) && is_sane_half(restored, 1);
}

/* An object of the same connection stays, and has what is newer. */
static int replace(struct sipalg_tcp_position *position, u64 version,
		   struct sipalg_tcp_restored *restored)
{
	struct sipalg_tcp_restored *unused = restored;
	int err = -ENOENT;

	spin_lock(&position->lock);
	if (position->linked) {
		err = 0;
		if (position->version < version) {
			unused = position->restored;
			position->restored = restored;
			position->version = version;
		}
	}
	spin_unlock(&position->lock);
	sipalg_tcp_restored_free(unused);
	return err;
}

static int end(struct sipalg_tcp_position *position, u64 version)
{
	if (position && READ_ONCE(position->version) < version)
		sipalg_tcp_position_unlink(position);
	return 0;
}

int sipalg_tcp_position_restore(struct sipalg_net *sn,
				const struct sipalg_origin *origin, u64 version,
				struct sipalg_tcp_restored *restored)
{
	struct sipalg_tcp_position *position = find(sn, origin);

	if (!restored)
		return end(position, version);
	if (!is_sane(restored)) {
		sipalg_tcp_restored_free(restored);
		return -EINVAL;
	}
	if (position && !is_same(position, origin)) {
		sipalg_tcp_position_unlink(position);
		position = NULL;
	}
	position = position ?: make(sn, origin);
	if (position)
		return replace(position, version, restored);
	sipalg_tcp_restored_free(restored);
	return -ENOMEM;
}

struct nf_conn *sipalg_tcp_position_ct(const struct sipalg_tcp_position *position)
{
	struct nf_conn *ct = sipalg_origin_find(position->sn->net,
						&position->origin);

	if (ct && sipalg_ct_data(ct) && !nf_ct_is_dying(ct))
		return ct;
	if (ct)
		nf_ct_put(ct);
	return NULL;
}

static struct sipalg_tcp_position *next_position(struct rhashtable_iter *iter)
{
	struct sipalg_tcp_position *position;

	while ((position = rhashtable_walk_next(iter)))
		if (!IS_ERR(position) && refcount_inc_not_zero(&position->refs))
			return position;
	return NULL;
}

static void positions_each(struct sipalg_net *sn,
			   void (*what)(struct sipalg_tcp_position *position))
{
	struct sipalg_tcp_position *position;
	struct rhashtable_iter iter;

	rhashtable_walk_enter(&sn->tcp_positions, &iter);
	rhashtable_walk_start(&iter);
	while ((position = next_position(&iter))) {
		/* nothing of the table's is held while it may take longer */
		rhashtable_walk_stop(&iter);
		what(position);
		sipalg_tcp_position_put(position);
		cond_resched();
		rhashtable_walk_start(&iter);
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
}

/* On a standby conntrack's entry may be still to come. */
static void sweep_one(struct sipalg_tcp_position *position)
{
	struct sipalg_net *sn = position->sn;
	u8 key[SIPALG_POSITION_SYNC_KEY];
	struct nf_conn *ct;

	if (sipalg_is_standby(&sn->sync) && READ_ONCE(position->restored))
		return;
	ct = sipalg_tcp_position_ct(position);
	if (ct) {
		nf_ct_put(ct);
		return;
	}
	if (sipalg_dirty_is_told(sn))
		sipalg_dirty_bury(sn, key,
				  sipalg_tcp_position_sync_key(position, key));
	sipalg_tcp_position_unlink(position);
}

static void sweep(struct work_struct *work)
{
	struct sipalg_net *sn = container_of(to_delayed_work(work),
					     struct sipalg_net, tcp_sweep);

	positions_each(sn, sweep_one);
	if (atomic_read(&sn->tcp_positions.nelems))
		sweep_later(sn);
}

static void mark_one(struct sipalg_tcp_position *position)
{
	sipalg_dirty_mark(position->sn, &position->dirty);
}

/* Those that were there before anybody listened. Conntrack's lock is held. */
static int mark_followed(struct nf_conn *ct, void *unused)
{
	const struct nf_conn_help *help = nfct_help(ct);
	const struct nf_conntrack_helper *helper =
		help ? rcu_access_pointer(help->helper) : NULL;

	if (nf_ct_protonum(ct) != IPPROTO_TCP || !helper ||
	    helper->me != THIS_MODULE)
		return 0;
	rcu_read_lock();
	if (sipalg_ct_data(ct)->stream[0].state ||
	    sipalg_ct_data(ct)->stream[1].state)
		sipalg_tcp_position_mark(ct, false);
	rcu_read_unlock();
	return 0;
}

void sipalg_tcp_positions_mark_all(struct sipalg_net *sn)
{
	struct nf_ct_iter_data iter = { .net = sn->net };

	nf_ct_iterate_cleanup_net(mark_followed, &iter);
	positions_each(sn, mark_one);
}

int sipalg_tcp_positions_init(struct sipalg_net *sn)
{
	INIT_DELAYED_WORK(&sn->tcp_sweep, sweep);
	return rhashtable_init(&sn->tcp_positions, &params);
}

static void drop(void *ptr, void *arg)
{
	sipalg_tcp_position_put(ptr);
}

void sipalg_tcp_positions_exit(struct sipalg_net *sn)
{
	cancel_delayed_work_sync(&sn->tcp_sweep);
	rhashtable_free_and_destroy(&sn->tcp_positions, drop, NULL);
}
