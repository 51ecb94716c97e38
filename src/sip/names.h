/* SPDX-License-Identifier: GPL-2.0-only */
/* The names of headers and methods. */
#ifndef SIPALG_SIP_NAME_H
#define SIPALG_SIP_NAME_H

#include "sip/msg.h"

enum sip_header {
	SIP_HEADER_OTHER,	/* of no concern to us */
	SIP_HEADER_VIA,
	SIP_HEADER_CALL_ID,
	SIP_HEADER_CSEQ,
	SIP_HEADER_CONTENT_LENGTH,
	SIP_HEADER_CONTENT_TYPE,
	SIP_HEADER_CONTENT_ENCODING,
	SIP_HEADER_EXPIRES,
	SIP_HEADER_SESSION_EXPIRES,
	SIP_HEADER_MIN_SE,
	SIP_HEADER_IDENTITY,
	/* What follows holds a list of addresses, or a single one. */
	SIP_HEADER_FROM,
	SIP_HEADER_TO,
	SIP_HEADER_CONTACT,
	SIP_HEADER_ROUTE,
	SIP_HEADER_RECORD_ROUTE,
	SIP_HEADER_PATH,
	SIP_HEADER_SERVICE_ROUTE,
	SIP_HEADER_REFER_TO,
	SIP_HEADER_REFERRED_BY,
	SIP_HEADER_P_ASSERTED_IDENTITY,
	SIP_HEADER_P_PREFERRED_IDENTITY,
	SIP_HEADER_DIVERSION,
	SIP_HEADER_HISTORY_INFO,
};

/**
 * sip_header_find() - which header is called that
 * @name: first byte of the name, long or compact form, any case
 * @len: its bytes, without white space before the colon
 *
 * Any context. RFC 3261 7.3.3 and 20, RFC 3327, 3325, 3515, 3608, 3892, 4028,
 * 4474, 5806, 7044.
 *
 * Return: SIP_HEADER_OTHER for what the module does not read.
 */
enum sip_header sip_header_find(const char *name, u32 len);

/**
 * sip_method_find() - which method is called that
 * @name: first byte of the name; methods are case-sensitive (RFC 3261 7.1)
 * @len: its bytes
 *
 * Any context.
 *
 * Return: SIP_METHOD_UNKNOWN for any other name.
 */
enum sip_method sip_method_find(const char *name, u32 len);

/**
 * sip_method_name() - the name of a method
 * @method: enum sip_method
 *
 * Return: a string constant; "other" for SIP_METHOD_UNKNOWN.
 */
const char *sip_method_name(enum sip_method method);

#endif
