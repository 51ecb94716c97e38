// SPDX-License-Identifier: GPL-2.0-only
/* Calls as records, and calls made of them. */
#include <linux/slab.h>
#include "call/call.h"
#include "call/dialog.h"
#include "call/lru.h"
#include "core/net.h"
#include "core/sync_key.h"
#include "media/media.h"
#include "media/media_ct.h"
#include "media/media_expect.h"
#include "media/way_out.h"
#include "nat/mapping.h"
#include "nat/sig_expect.h"
#include "sync/record.h"

/* Attributes of a call. Only ever added, at the end. */
enum {
	CALL_LONGS = 1,
	CALL_ENDS,
	CALL_HOSTS,
	CALL_WORDS,
	CALL_TIMES,
	CALL_TIMER,		/* several */
	CALL_ZONES,
	CALL_BYTES,
	CALL_TAG,
	CALL_FROM,
	CALL_TO,
	CALL_DIALOG,		/* several */
	CALL_MEDIA,		/* several */
	CALL_SIG_PINHOLE,	/* several */
	CALL_ORIGIN,
	CALL_MAPPING,
};

/* Of a dialog. */
enum {
	DIALOG_WORDS = 1,
	DIALOG_FORK,
	DIALOG_BYTES,
	DIALOG_TAG,
};

/* Of a media. */
enum {
	MEDIA_LONGS = 1,
	MEDIA_LINES_BEFORE,
	MEDIA_BYTES_BEFORE,
	MEDIA_HOSTS,
	MEDIA_SEEN,
	MEDIA_SHORTS,
	MEDIA_BYTES,
};

/* Of a signalling pinhole. */
enum {
	SIG_ENDS = 1,
	SIG_BYTES,
};

#define MOST_MEDIA		256
#define MOST_LINES		64	/* of a description: a bit for each */
#define TIMER_NAME		16	/* bytes at most */
#define NEVER			U32_MAX

/* What has passed, in ms; @answered: NEVER where it was not. */
struct call_times {
	u32 created;
	u32 active;
	u32 answered;
};

/* One limit, by its name in timers.def: rows come and go there. */
struct call_timer {
	s32 left;
	u32 since;
	u16 set;
	u16 running;
	char name[];	/* no gap before it */
};

struct terms_bytes {
	u8 index;
	u8 kind;
	u8 held;
	u8 mux_offered;
	u8 idle;
};

struct sig_bytes {
	u8 fork;
	u8 side;
	u8 field;
	u8 l4proto;
	u8 inside;
	u8 order;
	u8 accepted;
};

static const char *const timer_names[SIPALG_TIMER_MAX] = {
#define TIMER(id, name, teardown, help)					\
	[SIPALG_TIMER_##id] = name,
#include "core/timers.def"
};

static u32 ago(u32 stamp)
{
	return min(jiffies_to_msecs(sipalg_since(stamp)), RECORD_LATEST);
}

static int put_times(struct sk_buff *skb, const struct sipalg_call *call)
{
	const struct call_times times = {
		.created = ago(call->created),
		.active = ago(call->active),
		.answered = call->answered ? ago(call->answered) : NEVER,
	};

	return put_block(skb, CALL_TIMES, &times);
}

static int put_timer(struct sk_buff *skb, const struct sipalg_call *call,
		     unsigned int which)
{
	u8 bytes[sizeof(struct call_timer) + TIMER_NAME] = {};
	struct call_timer *timer = (struct call_timer *)bytes;
	size_t len = strlen(timer_names[which]);

	timer->set = !!(call->deadlines & 1u << which);
	timer->running = !!(call->running & 1u << which);
	if (!timer->set && !timer->running)
		return 0;
	if (timer->set)
		timer->left = sipalg_record_ms(sipalg_call_left(call, which));
	timer->since = ago(call->since[which]);
	memcpy(timer->name, timer_names[which], min_t(size_t, len, TIMER_NAME));
	return nla_put(skb, CALL_TIMER, sizeof(*timer) + len, bytes);
}

static int put_timers(struct sk_buff *skb, const struct sipalg_call *call)
{
	unsigned int i;

	for (i = 0; i < SIPALG_TIMER_MAX; i++)
		if (put_timer(skb, call, i))
			return -EMSGSIZE;
	return 0;
}

static int put_dialog(struct sk_buff *skb, const struct sipalg_dialog *dialog)
{
	struct nlattr *nest = nla_nest_start(skb, CALL_DIALOG);

	if (!nest || put_block(skb, DIALOG_WORDS, &dialog->words) ||
	    nla_put_u16(skb, DIALOG_FORK, dialog->fork) ||
	    put_block(skb, DIALOG_BYTES, &dialog->bytes) ||
	    nla_put(skb, DIALOG_TAG, dialog->tag_len, dialog->tag))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_before(struct sk_buff *skb, const struct sipalg_media *media)
{
	const struct sipalg_media_terms *terms = &media->before;
	const struct terms_bytes bytes = {
		.index = terms->index,
		.kind = terms->kind,
		.held = terms->held,
		.mux_offered = terms->mux_offered,
		.idle = terms->idle,
	};

	if (!media->offer_pending)
		return 0;
	return put_block(skb, MEDIA_LINES_BEFORE, &terms->lines) ?:
	       put_block(skb, MEDIA_BYTES_BEFORE, &bytes);
}

static int put_media(struct sk_buff *skb, const struct sipalg_media *media)
{
	const union nf_inet_addr hosts[] = { media->private, media->public };
	struct nlattr *nest = nla_nest_start(skb, CALL_MEDIA);

	if (!nest || put_block(skb, MEDIA_LONGS, &media->longs) ||
	    put_before(skb, media) ||
	    sipalg_record_put_hosts(skb, MEDIA_HOSTS, hosts, 2) ||
	    nla_put_u32(skb, MEDIA_SEEN, ago(media->seen)) ||
	    put_block(skb, MEDIA_SHORTS, &media->shorts) ||
	    put_block(skb, MEDIA_BYTES, &media->bytes))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_sig_pinhole(struct sk_buff *skb,
			   const struct sipalg_sig_pinhole *pinhole)
{
	const struct sipalg_addr ends[] = { pinhole->dst, pinhole->real };
	const struct sig_bytes bytes = {
		.fork = pinhole->fork,
		.side = pinhole->side,
		.field = pinhole->field,
		.l4proto = pinhole->l4proto,
		.inside = pinhole->inside,
		.order = pinhole->order,
		.accepted = pinhole->accepted,
	};
	struct nlattr *nest = nla_nest_start(skb, CALL_SIG_PINHOLE);

	if (!nest || sipalg_record_put_ends(skb, SIG_ENDS, ends, 2) ||
	    put_block(skb, SIG_BYTES, &bytes))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_lists(struct sk_buff *skb, const struct sipalg_call *call)
{
	const struct sipalg_sig_pinhole *pinhole;
	const struct sipalg_dialog *dialog;
	const struct sipalg_media *media;
	unsigned int i;

	list_for_each_entry(dialog, &call->dialogs, list)
		if (put_dialog(skb, dialog))
			return -EMSGSIZE;
	list_for_each_entry(media, &call->media, list)
		if (put_media(skb, media))
			return -EMSGSIZE;
	for (i = 0; (pinhole = sipalg_sig_pinhole_nth(call, i)); i++)
		if (put_sig_pinhole(skb, pinhole))
			return -EMSGSIZE;
	return 0;
}

static int put_mapping(struct sk_buff *skb, const struct sipalg_mapping *mapping)
{
	u8 key[SIPALG_MAPPING_SYNC_KEY];

	if (!mapping)
		return 0;
	return nla_put(skb, CALL_MAPPING, sipalg_mapping_sync_key(mapping, key),
		       key);
}

static int put_texts(struct sk_buff *skb, const struct sipalg_call *call)
{
	return nla_put(skb, CALL_TAG, call->from_tag_len,
		       sipalg_call_from_tag(call)) ?:
	       nla_put(skb, CALL_FROM, call->from_len, sipalg_call_from(call)) ?:
	       nla_put(skb, CALL_TO, call->to_len, sipalg_call_to(call));
}

int sipalg_call_record_put(struct sk_buff *skb, const struct sipalg_call *call)
{
	const struct nf_conn *ct = call->signalling ?: call->master;

	if (sipalg_record_begin(skb) ||
	    put_block(skb, CALL_LONGS, &call->longs) ||
	    sipalg_record_put_ends(skb, CALL_ENDS, call->party, 4) ||
	    sipalg_record_put_hosts(skb, CALL_HOSTS, call->contact, 6) ||
	    put_block(skb, CALL_WORDS, &call->words) || put_times(skb, call) ||
	    put_timers(skb, call) || put_block(skb, CALL_ZONES, &call->zones) ||
	    put_block(skb, CALL_BYTES, &call->bytes) || put_texts(skb, call) ||
	    put_lists(skb, call) || sipalg_record_put_origin_of(skb, CALL_ORIGIN, ct) ||
	    put_mapping(skb, call->mapping))
		return -EMSGSIZE;
	return 0;
}

/* A call that is being made of a record. */
struct making {
	const struct sipalg_restore *restore;
	struct sipalg_record record;
	struct sipalg_call_name name;
	struct sipalg_call *call;
	struct sipalg_origin origin;
	struct sipalg_flow flow;	/* from the inside, if there is one */
	bool followed;			/* there is an origin */
	unsigned int media_count;
	DECLARE_BITMAP(in_table, MOST_MEDIA);
	struct sipalg_media media;	/* one after the other */
};

static bool read_name(struct making *m)
{
	struct sipalg_key_reader key = {
		.bytes = m->restore->key,
		.left = m->restore->key_len,
	};
	static const int types[] = { 0, CALL_TAG, CALL_FROM, CALL_TO };
	static const int most[] = {
		SIPALG_MAX_CALL_ID, SIPALG_MAX_TAG, SIPALG_MAX_USER, SIPALG_MAX_USER
	};
	unsigned int i;

	sipalg_key_take_u8(&key);
	m->name.key.back = sipalg_key_take_u8(&key) & 1;
	m->name.key.zone = sipalg_key_take_u16(&key);
	sipalg_key_take_ip(&key, &m->name.key.inside);
	if (key.bad)
		return false;
	m->name.text[0] = key.bytes;
	m->name.len[0] = key.left;
	for (i = 1; i < ARRAY_SIZE(types); i++) {
		const struct nlattr *attr = m->record.attr[types[i]];

		m->name.text[i] = attr ? nla_data(attr) : "";
		m->name.len[i] = attr ? nla_len(attr) : 0;
	}
	for (i = 0; i < ARRAY_SIZE(most); i++)
		if (m->name.len[i] > most[i])
			return false;
	return m->name.len[0];
}

static bool is_family(u8 family)
{
	return family == AF_INET || family == AF_INET6;
}

static bool is_l4proto(u8 l4proto)
{
	return l4proto == IPPROTO_UDP || l4proto == IPPROTO_TCP;
}

/* All that is an index, or a choice of few. */
static bool is_sane(const struct sipalg_call *call)
{
	u8 flags = call->hold[0] | call->hold[1] | call->hold_offered[0] |
		   call->hold_offered[1] | call->half_refreshed | call->put_off |
		   call->retired | call->inner | call->bye_side;

	return call->state < SIPALG_CALL_STATES && call->reason < SIPALG_END_MAX &&
	       is_family(call->family) && is_l4proto(call->l4proto) &&
	       call->refresher <= SIP_REFRESHER_UAS && flags <= 1 &&
	       (call->spoke | call->invited) <= 3 &&
	       call->bye_fork <= SIPALG_MAX_DIALOGS;
}

static bool read_groups(struct making *m, struct sipalg_call *call)
{
	struct nlattr **attr = m->record.attr;
	struct call_times times;
	u32 age = m->record.age;

	if (!record_block(attr[CALL_LONGS], &call->longs, sizeof(u64)) ||
	    !sipalg_record_ends(attr[CALL_ENDS], call->party, 4) ||
	    !sipalg_record_hosts(attr[CALL_HOSTS], call->contact, 6) ||
	    !record_block(attr[CALL_WORDS], &call->words, sizeof(u32)) ||
	    !record_block(attr[CALL_TIMES], &times, sizeof(u32)) ||
	    !record_block(attr[CALL_ZONES], &call->zones, sizeof(u16)) ||
	    !record_block(attr[CALL_BYTES], &call->bytes, 1) || !is_sane(call))
		return false;
	call->created = sipalg_record_stamp(times.created, age);
	call->active = sipalg_record_stamp(times.active, age);
	call->answered = 0;
	if (times.answered != NEVER)
		call->answered = sipalg_record_stamp(times.answered, age) ?: 1;
	return true;
}

static int timer_named(const char *name, int len)
{
	int i;

	for (i = 0; i < SIPALG_TIMER_MAX; i++)
		if (strlen(timer_names[i]) == len &&
		    !memcmp(timer_names[i], name, len))
			return i;
	return -1;
}

static bool read_timer(struct making *m, struct sipalg_call *call,
		       const struct nlattr *attr)
{
	struct call_timer timer;
	int len = nla_len(attr) - (int)sizeof(timer), which;

	if (len < 0)
		return false;
	memcpy(&timer, nla_data(attr), sizeof(timer));
	which = timer_named(nla_data(attr) + sizeof(timer), len);
	if (which < 0)	/* a newer module's: it has a limit that this one has not */
		return true;
	call->since[which] = sipalg_record_stamp(timer.since, m->record.age);
	if (timer.running)
		call->running |= 1u << which;
	if (!timer.set)
		return true;
	call->deadline[which] = (u32)jiffies +
				(u32)sipalg_record_left(timer.left, m->record.age);
	call->deadlines |= 1u << which;
	return true;
}

static bool read_dialog(struct making *m, struct sipalg_call *call,
			const struct nlattr *nest)
{
	struct nlattr *attr[RECORD_ATTRS];
	struct sipalg_dialog dialog = {};

	if (!sipalg_record_nest(nest, attr) || !attr[DIALOG_TAG] ||
	    !record_block(attr[DIALOG_WORDS], &dialog.words, sizeof(u32)) ||
	    !sipalg_record_block(attr[DIALOG_FORK], &dialog.fork, sizeof(u16),
				 sizeof(u16)) ||
	    !record_block(attr[DIALOG_BYTES], &dialog.bytes, 1))
		return false;
	dialog.tag_len = nla_len(attr[DIALOG_TAG]);
	if (!dialog.fork || dialog.fork > SIPALG_MAX_DIALOGS ||
	    dialog.tag_len > SIPALG_MAX_TAG)
		return false;
	return sipalg_dialog_restore(call, &dialog, nla_data(attr[DIALOG_TAG]));
}

static bool is_sane_media(const struct sipalg_media *media)
{
	return media->side <= SIPALG_CALLEE && media->kind <= SDP_KIND_MESSAGE &&
	       is_family(media->family) && is_l4proto(media->l4proto) &&
	       media->ports >= 1 && media->ports <= SIPALG_PORTS &&
	       media->index < MOST_LINES && media->before.index < MOST_LINES &&
	       media->before.kind <= SDP_KIND_MESSAGE &&
	       media->port_state <= SIPALG_PORT_TAKEN &&
	       media->fork <= SIPALG_MAX_DIALOGS &&
	       (!media->translated || ntohs(media->public_port[SIPALG_RTP]));
}

static bool read_media(struct making *m, struct sipalg_call *call,
		       const struct nlattr *nest)
{
	struct sipalg_media *media = &m->media;
	struct nlattr *attr[RECORD_ATTRS];
	struct terms_bytes terms;
	union nf_inet_addr hosts[2];
	u32 seen;

	memset(media, 0, sizeof(*media));
	if (!sipalg_record_nest(nest, attr) ||
	    !record_block(attr[MEDIA_LONGS], &media->longs, sizeof(u64)) ||
	    !record_block(attr[MEDIA_LINES_BEFORE], &media->before.lines,
			  sizeof(u64)) ||
	    !record_block(attr[MEDIA_BYTES_BEFORE], &terms, 1) ||
	    !sipalg_record_hosts(attr[MEDIA_HOSTS], hosts, 2) ||
	    !record_block(attr[MEDIA_SEEN], &seen, sizeof(u32)) ||
	    !record_block(attr[MEDIA_SHORTS], &media->shorts, sizeof(u16)) ||
	    !record_block(attr[MEDIA_BYTES], &media->bytes, 1))
		return false;
	media->private = hosts[0];
	media->public = hosts[1];
	media->seen = sipalg_record_stamp(seen, m->record.age);
	media->before.index = terms.index;
	media->before.kind = terms.kind;
	media->before.held = terms.held;
	media->before.mux_offered = terms.mux_offered;
	media->before.idle = terms.idle;
	if (!is_sane_media(media))
		return false;
	/* without its flow nobody knows in which zone its ports are */
	if (!m->followed)
		return true;
	if (media->in_table)
		set_bit(m->media_count, m->in_table);
	m->media_count++;
	return sipalg_media_restore(call, &m->flow, media);
}

static bool read_sig_pinhole(struct making *m, struct sipalg_call *call,
			     const struct nlattr *nest)
{
	struct sipalg_sig_pinhole pinhole = {};
	struct nlattr *attr[RECORD_ATTRS];
	struct sipalg_addr ends[2];
	struct sig_bytes bytes;

	if (!sipalg_record_nest(nest, attr) ||
	    !sipalg_record_ends(attr[SIG_ENDS], ends, 2) ||
	    !record_block(attr[SIG_BYTES], &bytes, 1) ||
	    bytes.side > SIPALG_CALLEE || bytes.fork > SIPALG_MAX_DIALOGS ||
	    !is_l4proto(bytes.l4proto))
		return false;
	pinhole.dst = ends[0];
	pinhole.real = ends[1];
	pinhole.fork = bytes.fork;
	pinhole.side = bytes.side;
	pinhole.field = bytes.field;
	pinhole.l4proto = bytes.l4proto;
	pinhole.inside = bytes.inside;
	pinhole.order = bytes.order;
	pinhole.accepted = bytes.accepted;
	if (m->followed)	/* of a field that opens none here it opens none */
		sipalg_sig_pinhole_restore(call, &m->flow, &pinhole);
	return true;
}

static bool read_lists(struct making *m, struct sipalg_call *call)
{
	unsigned int dialogs = 0;
	const struct nlattr *pos;
	int left;

	nla_for_each_attr(pos, m->record.data, m->record.len, left) {
		switch (nla_type(pos)) {
		case CALL_TIMER:
			if (!read_timer(m, call, pos))
				return false;
			break;
		case CALL_DIALOG:
			if (dialogs++ == SIPALG_MAX_DIALOGS ||
			    !read_dialog(m, call, pos))
				return false;
			break;
		case CALL_MEDIA:
			if (m->media_count == MOST_MEDIA ||
			    !read_media(m, call, pos))
				return false;
			break;
		case CALL_SIG_PINHOLE:
			if (!read_sig_pinhole(m, call, pos))
				return false;
			break;
		}
	}
	return true;
}

/*
 * The call has a master before it has anything else: it stands for the signalling
 * flow, of which there is no packet, and perhaps no connection.
 */
static void make_flow(struct making *m, struct sipalg_call *call)
{
	m->followed = sipalg_record_origin(m->record.attr[CALL_ORIGIN], &m->origin) &&
		      sipalg_media_master(call, &m->origin);
	if (!m->followed)
		return;
	sipalg_flow_init(&m->flow, call->sn, call->master, IP_CT_DIR_ORIGINAL);
	if (!sipalg_flow_from_inside(&m->flow))
		sipalg_flow_init(&m->flow, call->sn, call->master, IP_CT_DIR_REPLY);
	sipalg_mapping_zone(&m->flow);
}

/* A way out that the other router's table has, this one's has, and no pinhole. */
static void enter_ways_out(const struct making *m, struct sipalg_call *call)
{
	struct sipalg_media *media, *other;
	unsigned int i = 0;

	list_for_each_entry(media, &call->media, list) {
		other = sipalg_media_mate(media);
		if (test_bit(i++, m->in_table) && other && other->translated)
			sipalg_way_out_enter(media, other);
	}
}

static void use_mapping(struct making *m, struct sipalg_call *call)
{
	const struct nlattr *attr = m->record.attr[CALL_MAPPING];
	struct sipalg_mapping *mapping;

	if (!attr)
		return;
	mapping = sipalg_mapping_keyed(call->sn, nla_data(attr), nla_len(attr));
	if (mapping && sipalg_mapping_use(mapping))
		call->mapping = mapping;
}

static bool fill(struct making *m, struct sipalg_call *call)
{
	if (!read_groups(m, call)) {
		call->retired = false;	/* it has not been counted as such */
		return false;
	}
	if (call->retired)
		atomic_inc(&call->sn->calls_retired);
	make_flow(m, call);
	if (!read_lists(m, call))
		return false;
	use_mapping(m, call);
	enter_ways_out(m, call);
	sipalg_media_sync(call, NULL);
	if (m->followed)
		sipalg_sig_expect_sync(call, &m->flow);
	call->version = m->restore->version;
	call->sooner = true;
	sipalg_lru_active(call);
	sipalg_lru_sort(call);
	return true;
}

/* What is here goes, whatever becomes of the record. Return: false: it is newer. */
static bool replace(struct making *m)
{
	struct sipalg_call *call = sipalg_call_named(m->restore->sn, &m->name);
	bool older;

	if (!call)
		return true;
	spin_lock_bh(&call->lock);
	older = call->version < m->restore->version;
	if (older && m->restore->record_len)
		sipalg_media_abandon(call);
	if (older)
		sipalg_call_drop(call);
	spin_unlock_bh(&call->lock);
	sipalg_call_put(call);
	return older;
}

static int make(struct making *m)
{
	const struct sipalg_restore *restore = m->restore;
	struct sipalg_addr party[4];
	struct sipalg_call_bytes bytes;
	struct sipalg_call *call;
	bool made;

	/* enough of it to find out by whom it is counted */
	if (!sipalg_record_ends(m->record.attr[CALL_ENDS], party, 4) ||
	    !record_block(m->record.attr[CALL_BYTES], &bytes, 1) ||
	    !is_family(bytes.family))
		return -EINVAL;
	call = sipalg_call_restore(restore->sn, &m->name, &party[0].ip,
				   bytes.family);
	if (!call)
		return -ENOMEM;
	made = fill(m, call);
	if (!made)
		sipalg_call_drop(call);
	spin_unlock_bh(&call->lock);
	sipalg_call_put(call);
	return made ? 0 : -EINVAL;
}

int sipalg_call_restore_record(const struct sipalg_restore *restore)
{
	struct making *m = kzalloc(sizeof(*m), GFP_ATOMIC);
	int err = 0;

	if (!m)
		return -ENOMEM;
	m->restore = restore;
	if (restore->record_len)
		err = sipalg_record_parse(&m->record, restore->record,
					  restore->record_len, restore->age);
	if (!err && !read_name(m))
		err = -EINVAL;
	if (!err && replace(m) && restore->record_len)
		err = make(m);
	kfree(m);
	return err;
}
