// SPDX-License-Identifier: GPL-2.0-only
/*
 * What sipalg-ctl check reads out of rule sets, as nft, iptables-save and
 * conntrack print them. On doubt nothing is found fault with.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"

#define TEXT_MAX	(16 << 20)

char *output_of(const char *command)
{
	FILE *pipe = popen(command, "re");
	size_t len = 0, size = 65536;
	char *text = malloc(size), *larger;

	while (pipe && text && len + 1 < size) {
		size_t got = fread(text + len, 1, size - len - 1, pipe);

		len += got;
		if (!got)
			break;
		if (len + 1 < size || size >= TEXT_MAX)
			continue;
		larger = realloc(text, size *= 2);
		if (!larger)
			break;
		text = larger;
	}
	if (!pipe || !text || (pclose(pipe) && !len)) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

/* One line of a text without what it begins with; false: there is no more. */
static bool next_line(const char **text, char *line, size_t size)
{
	const char *start = *text;
	size_t len;

	if (!start || !*start)
		return false;
	len = strcspn(start, "\n");
	*text = start + len + (start[len] == '\n');
	while (len && isblank((unsigned char)*start)) {
		start++;
		len--;
	}
	snprintf(line, size, "%.*s", (int)len, start);
	return true;
}

static bool begins(const char *line, const char *with)
{
	return !strncmp(line, with, strlen(with));
}

/* `ct helper OBJECT {` with `type "NAME"` within: is it OBJECT that is set? */
static bool nft_sets(const char *nft, const char *object)
{
	char line[LINE_MAX_LEN], quoted[256];
	const char *set;

	snprintf(quoted, sizeof(quoted), "\"%s\"", object);
	while (next_line(&nft, line, sizeof(line))) {
		set = strstr(line, "ct helper set");
		if (set && strstr(set, quoted))
			return true;
	}
	return false;
}

static bool nft_attaches(const char *nft, const char *name)
{
	char line[LINE_MAX_LEN], object[128] = "", type[160];
	const char *rest = nft;

	snprintf(type, sizeof(type), "type \"%s\"", name);
	while (next_line(&rest, line, sizeof(line))) {
		if (sscanf(line, "ct helper %127s {", object) == 1)
			continue;
		if (object[0] && begins(line, type) && nft_sets(nft, object))
			return true;
	}
	return false;
}

static bool ipt_attaches(const char *ipt, const char *name)
{
	char line[LINE_MAX_LEN], option[160];
	const char *found;

	snprintf(option, sizeof(option), "--helper %s", name);
	while (next_line(&ipt, line, sizeof(line))) {
		found = strstr(line, option);
		if (found && strstr(line, "-j CT") &&
		    !isgraph((unsigned char)found[strlen(option)]))
			return true;
	}
	return false;
}

bool rules_attach(const struct rules *rules, const char *name)
{
	return nft_attaches(rules->nft, name) || ipt_attaches(rules->ipt, name);
}

/* Does a rule let in what came by a pinhole? */
static bool accepts_related(const char *line, const char *name)
{
	char helper[160];

	if (!strstr(line, "accept") && !strstr(line, "ACCEPT"))
		return false;
	snprintf(helper, sizeof(helper), "ct helper \"%s\"", name);
	if (strstr(line, "related") || strstr(line, "RELATED") || strstr(line, helper) ||
	    strstr(line, "ct status expected"))
		return true;
	snprintf(helper, sizeof(helper), "--helper %s", name);
	return strstr(line, helper);
}

static bool any_accepts(const char *text, const char *name)
{
	char line[LINE_MAX_LEN];

	while (next_line(&text, line, sizeof(line)))
		if (accepts_related(line, name))
			return true;
	return false;
}

/* What a chain does with what none of its rules has named. */
struct chain {
	bool forward;
	bool closed;
	bool open;
	bool jumps;
};

static void read_rule(struct chain *chain, const char *line, const char *name)
{
	if (strstr(line, "hook forward"))
		chain->forward = true;
	if (strstr(line, "policy drop") || !strcmp(line, "drop") || begins(line, "reject") ||
	    (begins(line, "counter") && (strstr(line, " drop") || strstr(line, " reject"))))
		chain->closed = true;
	if (accepts_related(line, name))
		chain->open = true;
	if (strstr(line, "jump ") || strstr(line, "goto "))
		chain->jumps = true;
}

/* Of a chain that jumps, no more is asked than that some rule accepts. */
static bool nft_keeps_out(const char *nft, const char *name)
{
	const char *rest = nft;
	char line[LINE_MAX_LEN];
	struct chain chain = {};

	while (next_line(&rest, line, sizeof(line))) {
		if (begins(line, "chain ")) {
			memset(&chain, 0, sizeof(chain));
			continue;
		}
		if (strcmp(line, "}")) {
			read_rule(&chain, line, name);
			continue;
		}
		if (chain.forward && chain.closed && !chain.open &&
		    !(chain.jumps && any_accepts(nft, name)))
			return true;
		memset(&chain, 0, sizeof(chain));
	}
	return false;
}

bool rules_keep_out(const struct rules *rules, const char *name)
{
	return nft_keeps_out(rules->nft, name) ||
	       (rules->ipt && strstr(rules->ipt, ":FORWARD DROP") &&
		!any_accepts(rules->ipt, name));
}

bool rules_offload(const struct rules *rules)
{
	return rules->nft && (strstr(rules->nft, "flow add @") ||
			      strstr(rules->nft, "flow offload @"));
}

bool rules_bridge(const struct rules *rules)
{
	return rules->nft && strstr(rules->nft, "table bridge ");
}

static bool read_port(const char *line, unsigned int *port)
{
	const char *at = strstr(line, "dport=");

	return at && sscanf(at, "dport=%5u", port) == 1 && *port < 65536;
}

unsigned int offloaded_signalling(const char *connections, const char *name)
{
	static bool ours[65536];
	const char *rest = connections;
	char line[LINE_MAX_LEN], helper[160];
	unsigned int port;

	memset(ours, 0, sizeof(ours));
	ours[5060] = true;
	snprintf(helper, sizeof(helper), "helper=%s", name);
	while (next_line(&rest, line, sizeof(line)))
		if (strstr(line, helper) && read_port(line, &port))
			ours[port] = true;
	while (next_line(&connections, line, sizeof(line)))
		if (strstr(line, "OFFLOAD]") && !strstr(line, "helper=") &&
		    read_port(line, &port) && ours[port])
			return port;
	return 0;
}
