// SPDX-License-Identifier: GPL-2.0-only
/* A pair of routers by netlink: who is told what has changed, and what is restored. */
#include <linux/rhashtable.h>
#include <linux/timekeeping.h>
#include "call/call.h"
#include "core/compat.h"
#include "core/net.h"
#include "nat/mapping.h"
#include "nat/registration.h"
#include "netlink/family.h"
#include "netlink/gen.h"
#include "netlink/sync.h"
#include "packet/tcp_position.h"
#include "sync/role.h"

#define BATCH_SIZE	SKB_WITH_OVERHEAD(32768)	/* bytes of a message */
#define BATCH_OBJECTS	256
#define KEYS_KEY	"k"	/* there is one set of them */

/* Role and epoch: one command that changes them, or what they allow, at a time. */
static DEFINE_MUTEX(sync_mutex);

static u64 clock_ms(void)
{
	return ktime_to_ms(ktime_get_boottime());
}

/**
 * struct batch - objects in one message
 * @sn: the namespace
 * @skb: the message
 * @header: its beginning
 * @taken: what is in it, with their references
 * @count: how many they are
 * @lost: it says that tombstones were
 * @keys: the keys are in it
 */
struct batch {
	struct sipalg_net *sn;
	struct sk_buff *skb;
	void *header;
	struct sipalg_dirty *taken[BATCH_OBJECTS];
	unsigned int count;
	bool lost;
	bool keys;
};

static int put_sync(struct sk_buff *skb, struct sipalg_net *sn, bool lost)
{
	struct sipalg_sync *sync = &sn->sync;
	struct nlattr *nest = nla_nest_start(skb, SIPALG_A_SYNC);
	u64 sequence;

	spin_lock_bh(&sync->lock);
	sequence = sipalg_sync_version(sync->epoch, sync->sequence);
	spin_unlock_bh(&sync->lock);
	if (!nest ||
	    nla_put_u32(skb, SIPALG_A_SYNC_ROLE, sipalg_is_standby(sync) ?
			SIPALG_SYNC_ROLE_STANDBY : SIPALG_SYNC_ROLE_ACTIVE) ||
	    nla_put_u32(skb, SIPALG_A_SYNC_EPOCH, READ_ONCE(sync->epoch)) ||
	    nla_put_u64_64bit(skb, SIPALG_A_SYNC_SEQUENCE, sequence,
			      SIPALG_A_SYNC_PAD) ||
	    nla_put_u64_64bit(skb, SIPALG_A_SYNC_CLOCK, clock_ms(),
			      SIPALG_A_SYNC_PAD) ||
	    nla_put_u32(skb, SIPALG_A_SYNC_DIRTY, READ_ONCE(sync->count)) ||
	    (lost && nla_put_flag(skb, SIPALG_A_SYNC_LOST)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static u64 next_version(struct sipalg_net *sn)
{
	struct sipalg_sync *sync = &sn->sync;
	u64 version;

	spin_lock_bh(&sync->lock);
	version = sipalg_sync_version(sync->epoch, ++sync->sequence);
	spin_unlock_bh(&sync->lock);
	return version;
}

/* One object: its key, and its record if @put has one. */
static int put_object(struct sk_buff *skb, u64 version, const void *key, u16 len,
		      int (*put)(struct sk_buff *skb, const void *object),
		      const void *object)
{
	unsigned char *before = skb_tail_pointer(skb);
	struct nlattr *nest = nla_nest_start(skb, SIPALG_A_SYNC_OBJECT), *record;
	int err = -EMSGSIZE;

	if (!nest || nla_put(skb, SIPALG_A_SYNC_OBJECT_KEY, len, key) ||
	    nla_put_u64_64bit(skb, SIPALG_A_SYNC_OBJECT_SEQUENCE, version,
			      SIPALG_A_SYNC_OBJECT_PAD))
		goto err;
	if (put) {
		record = nla_nest_start_noflag(skb, SIPALG_A_SYNC_OBJECT_RECORD);
		if (!record)
			goto err;
		err = put(skb, object);
		if (err)
			goto err;
		nla_nest_end(skb, record);
	}
	nla_nest_end(skb, nest);
	return 0;

err:
	nlmsg_trim(skb, before);
	return err;
}

static int put_call(struct sk_buff *skb, const void *call)
{
	return sipalg_call_record_put(skb, call);
}

static int put_mapping(struct sk_buff *skb, const void *mapping)
{
	return sipalg_mapping_record_put(skb, mapping);
}

static int put_registration(struct sk_buff *skb, const void *registration)
{
	return sipalg_registration_record_put(skb, registration);
}

static int put_keys(struct sk_buff *skb, const void *sn)
{
	return sipalg_keys_record_put(skb, sn);
}

static int tell_keys(struct batch *batch)
{
	struct sipalg_net *sn = batch->sn;

	if (!xchg(&sn->sync.keys_dirty, false))
		return 0;
	batch->keys = true;
	return put_object(batch->skb, next_version(sn), KEYS_KEY, 1, put_keys, sn);
}

/* Locked. */
static int tell_linked_call(struct batch *batch, struct sipalg_call *call)
{
	u8 key[SIPALG_CALL_SYNC_KEY];

	return put_object(batch->skb, next_version(batch->sn), key,
			  sipalg_call_sync_key(call, key), put_call, call);
}

/* One that has ended has left a tombstone. */
static int tell_call(struct batch *batch, struct sipalg_dirty *dirty)
{
	struct sipalg_call *call = container_of(dirty, struct sipalg_call, dirty);
	int err = 0;

	spin_lock_bh(&call->lock);
	if (call->linked)
		err = tell_linked_call(batch, call);
	spin_unlock_bh(&call->lock);
	return err;
}

static int tell_registration(struct batch *batch,
			     struct sipalg_registration *registration)
{
	u8 key[SIPALG_REGISTRATION_SYNC_KEY];
	int err;

	if (!registration->dirty)
		return 0;
	err = put_object(batch->skb, next_version(batch->sn), key,
			 sipalg_registration_sync_key(registration, key),
			 put_registration, registration);
	registration->dirty = !!err;
	return err;
}

/*
 * Locked. What was put and then is not told is marked as a whole again: it is rare, and
 * the flags need not be remembered.
 */
static int tell_parts(struct batch *batch, struct sipalg_mapping *mapping)
{
	struct sipalg_registration *registration;
	u8 key[SIPALG_MAPPING_SYNC_KEY];

	if (mapping->forms_dirty &&
	    put_object(batch->skb, next_version(batch->sn), key,
		       sipalg_mapping_sync_key(mapping, key), put_mapping, mapping))
		return -EMSGSIZE;
	mapping->forms_dirty = false;
	if (!mapping->registrations_dirty)
		return 0;
	hlist_for_each_entry(registration, &mapping->registrations, node)
		if (tell_registration(batch, registration))
			return -EMSGSIZE;
	mapping->registrations_dirty = false;
	return 0;
}

static int tell_mapping(struct batch *batch, struct sipalg_dirty *dirty)
{
	struct sipalg_mapping *mapping =
		container_of(dirty, struct sipalg_mapping, dirty);
	int err = 0;

	spin_lock_bh(&mapping->lock);
	if (!mapping->dead)
		err = tell_parts(batch, mapping);
	spin_unlock_bh(&mapping->lock);
	return err;
}

/* What is put of a TCP connection. */
struct connection {
	struct sipalg_tcp_position *position;
	struct nf_conn *ct;	/* or NULL */
};

static int put_tcp(struct sk_buff *skb, const void *data)
{
	const struct connection *connection = data;

	return sipalg_tcp_record_put(skb, connection->position, connection->ct);
}

/* @ct: or NULL. Return: -ENOENT: nothing is known of it. */
static int put_position(struct sk_buff *skb, u64 version,
			struct sipalg_tcp_position *position, struct nf_conn *ct)
{
	const struct connection connection = { position, ct };
	u8 key[SIPALG_POSITION_SYNC_KEY];
	int err;

	local_bh_disable();
	if (ct)
		sipalg_tcp_lock(ct);
	err = put_object(skb, version, key,
			 sipalg_tcp_position_sync_key(position, key), put_tcp,
			 &connection);
	if (ct)
		sipalg_tcp_unlock(ct);
	local_bh_enable();
	return err;
}

/* One whose conntrack is not there any more has ended. */
static int tell_tcp(struct batch *batch, struct sipalg_dirty *dirty)
{
	struct sipalg_tcp_position *position =
		container_of(dirty, struct sipalg_tcp_position, dirty);
	struct nf_conn *ct = sipalg_tcp_position_ct(position);
	u8 key[SIPALG_POSITION_SYNC_KEY];
	int err;

	if (ct) {
		err = put_position(batch->skb, next_version(batch->sn), position, ct);
		nf_ct_put(ct);
		return err;
	}
	err = put_object(batch->skb, next_version(batch->sn), key,
			 sipalg_tcp_position_sync_key(position, key), NULL, NULL);
	if (!err)
		sipalg_tcp_position_unlink(position);
	return err;
}

static int tell_tombstone(struct batch *batch, struct sipalg_dirty *dirty)
{
	const struct sipalg_tombstone *tombstone =
		container_of(dirty, struct sipalg_tombstone, dirty);

	return put_object(batch->skb, next_version(batch->sn), tombstone->key,
			  tombstone->len, NULL, NULL);
}

static int tell(struct batch *batch, struct sipalg_dirty *dirty)
{
	switch (dirty->kind) {
	case SIPALG_DIRTY_CALL:
		return tell_call(batch, dirty);
	case SIPALG_DIRTY_MAPPING:
		return tell_mapping(batch, dirty);
	case SIPALG_DIRTY_TCP:
		return tell_tcp(batch, dirty);
	default:
		return tell_tombstone(batch, dirty);
	}
}

/* Its reference, or all of a tombstone. */
static void drop(struct sipalg_dirty *dirty)
{
	switch (dirty->kind) {
	case SIPALG_DIRTY_CALL:
		sipalg_call_put(container_of(dirty, struct sipalg_call, dirty));
		break;
	case SIPALG_DIRTY_MAPPING:
		sipalg_mapping_put(container_of(dirty, struct sipalg_mapping,
						dirty));
		break;
	case SIPALG_DIRTY_TCP:
		sipalg_tcp_position_put(container_of(dirty,
						     struct sipalg_tcp_position,
						     dirty));
		break;
	default:
		kfree(container_of(dirty, struct sipalg_tombstone, dirty));
	}
}

/* All of a mapping's are told again: which of them were in the message is not known. */
static void mark_parts(struct sipalg_dirty *dirty)
{
	struct sipalg_mapping *mapping;
	struct sipalg_registration *registration;

	if (dirty->kind != SIPALG_DIRTY_MAPPING)
		return;
	mapping = container_of(dirty, struct sipalg_mapping, dirty);
	spin_lock_bh(&mapping->lock);
	mapping->forms_dirty = true;
	mapping->registrations_dirty = true;
	hlist_for_each_entry(registration, &mapping->registrations, node)
		registration->dirty = true;
	spin_unlock_bh(&mapping->lock);
}

static void again(struct batch *batch, struct sipalg_dirty *dirty)
{
	if (!sipalg_dirty_again(batch->sn, dirty))
		drop(dirty);
}

/* In their order: the last is the first in the list. */
static void not_told(struct batch *batch)
{
	while (batch->count) {
		struct sipalg_dirty *dirty = batch->taken[--batch->count];

		mark_parts(dirty);
		again(batch, dirty);
	}
	if (batch->keys)
		WRITE_ONCE(batch->sn->sync.keys_dirty, true);
	if (batch->lost)
		WRITE_ONCE(batch->sn->sync.lost, true);
}

static void told(struct batch *batch)
{
	while (batch->count)
		drop(batch->taken[--batch->count]);
}

static bool begin(struct batch *batch, struct sipalg_net *sn)
{
	batch->sn = sn;
	batch->count = 0;
	batch->keys = false;
	batch->skb = nlmsg_new(BATCH_SIZE, GFP_KERNEL);
	if (!batch->skb)
		return false;
	batch->lost = xchg(&sn->sync.lost, false);
	batch->header = sipalg_netlink_begin(batch->skb, 0, 0, 0,
					     SIPALG_CMD_SYNC_NTF);
	if (batch->header && !put_sync(batch->skb, sn, batch->lost) &&
	    !tell_keys(batch))
		return true;
	not_told(batch);
	nlmsg_free(batch->skb);
	return false;
}

/* Some of its registrations are in the message, and the others go on in the next. */
static void take_part(struct batch *batch, struct sipalg_dirty *dirty)
{
	refcount_inc(dirty->refs);
	batch->taken[batch->count++] = dirty;
	again(batch, dirty);
}

/* Return: true: it does not fit behind others, and waits for the next message. */
static bool must_wait(struct batch *batch, struct sipalg_dirty *dirty)
{
	if (dirty->kind == SIPALG_DIRTY_MAPPING) {
		take_part(batch, dirty);
		return true;
	}
	if (batch->count) {
		again(batch, dirty);
		return true;
	}
	net_warn_ratelimited("an object is too large for the other router of a pair\n");
	drop(dirty);
	return false;
}

/* As many as fit. Returns whether there is anything to be sent. */
static bool gather(struct batch *batch)
{
	struct sipalg_dirty *dirty;

	while (batch->count < BATCH_OBJECTS &&
	       (dirty = sipalg_dirty_take(batch->sn))) {
		if (!tell(batch, dirty))
			batch->taken[batch->count++] = dirty;
		else if (must_wait(batch, dirty))
			break;
	}
	return batch->count || batch->keys || batch->lost;
}

/* Return: true: there may be more to tell at once. */
static bool tell_some(struct sipalg_net *sn, struct batch *batch)
{
	u32 portid = READ_ONCE(sn->sync.portid);
	int err;

	if (!begin(batch, sn))
		return false;
	if (!gather(batch)) {
		nlmsg_free(batch->skb);
		return false;
	}
	genlmsg_end(batch->skb, batch->header);
	err = genlmsg_unicast(sn->net, batch->skb, portid);
	if (!err) {
		told(batch);
		return true;
	}
	not_told(batch);
	/* it has gone; if it reads too slowly it is told later */
	if (err == -ECONNREFUSED && cmpxchg(&sn->sync.portid, portid, 0) == portid)
		static_branch_dec(&sipalg_dirty_wanted);
	return false;
}

/* Nobody is to be told. */
static void drop_all(struct sipalg_net *sn)
{
	struct sipalg_dirty *dirty;

	while ((dirty = sipalg_dirty_take(sn)))
		drop(dirty);
}

static void sync_work(struct work_struct *work)
{
	struct sipalg_net *sn = container_of(to_delayed_work(work),
					     struct sipalg_net, sync.work);
	struct batch *batch = kzalloc(sizeof(*batch), GFP_KERNEL);
	bool left;

	while (batch && sipalg_dirty_is_told(sn) && tell_some(sn, batch))
		cond_resched();
	left = READ_ONCE(sn->sync.count) || READ_ONCE(sn->sync.keys_dirty) ||
	       READ_ONCE(sn->sync.lost);
	WRITE_ONCE(sn->sync.slow, left);
	if (!sipalg_dirty_is_told(sn))
		drop_all(sn);
	else if (left)
		queue_delayed_work(system_wq, &sn->sync.work,
				   SIPALG_DIRTY_INTERVAL);
	kfree(batch);
}

int sipalg_netlink_sync_init(struct sipalg_net *sn)
{
	INIT_DELAYED_WORK(&sn->sync.work, sync_work);
	return 0;
}

void sipalg_netlink_sync_exit(struct sipalg_net *sn)
{
	cancel_delayed_work_sync(&sn->sync.work);
	sipalg_dirty_listen(sn, 0);
	sipalg_dirty_pair(sn, false);
	drop_all(sn);
}

static int refuse(struct genl_info *info, const char *sentence, int err)
{
	if (info->extack)
		info->extack->_msg = sentence;
	return err;
}

static int read_sync(struct genl_info *info, struct nlattr **attr)
{
	if (!info->attrs[SIPALG_A_SYNC])
		return refuse(info, "sync is required", -EINVAL);
	return nla_parse_nested(attr, SIPALG_A_SYNC_PAD, info->attrs[SIPALG_A_SYNC],
				sipalg_sync_nl_policy, info->extack);
}

int sipalg_nl_sync_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sipalg_net *sn = sipalg_net_get(genl_info_net(info));
	struct sk_buff *answer = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	void *header;

	if (!answer)
		return -ENOMEM;
	header = sipalg_netlink_begin(answer, info->snd_portid, info->snd_seq, 0,
				      SIPALG_CMD_SYNC_GET);
	if (!header || put_sync(answer, sn, READ_ONCE(sn->sync.lost))) {
		nlmsg_free(answer);
		return -EMSGSIZE;
	}
	genlmsg_end(answer, header);
	return genlmsg_reply(answer, info);
}

int sipalg_nl_sync_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sipalg_net *sn = sipalg_net_get(genl_info_net(info));
	struct nlattr *attr[SIPALG_A_SYNC_PAD + 1];
	int err = read_sync(info, attr);
	u32 epoch;
	bool standby;

	if (err)
		return err;
	mutex_lock(&sync_mutex);
	epoch = attr[SIPALG_A_SYNC_EPOCH] ?
		nla_get_u32(attr[SIPALG_A_SYNC_EPOCH]) : sn->sync.epoch;
	standby = attr[SIPALG_A_SYNC_ROLE] ?
		  nla_get_u32(attr[SIPALG_A_SYNC_ROLE]) == SIPALG_SYNC_ROLE_STANDBY :
		  sn->sync.standby;
	if (epoch < sn->sync.epoch) {
		mutex_unlock(&sync_mutex);
		return refuse(info, "the epoch has been higher already", -ESTALE);
	}
	if (attr[SIPALG_A_SYNC_LISTEN])
		sipalg_dirty_listen(sn, info->snd_portid);
	sipalg_sync_set_role(sn, standby, epoch);
	mutex_unlock(&sync_mutex);
	/* a standby has nothing to tell: what it had is dropped */
	queue_delayed_work(system_wq, &sn->sync.work, 0);
	return 0;
}

int sipalg_nl_sync_mark_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sipalg_net *sn = sipalg_net_get(genl_info_net(info));

	mutex_lock(&sync_mutex);
	sipalg_sync_mark_all(sn);
	mutex_unlock(&sync_mutex);
	queue_delayed_work(system_wq, &sn->sync.work, 0);
	return 0;
}

/* Return: 0 or what is wrong with the request itself. */
static int restore_object(struct sipalg_net *sn, const struct nlattr *nest,
			  struct genl_info *info, u32 *failed)
{
	struct nlattr *attr[SIPALG_A_SYNC_OBJECT_PAD + 1];
	struct sipalg_restore restore = { .sn = sn };
	int err;

	err = nla_parse_nested(attr, SIPALG_A_SYNC_OBJECT_PAD, nest,
			       sipalg_sync_object_nl_policy, info->extack);
	if (err)
		return err;
	if (!attr[SIPALG_A_SYNC_OBJECT_KEY] ||
	    !nla_len(attr[SIPALG_A_SYNC_OBJECT_KEY]) ||
	    !attr[SIPALG_A_SYNC_OBJECT_SEQUENCE])
		return refuse(info, "an object has a key and a sequence", -EINVAL);
	restore.key = nla_data(attr[SIPALG_A_SYNC_OBJECT_KEY]);
	restore.key_len = nla_len(attr[SIPALG_A_SYNC_OBJECT_KEY]);
	restore.version = nla_get_u64(attr[SIPALG_A_SYNC_OBJECT_SEQUENCE]);
	if (attr[SIPALG_A_SYNC_OBJECT_AGE])
		restore.age = nla_get_u32(attr[SIPALG_A_SYNC_OBJECT_AGE]);
	if (attr[SIPALG_A_SYNC_OBJECT_RECORD]) {
		restore.record = nla_data(attr[SIPALG_A_SYNC_OBJECT_RECORD]);
		restore.record_len = nla_len(attr[SIPALG_A_SYNC_OBJECT_RECORD]);
		if (!restore.record_len)
			return refuse(info, "a record has at least its version",
				      -EINVAL);
	}
	err = sipalg_sync_restore(&restore);
	if (!err)
		return 0;
	(*failed)++;
	if (err == -EPROTO)
		refuse(info, "a record is of another version of the module", 0);
	return 0;
}

static int restore_all(struct sipalg_net *sn, struct genl_info *info, u32 *failed)
{
	const struct nlattr *pos;
	int left, err;

	nlmsg_for_each_attr(pos, info->nlhdr, GENL_HDRLEN, left) {
		if (nla_type(pos) != SIPALG_A_SYNC_OBJECT)
			continue;
		err = restore_object(sn, pos, info, failed);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

/* Caller holds the mutex. */
static int restore_as_standby(struct sipalg_net *sn, struct genl_info *info,
			      u32 *failed)
{
	struct nlattr *attr[SIPALG_A_SYNC_PAD + 1];
	int err = read_sync(info, attr);
	u32 epoch;

	if (err)
		return err;
	if (!sipalg_is_standby(&sn->sync))
		return refuse(info, "this router is active: only a standby is told",
			      -EBUSY);
	if (!attr[SIPALG_A_SYNC_EPOCH])
		return refuse(info, "the epoch of the records is required", -EINVAL);
	epoch = nla_get_u32(attr[SIPALG_A_SYNC_EPOCH]);
	if (epoch < sn->sync.epoch)
		return refuse(info, "another router has been promoted since", -ESTALE);
	WRITE_ONCE(sn->sync.epoch, epoch);
	return restore_all(sn, info, failed);
}

static int answer_failed(struct genl_info *info, u32 failed)
{
	struct sk_buff *answer = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	void *header;

	if (!answer)
		return -ENOMEM;
	header = sipalg_netlink_begin(answer, info->snd_portid, info->snd_seq, 0,
				      SIPALG_CMD_SYNC_RESTORE);
	if (!header || nla_put_u32(answer, SIPALG_A_COUNT, failed)) {
		nlmsg_free(answer);
		return -EMSGSIZE;
	}
	genlmsg_end(answer, header);
	return genlmsg_reply(answer, info);
}

int sipalg_nl_sync_restore_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sipalg_net *sn = sipalg_net_get(genl_info_net(info));
	u32 failed = 0;
	int err;

	mutex_lock(&sync_mutex);
	err = restore_as_standby(sn, info, &failed);
	mutex_unlock(&sync_mutex);
	return err ?: answer_failed(info, failed);
}

enum dump_phase {
	DUMP_BEGIN, DUMP_MAPPINGS, DUMP_CALLS, DUMP_TCP, DUMP_END, DUMP_DONE
};

/**
 * struct object_dump - how far a dump has come
 * @iter: in the table of the phase
 * @phase: enum dump_phase
 * @entered: @iter is in use
 * @part: of the present mapping: 0: itself, then its registrations
 */
struct object_dump {
	struct rhashtable_iter iter;
	u8 phase;
	bool entered;
	unsigned int part;
};

int sipalg_nl_sync_object_get_start(struct netlink_callback *cb)
{
	struct object_dump *dump = kzalloc(sizeof(*dump), GFP_KERNEL);

	if (!dump)
		return -ENOMEM;
	cb->seq = 1;
	cb->min_dump_alloc = BATCH_SIZE;
	cb->args[0] = (long)dump;
	return 0;
}

int sipalg_nl_sync_object_get_done(struct netlink_callback *cb)
{
	struct object_dump *dump = (struct object_dump *)cb->args[0];

	if (dump && dump->entered)
		rhashtable_walk_exit(&dump->iter);
	kfree(dump);
	return 0;
}

static void *dump_begin(struct sk_buff *skb, struct netlink_callback *cb)
{
	void *header = sipalg_netlink_begin(skb, NETLINK_CB(cb->skb).portid,
					    cb->nlh->nlmsg_seq, NLM_F_MULTI,
					    SIPALG_CMD_SYNC_OBJECT_GET);

	if (header)
		genl_dump_check_consistent(cb, header);
	return header;
}

static int dump_end(struct sk_buff *skb, void *header, int err)
{
	if (err)
		genlmsg_cancel(skb, header);
	else
		genlmsg_end(skb, header);
	return err;
}

static int dump_sync(struct sk_buff *skb, struct netlink_callback *cb,
		     struct sipalg_net *sn, bool keys)
{
	void *header = dump_begin(skb, cb);
	int err;

	if (!header)
		return -EMSGSIZE;
	err = put_sync(skb, sn, false);
	if (!err && keys)
		err = put_object(skb, sipalg_sync_version(READ_ONCE(sn->sync.epoch), 0),
				 KEYS_KEY, 1, put_keys, sn);
	return dump_end(skb, header, err);
}

static u64 version_of(struct sipalg_net *sn, u64 version)
{
	return version ?: sipalg_sync_version(READ_ONCE(sn->sync.epoch), 0);
}

static int dump_call(struct sk_buff *skb, struct netlink_callback *cb,
		     struct sipalg_call *call)
{
	u8 key[SIPALG_CALL_SYNC_KEY];
	void *header = dump_begin(skb, cb);
	int err = 0;

	if (!header)
		return -EMSGSIZE;
	spin_lock_bh(&call->lock);
	if (call->linked)
		err = put_object(skb, version_of(call->sn, call->version), key,
				 sipalg_call_sync_key(call, key), put_call, call);
	spin_unlock_bh(&call->lock);
	return dump_end(skb, header, err);
}

static int dump_tcp(struct sk_buff *skb, struct netlink_callback *cb,
		    struct sipalg_tcp_position *position)
{
	u64 version = version_of(position->sn, READ_ONCE(position->version));
	void *header = dump_begin(skb, cb);
	struct nf_conn *ct;
	int err;

	if (!header)
		return -EMSGSIZE;
	ct = sipalg_tcp_position_ct(position);
	err = put_position(skb, version, position, ct);
	if (ct)
		nf_ct_put(ct);
	err = dump_end(skb, header, err);
	return err == -ENOENT ? 0 : err;
}

/* Part number @part of a mapping; -ENOENT: it has no more. Locked. */
static int put_part(struct sk_buff *skb, struct sipalg_mapping *mapping,
		    unsigned int part)
{
	struct sipalg_registration *registration;
	u8 key[SIPALG_MAPPING_SYNC_KEY];

	if (!part--)
		return put_object(skb, version_of(mapping->sn, mapping->version), key,
				  sipalg_mapping_sync_key(mapping, key),
				  put_mapping, mapping);
	hlist_for_each_entry(registration, &mapping->registrations, node)
		if (!part--)
			return put_object(skb, version_of(mapping->sn,
							  registration->version),
					  key,
					  sipalg_registration_sync_key(registration,
								       key),
					  put_registration, registration);
	return -ENOENT;
}

static int dump_parts(struct sk_buff *skb, struct netlink_callback *cb,
		      struct sipalg_mapping *mapping, unsigned int *part)
{
	void *header;
	int err;

	do {
		header = dump_begin(skb, cb);
		if (!header)
			return -EMSGSIZE;
		spin_lock_bh(&mapping->lock);
		err = mapping->dead ? -ENOENT : put_part(skb, mapping, *part);
		spin_unlock_bh(&mapping->lock);
		dump_end(skb, header, err);
		*part += !err;
	} while (!err);
	if (err != -ENOENT)
		return err;
	*part = 0;
	return 0;
}

static int dump_object(struct sk_buff *skb, struct netlink_callback *cb,
		       struct object_dump *dump, void *object)
{
	if (IS_ERR(object)) {
		cb->seq++;
		return 0;
	}
	switch (dump->phase) {
	case DUMP_CALLS:
		return dump_call(skb, cb, object);
	case DUMP_TCP:
		return dump_tcp(skb, cb, object);
	default:
		return dump_parts(skb, cb, object, &dump->part);
	}
}

/* Return: -EMSGSIZE: the answer is full. */
static int dump_table(struct sk_buff *skb, struct netlink_callback *cb,
		      struct object_dump *dump, struct rhashtable *table)
{
	void *object;
	int err = 0;

	if (!dump->entered)
		rhashtable_walk_enter(table, &dump->iter);
	dump->entered = true;
	sipalg_netlink_walk(&dump->iter, cb);
	for (object = rhashtable_walk_peek(&dump->iter); object && !err;
	     object = err ? NULL : rhashtable_walk_next(&dump->iter))
		err = dump_object(skb, cb, dump, object);
	rhashtable_walk_stop(&dump->iter);
	if (err)
		return err;
	rhashtable_walk_exit(&dump->iter);
	dump->entered = false;
	return 0;
}

int sipalg_nl_sync_object_get_dumpit(struct sk_buff *skb,
				     struct netlink_callback *cb)
{
	struct sipalg_net *sn = sipalg_net_get(sock_net(cb->skb->sk));
	struct object_dump *dump = (struct object_dump *)cb->args[0];
	int err = 0;

	while (!err && dump->phase < DUMP_DONE) {
		switch (dump->phase) {
		case DUMP_MAPPINGS:
			err = dump_table(skb, cb, dump, &sn->mappings_public);
			break;
		case DUMP_CALLS:
			err = dump_table(skb, cb, dump, &sn->calls);
			break;
		case DUMP_TCP:
			err = dump_table(skb, cb, dump, &sn->tcp_positions);
			break;
		default:
			err = dump_sync(skb, cb, sn, dump->phase == DUMP_BEGIN);
		}
		dump->phase += !err;
	}
	return skb->len;
}
