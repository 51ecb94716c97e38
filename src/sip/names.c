// SPDX-License-Identifier: GPL-2.0-only
/*
 * The names of headers and methods. A length is shared by four names at most,
 * so a switch over it leaves few compares of whole words: in each case the rows
 * of another length are constants that compare as different, and vanish.
 */
#include <linux/build_bug.h>
#include "sip/names.h"
#include "sip/text.h"

/* Two headers with one compact form are two equal cases. */
#define COMPACT(id, letter)	((letter) ?: 256 + SIP_HEADER_##id)
#define COMPACT_CASE(X, id, name, compact, ...)				\
	case COMPACT(id, compact):					\
		return SIP_HEADER_##id;

static enum sip_header compact_find(unsigned int letter)
{
	switch (letter) {
	SIP_HEADERS(COMPACT_CASE, COMPACT_CASE, _)
	}
	return SIP_HEADER_OTHER;
}

#define HEADER_FITS(X, id, name, compact)				\
	static_assert(sizeof(name "") > 2 &&				\
		      sizeof(name) - 1 <= SIP_HEADER_NAME_MAX);
#define ADDRESSES_FIT(X, id, name, compact, rules, flags, pinhole, shown) \
	HEADER_FITS(X, id, name, compact)				\
	static_assert((rules) <= 0xff && (flags) <= 0xff);
SIP_HEADERS(HEADER_FITS, ADDRESSES_FIT, _)

#define IF_HEADER(len, id, name, compact, ...)				\
	if (sizeof(name) - 1 == (len) && text_same(p, name, len))	\
		return SIP_HEADER_##id;
#define HEADERS_OF(len)							\
	case len:							\
		SIP_HEADERS(IF_HEADER, IF_HEADER, len)			\
		break;

/* Up to SIP_HEADER_NAME_MAX. */
static_assert(SIP_HEADER_NAME_MAX == 24);

enum sip_header sip_header_find(const char *p, u32 len)
{
	switch (len) {
	case 1:
		if (text_in(*p, TEXT_ALPHA))
			return compact_find(*p | 0x20);
		break;
	HEADERS_OF(2) HEADERS_OF(3) HEADERS_OF(4) HEADERS_OF(5)
	HEADERS_OF(6) HEADERS_OF(7) HEADERS_OF(8) HEADERS_OF(9)
	HEADERS_OF(10) HEADERS_OF(11) HEADERS_OF(12) HEADERS_OF(13)
	HEADERS_OF(14) HEADERS_OF(15) HEADERS_OF(16) HEADERS_OF(17)
	HEADERS_OF(18) HEADERS_OF(19) HEADERS_OF(20) HEADERS_OF(21)
	HEADERS_OF(22) HEADERS_OF(23) HEADERS_OF(24)
	}
	return SIP_HEADER_OTHER;
}

#define METHOD_FITS(X, id, flags)					\
	static_assert(sizeof(#id) > 2 &&				\
		      sizeof(#id) - 1 <= SIP_METHOD_NAME_MAX &&		\
		      (flags) <= 0xff);
SIP_METHODS(METHOD_FITS, _)

#define IF_METHOD(len, id, flags)					\
	if (sizeof(#id) - 1 == (len) && text_exact(p, #id, len))	\
		return SIP_METHOD_##id;
#define METHODS_OF(len)							\
	case len:							\
		SIP_METHODS(IF_METHOD, len)				\
		break;

/* Up to SIP_METHOD_NAME_MAX. */
static_assert(SIP_METHOD_NAME_MAX == 12);

enum sip_method sip_method_find(const char *p, u32 len)
{
	switch (len) {
	METHODS_OF(2) METHODS_OF(3) METHODS_OF(4) METHODS_OF(5)
	METHODS_OF(6) METHODS_OF(7) METHODS_OF(8) METHODS_OF(9)
	METHODS_OF(10) METHODS_OF(11) METHODS_OF(12)
	}
	return SIP_METHOD_UNKNOWN;
}

#define METHOD_NAME(X, id, flags)					\
	[SIP_METHOD_##id] = #id,
const char *sip_method_name(enum sip_method method)
{
	static const char * const names[SIP_METHOD_MAX] = {
		[SIP_METHOD_UNKNOWN] = "other",
		SIP_METHODS(METHOD_NAME, _)
	};

	return names[method];
}

#define METHOD_FLAGS(X, id, flags)					\
	[SIP_METHOD_##id] = flags,
const u8 sip_method_flags[SIP_METHOD_MAX] = {
	SIP_METHODS(METHOD_FLAGS, _)
};

#define NO_NAME(X, id, name, compact)
#define FIELD_NAME(X, id, name, ...)					\
	[SIP_FIELD_##id] = name,
static_assert(SIP_FIELD_MAX < 32, "masks of fields are u32, and SIPALG_EDITED_PORT is behind them");

const char *sip_field_name(enum sip_field field)
{
	static const char * const names[SIP_FIELD_MAX] = {
		SIP_FIELDS(FIELD_NAME, _)
		SIP_HEADERS(NO_NAME, FIELD_NAME, _)
		SDP_FIELDS(FIELD_NAME, _)
	};

	return names[field];
}
