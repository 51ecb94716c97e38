// SPDX-License-Identifier: GPL-2.0-only
/* For top: the calls with the most media since it last looked, the sources with the most calls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "busiest.h"
#include "ctl.h"

#define MOST_CALLS	4096	/* of more than that, some */
#define MOST_SOURCES	512

struct seen {
	uint32_t id;
	uint64_t packets;
	uint64_t new;		/* since the look before */
	char line[64];
};

struct source {
	char address[ENDPOINT_TEXT];
	unsigned int calls;
};

static struct seen now[MOST_CALLS], before[MOST_CALLS];
static unsigned int now_count, before_count;
static struct source sources[MOST_SOURCES];
static unsigned int source_count;

static int by_id(const void *a, const void *b)
{
	const struct seen *one = a, *other = b;

	return (one->id > other->id) - (one->id < other->id);
}

static int by_new(const void *a, const void *b)
{
	const struct seen *one = a, *other = b;

	return (one->new < other->new) - (one->new > other->new);
}

static int by_calls(const void *a, const void *b)
{
	const struct source *one = a, *other = b;

	return (int)other->calls - (int)one->calls;
}

static void count_source(const struct nlattr *endpoint)
{
	char text[ENDPOINT_TEXT], *port;
	unsigned int i;

	endpoint_text(endpoint, text, sizeof(text));
	port = strrchr(text, ':');
	if (port)
		*port = '\0';
	for (i = 0; i < source_count; i++)
		if (!strcmp(sources[i].address, text))
			break;
	if (i == MOST_SOURCES)
		return;
	if (i == source_count) {
		strcpy(sources[source_count].address, text);
		sources[source_count++].calls = 0;
	}
	sources[i].calls++;
}

static uint64_t packets_of(const struct nlattr *call)
{
	const struct nlattr *attrs[SIPALG_A_MEDIA_MAX + 1], *attr;
	uint64_t packets = 0;

	mnl_attr_for_each_nested(attr, call) {
		if (mnl_attr_get_type(attr) != SIPALG_A_CALL_MEDIA)
			continue;
		attrs_nested(attr, attrs, SIPALG_A_MEDIA_MAX);
		if (attrs[SIPALG_A_MEDIA_PACKETS])
			packets += mnl_attr_get_u64(attrs[SIPALG_A_MEDIA_PACKETS]);
	}
	return packets;
}

static void safe(char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
}

static int take_call(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *top[SIPALG_A_MAX + 1], *attrs[SIPALG_A_CALL_MAX + 1];
	struct seen key, *call = &now[now_count];
	char from[NAME_TEXT], to[NAME_TEXT];
	const struct seen *old;

	(void)data;
	attrs_of(nlh, top, SIPALG_A_MAX);
	if (!top[SIPALG_A_CALL])
		return MNL_CB_OK;
	attrs_nested(top[SIPALG_A_CALL], attrs, SIPALG_A_CALL_MAX);
	count_source(attrs[SIPALG_A_CALL_SOURCE]);
	if (now_count == MOST_CALLS)
		return MNL_CB_OK;
	call->id = number_of(attrs[SIPALG_A_CALL_NUMBER]);
	key.id = call->id;
	call->packets = packets_of(top[SIPALG_A_CALL]);
	old = bsearch(&key, before, before_count, sizeof(key), by_id);
	call->new = old && old->packets < call->packets ? call->packets - old->packets : 0;
	snprintf(call->line, sizeof(call->line), "%.20s -> %.20s",
		 name_text(attrs[SIPALG_A_CALL_FROM], from, sizeof(from)),
		 name_text(attrs[SIPALG_A_CALL_TO], to, sizeof(to)));
	safe(call->line);
	now_count++;
	return MNL_CB_OK;
}

int busiest_load(void)
{
	struct request request;
	int status;

	memcpy(before, now, now_count * sizeof(*now));
	before_count = now_count;
	qsort(before, before_count, sizeof(*before), by_id);
	now_count = 0;
	source_count = 0;
	request_init(&request, SIPALG_CMD_CALL_GET, true);
	status = request_send(&request, take_call, NULL);
	qsort(now, now_count, sizeof(*now), by_new);
	qsort(sources, source_count, sizeof(*sources), by_calls);
	return status;
}

bool busiest_call(unsigned int i, char *text, size_t size)
{
	if (i >= now_count || !now[i].new)
		return false;
	snprintf(text, size, "  %6u  %-43s %8llu packets", now[i].id, now[i].line,
		 (unsigned long long)now[i].new);
	return true;
}

bool busiest_source(unsigned int i, char *text, size_t size)
{
	if (i >= source_count)
		return false;
	snprintf(text, size, "  %-45s %10u calls", sources[i].address, sources[i].calls);
	return true;
}
