// SPDX-License-Identifier: GPL-2.0-only
/*
 * The values of headers that hold addresses. A fold inside a value needs no
 * care of its own: where a fold may stand, white space may.
 */
#include "sip/host.h"
#include "sip/uri.h"
#include "sip/value.h"

/*
 * The value of the parameter @name at @p (";tag="), written without white space or
 * quotes and followed by the next parameter or the end: as each message has it.
 * NULL for what must be read by sip_param_read().
 */
static __always_inline const char *plain_param(const char *p, const char *end,
					       const char *name, size_t len)
{
	const char *behind;

	if (!text_same_start(p, end, name, len))
		return NULL;
	behind = text_until_stop(p + len, end);
	return behind == end || *behind == ';' ? behind : NULL;
}

/* Most names are shorter than a word, and followed by "=". */
static const char *name_end(const char *p, const char *end)
{
	if (end - p >= 8) {
		u64 stops = text_stops(text_word(p));

		p += stops ? __ffs64(stops) >> 3 : 8;
	}
	return text_skip(p, end, TEXT_TOKEN);
}

const char *sip_param_read(const char *p, const char *end, struct sip_param *param)
{
	p = text_skip(p, end, TEXT_SPACE);
	param->name = p;
	p = name_end(p, end);
	param->name_len = p - param->name;
	param->value = p;
	param->value_len = 0;

	p = text_skip(p, end, TEXT_SPACE);
	if (p < end && *p == '=') {
		p = text_skip(p + 1, end, TEXT_SPACE);
		param->value = p;
		if (p < end && *p == '"')
			p = text_skip_quoted(p, end);
		else
			p = text_until_stop(p, end);
		if (!p)
			return NULL;
		param->value_len = p - param->value;
	}

	/* Skip what follows if it is not white space. */
	while (p < end && *p != ';' && *p != ',') {
		p = *p == '"' ? text_skip_quoted(p, end) : p + 1;
		if (!p)
			return NULL;
	}
	return p;
}

/* sent-protocol, and the white space that must follow it. */
static const char *protocol_read(const char *p, const char *end)
{
	const char *token;
	int slashes;

	if (text_begins(p, end, "sip/2.0/udp "))
		return text_skip(p + 12, end, TEXT_SPACE);

	for (slashes = 0; slashes < 2; slashes++) {
		token = p;
		p = text_skip(p, end, TEXT_TOKEN);
		if (p == token)
			return NULL;
		p = text_skip(p, end, TEXT_SPACE);
		if (p == end || *p != '/')
			return NULL;
		p = text_skip(p + 1, end, TEXT_SPACE);
	}
	token = p;
	p = text_skip(p, end, TEXT_TOKEN);
	if (p == token || p == end || !text_in(*p, TEXT_SPACE))
		return NULL;
	return text_skip(p, end, TEXT_SPACE);
}

/* COLON and port of sent-by. @p is behind the host. */
static const char *sent_by_port_read(const struct sip_msg *msg, const char *p, const char *end,
				     struct sip_host *host)
{
	const char *colon = text_skip(p, end, TEXT_SPACE);
	const char *digits;

	if (colon == end || *colon != ':')
		return colon;
	digits = text_skip(colon + 1, end, TEXT_SPACE);
	host->spaced = colon != p || digits != colon + 1;
	return sip_port_read(msg, digits, end, &host->digits, &host->port);
}

static void branch(struct sip_msg *msg, const char *p, const char *end, u8 value)
{
	if (!value && !msg->branch.len)
		msg->branch = sip_span_of(msg, p, end);
}

static void via_param(struct sip_msg *msg, const struct sip_param *param, u8 value)
{
	const char *p = param->value;
	const char *end = p + param->value_len;
	struct sip_host host;

	if (text_is(param->name, param->name_len, "branch")) {
		branch(msg, p, end, value);
	} else if (text_is(param->name, param->name_len, "rport")) {
		if (!value)
			msg->rport = true;
		host = (struct sip_host){
			.form = SIP_HOST_NONE,
			.host = sip_span_of(msg, p, p),
		};
		if (sip_port_read(msg, p, end, &host.digits, &host.port) == end)
			sip_host_add(msg, &host, SIP_FIELD_VIA_RPORT, value);
	} else if (text_is(param->name, param->name_len, "received")) {
		if (sip_host_read_bare(msg, p, end, &host))
			sip_host_add(msg, &host, SIP_FIELD_VIA_RECEIVED, value);
	} else if (text_is(param->name, param->name_len, "maddr")) {
		if (sip_host_read_bare(msg, p, end, &host))
			sip_host_add(msg, &host, SIP_FIELD_VIA_MADDR, value);
	}
}

const char *sip_via_read(struct sip_msg *msg, const char *p, const char *end, u8 value)
{
	struct sip_host host;
	struct sip_param param;
	const char *behind;

	p = protocol_read(text_skip(p, end, TEXT_SPACE), end);
	if (!p)
		return NULL;
	p = sip_host_read(msg, p, end, &host);
	if (!p)
		return NULL;
	p = sent_by_port_read(msg, p, end, &host);
	if (!p)
		return NULL;
	sip_host_add(msg, &host, SIP_FIELD_VIA, value);

	p = text_skip(p, end, TEXT_SPACE);
	while (p < end && *p == ';') {
		behind = plain_param(p, end, ";branch=", 8);
		if (behind) {
			branch(msg, p + 8, behind, value);
			p = behind;
			continue;
		}
		p = sip_param_read(p + 1, end, &param);
		if (!p)
			return NULL;
		via_param(msg, &param, value);
	}
	return p == end || *p == ',' ? p : NULL;
}

static bool field_is_list(enum sip_field field)
{
	return field != SIP_FIELD_FROM && field != SIP_FIELD_TO &&
	       field != SIP_FIELD_REFER_TO && field != SIP_FIELD_REFERRED_BY;
}

/*
 * Finds where the URI of name-addr / addr-spec begins and ends. Returns what
 * follows it, or NULL.
 */
static const char *address_uri(const char *p, const char *end, bool list,
			       const char **uri, const char **uri_end)
{
	*uri = p;
	for (;;) {
		p = text_until(p, end, TEXT_STOP);
		if (p < end && *p == '"') {
			p = text_skip_quoted(p, end);
			if (!p)
				return NULL;
		} else if (p < end && *p == ',' && !list) {
			p++;
		} else {
			break;
		}
	}
	if (p == end || *p != '<') {
		*uri_end = text_trim(*uri, p);
		return p;
	}
	*uri = text_skip(p + 1, end, TEXT_SPACE);
	p = text_find(*uri, end, '>');
	if (p == end)
		return NULL;
	*uri_end = text_trim(*uri, p);
	return p + 1;
}

static void address_param(struct sip_msg *msg, const struct sip_param *param,
			  struct sip_address *address)
{
	const char *end = param->value + param->value_len;
	u32 seconds;

	if (text_is(param->name, param->name_len, "tag")) {
		address->tag = sip_span_of(msg, param->value, end);
	} else if (text_is(param->name, param->name_len, "expires")) {
		if (text_number(param->value, end, &seconds) != end)
			return;
		address->has_expires = true;
		address->expires = seconds;
	} else if (text_is(param->name, param->name_len, "transport")) {
		/* of a URI without brackets: it is meant for that (S3-58) */
		if (address->host != SIP_NO_INDEX &&
		    !msg->hosts[address->host].transport)
			msg->hosts[address->host].transport =
				sip_transport_find(param->value, param->value_len);
	}
}

const char *sip_address_read(struct sip_msg *msg, const char *p,
			     const char *end, enum sip_field field, u8 value,
			     struct sip_address *address)
{
	const char *uri, *uri_end, *behind;
	struct sip_param param;
	bool list = field_is_list(field);

	*address = (struct sip_address){ .host = SIP_NO_INDEX, .unasked = address->unasked };

	p = address_uri(text_skip(p, end, TEXT_SPACE), end, list, &uri, &uri_end);
	if (!p || uri == uri_end)
		return NULL;
	address->uri = sip_span_of(msg, uri, uri_end);
	if (!address->unasked || text_find(uri, uri_end, ';') < uri_end)
		sip_uri_read(msg, uri, uri_end, field, value, &address->host);

	p = text_skip(p, end, TEXT_SPACE);
	while (p < end && *p == ';') {
		behind = plain_param(p, end, ";tag=", 5);
		if (behind) {
			address->tag = sip_span_of(msg, p + 5, behind);
			p = behind;
			continue;
		}
		p = sip_param_read(p + 1, end, &param);
		if (!p)
			return NULL;
		address_param(msg, &param, address);
	}
	return p == end || (list && *p == ',') ? p : NULL;
}
