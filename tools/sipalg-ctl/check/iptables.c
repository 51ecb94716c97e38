// SPDX-License-Identifier: GPL-2.0-only
/* Rule sets as iptables-save and its likes tell them. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check/firewall.h"
#include "ctl.h"

#define MOST_WORDS	128

struct reader {
	struct firewall *fw;
	uint8_t family;
	enum fw_tool tool;
	struct fw_table *table;	/* NULL: it has been read before */
	const char *name;
};

static const struct {
	const char *name;
	enum fw_hook hook;
} hooks[] = {
	{ "PREROUTING", FW_PREROUTING }, { "FORWARD", FW_FORWARD },
	{ "POSTROUTING", FW_POSTROUTING }, { "INPUT", FW_OTHER }, { "OUTPUT", FW_OTHER },
};

static int priority_of(const char *table, enum fw_hook hook)
{
	if (!strcmp(table, "raw"))
		return -300;
	if (!strcmp(table, "mangle"))
		return -150;
	if (!strcmp(table, "nat"))
		return hook == FW_PREROUTING ? -100 : 100;
	return !strcmp(table, "security") ? 50 : 0;
}

static bool is_there(const struct reader *r)
{
	const struct fw_table *table;

	for (table = r->fw->tables; table; table = table->next)
		if (table->tool == r->tool && table->family == r->family &&
		    !strcmp(table->name, r->name))
			return true;
	return false;
}

/* What iptables has put into nftables nft shows as well, without what its matches say. */
static void take_over(struct reader *r)
{
	struct fw_table *table;

	for (table = r->fw->tables; table; table = table->next)
		if (table->tool == FW_NFT && table->family == r->family &&
		    !strcmp(table->name, r->name))
			table->family = 255;
}

static void begin_table(struct reader *r, const char *name)
{
	r->name = must(strdup(name));
	r->table = NULL;
	if (is_there(r))
		return;
	if (r->tool == FW_IPTABLES)
		take_over(r);
	r->table = fw_table_add(r->fw, r->tool, r->family, r->name);
}

/* `:FORWARD DROP [0:0]` */
static void begin_chain(struct reader *r, const char *line)
{
	char name[128], policy[32];
	struct fw_chain *chain;
	size_t i;

	if (!r->table || sscanf(line, "%127s %31s", name, policy) != 2)
		return;
	chain = fw_chain_add(r->table, must(strdup(name)));
	if (!strcmp(policy, "-"))
		return;
	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		if (!strcmp(hooks[i].name, name))
			chain->hook = hooks[i].hook;
	chain->priority = priority_of(r->name, chain->hook);
	chain->nat = !strcmp(r->name, "nat");
	chain->drops = !strcmp(policy, "DROP");
}

/* Words as a shell would have them; the line is cut up. */
static int split(char *line, char **words)
{
	int count = 0;

	while (count < MOST_WORDS - 1) {
		while (isspace((unsigned char)*line))
			line++;
		if (!*line)
			break;
		if (*line == '"') {
			words[count++] = ++line;
			while (*line && *line != '"')
				line += *line == '\\' && line[1] ? 2 : 1;
		} else {
			words[count++] = line;
			while (*line && !isspace((unsigned char)*line))
				line++;
		}
		if (*line)
			*line++ = '\0';
	}
	words[count] = NULL;
	return count;
}

static struct fw_match *demand(struct fw_rule *rule, enum fw_field field, bool negated)
{
	struct fw_match *match = fw_match_add(rule, field);

	match->negated = negated;
	return match;
}

/* An interface's last '+' is what nft writes as '*'. */
static void demand_interface(struct fw_rule *rule, enum fw_field field, bool negated, char *name)
{
	size_t len = strlen(name);

	if (len && name[len - 1] == '+')
		name[len - 1] = '*';
	fw_tuple_add(demand(rule, field, negated))->value[0].text = must(strdup(name));
}

static void demand_texts(struct fw_rule *rule, enum fw_field field, bool negated, char *list)
{
	struct fw_match *match = demand(rule, field, negated);
	char *word;

	for (word = strtok(list, ","); word; word = strtok(NULL, ","))
		fw_tuple_add(match)->value[0].text = must(strdup(word));
}

static void demand_ports(struct fw_rule *rule, enum fw_field field, bool negated, char *list)
{
	struct fw_match *match = demand(rule, field, negated);
	unsigned int low, high;
	char *word, *colon;

	for (word = strtok(list, ","); word; word = strtok(NULL, ",")) {
		colon = strchr(word, ':');
		low = atoi(word);
		high = colon ? (colon[1] ? atoi(colon + 1) : 65535) : (int)low;
		fw_tuple_add(match)->value[0].range = fw_number(low, high);
	}
}

static void demand_addresses(struct fw_rule *rule, enum fw_field field, bool negated, char *list)
{
	struct fw_match *match = demand(rule, field, negated);
	struct fw_range range;
	char *word;

	for (word = strtok(list, ","); word; word = strtok(NULL, ","))
		if (fw_range_read(word, &range))
			fw_tuple_add(match)->value[0].range = range;
}

/* What an option asks of a packet, by the option's last name; form tells how. */
static const struct {
	const char *option;
	enum fw_field field;
	char form;	/* i interface, a addresses, p ports, t texts, l protocol */
} options[] = {
	{ "-i", FW_IIF, 'i' }, { "--in-interface", FW_IIF, 'i' },
	{ "-o", FW_OIF, 'i' }, { "--out-interface", FW_OIF, 'i' },
	{ "-s", FW_SADDR, 'a' }, { "--source", FW_SADDR, 'a' }, { "--src-range", FW_SADDR, 'a' },
	{ "-d", FW_DADDR, 'a' }, { "--destination", FW_DADDR, 'a' },
	{ "--dst-range", FW_DADDR, 'a' },
	{ "-p", FW_PROTO, 'l' }, { "--protocol", FW_PROTO, 'l' },
	{ "--dport", FW_DPORT, 'p' }, { "--dports", FW_DPORT, 'p' },
	{ "--destination-port", FW_DPORT, 'p' },
	{ "--sport", FW_SPORT, 'p' }, { "--sports", FW_SPORT, 'p' },
	{ "--ctstate", FW_STATE, 't' }, { "--state", FW_STATE, 't' },
	{ "--ctstatus", FW_STATUS, 't' }, { "--ctdir", FW_DIRECTION, 't' },
	{ "--dst-type", FW_DTYPE, 't' }, { "--helper", FW_HELPER, 't' },
};

/* Those that ask nothing which decides; and how many words belong to them. */
static const struct {
	const char *option;
	int words;
} idle[] = {
	{ "-m", 1 }, { "--match", 1 }, { "--comment", 1 }, { "--log-prefix", 1 },
	{ "--log-level", 1 }, { "--reject-with", 1 }, { "--nflog-prefix", 1 },
	{ "--nflog-group", 1 }, { "--set-mark", 1 }, { "--set-xmark", 1 }, { "--restore-mark", 0 },
	{ "--save-mark", 0 }, { "--random", 0 }, { "--random-fully", 0 }, { "--persistent", 0 },
	{ "--clamp-mss-to-pmtu", 0 }, { "-c", 2 }, { "-f", 0 }, { "--zone", 1 },
	{ "--zone-orig", 1 },
	{ "--zone-reply", 1 }, { "--hw", 0 }, { "--ctevents", 1 }, { "--log-uid", 0 },
	{ "--log-ip-options", 0 }, { "--log-tcp-options", 0 }, { "--log-tcp-sequence", 0 },
	{ "--queue-num", 1 }, { "--queue-balance", 1 }, { "--queue-bypass", 0 }, { "--timeout", 1 },
};

static int idle_words(const char *option)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(idle); i++)
		if (!strcmp(idle[i].option, option))
			return idle[i].words;
	return -1;
}

static void demand_option(struct fw_rule *rule, size_t i, bool negated, char *value)
{
	struct fw_match *match;

	switch (options[i].form) {
	case 'i':
		demand_interface(rule, options[i].field, negated, value);
		break;
	case 'a':
		demand_addresses(rule, options[i].field, negated, value);
		break;
	case 'p':
		demand_ports(rule, options[i].field, negated, value);
		break;
	case 'l':
		if (!strcmp(value, "all"))
			break;
		match = demand(rule, options[i].field, negated);
		fw_tuple_add(match)->value[0].range =
			fw_number(fw_protocol(value), fw_protocol(value));
		break;
	default:
		demand_texts(rule, options[i].field, negated, value);
	}
}

static void read_ports(struct fw_rule *rule, const char *text)
{
	unsigned int low, high;

	rule->has_ports = true;
	if (sscanf(text, "%u-%u", &low, &high) != 2) {
		low = atoi(text);
		high = low;
	}
	rule->ports = fw_number(low, high);
}

/* `203.0.113.1-203.0.113.5:1024-2000`, `[2001:db8::1]:80` */
static void read_to(struct fw_rule *rule, char *text)
{
	char *colon = text[0] == '[' ? strstr(text, "]:") : strchr(text, ':');

	if (text[0] == '[') {
		text++;
		text[strcspn(text, "]")] = '\0';
		colon = colon ? colon + 1 : NULL;
	} else if (colon && strchr(colon + 1, ':')) {
		colon = NULL;	/* IPv6 without a port */
	}
	if (colon) {
		*colon = '\0';
		read_ports(rule, colon + 1);
	}
	fw_range_read(text, &rule->addr);
}

static void read_target(struct fw_rule *rule, const struct fw_table *table, const char *name,
			bool go)
{
	static const struct {
		const char *name;
		enum fw_verdict verdict;
		enum fw_nat nat;
	} targets[] = {
		{ "ACCEPT", FW_ACCEPT, 0 }, { "DROP", FW_DROP, 0 }, { "REJECT", FW_DROP, 0 },
		{ "RETURN", FW_RETURN, 0 }, { "QUEUE", FW_QUEUE, 0 }, { "NFQUEUE", FW_QUEUE, 0 },
		{ "MASQUERADE", FW_ACCEPT, FW_MASQUERADE }, { "SNAT", FW_ACCEPT, FW_SNAT },
		{ "DNAT", FW_ACCEPT, FW_DNAT }, { "REDIRECT", FW_ACCEPT, FW_REDIRECT },
		{ "NETMAP", FW_ACCEPT, FW_SNAT },
	};
	size_t i;

	if (fw_chain_find(table, name)) {
		rule->verdict = go ? FW_GOTO : FW_JUMP;
		rule->target = must(strdup(name));
		return;
	}
	rule->notrack = !strcmp(name, "NOTRACK");
	rule->offload = !strcmp(name, "FLOWOFFLOAD");
	for (i = 0; i < ARRAY_SIZE(targets); i++)
		if (!strcmp(targets[i].name, name)) {
			rule->verdict = targets[i].verdict;
			rule->nat = targets[i].nat;
		}
}

/* Options of targets; returns how many words were theirs, -1: it is none. */
static int target_option(struct fw_rule *rule, const char *target, char **words)
{
	if (!strcmp(words[0], "--notrack")) {
		rule->notrack = true;
		return 0;
	}
	if (!target || !words[1])
		return -1;
	if (!strcmp(words[0], "--helper") && !strcmp(target, "CT"))
		rule->helper = must(strdup(words[1]));
	else if (!strcmp(words[0], "--to-ports"))
		read_ports(rule, words[1]);
	else if (!strcmp(words[0], "--to-source") || !strcmp(words[0], "--to-destination"))
		read_to(rule, words[1]);
	else
		return -1;
	return 1;
}

static int match_option(struct fw_rule *rule, bool negated, char **words)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (!strcmp(options[i].option, words[0]) && words[1]) {
			demand_option(rule, i, negated, words[1]);
			return 1;
		}
	return -1;
}

/* An option that is not known may be true or not, once for all of its words. */
static int unknown_option(struct fw_rule *rule, const char *target, char **words)
{
	int taken = 0;

	if (!target)
		fw_match_add(rule, FW_UNKNOWN);
	while (words[taken + 1] && words[taken + 1][0] != '-' && strcmp(words[taken + 1], "!"))
		taken++;
	return taken;
}

static void read_options(struct fw_rule *rule, const struct fw_table *table, char **words)
{
	const char *target = NULL;
	bool negated = false;
	int taken;

	for (; *words; words += taken + 1) {
		taken = 0;
		if (!strcmp(*words, "!")) {
			negated = true;
			continue;
		}
		if ((!strcmp(*words, "-j") || !strcmp(*words, "-g")) && words[1]) {
			target = words[1];
			read_target(rule, table, target, words[0][1] == 'g');
			taken = 1;
			continue;
		}
		taken = idle_words(*words);
		if (taken < 0)
			taken = target_option(rule, target, words);
		if (taken < 0)
			taken = match_option(rule, negated, words);
		if (taken < 0)
			taken = unknown_option(rule, target, words);
		negated = false;
	}
}

static void take_rule(struct reader *r, char *line)
{
	char *words[MOST_WORDS];
	struct fw_chain *chain;
	struct fw_rule *rule;
	const char *text = must(strdup(line));

	if (!r->table || split(line, words) < 2)
		return;
	chain = fw_chain_find(r->table, words[1]);
	if (!chain)
		return;
	rule = must(calloc(1, sizeof(*rule)));
	rule->text = text;
	read_options(rule, r->table, words + 2);
	fw_rule_add(chain, rule);
}

/* `# Generated by ip6tables-save v1.8.9 (nf_tables) on ...` begins each table. */
static void take_comment(struct reader *r, const char *line)
{
	if (!strstr(line, "tables-save") && !strstr(line, "tables-nft-save") &&
	    !strstr(line, "tables-legacy-save"))
		return;
	if (!strstr(line, "enerated by"))
		return;
	r->family = strstr(line, "ip6tables") ? AF_INET6 : AF_INET;
	r->tool = strstr(line, "nf_tables") ? FW_IPTABLES : FW_IPTABLES_LEGACY;
}

static void take_line(struct reader *r, char *line)
{
	switch (line[0]) {
	case '#':
		take_comment(r, line);
		break;
	case '*':
		r->fw->known = true;
		begin_table(r, line + 1);
		break;
	case ':':
		begin_chain(r, line + 1);
		break;
	case '[':	/* counters before the rule */
		line += strcspn(line, " ");
		take_rule(r, line + strspn(line, " "));
		break;
	case '-':
		take_rule(r, line);
		break;
	}
}

bool iptables_read(struct firewall *fw, const char *text)
{
	struct reader r = { .fw = fw, .family = AF_INET, .tool = FW_IPTABLES_LEGACY };
	char *copy = must(strdup(text)), *line, *end;

	for (line = copy; line && *line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		take_line(&r, line);
	}
	free(copy);
	return true;
}
