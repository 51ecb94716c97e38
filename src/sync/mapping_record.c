// SPDX-License-Identifier: GPL-2.0-only
/* Mappings and registrations as records, and made of them. */
#include <linux/slab.h>
#include "core/net.h"
#include "core/sync_key.h"
#include "nat/mapping.h"
#include "nat/registration.h"
#include "sync/record.h"

/* Attributes of a mapping. Only ever added, at the end. */
enum {
	MAPPING_PORT = 1,
	MAPPING_EXPIRES,
	MAPPING_WORDS,
	MAPPING_SHORTS,
	MAPPING_BYTES,
	MAPPING_TEXT,
	MAPPING_SPELLING,	/* several, in their order */
	MAPPING_FORM,		/* several */
	MAPPING_ORIGIN,
};

/* Of a registration. */
enum {
	REGISTRATION_LONGS = 1,
	REGISTRATION_UNTIL,
	REGISTRATION_ENDS,
	REGISTRATION_HOSTS,
	REGISTRATION_WORDS,
	REGISTRATION_BYTES,
	REGISTRATION_ACCOUNT,
	REGISTRATION_MAPPING,
};

/* Without its text, which follows. */
struct spelling {
	__be32 ip;
	char text[];
};

struct form {
	u8 kind;
	u8 public;
	u16 port;
	u32 used;	/* ms ago */
	char text[];
};

struct mapping_bytes {
	u8 uri_secure;
	u8 guest;
};

static int put_spelling(struct sk_buff *skb, const struct sipalg_spelling *from)
{
	u8 bytes[sizeof(struct spelling) + SIPALG_MAPPING_TEXT] = {};
	struct spelling *spelling = (struct spelling *)bytes;

	spelling->ip = from->ip;
	memcpy(spelling->text, from->text, from->text_len);
	return nla_put(skb, MAPPING_SPELLING, sizeof(*spelling) + from->text_len,
		       bytes);
}

static int put_spellings(struct sk_buff *skb, const struct sipalg_mapping *mapping)
{
	unsigned int i;

	/* of who is behind no NAT64 there are none */
	if (!mapping->spelling[0].text_len && !mapping->spelling[1].text_len)
		return 0;
	for (i = 0; i < SIPALG_SPELLINGS; i++)
		if (put_spelling(skb, &mapping->spelling[i]))
			return -EMSGSIZE;
	return 0;
}

static int put_form(struct sk_buff *skb, const struct sipalg_mapping *mapping,
		    unsigned int kind)
{
	u8 bytes[sizeof(struct form) + SIPALG_ECHO_TEXT] = {};
	const struct sipalg_form *from = &mapping->form[kind];
	u64 used = get_jiffies_64() - mapping->form_used[kind];
	struct form *form = (struct form *)bytes;

	if (!from->len && !from->port)
		return 0;
	form->kind = kind;
	form->public = from->public;
	form->port = from->port;
	form->used = min(jiffies64_to_msecs(used), RECORD_LATEST);
	memcpy(form->text, from->text, from->len);
	return nla_put(skb, MAPPING_FORM, sizeof(*form) + from->len, bytes);
}

static int put_forms(struct sk_buff *skb, const struct sipalg_mapping *mapping)
{
	unsigned int i;

	for (i = 0; i < SIPALG_FORM_MAX; i++)
		if (put_form(skb, mapping, i))
			return -EMSGSIZE;
	return 0;
}

int sipalg_mapping_record_put(struct sk_buff *skb,
			      const struct sipalg_mapping *mapping)
{
	const struct mapping_bytes bytes = {
		.uri_secure = mapping->uri_secure,
		.guest = mapping->guest,
	};
	s32 left = sipalg_record_ms(mapping->expires - jiffies);

	if (sipalg_record_begin(skb) ||
	    nla_put_u16(skb, MAPPING_PORT, ntohs(mapping->private.addr.port)) ||
	    nla_put_s32(skb, MAPPING_EXPIRES, left) ||
	    put_block(skb, MAPPING_WORDS, &mapping->words) ||
	    put_block(skb, MAPPING_SHORTS, &mapping->shorts) ||
	    put_block(skb, MAPPING_BYTES, &bytes) ||
	    nla_put(skb, MAPPING_TEXT, mapping->text_len, mapping->text) ||
	    put_spellings(skb, mapping) || put_forms(skb, mapping) ||
	    sipalg_record_put_origin_of(skb, MAPPING_ORIGIN, mapping->master))
		return -EMSGSIZE;
	return 0;
}

int sipalg_registration_record_put(struct sk_buff *skb,
				   const struct sipalg_registration *registration)
{
	const struct sipalg_addr ends[] = {
		registration->contact, registration->registrar
	};
	u8 key[SIPALG_MAPPING_SYNC_KEY];
	u16 len = sipalg_mapping_sync_key(registration->mapping, key);
	s32 left = sipalg_record_ms(registration->until - jiffies);

	if (sipalg_record_begin(skb) ||
	    put_block(skb, REGISTRATION_LONGS, &registration->longs) ||
	    nla_put_s32(skb, REGISTRATION_UNTIL, left) ||
	    sipalg_record_put_ends(skb, REGISTRATION_ENDS, ends, 2) ||
	    sipalg_record_put_hosts(skb, REGISTRATION_HOSTS,
				    &registration->asked, 1) ||
	    put_block(skb, REGISTRATION_WORDS, &registration->words) ||
	    put_block(skb, REGISTRATION_BYTES, &registration->bytes) ||
	    nla_put(skb, REGISTRATION_ACCOUNT, registration->account_len,
		    registration->account) ||
	    nla_put(skb, REGISTRATION_MAPPING, len, key))
		return -EMSGSIZE;
	return 0;
}

static bool read_spelling(struct sipalg_spelling *spelling,
			  const struct nlattr *attr)
{
	int len = nla_len(attr) - (int)sizeof(struct spelling);
	const struct spelling *from = nla_data(attr);

	if (len < 0 || len > SIPALG_MAPPING_TEXT)
		return false;
	spelling->ip = from->ip;
	spelling->text_len = len;
	memcpy(spelling->text, from->text, len);
	return true;
}

static bool read_form(struct sipalg_mapping *mapping, const struct nlattr *attr,
		      u32 age)
{
	int len = nla_len(attr) - (int)sizeof(struct form);
	const struct form *from = nla_data(attr);
	struct sipalg_form *form;

	if (len < 0 || len > SIPALG_ECHO_TEXT)
		return false;
	if (from->kind >= SIPALG_FORM_MAX)	/* a newer module's */
		return true;
	form = &mapping->form[from->kind];
	form->public = from->public & 1;
	form->port = from->port;
	form->len = len;
	memcpy(form->text, from->text, len);
	mapping->form_used[from->kind] =
		get_jiffies_64() - sipalg_record_ago(from->used, age);
	return true;
}

static bool read_several(const struct sipalg_record *record,
			 struct sipalg_mapping *mapping)
{
	const struct nlattr *pos;
	unsigned int i = 0;
	int left;

	nla_for_each_attr(pos, record->data, record->len, left) {
		if (nla_type(pos) == MAPPING_SPELLING &&
		    (i == SIPALG_SPELLINGS ||
		     !read_spelling(&mapping->spelling[i++], pos)))
			return false;
		if (nla_type(pos) == MAPPING_FORM &&
		    !read_form(mapping, pos, record->age))
			return false;
	}
	return true;
}

static bool read_mapping(const struct sipalg_record *record,
			 struct sipalg_mapping *mapping)
{
	const struct nlattr *text = record->attr[MAPPING_TEXT];
	struct mapping_bytes bytes;
	u16 port;
	s32 left;

	if (!record_block(record->attr[MAPPING_PORT], &port, sizeof(port)) ||
	    !record_block(record->attr[MAPPING_EXPIRES], &left, sizeof(left)) ||
	    !record_block(record->attr[MAPPING_WORDS], &mapping->words,
			  sizeof(u32)) ||
	    !record_block(record->attr[MAPPING_SHORTS], &mapping->shorts,
			  sizeof(u16)) ||
	    !record_block(record->attr[MAPPING_BYTES], &bytes, 1) ||
	    !read_several(record, mapping))
		return false;
	mapping->private.addr.port = htons(port);
	mapping->expires = jiffies + sipalg_record_left(left, record->age);
	mapping->uri_secure = bytes.uri_secure & 1;
	mapping->guest = bytes.guest & 1;
	if (!text)
		return true;
	if (nla_len(text) > SIPALG_MAPPING_TEXT)
		return false;
	mapping->text_len = nla_len(text);
	memcpy(mapping->text, nla_data(text), mapping->text_len);
	return true;
}

/* As if the phone had sent something to nobody. */
static struct sipalg_flow flow_of(struct sipalg_net *sn,
				  const struct sipalg_mapping *mapping)
{
	return (struct sipalg_flow){
		.sn = sn,
		.src = mapping->private.addr,
		.src_public = mapping->public.addr,
		.inside = mapping->private.addr.ip,
		.family = mapping->public.family,
		.l4proto = mapping->public.l4proto,
		.zone = mapping->private.zone,
		.from_zone = mapping->private.zone,
		.to_zone = mapping->public.zone,
		.original = true,
	};
}

static int restore_mapping(const struct sipalg_restore *restore,
			   const struct sipalg_record *record,
			   struct sipalg_mapping *from)
{
	struct sipalg_mapping *mapping;
	struct sipalg_origin origin;
	struct sipalg_flow flow;

	if (!sipalg_mapping_read_key(from, restore->key, restore->key_len) ||
	    !read_mapping(record, from))
		return -EINVAL;
	flow = flow_of(restore->sn, from);
	mapping = sipalg_mapping_keyed(restore->sn, restore->key,
				       restore->key_len);
	if (mapping && mapping->version >= restore->version)
		return 0;
	mapping = sipalg_mapping_restore(&flow, from);
	if (!mapping)
		return -ENOMEM;
	spin_lock_bh(&mapping->lock);
	mapping->version = restore->version;
	if (!mapping->dead &&
	    sipalg_record_origin(record->attr[MAPPING_ORIGIN], &origin))
		sipalg_registration_master(mapping, &origin);
	spin_unlock_bh(&mapping->lock);
	return 0;
}

static int end_mapping(const struct sipalg_restore *restore)
{
	struct sipalg_mapping *mapping =
		sipalg_mapping_keyed(restore->sn, restore->key, restore->key_len);

	if (mapping && mapping->version < restore->version)
		sipalg_mapping_lose(mapping);
	return 0;
}

int sipalg_mapping_restore_record(const struct sipalg_restore *restore)
{
	struct sipalg_record record;
	struct sipalg_mapping *from;
	int err;

	if (!restore->record_len)
		return end_mapping(restore);
	err = sipalg_record_parse(&record, restore->record, restore->record_len,
				  restore->age);
	if (err)
		return err;
	from = kzalloc(sizeof(*from), GFP_ATOMIC);
	if (!from)
		return -ENOMEM;
	err = restore_mapping(restore, &record, from);
	kfree(from);
	return err;
}

static bool read_account(const struct sipalg_restore *restore,
			 struct sipalg_account *account, u32 *id)
{
	struct sipalg_key_reader key = {
		.bytes = restore->key,
		.left = restore->key_len,
	};

	memset(account, 0, sizeof(*account));
	sipalg_key_take_u8(&key);
	sipalg_key_take_ip(&key, &account->host);
	account->aor = sipalg_key_take_u32(&key);
	account->zone = sipalg_key_take_u32(&key);
	*id = sipalg_key_take_u32(&key);
	return !key.bad && !key.left;
}

static bool read_registration(const struct sipalg_record *record,
			      struct sipalg_registration *from)
{
	struct nlattr *const *attr = record->attr;
	struct sipalg_addr ends[2];
	s32 left;

	if (!record_block(attr[REGISTRATION_LONGS], &from->longs, sizeof(u64)) ||
	    !record_block(attr[REGISTRATION_UNTIL], &left, sizeof(left)) ||
	    !sipalg_record_ends(attr[REGISTRATION_ENDS], ends, 2) ||
	    !sipalg_record_hosts(attr[REGISTRATION_HOSTS], &from->asked, 1) ||
	    !record_block(attr[REGISTRATION_WORDS], &from->words, sizeof(u32)) ||
	    !record_block(attr[REGISTRATION_BYTES], &from->bytes, 1))
		return false;
	from->contact = ends[0];
	from->registrar = ends[1];
	from->until = jiffies + sipalg_record_left(left, record->age);
	return from->confirmed <= 1 && attr[REGISTRATION_MAPPING] &&
	       attr[REGISTRATION_ACCOUNT] &&
	       nla_len(attr[REGISTRATION_ACCOUNT]) <= SIPALG_MAX_ACCOUNT;
}

/* Its pinholes are of its mapping's master, which stands for the flow. Locked. */
static int restore_at(const struct sipalg_restore *restore,
		      const struct sipalg_record *record,
		      const struct sipalg_registration *from,
		      struct sipalg_mapping *mapping)
{
	struct sipalg_registration *registration;
	struct sipalg_flow flow;

	if (mapping->dead)
		return -ENOENT;
	registration = sipalg_registration_numbered(restore->sn, &from->key,
						    from->id);
	if (registration && registration->version >= restore->version)
		return 0;
	if (mapping->master) {
		sipalg_flow_init(&flow, restore->sn, mapping->master,
				 IP_CT_DIR_ORIGINAL);
		if (!sipalg_flow_from_inside(&flow))
			sipalg_flow_init(&flow, restore->sn, mapping->master,
					 IP_CT_DIR_REPLY);
	}
	registration = sipalg_registration_restore(mapping,
						   mapping->master ? &flow : NULL,
						   from,
						   nla_data(record->attr[REGISTRATION_ACCOUNT]));
	if (!registration)
		return -ENOMEM;
	registration->version = restore->version;
	return 0;
}

static int restore_registration(const struct sipalg_restore *restore,
				const struct sipalg_record *record,
				struct sipalg_registration *from)
{
	const struct nlattr *key = record->attr[REGISTRATION_MAPPING];
	struct sipalg_mapping *mapping;
	int err;

	mapping = sipalg_mapping_keyed(restore->sn, nla_data(key), nla_len(key));
	if (!mapping)
		return -ENOENT;
	spin_lock_bh(&mapping->lock);
	err = restore_at(restore, record, from, mapping);
	spin_unlock_bh(&mapping->lock);
	return err;
}

static int end_registration(const struct sipalg_restore *restore,
			    const struct sipalg_account *account, u32 id)
{
	struct sipalg_registration *registration =
		sipalg_registration_numbered(restore->sn, account, id);

	if (registration && registration->version < restore->version)
		sipalg_registration_drop(registration);
	return 0;
}

static int restore_account(const struct sipalg_restore *restore,
			   const struct sipalg_account *account, u32 id,
			   struct sipalg_registration *from)
{
	struct sipalg_record record;
	int err;

	err = sipalg_record_parse(&record, restore->record, restore->record_len,
				  restore->age);
	if (err)
		return err;
	if (!read_registration(&record, from))
		return -EINVAL;
	from->key = *account;
	from->id = id;
	from->account_len = nla_len(record.attr[REGISTRATION_ACCOUNT]);
	return restore_registration(restore, &record, from);
}

int sipalg_registration_restore_record(const struct sipalg_restore *restore)
{
	struct sipalg_registration *from;
	struct sipalg_account account;
	int err;
	u32 id;

	if (!read_account(restore, &account, &id))
		return -EINVAL;
	if (!restore->record_len)
		return end_registration(restore, &account, id);
	from = kzalloc(sizeof(*from), GFP_ATOMIC);
	if (!from)
		return -ENOMEM;
	err = restore_account(restore, &account, id, from);
	kfree(from);
	return err;
}
