// SPDX-License-Identifier: GPL-2.0-only
/* Framing of datagrams and streams (H-3, H-20, H-25). */
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include "guard.h"
#include "sip/frame.h"
#include "sip/msg.h"
#include "tap.h"
#include "tests.h"

#define MAX	2000

#define BYTES(text)	text, sizeof(text) - 1
#define MESSAGE	"INVITE sip:a SIP/2.0\r\nl: 3\r\n\r\nabc"
#define STUN	"\x00\x01\x00\x08\x21\x12\xa4\x42" "0123456789ab" "\x80\x22\x00\x04" "abcd"
#define WORD_64	"ABCDEFGHABCDEFGHABCDEFGHABCDEFGHABCDEFGHABCDEFGHABCDEFGHABCDEFGH"
#define STUN_RESPONSE	"\x01\x01\x00\x00\x21\x12\xa4\x42" "0123456789ab"

static const struct frame_case {
	const char *title;
	const char *data;
	u32 len;
	enum sip_frame frame;
	u32 frame_len;
} stream[] = {
	{ "one message", BYTES(MESSAGE), SIP_FRAME_MESSAGE, 33 },
	{ "two messages: the first", BYTES(MESSAGE MESSAGE), SIP_FRAME_MESSAGE, 33 },
	{ "junk behind a message is the next call's", BYTES(MESSAGE "\x16\x03"), SIP_FRAME_MESSAGE, 33 },
	{ "a response", BYTES("SIP/2.0 200 OK\r\nContent-Length : 0\r\n\r\n"), SIP_FRAME_MESSAGE, 38 },
	{ "no Content-Length: no body", BYTES("SIP/2.0 200 OK\r\n\r\nabc"), SIP_FRAME_MESSAGE, 18 },
	{ "bare LF", BYTES("SIP/2.0 200 OK\nl:1\n\nabc"), SIP_FRAME_MESSAGE, 21 },
	{ "Content-Length folded and padded", BYTES("A a SIP/2.0\r\nL:\r\n 00\r\n\r\nx"), SIP_FRAME_MESSAGE, 24 },
	{ "Content-Length twice the same", BYTES("A a SIP/2.0\nl:1\nl:01\n\nx"), SIP_FRAME_MESSAGE, 23 },
	{ "two Content-Length", BYTES("A a SIP/2.0\nl:1\nl:2\n\nx"), SIP_FRAME_FOREIGN, 0 },
	{ "Content-Length no number", BYTES("A a SIP/2.0\nl:x\n\nx"), SIP_FRAME_FOREIGN, 0 },
	{ "Content-Length negative", BYTES("A a SIP/2.0\nl:-1\n\nx"), SIP_FRAME_FOREIGN, 0 },
	{ "a body line like Content-Length", BYTES("A a SIP/2.0\nl:4\n\nl:x\n"), SIP_FRAME_MESSAGE, 21 },
	{ "one byte of the body is missing", BYTES("A a SIP/2.0\nl:2\n\nx"), SIP_FRAME_MORE, 1 },
	{ "all of the body is missing", BYTES("A a SIP/2.0\nl:900\n\n"), SIP_FRAME_MORE, 900 },
	{ "longest that is accepted", BYTES("A a SIP/2.0\nl:1980\n\n"), SIP_FRAME_MORE, 1980 },
	{ "one byte longer", BYTES("A a SIP/2.0\nl:1981\n\n"), SIP_FRAME_TOO_LONG, 2001 },
	{ "Content-Length 2^64", BYTES("A a SIP/2.0\nl:18446744073709551616\n\n"), SIP_FRAME_TOO_LONG,
	  U32_MAX },
	{ "nothing", BYTES(""), SIP_FRAME_MORE, 1 },
	{ "INV", BYTES("INV"), SIP_FRAME_MORE, 1 },
	{ "SIP", BYTES("SIP"), SIP_FRAME_MORE, 1 },
	{ "SIP/2", BYTES("SIP/2"), SIP_FRAME_MORE, 1 },
	{ "a start line without its end", BYTES("INVITE sip:a SIP/2.0\r"), SIP_FRAME_MORE, 1 },
	{ "H-3 the longest method, cut in it", BYTES(WORD_64 WORD_64), SIP_FRAME_MORE, 1 },
	{ "H-3 the longest method, whole", BYTES(WORD_64 WORD_64 " sip:a SIP/2.0\n\n"),
	  SIP_FRAME_MESSAGE, 144 },
	{ "H-3 a longer one, cut in it", BYTES(WORD_64 WORD_64 "I"), SIP_FRAME_FOREIGN, 0 },
	{ "H-3 a longer one, whole", BYTES(WORD_64 WORD_64 "I sip:a SIP/2.0\n\n"),
	  SIP_FRAME_FOREIGN, 0 },
	{ "H-20 CRLFCRLF", BYTES("\r\n\r\n"), SIP_FRAME_KEEPALIVE, 4 },
	{ "H-20 CRLF before a message", BYTES("\r\n" MESSAGE), SIP_FRAME_KEEPALIVE, 2 },
	{ "H-20 half a CRLF", BYTES("\r"), SIP_FRAME_KEEPALIVE, 1 },
	{ "H-20 NULs", BYTES("\0\0\0\0"), SIP_FRAME_KEEPALIVE, 4 },
	{ "H-20 one NUL", BYTES("\0"), SIP_FRAME_KEEPALIVE, 1 },
	{ "H-20 a NUL before a message", BYTES("\0" MESSAGE), SIP_FRAME_KEEPALIVE, 1 },
	{ "H-20 NULs before a message", BYTES("\0\0\0" MESSAGE), SIP_FRAME_KEEPALIVE, 2 },
	{ "H-20 STUN", BYTES(STUN), SIP_FRAME_KEEPALIVE, 28 },
	{ "H-20 STUN before a message", BYTES(STUN MESSAGE), SIP_FRAME_KEEPALIVE, 28 },
	{ "H-20 NULs before STUN", BYTES("\0\0" STUN), SIP_FRAME_KEEPALIVE, 2 },
	{ "H-20 STUN response", BYTES(STUN_RESPONSE), SIP_FRAME_KEEPALIVE, 20 },
	{ "H-20 STUN cut in its header", BYTES("\x00\x01\x00\x08\x21"), SIP_FRAME_MORE, 1 },
	{ "H-20 STUN cut in its body", BYTES("\x00\x01\x00\x08\x21\x12\xa4\x42" "01"), SIP_FRAME_MORE, 18 },
	{ "H-20 STUN behind its own first byte", (STUN) + 1, 27, SIP_FRAME_KEEPALIVE, 27 },
	{ "H-20 no STUN: other cookie", BYTES("\x01\x01\x00\x08\x21\x12\xa4\x43"), SIP_FRAME_FOREIGN, 0 },
	{ "H-20 no STUN: length no multiple of 4", BYTES("\x01\x01\x00\x07"), SIP_FRAME_FOREIGN, 0 },
	{ "S3-10 TLS", BYTES("\x16\x03\x01\x02\x00"), SIP_FRAME_FOREIGN, 0 },
	{ "H-25 HTTP", BYTES("POST /x HTTP/1.1\r\nHost: a\r\n\r\n"), SIP_FRAME_FOREIGN, 0 },
	{ "H-25 HTTP, as soon as its path shows", BYTES("POST /"), SIP_FRAME_FOREIGN, 0 },
	{ "H-25 HTTP to a proxy", BYTES("GET http://a/ HTTP/1.1\r\n"), SIP_FRAME_FOREIGN, 0 },
	{ "H-25 HTTP response", BYTES("HTTP/1.1 200"), SIP_FRAME_FOREIGN, 0 },
	{ "H-25 a message behind a line of HTTP", BYTES("GET x HTTP/1.1\r\n" MESSAGE), SIP_FRAME_FOREIGN, 0 },
	{ "another version", BYTES("SIP/3.0 200 OK\r\n\r\n"), SIP_FRAME_FOREIGN, 0 },
	{ "a start with white space", BYTES(" INVITE sip:a SIP/2.0\r\n"), SIP_FRAME_FOREIGN, 0 },
	{ "binary in a start line", BYTES("A \x01"), SIP_FRAME_FOREIGN, 0 },
	{ "binary", BYTES("\xff\xfe"), SIP_FRAME_FOREIGN, 0 },
	{ "SSH", BYTES("SSH-2.0-OpenSSH\r\n"), SIP_FRAME_FOREIGN, 0 },
};

static const struct frame_case datagram[] = {
	{ "a request", BYTES(MESSAGE), SIP_FRAME_MESSAGE, 0 },
	{ "a response", BYTES("SIP/2.0 200 OK\r\n\r\n"), SIP_FRAME_MESSAGE, 0 },
	{ "line ends before a message", BYTES("\r\n\r\n" MESSAGE), SIP_FRAME_MESSAGE, 0 },
	{ "a start line alone", BYTES("INVITE sip:a SIP/2.0"), SIP_FRAME_MESSAGE, 0 },
	{ "H-20 nothing", BYTES(""), SIP_FRAME_KEEPALIVE, 0 },
	{ "H-20 CRLF", BYTES("\r\n"), SIP_FRAME_KEEPALIVE, 0 },
	{ "H-20 NULs", BYTES("\0\0\0\0"), SIP_FRAME_KEEPALIVE, 0 },
	{ "H-20 one NUL", BYTES("\0"), SIP_FRAME_KEEPALIVE, 0 },
	{ "H-20 STUN", BYTES(STUN), SIP_FRAME_KEEPALIVE, 0 },
	{ "STUN with bytes behind it", BYTES(STUN "x"), SIP_FRAME_FOREIGN, 0 },
	{ "half a STUN", BYTES("\x00\x01\x00\x08\x21\x12\xa4\x42"), SIP_FRAME_FOREIGN, 0 },
	{ "TLS", BYTES("\x16\x03\x01\x02\x00"), SIP_FRAME_FOREIGN, 0 },
	{ "HTTP", BYTES("GET / HTTP/1.1\r\n\r\n"), SIP_FRAME_FOREIGN, 0 },
	{ "jaK", BYTES("jaK"), SIP_FRAME_FOREIGN, 0 },
	{ "NULs and text", BYTES("\0\0INVITE sip:a SIP/2.0\r\n"), SIP_FRAME_FOREIGN, 0 },
	{ "the version in the middle of a line", BYTES("A b SIP/2.0 c\r\n"), SIP_FRAME_FOREIGN, 0 },
};

static bool stream_is_framed(const struct frame_case *c)
{
	enum sip_frame frame;
	u32 frame_len;

	frame = sip_frame_stream(guard_behind(c->data, c->len), c->len, MAX, &frame_len);
	if (frame == c->frame && frame_len == c->frame_len)
		return true;
	tap_note("frame %d of %u bytes", frame, frame_len);
	return false;
}

/*
 * A stream of everything that may come, cut at every byte and read on from
 * each frame: the same messages at the same places.
 */
#define STREAM	"\r\n\r\n" MESSAGE STUN MESSAGE "\0\0\0\0" STUN_RESPONSE "\r\n" \
	"SIP/2.0 200 OK\r\n\r\n" "\0" STUN MESSAGE "\r\n"

/* Reads the stream of which @len bytes have come from *@at on. */
static u32 read_on(const char *data, u32 len, u32 *at, u32 *places)
{
	u32 found = 0, frame_len;

	for (;;) {
		enum sip_frame frame = sip_frame_stream(guard_behind(data + *at, len - *at),
							len - *at, MAX, &frame_len);

		if (frame == SIP_FRAME_MORE)
			return found;
		if (frame != SIP_FRAME_MESSAGE && frame != SIP_FRAME_KEEPALIVE)
			return ~0u;
		if (frame == SIP_FRAME_MESSAGE)
			places[found++] = *at;
		*at += frame_len;
	}
}

static bool cut_makes_no_difference(u32 cut)
{
	static const u32 expected[4] = { 4, 65, 124, 171 };
	u32 places[64], found, more, at = 0;

	found = read_on(STREAM, cut, &at, places);
	if (found == ~0u || at > cut)
		return false;
	more = read_on(STREAM, sizeof(STREAM) - 1, &at, places + found);
	return more != ~0u && found + more == 4 && at == sizeof(STREAM) - 1 &&
	       !memcmp(places, expected, sizeof(expected));
}

static bool cuts_make_no_difference(void)
{
	u32 cut;

	for (cut = 0; cut < sizeof(STREAM); cut++) {
		if (!cut_makes_no_difference(cut)) {
			tap_note("cut at %u", cut);
			return false;
		}
	}
	return true;
}

/* What has been looked at already, one byte less each time, changes nothing. */
static bool resumed_is_the_same(const char *data, u32 len)
{
	struct sip_frame_scan scan = { 0 };
	enum sip_frame frame, fresh;
	u32 frame_len, fresh_len, n;

	for (n = 1; n <= len; n++) {
		const char *guarded = guard_behind(data, n);

		fresh = sip_frame_stream(guarded, n, MAX, &fresh_len);
		sip_frame_headers(guarded, n, &scan);
		frame = sip_frame_resume(guarded, n, MAX, &scan, &frame_len);
		if (frame == fresh && frame_len == fresh_len)
			continue;
		tap_note("%u bytes: frame %d of %u bytes, afresh %d of %u", n, frame, frame_len,
			 fresh, fresh_len);
		return false;
	}
	return true;
}

static const struct {
	const char *title, *data;
} pieces[] = {
	{ "Content-Length", "A a SIP/2.0\r\nContent-Length: 9\r\n\r\n123456789" },
	{ "compact", "A a SIP/2.0\nL : 9\n\n123456789" },
	{ "in a fold", "A a SIP/2.0\r\nContent-Length:\r\n 9\r\nx: y\r\n\r\n123456789" },
	{ "in a fold behind a blank one", "A a SIP/2.0\r\nl:\r\n \r\n\t9\r\n\r\n123456789" },
	{ "that is none", "A a SIP/2.0\r\nContent-Length: 9x\r\n\r\n" },
	{ "two that differ", "A a SIP/2.0\r\nl: 9\r\nContent-Length: 8\r\n\r\n" },
	{ "two alike", "A a SIP/2.0\r\nl: 9\r\nb: c\r\nl: 9\r\n\r\n123456789" },
	{ "in the fold of another", "A a SIP/2.0\r\nb:\r\n l: 9\r\nCSeq: 1 A\r\n\r\n" },
	{ "names that begin so", "A a SIP/2.0\r\nContent-Lengthy: 5\r\nContent-Typ: 5\r\nlx: 5\r\n\r\n" },
	{ "a fold behind the start line", "A a SIP/2.0\r\n l: 9\r\n\r\n" },
};

#define HEAD	"A a SIP/2.0\r\nl: 9\r\n"

static const struct opaque_case {
	const char *title;
	const char *data;
	bool opaque;
} opaque[] = {
	{ "no Content-Type", HEAD "\r\n", true },
	{ "text", HEAD "Content-Type: text/plain\r\n\r\n", true },
	{ "another application", HEAD "Content-Type: application/pidf+xml\r\n\r\n", true },
	{ "a type that only begins so", HEAD "Content-Type: application/sdpx\r\n\r\n", true },
	{ "sdp of another kind", HEAD "Content-Type: text/sdp\r\n\r\n", true },
	{ "no subtype", HEAD "Content-Type: application\r\n\r\n", true },
	{ "nothing at all", HEAD "Content-Type:\r\n\r\n", true },
	{ "a description", HEAD "Content-Type: application/sdp\r\n\r\n", false },
	{ "a description, compact", HEAD "c:Application/SDP;charset=x\r\n\r\n", false },
	{ "a description, with spaces and a fold", HEAD "c: application /\r\n sdp\r\n\r\n", false },
	{ "parts", HEAD "Content-Type: multipart/mixed;boundary=x\r\n\r\n", false },
	{ "a description behind text", HEAD "c: text/plain\r\nc: application/sdp\r\n\r\n", false },
	{ "the headers do not end", HEAD "Content-Type: text/plain\r\n", false },
	{ "the start line does not end", "A a SIP/2.0", false },
};

static enum sip_frame endless(const char *start, const char *text)
{
	static char data[MAX + 1];
	size_t len = strlen(start), step = strlen(text);
	u32 frame_len;

	memcpy(data, start, len);
	for (; len < sizeof(data); len++)
		data[len] = text[(len - strlen(start)) % step];
	return sip_frame_stream(guard_behind(data, sizeof(data)), sizeof(data), MAX, &frame_len);
}

void frame_tests(void)
{
	size_t i;

	for (i = 0; i < sizeof(stream) / sizeof(*stream); i++)
		tap(stream_is_framed(&stream[i]), "stream: %s", stream[i].title);
	for (i = 0; i < sizeof(datagram) / sizeof(*datagram); i++)
		tap(sip_frame_datagram(guard_behind(datagram[i].data, datagram[i].len),
				       datagram[i].len) == datagram[i].frame,
		    "datagram: %s", datagram[i].title);
	for (i = 0; i < sizeof(opaque) / sizeof(*opaque); i++)
		tap(sip_frame_opaque(guard_behind(opaque[i].data, strlen(opaque[i].data)),
				     strlen(opaque[i].data)) == opaque[i].opaque,
		    "opaque: %s", opaque[i].title);
	for (i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
		tap(resumed_is_the_same(pieces[i].data, strlen(pieces[i].data)),
		    "H-3 byte by byte, looked at once: %s", pieces[i].title);
	for (i = 0; i < sizeof(stream) / sizeof(*stream); i++)
		tap(resumed_is_the_same(stream[i].data, stream[i].len),
		    "H-3 byte by byte, looked at once: %s", stream[i].title);
	tap(cuts_make_no_difference(), "H-3 a stream of messages and keepalives, cut at every byte");
	tap(endless("", "A") == SIP_FRAME_FOREIGN, "an endless method does not wait for ever");
	tap(endless("", "\r\n") == SIP_FRAME_KEEPALIVE, "endless line ends are keepalives");
	tap(endless("A a SIP/2.0\n", "b: c\n") == SIP_FRAME_TOO_LONG,
	    "an endless header does not wait for ever");
}
