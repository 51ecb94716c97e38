// SPDX-License-Identifier: GPL-2.0-only
/* The edit planner: what a message looks like after its plan. */
#include <kunit/test.h>
#include <linux/inet.h>
#include "sip/addr_text.h"
#include "sip/edit.h"

#define ROOM	512

struct bench {
	struct sip_msg msg;
	struct sipalg_plan plan;
	char out[ROOM];
};

static const char request[] =
	"OPTIONS sip:b@198.51.100.1 SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKa\r\n"
	"From: <sip:a@10.0.0.1>;tag=1\r\nTo: <sip:b@198.51.100.1>\r\n"
	"Call-ID: 10.0.0.1\r\nCSeq: 1 OPTIONS\r\n"
	"Contact: <sip:a@10.0.0.1>\r\n"
	"Content-Type: application/sdp\r\nContent-Length: 00027\r\n\r\n"
	"v=0\r\nc=IN IP4 10.0.0.1\r\nt=0\r\n";

static struct bench *bench_init(struct kunit *test)
{
	struct bench *bench = kunit_kzalloc(test, sizeof(*bench), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bench);
	KUNIT_ASSERT_EQ(test, sip_parse(request, sizeof(request) - 1, &bench->msg),
			SIP_OK);
	sipalg_plan_init(&bench->plan);
	return bench;
}

static const struct sip_host *host_at(struct kunit *test, struct bench *bench,
				      enum sip_field place)
{
	unsigned int i;

	for (i = 0; i < bench->msg.host_count; i++)
		if (bench->msg.hosts[i].field == place)
			return &bench->msg.hosts[i];
	KUNIT_FAIL(test, "no host at place %d", place);
	return &bench->msg.hosts[0];
}

static void plan_address(struct kunit *test, struct bench *bench,
			 enum sip_field place, u16 port)
{
	const union nf_inet_addr public = { .ip = in_aton("203.0.113.254") };

	sipalg_plan_host(&bench->plan, host_at(test, bench, place), AF_INET,
			 &public, port);
}

/* The whole message after the plan, NUL-terminated. */
static const char *outcome(struct kunit *test, struct bench *bench)
{
	char *whole = kunit_kzalloc(test, 2 * ROOM, GFP_KERNEL);
	struct sip_span span;
	int len;

	KUNIT_ASSERT_NOT_NULL(test, whole);
	KUNIT_ASSERT_TRUE(test, sipalg_plan_finish(&bench->plan, &bench->msg));
	span = sipalg_plan_span(&bench->plan);
	len = sipalg_plan_render(&bench->plan, request, bench->out, ROOM);
	KUNIT_ASSERT_GT(test, len, 0);
	memcpy(whole, request, span.off);
	memcpy(whole + span.off, bench->out, len);
	strscpy(whole + span.off + len, request + span.off + span.len, ROOM);
	return whole;
}

/* H-5: old value plus what the body grew by; headers do not count. */
static void content_length_follows_the_body(struct kunit *test)
{
	struct bench *bench = bench_init(test);
	const char *out;

	plan_address(test, bench, SIP_FIELD_CONTACT, 0);
	plan_address(test, bench, SIP_FIELD_SDP_CONNECTION, 0);
	out = outcome(test, bench);
	KUNIT_EXPECT_NOT_NULL(test, strstr(out, "Contact: <sip:a@203.0.113.254>\r\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(out, "Content-Length: 32\r\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(out, "c=IN IP4 203.0.113.254\r\nt=0"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(out, "Call-ID: 10.0.0.1\r\n"));
}

/* S3-42: a port is changed, put in and taken out as it was written. */
static void ports_come_and_go(struct kunit *test)
{
	struct bench *bench = bench_init(test);
	const char *out;

	plan_address(test, bench, SIP_FIELD_VIA, 1024);
	plan_address(test, bench, SIP_FIELD_CONTACT, 1024);
	plan_address(test, bench, SIP_FIELD_FROM, 0);
	out = outcome(test, bench);
	KUNIT_EXPECT_NOT_NULL(test, strstr(out, "UDP 203.0.113.254:1024;branch"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(out, "<sip:a@203.0.113.254:1024>\r\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(out, "From: <sip:a@203.0.113.254>;tag"));
}

static void same_edit_twice_is_one(struct kunit *test)
{
	struct bench *bench = bench_init(test);

	plan_address(test, bench, SIP_FIELD_SDP_CONNECTION, 0);
	plan_address(test, bench, SIP_FIELD_VIA, 5060);
	plan_address(test, bench, SIP_FIELD_SDP_CONNECTION, 0);
	KUNIT_EXPECT_NOT_NULL(test, strstr(outcome(test, bench), "Content-Length: 32"));
	/* Via, Content-Length, c= */
	KUNIT_EXPECT_EQ(test, bench->plan.edit_count, 3);
}

static void edits_that_overlap_are_refused(struct kunit *test)
{
	struct bench *bench = bench_init(test);
	struct sip_span whole = host_at(test, bench, SIP_FIELD_VIA)->host;
	struct sip_span part = { whole.off + 2, whole.len - 2 };

	sipalg_plan_replace(&bench->plan, whole, "x", 1);
	sipalg_plan_replace(&bench->plan, part, "y", 1);
	KUNIT_EXPECT_FALSE(test, sipalg_plan_finish(&bench->plan, &bench->msg));
}

static void too_many_edits_are_refused(struct kunit *test)
{
	struct bench *bench = bench_init(test);
	unsigned int i;

	for (i = 0; i <= SIPALG_MAX_EDITS; i++)
		sipalg_plan_replace(&bench->plan, (struct sip_span){ i, 1 }, "x", 1);
	KUNIT_EXPECT_FALSE(test, sipalg_plan_finish(&bench->plan, &bench->msg));
}

static void nothing_is_written_past_the_room(struct kunit *test)
{
	struct bench *bench = bench_init(test);

	plan_address(test, bench, SIP_FIELD_VIA, 1024);
	plan_address(test, bench, SIP_FIELD_CONTACT, 0);
	KUNIT_ASSERT_TRUE(test, sipalg_plan_finish(&bench->plan, &bench->msg));
	KUNIT_EXPECT_LT(test, sipalg_plan_render(&bench->plan, request,
						 bench->out, 20), 0);
}

struct ip_case {
	const char *text;
	u8 family;
};

/* RFC 5952 4 */
static const struct ip_case ip_cases[] = {
	{ "0.0.0.0", AF_INET },
	{ "255.255.255.255", AF_INET },
	{ "203.0.113.7", AF_INET },
	{ "::", AF_INET6 },
	{ "::1", AF_INET6 },
	{ "2001:db8::1", AF_INET6 },
	{ "2001:db8:0:1:1:1:1:1", AF_INET6 },
	{ "2001:0:0:1::1", AF_INET6 },
	{ "2001:db8::1:0:0:1", AF_INET6 },
	{ "fe80::", AF_INET6 },
	{ "1:2:3:4:5:6:7:8", AF_INET6 },
};

static void ip_desc(const struct ip_case *c, char *desc)
{
	strscpy(desc, c->text, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(ip, ip_cases, ip_desc);

static void address_is_written_as_it_was_read(struct kunit *test)
{
	const struct ip_case *c = test->param_value;
	char text[SIPALG_IP_TEXT + 1] = "";
	union nf_inet_addr ip = {};

	if (c->family == AF_INET)
		in4_pton(c->text, -1, (u8 *)&ip, -1, NULL);
	else
		in6_pton(c->text, -1, (u8 *)&ip, -1, NULL);
	text[sipalg_ip_text(text, c->family, &ip)] = '\0';
	KUNIT_EXPECT_STREQ(test, text, c->text);
}

static struct kunit_case plan_cases[] = {
	KUNIT_CASE(content_length_follows_the_body),
	KUNIT_CASE(ports_come_and_go),
	KUNIT_CASE(same_edit_twice_is_one),
	KUNIT_CASE(edits_that_overlap_are_refused),
	KUNIT_CASE(too_many_edits_are_refused),
	KUNIT_CASE(nothing_is_written_past_the_room),
	KUNIT_CASE_PARAM(address_is_written_as_it_was_read, ip_gen_params),
	{}
};

static struct kunit_suite plan_suite = {
	.name = "sipalg_plan",
	.test_cases = plan_cases,
};

kunit_test_suite(plan_suite);
