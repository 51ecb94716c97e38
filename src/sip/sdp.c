// SPDX-License-Identifier: GPL-2.0-only
/*
 * Session descriptions (RFC 4566, 8866).
 *
 * A description is a session part and then one section per m= line. What the
 * session part says of connection, direction and setup holds for each section
 * that says nothing itself, so each section starts out as a copy of it.
 */
#include <linux/build_bug.h>
#include "sip/host.h"
#include "sip/line.h"
#include "sip/msg.h"
#include "sip/sdp_attributes.def"

/* The state of one walk. */
struct walk {
	struct sip_msg *msg;
	struct sdp_media session;	/* what sections start out as */
	struct sdp_media *media;	/* the section, or the above */
	bool own_connection;		/* the section has a c= of its own */
	u8 section;			/* 0: session part; n: the n-th section */
};

/* Reads up to the next white space; *@p then stands on the field after it. */
static struct sip_span field(const struct sip_msg *msg, const char **p, const char *end)
{
	const char *start = *p;
	const char *behind = text_until_space(start, end);

	*p = text_skip(behind, end, TEXT_SPACE);
	return sip_span_of(msg, start, behind);
}

/*
 * <nettype> <addrtype> of the internet: *@p then stands on the address. Returns
 * the digit of "IP4" or "IP6", NULL for other types.
 */
static const char *internet_skip(const struct sip_msg *msg, const char **p, const char *end)
{
	struct sip_span net = field(msg, p, end);
	struct sip_span type = field(msg, p, end);
	const char *word = sip_span_ptr(msg, type);

	if (!text_is(sip_span_ptr(msg, net), net.len, "in") ||
	    (!text_is(word, type.len, "ip4") && !text_is(word, type.len, "ip6")))
		return NULL;
	return word + 2;
}

/*
 * The address of <nettype> <addrtype> <address>, before which @before fields
 * stand: it is the third of them, whatever follows. Some write a user name of
 * several words into o=, or leave a field out: then the first such pair of
 * types in the line tells. NULL if there is no third field.
 * @digit: of "IP4" or "IP6"; NULL: it is another type
 */
static const char *address_find(const struct sip_msg *msg, const char *p, const char *end,
				unsigned int before, const char **digit)
{
	const char *line = p, *address;

	for (; before; before--)
		field(msg, &p, end);
	address = p;
	*digit = internet_skip(msg, &address, end);
	while (!*digit && line < end) {
		p = line;
		*digit = internet_skip(msg, &p, end);
		if (*digit)
			address = p;
		field(msg, &line, end);
	}
	return address < end ? address : NULL;
}

/*
 * Indexes that address. Text that is no internet address is treated as a name,
 * and not translated.
 */
static u16 address_add(struct walk *walk, const char *p, const char *end,
		       unsigned int before, enum sip_field place)
{
	struct sip_msg *msg = walk->msg;
	struct sip_host host;
	const char *slash, *digit;

	p = address_find(msg, p, end, before, &digit);
	if (!p || *p == '/')
		return SIP_NO_INDEX;
	end = text_until_space(p, end);
	slash = text_find(p, end, '/');		/* ttl and count of multicast */
	if (!digit || !sip_host_read_bare(msg, p, slash, &host)) {
		host = (struct sip_host){
			.form = SIP_HOST_NAME,
			.host = sip_span_of(msg, p, slash),
		};
	} else if (p - digit <= U8_MAX) {
		host.type = p - digit;
	}
	return sip_host_add(msg, &host, place, walk->section);
}

/* c= may be repeated for layered multicast: the first one counts. */
static bool connection(struct walk *walk, const char *p, const char *end)
{
	u16 host_count = walk->msg->host_count;
	u16 index = address_add(walk, p, end, 0, SIP_FIELD_SDP_CONNECTION);

	if (host_count == walk->msg->host_count)
		return false;
	if (!walk->own_connection)
		walk->media->connection = index;
	walk->own_connection = true;
	return true;
}

static enum sdp_kind kind_of(const char *p, u32 len)
{
	if (text_is(p, len, "audio"))
		return SDP_KIND_AUDIO;
	if (text_is(p, len, "video"))
		return SDP_KIND_VIDEO;
	if (text_is(p, len, "image"))
		return SDP_KIND_IMAGE;
	if (text_is(p, len, "text"))
		return SDP_KIND_TEXT;
	if (text_is(p, len, "application"))
		return SDP_KIND_APPLICATION;
	if (text_is(p, len, "message"))
		return SDP_KIND_MESSAGE;
	return SDP_KIND_OTHER;
}

/*
 * IANA's registry of <proto> grows by combination, so its parts are looked
 * at: what carries (TCP, otherwise UDP), and whether that is RTP.
 */
static enum sdp_transport transport_of(const char *p, u32 len)
{
	const char *end = p + len;

	if (text_begins(p, end, "rtp/") || text_begins(p, end, "udp/tls/rtp/") ||
	    text_begins(p, end, "udp/rtp/"))
		return SDP_TRANSPORT_RTP;
	if (text_begins(p, end, "tcp/") || text_is(p, len, "tcp") || text_is(p, len, "tcptl"))
		return SDP_TRANSPORT_TCP;
	if (text_begins(p, end, "udp/") || text_is(p, len, "udp") || text_is(p, len, "udptl") ||
	    text_begins(p, end, "dtls/"))
		return SDP_TRANSPORT_UDP;
	return SDP_TRANSPORT_OTHER;
}

/* <media> <port>["/"<count>] <proto> <fmt> ... */
static bool media(struct walk *walk, const char *p, const char *end)
{
	struct sip_msg *msg = walk->msg;
	struct sip_span word = field(msg, &p, end);
	struct sdp_media *media;
	u32 count = 1;

	if (msg->media_count == SIP_MAX_MEDIA) {
		msg->media_count++;	/* says that there were more */
		return true;
	}
	media = &msg->media[msg->media_count];
	*media = walk->session;
	media->kind = kind_of(sip_span_ptr(msg, word), word.len);

	p = sip_port_read(msg, p, end, &media->digits, &media->port);
	if (p && p < end && *p == '/')
		p = text_number(p + 1, end, &count);
	if (!p || p == end || *p != ' ' || !count || count > U16_MAX)
		return false;
	media->port_count = count;

	p = text_skip(p, end, TEXT_SPACE);
	word = field(msg, &p, end);
	media->transport = transport_of(sip_span_ptr(msg, word), word.len);

	msg->media_count++;
	walk->media = media;
	walk->section = msg->media_count;
	walk->own_connection = false;
	return true;
}

/* rtcp:<port> [<nettype> <addrtype> <address>] */
static void rtcp(struct walk *walk, const char *p, const char *end)
{
	struct sdp_media *media = walk->media;
	struct sip_span digits;
	u16 port;

	if (!walk->section || media->rtcp_port)
		return;
	p = sip_port_read(walk->msg, p, end, &digits, &port);
	if (!p || !port || (p < end && *p != ' '))
		return;
	media->rtcp_digits = digits;
	media->rtcp_port = port;
	if (p < end)
		media->rtcp_host = address_add(walk, p, end, 0, SIP_FIELD_SDP_RTCP);
}

/* candidate:<foundation> <component> <transport> <priority> <address> <port> ... */
static void candidate(struct walk *walk, const char *p, const char *end)
{
	struct sip_msg *msg = walk->msg;
	struct sip_span address;
	struct sip_host host;
	int i;

	walk->media->candidates = 1;
	for (i = 0; i < 4; i++)
		field(msg, &p, end);
	address = field(msg, &p, end);
	if (!address.len || !sip_host_read_bare(msg, sip_span_ptr(msg, address),
						sip_span_ptr(msg, address) + address.len, &host))
		return;
	if (!sip_port_read(msg, p, end, &host.digits, &host.port))
		return;
	host.spaced = 1;
	sip_host_add(msg, &host, SIP_FIELD_SDP_CANDIDATE, walk->section);
}

static void setup(struct walk *walk, const char *p, const char *end)
{
	struct sdp_media *media = walk->media;
	u32 len = end - p;

	if (text_is(p, len, "active"))
		media->setup = SDP_SETUP_ACTIVE;
	else if (text_is(p, len, "passive"))
		media->setup = SDP_SETUP_PASSIVE;
	else if (text_is(p, len, "actpass"))
		media->setup = SDP_SETUP_ACTPASS;
	else if (text_is(p, len, "holdconn"))
		media->setup = SDP_SETUP_HOLDCONN;
}

/*
 * A switch over the first letter leaves few compares of whole words: in each case
 * the rows with another letter are constants that compare as different, and vanish.
 */
#define IF_FLAG(letter, name, member, set)				\
	if ((name)[0] == (letter) && text_is(p, end - p, name)) {	\
		walk->media->member = set;				\
		return;							\
	}
#define IF_VALUE(letter, name, function)				\
	if ((name)[0] == (letter) && text_begins(p, end, name ":")) {	\
		function(walk, p + sizeof(name), end);			\
		return;							\
	}
#define ATTRIBUTES_OF(letter)						\
	case letter:							\
		SDP_ATTRIBUTES(IF_FLAG, IF_VALUE, letter)		\
		break;

#define IS_NAMED(X, name, ...)						\
	static_assert(sizeof(name "") > 2);
SDP_ATTRIBUTES(IS_NAMED, IS_NAMED, _)

static void attribute(struct walk *walk, const char *p, const char *end)
{
	if (p == end)
		return;
	switch (*p | 0x20) {
	ATTRIBUTES_OF('a') ATTRIBUTES_OF('b') ATTRIBUTES_OF('c')
	ATTRIBUTES_OF('d') ATTRIBUTES_OF('e') ATTRIBUTES_OF('f')
	ATTRIBUTES_OF('g') ATTRIBUTES_OF('h') ATTRIBUTES_OF('i')
	ATTRIBUTES_OF('j') ATTRIBUTES_OF('k') ATTRIBUTES_OF('l')
	ATTRIBUTES_OF('m') ATTRIBUTES_OF('n') ATTRIBUTES_OF('o')
	ATTRIBUTES_OF('p') ATTRIBUTES_OF('q') ATTRIBUTES_OF('r')
	ATTRIBUTES_OF('s') ATTRIBUTES_OF('t') ATTRIBUTES_OF('u')
	ATTRIBUTES_OF('v') ATTRIBUTES_OF('w') ATTRIBUTES_OF('x')
	ATTRIBUTES_OF('y') ATTRIBUTES_OF('z')
	}
}

/* Returns whether the description can still be understood. */
static bool line(struct walk *walk, char type, const char *p, const char *end)
{
	switch (type) {
	case 'a':
		attribute(walk, p, end);
		return true;
	case 'c':
		return connection(walk, p, end);
	case 'm':
		return media(walk, p, end);
	case 'o':
		address_add(walk, p, end, 3, SIP_FIELD_SDP_ORIGIN);
		return true;
	default:
		return true;
	}
}

enum sip_result sdp_parse(struct sip_msg *msg)
{
	struct walk walk = {
		.msg = msg,
		.session = {
			.port_count = 1,
			.connection = SIP_NO_INDEX,
			.rtcp_host = SIP_NO_INDEX,
			.direction = SDP_SENDRECV,
		},
		.media = &walk.session,
	};
	const char *p = sip_span_ptr(msg, msg->sdp);
	const char *end = p + msg->sdp.len;
	const char *stop;

	for (; p < end; p = stop < end ? sip_line_behind(stop) : end) {
		stop = text_line_end(p, end);
		if (stop - p < 2 || p[1] != '=')
			continue;
		if (!line(&walk, *p, p + 2, text_trim(p + 2, stop)))
			return SIP_MALFORMED;
		if (msg->host_count > SIP_MAX_HOSTS || msg->media_count > SIP_MAX_MEDIA)
			return SIP_TOO_MANY;
	}
	msg->sdp_direction = walk.session.direction;
	return SIP_OK;
}
