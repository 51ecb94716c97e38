// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters in Prometheus' text format, for node_exporter's textfile collector:
 * a family with HELP and TYPE for each kind, what differs as labels.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "ctl.h"
#include "sipalg_version.h"

/**
 * struct family - a family of metrics, of a row of counters.def
 * @group: the counters' group
 * @name: of one counter, or NULL: each in the group is one of the family
 * @family: what Prometheus calls it; "": print_messages() does
 * @label: what tells them apart, or NULL
 * @gauge: it goes down as well
 * @help: for people
 */
static const struct family {
	const char *group;
	const char *name;
	const char *family;
	const char *label;
	bool gauge;
	const char *help;
} families[] = {
#define COUNTER(member, group, name, metric, help)	{ group, name, metric, NULL, false, help },
#define GAUGE(group, name, metric, help, value)		{ group, name, metric, NULL, true, help },
#define COUNTERS(group, metric, label, help)		{ group, NULL, metric, label, false, help },
#include "../../src/core/counters.def"
};

/* A row without one of these does not compile; nor does one without a metric's label. */
#define COUNTER(member, group, name, metric, help)					\
	static_assert(sizeof(name "") > 1 && sizeof(metric "") > 1 && sizeof(help "") > 1,	\
		      "a counter has a name, a metric and help");
#define GAUGE(group, name, metric, help, value)	COUNTER(value, group, name, metric, help)
#define COUNTERS(group, metric, label, help)						\
	static_assert(sizeof(group "") > 1 && sizeof(help "") > 1 &&			\
		      (sizeof(metric "") > 1) == (sizeof(label "") > 1),		\
		      "counters have a group, help, and a label in the metric");
#include "../../src/core/counters.def"

static void head(const char *family, bool gauge, const char *help)
{
	printf("# HELP %s %s\n# TYPE %s %s\n", family, help, family, gauge ? "gauge" : "counter");
}

static void print_family(const struct family *family)
{
	const char *name;
	uint64_t value;
	unsigned int i;

	head(family->family, family->gauge, family->help);
	for (i = 0; stats_each(i, family->group, &name, &value); i++) {
		if (family->name && strcmp(family->name, name))
			continue;
		if (family->label)
			printf("%s{%s=\"%s\"} %llu\n", family->family, family->label, name,
			       (unsigned long long)value);
		else
			printf("%s %llu\n", family->family, (unsigned long long)value);
	}
}

static bool is_class(const char *word)
{
	return word[0] >= '1' && word[0] <= '6' && !strcmp(word + 1, "xx");
}

/* `messages.INVITE`: new and retransmitted; responses by their class. */
static void print_messages(const char *family, const char *label, bool responses, const char *help)
{
	const char *group, *name;
	uint64_t value;
	unsigned int i;

	head(family, false, help);
	for (i = 0; stats_at(i, &group, &name, &value); i++)
		if (!strncmp(group, "messages.", 9) && is_class(group + 9) == responses)
			printf("%s{%s=\"%s\",retransmitted=\"%s\"} %llu\n", family, label, group + 9,
			       strcmp(name, "new") ? "true" : "false", (unsigned long long)value);
}

static bool is_known(const char *group, const char *name)
{
	size_t i;

	if (!strncmp(group, "messages.", 9))
		return true;
	for (i = 0; i < ARRAY_SIZE(families); i++)
		if (!strcmp(families[i].group, group) &&
		    (!families[i].name || !strcmp(families[i].name, name)))
			return true;
	return false;
}

/* What a newer module counts, too, has a name that follows from its own. */
static void print_others(void)
{
	const char *group, *name;
	char family[96], *at;
	uint64_t value;
	unsigned int i;

	for (i = 0; stats_at(i, &group, &name, &value); i++) {
		if (is_known(group, name))
			continue;
		snprintf(family, sizeof(family), "sipalg_%s%s%s%s", group,
			 *group ? "_" : "", name, stats_is_gauge(i) ? "" : "_total");
		for (at = family; *at; at++)
			if (*at == '.' || *at == '-')
				*at = '_';
		head(family, stats_is_gauge(i), "A counter of this module; see sipalg-ctl stats show.");
		printf("%s %llu\n", family, (unsigned long long)value);
	}
}

void prometheus_print(void)
{
	size_t i;

	head("sipalg_build_info", true, "Version of sipalg-ctl.");
	printf("sipalg_build_info{version=\"%s\"} 1\n", SIPALG_VERSION);
	for (i = 0; i < ARRAY_SIZE(families); i++)
		if (*families[i].family)
			print_family(&families[i]);
	print_messages("sipalg_messages_total", "method", false, "Requests, by method.");
	print_messages("sipalg_responses_total", "class", true,
		       "Responses, by class of their status.");
	print_others();
}
