// SPDX-License-Identifier: GPL-2.0-only
/* Decide changes nothing; what is acquired for a message is released whole. */
#include <kunit/test.h>
#include <linux/inet.h>
#include <linux/mm.h>
#include <net/net_namespace.h>
#include <net/netfilter/nf_conntrack.h>
#include "call/call.h"
#include "call/judge.h"
#include "call/message.h"
#include "core/net.h"
#include "media/description.h"
#include "media/media.h"
#include "nat/header_nat.h"
#include "nat/intent.h"
#include "packet/decide.h"

#define PHONE		"10.9.8.7"
#define ROUTER		"203.0.113.254"
#define SERVER		"198.51.100.1"
#define OWN_PORTS	64	/* a host's, see mapping.c */

struct bench {
	struct sip_msg msg;
	struct sipalg_plan plan;
	struct sipalg_intents intents;
	struct sipalg_description description;
	struct sipalg_flow flow;
	struct nf_conn ct;
	struct sipalg_net *sn;
};

/* What a namespace holds. */
struct held {
	long memory;
	int calls;
	int ports;
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
	bench->plan.description = &bench->description;
	bench->flow = (struct sipalg_flow){
		.sn = bench->sn,
		.ct = &bench->ct,
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
		.calls = atomic_read(&sn->call_count),
		.ports = atomic_read(&sn->ports.nelems),
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
	KUNIT_EXPECT_EQ(test, now.calls, before.calls);
	KUNIT_EXPECT_EQ(test, now.ports, before.ports);
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

static const char invite[] =
	"INVITE sip:b@" SERVER " SIP/2.0\r\n"
	"Via: SIP/2.0/UDP " PHONE ":5060;branch=z9hG4bKi\r\n"
	"From: <sip:a@" PHONE ">;tag=1\r\nTo: <sip:b@" SERVER ">\r\n"
	"Call-ID: invite\r\nCSeq: 1 INVITE\r\n"
	"Contact: <sip:a@" PHONE ":5060>\r\n"
	"Content-Type: application/sdp\r\nContent-Length: 109\r\n\r\n"
	"v=0\r\no=- 1 1 IN IP4 " PHONE "\r\ns=-\r\nc=IN IP4 " PHONE "\r\n"
	"t=0 0\r\nm=audio 4000 RTP/AVP 0\r\nm=video 4000 RTP/AVP 9\r\n";

/* Of the same call: another CSeq, and its audio has moved. */
static const char again[] =
	"INVITE sip:b@" SERVER " SIP/2.0\r\n"
	"Via: SIP/2.0/UDP " PHONE ":5060;branch=z9hG4bKj\r\n"
	"From: <sip:a@" PHONE ">;tag=1\r\nTo: <sip:b@" SERVER ">;tag=2\r\n"
	"Call-ID: invite\r\nCSeq: 2 INVITE\r\n"
	"Contact: <sip:a@" PHONE ":5060>\r\n"
	"Content-Type: application/sdp\r\nContent-Length: 85\r\n\r\n"
	"v=0\r\no=- 1 2 IN IP4 " PHONE "\r\ns=-\r\nc=IN IP4 " PHONE "\r\n"
	"t=0 0\r\nm=audio 4006 RTP/AVP 0\r\n";

static void decide_on(struct kunit *test, struct bench *bench, const char *text,
		      size_t len)
{
	KUNIT_ASSERT_EQ(test, sip_parse(text, len, &bench->msg), SIP_OK);
	sipalg_decide(&bench->flow, &bench->msg, &bench->plan);
	KUNIT_EXPECT_EQ(test, bench->plan.verdict, SIPALG_VERDICT_PASS);
	KUNIT_EXPECT_EQ(test, bench->plan.reason, 0);
	KUNIT_EXPECT_TRUE(test, bench->plan.describes);
}

static void acquire_call(struct kunit *test, struct bench *bench)
{
	KUNIT_ASSERT_EQ(test, sipalg_call_link(bench->plan.call, &bench->flow), 0);
	bench->plan.prepared = false;
	sipalg_call_acquire(bench->plan.call, &bench->msg, &bench->plan);
	KUNIT_ASSERT_EQ(test, sipalg_description_acquire(bench->plan.call,
							 &bench->flow,
							 &bench->plan), 0);
}

/* A call that begins, with two streams of one address. */
static void invite_changes_nothing(struct kunit *test)
{
	struct bench *bench = test->priv;
	struct held before = held(bench), now;

	packet_context();
	decide_on(test, bench, invite, sizeof(invite) - 1);
	now = held(bench);
	KUNIT_EXPECT_TRUE(test, bench->plan.prepared);
	KUNIT_EXPECT_EQ(test, bench->plan.act, SIPALG_ACT_INVITE);
	KUNIT_EXPECT_EQ(test, bench->description.count, 2);
	KUNIT_EXPECT_EQ(test, now.calls, before.calls);
	KUNIT_EXPECT_EQ(test, now.ports, before.ports);
	KUNIT_EXPECT_NULL(test, sipalg_call_find(&bench->flow, &bench->msg, false));
	sipalg_decide_done(&bench->plan);
	expect_held(test, bench, before);
	process_context();
}

static void acquired_call_is_discarded(struct kunit *test)
{
	struct bench *bench = test->priv;
	struct held before = held(bench);

	packet_context();
	decide_on(test, bench, invite, sizeof(invite) - 1);
	acquire_call(test, bench);
	KUNIT_EXPECT_EQ(test, held(bench).calls, before.calls + 1);
	KUNIT_EXPECT_EQ(test, held(bench).ports, before.ports + 1);
	KUNIT_EXPECT_EQ(test, bench->plan.ports[0].new, 4000);
	sipalg_description_release(bench->plan.call, &bench->plan);
	KUNIT_EXPECT_EQ(test, held(bench).ports, before.ports);
	sipalg_call_discard(bench->plan.call);
	sipalg_decide_done(&bench->plan);
	expect_held(test, bench, before);
	process_context();
}

/* All but who refers to it, up to its lock. */
static void expect_call(struct kunit *test, const struct sipalg_call *call,
			const struct sipalg_call *before)
{
	size_t from = offsetof(struct sipalg_call, linked);

	KUNIT_EXPECT_EQ(test, memcmp((const char *)call + from,
				     (const char *)before + from,
				     sizeof(*call) - from), 0);
}

static void reinvite_changes_nothing(struct kunit *test)
{
	struct bench *bench = test->priv;
	struct held empty = held(bench), before;
	struct sipalg_call *call, *copy;
	struct sipalg_media *media;

	copy = kunit_kzalloc(test, sizeof(*copy), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	packet_context();
	decide_on(test, bench, invite, sizeof(invite) - 1);
	acquire_call(test, bench);
	call = bench->plan.call;
	sipalg_call_take_in(call, &bench->flow, &bench->msg, &bench->plan);
	media = list_first_entry(&call->media, struct sipalg_media, list);
	KUNIT_EXPECT_TRUE(test, media->offered);
	sipalg_decide_done(&bench->plan);

	*copy = *call;
	before = held(bench);
	decide_on(test, bench, again, sizeof(again) - 1);
	KUNIT_ASSERT_PTR_EQ(test, bench->plan.call, call);
	KUNIT_EXPECT_TRUE(test, bench->plan.opens_dialog);
	expect_held(test, bench, before);
	expect_call(test, call, copy);

	sipalg_call_acquire(call, &bench->msg, &bench->plan);
	KUNIT_ASSERT_EQ(test, sipalg_description_acquire(call, &bench->flow,
							 &bench->plan), 0);
	KUNIT_EXPECT_EQ(test, held(bench).ports, before.ports + 1);
	sipalg_description_release(call, &bench->plan);
	sipalg_call_release(call, &bench->plan);
	expect_held(test, bench, before);
	expect_call(test, call, copy);
	KUNIT_EXPECT_TRUE(test, media->offered);
	sipalg_call_end(call, SIPALG_END_ADMIN);
	sipalg_decide_done(&bench->plan);
	expect_held(test, bench, empty);
	process_context();
}

static const char response[] =
	"SIP/2.0 %u Yes\r\n"
	"Via: SIP/2.0/UDP " ROUTER ":5060;branch=z9hG4bKi\r\n"
	"From: <sip:a@" ROUTER ">;tag=1\r\nTo: <sip:b@" SERVER ">;tag=%u\r\n"
	"Call-ID: invite\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";

/* What the server says to the INVITE, of the dialog with the tag @tag. */
static void decide_on_response(struct kunit *test, struct bench *bench,
			       unsigned int status, unsigned int tag)
{
	static char text[sizeof(response) + 16];
	struct sipalg_flow flow = bench->flow;
	int len = scnprintf(text, sizeof(text), response, status, tag);

	flow.src = bench->flow.dst;
	flow.src_public = bench->flow.dst;
	flow.dst = bench->flow.src_public;
	flow.dst_private = bench->flow.src;
	flow.original = false;
	KUNIT_ASSERT_EQ(test, sip_parse(text, len, &bench->msg), SIP_OK);
	sipalg_decide(&flow, &bench->msg, &bench->plan);
	KUNIT_EXPECT_TRUE(test, bench->plan.followed);
	KUNIT_EXPECT_TRUE(test, bench->plan.opens_dialog);
}

/* One gives way to a dialog that is answered, and no more when that comes again. */
static void dialog_is_opened_again(struct kunit *test)
{
	struct bench *bench = test->priv;
	struct held before = held(bench);
	struct sipalg_plan *plan = &bench->plan;
	struct sipalg_call *call;
	unsigned int i;

	packet_context();
	decide_on(test, bench, invite, sizeof(invite) - 1);
	acquire_call(test, bench);
	call = plan->call;
	sipalg_call_take_in(call, &bench->flow, &bench->msg, plan);
	sipalg_decide_done(plan);
	for (i = 1; i <= SIPALG_MAX_DIALOGS; i++) {
		decide_on_response(test, bench, 180, i);
		KUNIT_EXPECT_EQ(test, plan->fork, i);
		sipalg_call_acquire(call, &bench->msg, plan);
		sipalg_decide_done(plan);
	}

	decide_on_response(test, bench, 200, i);
	KUNIT_EXPECT_EQ(test, plan->fork, 1);
	for (i = 0; i < 2; i++) {
		sipalg_call_acquire(call, &bench->msg, plan);
		KUNIT_ASSERT_NOT_NULL(test, plan->dialog);
		KUNIT_EXPECT_EQ(test, plan->dialog->fork, plan->fork);
		KUNIT_EXPECT_EQ(test, list_count_nodes(&call->dialogs),
				SIPALG_MAX_DIALOGS);
		if (!i)
			sipalg_call_release(call, plan);
	}
	sipalg_call_end(call, SIPALG_END_ADMIN);
	sipalg_decide_done(plan);
	expect_held(test, bench, before);
	process_context();
}

static struct kunit_case decide_cases[] = {
	KUNIT_CASE(invite_changes_nothing),
	KUNIT_CASE(dialog_is_opened_again),
	KUNIT_CASE(acquired_call_is_discarded),
	KUNIT_CASE(reinvite_changes_nothing),
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
