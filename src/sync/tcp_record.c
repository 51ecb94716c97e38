// SPDX-License-Identifier: GPL-2.0-only
/* Positions of TCP connections as records, and positions of them. */
#include <linux/slab.h>
#include "core/net.h"
#include "packet/tcp_position.h"
#include "sync/record.h"

/* Attributes of a connection. Only ever added, at the end. */
enum {
	TCP_ORIGIN = 1,
	TCP_ORIGINAL,
	TCP_REPLY,
	TCP_PIECE,	/* several; of a direction in their order */
};

struct piece {
	u32 start;
	u32 old_len;
	u8 dir;
	u8 held;
	u8 zero[2];
	char bytes[];
};

static int put_piece(struct sk_buff *skb, const struct piece *head,
		     const char *bytes, u32 len)
{
	struct nlattr *attr = nla_reserve(skb, TCP_PIECE, sizeof(*head) + len);
	struct piece *piece;

	if (!attr)
		return -EMSGSIZE;
	piece = nla_data(attr);
	*piece = *head;
	memcpy(piece->bytes, bytes, len);
	return 0;
}

static int put_owed(struct sk_buff *skb, const struct sipalg_tcp_half *half,
		    u32 next, u8 dir)
{
	const struct sipalg_tcp_reasm *held = &half->held;
	const struct rb_node *node;
	struct piece head = { .dir = dir };

	for (node = rb_first(&half->rtx); node; node = rb_next(node)) {
		const struct sipalg_tcp_rtx *rtx =
			rb_entry(node, struct sipalg_tcp_rtx, node);

		head.start = rtx->start;
		head.old_len = rtx->end - rtx->start;
		if (put_piece(skb, &head, rtx->bytes, rtx->len))
			return -EMSGSIZE;
	}
	if (!held->bytes || !sipalg_tcp_held_is_owed(half, next))
		return 0;
	head.start = next;
	head.old_len = held->len;
	head.held = 1;
	return put_piece(skb, &head, held->bytes, held->len);
}

static int put_places(struct sk_buff *skb, const struct sipalg_tcp_place place[2])
{
	return put_block(skb, TCP_ORIGINAL, &place[IP_CT_DIR_ORIGINAL]) ?:
	       put_block(skb, TCP_REPLY, &place[IP_CT_DIR_REPLY]);
}

static int put_restored(struct sk_buff *skb,
			const struct sipalg_tcp_restored *restored)
{
	const struct sipalg_tcp_piece *piece;

	if (put_places(skb, restored->place))
		return -EMSGSIZE;
	list_for_each_entry(piece, &restored->pieces, list) {
		const struct piece head = {
			.start = piece->start,
			.old_len = piece->old_len,
			.dir = piece->dir,
			.held = piece->held,
		};

		if (put_piece(skb, &head, piece->bytes, piece->len))
			return -EMSGSIZE;
	}
	return 0;
}

static int put_connection(struct sk_buff *skb, struct nf_conn *ct)
{
	const struct sipalg_tcp *tcp = sipalg_ct_data(ct)->tcp;
	struct sipalg_tcp_place place[2];
	u8 dir;

	for (dir = 0; dir < 2; dir++)
		place[dir] = sipalg_tcp_place_of(ct, dir);
	if (put_places(skb, place))
		return -EMSGSIZE;
	for (dir = 0; tcp && dir < 2; dir++)
		if (place[dir].state != SIPALG_STREAM_UNKNOWN &&
		    put_owed(skb, &tcp->half[dir], place[dir].next, dir))
			return -EMSGSIZE;
	return 0;
}

int sipalg_tcp_record_put(struct sk_buff *skb,
			  struct sipalg_tcp_position *position, struct nf_conn *ct)
{
	int err = -ENOENT;

	if (sipalg_record_begin(skb) ||
	    sipalg_record_put_origin(skb, TCP_ORIGIN, &position->origin))
		return -EMSGSIZE;
	spin_lock(&position->lock);
	if (position->restored)
		err = put_restored(skb, position->restored);
	else if (ct)
		err = put_connection(skb, ct);
	spin_unlock(&position->lock);
	return err;
}

static bool read_piece(struct sipalg_tcp_restored *restored,
		       const struct nlattr *attr)
{
	const struct piece *head = nla_data(attr);
	int len = nla_len(attr) - (int)sizeof(*head);
	struct sipalg_tcp_piece *piece;

	if (len <= 0 || len > SIPALG_TCP_OWED || head->dir > IP_CT_DIR_REPLY ||
	    head->held > 1)
		return false;
	piece = kmalloc(struct_size(piece, bytes, len), GFP_ATOMIC | __GFP_NOWARN);
	if (!piece)
		return false;
	piece->start = head->start;
	piece->old_len = head->old_len;
	piece->dir = head->dir;
	piece->held = head->held;
	piece->len = len;
	memcpy(piece->bytes, head->bytes, len);
	list_add_tail(&piece->list, &restored->pieces);
	return true;
}

static bool read_pieces(struct sipalg_tcp_restored *restored,
			const struct sipalg_record *record)
{
	u32 bytes = 0;
	const struct nlattr *pos;
	int left;

	nla_for_each_attr(pos, record->data, record->len, left) {
		if (nla_type(pos) != TCP_PIECE)
			continue;
		bytes += nla_len(pos);
		/* of both directions, and as much for heads */
		if (bytes > 4 * SIPALG_TCP_OWED || !read_piece(restored, pos))
			return false;
	}
	return true;
}

static struct sipalg_tcp_restored *read(const struct sipalg_record *record)
{
	struct sipalg_tcp_restored *restored = kzalloc(sizeof(*restored), GFP_ATOMIC);

	if (!restored)
		return NULL;
	INIT_LIST_HEAD(&restored->pieces);
	if (record_block(record->attr[TCP_ORIGINAL],
			 &restored->place[IP_CT_DIR_ORIGINAL], sizeof(u32)) &&
	    record_block(record->attr[TCP_REPLY],
			 &restored->place[IP_CT_DIR_REPLY], sizeof(u32)) &&
	    read_pieces(restored, record))
		return restored;
	sipalg_tcp_restored_free(restored);
	return NULL;
}

/* Of a key and a record that are of the same connection. */
static bool is_of(const struct sipalg_origin *key, const struct sipalg_origin *origin)
{
	return key->zone.id == origin->zone.id &&
	       nf_ct_tuple_equal(&key->tuple[IP_CT_DIR_ORIGINAL],
				 &origin->tuple[IP_CT_DIR_ORIGINAL]);
}

int sipalg_tcp_restore_record(const struct sipalg_restore *restore)
{
	struct sipalg_tcp_restored *restored;
	struct sipalg_origin key, origin;
	struct sipalg_record record;
	int err;

	if (!sipalg_tcp_position_read_key(&key, restore->key, restore->key_len))
		return -EINVAL;
	if (!restore->record_len)
		return sipalg_tcp_position_restore(restore->sn, &key,
						   restore->version, NULL);
	err = sipalg_record_parse(&record, restore->record, restore->record_len,
				  restore->age);
	if (err)
		return err;
	if (!sipalg_record_origin(record.attr[TCP_ORIGIN], &origin) ||
	    !is_of(&key, &origin))
		return -EINVAL;
	restored = read(&record);
	if (!restored)
		return -EINVAL;
	return sipalg_tcp_position_restore(restore->sn, &origin, restore->version,
					   restored);
}
