// SPDX-License-Identifier: GPL-2.0-only
/* Calls by netlink: listed with filters, shown, ended. */
#include <linux/rhashtable.h>
#include "call/call.h"
#include "call/state.h"
#include "call/msg_log.h"
#include "call/life.h"
#include "core/compat.h"
#include "core/net.h"
#include "media/media.h"
#include "media/media_ct.h"
#include "nat/nat64.h"
#include "netlink/family.h"
#include "netlink/gen.h"
#include "sip/names.h"
#include "sip/prefix.h"

/* Filter of calls; conditions that are not given match. */
struct call_filter {
	const struct nlattr *call_id;
	const struct nlattr *address;
	u32 prefix;
	const struct nlattr *port;
	const char *state;
	u32 older;
	u32 idle;
	const struct nlattr *from;
	const struct nlattr *to;
	const struct nlattr *account;
	bool retired;	/* those that were reported as ended as well */
};

static const char *state_of(const struct sipalg_call *call)
{
	if (call->state == SIPALG_CALL_CONFIRMED && sipalg_call_on_hold(call))
		return "held";
	return sipalg_call_state_name(call->state);
}

static bool in_prefix(const struct call_filter *filter, u8 family,
		      const union nf_inet_addr *ip)
{
	return nla_len(filter->address) == sipalg_ip_size(family) &&
	       sipalg_begins_alike(nla_data(filter->address), ip,
				   filter->prefix);
}

static bool address_matches(const struct sipalg_call *call,
			    const struct call_filter *filter)
{
	const struct sipalg_media *media;
	unsigned int side;

	for (side = 0; side < 2; side++)
		if (in_prefix(filter, call->family, &call->party[side].ip) ||
		    in_prefix(filter, call->family, &call->public[side].ip))
			return true;
	list_for_each_entry(media, &call->media, list)
		if (in_prefix(filter, media->family, &media->private) ||
		    in_prefix(filter, media->family, &media->public))
			return true;
	return false;
}

static bool port_matches(const struct sipalg_call *call, u32 wanted)
{
	__be16 port = htons(wanted);
	const struct sipalg_media *media;
	unsigned int i;

	for (i = 0; i < 2; i++)
		if (call->party[i].port == port || call->public[i].port == port)
			return true;
	list_for_each_entry(media, &call->media, list)
		for (i = 0; i < media->ports; i++)
			if (media->private_port[i] == port ||
			    media->public_port[i] == port)
				return true;
	return false;
}

/* A name longer than what is kept is compared as far as it is. */
static bool is_user(const struct nlattr *wanted, const char *user, u8 len)
{
	return min(nla_len(wanted), SIPALG_MAX_USER) == len &&
	       !memcmp(nla_data(wanted), user, len);
}

static bool users_match(const struct sipalg_call *call,
			const struct call_filter *filter)
{
	const char *from = sipalg_call_from(call), *to = sipalg_call_to(call);

	if (filter->from && !is_user(filter->from, from, call->from_len))
		return false;
	if (filter->to && !is_user(filter->to, to, call->to_len))
		return false;
	return !filter->account ||
	       is_user(filter->account, from, call->from_len) ||
	       is_user(filter->account, to, call->to_len);
}

/* Caller holds the call's lock. */
static bool matches(const struct sipalg_call *call,
		    const struct call_filter *filter)
{
	if (!call->linked || (call->retired && !filter->retired))
		return false;
	if (filter->call_id &&
	    (nla_len(filter->call_id) != call->call_id_len ||
	     memcmp(nla_data(filter->call_id), sipalg_call_id(call),
		    call->call_id_len)))
		return false;
	if (filter->address && !address_matches(call, filter))
		return false;
	if (filter->port && !port_matches(call, nla_get_u32(filter->port)))
		return false;
	if (filter->state && strcmp(filter->state, state_of(call)))
		return false;
	if (!users_match(call, filter))
		return false;
	return sipalg_since(call->created) / HZ >= filter->older &&
	       sipalg_since(call->active) / HZ >= filter->idle;
}

static int read_filter(struct call_filter *filter, struct nlattr **attrs,
		       struct netlink_ext_ack *extack)
{
	const struct nlattr *address = attrs[SIPALG_A_ADDRESS];

	memset(filter, 0, sizeof(*filter));
	filter->call_id = attrs[SIPALG_A_CALL_ID];
	filter->address = address;
	filter->port = attrs[SIPALG_A_PORT];
	filter->from = attrs[SIPALG_A_FROM];
	filter->to = attrs[SIPALG_A_TO];
	filter->account = attrs[SIPALG_A_ACCOUNT];
	if (attrs[SIPALG_A_STATE])
		filter->state = nla_data(attrs[SIPALG_A_STATE]);
	if (attrs[SIPALG_A_OLDER])
		filter->older = nla_get_u32(attrs[SIPALG_A_OLDER]);
	if (attrs[SIPALG_A_IDLE])
		filter->idle = nla_get_u32(attrs[SIPALG_A_IDLE]);
	if (filter->port && nla_get_u32(filter->port) > U16_MAX) {
		NL_SET_ERR_MSG_ATTR(extack, filter->port,
				    "a port is at most 65535");
		return -ERANGE;
	}
	if (!address)
		return 0;

	if (nla_len(address) != 4 && nla_len(address) != 16) {
		NL_SET_ERR_MSG_ATTR(extack, address,
				    "an address has 4 or 16 bytes");
		return -EINVAL;
	}
	filter->prefix = nla_len(address) * 8;
	if (!attrs[SIPALG_A_PREFIX])
		return 0;
	if (nla_get_u32(attrs[SIPALG_A_PREFIX]) > filter->prefix) {
		NL_SET_ERR_MSG_ATTR(extack, attrs[SIPALG_A_PREFIX],
				    "the prefix is longer than the address");
		return -ERANGE;
	}
	filter->prefix = nla_get_u32(attrs[SIPALG_A_PREFIX]);
	return 0;
}

/* Sums of both directions of a channel, RTP and RTCP (S2-3). */
struct channel {
	bool flowing;
	bool counted;
	u32 quiet;
	u64 packets;
	u64 bytes;
};

static void add_up(struct sipalg_media *one, struct channel *channel)
{
	struct sipalg_media *media;
	u64 packets, bytes;

	memset(channel, 0, sizeof(*channel));
	channel->quiet = U32_MAX;
	list_for_each_entry(media, &one->call->media, list) {
		if (media->index != one->index)
			continue;
		channel->quiet = min(channel->quiet,
				     sipalg_media_cts_quiet(media));
		channel->flowing |= media->flow_count;
		if (!sipalg_media_cts_count(media, &packets, &bytes))
			continue;
		channel->counted = true;
		channel->packets += packets;
		channel->bytes += bytes;
	}
}

/*
 * A channel is sent once, from the side whose address is translated, else from the
 * caller's.
 */
static bool stands_for_channel(const struct sipalg_media *media)
{
	const struct sipalg_media *other = sipalg_media_mate(media);

	/* nobody is known by it: until the parties say more there is none */
	if (sipalg_media_is_lost(media))
		return false;
	if (!other)
		return true;
	if (other->translated != media->translated)
		return media->translated;
	return media->side == SIPALG_CALLER;
}

static const char *media_state(const struct sipalg_media *media,
			       const struct channel *channel)
{
	if (media->held)
		return "held";
	if (media->idle)
		return "idle";
	return channel->flowing ? "flowing" : "waiting";
}

const char *sipalg_netlink_media_kind(const struct sipalg_media *media)
{
	static const char * const words[] = {
		[SDP_KIND_OTHER] = "other",
		[SDP_KIND_AUDIO] = "audio",
		[SDP_KIND_VIDEO] = "video",
		[SDP_KIND_IMAGE] = "image",
		[SDP_KIND_TEXT] = "text",
		[SDP_KIND_APPLICATION] = "application",
		[SDP_KIND_MESSAGE] = "message",
	};

	return words[media->kind];
}

static int put_peer(struct sk_buff *skb, const struct sipalg_media *media)
{
	const struct sipalg_media *peer = sipalg_media_mate(media);

	if (!peer)
		return 0;
	return sipalg_netlink_endpoint(skb, SIPALG_A_MEDIA_PEER, peer->family,
				       &peer->private,
				       peer->private_port[SIPALG_RTP]);
}

static int put_media(struct sk_buff *skb, struct sipalg_media *media)
{
	struct nlattr *nest = nla_nest_start(skb, SIPALG_A_CALL_MEDIA);
	u16 rtcp = media->ports > 1 && !media->muxed ?
		   ntohs(media->public_port[SIPALG_RTCP]) : 0;
	struct channel channel;

	add_up(media, &channel);
	if (!nest ||
	    nla_put_u32(skb, SIPALG_A_MEDIA_INDEX, media->index) ||
	    nla_put_string(skb, SIPALG_A_MEDIA_KIND,
			   sipalg_netlink_media_kind(media)) ||
	    sipalg_netlink_endpoint(skb, SIPALG_A_MEDIA_PRIVATE, media->family,
				    &media->private,
				    media->private_port[SIPALG_RTP]) ||
	    sipalg_netlink_endpoint(skb, SIPALG_A_MEDIA_PUBLIC, media->family,
				    &media->public,
				    media->public_port[SIPALG_RTP]) ||
	    put_peer(skb, media) ||
	    nla_put_u32(skb, SIPALG_A_MEDIA_RTCP, rtcp) ||
	    nla_put_string(skb, SIPALG_A_MEDIA_STATE,
			   media_state(media, &channel)) ||
	    nla_put_u32(skb, SIPALG_A_MEDIA_IDLE, channel.quiet / HZ))
		return -EMSGSIZE;
	if (channel.counted &&
	    (nla_put_u64_64bit(skb, SIPALG_A_MEDIA_PACKETS, channel.packets,
			       SIPALG_A_MEDIA_PAD) ||
	     nla_put_u64_64bit(skb, SIPALG_A_MEDIA_BYTES, channel.bytes,
			       SIPALG_A_MEDIA_PAD)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static u32 expires_in(const struct sipalg_call *call)
{
	long nearest = LONG_MAX;
	unsigned int i;

	for (i = 0; i < SIPALG_TIMER_MAX; i++)
		if (call->deadlines & 1u << i && i != SIPALG_TIMER_MEDIA)
			nearest = min(nearest, sipalg_call_left(call, i));
	return nearest == LONG_MAX ? 0 : max(nearest, 0L) / HZ;
}

static int put_written(struct sk_buff *skb, const struct sipalg_call *call,
		       int attr, enum sipalg_side side)
{
	char text[SIPALG_LITERAL_TEXT + 1];

	return sipalg_nat64_written(call, side, text) ?
	       nla_put_string(skb, attr, text) : 0;
}

static int put_parties(struct sk_buff *skb, const struct sipalg_call *call,
		       bool first_tag_only)
{
	const struct sipalg_dialog *dialog;

	if (nla_put(skb, SIPALG_A_CALL_FROM_TAG, call->from_tag_len,
		    sipalg_call_from_tag(call)) ||
	    sipalg_netlink_endpoint(skb, SIPALG_A_CALL_SOURCE, call->family,
				    &call->party[SIPALG_CALLER].ip,
				    call->party[SIPALG_CALLER].port) ||
	    sipalg_netlink_endpoint(skb, SIPALG_A_CALL_DESTINATION, call->family,
				    &call->party[SIPALG_CALLEE].ip,
				    call->party[SIPALG_CALLEE].port))
		return -EMSGSIZE;
	if (put_written(skb, call, SIPALG_A_CALL_SOURCE_WRITTEN, SIPALG_CALLER) ||
	    put_written(skb, call, SIPALG_A_CALL_DESTINATION_WRITTEN,
			SIPALG_CALLEE))
		return -EMSGSIZE;
	list_for_each_entry(dialog, &call->dialogs, list)
		if (nla_put(skb, SIPALG_A_CALL_TO_TAG, dialog->tag_len,
			    dialog->tag))
			return -EMSGSIZE;
		else if (first_tag_only)
			break;
	return 0;
}

static int put_rung(struct sk_buff *skb,
		    const struct sipalg_msg_log_entry *entry)
{
	bool tcp = entry->bits & SIPALG_MSG_LOG_TCP;
	struct nlattr *nest = nla_nest_start(skb, SIPALG_A_MESSAGE);

	if (!nest || nla_put_u32(skb, SIPALG_A_MESSAGE_TIME, entry->time) ||
	    nla_put_string(skb, SIPALG_A_MESSAGE_WORD,
			   sip_method_name(entry->method)) ||
	    nla_put_u32(skb, SIPALG_A_MESSAGE_CSEQ, entry->cseq) ||
	    nla_put_string(skb, SIPALG_A_MESSAGE_PROTOCOL,
			   tcp ? "tcp" : "udp") ||
	    nla_put_u32(skb, SIPALG_A_MESSAGE_EDITS, entry->edits) ||
	    nla_put_u32(skb, SIPALG_A_MESSAGE_FIELDS, entry->fields))
		return -EMSGSIZE;
	if ((!(entry->bits & SIPALG_MSG_LOG_REQUEST) &&
	     nla_put_u32(skb, SIPALG_A_MESSAGE_STATUS, entry->status)) ||
	    (entry->bits & SIPALG_MSG_LOG_CALLER &&
	     nla_put_flag(skb, SIPALG_A_MESSAGE_CALLER)) ||
	    (entry->bits & SIPALG_MSG_LOG_RETRANSMITTED &&
	     nla_put_flag(skb, SIPALG_A_MESSAGE_RETRANSMITTED)) ||
	    (entry->bits & SIPALG_MSG_LOG_DROPPED &&
	     nla_put_flag(skb, SIPALG_A_MESSAGE_DROPPED)) ||
	    (entry->reason &&
	     nla_put_string(skb, SIPALG_A_MESSAGE_REASON,
			    sipalg_reason_name(entry->reason))))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_ladder(struct sk_buff *skb, const struct sipalg_call *call)
{
	u32 i = call->entries > SIPALG_MSG_LOG_ENTRIES ?
			call->entries - SIPALG_MSG_LOG_ENTRIES :
			0;

	for (; i < call->entries; i++)
		if (put_rung(skb,
			     &call->msg_log->entry[i % SIPALG_MSG_LOG_ENTRIES]))
			return -EMSGSIZE;
	return 0;
}

static int put_all_media(struct sk_buff *skb, const struct sipalg_call *call,
			 bool fitting)
{
	struct sipalg_media *media;

	list_for_each_entry(media, &call->media, list) {
		unsigned char *before = skb_tail_pointer(skb);

		if (!stands_for_channel(media) || !put_media(skb, media))
			continue;
		nlmsg_trim(skb, before);
		return fitting ? 0 : -EMSGSIZE;
	}
	return 0;
}

static int put_names(struct sk_buff *skb, const struct sipalg_call *call)
{
	bool tcp = call->l4proto == IPPROTO_TCP;

	if (nla_put(skb, SIPALG_A_CALL_FROM, call->from_len,
		    sipalg_call_from(call)) ||
	    nla_put(skb, SIPALG_A_CALL_TO, call->to_len,
		    sipalg_call_to(call)) ||
	    nla_put_string(skb, SIPALG_A_CALL_TRANSPORT, tcp ? "tcp" : "udp"))
		return -EMSGSIZE;
	return call->answered ?
	       nla_put_u32(skb, SIPALG_A_CALL_TALK,
			   sipalg_since(call->answered) / HZ) : 0;
}

int sipalg_netlink_call(struct sk_buff *skb, const struct sipalg_call *call,
			enum sipalg_call_detail detail)
{
	bool fitting = detail == SIPALG_CALL_FITTING;
	static const char * const refreshers[] = { "none", "uac", "uas" };
	struct nlattr *nest = nla_nest_start(skb, SIPALG_A_CALL);

	if (!nest ||
	    nla_put_u32(skb, SIPALG_A_CALL_NUMBER, call->id) ||
	    nla_put(skb, SIPALG_A_CALL_NAME, call->call_id_len,
		    sipalg_call_id(call)) ||
	    nla_put_string(skb, SIPALG_A_CALL_STATE, state_of(call)) ||
	    put_parties(skb, call, fitting) ||
	    put_names(skb, call) ||
	    nla_put_u32(skb, SIPALG_A_CALL_AGE, sipalg_since(call->created) / HZ) ||
	    nla_put_u32(skb, SIPALG_A_CALL_IDLE, sipalg_since(call->active) / HZ) ||
	    nla_put_u32(skb, SIPALG_A_CALL_SESSION_INTERVAL,
			call->session_interval) ||
	    nla_put_string(skb, SIPALG_A_CALL_REFRESHER,
			   refreshers[call->refresher]) ||
	    nla_put_u32(skb, SIPALG_A_CALL_EXPIRES, expires_in(call)))
		return -EMSGSIZE;
	if (put_all_media(skb, call, fitting))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_call(struct sk_buff *skb, const struct sipalg_call *call,
		    enum sipalg_call_detail detail, u32 portid, u32 seq,
		    struct netlink_callback *dump)
{
	void *header = sipalg_netlink_begin(skb, portid, seq,
					    dump ? NLM_F_MULTI : 0,
					    SIPALG_CMD_CALL_GET);
	int err;

	if (!header)
		return -EMSGSIZE;
	if (dump)
		genl_dump_check_consistent(dump, header);
	err = sipalg_netlink_call(skb, call, detail);
	if (!err && !dump && call->msg_log && detail == SIPALG_CALL_WHOLE)
		err = put_ladder(skb, call);
	if (!err && !dump && detail == SIPALG_CALL_WHOLE)
		err = sipalg_netlink_state_dump(skb, call);
	if (err)
		genlmsg_cancel(skb, header);
	else
		genlmsg_end(skb, header);
	return err;
}

/*
 * Returns 0 if the call was put or does not match, else -EMSGSIZE. For a call that
 * does not fit in any reply an error would end the dump, so a part of it is sent.
 */
static int answer_call(struct sk_buff *skb, struct sipalg_call *call,
		       const struct call_filter *filter, u32 portid, u32 seq,
		       struct netlink_callback *dump)
{
	int err = 0;

	spin_lock_bh(&call->lock);
	if (matches(call, filter)) {
		err = put_call(skb, call, SIPALG_CALL_WHOLE, portid, seq, dump);
		if (err && !skb->len)
			err = put_call(skb, call, SIPALG_CALL_FITTING, portid,
				       seq, dump);
	}
	spin_unlock_bh(&call->lock);
	return err;
}

struct call_dump {
	struct rhashtable_iter iter;
	struct call_filter filter;
};

int sipalg_nl_call_get_start(struct netlink_callback *cb)
{
	struct sipalg_net *sn = sipalg_net_get(sock_net(cb->skb->sk));
	struct call_dump *dump = kzalloc(sizeof(*dump), GFP_KERNEL);
	int err;

	if (!dump)
		return -ENOMEM;
	err = read_filter(&dump->filter, sipalg_compat_dump_attrs(cb),
			  cb->extack);
	if (err) {
		kfree(dump);
		return err;
	}
	cb->seq = 1;
	rhashtable_walk_enter(&sn->calls, &dump->iter);
	cb->args[0] = (long)dump;
	return 0;
}

int sipalg_nl_call_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct call_dump *dump = (struct call_dump *)cb->args[0];
	struct sipalg_call *call;

	sipalg_netlink_walk(&dump->iter, cb);
	for (call = rhashtable_walk_peek(&dump->iter); call;
	     call = rhashtable_walk_next(&dump->iter)) {
		if (IS_ERR(call)) {
			/* resized underneath: some may come twice, say so */
			cb->seq++;
			continue;
		}
		if (answer_call(skb, call, &dump->filter,
				NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				cb))
			break;
	}
	rhashtable_walk_stop(&dump->iter);
	return skb->len;
}

int sipalg_nl_call_get_done(struct netlink_callback *cb)
{
	struct call_dump *dump = (struct call_dump *)cb->args[0];

	if (dump) {
		rhashtable_walk_exit(&dump->iter);
		kfree(dump);
	}
	return 0;
}

/* Any call that has the number, or matches; with a reference. */
static struct sipalg_call *next_match(struct rhashtable_iter *iter,
				      const struct nlattr *id,
				      const struct call_filter *filter)
{
	struct sipalg_call *call;
	bool found;

	while ((call = rhashtable_walk_next(iter))) {
		if (IS_ERR(call))
			continue;
		if (id && call->id != nla_get_u32(id))
			continue;
		if (!refcount_inc_not_zero(&call->refs))
			continue;
		spin_lock_bh(&call->lock);
		found = matches(call, filter);
		spin_unlock_bh(&call->lock);
		if (found)
			return call;
		sipalg_call_put(call);
	}
	return NULL;
}

static struct sipalg_call *find_call(struct sipalg_net *sn,
				     struct genl_info *info,
				     const struct call_filter *filter)
{
	struct rhashtable_iter iter;
	struct sipalg_call *call;

	if (!info->attrs[SIPALG_A_ID] && !info->attrs[SIPALG_A_CALL_ID]) {
		NL_SET_ERR_MSG(info->extack, "a call number or a Call-ID is required");
		return ERR_PTR(-EINVAL);
	}
	rhashtable_walk_enter(&sn->calls, &iter);
	rhashtable_walk_start(&iter);
	call = next_match(&iter, info->attrs[SIPALG_A_ID], filter);
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
	if (!call) {
		NL_SET_ERR_MSG(info->extack,
			       "there is no such call (any more): see sipalg-ctl call list");
		return ERR_PTR(-ENOENT);
	}
	return call;
}

/* Room for one call of 64 media, 16 dialogs and 32 messages, and all of it. */
#define CALL_SIZE	61440

int sipalg_nl_call_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sipalg_net *sn = sipalg_net_get(genl_info_net(info));
	const struct call_filter any = {}, named = {
		/* no other filter: those are beyond what this command takes */
		.call_id = info->attrs[SIPALG_A_CALL_ID],
	};
	struct sipalg_call *call = find_call(sn, info, &named);
	struct sk_buff *answer;
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	answer = genlmsg_new(CALL_SIZE, GFP_KERNEL);
	if (!answer) {
		sipalg_call_put(call);
		return -ENOMEM;
	}
	err = answer_call(answer, call, &any, info->snd_portid, info->snd_seq, NULL);
	sipalg_call_put(call);
	if (!err && !answer->len)
		err = -ENOENT;	/* it has ended a moment ago */
	if (err) {
		nlmsg_free(answer);
		return err;
	}
	return genlmsg_reply(answer, info);
}

#define END_AT_ONCE	256

/* Returns how many that is for people: none if it was reported before. */
static u32 end_call(struct sipalg_call *call)
{
	bool seen;

	spin_lock_bh(&call->lock);
	seen = !call->retired;
	sipalg_call_end(call, SIPALG_END_ADMIN);
	spin_unlock_bh(&call->lock);
	sipalg_call_put(call);
	return seen;
}

/*
 * No more than can be ended without letting others have the CPU. Returns
 * false if there may be more.
 */
static bool end_some(struct sipalg_net *sn, const struct call_filter *filter,
		     u32 *count)
{
	struct rhashtable_iter iter;
	struct sipalg_call *call;
	u32 some = 0;

	rhashtable_walk_enter(&sn->calls, &iter);
	rhashtable_walk_start(&iter);
	while (some < END_AT_ONCE && (call = next_match(&iter, NULL, filter))) {
		*count += end_call(call);
		some++;
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
	return some < END_AT_ONCE;
}

static u32 end_all(struct sipalg_net *sn, const struct call_filter *filter)
{
	u32 count = 0;

	while (!end_some(sn, filter, &count))
		cond_resched();
	return count;
}

static int answer_count(struct genl_info *info, u32 count)
{
	struct sk_buff *answer = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	void *header;

	if (!answer)
		return -ENOMEM;
	header = sipalg_netlink_begin(answer, info->snd_portid, info->snd_seq,
				      0, SIPALG_CMD_CALL_END);
	if (!header || nla_put_u32(answer, SIPALG_A_COUNT, count)) {
		nlmsg_free(answer);
		return -EMSGSIZE;
	}
	genlmsg_end(answer, header);
	return genlmsg_reply(answer, info);
}

int sipalg_nl_call_end_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sipalg_net *sn = sipalg_net_get(genl_info_net(info));
	struct call_filter filter;
	struct sipalg_call *call;
	int err = read_filter(&filter, info->attrs, info->extack);

	if (err)
		return err;
	filter.retired = !!info->attrs[SIPALG_A_ALL];
	if (info->attrs[SIPALG_A_ALL])
		return answer_count(info, end_all(sn, &filter));
	call = find_call(sn, info, &filter);
	if (IS_ERR(call))
		return PTR_ERR(call);
	end_call(call);
	return answer_count(info, 1);
}
