// SPDX-License-Identifier: GPL-2.0-only
/* Framing of streams and datagrams (H-3, H-20, H-25). */
#include <kunit/test.h>
#include "sip/frame.h"

#define LONGEST	2000

struct frame_case {
	const char *title;
	const char *data;
	u32 len;
	enum sip_frame frame;
	u32 frame_len;
};

#define CASE(title, data, frame, frame_len) { title, data, sizeof(data) - 1, frame, frame_len }

static const struct frame_case frame_cases[] = {
	CASE("one message and more", "A a SIP/2.0\r\nl: 3\r\n\r\nabcA", SIP_FRAME_MESSAGE, 24),
	CASE("no Content-Length", "SIP/2.0 200 OK\r\n\r\nabc", SIP_FRAME_MESSAGE, 18),
	CASE("body still missing", "A a SIP/2.0\r\nl: 3\r\n\r\na", SIP_FRAME_MORE, 2),
	CASE("header still missing", "A a SIP/2.0\r\nl: 3\r\n", SIP_FRAME_MORE, 1),
	CASE("INV", "INV", SIP_FRAME_MORE, 1),
	CASE("two Content-Length", "A a SIP/2.0\nl:1\nl:2\n\nx", SIP_FRAME_FOREIGN, 0),
	CASE("too long", "A a SIP/2.0\nl:1981\n\n", SIP_FRAME_TOO_LONG, 2001),
	CASE("H-20 CRLFCRLF", "\r\n\r\nINVITE", SIP_FRAME_KEEPALIVE, 4),
	CASE("H-20 NULs", "\0\0\0\0", SIP_FRAME_KEEPALIVE, 4),
	CASE("H-20 STUN", "\0\1\0\0\x21\x12\xa4\x42@123456789ab", SIP_FRAME_KEEPALIVE, 20),
	CASE("S3-10 TLS", "\x16\x03\x01", SIP_FRAME_FOREIGN, 0),
	CASE("H-25 HTTP", "GET / HTTP/1.1\r\n", SIP_FRAME_FOREIGN, 0),
};

static void frame_desc(const struct frame_case *c, char *desc)
{
	strscpy(desc, c->title, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(frame, frame_cases, frame_desc);

static void stream_is_framed(struct kunit *test)
{
	const struct frame_case *c = test->param_value;
	u32 frame_len;

	KUNIT_EXPECT_EQ(test, sip_frame_stream(c->data, c->len, LONGEST, &frame_len), c->frame);
	KUNIT_EXPECT_EQ(test, frame_len, c->frame_len);
}

static enum sip_frame datagram(const char *text)
{
	return sip_frame_datagram(text, strlen(text));
}

static void datagram_is_framed(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, datagram("INVITE sip:a SIP/2.0\r\n"), SIP_FRAME_MESSAGE);
	KUNIT_EXPECT_EQ(test, datagram("SIP/2.0 200 OK\r\n"), SIP_FRAME_MESSAGE);
	KUNIT_EXPECT_EQ(test, datagram(""), SIP_FRAME_KEEPALIVE);
	KUNIT_EXPECT_EQ(test, datagram("\r\n\r\n"), SIP_FRAME_KEEPALIVE);
	KUNIT_EXPECT_EQ(test, datagram("GET / HTTP/1.1\r\n"), SIP_FRAME_FOREIGN);
}

static struct kunit_case sip_frame_cases[] = {
	KUNIT_CASE_PARAM(stream_is_framed, frame_gen_params),
	KUNIT_CASE(datagram_is_framed),
	{}
};

static struct kunit_suite sip_frame_suite = {
	.name = "sipalg_frames",
	.test_cases = sip_frame_cases,
};

kunit_test_suite(sip_frame_suite);
