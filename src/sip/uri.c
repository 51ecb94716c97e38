// SPDX-License-Identifier: GPL-2.0-only
/*
 * The addresses inside a URI: sip:user:password@host:port;params?headers
 *
 * By the grammar a user part may hold anything that structures the rest of a
 * URI, except "@". So the first "@" ends the user part, and where there is
 * none there is no user part.
 */
#include "sip/host.h"
#include "sip/uri.h"

enum scheme { SCHEME_SIP, SCHEME_SIPS, SCHEME_NONE, SCHEME_FOREIGN };

/*
 * Sets *@behind to the first byte behind the scheme and its colon. A word
 * before a colon is a scheme unless it cannot be one: "10.0.0.1:5060" begins
 * with a digit, "733@10.66.66.122:5060" has an "@" in it.
 */
static enum scheme scheme_read(const char *p, const char *end, const char **behind)
{
	const char *start = p;

	*behind = p;
	if (text_begins(p, end, "sip:")) {
		*behind = p + 4;
		return SCHEME_SIP;
	}
	if (p == end || !text_in(*p, TEXT_ALPHA))
		return SCHEME_NONE;
	while (p < end && (text_in(*p, TEXT_HOST) || *p == '+'))
		p++;
	if (p == end || *p != ':')
		return SCHEME_NONE;
	if (!text_is(start, p - start, "sips"))
		return SCHEME_FOREIGN;
	*behind = p + 1;
	return SCHEME_SIPS;
}

enum sip_transport sip_transport_find(const char *p, u32 len)
{
	if (text_is(p, len, "udp"))
		return SIP_TRANSPORT_UDP;
	if (text_is(p, len, "tcp"))
		return SIP_TRANSPORT_TCP;
	return SIP_TRANSPORT_OTHER;
}

static void maddr_add(struct sip_msg *msg, const char *p, const char *end, u8 value,
		      bool secure)
{
	struct sip_host host;

	if (sip_host_read(msg, p, end, &host) != end)
		return;
	host.secure = secure;
	sip_host_add(msg, &host, SIP_FIELD_URI_MADDR, value);
}

/*
 * @p: at the ";" of the first parameter; URI parameters hold no quotes. Each
 * may be there once (RFC 3261 19.1.1): the first one counts.
 */
static void params_read(struct sip_msg *msg, const char *p, const char *end, u8 value,
			u16 index)
{
	bool secure = index != SIP_NO_INDEX && msg->hosts[index].secure;
	bool maddr = false, transport = index == SIP_NO_INDEX;

	while (p < end && *p == ';') {
		const char *next = text_find(++p, end, ';');

		if (!maddr && text_begins(p, next, "maddr=")) {
			maddr_add(msg, p + 6, next, value, secure);
			maddr = true;
		} else if (!transport && text_begins(p, next, "transport=")) {
			msg->hosts[index].transport = sip_transport_find(p + 10, next - p - 10);
			transport = true;
		}
		p = next;
	}
}

enum sip_uri sip_uri_read(struct sip_msg *msg, const char *p, const char *end,
			  enum sip_field field, u8 value, u16 *index)
{
	enum scheme scheme = scheme_read(p, end, &p);
	struct sip_host host;
	const char *at;

	if (scheme == SCHEME_FOREIGN)
		return SIP_URI_FOREIGN;

	at = text_find(p, end, '@');
	if (at < end)
		p = at + 1;
	p = sip_host_read(msg, p, end, &host);
	if (p && p < end && *p == ':')
		p = sip_port_read(msg, p + 1, end, &host.digits, &host.port);
	if (!p || (p < end && *p != ';' && *p != '?'))
		return scheme == SCHEME_NONE ? SIP_URI_FOREIGN : SIP_URI_BAD;

	host.secure = scheme == SCHEME_SIPS;
	*index = sip_host_add(msg, &host, field, value);
	if (p < end && *p == ';')
		params_read(msg, p, text_find(p, end, '?'), value, *index);
	return SIP_URI_HOST;
}

/* Behind "sip:", "sips:" and "tel:"; a colon elsewhere is a password's or a port's. */
static const char *behind_scheme(const char *p, const char *end)
{
	const char *colon = text_find(p, end, ':');
	bool is_scheme = (colon - p == 3 || colon - p == 4) &&
			 ((*p | 0x20) == 's' || (*p | 0x20) == 't');

	return is_scheme && colon < end ? colon + 1 : p;
}

struct sip_span sip_uri_user(const struct sip_msg *msg, struct sip_span uri,
			     bool host)
{
	const char *p = sip_span_ptr(msg, uri), *end = p + uri.len;
	const char *at, *colon, *rest;

	p = behind_scheme(p, end);
	at = text_find(p, end, '@');
	colon = text_find(p, at, ':');
	/* a password is nobody's to read */
	if (at < end && (!host || colon < at))
		return sip_span_of(msg, p, colon);
	rest = at < end ? at : p;
	end = text_find(rest, end, ';');
	return sip_span_of(msg, p, text_find(rest, end, '?'));
}
