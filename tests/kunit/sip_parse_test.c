// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whole messages. The forms a message may take are tested in user space
 * (tests/user); here it is shown that the kernel's build reads the same.
 */
#include <kunit/test.h>
#include "sip/msg.h"

static const char invite[] =
	"INVITE sip:bob@example.net SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 192.168.1.10:5060;rport;branch=z9hG4bK1\r\n"
	"v: SIP / 2.0 / TCP proxy.example : 5070 ;received=[2001:db8::1]\r\n"
	"From: \"Alice, <sip:x@y>\" <sip:alice@192.168.1.10>;tag=19\r\n"
	"To : <sip:bob@example.net>\r\n"
	"Call-ID: a84@192.168.1.10\r\n"
	"CSeq:\r\n 314159\r\n INVITE\r\n"
	"Contact: 733@192.168.1.10;expires=60,\r\n\t<tel:+1>\r\n"
	"Route: <sip:192.168.1.1;lr;maddr=192.168.1.2>\r\n"
	"x: 1800;refresher=uas\r\n"
	"Content-Type: multipart/mixed;boundary=b\r\n"
	"Content-Length: 0102\r\n"
	"\r\n"
	"--b\r\n\r\nx\r\n"
	"--b\r\nContent-Type: application/sdp\r\n\r\n"
	"c=IN IP4 192.168.1.10\r\nm=audio 4000 RTP/AVP 0\r\n--b--\r\ntrailing";

struct place {
	enum sip_field field;
	u8 value;
	const char *text;
	const char *digits;
};

static const struct place places[] = {
	{ SIP_FIELD_REQUEST_URI, 0, "example.net", "" },
	{ SIP_FIELD_VIA, 0, "192.168.1.10", "5060" },
	{ SIP_FIELD_VIA, 1, "proxy.example", "5070" },
	{ SIP_FIELD_VIA_RECEIVED, 1, "[2001:db8::1]", "" },
	{ SIP_FIELD_FROM, 0, "192.168.1.10", "" },
	{ SIP_FIELD_TO, 0, "example.net", "" },
	{ SIP_FIELD_CONTACT, 0, "192.168.1.10", "" },
	{ SIP_FIELD_ROUTE, 0, "192.168.1.1", "" },
	{ SIP_FIELD_URI_MADDR, 0, "192.168.1.2", "" },
	{ SIP_FIELD_SDP_CONNECTION, 0, "192.168.1.10", "" },
};

static void expect_span(struct kunit *test, const struct sip_msg *msg, struct sip_span span,
			const char *text)
{
	KUNIT_ASSERT_EQ(test, span.len, strlen(text));
	KUNIT_EXPECT_MEMEQ(test, sip_span_ptr(msg, span), text, span.len);
}

static struct sip_msg *parse(struct kunit *test, const char *text, enum sip_result result)
{
	struct sip_msg *msg = kunit_kzalloc(test, sizeof(*msg), GFP_KERNEL);
	size_t len = strlen(text);
	char *copy = kunit_kmalloc(test, len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, msg);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	/* Without a NUL behind it, so that KASAN sees a step too far. */
	memcpy(copy, text, len);
	KUNIT_EXPECT_EQ_MSG(test, sip_parse(copy, len, msg), result, "%s", text);
	return msg;
}

static void request_is_read(struct kunit *test)
{
	struct sip_msg *msg = parse(test, invite, SIP_OK);

	KUNIT_EXPECT_TRUE(test, msg->request);
	KUNIT_EXPECT_EQ(test, msg->method, SIP_METHOD_INVITE);
	KUNIT_EXPECT_EQ(test, msg->cseq, 314159);
	KUNIT_EXPECT_EQ(test, msg->session_expires, 1800);
	KUNIT_EXPECT_EQ(test, msg->refresher, SIP_REFRESHER_UAS);
	KUNIT_EXPECT_EQ(test, msg->content_length_value, 102);
	expect_span(test, msg, msg->call_id, "a84@192.168.1.10");
	expect_span(test, msg, msg->from_tag, "19");
	expect_span(test, msg, msg->to_tag, "");
	expect_span(test, msg, msg->to_uri, "sip:bob@example.net");
	expect_span(test, msg, msg->branch, "z9hG4bK1");
	expect_span(test, msg, msg->content_length, "0102");
	expect_span(test, msg, msg->sdp, "c=IN IP4 192.168.1.10\r\nm=audio 4000 RTP/AVP 0");
}

static void hosts_are_found(struct kunit *test)
{
	struct sip_msg *msg = parse(test, invite, SIP_OK);
	int i;

	KUNIT_ASSERT_EQ(test, msg->host_count, ARRAY_SIZE(places));
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		KUNIT_EXPECT_EQ(test, msg->hosts[i].field, places[i].field);
		KUNIT_EXPECT_EQ(test, msg->hosts[i].value, places[i].value);
		expect_span(test, msg, msg->hosts[i].host, places[i].text);
		expect_span(test, msg, msg->hosts[i].digits, places[i].digits);
	}
	KUNIT_ASSERT_EQ(test, msg->contact_count, 2);
	KUNIT_EXPECT_EQ(test, msg->contacts[0].host, 6);
	KUNIT_EXPECT_EQ(test, msg->contacts[0].expires, 60);
	KUNIT_EXPECT_EQ(test, msg->contacts[1].host, SIP_NO_INDEX);
}

#define REST	"v: SIP/2.0/UDP h\r\nf: <tel:1>\r\nt: <tel:2>\r\ni: c\r\n"

static void response_is_read(struct kunit *test)
{
	struct sip_msg *msg;

	msg = parse(test, "SIP/2.0 183 x\r\n" REST "CSeq: 1 INVITE\r\n\r\n", SIP_OK);
	KUNIT_EXPECT_FALSE(test, msg->request);
	KUNIT_EXPECT_EQ(test, msg->status, 183);
	KUNIT_EXPECT_EQ(test, msg->method, SIP_METHOD_INVITE);
}

static void malformed_is_told(struct kunit *test)
{
	parse(test, "BYE tel:1 SIP/2.0\r\n" REST "CSeq: 1 BYE\r\n\r\n", SIP_OK);
	parse(test, "BYE tel:1 SIP/2.0\r\n" REST "CSeq: 1 BYE\r\n", SIP_MALFORMED);
	parse(test, "BYE tel:1 SIP/2.0\r\n" REST "CSeq: 1 ACK\r\n\r\n", SIP_MALFORMED);
	parse(test, "BYE tel:1 SIP/2.0\r\n" REST "CSeq: 2147483648 BYE\r\n\r\n", SIP_MALFORMED);
	parse(test, "BYE tel:1 SIP/2.0\r\n" REST "CSeq: 1 BYE\r\ni: d\r\n\r\n", SIP_MALFORMED);
	parse(test, "BYE tel:1 SIP/2.0\r\n" REST "CSeq: 1 BYE\r\nl: -1\r\n\r\n", SIP_MALFORMED);
	parse(test, "BYE tel:1 SIP/2.0\r\n" REST "\r\n", SIP_MALFORMED);
	parse(test, "GET / HTTP/1.1\r\n\r\n", SIP_NOT_SIP);
}

static struct kunit_case sip_parse_cases[] = {
	KUNIT_CASE(request_is_read),
	KUNIT_CASE(hosts_are_found),
	KUNIT_CASE(response_is_read),
	KUNIT_CASE(malformed_is_told),
	{}
};

static struct kunit_suite sip_parse_suite = {
	.name = "sipalg_messages",
	.test_cases = sip_parse_cases,
};

kunit_test_suite(sip_parse_suite);
