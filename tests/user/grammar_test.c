// SPDX-License-Identifier: GPL-2.0-only
/*
 * H-8, FAULTS H1: a message comes through however equipment writes it.
 *
 * Messages are made of the productions of RFC 3261 25.1, each written in one of
 * the ways that the grammar allows: LWS of any length and with folds wherever
 * HCOLON, SEMI, EQUAL, COMMA, SLASH, COLON, LAQUOT and RAQUOT allow it, names
 * long and compact and in any case, values in one line or in several, quoted
 * strings that hold what structures a header, escapes in URIs. What a message
 * says is drawn from one generator of numbers and how it is written from
 * another, so that for each there is the same message in the plain spelling
 * (nothing but what must be there), and the same one with other addresses.
 *
 * For each: the index is that of the plain spelling; the translation is, to the
 * byte, the same message written with the new addresses, and its translation back
 * the message itself; and as datagram and in a stream it is one message of its
 * length. Half of them stay in their family, half cross to the other by a NAT64.
 *
 * GRAMMAR_MESSAGES and GRAMMAR_SEED in the environment ask for others.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/socket.h>
#include "guard.h"
#include "index.h"
#include "planner.h"
#include "sip/frame.h"
#include "sip/host.h"
#include "tap.h"
#include "tests.h"

#define SEED		20261129
#define MESSAGES	2000	/* in each direction */

static u64 meaning, spelling;

/* xorshift64*: the same messages on every machine. */
static u32 draw(u64 *state, u32 below)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (u32)((*state * 0x2545f4914f6cdd1dULL) >> 32) % below;
}

/* One writing of a message. */
struct writer {
	char text[SIP_MAX_MESSAGE];
	u32 len;
	bool plain;
	const char *host;	/* as a URI has it */
	const char *bare;	/* as SDP has it */
	const char *type;	/* IP4 or IP6 */
	unsigned int port;
};

static struct writer before, plain, wanted;
static struct sip_msg msg, plain_msg;
static char moved[PLANNER_ROOM];

#define ONE_OF(state, array)	array[draw(state, sizeof(array) / sizeof(*(array)))]

static void put(struct writer *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	w->len += vsnprintf(w->text + w->len, sizeof(w->text) - w->len, format, args);
	va_end(args);
}

/* LWS = [*WSP CRLF] 1*WSP */
static void lws(struct writer *w)
{
	static const char * const ways[] = {
		" ", "  ", "\t", " \t", "\t ", "   \t \t ", "\r\n ", "\r\n\t", " \r\n ",
		"\t\r\n\t", "  \r\n  ", " \t\r\n \t ",
	};

	put(w, "%s", w->plain ? " " : ONE_OF(&spelling, ways));
}

/* SWS = [LWS], as often absent as not */
static void sws(struct writer *w)
{
	if (!w->plain && draw(&spelling, 2))
		lws(w);
}

static void mark(struct writer *w, const char *character)
{
	sws(w);
	put(w, "%s", character);
	sws(w);
}

/* What is compared without regard to case. */
static void word(struct writer *w, const char *p)
{
	for (; *p; p++) {
		bool letter = (*p | 0x20) >= 'a' && (*p | 0x20) <= 'z';

		put(w, "%c", *p ^ (!w->plain && letter && draw(&spelling, 2) ? 0x20 : 0));
	}
}

/* HCOLON = *( SP / HTAB ) ":" SWS */
static void name(struct writer *w, const char *full, const char *compact)
{
	static const char * const spaces[] = { "", "", " ", "\t", " \t  " };

	word(w, compact && !w->plain && draw(&spelling, 2) ? compact : full);
	put(w, "%s:", w->plain ? "" : ONE_OF(&spelling, spaces));
	if (w->plain)
		put(w, " ");
	else
		sws(w);
}

/* What a quoted string or a comment says is nobody's business. */
static const char * const quoted[] = {
	"", "a", "192.168.1.10:5060", "a, b;c=d <sip:x@192.168.1.10>", "\\\"", "\\\\",
	"\\\"192.168.1.10\\\\", "203.0.113.1", "<>;,:/?=@%%", "[2001:db8::10]",
};

static void quoted_string(struct writer *w)
{
	put(w, "\"%s", ONE_OF(&meaning, quoted));
	if (draw(&meaning, 4) == 0) {
		lws(w);
		put(w, "%s", ONE_OF(&meaning, quoted));
	}
	put(w, "\"");
}

static const char * const tokens[] = {
	"a", "x-y", "1", "192.168.1.10", "203.0.113.1", "a.b!%*_+`'~", "lr", "z",
};

/* *( SEMI generic-param ) */
static void params(struct writer *w)
{
	u32 n;

	for (n = draw(&meaning, 3); n; n--) {
		mark(w, ";");
		put(w, "p%s", ONE_OF(&meaning, tokens));
		switch (draw(&meaning, 4)) {
		case 0:
			break;
		case 1:
			mark(w, "=");
			quoted_string(w);
			break;
		case 2:
			mark(w, "=");
			put(w, "[2001:db8::10]");
			break;
		default:
			mark(w, "=");
			put(w, "%s", ONE_OF(&meaning, tokens));
		}
	}
}

static void param(struct writer *w, const char *key)
{
	mark(w, ";");
	word(w, key);
	mark(w, "=");
}

static void host_port(struct writer *w)
{
	put(w, "%s", w->host);
	if (draw(&meaning, 3))
		put(w, ":%u", w->port);
}

/* addr-spec; @open: between brackets, where it may hold everything */
static void uri(struct writer *w, bool open)
{
	static const char * const users[] = {
		"alice", "%61lice", "192.168.1.10", "a:b%40c", "+49(30)1*2'3~4_5!6.7-8",
		"x&y=z+1$2/3",
	};
	static const char * const open_users[] = {
		"a;b=192.168.1.10", "u,v", "w?x=y", "1;phone-context=%3Csip",
	};
	static const char * const uri_params[] = {
		";transport=udp", ";transport=TCP", ";lr;transport=tls", ";TRANSPORT=sctp;x", ";lr", ";user=phone", ";x=%3B%3d[]/:&+$", ";maddrx=192.168.1.10",
		";ttl=1;y",
	};
	static const char * const headers[] = {
		"?Subject=192.168.1.10", "?Replaces=1%40192.168.1.10%3Bto-tag%3D7&a=b",
		"?Route=%3Csip:192.168.1.10%3E",
	};

	word(w, draw(&meaning, 6) ? "sip" : "sips");
	put(w, ":");
	if (open && draw(&meaning, 3) == 0)
		put(w, "%s@", ONE_OF(&meaning, open_users));
	else if (draw(&meaning, 5))
		put(w, "%s@", ONE_OF(&meaning, users));
	host_port(w);
	if (!open)
		return;
	if (draw(&meaning, 2))
		put(w, "%s", ONE_OF(&meaning, uri_params));
	if (draw(&meaning, 4) == 0) {
		put(w, ";");
		word(w, "maddr");
		put(w, "=%s", w->host);
	}
	if (draw(&meaning, 4) == 0)
		put(w, "%s", ONE_OF(&meaning, headers));
}

/* name-addr = [ display-name ] LAQUOT addr-spec RAQUOT */
static void name_addr(struct writer *w)
{
	u32 n;

	switch (draw(&meaning, 3)) {
	case 0:
		quoted_string(w);
		break;
	case 1:
		for (n = 1 + draw(&meaning, 3); n; n--) {
			put(w, "%s", ONE_OF(&meaning, tokens));
			lws(w);
		}
		break;
	default:
		break;
	}
	sws(w);
	put(w, "<");
	uri(w, true);
	put(w, ">");
	sws(w);
}

static void address(struct writer *w, bool bare_allowed)
{
	if (bare_allowed && draw(&meaning, 3) == 0)
		uri(w, false);
	else
		name_addr(w);
}

/* via-parm = sent-protocol LWS sent-by *( SEMI via-params ) */
static void via_value(struct writer *w)
{
	static const char * const transports[] = { "UDP", "TCP", "TLS", "SCTP", "Pigeon-2" };

	word(w, "SIP");
	mark(w, "/");
	put(w, "2.0");
	mark(w, "/");
	word(w, ONE_OF(&meaning, transports));
	lws(w);
	put(w, "%s", w->host);
	if (draw(&meaning, 3)) {
		mark(w, ":");
		put(w, "%u", w->port);
	}
	params(w);
	param(w, "branch");
	put(w, "z9hG4bK-%s", ONE_OF(&meaning, tokens));
	if (draw(&meaning, 3) == 0) {
		param(w, "received");
		put(w, "%s", w->bare);
	}
	if (draw(&meaning, 2)) {
		mark(w, ";");
		word(w, "rport");
		if (draw(&meaning, 2)) {
			mark(w, "=");
			put(w, "7060");
		}
	}
	if (draw(&meaning, 4) == 0) {
		param(w, "maddr");
		put(w, "%s", w->host);
	}
	params(w);
}

static void contact_value(struct writer *w)
{
	address(w, true);
	params(w);
	if (draw(&meaning, 2)) {
		param(w, "expires");
		put(w, "%u", draw(&meaning, 4000));
	}
}

static void route_value(struct writer *w)
{
	name_addr(w);
	params(w);
}

/* Values in one line, with COMMA, or in lines of their own. */
static void list(struct writer *w, const char *full, const char *compact,
		 void (*value)(struct writer *w))
{
	u32 n = 1 + draw(&meaning, 3);

	name(w, full, compact);
	for (;;) {
		value(w);
		if (!--n)
			break;
		if (!w->plain && draw(&spelling, 2)) {
			put(w, "\r\n");
			name(w, full, compact);
		} else {
			mark(w, ",");
		}
	}
	put(w, "\r\n");
}

static void party(struct writer *w, const char *full, const char *compact, const char *tag)
{
	name(w, full, compact);
	address(w, true);
	params(w);
	param(w, "tag");
	put(w, "%s\r\n", tag);
}

static const struct {
	const char *full, *compact;
	void (*value)(struct writer *w);
} lists[] = {
	{ "Contact", "m", contact_value },
	{ "Route", NULL, route_value },
	{ "Record-Route", NULL, route_value },
	{ "Path", NULL, route_value },
	{ "Service-Route", NULL, route_value },
	{ "P-Asserted-Identity", NULL, route_value },
	{ "P-Preferred-Identity", NULL, route_value },
	{ "Diversion", NULL, route_value },
	{ "History-Info", NULL, route_value },
};

/* A header that may be there or not. */
static void other_header(struct writer *w)
{
	u32 kind = draw(&meaning, 16);

	if (kind < 9) {
		list(w, lists[kind].full, lists[kind].compact, lists[kind].value);
	} else if (kind == 9) {
		name(w, "Refer-To", "r");
		address(w, true);
		params(w);
		put(w, "\r\n");
	} else if (kind == 10) {
		name(w, "Referred-By", "b");
		address(w, true);
		params(w);
		put(w, "\r\n");
	} else if (kind == 11) {
		name(w, "Session-Expires", "x");
		put(w, "%u", 90 + draw(&meaning, 1800));
		params(w);
		param(w, "refresher");
		word(w, draw(&meaning, 2) ? "uac" : "uas");
		put(w, "\r\n");
	} else if (kind == 12) {
		name(w, "Expires", NULL);
		put(w, "%u\r\n", draw(&meaning, 4000));
	} else if (kind == 13) {
		name(w, "Subject", "s");
		put(w, "call 192.168.1.10, <sip:203.0.113.1>");
		lws(w);
		put(w, "\"or not\r\n");
	} else if (kind == 14) {
		name(w, "Warning", NULL);
		put(w, "399 192.168.1.10 ");
		quoted_string(w);
		put(w, "\r\n");
	} else {
		name(w, "Authorization", NULL);
		word(w, "Digest");
		lws(w);
		put(w, "uri=\"sip:192.168.1.10\"");
		mark(w, ",");
		put(w, "realm");
		mark(w, "=");
		quoted_string(w);
		put(w, "\r\n");
	}
}

static void call_id(struct writer *w)
{
	static const char * const ids[] = {
		"a@192.168.1.10", "x", "(<\"/[]?{}>)%:\\", "1@203.0.113.1",
	};

	name(w, "Call-ID", "i");
	put(w, "%s\r\n", ONE_OF(&meaning, ids));
}

static void description(struct writer *w, char *out, size_t size)
{
	bool own = draw(&meaning, 2);
	char connection[64], rtcp[96] = "";
	u32 port = 1024 + draw(&meaning, 60000);

	snprintf(connection, sizeof(connection), "c=IN %s %s\r\n", w->type, w->bare);
	switch (draw(&meaning, 4)) {	/* RFC 3605 */
	case 0:
		snprintf(rtcp, sizeof(rtcp), "a=rtcp:%u\r\n", port + 7);
		break;
	case 1:
		snprintf(rtcp, sizeof(rtcp), "a=rtcp:%u IN %s %s\r\n", port + 7, w->type,
			 w->bare);
		break;
	case 2:
		snprintf(rtcp, sizeof(rtcp), "a=rtcp:%u IN IP4 10.9.9.9\r\n", port + 7);
		break;
	}
	snprintf(out, size, "v=0\r\no=- 1 1 IN %s %s\r\ns=-\r\n%st=0 0\r\nm=audio %u RTP/AVP 0\r\n%s%s",
		 w->type, w->bare, own ? "" : connection, port, own ? connection : "", rtcp);
}

/* multipart/mixed of a part that nobody reads, and the description. */
static void multipart(struct writer *w, const char *boundary, const char *sdp)
{
	put(w, "--%s\r\n", boundary);
	name(w, "Content-Type", "c");
	put(w, "text/plain\r\n\r\nc=IN IP4 192.168.1.10\r\n--%s\r\n", boundary);
	name(w, "Content-Type", "c");
	word(w, "application");
	mark(w, "/");
	word(w, "sdp");
	params(w);
	put(w, "\r\n\r\n%s\r\n--%s--\r\n", sdp, boundary);
}

/* A boundary in quotes may hold escapes (quoted-pair). */
static void boundary_value(struct writer *w, const char *boundary)
{
	u32 way = w->plain ? 0 : draw(&spelling, 3);

	if (way == 0)
		put(w, "%s", boundary);
	else if (way == 1)
		put(w, "\"%s\"", boundary);
	else
		put(w, "\"%c\\%s\"", boundary[0], boundary + 1);
}

static void content_type(struct writer *w, bool mixed)
{
	name(w, "Content-Type", "c");
	word(w, mixed ? "multipart" : "application");
	mark(w, "/");
	word(w, mixed ? "mixed" : "sdp");
	params(w);
	if (mixed) {
		param(w, "boundary");
		boundary_value(w, "b0undary");
		params(w);
	}
	put(w, "\r\n");
}

/* The body is written first: its length stands before it. */
static void body(struct writer *w)
{
	static struct writer content;
	bool mixed = draw(&meaning, 3) == 0;
	char sdp[1024];

	content = (struct writer){ .plain = w->plain, .host = w->host, .port = w->port };
	description(w, sdp, sizeof(sdp));
	if (mixed)
		multipart(&content, "b0undary", sdp);
	else
		put(&content, "%s", sdp);
	content_type(w, mixed);
	name(w, "Content-Length", "l");
	put(w, "%u\r\n\r\n%s", content.len, content.text);
}

static void start_line(struct writer *w)
{
	if (draw(&meaning, 2)) {
		put(w, "SIP/2.0 %u Fine, \"<sip:192.168.1.10>\r\n", 100 + draw(&meaning, 600));
		return;
	}
	put(w, "INVITE ");
	uri(w, true);
	put(w, " SIP/2.0\r\n");
}

static void write_message(struct writer *w)
{
	u32 n, i, at[4];

	w->len = 0;
	start_line(w);
	for (i = 0; i < 4; i++)
		at[i] = draw(&meaning, 6);
	for (n = 0; n < 6; n++) {
		if (n == 0)
			list(w, "Via", "v", via_value);
		if (at[0] == n)
			party(w, "From", "f", "from");
		if (at[1] == n)
			party(w, "To", "t", "to");
		if (at[2] == n)
			call_id(w);
		if (at[3] == n) {
			name(w, "CSeq", NULL);
			put(w, "%u", draw(&meaning, 1u << 31));
			lws(w);
			put(w, "INVITE\r\n");
		}
		other_header(w);
	}
	if (draw(&meaning, 2)) {
		body(w);
		return;
	}
	name(w, "Content-Length", "l");
	put(w, "0\r\n\r\n");
}

/* The index without what a spelling may change. */
static char *facts(enum sip_result result, const struct sip_msg *of)
{
	char *text = index_text(result, of), *p = text, *to = text;

	while (*p) {
		if (!strncmp(p, "content-length ", 15) || !strncmp(p, "body ", 5) ||
		    !strncmp(p, "sdp ", 4)) {
			p = strchr(p, '\n') + 1;
			continue;
		}
		while (*p && *p != '\n') {
			if (!strncmp(p, " : ", 3)) {
				*to++ = ':';
				p += 3;
			} else {
				*to++ = *p++;
			}
		}
		if (*p)
			*to++ = *p++;
	}
	*to = '\0';
	return text;
}

static bool means_the_same(void)
{
	enum sip_result result = sip_parse(guard_behind(before.text, before.len), before.len,
					   &msg);
	char *got = facts(result, &msg), *expected;
	bool same;

	result = sip_parse(plain.text, plain.len, &plain_msg);
	expected = facts(result, &plain_msg);
	same = result == SIP_OK && !strcmp(got, expected);
	if (!same)
		tap_differ(got, expected);
	free(got);
	free(expected);
	return same;
}

static bool is_framed(void)
{
	u32 len;

	return sip_frame_datagram(before.text, before.len) == SIP_FRAME_MESSAGE &&
	       sip_frame_stream(before.text, before.len, SIP_MAX_MESSAGE, &len) ==
		       SIP_FRAME_MESSAGE && len == before.len &&
	       (!msg.sdp.len || !sip_frame_opaque(before.text, before.len));
}

static bool becomes(const struct sip_msg *of, const struct planner_move *move,
		    const struct writer *expected)
{
	u32 len = planner_translate(of, move, moved);

	if (len == expected->len && !memcmp(moved, expected->text, len))
		return true;
	tap_note("got:\n%.*s\nwanted:\n%.*s", (int)len, moved, (int)expected->len,
		 expected->text);
	return false;
}

static bool is_translated(const struct planner_move *move)
{
	msg.data = before.text;
	return becomes(&msg, move, &wanted);
}

static bool comes_back(const struct planner_move *move)
{
	static const u8 reverse[] = {
		[PLANNER_STAYS] = PLANNER_STAYS,
		[PLANNER_INWARD] = PLANNER_OUTWARD,
		[PLANNER_OUTWARD] = PLANNER_INWARD,
	};
	struct planner_move back = *move;

	back.from = move->to;
	back.to = move->from;
	back.cross = reverse[move->cross];
	if (move->cross != PLANNER_STAYS)
		back.family = move->family == AF_INET ? AF_INET6 : AF_INET;
	return sip_parse(wanted.text, wanted.len, &plain_msg) == SIP_OK &&
	       becomes(&plain_msg, &back, &before);
}

struct side {
	const char *host, *bare;
	int family;
};

enum { INSIDE, OUTSIDE, ENDS };

/* Whose address it is here and there; those that cross have the prefix 64:ff9b::/96. */
static const struct side sides[][ENDS] = {
	{ { "192.168.1.10", "192.168.1.10", AF_INET },
	  { "203.0.113.1", "203.0.113.1", AF_INET } },
	{ { "[2001:db8::10]", "2001:db8::10", AF_INET6 },
	  { "[2001:db8:ffff:1:2:3:4:5]", "2001:db8:ffff:1:2:3:4:5", AF_INET6 } },
	{ { "[64:ff9b::cb00:7132]", "64:ff9b::cb00:7132", AF_INET6 },
	  { "203.0.113.50", "203.0.113.50", AF_INET } },
};

static void write_as(struct writer *w, bool is_plain, const struct side *side, u64 seed)
{
	meaning = seed;
	spelling = seed * 31 + 7;
	w->plain = is_plain;
	w->host = side->host;
	w->bare = side->bare;
	w->port = 5060;
	w->type = side->family == AF_INET ? "IP4" : "IP6";
	write_message(w);
}

static void address_of(const char *bare, union nf_inet_addr *addr)
{
	struct sip_host host;
	struct sip_msg any = { .data = bare };

	memset(addr, 0, sizeof(*addr));
	if (sip_host_read_bare(&any, bare, bare + strlen(bare), &host))
		*addr = host.addr;
}

/*
 * The port that is absent stays absent in both: a move that shifts ports would
 * put one in, so hosts alone move here, and ports in the plan's own tests.
 */
static bool one(u64 seed, bool outbound)
{
	static const u8 kinds[] = { 0, 1, 2, 2 };
	const struct side *ends = sides[kinds[seed / 2 % 4]];
	const struct side *from = &ends[outbound ? INSIDE : OUTSIDE];
	const struct side *to = &ends[outbound ? OUTSIDE : INSIDE];
	struct planner_move move = { .family = from->family };

	address_of(from->bare, &move.from);
	address_of(to->bare, &move.to);
	address_of("64:ff9b::", &move.nat64.prefix);
	move.nat64.prefix_len = 96;
	if (from->family != to->family)
		move.cross = outbound ? PLANNER_OUTWARD : PLANNER_INWARD;
	write_as(&before, false, from, seed);
	write_as(&plain, true, from, seed);
	write_as(&wanted, false, to, seed);
	if (means_the_same() && is_framed() && is_translated(&move) && comes_back(&move))
		return true;
	tap_note("seed %llu, %s:\n%.*s", (unsigned long long)seed,
		 outbound ? "outbound" : "inbound", (int)before.len, before.text);
	return false;
}

static u64 number_of(const char *variable, u64 otherwise)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

void grammar_tests(void)
{
	u64 seed = number_of("GRAMMAR_SEED", SEED), count = number_of("GRAMMAR_MESSAGES", MESSAGES);
	int outbound;
	u64 i;

	for (outbound = 1; outbound >= 0; outbound--) {
		for (i = 0; i < count; i++)
			if (!one((seed + i) * 2 + 1, outbound))
				break;
		tap(i == count, "H1 %llu of %llu messages of all spellings, seed %llu, %s",
		    (unsigned long long)i, (unsigned long long)count, (unsigned long long)seed,
		    outbound ? "outbound" : "inbound");
	}
}
