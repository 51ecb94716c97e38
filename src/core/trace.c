// SPDX-License-Identifier: GPL-2.0-only
/* The tracepoints of sipalg_trace.h, and what fills them. */
#include <linux/in.h>
#include <net/net_namespace.h>
#include "core/net.h"
#include "sip/names.h"
#define CREATE_TRACE_POINTS
#include "core/sipalg_trace.h"

void sipalg_trace_address(u8 *to, u8 family, const struct sipalg_addr *addr)
{
	struct sockaddr_in6 six = {
		.sin6_family = AF_INET6,
		.sin6_port = addr->port,
		.sin6_addr = addr->ip.in6,
	};
	struct sockaddr_in four = {
		.sin_family = AF_INET,
		.sin_port = addr->port,
		.sin_addr = addr->ip.in,
	};

	if (family == AF_INET)
		memcpy(to, &four, sizeof(four));
	else
		memcpy(to, &six, sizeof(six));
}

u32 sipalg_trace_netns(const struct sipalg_net *sn)
{
	return sn->net->ns.inum;
}

const char *sipalg_trace_result(enum sip_result result)
{
	static const char * const words[] = {
		[SIP_OK] = "ok",
		[SIP_NOT_SIP] = "not_sip",
		[SIP_MALFORMED] = "parse_error",
		[SIP_TOO_MANY] = "too_long",
	};

	return words[result];
}

const char *sipalg_trace_method(const struct sip_msg *msg,
				enum sip_result result)
{
	return result == SIP_OK ? sip_method_name(msg->method) : "unknown";
}
