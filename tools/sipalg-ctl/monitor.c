// SPDX-License-Identifier: GPL-2.0-only
/* sipalg-ctl monitor: events as they happen. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "ctl.h"

/* Local time, to the millisecond. */
static void now(char *text, size_t size)
{
	struct timespec time;
	struct tm parts;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &time);
	localtime_r(&time.tv_sec, &parts);
	len = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text + len, size - len, ".%03ld", time.tv_nsec / 1000000);
}

static void endpoint_json(const char *key, const struct nlattr *nest)
{
	char text[ENDPOINT_TEXT];

	if (nest)
		json_word(key, endpoint_text(nest, text, sizeof(text)));
}

static void fields_json(const struct nlattr **top)
{
	if (top[SIPALG_A_REASON])
		json_word("reason", word_of(top[SIPALG_A_REASON]));
	if (top[SIPALG_A_ID])
		json_number("call", mnl_attr_get_u32(top[SIPALG_A_ID]));
	endpoint_json("source", top[SIPALG_A_SOURCE]);
	endpoint_json("destination", top[SIPALG_A_DESTINATION]);
	if (top[SIPALG_A_CALL])
		call_json_fields(top[SIPALG_A_CALL]);
	if (top[SIPALG_A_REGISTRATION])
		registration_json_fields(top[SIPALG_A_REGISTRATION]);
}

static void print_pair(const struct nlattr *from, const struct nlattr *to)
{
	char source[ENDPOINT_TEXT], destination[ENDPOINT_TEXT];

	printf(" %s -> %s", endpoint_text(from, source, sizeof(source)),
	       endpoint_text(to, destination, sizeof(destination)));
}

static void pinhole_json(const struct nlattr *nest)
{
	const struct nlattr *attrs[SIPALG_A_PINHOLE_MAX + 1];

	attrs_nested(nest, attrs, SIPALG_A_PINHOLE_MAX);
	json_word("protocol", word_of(attrs[SIPALG_A_PINHOLE_PROTOCOL]));
	endpoint_json("source", attrs[SIPALG_A_PINHOLE_SOURCE]);
	endpoint_json("destination", attrs[SIPALG_A_PINHOLE_DESTINATION]);
	endpoint_json("private", attrs[SIPALG_A_PINHOLE_PRIVATE]);
}

static void pinhole_text(const struct nlattr *nest)
{
	const struct nlattr *attrs[SIPALG_A_PINHOLE_MAX + 1];
	char private[ENDPOINT_TEXT];

	attrs_nested(nest, attrs, SIPALG_A_PINHOLE_MAX);
	printf(" %s", word_of(attrs[SIPALG_A_PINHOLE_PROTOCOL]));
	print_pair(attrs[SIPALG_A_PINHOLE_SOURCE], attrs[SIPALG_A_PINHOLE_DESTINATION]);
	printf(" (%s)", endpoint_text(attrs[SIPALG_A_PINHOLE_PRIVATE], private, sizeof(private)));
}

static const char *object_of(const struct nlattr **top)
{
	if (top[SIPALG_A_PINHOLE])
		return "pinhole";
	if (top[SIPALG_A_CALL])
		return "call";
	return top[SIPALG_A_REGISTRATION] ? "registration" : "message";
}

static void event_json(const char *time, const struct nlattr **top)
{
	json_open(NULL, '{');
	json_word("time", time);
	json_word("object", object_of(top));
	json_word("event", word_of(top[SIPALG_A_EVENT]));
	fields_json(top);
	if (top[SIPALG_A_PINHOLE])
		pinhole_json(top[SIPALG_A_PINHOLE]);
	json_close('}');
	json_end();
}

static void call_text(const struct nlattr *nest)
{
	const struct nlattr *attrs[SIPALG_A_CALL_MAX + 1];

	attrs_nested(nest, attrs, SIPALG_A_CALL_MAX);
	printf(" %u, %s,", mnl_attr_get_u32(attrs[SIPALG_A_CALL_NUMBER]),
	       word_of(attrs[SIPALG_A_CALL_STATE]));
	print_pair(attrs[SIPALG_A_CALL_SOURCE], attrs[SIPALG_A_CALL_DESTINATION]);
}

static void registration_text(const struct nlattr *nest)
{
	const struct nlattr *attrs[SIPALG_A_REGISTRATION_MAX + 1];

	attrs_nested(nest, attrs, SIPALG_A_REGISTRATION_MAX);
	print_pair(attrs[SIPALG_A_REGISTRATION_PRIVATE],
		   attrs[SIPALG_A_REGISTRATION_REGISTRAR]);
}

static void event_text(const char *time, const struct nlattr **top)
{
	printf("%s %s %s", strchr(time, 'T') + 1, object_of(top),
	       word_of(top[SIPALG_A_EVENT]));
	if (top[SIPALG_A_CALL])
		call_text(top[SIPALG_A_CALL]);
	if (top[SIPALG_A_PINHOLE])
		pinhole_text(top[SIPALG_A_PINHOLE]);
	if (top[SIPALG_A_REGISTRATION])
		registration_text(top[SIPALG_A_REGISTRATION]);
	if (top[SIPALG_A_SOURCE] && top[SIPALG_A_DESTINATION])
		print_pair(top[SIPALG_A_SOURCE], top[SIPALG_A_DESTINATION]);
	if (top[SIPALG_A_ID])
		printf(", call %u", mnl_attr_get_u32(top[SIPALG_A_ID]));
	if (top[SIPALG_A_REASON])
		printf(": %s", word_of(top[SIPALG_A_REASON]));
	putchar('\n');
}

/* How many were lost is not known when this socket had no room for them. */
static void tell_lost(const char *time, uint32_t count)
{
	if (json_wanted) {
		json_open(NULL, '{');
		json_word("time", time);
		json_word("object", "monitor");
		json_word("event", "lost");
		json_number("count", count);
		json_close('}');
		json_end();
	} else if (count) {
		printf("%s %u events were lost\n", strchr(time, 'T') + 1, count);
	} else {
		printf("%s events were lost\n", strchr(time, 'T') + 1);
	}
}

static int take_event(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *top[SIPALG_A_MAX + 1];
	static bool any;
	uint32_t *lost_before = data, lost_now;
	char time[40];

	now(time, sizeof(time));
	if (!nlh) {
		tell_lost(time, 0);
		return MNL_CB_OK;
	}
	attrs_of(nlh, top, SIPALG_A_MAX);
	lost_now = top[SIPALG_A_LOST] ? mnl_attr_get_u32(top[SIPALG_A_LOST]) : 0;
	if (any && lost_now != *lost_before)
		tell_lost(time, lost_now - *lost_before);
	any = true;
	*lost_before = lost_now;
	if (json_wanted)
		event_json(time, top);
	else
		event_text(time, top);
	return MNL_CB_OK;
}

int monitor_command(int argc, char **argv)
{
	uint32_t lost_before = 0;
	int status;

	if (argc)
		return usage_error("monitor does not know %s", argv[0]);
	json_pretty = false;	/* one object a line */
	status = events_join();
	while (!status && !fflush(stdout) && !ferror(stdout))
		status = event_next(take_event, &lost_before);
	return status;
}
