/* SPDX-License-Identifier: GPL-2.0-only */
/* The addresses inside a URI. */
#ifndef SIPALG_SIP_URI_H
#define SIPALG_SIP_URI_H

#include "sip/msg.h"

/**
 * enum sip_uri - what a URI turned out to be
 * @SIP_URI_HOST: it has a host, which is in the index now
 * @SIP_URI_FOREIGN: another scheme (tel:, urn:, http:, ...): not for us
 * @SIP_URI_BAD: sip: or sips:, but host or port cannot be read
 */
enum sip_uri {
	SIP_URI_HOST,
	SIP_URI_FOREIGN,
	SIP_URI_BAD,
};

/**
 * sip_uri_read() - index the host of a URI, and its maddr parameter's
 * @msg: the message that [@p, @end) is part of
 * @p: first byte of the URI
 * @end: first byte behind it
 * @field: enum sip_field that the host gets
 * @value: see &struct sip_host
 * @index: out, for SIP_URI_HOST: index of the host, SIP_NO_INDEX if the index
 *	is full
 *
 * RFC 3261 19.1. A URI without scheme ("733@10.66.66.122", "10.0.0.1:5060")
 * is taken for a sip: URI (S3-58). Headers behind "?" are left alone. Any
 * context.
 *
 * Return: enum sip_uri.
 */
enum sip_uri sip_uri_read(struct sip_msg *msg, const char *p, const char *end,
			  enum sip_field field, u8 value, u16 *index);

/**
 * sip_uri_user() - who a URI names, for people
 * @msg: the message
 * @uri: the URI, in it
 * @host: with what is behind the user: "alice@example.com"
 *
 * RFC 3261 19.1.1, RFC 3966 3: the number of a tel: URI, the host of a URI
 * without user. As it is written, escapes and all. Any context.
 *
 * Return: a part of @uri.
 */
struct sip_span sip_uri_user(const struct sip_msg *msg, struct sip_span uri,
			     bool host);

/**
 * sip_transport_find() - the value of a transport parameter
 * @p: its first byte
 * @len: its length in bytes
 *
 * Any context.
 *
 * Return: what it names, in any case.
 */
enum sip_transport sip_transport_find(const char *p, u32 len);

#endif
