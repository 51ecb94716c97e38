// SPDX-License-Identifier: GPL-2.0-only
/* Tables that are full, flows that pass by, calls and phones in trouble: as it is now. */
#include <linux/netfilter/nf_conntrack_common.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check/check.h"
#include "conntrack.h"
#include "ctl.h"

#define OF_STREAM	2	/* expectations: RTP and RTCP */

#ifndef IPS_OFFLOAD
#define IPS_OFFLOAD	0x4000
#endif

struct counted {
	const struct check *c;
	unsigned long all;
	unsigned long ours;
};

static void count_pinhole(const struct pinhole *pinhole, void *data)
{
	struct counted *counted = data;

	counted->all++;
	counted->ours += !strcmp(pinhole->helper, counted->c->helper);
}

/* Full is what is refused now: it has no room for @more; nearly full is worth a word. */
static void check_table(const char *question, const char *what, long used, long limit, long more,
			const char *fix)
{
	if (used < 0 || limit <= 0 || (used * 10 < limit * 8 && used + more <= limit))
		say(LEVEL_OK, question, "", "");
	else if (used + more <= limit)
		say(LEVEL_NOTE, question, text_of("%s: %ld of %ld.", what, used, limit), fix);
	else
		say(LEVEL_FAULT, question,
		    text_of("%s: %ld of %ld. What is new is refused now.", what, used, limit), fix);
}

static void check_full(const struct check *c, long pinholes)
{
	long expect = number_in("/proc/sys/net/netfilter/nf_conntrack_expect_max");
	long most = number_in("/proc/sys/net/netfilter/nf_conntrack_max");

	check_table("the table of pinholes has room", "Expectations", pinholes, expect, OF_STREAM,
		    how_to_set(c, "net.netfilter.nf_conntrack_expect_max", 2 * expect));
	check_table("the table of connections has room", "Connections",
		    number_in("/proc/sys/net/netfilter/nf_conntrack_count"), most, 1,
		    how_to_set(c, "net.netfilter.nf_conntrack_max", 2 * most));
}

/* Both are counted, and calls begin meanwhile: what differs three times does. */
static long check_counted(const struct check *c)
{
	static const char question[] = "conntrack holds the pinholes that the module has opened";
	struct counted counted = { .c = c };
	unsigned long kept = 0;
	int tries;

	for (tries = 0; tries < 3; tries++) {
		counted = (struct counted){ .c = c };
		if (stats_load())
			return -1;
		kept = stats_value("", "pinholes_kept");
		if (!pinholes_each(count_pinhole, &counted))
			return -1;
		if (counted.ours == kept)
			break;
	}
	if (counted.ours == kept)
		say(LEVEL_OK, question, "", "");
	else
		say(LEVEL_NOTE, question,
		    text_of("The module counts %lu, conntrack lists %lu: somebody has deleted some.",
			    kept, counted.ours),
		    "They open anew with the calls' next messages; conntrack -F expect is not needed.");
	return counted.all;
}

static struct fw_range exactly(const struct endpoint *endpoint)
{
	struct fw_range range = { .family = endpoint->family };

	memcpy(range.low + (endpoint->family == AF_INET ? 12 : 0), endpoint->ip,
	       endpoint->family == AF_INET ? 4 : 16);
	memcpy(range.high, range.low, 16);
	return range;
}

/* Where a host is connected; NULL: behind an uplink. */
static const struct net_link *link_of(const struct check *c, const struct fw_range *host)
{
	unsigned int i, j;

	for (i = 0; i < c->net.count; i++)
		for (j = 0; j < c->net.links[i].subnet_count; j++)
			if (fw_in_range(host, &c->net.links[i].subnets[j]) == FW_YES)
				return &c->net.links[i];
	return NULL;
}

/* If its first packet came now, would it get the helper? */
static bool would_attach(const struct check *c, const struct flow *flow)
{
	const struct net_link *link;
	struct fw_packet packet = {
		.family = flow->src.family, .protocol = flow->protocol, .state = "new",
		.src = exactly(&flow->src), .dst = exactly(&flow->dst),
		.real = exactly(&flow->reply_src),
		.sport = fw_number(flow->src.port, flow->src.port),
		.dport = fw_number(flow->dst.port, flow->dst.port),
	};
	struct fw_fate fate;

	link = link_of(c, &packet.src);
	packet.iif = link ? link->name : NULL;
	fw_walk(&c->fw, &packet, &fate);
	return fate.helper && !strcmp(fate.helper, c->helper);
}

/**
 * struct strays - signalling flows that have no helper
 * @c: the check
 * @ports: where signalling goes
 * @count: how many those are
 * @offloaded: a flow that a flowtable has taken, protocol 0: none
 * @old: one that a rule would attach the helper to, if it began now
 */
struct strays {
	const struct check *c;
	uint16_t ports[32];
	unsigned int count;
	struct flow offloaded;
	struct flow old;
};

static void take_flow(const struct flow *flow, void *data)
{
	struct strays *strays = data;
	unsigned int i;

	if (flow->helper[0])
		return;
	for (i = 0; i < strays->count; i++)
		if (strays->ports[i] == flow->dst.port)
			break;
	if (i == strays->count || !would_attach(strays->c, flow))
		return;
	if (flow->status & IPS_OFFLOAD)
		strays->offloaded = *flow;
	else
		strays->old = *flow;
}

static void say_stray(const struct check *c, const char *question, const char *what,
		      const struct flow *flow)
{
	if (flow->protocol)
		say(LEVEL_FAULT, question, what,
		    how_to_forget(c, protocol_text(flow->protocol), flow->dst.port,
				  flow->src.family));
	else
		say(LEVEL_OK, question, "", "");
}

static void check_strays(const struct check *c)
{
	struct strays strays = { .c = c };

	strays.count = rules_ports(c, strays.ports, ARRAY_SIZE(strays.ports));
	flows_each(take_flow, &strays);
	say_stray(c, "no flowtable takes signalling past the helper",
		  "A flow was offloaded before a rule attached the helper to it.",
		  &strays.offloaded);
	say_stray(c, "no SIP flow is older than the rule that attaches the helper",
		  "Such a flow keeps no helper, and passes by unseen for as long as it is used.",
		  &strays.old);
}

/* Does a rule of NAT give this address, though no interface has it? */
struct given {
	const struct fw_range *address;
	bool found;
};

static void gives(const struct fw_chain *base, const struct fw_chain *chain,
		  const struct fw_rule *rule, void *data)
{
	struct given *given = data;

	(void)base;
	(void)chain;
	if ((rule->nat == FW_SNAT || rule->nat == FW_DNAT) && rule->addr.family)
		given->found |= fw_in_range(given->address, &rule->addr) == FW_YES;
}

static bool is_face(const struct check *c, const struct fw_range *address)
{
	struct given given = { .address = address };

	if (network_has(&c->net, address))
		return true;
	fw_each_rule(&c->fw, gives, &given);
	return given.found;
}

static bool read_endpoint(const struct nlattr *nest, struct endpoint *endpoint)
{
	const struct nlattr *attrs[SIPALG_A_ENDPOINT_MAX + 1];
	uint16_t len;

	memset(endpoint, 0, sizeof(*endpoint));
	if (!nest)
		return false;
	attrs_nested(nest, attrs, SIPALG_A_ENDPOINT_MAX);
	len = mnl_attr_get_payload_len(attrs[SIPALG_A_ENDPOINT_IP]);
	endpoint->family = len == 4 ? AF_INET : AF_INET6;
	memcpy(endpoint->ip, mnl_attr_get_payload(attrs[SIPALG_A_ENDPOINT_IP]), len);
	endpoint->port = mnl_attr_get_u32(attrs[SIPALG_A_ENDPOINT_PORT]);
	return true;
}

/* What was told to somebody outside, and is not this router's any more. */
static bool is_lost(const struct check *c, const struct nlattr *private,
		    const struct nlattr *public)
{
	struct endpoint ours, theirs;
	struct fw_range address;

	if (!read_endpoint(private, &ours) || !read_endpoint(public, &theirs) ||
	    address_equal(&ours, &theirs))
		return false;
	address = exactly(&theirs);
	return !is_face(c, &address);
}

#define MOST_TOLD	8	/* of a kind; how many more there are is told as well */
#define MOST_JUDGED	50	/* each reads the table of connections */

/* What is in the same trouble. */
struct kind {
	char *text;
	unsigned int count;
};

struct troubles {
	const struct check *c;
	struct kind lost, uncallable, calls, dropped;
	const char *lost_fix;
	const char *uncallable_fix;
	bool full;
	uint32_t up[MOST_JUDGED];
	unsigned int up_count;
};

static void add(struct kind *kind, char *text)
{
	if (kind->count++ < MOST_TOLD)
		kind->text = text_and(kind->text, text);
}

static const char *told(const struct kind *kind)
{
	return kind->count <= MOST_TOLD ? text_of("%s.", kind->text) :
	       text_of("%s, and %u more.", kind->text, kind->count - MOST_TOLD);
}

static bool has_caller(const struct nlattr *registration)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, registration)
		if (mnl_attr_get_type(attr) == SIPALG_A_REGISTRATION_CALLER)
			return true;
	return false;
}

/* No pinhole leads to it: when its own flow has gone nobody gets through. */
static void take_uncallable(struct troubles *troubles, const struct nlattr **attrs)
{
	const struct check *c = troubles->c;
	char account[NAME_TEXT];
	struct endpoint public;
	const char *why;

	read_endpoint(attrs[SIPALG_A_REGISTRATION_PUBLIC], &public);
	troubles->uncallable_fix = "";
	if (!c->contact) {
		why = "contact-pinhole is off";
		troubles->uncallable_fix = "Type: sipalg-ctl setting set contact-pinhole on";
	} else if (public.port < 1024) {
		why = "no pinhole leads to a port below 1024";
	} else if (troubles->full) {
		why = "the table of pinholes was full";
		troubles->uncallable_fix = "Once there is room, its next REGISTER opens one.";
	} else {
		why = "another expectation is in its place";
		troubles->uncallable_fix = "See: conntrack -L expect";
	}
	add(&troubles->uncallable,
	    text_of("%s: %s", name_text(attrs[SIPALG_A_REGISTRATION_ACCOUNT], account,
					sizeof(account)), why));
}

static int take_registration(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *top[SIPALG_A_MAX + 1], *attrs[SIPALG_A_REGISTRATION_MAX + 1];
	char private[ENDPOINT_TEXT], public[ENDPOINT_TEXT];
	struct troubles *troubles = data;

	attrs_of(nlh, top, SIPALG_A_MAX);
	if (!top[SIPALG_A_REGISTRATION])
		return MNL_CB_OK;
	attrs_nested(top[SIPALG_A_REGISTRATION], attrs, SIPALG_A_REGISTRATION_MAX);
	if (troubles->c->mode >= MODE_PINHOLES && !has_caller(top[SIPALG_A_REGISTRATION]))
		take_uncallable(troubles, attrs);
	if (!is_lost(troubles->c, attrs[SIPALG_A_REGISTRATION_PRIVATE],
		     attrs[SIPALG_A_REGISTRATION_PUBLIC]))
		return MNL_CB_OK;
	endpoint_text(attrs[SIPALG_A_REGISTRATION_PRIVATE], private, sizeof(private));
	endpoint_text(attrs[SIPALG_A_REGISTRATION_PUBLIC], public, sizeof(public));
	add(&troubles->lost, text_of("%s is registered as %s", private, public));
	troubles->lost_fix = "Have it register anew; until then nobody can call it.";
	return MNL_CB_OK;
}

/* What has passed of one stream, from the phone and to it. */
struct stream {
	struct endpoint private, public;
	bool out, in;
};

struct streams {
	struct stream stream[8];
	unsigned int count;
};

static void watch(const struct flow *flow, void *data)
{
	bool back = flow->status & IPS_SEEN_REPLY;
	struct streams *streams = data;
	unsigned int i;

	for (i = 0; i < streams->count; i++) {
		struct stream *stream = &streams->stream[i];

		if (endpoint_equal(&flow->src, &stream->private)) {
			stream->out = true;
			stream->in |= back;
		} else if (endpoint_equal(&flow->dst, &stream->public) ||
			   endpoint_equal(&flow->reply_src, &stream->private)) {
			stream->in = true;
			stream->out |= back;
		}
	}
}

static const char *what_fails(const struct streams *streams)
{
	unsigned int i, out = 0, in = 0;

	for (i = 0; i < streams->count; i++) {
		out += streams->stream[i].out;
		in += streams->stream[i].in;
	}
	if (!out && !in)
		return "no media has come from either side";
	if (!in)
		return "media comes from the phone, none to it";
	return out ? NULL : "media comes to the phone, none from it";
}

#define PATIENCE	5	/* seconds of silence of its signalling before a call is judged */

static void judge_call(struct troubles *troubles, const struct nlattr *call,
		       const struct nlattr **attrs)
{
	const struct nlattr *media[SIPALG_A_MEDIA_MAX + 1], *attr;
	struct streams streams = {};
	const char *what;

	mnl_attr_for_each_nested(attr, call) {
		struct stream *stream = &streams.stream[streams.count];

		if (mnl_attr_get_type(attr) != SIPALG_A_CALL_MEDIA ||
		    streams.count == ARRAY_SIZE(streams.stream))
			continue;
		attrs_nested(attr, media, SIPALG_A_MEDIA_MAX);
		if (!strcmp(word_of(media[SIPALG_A_MEDIA_STATE]), "held"))
			continue;
		if (is_lost(troubles->c, media[SIPALG_A_MEDIA_PRIVATE],
			    media[SIPALG_A_MEDIA_PUBLIC])) {
			add(&troubles->lost,
			    text_of("call %u has media there",
				    number_of(attrs[SIPALG_A_CALL_NUMBER])));
			troubles->lost_fix = "The call must be made anew.";
		}
		read_endpoint(media[SIPALG_A_MEDIA_PRIVATE], &stream->private);
		read_endpoint(media[SIPALG_A_MEDIA_PUBLIC], &stream->public);
		streams.count++;
	}
	if (!streams.count || !flows_each(watch, &streams))
		return;
	what = what_fails(&streams);
	if (what)
		add(&troubles->calls,
		    text_of("call %u: %s", number_of(attrs[SIPALG_A_CALL_NUMBER]), what));
}

/* Does it say the same as another one, which has passed? */
static bool is_again(const struct nlattr **one, const struct nlattr **other)
{
	static const int numbers[] = { SIPALG_A_MESSAGE_CSEQ, SIPALG_A_MESSAGE_STATUS };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		if (number_of(one[numbers[i]]) != number_of(other[numbers[i]]))
			return false;
	return !one[SIPALG_A_MESSAGE_CALLER] == !other[SIPALG_A_MESSAGE_CALLER] &&
	       !strcmp(word_of(one[SIPALG_A_MESSAGE_WORD]),
		       word_of(other[SIPALG_A_MESSAGE_WORD]));
}

/* The newest message that was dropped, and has not come through since. */
static int take_messages(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *top[SIPALG_A_MAX + 1], *call[SIPALG_A_CALL_MAX + 1];
	const struct nlattr *message[SIPALG_A_MESSAGE_MAX + 1], *attr;
	const struct nlattr *dropped[SIPALG_A_MESSAGE_MAX + 1] = {};
	struct troubles *troubles = data;
	bool any = false;
	uint32_t status;

	attrs_of(nlh, top, SIPALG_A_MAX);
	if (!top[SIPALG_A_CALL])
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) != SIPALG_A_MESSAGE)
			continue;
		attrs_nested(attr, message, SIPALG_A_MESSAGE_MAX);
		if (message[SIPALG_A_MESSAGE_DROPPED]) {
			memcpy(dropped, message, sizeof(dropped));
			any = true;
		} else if (any && is_again(dropped, message)) {
			any = false;
		}
	}
	if (!any)
		return MNL_CB_OK;
	attrs_nested(top[SIPALG_A_CALL], call, SIPALG_A_CALL_MAX);
	status = number_of(dropped[SIPALG_A_MESSAGE_STATUS]);
	add(&troubles->dropped,
	    text_of("call %u: %s%s: %s", number_of(call[SIPALG_A_CALL_NUMBER]),
		    status ? text_of("%u ", status) : "", word_of(dropped[SIPALG_A_MESSAGE_WORD]),
		    word_of(dropped[SIPALG_A_MESSAGE_REASON])));
	return MNL_CB_OK;
}

/* By one question each, for a list has no messages; who has ended meanwhile has. */
static void judge_messages(struct troubles *troubles)
{
	struct request request;
	unsigned int i;

	request_quiet = true;
	for (i = 0; i < troubles->up_count; i++) {
		request_init(&request, SIPALG_CMD_CALL_GET, false);
		mnl_attr_put_u32(request.nlh, SIPALG_A_ID, troubles->up[i]);
		request_send(&request, take_messages, troubles);
	}
	request_quiet = false;
}

static int take_call(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *top[SIPALG_A_MAX + 1], *attrs[SIPALG_A_CALL_MAX + 1];
	struct troubles *troubles = data;
	static unsigned int judged;

	attrs_of(nlh, top, SIPALG_A_MAX);
	if (!top[SIPALG_A_CALL])
		return MNL_CB_OK;
	attrs_nested(top[SIPALG_A_CALL], attrs, SIPALG_A_CALL_MAX);
	if (strcmp(word_of(attrs[SIPALG_A_CALL_STATE]), "ending") &&
	    troubles->up_count < MOST_JUDGED)
		troubles->up[troubles->up_count++] = number_of(attrs[SIPALG_A_CALL_NUMBER]);
	if (!strcmp(word_of(attrs[SIPALG_A_CALL_STATE]), "confirmed") &&
	    number_of(attrs[SIPALG_A_CALL_IDLE]) >= PATIENCE && judged++ < MOST_JUDGED)
		judge_call(data, top[SIPALG_A_CALL], attrs);
	return MNL_CB_OK;
}

static void say_kind(enum level level, const char *question, const char *before,
		     const struct kind *kind, const char *fix)
{
	if (kind->text)
		say(level, question, text_of("%s%s", before, told(kind)), fix);
	else
		say(LEVEL_OK, question, "", "");
}

static void check_troubles(const struct check *c, bool full)
{
	struct troubles troubles = { .c = c, .full = full };
	struct request request;

	request_init(&request, SIPALG_CMD_REGISTRATION_GET, true);
	request_send(&request, take_registration, &troubles);
	request_init(&request, SIPALG_CMD_CALL_GET, true);
	request_send(&request, take_call, &troubles);

	judge_messages(&troubles);
	say_kind(LEVEL_FAULT, "what others know is this router's address",
		 "No interface and no NAT rule has it now: ", &troubles.lost, troubles.lost_fix);
	say_kind(LEVEL_NOTE, "registered phones can be called",
		 "Only while their own flow lives: ", &troubles.uncallable,
		 troubles.uncallable_fix);
	say_kind(LEVEL_NOTE, "answered calls have media both ways", "", &troubles.calls,
		 "See: sipalg-ctl call show ID --ladder");
	say_kind(LEVEL_NOTE, "no message of a call that is up was dropped", "", &troubles.dropped,
		 "See: sipalg-ctl call show ID --ladder");
}

void check_live(struct check *c)
{
	long most = number_in("/proc/sys/net/netfilter/nf_conntrack_expect_max"), pinholes;

	check_strays(c);
	pinholes = check_counted(c);
	check_full(c, pinholes);
	check_troubles(c, pinholes >= 0 && pinholes + OF_STREAM > most);
}
