// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters in Prometheus' text format, for node_exporter's textfile collector:
 * a family with HELP and TYPE for each kind, what differs as labels.
 */
#include <stdio.h>
#include <string.h>
#include "ctl.h"
#include "sipalg_version.h"

/**
 * struct family - a family of metrics
 * @group: the counters' group, or its beginning with a last '.'
 * @name: of one counter, or NULL: each in the group is one of the family
 * @family: what Prometheus calls it
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
	{ "calls", "active", "sipalg_calls", NULL, true, "Calls that are followed now." },
	{ "calls", "peak", "sipalg_calls_peak", NULL, true,
	  "Most calls at once since the last reset." },
	{ "calls", "total", "sipalg_calls_started_total", NULL, false, "Calls that have begun." },
	{ "calls.ended", NULL, "sipalg_calls_ended_total", "reason", false,
	  "Calls that have ended, by reason." },
	{ "pinholes", "open", "sipalg_pinholes", NULL, true, "Expectations that are open now." },
	{ "pinholes", "opened", "sipalg_pinholes_opened_total", NULL, false,
	  "Expectations opened." },
	{ "pinholes", "closed", "sipalg_pinholes_closed_total", NULL, false,
	  "Expectations closed." },
	{ "", "pinholes_kept", "sipalg_pinholes_kept", NULL, true,
	  "Expectations that calls and registrations keep, deleted by others or not." },
	{ "", "registrations", "sipalg_registrations", NULL, true,
	  "Registrations that are known now." },
	{ "", "translated", "sipalg_messages_translated_total", NULL, false,
	  "Messages that left with at least one byte changed." },
	{ "", "identity_changed", "sipalg_identity_changed_total", NULL, false,
	  "Messages with an Identity header whose signed fields were changed." },
	{ "", "memory_bytes", "sipalg_memory_bytes", NULL, true,
	  "Memory of calls, media and mappings." },
	{ "dropped", NULL, "sipalg_dropped_total", "reason", false,
	  "Messages dropped, by reason." },
	{ "passed_unchanged", NULL, "sipalg_passed_unchanged_total", "reason", false,
	  "Messages passed without translation, by reason." },
	{ "tcp", "messages", "sipalg_tcp_messages_total", NULL, false,
	  "Whole messages found in TCP streams." },
	{ "tcp", "split", "sipalg_tcp_split_messages_total", NULL, false,
	  "Messages that came in more than one segment." },
	{ "tcp", "foreign", "sipalg_tcp_foreign_connections_total", NULL, false,
	  "Directions of connections that do not carry SIP." },
	{ "tcp", "keepalives", "sipalg_tcp_keepalives_total", NULL, false,
	  "Keepalives in TCP streams." },
};

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
		snprintf(family, sizeof(family), "sipalg_%s%s%s_total", group,
			 *group ? "_" : "", name);
		for (at = family; *at; at++)
			if (*at == '.' || *at == '-')
				*at = '_';
		head(family, false, "A counter of this module; see sipalg-ctl stats show.");
		printf("%s %llu\n", family, (unsigned long long)value);
	}
}

void prometheus_print(void)
{
	size_t i;

	head("sipalg_build_info", true, "Version of sipalg-ctl.");
	printf("sipalg_build_info{version=\"%s\"} 1\n", SIPALG_VERSION);
	for (i = 0; i < ARRAY_SIZE(families); i++)
		print_family(&families[i]);
	print_messages("sipalg_messages_total", "method", false, "Requests, by method.");
	print_messages("sipalg_responses_total", "class", true,
		       "Responses, by class of their status.");
	print_others();
}
