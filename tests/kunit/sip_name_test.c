// SPDX-License-Identifier: GPL-2.0-only
/* Header and method names (H-8, S3-22). */
#include <kunit/test.h>
#include "sip/names.h"

struct name_case {
	const char *name;
	enum sip_header header;
};

static const struct name_case name_cases[] = {
	{ "Via", SIP_HEADER_VIA },
	{ "v", SIP_HEADER_VIA },
	{ "CALL-ID", SIP_HEADER_CALL_ID },
	{ "i", SIP_HEADER_CALL_ID },
	{ "cseq", SIP_HEADER_CSEQ },
	{ "content-LENGTH", SIP_HEADER_CONTENT_LENGTH },
	{ "L", SIP_HEADER_CONTENT_LENGTH },
	{ "Record-Route", SIP_HEADER_RECORD_ROUTE },
	{ "P-Asserted-Identity", SIP_HEADER_P_ASSERTED_IDENTITY },
	{ "P-Preferred-Identity", SIP_HEADER_P_PREFERRED_IDENTITY },
	{ "x", SIP_HEADER_SESSION_EXPIRES },
	{ "Call\rID", SIP_HEADER_OTHER },
	{ "Contact2", SIP_HEADER_OTHER },
	{ "Authorization", SIP_HEADER_OTHER },
	{ "s", SIP_HEADER_OTHER },
};

static void name_desc(const struct name_case *c, char *desc)
{
	strscpy(desc, strchr(c->name, '\r') ? "Call-ID with a CR" : c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(name, name_cases, name_desc);

static void header_is_found(struct kunit *test)
{
	const struct name_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, sip_header_find(c->name, strlen(c->name)), c->header);
}

/* Unlike headers, methods are case-sensitive. */
static void method_is_found(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sip_method_find("INVITE", 6), SIP_METHOD_INVITE);
	KUNIT_EXPECT_EQ(test, sip_method_find("PUBLISH", 7), SIP_METHOD_PUBLISH);
	KUNIT_EXPECT_EQ(test, sip_method_find("SUBSCRIBE", 9), SIP_METHOD_SUBSCRIBE);
	KUNIT_EXPECT_EQ(test, sip_method_find("INVITE", 5), SIP_METHOD_UNKNOWN);
	KUNIT_EXPECT_EQ(test, sip_method_find("invite", 6), SIP_METHOD_UNKNOWN);
}

static struct kunit_case sip_name_cases[] = {
	KUNIT_CASE_PARAM(header_is_found, name_gen_params),
	KUNIT_CASE(method_is_found),
	{}
};

static struct kunit_suite sip_name_suite = {
	.name = "sipalg_names",
	.test_cases = sip_name_cases,
};

kunit_test_suite(sip_name_suite);
