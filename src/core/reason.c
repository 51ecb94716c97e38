// SPDX-License-Identifier: GPL-2.0-only
/* Names of reasons. */
#include "core/reason.h"

static const char * const end_words[SIPALG_END_MAX] = {
	[SIPALG_END_BYE] = "bye",
	[SIPALG_END_CANCELLED] = "cancelled",
	[SIPALG_END_FAILED] = "failed",
	[SIPALG_END_SESSION_EXPIRED] = "session_expired",
	[SIPALG_END_MAX_DURATION] = "max_duration",
	[SIPALG_END_INVITE_TIMEOUT] = "invite_timeout",
	[SIPALG_END_IDLE] = "idle",
	[SIPALG_END_EVICTED] = "evicted",
	[SIPALG_END_ADMIN] = "admin",
	[SIPALG_END_SIGNALLING_LOST] = "signalling_lost",
};

static const char * const message_words[SIPALG_REASON_MAX] = {
	[SIPALG_REASON_NONE] = "none",
	[SIPALG_REASON_NO_CONNECTION_LINE] = "no_connection_line",
	[SIPALG_REASON_NO_PORT_PAIR] = "no_port_pair",
	[SIPALG_REASON_PARSE_ERROR] = "parse_error",
	[SIPALG_REASON_SCREENED] = "screened",
	[SIPALG_REASON_RATE_LIMITED] = "rate_limited",
	[SIPALG_REASON_TOO_LONG] = "too_long",
	[SIPALG_REASON_NO_MEMORY] = "no_memory",
	[SIPALG_REASON_METHOD_DENIED] = "method_denied",
	[SIPALG_REASON_TOO_MANY_CALLS] = "too_many_calls",
	[SIPALG_REASON_TOO_MANY_MEDIA] = "too_many_media",
	[SIPALG_REASON_NOT_SIP] = "not_sip",
	[SIPALG_REASON_SPLIT_MESSAGE] = "split_message",
	[SIPALG_REASON_GSO] = "gso",
	[SIPALG_REASON_NAT64_OUTSIDE] = "nat64_outside_prefix",
	[SIPALG_REASON_NAT64_ROUTER] = "nat64_names_router",
	[SIPALG_REASON_NAT64_LOOP] = "nat64_names_pool",
	[SIPALG_REASON_TOO_MANY_REGISTRATIONS] = "too_many_registrations",
};

const char *sipalg_end_name(enum sipalg_end_reason reason)
{
	return end_words[reason];
}

const char *sipalg_reason_name(enum sipalg_message_reason reason)
{
	return message_words[reason];
}
