// SPDX-License-Identifier: GPL-2.0-only
/*
 * sipalg-ctl call: listed, shown, ended.
 *
 * Packets and bytes of media in lists are the module's sums, which it knows
 * without a walk through the whole table of connections; call show reads the
 * connections themselves (pinhole.c).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "ctl.h"

static void json_endpoint(const char *key, const struct nlattr *nest)
{
	char text[ENDPOINT_TEXT];

	json_word(key, nest ? endpoint_text(nest, text, sizeof(text)) : "");
}

static void json_bytes(const char *key, const struct nlattr *attr)
{
	json_string(key, attr ? mnl_attr_get_payload(attr) : "",
		    attr ? mnl_attr_get_payload_len(attr) : 0);
}

static void media_json(const struct nlattr *nest)
{
	const struct nlattr *attrs[SIPALG_A_MEDIA_MAX + 1];

	attrs_nested(nest, attrs, SIPALG_A_MEDIA_MAX);
	json_open(NULL, '{');
	json_word("kind", word_of(attrs[SIPALG_A_MEDIA_KIND]));
	json_endpoint("private", attrs[SIPALG_A_MEDIA_PRIVATE]);
	json_endpoint("public", attrs[SIPALG_A_MEDIA_PUBLIC]);
	json_endpoint("peer", attrs[SIPALG_A_MEDIA_PEER]);
	json_number("rtcp", number_of(attrs[SIPALG_A_MEDIA_RTCP]));
	json_word("state", word_of(attrs[SIPALG_A_MEDIA_STATE]));
	json_number("idle_seconds", number_of(attrs[SIPALG_A_MEDIA_IDLE]));
	json_number("packets", attrs[SIPALG_A_MEDIA_PACKETS] ?
		    mnl_attr_get_u64(attrs[SIPALG_A_MEDIA_PACKETS]) : 0);
	json_number("bytes", attrs[SIPALG_A_MEDIA_BYTES] ?
		    mnl_attr_get_u64(attrs[SIPALG_A_MEDIA_BYTES]) : 0);
	json_close('}');
}

void call_json_fields(const struct nlattr *call)
{
	const struct nlattr *attrs[SIPALG_A_CALL_MAX + 1], *attr;

	attrs_nested(call, attrs, SIPALG_A_CALL_MAX);
	json_number("id", number_of(attrs[SIPALG_A_CALL_NUMBER]));
	json_bytes("call_id", attrs[SIPALG_A_CALL_NAME]);
	json_word("state", word_of(attrs[SIPALG_A_CALL_STATE]));
	json_bytes("from_tag", attrs[SIPALG_A_CALL_FROM_TAG]);
	json_bytes("to_tag", attrs[SIPALG_A_CALL_TO_TAG]);
	json_name("from", attrs[SIPALG_A_CALL_FROM]);
	json_name("to", attrs[SIPALG_A_CALL_TO]);
	json_word("transport", word_of(attrs[SIPALG_A_CALL_TRANSPORT]));
	json_number("talk_seconds", number_of(attrs[SIPALG_A_CALL_TALK]));
	json_endpoint("source", attrs[SIPALG_A_CALL_SOURCE]);
	json_endpoint("destination", attrs[SIPALG_A_CALL_DESTINATION]);
	if (attrs[SIPALG_A_CALL_SOURCE_WRITTEN])
		json_word("source_written", word_of(attrs[SIPALG_A_CALL_SOURCE_WRITTEN]));
	if (attrs[SIPALG_A_CALL_DESTINATION_WRITTEN])
		json_word("destination_written",
			  word_of(attrs[SIPALG_A_CALL_DESTINATION_WRITTEN]));
	json_number("age_seconds", number_of(attrs[SIPALG_A_CALL_AGE]));
	json_number("idle_seconds", number_of(attrs[SIPALG_A_CALL_IDLE]));
	json_number("session_interval_seconds",
		    number_of(attrs[SIPALG_A_CALL_SESSION_INTERVAL]));
	json_word("refresher", word_of(attrs[SIPALG_A_CALL_REFRESHER]));
	json_number("expires_in_seconds", number_of(attrs[SIPALG_A_CALL_EXPIRES]));
	json_open("media", '[');
	mnl_attr_for_each_nested(attr, call)
		if (mnl_attr_get_type(attr) == SIPALG_A_CALL_MEDIA)
			media_json(attr);
	json_close(']');
}

static void call_json(const struct nlmsghdr *nlh, const struct nlattr **top, bool whole,
		      bool ladder)
{
	json_open(NULL, '{');
	call_json_fields(top[SIPALG_A_CALL]);
	if (top[SIPALG_A_STATE_DUMP])
		state_dump_json(top[SIPALG_A_STATE_DUMP]);
	if (whole)
		call_flows_json(top[SIPALG_A_CALL]);
	if (ladder)
		ladder_json(nlh);
	json_close('}');
}

#define NAME_WIDTH	18

/* Who, or where from if nobody says. */
static void print_name(const struct nlattr *user, const struct nlattr *address)
{
	char name[NAME_TEXT], text[ENDPOINT_TEXT];

	name_text(user, name, sizeof(name));
	if (!*name)
		snprintf(name, sizeof(name), "%s", endpoint_text(address, text, sizeof(text)));
	print_safe(name, strlen(name), NAME_WIDTH);
	putchar(' ');
}

/* Of several streams the one that has the most to say. */
static const char *media_word(const struct nlattr *call)
{
	static const char * const words[] = { "waiting", "idle", "held", "flowing" };
	const struct nlattr *attrs[SIPALG_A_MEDIA_MAX + 1], *attr;
	size_t i, best = 0;
	bool any = false;

	mnl_attr_for_each_nested(attr, call) {
		if (mnl_attr_get_type(attr) != SIPALG_A_CALL_MEDIA)
			continue;
		attrs_nested(attr, attrs, SIPALG_A_MEDIA_MAX);
		any = true;
		for (i = best; i < ARRAY_SIZE(words); i++)
			if (!strcmp(words[i], word_of(attrs[SIPALG_A_MEDIA_STATE])))
				best = i;
	}
	return any ? words[best] : "none";
}

static void call_line(const struct nlattr *call, const struct nlattr **attrs)
{
	char talk[16];

	printf("%6u ", number_of(attrs[SIPALG_A_CALL_NUMBER]));
	print_name(attrs[SIPALG_A_CALL_FROM], attrs[SIPALG_A_CALL_SOURCE]);
	print_name(attrs[SIPALG_A_CALL_TO], attrs[SIPALG_A_CALL_DESTINATION]);
	printf("%-9s %-9s %-4s %s\n", word_of(attrs[SIPALG_A_CALL_STATE]),
	       attrs[SIPALG_A_CALL_TALK] ?
	       people_time(number_of(attrs[SIPALG_A_CALL_TALK]), talk, sizeof(talk)) : "",
	       word_of(attrs[SIPALG_A_CALL_TRANSPORT]), media_word(call));
}

static void media_lines(const struct nlattr *nest)
{
	const struct nlattr *attrs[SIPALG_A_MEDIA_MAX + 1];
	char text[ENDPOINT_TEXT], idle[16];

	attrs_nested(nest, attrs, SIPALG_A_MEDIA_MAX);
	printf("  %-8s %s, %s\n", word_of(attrs[SIPALG_A_MEDIA_KIND]),
	       word_of(attrs[SIPALG_A_MEDIA_STATE]),
	       people_time(number_of(attrs[SIPALG_A_MEDIA_IDLE]), idle, sizeof(idle)));
	printf("    private  %s\n",
	       endpoint_text(attrs[SIPALG_A_MEDIA_PRIVATE], text, sizeof(text)));
	printf("    public   %s, RTCP %u\n",
	       endpoint_text(attrs[SIPALG_A_MEDIA_PUBLIC], text, sizeof(text)),
	       number_of(attrs[SIPALG_A_MEDIA_RTCP]));
	if (attrs[SIPALG_A_MEDIA_PEER])
		printf("    peer     %s\n",
		       endpoint_text(attrs[SIPALG_A_MEDIA_PEER], text, sizeof(text)));
	if (attrs[SIPALG_A_MEDIA_PACKETS])
		printf("    passed   %llu packets, %llu bytes\n",
		       (unsigned long long)mnl_attr_get_u64(attrs[SIPALG_A_MEDIA_PACKETS]),
		       (unsigned long long)mnl_attr_get_u64(attrs[SIPALG_A_MEDIA_BYTES]));
}

static void print_bytes(const char *label, const struct nlattr *attr)
{
	printf("%-10s ", label);
	print_safe(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr), 0);
	putchar('\n');
}

/* @written: how it writes itself, if a NAT64 stands between; or NULL */
static void print_party(const char *label, const struct nlattr *user, const struct nlattr *address,
			const struct nlattr *written)
{
	char text[ENDPOINT_TEXT], name[NAME_TEXT];

	name_text(user, name, sizeof(name));
	printf("%-10s ", label);
	print_safe(name, strlen(name), 0);
	printf("%s%s", *name ? ", " : "", endpoint_text(address, text, sizeof(text)));
	if (written)
		printf(", writes itself %s", word_of(written));
	putchar('\n');
}

static void call_screen(const struct nlattr *call, const struct nlattr **attrs)
{
	char age[16], idle[16], left[16];
	uint32_t interval = number_of(attrs[SIPALG_A_CALL_SESSION_INTERVAL]);
	const struct nlattr *attr;

	printf("Call %u, %s\n", number_of(attrs[SIPALG_A_CALL_NUMBER]),
	       word_of(attrs[SIPALG_A_CALL_STATE]));
	print_bytes("Call-ID", attrs[SIPALG_A_CALL_NAME]);
	print_party("caller", attrs[SIPALG_A_CALL_FROM], attrs[SIPALG_A_CALL_SOURCE],
		    attrs[SIPALG_A_CALL_SOURCE_WRITTEN]);
	print_bytes("  tag", attrs[SIPALG_A_CALL_FROM_TAG]);
	print_party("callee", attrs[SIPALG_A_CALL_TO], attrs[SIPALG_A_CALL_DESTINATION],
		    attrs[SIPALG_A_CALL_DESTINATION_WRITTEN]);
	mnl_attr_for_each_nested(attr, call)
		if (mnl_attr_get_type(attr) == SIPALG_A_CALL_TO_TAG)
			print_bytes("  tag", attr);
	printf("transport  %s\n", word_of(attrs[SIPALG_A_CALL_TRANSPORT]));
	printf("age        %s, last message %s ago, ends in %s at the latest\n",
	       people_time(number_of(attrs[SIPALG_A_CALL_AGE]), age, sizeof(age)),
	       people_time(number_of(attrs[SIPALG_A_CALL_IDLE]), idle, sizeof(idle)),
	       people_time(number_of(attrs[SIPALG_A_CALL_EXPIRES]), left, sizeof(left)));
	if (interval)
		printf("session    %u s, refreshed by %s\n", interval,
		       word_of(attrs[SIPALG_A_CALL_REFRESHER]));
	puts("media");
	mnl_attr_for_each_nested(attr, call)
		if (mnl_attr_get_type(attr) == SIPALG_A_CALL_MEDIA)
			media_lines(attr);
}

/* How much of a call is wanted. */
struct view {
	bool screen;	/* all of it, not a line */
	enum ladder ladder;	/* its last messages, too */
	bool begun;	/* the list has its head */
};

/* Not before the kernel has answered: what it refuses is no empty list. */
static void begin_list(struct view *view)
{
	if (view->begun)
		return;
	view->begun = true;
	if (json_wanted)
		json_open(NULL, '[');
	else
		printf("%6s %-*s %-*s %-9s %-9s %-4s %s\n", "ID", NAME_WIDTH, "CALLER",
		       NAME_WIDTH, "CALLEE", "STATE", "TALK", "VIA", "MEDIA");
}

static void end_list(const struct view *view)
{
	if (!view->begun || !json_wanted)
		return;
	json_close(']');
	json_end();
}

static void show_call(const struct nlmsghdr *nlh, const struct nlattr **top,
		      const struct nlattr **attrs, const struct view *view)
{
	/* a diagram is for another program, and stands alone */
	if (view->ladder < LADDER_MERMAID) {
		call_screen(top[SIPALG_A_CALL], attrs);
		call_flows_print(top[SIPALG_A_CALL]);
		if (top[SIPALG_A_STATE_DUMP])
			state_dump_print_timers(top[SIPALG_A_STATE_DUMP]);
	}
	if (view->ladder)
		ladder_print(nlh, view->ladder, top[SIPALG_A_CALL]);
}

static int take_call(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *top[SIPALG_A_MAX + 1], *attrs[SIPALG_A_CALL_MAX + 1];
	struct view *view = data;

	attrs_of(nlh, top, SIPALG_A_MAX);
	if (!top[SIPALG_A_CALL])
		return MNL_CB_OK;
	attrs_nested(top[SIPALG_A_CALL], attrs, SIPALG_A_CALL_MAX);
	if (!view->screen)
		begin_list(view);
	if (json_wanted)
		call_json(nlh, top, view->screen, view->ladder);
	else if (view->screen)
		show_call(nlh, top, attrs, view);
	else
		call_line(top[SIPALG_A_CALL], attrs);
	return MNL_CB_OK;
}

static int put_address(struct request *request, char *text)
{
	char *slash = strchr(text, '/');
	struct in6_addr ip;
	uint32_t prefix;
	int len;

	if (slash)
		*slash = '\0';
	if (inet_pton(AF_INET, text, &ip) == 1)
		len = 4;
	else if (inet_pton(AF_INET6, text, &ip) == 1)
		len = 16;
	else
		return usage_error("%s is no address", text);
	mnl_attr_put(request->nlh, SIPALG_A_ADDRESS, len, &ip);
	if (!slash)
		return DONE;
	if (!read_number(slash + 1, len * 8, &prefix))
		return usage_error("The prefix length of an address is 0 to %d", len * 8);
	mnl_attr_put_u32(request->nlh, SIPALG_A_PREFIX, prefix);
	return DONE;
}

static int put_number(struct request *request, int attr, const char *name,
		      const char *text, uint32_t max)
{
	uint32_t value;

	if (!read_number(text, max, &value))
		return usage_error("%s wants a number from 0 to %u, not %s", name, max, text);
	mnl_attr_put_u32(request->nlh, attr, value);
	return DONE;
}

static int put_state(struct request *request, const char *state)
{
	static const char * const states[] = { "early", "confirmed", "held", "ending" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(states); i++)
		if (!strcmp(states[i], state)) {
			mnl_attr_put_strz(request->nlh, SIPALG_A_STATE, state);
			return DONE;
		}
	return usage_error("state is early, confirmed, held or ending, not %s", state);
}

static int put_filter(struct request *request, char *name, char *value)
{
	if (!strcmp(name, "call-id")) {
		mnl_attr_put(request->nlh, SIPALG_A_CALL_ID, strlen(value), value);
		return DONE;
	}
	if (!strcmp(name, "from") || !strcmp(name, "to") || !strcmp(name, "account")) {
		mnl_attr_put(request->nlh, *name == 'f' ? SIPALG_A_FROM :
			     *name == 't' ? SIPALG_A_TO : SIPALG_A_ACCOUNT,
			     strnlen(value, 64), value);
		return DONE;
	}
	if (!strcmp(name, "address"))
		return put_address(request, value);
	if (!strcmp(name, "port"))
		return put_number(request, SIPALG_A_PORT, name, value, 65535);
	if (!strcmp(name, "state"))
		return put_state(request, value);
	if (!strcmp(name, "older"))
		return put_number(request, SIPALG_A_OLDER, name, value, UINT32_MAX);
	if (!strcmp(name, "idle"))
		return put_number(request, SIPALG_A_IDLE, name, value, UINT32_MAX);
	return usage_error("There is no filter %s", name);
}

static int put_filters(struct request *request, int argc, char **argv)
{
	int i, status;

	if (argc % 2)
		return usage_error("The filter %s wants a value", argv[argc - 1]);
	for (i = 0; i < argc; i += 2) {
		if (strlen(argv[i + 1]) > 512)
			return usage_error("The value of %s is too long", argv[i]);
		if (given_before(argv, i))
			return usage_error("The filter %s is given twice", argv[i]);
		status = put_filter(request, argv[i], argv[i + 1]);
		if (status)
			return status;
	}
	return DONE;
}

static int list(int argc, char **argv)
{
	struct view view = {};
	struct request request;
	int status;

	request_init(&request, SIPALG_CMD_CALL_GET, true);
	status = put_filters(&request, argc, argv);
	if (status)
		return status;
	status = request_send(&request, take_call, &view);
	if (!status)
		begin_list(&view);
	end_list(&view);
	return status;
}

/* A number is the kernel's, and a Call-ID if no call has it; anything else a Call-ID. */
static bool put_id(struct request *request, const char *id, bool as_number)
{
	uint32_t number;

	if (as_number && *id != '0' && read_number(id, UINT32_MAX, &number)) {
		mnl_attr_put_u32(request->nlh, SIPALG_A_ID, number);
		return true;
	}
	mnl_attr_put(request->nlh, SIPALG_A_CALL_ID, strnlen(id, 512), id);
	return false;
}

/**
 * struct named - which call is meant
 * @id: a number, or a Call-ID
 * @call_id: it is a Call-ID, whatever it looks like
 */
struct named {
	const char *id;
	bool call_id;
};

/* `ID` or `call-id ID`; returns how many words that took, 0: neither. */
static int read_named(int argc, char **argv, struct named *named)
{
	if (!argc)
		return 0;
	named->call_id = argc > 1 && !strcmp(argv[0], "call-id");
	named->id = argv[named->call_id];
	return named->call_id + 1;
}

static int ask_named(uint8_t command, const struct named *named, mnl_cb_t answer, void *data)
{
	struct request request;
	bool number;
	int status;

	request_init(&request, command, false);
	number = put_id(&request, named->id, !named->call_id);
	request_quiet = number;
	status = request_send(&request, answer, data);
	request_quiet = false;
	if (status != REFUSED || !number)
		return status;
	/* again, for its words if for nothing else */
	request_init(&request, command, false);
	put_id(&request, named->id, request_errno != ENOENT);
	return request_send(&request, answer, data);
}

/* `--ladder`, `--mermaid` and `--svg`, the last two with the first or alone. */
static bool read_ladder(int argc, char **argv, enum ladder *ladder)
{
	int i;

	for (i = 0; i < argc; i++)
		if (!strcmp(argv[i], "--mermaid") && *ladder < LADDER_MERMAID)
			*ladder = LADDER_MERMAID;
		else if (!strcmp(argv[i], "--svg") && *ladder < LADDER_MERMAID)
			*ladder = LADDER_SVG;
		else if (!strcmp(argv[i], "--ladder") && *ladder == LADDER_NONE)
			*ladder = LADDER_TEXT;
		else
			return false;
	return true;
}

static int show(int argc, char **argv)
{
	struct view view = { .screen = true };
	struct named named;
	int taken = read_named(argc, argv, &named), status;

	if (!taken || !read_ladder(argc - taken, argv + taken, &view.ladder))
		return usage_error("call show wants one ID, and --ladder [--mermaid or --svg] if that is wanted");
	if (json_wanted && view.ladder > LADDER_TEXT)
		return usage_error("A diagram is no JSON");
	status = ask_named(SIPALG_CMD_CALL_GET, &named, take_call, &view);
	if (!status && json_wanted)
		json_end();
	return status;
}

static int take_count(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *top[SIPALG_A_MAX + 1];

	attrs_of(nlh, top, SIPALG_A_MAX);
	*(uint32_t *)data = number_of(top[SIPALG_A_COUNT]);
	return MNL_CB_OK;
}

static int end_all(int argc, char **argv, uint32_t *count)
{
	struct request request;
	int status;

	request_init(&request, SIPALG_CMD_CALL_END, false);
	mnl_attr_put(request.nlh, SIPALG_A_ALL, 0, NULL);
	status = put_filters(&request, argc, argv);
	return status ?: request_send(&request, take_count, count);
}

static int end_calls(int argc, char **argv)
{
	struct named named;
	uint32_t count = 0;
	int status;

	if (argc && !strcmp(argv[0], "--all"))
		status = end_all(argc - 1, argv + 1, &count);
	else if (argc && read_named(argc, argv, &named) == argc)
		status = ask_named(SIPALG_CMD_CALL_END, &named, take_count, &count);
	else
		return usage_error("call end wants one ID, or --all");
	if (!status)
		printf("%u call%s ended\n", count, count == 1 ? "" : "s");
	return status;
}

int call_command(int argc, char **argv)
{
	if (argc && !strcmp(argv[0], "list"))
		return list(argc - 1, argv + 1);
	if (argc && !strcmp(argv[0], "show"))
		return show(argc - 1, argv + 1);
	if (argc && !strcmp(argv[0], "end"))
		return end_calls(argc - 1, argv + 1);
	return usage_error("call has the commands list, show ID and end ID");
}
