/* SPDX-License-Identifier: GPL-2.0-only */
/* The values of headers that hold addresses. */
#ifndef SIPALG_SIP_VALUE_H
#define SIPALG_SIP_VALUE_H

#include "sip/msg.h"

/**
 * struct sip_param - one parameter: ;name=value
 * @name: first byte of the name
 * @name_len: its bytes
 * @value: first byte of the value; quotes are part of it
 * @value_len: its bytes; 0: a parameter without value
 */
struct sip_param {
	const char *name;
	u32 name_len;
	const char *value;
	u32 value_len;
};

/**
 * sip_param_read() - read a header parameter
 * @p: the byte behind the ";"
 * @end: where the header's value ends
 * @param: filled
 *
 * RFC 3261 25.1: generic-param, with white space wherever SEMI and EQUAL
 * allow it. Any context.
 *
 * Return: the next ";" or ",", or @end; NULL for a quoted string that does
 * not end.
 */
const char *sip_param_read(const char *p, const char *end, struct sip_param *param);

/**
 * sip_via_read() - index one value of Via
 * @msg: the index; gets sent-by, maddr, received and rport, and of value 0
 *	the branch
 * @p: where the value begins, white space included
 * @end: where the header ends
 * @value: see &struct sip_host
 *
 * RFC 3261 20.42 and 3581. Any context.
 *
 * Return: the "," behind the value, or @end; NULL if it is no Via.
 */
const char *sip_via_read(struct sip_msg *msg, const char *p, const char *end, u8 value);

/**
 * struct sip_address - what else is known of one address value
 * @uri: its URI, without angle brackets
 * @host: index of its host, or SIP_NO_INDEX
 * @tag: value of the tag parameter
 * @has_expires: there is an expires parameter, and it is a number
 * @expires: its seconds, clamped to U32_MAX
 * @unasked: set by who wants it read: nobody asks for its host, but for one
 *	that its URI has as maddr
 */
struct sip_address {
	struct sip_span uri;
	u16 host;
	struct sip_span tag;
	bool has_expires;
	bool unasked;
	u32 expires;
};

/**
 * sip_address_read() - index one value of From, Contact, Route and their like
 * @msg: the index; gets the hosts
 * @p: where the value begins, white space included
 * @end: where the header ends
 * @field: enum sip_field of this header
 * @value: see &struct sip_host
 * @address: @unasked is read, the rest filled
 *
 * name-addr or addr-spec with parameters (RFC 3261 20.10, 25.1). A comma ends
 * the value, but not where it stands in an unquoted display name of From, To,
 * Refer-To or Referred-By, which hold one value only. Any context.
 *
 * Return: the "," behind the value, or @end; NULL if there is no such value
 * here. Hosts may have been added even then.
 */
const char *sip_address_read(struct sip_msg *msg, const char *p,
			     const char *end, enum sip_field field, u8 value,
			     struct sip_address *address);

#endif
