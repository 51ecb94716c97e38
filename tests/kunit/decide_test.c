// SPDX-License-Identifier: GPL-2.0-only
/* Translation decides and changes nothing; what is acquired for it is released whole. */
#include <kunit/test.h>
#include <linux/inet.h>
#include <linux/mm.h>
#include <net/net_namespace.h>
#include "core/net.h"
#include "nat/header_nat.h"
#include "nat/intent.h"

#define PHONE		"10.9.8.7"
#define ROUTER		"203.0.113.254"
#define SERVER		"198.51.100.1"
#define OWN_PORTS	64	/* a host's, see mapping.c */

struct bench {
	struct sip_msg msg;
	struct sipalg_plan plan;
	struct sipalg_intents intents;
	struct sipalg_flow flow;
	struct sipalg_net *sn;
};

/* What a namespace holds of mappings and echoes. */
struct held {
	long memory;
	int mappings;
	int own_ports;
	unsigned int echoes;
};

static const char request[] =
	"REGISTER sip:" SERVER " SIP/2.0\r\n"
	"Via: SIP/2.0/UDP " PHONE ":5060;branch=z9hG4bKa\r\n"
	"Via: SIP/2.0/UDP " PHONE ":5064;branch=z9hG4bKb\r\n"
	"From: <sip:a@" PHONE ">;tag=1\r\nTo: <sip:a@" SERVER ">\r\n"
	"Call-ID: decide\r\nCSeq: 1 REGISTER\r\n"
	"Path: <sip:" PHONE ":5060;lr>\r\n"
	"Contact: <sip:a@" PHONE ":5060>, <sip:a@" PHONE ":5070>\r\n"
	"Contact: <sip:a@" PHONE ":5080;transport=tcp>\r\n"
	"Content-Length: 0\r\n\r\n";

static struct sipalg_addr addr_of(const char *ip, u16 port)
{
	return (struct sipalg_addr){ { .ip = in_aton(ip) }, htons(port) };
}

static int bench_init(struct kunit *test)
{
	struct bench *bench = kvzalloc(sizeof(*bench), GFP_KERNEL);

	if (!bench)
		return -ENOMEM;
	test->priv = bench;
	bench->sn = sipalg_net_get(&init_net);
	bench->plan.intents = &bench->intents;
	bench->flow = (struct sipalg_flow){
		.sn = bench->sn,
		.src = addr_of(PHONE, 5060),
		.src_public = addr_of(ROUTER, 5060),
		.dst = addr_of(SERVER, 5060),
		.dst_private = addr_of(SERVER, 5060),
		.inside = { .ip = in_aton(PHONE) },
		.family = AF_INET,
		.l4proto = IPPROTO_UDP,
		.original = true,
	};
	return 0;
}

static void bench_exit(struct kunit *test)
{
	kvfree(test->priv);
}

/* As a helper is called. */
static void packet_context(void)
{
	local_bh_disable();
	rcu_read_lock();
}

static void process_context(void)
{
	rcu_read_unlock();
	local_bh_enable();
}

static struct held held(const struct bench *bench)
{
	const struct sipalg_net *sn = bench->sn;
	struct held held = {
		.memory = atomic_long_read(&sn->memory),
		.mappings = atomic_read(&sn->mapping_count),
		.echoes = sn->echo_count,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sn->own_ports); i++)
		held.own_ports += atomic_read(&sn->own_ports[i]);
	return held;
}

static void expect_held(struct kunit *test, const struct bench *bench,
			struct held before)
{
	struct held now = held(bench);

	KUNIT_EXPECT_EQ(test, now.memory, before.memory);
	KUNIT_EXPECT_EQ(test, now.mappings, before.mappings);
	KUNIT_EXPECT_EQ(test, now.own_ports, before.own_ports);
	KUNIT_EXPECT_EQ(test, now.echoes, before.echoes);
}

static void decide(struct kunit *test, struct bench *bench)
{
	KUNIT_ASSERT_EQ(test, sip_parse(request, sizeof(request) - 1, &bench->msg),
			SIP_OK);
	sipalg_plan_init(&bench->plan);
	sipalg_intents_init(&bench->intents);
	sipalg_translate(&bench->flow, &bench->msg, &bench->plan);
	KUNIT_EXPECT_FALSE(test, bench->plan.overflow);
}

/* The sender, a port of its own by UDP, and another by TCP. */
#define NEW_MAPPINGS	3

static void translation_changes_nothing(struct kunit *test)
{
	struct bench *bench = test->priv;
	struct held before = held(bench);

	packet_context();
	decide(test, bench);
	KUNIT_EXPECT_EQ(test, bench->intents.bound_count, NEW_MAPPINGS);
	KUNIT_EXPECT_GT(test, bench->plan.edit_count, 6);
	expect_held(test, bench, before);
	KUNIT_EXPECT_NULL(test, sipalg_mapping_find(&bench->flow,
						    &bench->flow.src_public,
						    &bench->flow.src.ip));
	/* and so it means the same again */
	decide(test, bench);
	KUNIT_EXPECT_EQ(test, bench->intents.bound_count, NEW_MAPPINGS);
	expect_held(test, bench, before);
	process_context();
}

static void release_gives_all_back(struct kunit *test)
{
	struct bench *bench = test->priv;
	struct held before = held(bench);

	packet_context();
	decide(test, bench);
	KUNIT_ASSERT_TRUE(test, sipalg_intents_acquire(&bench->intents,
						       &bench->flow));
	KUNIT_EXPECT_EQ(test, held(bench).mappings, before.mappings + NEW_MAPPINGS);
	KUNIT_EXPECT_EQ(test, held(bench).own_ports, before.own_ports + 2);
	sipalg_intents_release(&bench->intents);
	expect_held(test, bench, before);
	process_context();
}

/* @left: ports that the host may still have of its own */
static void acquire_with(struct kunit *test, int left)
{
	struct bench *bench = test->priv;
	atomic_t *ports = bench->sn->own_ports;
	unsigned int i;
	struct held before;

	for (i = 0; i < ARRAY_SIZE(bench->sn->own_ports); i++)
		atomic_add(OWN_PORTS - left, &ports[i]);
	before = held(bench);
	decide(test, bench);
	KUNIT_EXPECT_FALSE(test, sipalg_intents_acquire(&bench->intents,
							&bench->flow));
	expect_held(test, bench, before);
	KUNIT_EXPECT_EQ(test, bench->intents.count, 0);
	for (i = 0; i < ARRAY_SIZE(bench->sn->own_ports); i++)
		atomic_sub(OWN_PORTS - left, &ports[i]);
}

/* The first that cannot be made is the second, or the third. */
static void acquire_fails_whole(struct kunit *test)
{
	packet_context();
	acquire_with(test, 0);
	acquire_with(test, 1);
	process_context();
}

/* Who uses what another message has added keeps it. */
static void used_mapping_stays(struct kunit *test)
{
	struct bench *bench = test->priv;
	struct held before = held(bench);
	struct sipalg_mapping *used;

	packet_context();
	decide(test, bench);
	KUNIT_ASSERT_TRUE(test, sipalg_intents_acquire(&bench->intents,
						       &bench->flow));
	used = sipalg_mapping_find(&bench->flow, &bench->flow.src_public,
				   &bench->flow.src.ip);
	KUNIT_ASSERT_NOT_NULL(test, used);
	KUNIT_ASSERT_TRUE(test, sipalg_mapping_use(used));
	sipalg_intents_release(&bench->intents);
	KUNIT_EXPECT_EQ(test, held(bench).mappings, before.mappings + 1);
	sipalg_mapping_unuse(used);
	sipalg_mapping_discard(used);
	expect_held(test, bench, before);
	process_context();
}

static void commit_remembers(struct kunit *test)
{
	struct bench *bench = test->priv;
	unsigned int echoes = bench->sn->echo_count;
	struct sipalg_mapping *mapping;
	struct sipalg_form form;

	packet_context();
	decide(test, bench);
	KUNIT_ASSERT_TRUE(test, sipalg_intents_acquire(&bench->intents,
						       &bench->flow));
	sipalg_intents_commit(&bench->intents, &bench->flow, &bench->msg, NULL);
	mapping = sipalg_mapping_find(&bench->flow, &bench->flow.src_public,
				      &bench->flow.src.ip);
	KUNIT_ASSERT_NOT_NULL(test, mapping);
	sipalg_mapping_form(mapping, SIP_FIELD_VIA, false, &form);
	KUNIT_EXPECT_EQ(test, form.port, 5060);
	/* the second Via has another form, and so an echo */
	KUNIT_EXPECT_EQ(test, bench->sn->echo_count, echoes + 1);
	/* now there is nothing left to make */
	decide(test, bench);
	KUNIT_ASSERT_TRUE(test, sipalg_intents_acquire(&bench->intents,
						       &bench->flow));
	KUNIT_EXPECT_FALSE(test, bench->intents.added);
	sipalg_intents_release(&bench->intents);
	KUNIT_EXPECT_PTR_EQ(test, mapping,
			    sipalg_mapping_find(&bench->flow,
						&bench->flow.src_public,
						&bench->flow.src.ip));
	process_context();
}

static struct kunit_case decide_cases[] = {
	KUNIT_CASE(translation_changes_nothing),
	KUNIT_CASE(release_gives_all_back),
	KUNIT_CASE(acquire_fails_whole),
	KUNIT_CASE(used_mapping_stays),
	KUNIT_CASE(commit_remembers),
	{}
};

static struct kunit_suite decide_suite = {
	.name = "sipalg_decide",
	.init = bench_init,
	.exit = bench_exit,
	.test_cases = decide_cases,
};

kunit_test_suite(decide_suite);
