/* SPDX-License-Identifier: GPL-2.0-only */
/* The names of headers and methods. */
#ifndef SIPALG_SIP_NAME_H
#define SIPALG_SIP_NAME_H

#include "sip/msg.h"

#define SIP_HEADER_ID(X, id, ...)	SIP_HEADER_##id,
enum sip_header {
	SIP_HEADER_OTHER,	/* of no concern to us */
	SIP_HEADERS(SIP_HEADER_ID, SIP_HEADER_ID, _)
	SIP_HEADER_MAX
};

/* Bits of the fields (1u << enum sip_field) that have a flag of headers.def. */
#define SIP_NO_FIELD_WITH(wanted, id, name, compact)
#define SIP_FIELD_WITH(wanted, id, name, rules, flags, pinhole, shown)	\
	| ((flags) & (wanted) ? 1u << SIP_FIELD_##id : 0)
#define SIP_HEADER_WITH(wanted, id, name, compact, rules, flags, pinhole, shown) \
	| ((flags) & (wanted) ? 1u << SIP_FIELD_##id : 0)
#define SIP_FIELDS_WITH(wanted)						\
	(0u SIP_FIELDS(SIP_FIELD_WITH, wanted)				\
	 SIP_HEADERS(SIP_NO_FIELD_WITH, SIP_HEADER_WITH, wanted)	\
	 SDP_FIELDS(SIP_FIELD_WITH, wanted))

/* Flags of methods.def, by enum sip_method. */
extern const u8 sip_method_flags[SIP_METHOD_MAX];

/**
 * sip_method_is() - has a message's method one of these flags
 * @msg: the message; a response has that of its CSeq
 * @flags: of methods.def
 *
 * Return: true if it has.
 */
static inline bool sip_method_is(const struct sip_msg *msg, u8 flags)
{
	return sip_method_flags[msg->method] & flags;
}

/**
 * sip_field_name() - the name of a field
 * @field: enum sip_field
 *
 * Return: a string constant: the header's name in small letters, or as in SDP.
 */
const char *sip_field_name(enum sip_field field);

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
