// SPDX-License-Identifier: GPL-2.0-only
/* sipalg-ctl stats, and the summary that stands for no command at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ctl.h"

#define MOST_COUNTERS	256

static struct counter {
	char group[32];
	char name[32];
	uint64_t value;
	bool gauge;
} counters[MOST_COUNTERS];
static unsigned int counter_count;

static int take_counter(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *top[SIPALG_A_MAX + 1], *attrs[SIPALG_A_COUNTER_MAX + 1];
	struct counter *counter = &counters[counter_count];

	(void)data;
	attrs_of(nlh, top, SIPALG_A_MAX);
	if (!top[SIPALG_A_COUNTER] || counter_count == MOST_COUNTERS)
		return MNL_CB_OK;
	attrs_nested(top[SIPALG_A_COUNTER], attrs, SIPALG_A_COUNTER_MAX);
	snprintf(counter->group, sizeof(counter->group), "%s",
		 mnl_attr_get_str(attrs[SIPALG_A_COUNTER_GROUP]));
	snprintf(counter->name, sizeof(counter->name), "%s",
		 mnl_attr_get_str(attrs[SIPALG_A_COUNTER_NAME]));
	counter->value = mnl_attr_get_u64(attrs[SIPALG_A_COUNTER_VALUE]);
	counter->gauge = mnl_attr_get_u32(attrs[SIPALG_A_COUNTER_KIND]) ==
			 SIPALG_COUNTER_KIND_GAUGE;
	counter_count++;
	return MNL_CB_OK;
}

int stats_load(void)
{
	struct request request;

	counter_count = 0;
	request_init(&request, SIPALG_CMD_STATS_GET, true);
	return request_send(&request, take_counter, NULL);
}

uint64_t stats_value(const char *group, const char *name)
{
	unsigned int i;

	for (i = 0; i < counter_count; i++)
		if (!strcmp(counters[i].group, group) &&
		    !strcmp(counters[i].name, name))
			return counters[i].value;
	return 0;
}

bool stats_each(unsigned int number, const char *group, const char **name,
		uint64_t *value)
{
	unsigned int i;

	for (i = 0; i < counter_count; i++) {
		if (strcmp(counters[i].group, group) || number--)
			continue;
		*name = counters[i].name;
		*value = counters[i].value;
		return true;
	}
	return false;
}

bool stats_at(unsigned int i, const char **group, const char **name, uint64_t *value)
{
	if (i >= counter_count)
		return false;
	*group = counters[i].group;
	*name = counters[i].name;
	*value = counters[i].value;
	return true;
}

bool stats_is_gauge(unsigned int i)
{
	return counters[i].gauge;
}

/* Is this the first counter of its group at this depth? */
static bool seen_before(unsigned int i, size_t len)
{
	unsigned int j;

	for (j = 0; j < i; j++)
		if (!strncmp(counters[j].group, counters[i].group, len) &&
		    (counters[j].group[len] == '.' || !counters[j].group[len]))
			return true;
	return false;
}

/* All counters whose group is @path, then the groups below it. */
static void group_json(const char *path)
{
	size_t len = strlen(path);
	unsigned int i;

	for (i = 0; i < counter_count; i++)
		if (!strcmp(counters[i].group, path))
			json_number(counters[i].name, counters[i].value);
	for (i = 0; i < counter_count; i++) {
		const char *group = counters[i].group;
		const char *below = group + len + (len ? 1 : 0);
		char key[32];

		if (strncmp(group, path, len) || !*group || strlen(group) <= len ||
		    (len && group[len] != '.'))
			continue;
		snprintf(key, sizeof(key), "%.*s", (int)strcspn(below, "."), below);
		if (seen_before(i, below - group + strlen(key)))
			continue;
		json_open(key, '{');
		snprintf(key, sizeof(key), "%.*s",
			 (int)(below - group + strcspn(below, ".")), group);
		group_json(key);
		json_close('}');
	}
}

static void show_text(void)
{
	unsigned int i;

	for (i = 0; i < counter_count; i++)
		if (counters[i].value)
			printf("%-32s %-20s %12llu\n", counters[i].group,
			       counters[i].name,
			       (unsigned long long)counters[i].value);
}

static int show(bool prometheus)
{
	int status = stats_load();

	if (status)
		return status;
	if (prometheus) {
		prometheus_print();
	} else if (json_wanted) {
		json_open(NULL, '{');
		group_json("");
		json_close('}');
		json_end();
	} else {
		show_text();
	}
	return DONE;
}

int stats_command(int argc, char **argv)
{
	struct request request;

	if (argc == 1 && !strcmp(argv[0], "show"))
		return show(false);
	if (argc == 2 && !strcmp(argv[0], "show") && !strcmp(argv[1], "--prometheus"))
		return show(true);
	if (argc == 1 && !strcmp(argv[0], "reset")) {
		request_init(&request, SIPALG_CMD_STATS_RESET, false);
		return request_send(&request, NULL, NULL);
	}
	return usage_error("stats has the commands show and reset");
}

uint64_t stats_sum(const char *group)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < counter_count; i++)
		if (!strncmp(counters[i].group, group, strlen(group)))
			sum += counters[i].value;
	return sum;
}

int summary(void)
{
	int status = stats_load();

	if (status)
		return status;
	if (json_wanted) {
		json_open(NULL, '{');
		group_json("");
		json_close('}');
		json_end();
		return DONE;
	}
	printf("calls          %llu now, %llu at most, %llu in all\n",
	       (unsigned long long)stats_value("calls", "active"),
	       (unsigned long long)stats_value("calls", "peak"),
	       (unsigned long long)stats_value("calls", "total"));
	printf("registrations  %llu\n",
	       (unsigned long long)stats_value("", "registrations"));
	printf("pinholes       %llu open, %llu opened in all\n",
	       (unsigned long long)stats_value("pinholes", "open"),
	       (unsigned long long)stats_value("pinholes", "opened"));
	printf("messages       %llu: %llu translated, %llu unchanged on doubt, %llu dropped\n",
	       (unsigned long long)stats_sum("messages"),
	       (unsigned long long)stats_value("", "translated"),
	       (unsigned long long)stats_sum("passed_unchanged"),
	       (unsigned long long)stats_sum("dropped"));
	if (!stats_sum("messages"))
		explain_silence();
	return DONE;
}
