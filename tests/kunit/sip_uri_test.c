// SPDX-License-Identifier: GPL-2.0-only
/* Hosts, ports and the URIs around them. */
#include <kunit/test.h>
#include <linux/inet.h>
#include "sip/host.h"
#include "sip/uri.h"

struct uri_case {
	const char *text;
	enum sip_uri result;
	const char *host;	/* as it stands in the URI */
	u16 port;
	u8 form;
	u8 host_count;		/* 2 where maddr= adds one */
};

static const struct uri_case uri_cases[] = {
	{ "sip:alice@10.0.0.1:5060;lr;x=y", SIP_URI_HOST, "10.0.0.1", 5060, SIP_HOST_IP4, 1 },
	{ "SIP:255.0.0.255", SIP_URI_HOST, "255.0.0.255", 0, SIP_HOST_IP4, 1 },
	{ "sips:a@[2001:db8::1]:5061", SIP_URI_HOST, "[2001:db8::1]", 5061, SIP_HOST_IP6, 1 },
	{ "sip:[::ffff:192.0.2.10]", SIP_URI_HOST, "[::ffff:192.0.2.10]", 0, SIP_HOST_IP6, 1 },
	{ "sip:a;b?c@example.com", SIP_URI_HOST, "example.com", 0, SIP_HOST_NAME, 1 },
	{ "sip:a@10.0.0.01", SIP_URI_HOST, "10.0.0.01", 0, SIP_HOST_NAME, 1 },
	{ "sip:a@b;lr;maddr=10.0.0.2", SIP_URI_HOST, "b", 0, SIP_HOST_NAME, 2 },
	{ "sip:a@10.0.0.1?maddr=10.0.0.2", SIP_URI_HOST, "10.0.0.1", 0, SIP_HOST_IP4, 1 },
	{ "733@10.66.66.122", SIP_URI_HOST, "10.66.66.122", 0, SIP_HOST_IP4, 1 },
	{ "10.0.0.1:5062", SIP_URI_HOST, "10.0.0.1", 5062, SIP_HOST_IP4, 1 },
	{ "sip:a@10.0.0.1:65536", SIP_URI_BAD, NULL },
	{ "sip:2001:db8::10", SIP_URI_BAD, NULL },
	{ "sip:[1::2::3]", SIP_URI_HOST, "[1::2::3]", 0, SIP_HOST_NAME, 1 },
	{ "sip:a@b@10.0.0.1", SIP_URI_BAD, NULL },
	{ "sip:", SIP_URI_BAD, NULL },
	{ "tel:+15551234", SIP_URI_FOREIGN, NULL },
	{ "http://10.0.0.1/", SIP_URI_FOREIGN, NULL },
	{ "urn:service:sos", SIP_URI_FOREIGN, NULL },
};

static void uri_desc(const struct uri_case *c, char *desc)
{
	strscpy(desc, c->text, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(uri, uri_cases, uri_desc);

/* The kernel's own reader gives the second opinion on an address. */
static void expect_address(struct kunit *test, const struct sip_host *host, const char *text)
{
	union nf_inet_addr addr = {};

	if (host->form == SIP_HOST_IP4)
		KUNIT_EXPECT_EQ(test, in4_pton(text, -1, (u8 *)&addr, -1, NULL), 1);
	else if (host->form == SIP_HOST_IP6)
		KUNIT_EXPECT_EQ(test, in6_pton(text + 1, strlen(text) - 2, (u8 *)&addr, -1, NULL),
				1);
	KUNIT_EXPECT_MEMEQ(test, &host->addr, &addr, sizeof(addr));
}

static void uri_is_read(struct kunit *test)
{
	const struct uri_case *c = test->param_value;
	struct sip_msg *msg = kunit_kzalloc(test, sizeof(*msg), GFP_KERNEL);
	const struct sip_host *host;
	u16 index = SIP_NO_INDEX;

	KUNIT_ASSERT_NOT_NULL(test, msg);
	msg->data = c->text;
	msg->len = strlen(c->text);
	KUNIT_EXPECT_EQ(test,
			sip_uri_read(msg, c->text, c->text + msg->len,
				     SIP_FIELD_CONTACT, 0, &index),
			c->result);
	KUNIT_ASSERT_EQ(test, msg->host_count, c->host_count);
	if (!c->host)
		return;

	host = &msg->hosts[index];
	KUNIT_ASSERT_EQ(test, host->host.len, strlen(c->host));
	KUNIT_EXPECT_MEMEQ(test, sip_span_ptr(msg, host->host), c->host, host->host.len);
	KUNIT_EXPECT_EQ(test, host->port, c->port);
	KUNIT_EXPECT_EQ(test, host->form, c->form);
	expect_address(test, host, c->host);
}

static struct kunit_case sip_uri_cases[] = {
	KUNIT_CASE_PARAM(uri_is_read, uri_gen_params),
	{}
};

static struct kunit_suite sip_uri_suite = {
	.name = "sipalg_uris",
	.test_cases = sip_uri_cases,
};

kunit_test_suite(sip_uri_suite);
