// SPDX-License-Identifier: GPL-2.0-only
/*
 * parse(translate(m)) == translate(parse(m)), for every message of the corpus
 * and for thousands that are put together from what the RFCs allow.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/socket.h>
#include "corpus.h"
#include "guard.h"
#include "index.h"
#include "planner.h"
#include "tap.h"
#include "tests.h"

#define SEED		20261121
#define GENERATED	20000

static struct sip_msg before, after;
static char moved[PLANNER_ROOM];
static unsigned int translated, refused, crossed;
static u64 state = SEED;

/* xorshift64*: the same messages on every machine. */
static u32 any(u32 below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (u32)((state * 0x2545f4914f6cdd1dULL) >> 32) % below;
}

static void any_move(struct planner_move *move, const struct sip_host *host)
{
	unsigned int i;

	memset(move, 0, sizeof(*move));
	move->family = host->form == SIP_HOST_IP4 ? AF_INET : AF_INET6;
	move->from = host->addr;
	for (i = 0; i < (move->family == AF_INET ? 1 : 4); i++)
		move->to.all[i] = any(4) ? any(~0u) : any(256);
	move->shift = any(2) ? any(65536) : 0;
	move->media = any(2) ? any(65536) : 0;
}

/* A prefix of each length that RFC 6052 knows. */
static void any_prefix(struct sipalg_nat64 *nat64)
{
	static const u8 lengths[] = { 32, 40, 48, 56, 64, 96 };
	u8 *bytes = (u8 *)&nat64->prefix;
	unsigned int i;

	memset(nat64, 0, sizeof(*nat64));
	nat64->prefix_len = lengths[any(6)];
	for (i = 0; i < nat64->prefix_len / 8u; i++)
		bytes[i] = i == 8 ? 0 : any(256);
	bytes[0] = 0x20 | (bytes[0] & 0x1f);
}

/* One translation of one message that has been parsed. */
static bool holds(const struct planner_move *move)
{
	const char *flaw = "what has been translated cannot be parsed";
	u32 len = planner_translate(&before, move, moved);

	if (!len || len > SIP_MAX_MESSAGE) {
		refused++;
		return true;
	}
	translated++;
	if (sip_parse(guard_behind(moved, len), len, &after) == SIP_OK)
		flaw = planner_flaw(&before, move, &after) ?: index_flaw(&after);
	if (!flaw)
		return true;
	tap_note("%s:\n%.*s", flaw, (int)len, moved);
	return false;
}

/* What has no leading zeros, and is right, can come out again as it went in. */
static bool is_plain(const struct sip_msg *msg)
{
	char digits[12];
	int len = snprintf(digits, sizeof(digits), "%u", msg->content_length_value);

	return !msg->has_content_length ||
	       (len == msg->content_length.len && msg->content_length_value <= SIP_MAX_MESSAGE &&
		!memcmp(digits, sip_span_ptr(msg, msg->content_length), len));
}

/* Inward and outward again: the identity, to the byte. */
static bool comes_back(const struct planner_move *move)
{
	static char back[PLANNER_ROOM];
	struct planner_move outward = { .nat64 = move->nat64, .family = AF_INET6, .from = move->to };
	u32 len;

	planner_cross(&outward, PLANNER_OUTWARD);
	if (outward.cross != PLANNER_OUTWARD) {
		tap_note("what has been put into a prefix cannot be taken out");
		return false;
	}
	len = planner_translate(&after, &outward, back);
	if (len == before.len && !memcmp(back, before.data, len))
		return true;
	tap_note("out and back is not the identity:\n%.*s", (int)len, back);
	return false;
}

/* One address of a message crosses to IPv6, and back. */
static bool crosses(const struct sip_host *host)
{
	struct planner_move move = { .family = AF_INET, .from = host->addr };
	unsigned int refused_before = refused;

	any_prefix(&move.nat64);
	planner_cross(&move, PLANNER_INWARD);
	if (!holds(&move) || refused != refused_before)
		return refused != refused_before;
	crossed++;
	return !is_plain(&before) || comes_back(&move);
}

static bool all_moves_hold(unsigned int times)
{
	struct planner_move move;
	unsigned int i, n;

	for (i = 0; i < before.host_count; i++) {
		if (before.hosts[i].form != SIP_HOST_IP4 && before.hosts[i].form != SIP_HOST_IP6)
			continue;
		if (before.hosts[i].form == SIP_HOST_IP4 && !crosses(&before.hosts[i]))
			return false;
		for (n = 0; n < times; n++) {
			any_move(&move, &before.hosts[i]);
			if (!holds(&move))
				return false;
		}
	}
	return true;
}

static void corpus_message(const struct corpus_message *message)
{
	if (sip_parse(message->data, message->len, &before) == SIP_OK)
		tap(all_moves_hold(20), "translated: %s", message->title);
}

/* What a generated message is put together from. */

static const char * const hosts[] = {
	"192.168.1.10", "192.168.1.10:5060", "192.168.1.10:65535", "10.0.0.1:5062", "10.0.0.10",
	"[2001:db8::10]", "[2001:db8::10]:5060", "example.net", "sip.example.net:5080",
};

static const char * const headers[] = {
	"Via: SIP/2.0/UDP %s;branch=z9hG4bK1;rport\r\n",
	"v: SIP / 2.0 / TCP %s ;branch=z9hG4bK2;received=192.168.1.10\r\n",
	"Contact: <sip:alice@%s;transport=udp>;expires=60\r\n",
	"m:\"a <b> c\" <sip:%s> , <sips:bob@%s>\r\n",
	"CONTACT : sip:alice@%s\r\n",
	"Route: <sip:%s;lr>,\r\n <sip:%s;lr>\r\n",
	"Record-Route: <sip:p@%s;lr;maddr=192.168.1.10>\r\n",
	"Refer-To: <sip:carol@%s?Replaces=1%%40192.168.1.10>\r\n",
	"r: <sip:carol@%s>\r\n",
	"P-Asserted-Identity: \"x\" <sip:alice@%s>, <tel:+4930>\r\n",
	"Diversion: <sip:d@%s>;reason=busy\r\n",
	"History-Info: <sip:h@%s>;index=1\r\n",
	"Path: <sip:%s;lr>\r\n",
	"Subject: call me at 192.168.1.10\r\n",
	"Authorization: Digest uri=\"sip:192.168.1.10\", response=\"0\"\r\n",
	"User-Agent: phone\r\n at 192.168.1.10\r\n",
};

static const char * const sections[] = {
	"m=audio 4000 RTP/AVP 0\r\n", "m=video 4002/2 RTP/SAVPF 96\r\nc=IN IP4 192.168.1.10\r\n",
	"m=image 0 udptl t38\r\n", "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=rtcp-mux\r\n",
	"m=audio 65535 RTP/AVP 0\r\na=rtcp:53020 IN IP4 192.168.1.10\r\n",
	"m=audio 1 RTP/AVP 0\r\na=candidate:1 1 UDP 1 192.168.1.10 4000 typ host\r\n",
	"m=text 4004 TCP/MSRP *\r\na=setup:active\r\nc=IN IP6 2001:db8::10\r\n",
};

#define ONE_OF(array)	array[any(sizeof(array) / sizeof(*(array)))]

static char text[SIP_MAX_MESSAGE], body[8192];

static char *append(char *p, const char *format)
{
	const char *first = ONE_OF(hosts), *second = ONE_OF(hosts);

	return p + sprintf(p, format, first, second);
}

static char *make_body(void)
{
	char *p = body;
	unsigned int n;

	p += sprintf(p, "v=0\r\no=- 1 1 IN IP4 192.168.1.10\r\ns=-\r\n%st=0 0\r\n",
		     any(2) ? "c=IN IP4 192.168.1.10\r\n" : "");
	for (n = any(5); n; n--)
		p = append(p, ONE_OF(sections));
	return body;
}

/* Returns its length. */
static u32 make_message(void)
{
	bool with_body = any(2);
	char *p = text;
	unsigned int n;

	if (any(2))
		p = append(p, "INVITE sip:bob@%s SIP/2.0\r\n");
	else
		p += sprintf(p, "SIP/2.0 %u Fine\r\n", 100 + any(600));
	p = append(p, "Via: SIP/2.0/UDP %s;rport;branch=z9hG4bK0\r\n");
	p = append(p, "f: <sip:alice@%s>;tag=192.168.1.10\r\n");
	p = append(p, "To: \"B\" <sip:bob@%s>;tag=t\r\n");
	p += sprintf(p, "i: 1@192.168.1.10\r\nCSeq: %u INVITE\r\n", any(1u << 31));
	for (n = any(12); n; n--)
		p = append(p, ONE_OF(headers));
	if (with_body)
		p += sprintf(p, "c:application/sdp\r\n");
	make_body();
	if (any(3))
		p += sprintf(p, "%s%zu\r\n", any(2) ? "l:" : "Content-Length:  00",
			     with_body ? strlen(body) : 0);
	return p + sprintf(p, "\r\n%s", with_body ? body : "") - text;
}

static void generated(void)
{
	unsigned int i, parsed = 0;

	translated = 0;
	refused = 0;
	for (i = 0; i < GENERATED; i++) {
		u32 len = make_message();

		if (sip_parse(guard_behind(text, len), len, &before) != SIP_OK)
			continue;
		before.data = text;
		parsed++;
		if (!all_moves_hold(2)) {
			tap(false, "message %u of seed %u", i, SEED);
			return;
		}
	}
	tap(parsed > GENERATED * 9 / 10 && refused < translated / 100 && crossed > GENERATED,
	    "%u messages of seed %u: %u parsed, %u translations, %u to IPv6 and back, %u refused",
	    GENERATED, SEED, parsed, translated, crossed, refused);
}

void plan_tests(const char *dir)
{
	corpus_each(dir, corpus_message);
	generated();
}
