// SPDX-License-Identifier: GPL-2.0-only
/* Rule sets as `nft -j list ruleset` tells them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check/firewall.h"
#include "check/json.h"
#include "ctl.h"

/* A set or map by name, to be looked up when a rule names it. */
struct named {
	const struct json *object;
	struct named *next;
};

struct reader {
	struct firewall *fw;
	struct named *sets;
	struct fw_table *table;
	struct fw_chain *chain;
};

static uint8_t family_of(const char *name)
{
	if (!strcmp(name, "ip"))
		return AF_INET;
	if (!strcmp(name, "ip6"))
		return AF_INET6;
	if (!strcmp(name, "bridge"))
		return AF_BRIDGE;
	/* of netdev and arp no packet that is routed knows */
	return !strcmp(name, "inet") ? AF_UNSPEC : 255;
}

static struct fw_table *find_table(const struct firewall *fw, const struct json *object)
{
	uint8_t family = family_of(json_text(object, "family"));
	const char *name = json_text(object, json_get(object, "table") ? "table" : "name");
	struct fw_table *table;

	for (table = fw->tables; table; table = table->next)
		if (table->tool == FW_NFT && table->family == family && !strcmp(table->name, name))
			return table;
	return NULL;
}

static const struct json *find_set(const struct reader *r, const char *name)
{
	const struct named *set;

	for (set = r->sets; set; set = set->next)
		if (!strcmp(json_text(set->object, "name"), name) &&
		    find_table(r->fw, set->object) == r->table)
			return set->object;
	return NULL;
}

static bool has_flag(const struct json *object, const char *flag)
{
	const struct json *flags = json_get(object, "flags"), *one;

	for (one = flags ? flags->child : NULL; one; one = one->next)
		if (one->text && !strcmp(one->text, flag))
			return true;
	return false;
}

/* The members of an anonymous or named set or map. */
static const struct json *elements(const struct reader *r, const struct json *data, bool *more)
{
	const struct json *set;

	if (data->kind == JSON_STRING && data->text[0] == '@') {
		set = find_set(r, data->text + 1);
		*more = !set || has_flag(set, "dynamic") || has_flag(set, "timeout");
		set = json_get(set, "elem");
		return set ? set->child : NULL;
	}
	set = json_get(data, "set");
	if (!set)
		set = data;
	return set->kind == JSON_ARRAY ? set->child : set;
}

static enum fw_field meta_field(const char *key)
{
	if (!strcmp(key, "iifname") || !strcmp(key, "iif") || !strcmp(key, "ibrname"))
		return !strcmp(key, "ibrname") ? FW_UNKNOWN : FW_IIF;
	if (!strcmp(key, "oifname") || !strcmp(key, "oif"))
		return FW_OIF;
	if (!strcmp(key, "l4proto"))
		return FW_PROTO;
	return !strcmp(key, "nfproto") || !strcmp(key, "protocol") ? FW_NFPROTO : FW_UNKNOWN;
}

static enum fw_field ct_field(const struct json *ct)
{
	const char *key = json_text(ct, "key");

	if (!strcmp(key, "state"))
		return FW_STATE;
	if (!strcmp(key, "status"))
		return FW_STATUS;
	if (!strcmp(key, "helper"))
		return FW_HELPER;
	return !strcmp(key, "direction") ? FW_DIRECTION : FW_UNKNOWN;
}

static void demand_number(struct fw_rule *rule, enum fw_field field, uint32_t number)
{
	fw_tuple_add(fw_match_add(rule, field))->value[0].range = fw_number(number, number);
}

/* A field of a header is only there where that header is. */
static enum fw_field payload_field(struct fw_rule *rule, const struct json *payload)
{
	const char *protocol = json_text(payload, "protocol"), *field = json_text(payload, "field");
	bool six = !strcmp(protocol, "ip6");

	if (!strcmp(protocol, "ether"))
		return !strcmp(field, "type") ? FW_NFPROTO : FW_UNKNOWN;
	if (!strcmp(protocol, "ip") || six) {
		demand_number(rule, FW_NFPROTO, six ? AF_INET6 : AF_INET);
		if (!strcmp(field, "saddr"))
			return FW_SADDR;
		if (!strcmp(field, "daddr"))
			return FW_DADDR;
		return !strcmp(field, "protocol") || !strcmp(field, "nexthdr") ?
			FW_PROTO : FW_UNKNOWN;
	}
	if (!*protocol)
		return FW_UNKNOWN;
	if (strcmp(protocol, "th"))
		demand_number(rule, FW_PROTO, fw_protocol(protocol));
	if (!strcmp(field, "sport"))
		return FW_SPORT;
	return !strcmp(field, "dport") ? FW_DPORT : FW_UNKNOWN;
}

static bool has(const struct json *object, const char *key, const struct json **part)
{
	*part = json_get(object, key);
	return *part;
}

static enum fw_field field_of(struct fw_rule *rule, const struct json *left)
{
	const struct json *part;

	if (has(left, "meta", &part))
		return meta_field(json_text(part, "key"));
	if (has(left, "ct", &part))
		return ct_field(part);
	if (has(left, "payload", &part))
		return payload_field(rule, part);
	part = json_get(left, "fib");
	if (part && !strcmp(json_text(part, "result"), "type") && json_get(part, "flags") &&
	    json_get(part, "flags")->child &&
	    !strcmp(json_get(part, "flags")->child->text ?: "", "daddr"))
		return FW_DTYPE;
	return FW_UNKNOWN;
}

/* An expression, or several that are looked at together. */
static void read_left(struct fw_rule *rule, struct fw_match *match, const struct json *left)
{
	const struct json *concat = json_get(left, "concat"), *one;

	match->fields = 0;
	for (one = concat ? concat->child : left; one; one = concat ? one->next : NULL) {
		if (match->fields == FW_MOST_FIELDS) {
			match->field[0] = FW_UNKNOWN;
			return;
		}
		match->field[match->fields++] = field_of(rule, one);
	}
	/* one that nobody knows makes the whole unknown, where it is negated too */
	if (match->fields == 1 && match->field[0] == FW_UNKNOWN)
		match->negated = false;
}

static uint32_t nfproto(const char *text)
{
	if (!strcmp(text, "ipv4") || !strcmp(text, "ip"))
		return AF_INET;
	return !strcmp(text, "ipv6") || !strcmp(text, "ip6") ? AF_INET6 : 255;
}

static uint32_t number_of_json(enum fw_field field, const struct json *value)
{
	if (value->kind == JSON_NUMBER)
		return value->number;
	if (value->kind != JSON_STRING)
		return 0;
	if (field == FW_NFPROTO)
		return nfproto(value->text);
	return field == FW_PROTO ? fw_protocol(value->text) : (uint32_t)atoi(value->text);
}

static void range_of_addresses(const struct json *value, struct fw_range *range)
{
	const struct json *part = json_get(value, "prefix");
	char text[128];

	if (part && json_get(part, "len")) {
		snprintf(text, sizeof(text), "%s/%lld", json_text(part, "addr"),
			 json_get(part, "len")->number);
		fw_range_read(text, range);
	} else if (has(value, "range", &part) && part->child && part->child->next) {
		snprintf(text, sizeof(text), "%s-%s", part->child->text ?: "",
			 part->child->next->text ?: "");
		fw_range_read(text, range);
	} else if (value->kind == JSON_STRING) {
		fw_range_read(value->text, range);
	}
}

static void read_value(enum fw_field field, const struct json *value, struct fw_value *out)
{
	const struct json *part = json_get(value, "range");

	switch (field) {
	case FW_SADDR:
	case FW_DADDR:
		range_of_addresses(value, &out->range);
		break;
	case FW_PROTO:
	case FW_NFPROTO:
	case FW_SPORT:
	case FW_DPORT:
		if (part && part->child && part->child->next)
			out->range = fw_number(number_of_json(field, part->child),
					       number_of_json(field, part->child->next));
		else
			out->range = fw_number(number_of_json(field, value),
					       number_of_json(field, value));
		break;
	default:
		out->text = value->text ?: "";
	}
}

/* `{ "elem": { "val": ... } }` is what has a counter or a timeout. */
static const struct json *bare(const struct json *value)
{
	const struct json *elem = json_get(value, "elem");

	return elem && json_get(elem, "val") ? json_get(elem, "val") : value;
}

static void read_tuple(struct fw_match *match, const struct json *value)
{
	struct fw_tuple *tuple = fw_tuple_add(match);
	const struct json *concat;
	unsigned int i = 0;

	value = bare(value);
	if (value->kind == JSON_STRING && !strcmp(value->text, "*")) {
		tuple->any = true;
		return;
	}
	concat = json_get(value, "concat");
	if (!concat) {
		read_value(match->field[0], value, &tuple->value[0]);
		return;
	}
	for (value = concat->child; value && i < match->fields; value = value->next, i++)
		read_value(match->field[i], value, &tuple->value[i]);
}

static bool is_list(const struct json *right)
{
	return right->kind == JSON_ARRAY || json_get(right, "set") ||
	       (right->kind == JSON_STRING && right->text[0] == '@');
}

static struct fw_match *match_on(struct fw_rule *rule, const struct json *left)
{
	struct fw_match *match = fw_match_add(rule, FW_UNKNOWN);

	read_left(rule, match, left);
	return match;
}

static void compare(struct fw_match *match, const char *op, uint32_t limit)
{
	bool below = op[0] == '<', same = op[1] == '=';
	struct fw_tuple *tuple = fw_tuple_add(match);

	if (below)
		tuple->value[0].range = fw_number(0, limit - !same);
	else
		tuple->value[0].range = fw_number(limit + !same, UINT32_MAX);
}

static void read_match(const struct reader *r, struct fw_rule *rule, const struct json *match)
{
	const struct json *left = json_get(match, "left"), *right = json_get(match, "right"), *one;
	const char *op = json_text(match, "op");
	struct fw_match *out;

	if (!left || !right) {
		fw_match_add(rule, FW_UNKNOWN);
		return;
	}
	out = match_on(rule, left);
	out->negated = !strcmp(op, "!=") && out->field[0] != FW_UNKNOWN;
	if (op[0] == '<' || op[0] == '>') {
		compare(out, op, number_of_json(out->field[0], right));
		return;
	}
	if (!is_list(right)) {
		read_tuple(out, right);
		return;
	}
	for (one = elements(r, right, &out->more); one; one = one->next)
		read_tuple(out, one);
}

static bool read_verdict(struct fw_rule *rule, const struct json *statement)
{
	static const struct {
		const char *key;
		enum fw_verdict verdict;
	} verdicts[] = {
		{ "accept", FW_ACCEPT }, { "drop", FW_DROP }, { "reject", FW_DROP },
		{ "return", FW_RETURN }, { "queue", FW_QUEUE }, { "jump", FW_JUMP },
		{ "goto", FW_GOTO }, { "continue", FW_CONTINUE }, { "synproxy", FW_DROP },
	};
	const struct json *found;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verdicts); i++) {
		found = json_get(statement, verdicts[i].key);
		if (!found)
			continue;
		rule->verdict = verdicts[i].verdict;
		if (rule->verdict == FW_JUMP || rule->verdict == FW_GOTO)
			rule->target = json_text(found, "target");
		return true;
	}
	return false;
}

static bool read_nat(struct fw_rule *rule, const struct json *statement)
{
	static const struct {
		const char *key;
		enum fw_nat nat;
	} kinds[] = {
		{ "masquerade", FW_MASQUERADE }, { "snat", FW_SNAT }, { "dnat", FW_DNAT },
		{ "redirect", FW_REDIRECT },
	};
	const struct json *found, *port;
	struct fw_value value = {};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		found = json_get(statement, kinds[i].key);
		if (!found)
			continue;
		rule->nat = kinds[i].nat;
		rule->verdict = FW_ACCEPT;
		if (json_get(found, "addr"))
			range_of_addresses(json_get(found, "addr"), &rule->addr);
		port = json_get(found, "port");
		rule->has_ports = port;
		if (port)
			read_value(FW_DPORT, port, &value);
		rule->ports = value.range;
		return true;
	}
	return false;
}

static struct fw_rule *copy_of(const struct fw_rule *rule)
{
	struct fw_rule *copy = must(malloc(sizeof(*copy)));

	*copy = *rule;
	copy->next = NULL;
	return copy;
}

static void unlink_match(struct fw_rule *rule, const struct fw_match *match)
{
	struct fw_match **at = &rule->matches;

	while (*at != match)
		at = &(*at)->next;
	*at = match->next;
}

/* Each member of a map is a rule of its own: only one of them can match. */
static void expand(const struct reader *r, struct fw_rule *rule, const struct json *key,
		   const struct json *data, bool helpers)
{
	struct fw_match *head = match_on(rule, key);
	const struct json *pair;
	bool more = false;

	unlink_match(rule, head);
	for (pair = elements(r, data, &more); pair; pair = pair->next) {
		struct fw_rule *one = copy_of(rule);
		struct fw_match *match;

		if (pair->kind != JSON_ARRAY || !pair->child || !pair->child->next)
			continue;
		match = fw_match_add(one, FW_UNKNOWN);
		match->fields = head->fields;
		memcpy(match->field, head->field, sizeof(match->field));
		read_tuple(match, pair->child);
		if (helpers)
			one->helper = pair->child->next->text;
		else
			read_verdict(one, pair->child->next);
		fw_rule_add(r->chain, one);
	}
}

/* What decides nothing, and asks for nothing. */
static bool is_idle(const struct json *statement)
{
	static const char * const keys[] = {
		"counter", "log", "mangle", "set", "map", "ct timeout", "ct expectation", "dup",
		"fwd", "comment", "secmark",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (json_get(statement, keys[i]))
			return true;
	return false;
}

/* Returns false if the statement has made rules of its own. */
static bool read_statement(const struct reader *r, struct fw_rule *rule,
			   const struct json *statement)
{
	const struct json *part;

	if (has(statement, "match", &part)) {
		read_match(r, rule, part);
	} else if (has(statement, "vmap", &part)) {
		expand(r, rule, json_get(part, "key"), json_get(part, "data"), false);
		return false;
	} else if (has(statement, "ct helper", &part)) {
		if (part->kind != JSON_STRING) {
			part = json_get(part, "map");
			if (part)
				expand(r, rule, json_get(part, "key"), json_get(part, "data"),
				       true);
			return false;
		}
		rule->helper = part->text;
	} else if (json_get(statement, "notrack")) {
		rule->notrack = true;
	} else if (json_get(statement, "flow")) {
		rule->offload = true;
	} else if (!is_idle(statement) && !read_verdict(rule, statement) &&
		   !read_nat(rule, statement)) {
		fw_match_add(rule, FW_UNKNOWN);
	}
	return true;
}

static void append(char *text, size_t size, const char *word)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%s", used ? " " : "", word);
}

static void say_value(char *text, size_t size, const struct json *value)
{
	const struct json *one;
	char number[24];

	if (!value)
		return;
	if (value->kind == JSON_NUMBER) {
		snprintf(number, sizeof(number), "%lld", value->number);
		append(text, size, number);
	} else if (value->text) {
		append(text, size, value->text);
	} else if (value->kind == JSON_ARRAY) {
		for (one = value->child; one; one = one->next)
			say_value(text, size, one);
	} else if (value->child) {
		say_value(text, size, value->child->text || value->child->kind != JSON_NULL ?
			  value->child : NULL);
		for (one = value->child->next; one; one = one->next)
			say_value(text, size, one);
	}
}

/* For people to find the rule again: its words without their order's finer points. */
static const char *say_rule(const struct json *rule)
{
	const struct json *expr = json_get(rule, "expr"), *one;
	char text[160] = "";

	for (one = expr ? expr->child : NULL; one; one = one->next) {
		if (json_get(one, "counter") || !one->child)
			continue;
		if (!json_get(one, "match"))
			append(text, sizeof(text), one->child->key);
		else if (!strcmp(json_text(json_get(one, "match"), "op"), "!="))
			append(text, sizeof(text), "not");
		if (json_get(one, "match")) {
			say_value(text, sizeof(text), json_get(json_get(one, "match"), "left"));
			say_value(text, sizeof(text), json_get(json_get(one, "match"), "right"));
		} else {
			say_value(text, sizeof(text), one->child);
		}
	}
	return must(strdup(text));
}

static void take_rule(struct reader *r, const struct json *json)
{
	const struct json *expr = json_get(json, "expr"), *one;
	struct fw_rule *rule;

	r->table = find_table(r->fw, json);
	r->chain = r->table ? fw_chain_find(r->table, json_text(json, "chain")) : NULL;
	if (!r->chain)
		return;
	rule = must(calloc(1, sizeof(*rule)));
	rule->text = say_rule(json);
	for (one = expr ? expr->child : NULL; one; one = one->next)
		if (!read_statement(r, rule, one))
			return;
	fw_rule_add(r->chain, rule);
}

static enum fw_hook hook_of(const char *name)
{
	if (!strcmp(name, "prerouting"))
		return FW_PREROUTING;
	if (!strcmp(name, "forward"))
		return FW_FORWARD;
	return !strcmp(name, "postrouting") ? FW_POSTROUTING : FW_OTHER;
}

static void take_chain(struct reader *r, const struct json *json)
{
	struct fw_table *table = find_table(r->fw, json);
	struct fw_chain *chain;

	if (!table)
		return;
	chain = fw_chain_add(table, json_text(json, "name"));
	if (!json_get(json, "hook"))
		return;
	chain->hook = hook_of(json_text(json, "hook"));
	chain->priority = json_get(json, "prio") ? json_get(json, "prio")->number : 0;
	chain->nat = !strcmp(json_text(json, "type"), "nat");
	chain->drops = !strcmp(json_text(json, "policy"), "drop");
}

static void take_helper(struct reader *r, const struct json *json)
{
	struct fw_table *table = find_table(r->fw, json);
	struct fw_helper *helper;

	if (!table)
		return;
	helper = must(calloc(1, sizeof(*helper)));
	helper->name = json_text(json, "name");
	helper->type = json_text(json, "type");
	helper->protocol = fw_protocol(json_text(json, "protocol"));
	helper->family = family_of(json_text(json, "l3proto"));
	if (helper->family == 255)
		helper->family = AF_UNSPEC;
	helper->next = table->helpers;
	table->helpers = helper;
}

static void take_set(struct reader *r, const struct json *json)
{
	struct named *set = must(malloc(sizeof(*set)));

	set->object = json;
	set->next = r->sets;
	r->sets = set;
}

static void take(struct reader *r, const struct json *object, bool rules)
{
	const struct json *part;

	if (has(object, "rule", &part)) {
		if (rules)
			take_rule(r, part);
		return;
	}
	if (rules)
		return;
	if (has(object, "table", &part))
		fw_table_add(r->fw, FW_NFT, family_of(json_text(part, "family")),
			     json_text(part, "name"));
	else if (has(object, "chain", &part))
		take_chain(r, part);
	else if (has(object, "ct helper", &part))
		take_helper(r, part);
	else if (has(object, "set", &part) || has(object, "map", &part))
		take_set(r, part);
}

bool nft_read(struct firewall *fw, const char *text)
{
	const struct json *all = json_get(json_read(text), "nftables"), *one;
	struct reader r = { .fw = fw };

	if (!all)
		return false;
	/* rules may name what stands behind them */
	for (one = all->child; one; one = one->next)
		take(&r, one, false);
	for (one = all->child; one; one = one->next)
		take(&r, one, true);
	fw->known = true;
	return true;
}
