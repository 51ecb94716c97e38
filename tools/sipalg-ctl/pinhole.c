// SPDX-License-Identifier: GPL-2.0-only
/*
 * sipalg-ctl pinhole: what conntrack lets in, and whose that is; and the
 * connections of a call. Both are conntrack's own words; the module's lists say
 * only who has opened them.
 */
#include <linux/netfilter/nf_conntrack_common.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "conntrack.h"
#include "ctl.h"

/* An address that a call or a registration has. */
struct place {
	struct endpoint at;
	uint32_t id;
	uint32_t left;		/* seconds that it lives, if nothing happens */
	bool registration;
};

/* All of them, sorted by address. */
static struct place *places;
static size_t place_count, place_room;

static void read_endpoint(const struct nlattr *nest, struct endpoint *endpoint)
{
	const struct nlattr *attrs[SIPALG_A_ENDPOINT_MAX + 1];
	uint16_t len;

	memset(endpoint, 0, sizeof(*endpoint));
	if (!nest)
		return;
	attrs_nested(nest, attrs, SIPALG_A_ENDPOINT_MAX);
	len = mnl_attr_get_payload_len(attrs[SIPALG_A_ENDPOINT_IP]);
	endpoint->family = len == 4 ? AF_INET : AF_INET6;
	memcpy(endpoint->ip, mnl_attr_get_payload(attrs[SIPALG_A_ENDPOINT_IP]), len);
	endpoint->port = mnl_attr_get_u32(attrs[SIPALG_A_ENDPOINT_PORT]);
}

/* Of the owner whose places are added. */
static uint32_t owner_left;

static void add_place(const struct endpoint *at, uint32_t id, bool registration)
{
	struct place *more;

	if (!at->family)
		return;
	if (place_count == place_room) {
		more = realloc(places, (place_room * 2 + 64) * sizeof(*places));
		if (!more)
			return;
		places = more;
		place_room = place_room * 2 + 64;
	}
	places[place_count++] = (struct place){ *at, id, owner_left, registration };
}

/* Of RTP the port and, if it is not told otherwise, the one behind it for RTCP. */
static void add_media(const struct nlattr *nest, uint16_t rtcp, uint32_t id)
{
	struct endpoint at;

	read_endpoint(nest, &at);
	add_place(&at, id, false);
	at.port = rtcp ?: at.port + 1;
	add_place(&at, id, false);
}

static void add_call_media(const struct nlattr *nest, uint32_t id)
{
	const struct nlattr *attrs[SIPALG_A_MEDIA_MAX + 1];

	attrs_nested(nest, attrs, SIPALG_A_MEDIA_MAX);
	add_media(attrs[SIPALG_A_MEDIA_PRIVATE], 0, id);
	add_media(attrs[SIPALG_A_MEDIA_PUBLIC], number_of(attrs[SIPALG_A_MEDIA_RTCP]), id);
	add_media(attrs[SIPALG_A_MEDIA_PEER], 0, id);
}

static void add_call(const struct nlattr *call, bool signalling)
{
	const struct nlattr *attrs[SIPALG_A_CALL_MAX + 1], *attr;
	struct endpoint at;
	uint32_t id;

	attrs_nested(call, attrs, SIPALG_A_CALL_MAX);
	id = number_of(attrs[SIPALG_A_CALL_NUMBER]);
	owner_left = number_of(attrs[SIPALG_A_CALL_EXPIRES]);
	mnl_attr_for_each_nested(attr, call)
		if (mnl_attr_get_type(attr) == SIPALG_A_CALL_MEDIA)
			add_call_media(attr, id);
	if (!signalling)
		return;
	read_endpoint(attrs[SIPALG_A_CALL_SOURCE], &at);
	add_place(&at, id, false);
	read_endpoint(attrs[SIPALG_A_CALL_DESTINATION], &at);
	add_place(&at, id, false);
}

static int take_call(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *top[SIPALG_A_MAX + 1];

	(void)data;
	attrs_of(nlh, top, SIPALG_A_MAX);
	if (top[SIPALG_A_CALL])
		add_call(top[SIPALG_A_CALL], true);
	return MNL_CB_OK;
}

static int take_registration(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *top[SIPALG_A_MAX + 1], *attrs[SIPALG_A_REGISTRATION_MAX + 1];
	struct endpoint at;
	uint32_t id;

	(void)data;
	attrs_of(nlh, top, SIPALG_A_MAX);
	if (!top[SIPALG_A_REGISTRATION])
		return MNL_CB_OK;
	attrs_nested(top[SIPALG_A_REGISTRATION], attrs, SIPALG_A_REGISTRATION_MAX);
	id = number_of(attrs[SIPALG_A_REGISTRATION_NUMBER]);
	owner_left = number_of(attrs[SIPALG_A_REGISTRATION_EXPIRES]);
	read_endpoint(attrs[SIPALG_A_REGISTRATION_PUBLIC], &at);
	add_place(&at, id, true);
	read_endpoint(attrs[SIPALG_A_REGISTRATION_PRIVATE], &at);
	add_place(&at, id, true);
	return MNL_CB_OK;
}

static int compare(const void *a, const void *b)
{
	const struct endpoint *one = a, *other = b;
	int order = one->family - other->family;

	order = order ?: one->port - other->port;
	return order ?: memcmp(one->ip, other->ip, sizeof(one->ip));
}

/* Of two calls with one way out it is the older one that has opened it. */
static int by_place_and_age(const void *a, const void *b)
{
	const struct place *one = a, *other = b;

	return compare(a, b) ?: (one->id > other->id) - (one->id < other->id);
}

static const struct place *place_of(const struct endpoint *at, bool registration)
{
	const struct place *found, *end = places + place_count;

	found = place_count ? bsearch(at, places, place_count, sizeof(*places), compare) : NULL;
	while (found && found > places && !compare(&found[-1].at, at))
		found--;
	for (; found && found < end && !compare(&found->at, at); found++)
		if (found->registration == registration)
			return found;
	return NULL;
}

/*
 * Where it leads says whose it is, or where it begins: a way out begins at the
 * phone. Of signalling a registration comes first: it is the one that stays.
 */
static const struct place *owner_of(const struct pinhole *pinhole)
{
	const struct place *owner = NULL;

	if (!strcmp(pinhole->purpose, "signalling"))
		owner = place_of(&pinhole->dst, true) ?: place_of(&pinhole->src, true);
	owner = owner ?: place_of(&pinhole->dst, false);
	return owner ?: place_of(&pinhole->src, false);
}

static int load_owners(void)
{
	struct request request;
	int status;

	request_init(&request, SIPALG_CMD_REGISTRATION_GET, true);
	status = request_send(&request, take_registration, NULL);
	if (status)
		return status;
	request_init(&request, SIPALG_CMD_CALL_GET, true);
	status = request_send(&request, take_call, NULL);
	if (place_count)
		qsort(places, place_count, sizeof(*places), by_place_and_age);
	return status;
}

/* Which of them are wanted. */
struct wanted {
	bool of_call;
	uint32_t call;
};

/* Its owner closes it; without one it is as conntrack says. */
static uint32_t lifetime(const struct pinhole *pinhole, const struct place *owner)
{
	return pinhole->permanent && owner ? owner->left : pinhole->timeout;
}

static void pinhole_json(const struct pinhole *pinhole, const struct place *owner)
{
	char text[80];

	json_open(NULL, '{');
	json_word("protocol", protocol_text(pinhole->protocol));
	json_word("purpose", pinhole->purpose);
	json_word("source", endpoint_print(&pinhole->src, text, sizeof(text)));
	json_word("destination", endpoint_print(&pinhole->dst, text, sizeof(text)));
	json_word("owner", owner ? owner->registration ? "registration" : "call" : "");
	json_number("owner_id", owner ? owner->id : 0);
	json_number("lifetime_seconds", lifetime(pinhole, owner));
	json_close('}');
}

/* For a table: the middle of a long IPv6 address is left out. */
static const char *shorten(char *text)
{
	const size_t head = 8, tail = ENDPOINT_WIDTH - head - 2;
	size_t len = strlen(text);

	if (len > ENDPOINT_WIDTH) {
		memcpy(text + head, "..", 2);
		memmove(text + head + 2, text + len - tail, tail + 1);
	}
	return text;
}

static void pinhole_line(const struct pinhole *pinhole, const struct place *owner)
{
	char source[80], destination[80], whose[32] = "", left[16];

	endpoint_print(&pinhole->src, source, sizeof(source));
	endpoint_print(&pinhole->dst, destination, sizeof(destination));
	if (owner)
		snprintf(whose, sizeof(whose), "%s %u", owner->registration ? "reg." : "call",
			 owner->id);
	printf("%-4s %-10s %-21s %-21s %-9s %s\n", protocol_text(pinhole->protocol),
	       pinhole->purpose, shorten(source), shorten(destination), whose,
	       people_time(lifetime(pinhole, owner), left, sizeof(left)));
}

static const char *our_helper(void)
{
	static char name[64];
	FILE *file = fopen("/sys/module/sipalg/parameters/helper_name", "re");

	if (!file || fscanf(file, "%63s", name) != 1)
		strcpy(name, "sipalg");
	if (file)
		fclose(file);
	return name;
}

static void take_pinhole(const struct pinhole *pinhole, void *data)
{
	const struct place *owner = owner_of(pinhole);
	const struct wanted *wanted = data;

	if (strcmp(pinhole->helper, our_helper()))
		return;
	if (wanted->of_call && !(owner && !owner->registration && owner->id == wanted->call))
		return;
	if (json_wanted)
		pinhole_json(pinhole, owner);
	else
		pinhole_line(pinhole, owner);
}

static int list(struct wanted *wanted)
{
	int status = load_owners();
	bool read;

	if (status)
		return status;
	if (json_wanted)
		json_open(NULL, '[');
	else
		printf("%-4s %-10s %-21s %-21s %-9s %s\n", "VIA", "FOR", "FROM", "TO", "OWNER",
		       "LIFETIME");
	read = pinholes_each(take_pinhole, wanted);
	if (json_wanted) {
		json_close(']');
		json_end();
	}
	if (!read)
		fputs("Error: conntrack tells no expectations: modprobe nf_conntrack_netlink\n", stderr);
	return read ? DONE : REFUSED;
}

int pinhole_command(int argc, char **argv)
{
	struct wanted wanted = {};

	if (!argc || strcmp(argv[0], "list"))
		return usage_error("pinhole has the command list");
	wanted.of_call = argc == 3 && !strcmp(argv[1], "call");
	if (argc != 1 && !wanted.of_call)
		return usage_error("pinhole list has the filter call ID");
	if (wanted.of_call && !read_number(argv[2], UINT32_MAX, &wanted.call))
		return usage_error("pinhole list call wants the number that call list shows");
	return list(&wanted);
}

static void flow_json(const struct flow *flow)
{
	char text[80];

	json_open(NULL, '{');
	json_word("protocol", protocol_text(flow->protocol));
	json_word("source", endpoint_print(&flow->src, text, sizeof(text)));
	json_word("destination", endpoint_print(&flow->dst, text, sizeof(text)));
	json_word("state", flow->status & IPS_SEEN_REPLY ? "replied" : "unreplied");
	json_number("timeout_seconds", flow->timeout);
	json_number("packets", flow->packets[0]);
	json_number("bytes", flow->bytes[0]);
	json_number("reply_packets", flow->packets[1]);
	json_number("reply_bytes", flow->bytes[1]);
	json_close('}');
}

static void flow_text(const struct flow *flow)
{
	char source[80], destination[80], left[16];

	printf("  %s %s -> %s\n", protocol_text(flow->protocol),
	       endpoint_print(&flow->src, source, sizeof(source)),
	       endpoint_print(&flow->dst, destination, sizeof(destination)));
	printf("    %llu packets, %llu bytes there, %llu, %llu back; %s%s left\n",
	       (unsigned long long)flow->packets[0], (unsigned long long)flow->bytes[0],
	       (unsigned long long)flow->packets[1], (unsigned long long)flow->bytes[1],
	       flow->status & IPS_SEEN_REPLY ? "" : "no answer, ",
	       people_time(flow->timeout, left, sizeof(left)));
}

static void take_flow(const struct flow *flow, void *data)
{
	const struct endpoint *ends[] = { &flow->src, &flow->dst, &flow->reply_src,
					  &flow->reply_dst };
	size_t i;

	(void)data;
	for (i = 0; i < ARRAY_SIZE(ends); i++)
		if (place_count && bsearch(ends[i], places, place_count, sizeof(*places), compare))
			break;
	if (i == ARRAY_SIZE(ends))
		return;
	if (json_wanted)
		flow_json(flow);
	else
		flow_text(flow);
}

static void load_call(const struct nlattr *call)
{
	place_count = 0;
	add_call(call, false);
	if (place_count)
		qsort(places, place_count, sizeof(*places), compare);
}

void call_flows_print(const struct nlattr *call)
{
	load_call(call);
	puts("flows");
	flows_each(take_flow, NULL);
}

void call_flows_json(const struct nlattr *call)
{
	load_call(call);
	json_open("flows", '[');
	flows_each(take_flow, NULL);
	json_close(']');
}
