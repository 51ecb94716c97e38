// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "index.h"
#include "sip/names.h"

static const char *const results[] = {
	[SIP_OK] = "ok",
	[SIP_NOT_SIP] = "not-sip",
	[SIP_MALFORMED] = "malformed",
	[SIP_TOO_MANY] = "too-many",
};

static const char *method_name(enum sip_method method)
{
	return method == SIP_METHOD_UNKNOWN ? "(unknown)" : sip_method_name(method);
}

static const char *const forms[] = { "name", "ip4", "ip6", "port" };
static const char *const kinds[] = {
	"other", "audio", "video", "image", "text", "application", "message",
};
static const char *const transports[] = { "other", "rtp", "udp", "tcp" };
static const char *const directions[] = { "inactive", "sendonly", "recvonly", "sendrecv" };
static const char *const setups[] = { "", "active", "passive", "actpass", "holdconn" };
static const char *const refreshers[] = { "", "uac", "uas" };

#define SPAN(msg, span)	(int)(span).len, sip_span_ptr(msg, span)

static void span_line(FILE *out, const struct sip_msg *msg, const char *name,
		      struct sip_span span)
{
	if (span.len)
		fprintf(out, "%s %.*s\n", name, SPAN(msg, span));
}

static void host_line(FILE *out, const struct sip_msg *msg, const struct sip_host *host)
{
	fprintf(out, "host %s %u %s %.*s", sip_field_name(host->field), host->value,
		forms[host->form], SPAN(msg, host->host));
	if (host->digits.len)
		fprintf(out, "%s%.*s", host->form == SIP_HOST_NONE ? "" :
			host->spaced ? " : " : ":", SPAN(msg, host->digits));
	if (host->transport == SIP_TRANSPORT_UDP || host->transport == SIP_TRANSPORT_TCP)
		fprintf(out, " %s", host->transport == SIP_TRANSPORT_UDP ? "udp" : "tcp");
	fprintf(out, "%s\n", host->secure ? " secure" : "");
}

static void media_line(FILE *out, const struct sip_msg *msg, const struct sdp_media *media)
{
	fprintf(out, "media %s %.*s %s %s", kinds[media->kind], SPAN(msg, media->digits),
		transports[media->transport], directions[media->direction]);
	if (media->connection == SIP_NO_INDEX)
		fprintf(out, " no-connection");
	else
		fprintf(out, " at %.*s", SPAN(msg, msg->hosts[media->connection].host));
	if (media->port_count != 1)
		fprintf(out, " count %u", media->port_count);
	if (media->rtcp_port)
		fprintf(out, " rtcp %.*s", SPAN(msg, media->rtcp_digits));
	if (media->rtcp_host != SIP_NO_INDEX)
		fprintf(out, " at %.*s", SPAN(msg, msg->hosts[media->rtcp_host].host));
	if (media->rtcp_mux)
		fprintf(out, " mux");
	if (media->candidates)
		fprintf(out, " candidates");
	if (media->setup)
		fprintf(out, " setup %s", setups[media->setup]);
	fputc('\n', out);
}

static void header_lines(FILE *out, const struct sip_msg *msg)
{
	span_line(out, msg, "call-id", msg->call_id);
	span_line(out, msg, "from-tag", msg->from_tag);
	span_line(out, msg, "to-tag", msg->to_tag);
	span_line(out, msg, "branch", msg->branch);
	if (msg->contact_star)
		fprintf(out, "contact *\n");
	if (msg->has_expires)
		fprintf(out, "expires %u\n", msg->expires);
	if (msg->session_expires)
		fprintf(out, "session-expires %u\n", msg->session_expires);
	if (msg->refresher)
		fprintf(out, "refresher %s\n", refreshers[msg->refresher]);
	if (msg->min_se)
		fprintf(out, "min-se %u\n", msg->min_se);
	if (msg->identity)
		fprintf(out, "identity\n");
	span_line(out, msg, "content-length", msg->content_length);
	if (msg->body.len)
		fprintf(out, "body %u of %u\n", msg->body.len, msg->len - msg->header_len);
	if (msg->sdp.len)
		fprintf(out, "sdp %u at %u %s\n", msg->sdp.len, msg->sdp.off - msg->body.off,
			directions[msg->sdp_direction]);
}

char *index_text(enum sip_result result, const struct sip_msg *msg)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	u32 i;

	fputs(results[result], out);
	if (result == SIP_OK) {
		if (!msg->request)
			fprintf(out, " %u", msg->status);
		fprintf(out, " %s %u\n", method_name(msg->method), msg->cseq);
		header_lines(out, msg);
		for (i = 0; i < msg->host_count; i++)
			host_line(out, msg, &msg->hosts[i]);
		for (i = 0; i < msg->contact_count; i++) {
			if (msg->contacts[i].has_expires)
				fprintf(out, "contact %u expires %u\n", i, msg->contacts[i].expires);
			if (msg->contacts[i].host == SIP_NO_INDEX)
				fprintf(out, "contact %u foreign\n", i);
		}
		for (i = 0; i < msg->media_count; i++)
			media_line(out, msg, &msg->media[i]);
	} else {
		fputc('\n', out);
	}
	fclose(out);
	return text;
}

static bool span_is_inside(const struct sip_msg *msg, struct sip_span span)
{
	return (u32)span.off + span.len <= msg->len;
}

static bool span_is_number(const struct sip_msg *msg, struct sip_span span, u32 number)
{
	const char *p = sip_span_ptr(msg, span);
	u64 n = 0;
	u32 i;

	for (i = 0; i < span.len; i++) {
		if (p[i] < '0' || p[i] > '9' || n > U32_MAX)
			return false;
		n = n * 10 + (p[i] - '0');
	}
	return n == number;
}

static bool text_is_address(const char *p, size_t len, int family, void *addr)
{
	char text[64];

	if (len >= sizeof(text) || memchr(p, 0, len))
		return false;
	memcpy(text, p, len);
	text[len] = '\0';
	return inet_pton(family, text, addr) == 1;
}

static const char *address_flaw(const struct sip_msg *msg, const struct sip_host *host)
{
	const char *p = sip_span_ptr(msg, host->host);
	size_t len = host->host.len;
	union nf_inet_addr addr = { 0 };

	switch (host->form) {
	case SIP_HOST_NAME:
		if (host->field < SIP_FIELD_SDP_ORIGIN &&
		    text_is_address(p, len, AF_INET, &addr))
			return "an address was taken for a name";
		return len ? NULL : "a name without bytes";
	case SIP_HOST_IP4:
		if (!text_is_address(p, len, AF_INET, &addr))
			return "no IPv4 address";
		break;
	case SIP_HOST_IP6:
		if (host->bracketed != (*p == '['))
			return "bracketed is wrong";
		if (host->bracketed && (len < 2 || p[len - 1] != ']'))
			return "no closing bracket";
		if (host->bracketed) {
			p++;
			len -= 2;
		}
		if (!text_is_address(p, len, AF_INET6, &addr))
			return "no IPv6 address";
		break;
	default:
		return len || !host->digits.len ? "a port alone that is none" : NULL;
	}
	return memcmp(&addr, &host->addr, sizeof(addr)) ? "another address than written" : NULL;
}

static const char *host_flaw(const struct sip_msg *msg, const struct sip_host *host,
			     u32 *behind)
{
	u32 end = (u32)host->host.off + host->host.len;

	if (!span_is_inside(msg, host->host) || !span_is_inside(msg, host->digits))
		return "a host outside of the message";
	if (host->field >= SIP_FIELD_MAX || host->form > SIP_HOST_NONE)
		return "no such place or form";
	if (host->host.off < *behind)
		return "hosts are not in order";
	if (!span_is_number(msg, host->digits, host->port))
		return "another port than written";
	if (host->digits.len) {
		if (host->digits.off < end)
			return "the port stands before the host";
		if (host->form != SIP_HOST_NONE && !host->spaced &&
		    (host->digits.off != end + 1 || msg->data[end] != ':'))
			return "no bare colon before the port";
		end = (u32)host->digits.off + host->digits.len;
	}
	*behind = end;
	return address_flaw(msg, host);
}

static bool index_is(const struct sip_msg *msg, u16 index, enum sip_field place)
{
	return index == SIP_NO_INDEX ||
	       (index < msg->host_count && msg->hosts[index].field == place);
}

static const char *media_flaw(const struct sip_msg *msg, const struct sdp_media *media)
{
	if (!span_is_inside(msg, media->digits) || !span_is_inside(msg, media->rtcp_digits))
		return "a port outside of the message";
	if (!media->digits.len || !span_is_number(msg, media->digits, media->port))
		return "another media port than written";
	if (!span_is_number(msg, media->rtcp_digits, media->rtcp_port))
		return "another RTCP port than written";
	if (!index_is(msg, media->connection, SIP_FIELD_SDP_CONNECTION) ||
	    !index_is(msg, media->rtcp_host, SIP_FIELD_SDP_RTCP))
		return "a wrong host index in a section";
	if (!media->port_count || media->direction > SDP_SENDRECV)
		return "an impossible section";
	return NULL;
}

const char *index_flaw(const struct sip_msg *msg)
{
	u32 behind = 0, i;
	const char *flaw = NULL;

	if (msg->host_count > SIP_MAX_HOSTS || msg->contact_count > SIP_MAX_CONTACTS ||
	    msg->media_count > SIP_MAX_MEDIA)
		return "a count beyond its array";
	if (msg->request ? msg->status : msg->status < 100 || msg->status > 699)
		return "an impossible status";
	if (msg->method >= SIP_METHOD_MAX || msg->cseq > 0x7fffffff)
		return "an impossible method or number";
	if (!span_is_inside(msg, msg->call_id) || !span_is_inside(msg, msg->from_tag) ||
	    !span_is_inside(msg, msg->to_tag) || !span_is_inside(msg, msg->to_uri) ||
	    !span_is_inside(msg, msg->branch) ||
	    !span_is_inside(msg, msg->content_length) || !span_is_inside(msg, msg->body) ||
	    !span_is_inside(msg, msg->sdp))
		return "a span outside of the message";
	if (!msg->call_id.len)
		return "no Call-ID";
	if (msg->header_len > msg->len || msg->body.off != msg->header_len)
		return "the body is not behind the header";
	if (msg->sdp.len && (msg->sdp.off < msg->body.off ||
			     msg->sdp.off + msg->sdp.len > msg->body.off + msg->body.len))
		return "the description is outside of the body";

	for (i = 0; !flaw && i < msg->host_count; i++)
		flaw = host_flaw(msg, &msg->hosts[i], &behind);
	for (i = 0; !flaw && i < msg->contact_count; i++)
		flaw = index_is(msg, msg->contacts[i].host, SIP_FIELD_CONTACT) ?
			       NULL :
			       "a wrong host index in a contact";
	for (i = 0; !flaw && i < msg->media_count; i++)
		flaw = media_flaw(msg, &msg->media[i]);
	return flaw;
}

bool index_equal(const struct sip_msg *a, const struct sip_msg *b)
{
	size_t start = offsetof(struct sip_msg, len);
	u32 i;

	/* The parser clears everything up to the arrays, gaps included. */
	if (memcmp((const char *)a + start, (const char *)b + start,
		   offsetof(struct sip_msg, hosts) - start))
		return false;
	for (i = 0; i < a->contact_count; i++) {
		if (a->contacts[i].host != b->contacts[i].host ||
		    a->contacts[i].has_expires != b->contacts[i].has_expires ||
		    a->contacts[i].expires != b->contacts[i].expires)
			return false;
	}
	return !memcmp(a->hosts, b->hosts, a->host_count * sizeof(*a->hosts)) &&
	       !memcmp(a->media, b->media, a->media_count * sizeof(*a->media));
}
