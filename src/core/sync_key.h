/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keys of records: by what an object is found on either router. They are bytes, in
 * network byte order, and begin with the kind of the object (enum sipalg_dirty_kind).
 */
#ifndef SIPALG_SYNC_KEY_H
#define SIPALG_SYNC_KEY_H

#include <linux/string.h>
#include "core/dirty.h"
#include "sip/addr.h"

/**
 * struct sipalg_key_writer - a key that is being written
 * @bytes: where, with room for it
 * @len: how many are there
 */
struct sipalg_key_writer {
	u8 *bytes;
	u16 len;
};

static inline void sipalg_key_bytes(struct sipalg_key_writer *key,
				    const void *data, u16 len)
{
	memcpy(key->bytes + key->len, data, len);
	key->len += len;
}

static inline void sipalg_key_u8(struct sipalg_key_writer *key, u8 value)
{
	key->bytes[key->len++] = value;
}

static inline void sipalg_key_u16(struct sipalg_key_writer *key, u16 value)
{
	sipalg_key_u8(key, value >> 8);
	sipalg_key_u8(key, value);
}

static inline void sipalg_key_u32(struct sipalg_key_writer *key, u32 value)
{
	sipalg_key_u16(key, value >> 16);
	sipalg_key_u16(key, value);
}

/* 4 or 16 bytes, and how many. */
static inline void sipalg_key_ip(struct sipalg_key_writer *key,
				 const union nf_inet_addr *ip)
{
	u8 len = ip->all[1] | ip->all[2] | ip->all[3] ? 16 : 4;

	sipalg_key_u8(key, len);
	sipalg_key_bytes(key, ip, len);
}

/**
 * struct sipalg_key_reader - a key that is being read
 * @bytes: the next
 * @left: how many there are
 * @bad: more was wanted than there is
 */
struct sipalg_key_reader {
	const u8 *bytes;
	u16 left;
	bool bad;
};

static inline const void *sipalg_key_take(struct sipalg_key_reader *key, u16 len)
{
	const u8 *bytes = key->bytes;

	if (key->bad || key->left < len) {
		key->bad = true;
		return NULL;
	}
	key->bytes += len;
	key->left -= len;
	return bytes;
}

static inline u8 sipalg_key_take_u8(struct sipalg_key_reader *key)
{
	const u8 *bytes = sipalg_key_take(key, 1);

	return bytes ? *bytes : 0;
}

static inline u16 sipalg_key_take_u16(struct sipalg_key_reader *key)
{
	u16 high = sipalg_key_take_u8(key);

	return high << 8 | sipalg_key_take_u8(key);
}

static inline u32 sipalg_key_take_u32(struct sipalg_key_reader *key)
{
	u32 high = sipalg_key_take_u16(key);

	return high << 16 | sipalg_key_take_u16(key);
}

static inline void sipalg_key_take_ip(struct sipalg_key_reader *key,
				      union nf_inet_addr *ip)
{
	u8 len = sipalg_key_take_u8(key);
	const void *bytes;

	memset(ip, 0, sizeof(*ip));
	if (len && len != 4 && len != 16)
		key->bad = true;
	bytes = sipalg_key_take(key, len);
	if (bytes)
		memcpy(ip, bytes, len);
}

#endif
