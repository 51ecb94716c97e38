// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work is linear in the length of a message, whatever its bytes are.
 *
 * Time is no measure on a machine that does other things too. So the parser is
 * built here with a call of __sanitizer_cov_trace_pc() in each basic block, and
 * what is counted are those calls: the same number in every run.
 */
#include <stdio.h>
#include <string.h>
#include "sip/frame.h"
#include "sip/msg.h"
#include "tap.h"
#include "tests.h"

#define LONGEST	65535u

static unsigned long steps;

void __sanitizer_cov_trace_pc(void);

void __sanitizer_cov_trace_pc(void)
{
	steps++;
}

static struct sip_msg msg;
static char text[LONGEST];

#define START	"INVITE sip:bob@203.0.113.5:5060 SIP/2.0\r\n"
#define HEADERS	"Via: SIP/2.0/UDP 192.168.1.10:5060;rport;branch=z9hG4bKPjd7d0a2a4f3c5\r\n" \
	"From: \"Alice\" <sip:alice@203.0.113.5>;tag=8f3a2b1c9d4e5f60\r\n" \
	"To: <sip:bob@203.0.113.5>\r\nCall-ID: 6f0c1d2e3a4b5c6d7e8f90a1b2c3d4e5\r\n" \
	"CSeq: 4711 INVITE\r\n"
#define PLAIN	START HEADERS "Max-Forwards: 70\r\n" \
	"Contact: <sip:alice@192.168.1.10:5060;ob>\r\n" \
	"Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER\r\n" \
	"Supported: replaces, 100rel, timer\r\nUser-Agent: Example Phone 1.2.3\r\n" \
	"Content-Type: application/sdp\r\nContent-Length: 187\r\n\r\n" \
	"v=0\r\no=- 3747 3747 IN IP4 192.168.1.10\r\ns=-\r\nc=IN IP4 192.168.1.10\r\nt=0 0\r\n" \
	"m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n" \
	"a=rtpmap:101 telephone-event/8000\r\n"

/* @start, then @unit again and again until @len is full, but for @end. */
static void fill(size_t len, const char *start, const char *unit, const char *end)
{
	size_t at = strlen(start), step = strlen(unit), rest = strlen(end);

	memcpy(text, start, at);
	for (; at + step + rest <= len; at += step)
		memcpy(text + at, unit, step);
	memset(text + at, 'x', len - at - rest);
	memcpy(text + len - rest, end, rest);
}

static unsigned long parse_steps(size_t len)
{
	steps = 0;
	sip_parse(text, len, &msg);
	return steps;
}

static unsigned long frame_steps(size_t len)
{
	u32 frame_len;

	steps = 0;
	sip_frame_stream(text, len, LONGEST, &frame_len);
	sip_frame_datagram(text, len);
	return steps;
}

/* In as many pieces as there are bytes, as a stream may bring them. */
static unsigned long pieces_steps(size_t len)
{
	struct sip_frame_scan scan = { 0 };
	size_t n;

	steps = 0;
	for (n = 1; n <= len; n++)
		sip_frame_headers(text, n, &scan);
	return steps;
}

/* Issue 3: 65 kB of one header cost no more per byte than a plain message. */
static const struct {
	const char *title, *unit;
} repeated[] = {
	{ "Via", "Via: SIP/2.0/UDP 192.168.1.10:5060;rport;branch=z9hG4bKPjd7d0a2a4f3c5\r\n" },
	{ "Route", "Route: <sip:alice@proxy.example.net:5060;lr>\r\n" },
	{ "Contact", "Contact: \"Alice\" <sip:alice@203.0.113.5:5060;transport=udp>;expires=60\r\n" },
	{ "tel: Contact", "Contact: \"Alice\" <tel:+15551234>;expires=60\r\n" },
	{ "Call-ID", "Call-ID: 6f0c1d2e3a4b5c6d7e8f90a1b2c3d4e5\r\n" },
	{ "CSeq", "CSeq: 4711 INVITE\r\n" },
	{ "Session-Expires", "Session-Expires: 1800;refresher=uac\r\n" },
	{ "Authorization", "Authorization: Digest realm=\"10.0.0.1\",uri=\"sip:10.0.0.1\"\r\n" },
	{ "Supported", "Supported: replaces, 100rel, timer\r\n" },
	{ "folded Subject", "Subject: a very long\r\n subject\r\n" },
};

/* Bytes made to be read again and again by a parser that goes back. */
static const struct {
	const char *title, *start, *unit, *end;
} hostile[] = {
	{ "line ends", "", "\r\n", "" },
	{ "an endless start line", "INVITE ", "sip:", " SIP/2.0\r\n" },
	{ "empty headers", START, "a:\n", "\r\n" },
	{ "lines without colon", START, "a\n", "\r\n" },
	{ "colons", START, ":", "\r\n" },
	{ "an endless fold", START "Subject:", "\n ", "\r\n\r\n" },
	{ "an endless fold of Via", START "Via:", "\r\n\t", "\r\n\r\n" },
	{ "quotes", START "Contact: ", "\"", "\r\n\r\n" },
	{ "escaped quotes", START "Contact: \"", "\\\"", "\r\n\r\n" },
	{ "angle brackets", START "Contact: ", "<", "\r\n\r\n" },
	{ "open values", START "Contact: <a>", ",<sip:a", "\r\n\r\n" },
	{ "values", START "Contact: <a>", ",<a>", "\r\n\r\n" },
	{ "lines of open quotes", START, "Route: \"\r\n", "\r\n" },
	{ "lines of open brackets", START, "Route: <\r\n", "\r\n" },
	{ "commas", START "Contact: a", ",", "\r\n\r\n" },
	{ "commas in From", START "From: a", ",", "\r\n\r\n" },
	{ "parameters", START "From: <sip:a>", ";a", "\r\n\r\n" },
	{ "parameters with open quotes", START "Contact: <sip:a>", ";a=b\"", "\r\n\r\n" },
	{ "URI parameters", START "Contact: <sip:a", ";a", ">\r\n\r\n" },
	{ "maddr parameters", START "Contact: <sip:a", ";maddr=", ">\r\n\r\n" },
	{ "at signs", START "Contact: <sip:a", "@", ">\r\n\r\n" },
	{ "question marks", START "Contact: <sip:a", ";?", ">\r\n\r\n" },
	{ "brackets", START "Contact: <sip:", "[", ">\r\n\r\n" },
	{ "hosts of dots", START "Contact: <sip:", "1.", ">\r\n\r\n" },
	{ "digits", START "Contact: <sip:a:", "0", ">\r\n\r\n" },
	{ "Content-Length of zeros", START HEADERS "l: ", "0", "\r\n\r\n" },
	{ "white space", START "Via: SIP/2.0/UDP", " ", "\r\n\r\n" },
	{ "From again and again", START, "From: <sip:alice@203.0.113.5>;tag=1\r\n", "\r\n" },
	{ "SDP lines of nothing", START HEADERS "c:application/sdp\r\n\r\n", "\n", "" },
	{ "SDP attributes", START HEADERS "c:application/sdp\r\n\r\n", "a=r\n", "" },
	{ "SDP o= of spaces", START HEADERS "c:application/sdp\r\n\r\no=", " ", "\r\n" },
	{ "SDP o= of words", START HEADERS "c:application/sdp\r\n\r\no=", "a ", "\r\n" },
	{ "SDP candidates", START HEADERS "c:application/sdp\r\n\r\n", "a=candidate:1 1 1 1\n", "" },
	{ "delimiters", START HEADERS "c:multipart/x;boundary=b\r\n\r\n", "--b\n\n", "" },
	{ "near delimiters", START HEADERS "c:multipart/x;boundary=---------------\r\n\r\n",
	  "----------------\n", "" },
	{ "nested multiparts", START HEADERS "c:multipart/x;boundary=b\r\n\r\n",
	  "--b\nc:multipart/x;boundary=b\n\n", "" },
	{ "parts without end of header", START HEADERS "c:multipart/x;boundary=b\r\n\r\n", "--b\n", "" },
	{ "a body that is not read", START HEADERS "c:x/y\r\n\r\n", "v=0\r\n", "" },
};

static bool grows_in_proportion(unsigned long (*measure)(size_t), size_t i)
{
	unsigned long quarter, whole;

	fill(LONGEST / 4, hostile[i].start, hostile[i].unit, hostile[i].end);
	quarter = measure(LONGEST / 4);
	fill(LONGEST, hostile[i].start, hostile[i].unit, hostile[i].end);
	whole = measure(LONGEST);
	if (whole < quarter * 5)
		return true;
	tap_note("%lu steps for %u bytes, %lu for %u", quarter, LONGEST / 4, whole, LONGEST);
	return false;
}

void linear_tests(void)
{
	size_t plain_len = strlen(PLAIN), i;
	double plain, much;

	memcpy(text, PLAIN, plain_len);
	plain = (double)parse_steps(plain_len) / plain_len;
	tap(plain > 0 && msg.media_count == 1, "steps are counted: %.2f a byte of a plain INVITE", plain);

	for (i = 0; i < sizeof(repeated) / sizeof(*repeated); i++) {
		fill(LONGEST, START HEADERS, repeated[i].unit, "\r\n");
		much = (double)parse_steps(LONGEST) / LONGEST;
		tap(much <= plain * 1.5, "65 kB of %s: %.2f steps a byte", repeated[i].title, much);
	}
	for (i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		tap(grows_in_proportion(parse_steps, i), "parsing is linear: %s", hostile[i].title);
		tap(grows_in_proportion(frame_steps, i), "framing is linear: %s", hostile[i].title);
		tap(grows_in_proportion(pieces_steps, i), "framing byte by byte is linear: %s",
		    hostile[i].title);
	}
}
