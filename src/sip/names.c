// SPDX-License-Identifier: GPL-2.0-only
/*
 * The names of headers and methods. A length is shared by four names at most,
 * so a switch over it leaves few compares of whole words: no table to keep,
 * and a name is found where a reader looks for it.
 */
#include "sip/names.h"
#include "sip/text.h"

/* The compact forms that IANA lists, as far as the header concerns us. */
static enum sip_header compact_find(char letter)
{
	switch (letter | 0x20) {
	case 'b':
		return SIP_HEADER_REFERRED_BY;
	case 'c':
		return SIP_HEADER_CONTENT_TYPE;
	case 'e':
		return SIP_HEADER_CONTENT_ENCODING;
	case 'f':
		return SIP_HEADER_FROM;
	case 'i':
		return SIP_HEADER_CALL_ID;
	case 'l':
		return SIP_HEADER_CONTENT_LENGTH;
	case 'm':
		return SIP_HEADER_CONTACT;
	case 'r':
		return SIP_HEADER_REFER_TO;
	case 't':
		return SIP_HEADER_TO;
	case 'v':
		return SIP_HEADER_VIA;
	case 'x':
		return SIP_HEADER_SESSION_EXPIRES;
	case 'y':
		return SIP_HEADER_IDENTITY;
	}
	return SIP_HEADER_OTHER;
}

#define NAMED(lower)	text_same(name, lower, sizeof(lower) - 1)

enum sip_header sip_header_find(const char *name, u32 len)
{
	switch (len) {
	case 1:
		if (text_in(*name, TEXT_ALPHA))
			return compact_find(*name);
		break;
	case 2:
		if (NAMED("to"))
			return SIP_HEADER_TO;
		break;
	case 3:
		if (NAMED("via"))
			return SIP_HEADER_VIA;
		break;
	case 4:
		if (NAMED("from"))
			return SIP_HEADER_FROM;
		if (NAMED("cseq"))
			return SIP_HEADER_CSEQ;
		if (NAMED("path"))
			return SIP_HEADER_PATH;
		break;
	case 5:
		if (NAMED("route"))
			return SIP_HEADER_ROUTE;
		break;
	case 6:
		if (NAMED("min-se"))
			return SIP_HEADER_MIN_SE;
		break;
	case 7:
		if (NAMED("call-id"))
			return SIP_HEADER_CALL_ID;
		if (NAMED("contact"))
			return SIP_HEADER_CONTACT;
		if (NAMED("expires"))
			return SIP_HEADER_EXPIRES;
		break;
	case 8:
		if (NAMED("refer-to"))
			return SIP_HEADER_REFER_TO;
		if (NAMED("identity"))
			return SIP_HEADER_IDENTITY;
		break;
	case 9:
		if (NAMED("diversion"))
			return SIP_HEADER_DIVERSION;
		break;
	case 11:
		if (NAMED("referred-by"))
			return SIP_HEADER_REFERRED_BY;
		break;
	case 12:
		if (NAMED("content-type"))
			return SIP_HEADER_CONTENT_TYPE;
		if (NAMED("record-route"))
			return SIP_HEADER_RECORD_ROUTE;
		if (NAMED("history-info"))
			return SIP_HEADER_HISTORY_INFO;
		break;
	case 13:
		if (NAMED("service-route"))
			return SIP_HEADER_SERVICE_ROUTE;
		break;
	case 14:
		if (NAMED("content-length"))
			return SIP_HEADER_CONTENT_LENGTH;
		break;
	case 15:
		if (NAMED("session-expires"))
			return SIP_HEADER_SESSION_EXPIRES;
		break;
	case 16:
		if (NAMED("content-encoding"))
			return SIP_HEADER_CONTENT_ENCODING;
		break;
	case 19:
		if (NAMED("p-asserted-identity"))
			return SIP_HEADER_P_ASSERTED_IDENTITY;
		break;
	case 20:
		if (NAMED("p-preferred-identity"))
			return SIP_HEADER_P_PREFERRED_IDENTITY;
		break;
	}
	return SIP_HEADER_OTHER;
}

#undef NAMED

#define NAMED(upper)	text_exact(name, upper, sizeof(upper) - 1)

enum sip_method sip_method_find(const char *name, u32 len)
{
	switch (len) {
	case 3:
		if (NAMED("ACK"))
			return SIP_METHOD_ACK;
		if (NAMED("BYE"))
			return SIP_METHOD_BYE;
		break;
	case 4:
		if (NAMED("INFO"))
			return SIP_METHOD_INFO;
		break;
	case 5:
		if (NAMED("PRACK"))
			return SIP_METHOD_PRACK;
		if (NAMED("REFER"))
			return SIP_METHOD_REFER;
		break;
	case 6:
		if (NAMED("INVITE"))
			return SIP_METHOD_INVITE;
		if (NAMED("CANCEL"))
			return SIP_METHOD_CANCEL;
		if (NAMED("UPDATE"))
			return SIP_METHOD_UPDATE;
		if (NAMED("NOTIFY"))
			return SIP_METHOD_NOTIFY;
		break;
	case 7:
		if (NAMED("OPTIONS"))
			return SIP_METHOD_OPTIONS;
		if (NAMED("MESSAGE"))
			return SIP_METHOD_MESSAGE;
		if (NAMED("PUBLISH"))
			return SIP_METHOD_PUBLISH;
		break;
	case 8:
		if (NAMED("REGISTER"))
			return SIP_METHOD_REGISTER;
		break;
	case 9:
		if (NAMED("SUBSCRIBE"))
			return SIP_METHOD_SUBSCRIBE;
		break;
	}
	return SIP_METHOD_UNKNOWN;
}

#undef NAMED

const char *sip_method_name(enum sip_method method)
{
	static const char * const words[SIP_METHOD_MAX] = {
		[SIP_METHOD_UNKNOWN] = "other",
		[SIP_METHOD_INVITE] = "INVITE",
		[SIP_METHOD_ACK] = "ACK",
		[SIP_METHOD_BYE] = "BYE",
		[SIP_METHOD_CANCEL] = "CANCEL",
		[SIP_METHOD_REGISTER] = "REGISTER",
		[SIP_METHOD_OPTIONS] = "OPTIONS",
		[SIP_METHOD_INFO] = "INFO",
		[SIP_METHOD_PRACK] = "PRACK",
		[SIP_METHOD_UPDATE] = "UPDATE",
		[SIP_METHOD_SUBSCRIBE] = "SUBSCRIBE",
		[SIP_METHOD_NOTIFY] = "NOTIFY",
		[SIP_METHOD_REFER] = "REFER",
		[SIP_METHOD_MESSAGE] = "MESSAGE",
		[SIP_METHOD_PUBLISH] = "PUBLISH",
	};

	return words[method];
}
