// SPDX-License-Identifier: GPL-2.0-only
/* Header and method names (H-8). */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "guard.h"
#include "sip/names.h"
#include "tap.h"
#include "tests.h"

static const struct {
	const char *name;
	const char *compact;
	enum sip_header header;
} headers[] = {
	{ "Via", "v", SIP_HEADER_VIA },
	{ "Call-ID", "i", SIP_HEADER_CALL_ID },
	{ "CSeq", "", SIP_HEADER_CSEQ },
	{ "Content-Length", "l", SIP_HEADER_CONTENT_LENGTH },
	{ "Content-Type", "c", SIP_HEADER_CONTENT_TYPE },
	{ "Content-Encoding", "e", SIP_HEADER_CONTENT_ENCODING },
	{ "Expires", "", SIP_HEADER_EXPIRES },
	{ "Session-Expires", "x", SIP_HEADER_SESSION_EXPIRES },
	{ "Min-SE", "", SIP_HEADER_MIN_SE },
	{ "Identity", "y", SIP_HEADER_IDENTITY },
	{ "From", "f", SIP_HEADER_FROM },
	{ "To", "t", SIP_HEADER_TO },
	{ "Contact", "m", SIP_HEADER_CONTACT },
	{ "Route", "", SIP_HEADER_ROUTE },
	{ "Record-Route", "", SIP_HEADER_RECORD_ROUTE },
	{ "Path", "", SIP_HEADER_PATH },
	{ "Service-Route", "", SIP_HEADER_SERVICE_ROUTE },
	{ "Refer-To", "r", SIP_HEADER_REFER_TO },
	{ "Referred-By", "b", SIP_HEADER_REFERRED_BY },
	{ "P-Asserted-Identity", "", SIP_HEADER_P_ASSERTED_IDENTITY },
	{ "P-Preferred-Identity", "", SIP_HEADER_P_PREFERRED_IDENTITY },
	{ "Diversion", "", SIP_HEADER_DIVERSION },
	{ "History-Info", "", SIP_HEADER_HISTORY_INFO },
	/* s k o u a j d n are compact forms too, of headers we do not read */
	{ "Subject", "s", SIP_HEADER_OTHER },
	{ "Supported", "k", SIP_HEADER_OTHER },
	{ "Event", "o", SIP_HEADER_OTHER },
	{ "Allow-Events", "u", SIP_HEADER_OTHER },
	{ "Accept-Contact", "a", SIP_HEADER_OTHER },
	{ "Reject-Contact", "j", SIP_HEADER_OTHER },
	{ "Request-Disposition", "d", SIP_HEADER_OTHER },
	{ "Identity-Info", "n", SIP_HEADER_OTHER },
	/* Near misses */
	{ "Call\rID", "\x16", SIP_HEADER_OTHER },
	{ "Call-I", "6", SIP_HEADER_OTHER },
	{ "CallXID", "", SIP_HEADER_OTHER },
	{ "Vi\x41x", "", SIP_HEADER_OTHER },
	{ "X-Contact", "", SIP_HEADER_OTHER },
	{ "Content-Lengti", "", SIP_HEADER_OTHER },
	{ "Authorization", "", SIP_HEADER_OTHER },
	{ "Proxy-Authorization", "", SIP_HEADER_OTHER },
	{ "Warning", "", SIP_HEADER_OTHER },
};

static enum sip_header find(const char *name)
{
	return sip_header_find(guard_behind(name, strlen(name)), strlen(name));
}

static bool all_cases(const char *name, enum sip_header header)
{
	char text[64];
	unsigned int mode, i;

	if (!*name)
		return true;
	for (mode = 0; mode < 4; mode++) {
		for (i = 0; name[i]; i++)
			text[i] = mode == 0 ? name[i] : mode == 1 ? tolower(name[i]) :
				mode == 2 ? toupper(name[i]) :
				i % 2 ? toupper(name[i]) : tolower(name[i]);
		text[i] = '\0';
		if (find(text) != header)
			return false;
	}
	return true;
}

static const char *const methods[SIP_METHOD_MAX] = {
	"FOO", "INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "INFO", "PRACK",
	"UPDATE", "SUBSCRIBE", "NOTIFY", "REFER", "MESSAGE", "PUBLISH",
};

static enum sip_method method(const char *name)
{
	return sip_method_find(guard_behind(name, strlen(name)), strlen(name));
}

void name_tests(void)
{
	size_t i;

	for (i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		tap(all_cases(headers[i].name, headers[i].header) &&
		    all_cases(headers[i].compact, headers[i].header),
		    "H-8 header name %zu: %s", i, strchr(headers[i].name, '\r') ?
		    "(with a CR for the hyphen)" : headers[i].name);
	for (i = 0; i < SIP_METHOD_MAX; i++)
		tap(method(methods[i]) == i, "S3-22 method %s", methods[i]);
	tap(method("invite") == SIP_METHOD_UNKNOWN, "methods are case-sensitive");
	tap(method("INVITES") == SIP_METHOD_UNKNOWN, "no method by its beginning");
}
