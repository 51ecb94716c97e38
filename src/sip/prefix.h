/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses that begin alike, byte by byte: of either family. */
#ifndef SIPALG_PREFIX_H
#define SIPALG_PREFIX_H

#include <linux/string.h>
#include <linux/types.h>

/* Are the first @bits bits of both the same? */
static inline bool sipalg_begins_alike(const void *one, const void *other,
				       u32 bits)
{
	const u8 *a = one, *b = other;

	if (memcmp(a, b, bits / 8))
		return false;
	return !(bits % 8) || !((a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8));
}

/* Do the bits from number @len on all say zero? @size: bytes */
static inline bool sipalg_is_zero_behind(const u8 *addr, u32 size, u32 len)
{
	u32 i;

	if (len % 8 && addr[len / 8] & 0xff >> len % 8)
		return false;
	for (i = (len + 7) / 8; i < size; i++)
		if (addr[i])
			return false;
	return true;
}

#endif
