// SPDX-License-Identifier: GPL-2.0-only
/* Promoted, demoted, told all; and the keys that both routers need. */
#include <net/netfilter/nf_conntrack_helper.h>
#include "call/call.h"
#include "core/ct_timeout.h"
#include "core/net.h"
#include "media/activity.h"
#include "media/media_expect.h"
#include "nat/mapping.h"
#include "nat/registration.h"
#include "packet/tcp_position.h"
#include "sync/role.h"

/* Attributes of the keys. */
enum {
	KEYS_KEY = 1,
	KEYS_SHORT,
};

int sipalg_keys_record_put(struct sk_buff *skb, const struct sipalg_net *sn)
{
	if (sipalg_record_begin(skb) || put_block(skb, KEYS_KEY, &sn->key) ||
	    put_block(skb, KEYS_SHORT, &sn->short_key))
		return -EMSGSIZE;
	return 0;
}

static bool is_followed(const struct nf_conn *ct)
{
	const struct nf_conn_help *help = nfct_help(ct);
	const struct nf_conntrack_helper *helper =
		help ? rcu_dereference(help->helper) : NULL;

	return helper && helper->me == THIS_MODULE;
}

/* Without one its next message finds the call all the same. */
static void adopt_signalling(struct sipalg_call *call)
{
	struct sipalg_origin origin;
	struct nf_conn *ct;

	if (call->signalling || call->retired || !call->master)
		return;
	sipalg_origin_of(call->master, &origin);
	ct = sipalg_origin_find(call->sn->net, &origin);
	if (!ct)
		return;
	if (is_followed(ct))
		sipalg_ct_timeout_get(call->sn, &call->signalling, ct);
	nf_ct_put(ct);
}

/* Nothing was heard of its media here: its silence begins now. */
static void promote_call(struct sipalg_call *call)
{
	adopt_signalling(call);
	sipalg_media_begin(call);
	sipalg_media_adopt(call);
	call->sooner = true;
	sipalg_call_woken(call);
}

static void promote_mapping(struct sipalg_mapping *mapping)
{
	unsigned long until = jiffies + sipalg_64_t1(mapping->sn);

	spin_lock(&mapping->lock);
	if (!mapping->dead) {
		if (time_before(mapping->expires, until))
			mapping->expires = until;
		sipalg_mapping_wake(mapping, jiffies);
	}
	spin_unlock(&mapping->lock);
}

void sipalg_sync_set_role(struct sipalg_net *sn, bool standby, u32 epoch)
{
	bool was = READ_ONCE(sn->sync.standby);

	WRITE_ONCE(sn->sync.epoch, epoch);
	WRITE_ONCE(sn->sync.standby, standby);
	if (standby)
		sipalg_dirty_pair(sn, true);
	if (!was || standby)
		return;
	sipalg_mappings_each(sn, promote_mapping);
	sipalg_calls_each(sn, promote_call);
}

static void mark_call(struct sipalg_call *call)
{
	sipalg_dirty_mark(call->sn, &call->dirty);
}

static void mark_mapping(struct sipalg_mapping *mapping)
{
	struct sipalg_registration *registration;

	spin_lock(&mapping->lock);
	mapping->forms_dirty = true;
	mapping->registrations_dirty = true;
	hlist_for_each_entry(registration, &mapping->registrations, node)
		registration->dirty = true;
	if (!mapping->dead)
		sipalg_dirty_mark(mapping->sn, &mapping->dirty);
	spin_unlock(&mapping->lock);
}

void sipalg_sync_mark_all(struct sipalg_net *sn)
{
	WRITE_ONCE(sn->sync.keys_dirty, true);
	sipalg_mappings_each(sn, mark_mapping);
	sipalg_calls_each(sn, mark_call);
	sipalg_tcp_positions_mark_all(sn);
}

/*
 * What was compared by other keys cannot be any more. The router that has the calls
 * tells of all of them.
 */
static int restore_keys(const struct sipalg_restore *restore)
{
	struct sipalg_net *sn = restore->sn;
	struct sipalg_record record;
	hsiphash_key_t short_key;
	siphash_key_t key;
	int err;

	if (!restore->record_len)
		return -EINVAL;
	err = sipalg_record_parse(&record, restore->record, restore->record_len, 0);
	if (err)
		return err;
	if (!record.attr[KEYS_KEY] || !record.attr[KEYS_SHORT] ||
	    nla_len(record.attr[KEYS_KEY]) != sizeof(key) ||
	    nla_len(record.attr[KEYS_SHORT]) != sizeof(short_key))
		return -EPROTO;
	memcpy(&key, nla_data(record.attr[KEYS_KEY]), sizeof(key));
	memcpy(&short_key, nla_data(record.attr[KEYS_SHORT]), sizeof(short_key));
	if (!memcmp(&key, &sn->key, sizeof(key)) &&
	    !memcmp(&short_key, &sn->short_key, sizeof(short_key)))
		return 0;
	sipalg_calls_each(sn, sipalg_call_drop);
	sipalg_mappings_each(sn, sipalg_mapping_lose);
	sn->key = key;
	sn->short_key = short_key;
	return 0;
}

int sipalg_sync_restore(const struct sipalg_restore *restore)
{
	int err;

	if (restore->key[0] == SIPALG_DIRTY_KEYS)
		return restore_keys(restore);
	rcu_read_lock();
	local_bh_disable();
	switch (restore->key[0]) {
	case SIPALG_DIRTY_CALL:
		err = sipalg_call_restore_record(restore);
		break;
	case SIPALG_DIRTY_MAPPING:
		err = sipalg_mapping_restore_record(restore);
		break;
	case SIPALG_DIRTY_REGISTRATION:
		err = sipalg_registration_restore_record(restore);
		break;
	case SIPALG_DIRTY_TCP:
		err = sipalg_tcp_restore_record(restore);
		break;
	default:	/* a newer module's: it has objects that this one has not */
		err = 0;
	}
	local_bh_enable();
	rcu_read_unlock();
	return err;
}
