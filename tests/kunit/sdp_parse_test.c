// SPDX-License-Identifier: GPL-2.0-only
/* Session descriptions: what the last m= section of each must be. */
#include <kunit/test.h>
#include "sip/msg.h"

struct sdp_case {
	const char *title;
	const char *text;
	enum sip_result result;
	u16 media_count;
	u16 port;
	const char *connection;
	u16 rtcp_port;
	u8 direction;
	u8 transport;
};

static const struct sdp_case sdp_cases[] = {
	{ "S1-3 session level", "c=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\n",
	  SIP_OK, 1, 4000, "10.0.0.1", 0, SDP_SENDRECV, SDP_TRANSPORT_RTP },
	{ "S1-3 media level first",
	  "c=IN IP4 10.0.0.1\r\nm=audio 1 RTP/AVP 0\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP4 10.0.0.2\r\n",
	  SIP_OK, 2, 4000, "10.0.0.2", 0, SDP_SENDRECV, SDP_TRANSPORT_RTP },
	{ "S1-4 neither", "m=audio 4000 RTP/AVP 0\r\n",
	  SIP_OK, 1, 4000, NULL, 0, SDP_SENDRECV, SDP_TRANSPORT_RTP },
	{ "S3-13 multicast", "c=IN IP4 224.2.1.1/127/3\r\nm=audio 4000/2 RTP/AVP 0\r\n",
	  SIP_OK, 1, 4000, "224.2.1.1", 0, SDP_SENDRECV, SDP_TRANSPORT_RTP },
	{ "R-3605 a=rtcp", "c=IN IP6 2001:db8::1\nm=audio 4000 RTP/AVP 0\na=rtcp:4005\n",
	  SIP_OK, 1, 4000, "2001:db8::1", 4005, SDP_SENDRECV, SDP_TRANSPORT_RTP },
	{ "S3-34 hold", "c=IN IP4 0.0.0.0\r\na=inactive\r\nm=audio 4000 RTP/AVP 0\r\n",
	  SIP_OK, 1, 4000, "0.0.0.0", 0, SDP_INACTIVE, SDP_TRANSPORT_RTP },
	{ "H-30 T.38", "c=IN IP4 10.0.0.1\r\nm=image 4000 udptl t38\r\na=sendonly",
	  SIP_OK, 1, 4000, "10.0.0.1", 0, SDP_SENDONLY, SDP_TRANSPORT_UDP },
	{ "S3-7 TCP", "c=IN IP4 10.0.0.1\r\nm=audio 9 TCP/RTP/SAVP 0\r\na=recvonly\r\n",
	  SIP_OK, 1, 9, "10.0.0.1", 0, SDP_RECVONLY, SDP_TRANSPORT_TCP },
	{ "H-9 FQDN", "c=IN IP4 host.example\r\nm=audio 4000 RTP/AVP 0\r\n",
	  SIP_OK, 1, 4000, "host.example", 0, SDP_SENDRECV, SDP_TRANSPORT_RTP },
	{ "no m= line", "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\n", SIP_OK, 0 },
	{ "port 65536", "m=audio 65536 RTP/AVP 0\r\n", SIP_MALFORMED },
	{ "c= without address", "c=IN\r\n", SIP_MALFORMED },
};

static void sdp_desc(const struct sdp_case *c, char *desc)
{
	strscpy(desc, c->title, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(sdp, sdp_cases, sdp_desc);

static void sdp_is_read(struct kunit *test)
{
	const struct sdp_case *c = test->param_value;
	struct sip_msg *msg = kunit_kzalloc(test, sizeof(*msg), GFP_KERNEL);
	const struct sdp_media *media;
	struct sip_span host;

	KUNIT_ASSERT_NOT_NULL(test, msg);
	msg->data = c->text;
	msg->len = strlen(c->text);
	msg->sdp.len = msg->len;
	KUNIT_ASSERT_EQ(test, sdp_parse(msg), c->result);
	if (c->result != SIP_OK || !c->media_count)
		return;

	KUNIT_ASSERT_EQ(test, msg->media_count, c->media_count);
	media = &msg->media[c->media_count - 1];
	KUNIT_EXPECT_EQ(test, media->port, c->port);
	KUNIT_EXPECT_EQ(test, media->rtcp_port, c->rtcp_port);
	KUNIT_EXPECT_EQ(test, media->direction, c->direction);
	KUNIT_EXPECT_EQ(test, media->transport, c->transport);
	if (!c->connection) {
		KUNIT_EXPECT_EQ(test, media->connection, SIP_NO_INDEX);
		return;
	}
	KUNIT_ASSERT_LT(test, media->connection, msg->host_count);
	host = msg->hosts[media->connection].host;
	KUNIT_ASSERT_EQ(test, host.len, strlen(c->connection));
	KUNIT_EXPECT_MEMEQ(test, sip_span_ptr(msg, host), c->connection, host.len);
}

static struct kunit_case sdp_parse_cases[] = {
	KUNIT_CASE_PARAM(sdp_is_read, sdp_gen_params),
	{}
};

static struct kunit_suite sdp_parse_suite = {
	.name = "sipalg_sdp",
	.test_cases = sdp_parse_cases,
};

kunit_test_suite(sdp_parse_suite);
