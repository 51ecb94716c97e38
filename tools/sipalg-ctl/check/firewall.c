// SPDX-License-Identifier: GPL-2.0-only
/* The walk of a packet through rule sets. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check/firewall.h"
#include "ctl.h"

void *must(void *memory)
{
	if (memory)
		return memory;
	fputs("Out of memory\n", stderr);
	exit(1);
}

struct fw_table *fw_table_add(struct firewall *fw, enum fw_tool tool, uint8_t family,
			      const char *name)
{
	struct fw_table *table = must(calloc(1, sizeof(*table))), **last = &fw->tables;

	table->tool = tool;
	table->family = family;
	table->name = name;
	while (*last)
		last = &(*last)->next;
	*last = table;
	return table;
}

struct fw_chain *fw_chain_find(const struct fw_table *table, const char *name)
{
	struct fw_chain *chain;

	for (chain = table->chains; chain; chain = chain->next)
		if (!strcmp(chain->name, name))
			return chain;
	return NULL;
}

struct fw_chain *fw_chain_add(struct fw_table *table, const char *name)
{
	struct fw_chain *chain = must(calloc(1, sizeof(*chain))), **last = &table->chains;

	chain->table = table;
	chain->name = name;
	chain->hook = FW_NO_HOOK;
	chain->last = &chain->rules;
	while (*last)
		last = &(*last)->next;
	*last = chain;
	return chain;
}

struct fw_rule *fw_rule_add(struct fw_chain *chain, struct fw_rule *rule)
{
	*chain->last = rule;
	chain->last = &rule->next;
	return rule;
}

struct fw_match *fw_match_add(struct fw_rule *rule, enum fw_field field)
{
	struct fw_match *match = must(calloc(1, sizeof(*match)));

	match->fields = 1;
	match->field[0] = field;
	match->next = rule->matches;
	rule->matches = match;
	return match;
}

struct fw_tuple *fw_tuple_add(struct fw_match *match)
{
	struct fw_tuple *tuple = must(calloc(1, sizeof(*tuple)));

	tuple->next = match->tuples;
	match->tuples = tuple;
	return tuple;
}

struct fw_range fw_number(uint32_t low, uint32_t high)
{
	struct fw_range range = {};

	low = htonl(low);
	high = htonl(high);
	memcpy(range.low + 12, &low, 4);
	memcpy(range.high + 12, &high, 4);
	return range;
}

static uint32_t number_at(const uint8_t *bytes)
{
	uint32_t number;

	memcpy(&number, bytes + 12, 4);
	return ntohl(number);
}

uint32_t fw_range_low(const struct fw_range *range)
{
	return number_at(range->low);
}

uint32_t fw_range_high(const struct fw_range *range)
{
	return number_at(range->high);
}

/* IPv4 stands in the last four bytes. */
static uint8_t read_address(const char *text, uint8_t *bytes)
{
	memset(bytes, 0, 16);
	if (inet_pton(AF_INET, text, bytes + 12) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, text, bytes) == 1 ? AF_INET6 : 0;
}

static void widen(struct fw_range *range, unsigned int bits)
{
	unsigned int i, from = (range->family == AF_INET ? 96 : 0) + bits;

	memcpy(range->high, range->low, 16);
	for (i = from; i < 128; i++) {
		range->low[i / 8] &= ~(0x80 >> i % 8);
		range->high[i / 8] |= 0x80 >> i % 8;
	}
}

static unsigned int mask_bits(const char *text, uint8_t family)
{
	unsigned int bits = 0;
	struct in_addr mask;

	if (!strchr(text, '.'))
		return atoi(text);
	if (family == AF_INET && inet_pton(AF_INET, text, &mask) == 1)
		while (bits < 32 && ntohl(mask.s_addr) << bits & 0x80000000)
			bits++;
	return bits;
}

/* An address, with /length or /mask, or two with - between. */
bool fw_range_read(const char *text, struct fw_range *range)
{
	char copy[128], *rest;

	memset(range, 0, sizeof(*range));
	snprintf(copy, sizeof(copy), "%s", text);
	rest = strpbrk(copy, "/-");
	if (rest)
		*rest++ = '\0';
	range->family = read_address(copy, range->low);
	if (!range->family)
		return false;
	if (rest && text[strcspn(text, "/-")] == '-')
		return read_address(rest, range->high) == range->family;
	widen(range, rest ? mask_bits(rest, range->family) : 128);
	return true;
}

uint8_t fw_protocol(const char *name)
{
	static const struct {
		const char *name;
		uint8_t number;
	} known[] = {
		{ "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP }, { "icmp", IPPROTO_ICMP },
		{ "icmpv6", IPPROTO_ICMPV6 }, { "ipv6-icmp", IPPROTO_ICMPV6 },
		{ "udplite", IPPROTO_UDPLITE }, { "sctp", IPPROTO_SCTP }, { "esp", IPPROTO_ESP },
		{ "gre", IPPROTO_GRE },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].name, name))
			return known[i].number;
	return atoi(name) ?: 255;
}

enum fw_answer fw_in_range(const struct fw_range *packet, const struct fw_range *value)
{
	if (packet->family != value->family ||
	    memcmp(packet->high, value->low, 16) < 0 || memcmp(packet->low, value->high, 16) > 0)
		return FW_NO;
	return memcmp(packet->low, value->low, 16) >= 0 &&
	       memcmp(packet->high, value->high, 16) <= 0 ? FW_YES : FW_MAYBE;
}

/* Where it is on its way, and what it looks like there. */
struct walk {
	const struct firewall *fw;
	const struct fw_packet *packet;
	struct fw_fate *fate;
	const struct fw_chain *base;
	unsigned int depth;
};

static enum fw_answer is(bool true_)
{
	return true_ ? FW_YES : FW_NO;
}

static enum fw_answer same_text(const char *text, const char *pattern)
{
	size_t len = strlen(pattern);

	if (!text)
		return FW_MAYBE;
	if (len && pattern[len - 1] == '*')
		return is(!strncmp(text, pattern, len - 1));
	return is(!strcmp(text, pattern));
}

/* Before it has seen the packet conntrack calls it invalid. */
static bool before_conntrack(const struct walk *w)
{
	/* of bridges "filter" is conntrack's priority, and comes after it */
	int after = FW_PRIO_CONNTRACK + (w->base->table->family != AF_BRIDGE);

	return w->base->hook == FW_PREROUTING && w->base->priority < after;
}

static const char *state_of(const struct walk *w)
{
	if (w->fate->untracked)
		return "untracked";
	return before_conntrack(w) ? "invalid" : w->packet->state;
}

static enum fw_answer has_status(const struct walk *w, const char *status)
{
	bool related = !strcmp(w->packet->state, "related");

	if (before_conntrack(w) || w->fate->untracked)
		return FW_NO;
	if (!strcmp(status, "expected"))
		return is(related);
	if (!strcmp(status, "dnat") || !strcmp(status, "snat"))
		return related ? FW_MAYBE : FW_NO;
	return FW_NO;	/* of a connection that is older */
}

static enum fw_answer has_helper(const struct walk *w, const char *name)
{
	if (before_conntrack(w) || !w->packet->helper)
		return FW_NO;
	return same_text(w->packet->helper, name);
}

/* Of what a packet is addressed to before NAT and behind it. */
static const struct fw_range *dst_of(const struct walk *w)
{
	bool behind = w->base->hook != FW_PREROUTING || w->base->priority > FW_PRIO_DNAT;

	return behind ? &w->packet->real : &w->packet->dst;
}

static enum fw_answer dst_is(const struct walk *w, const char *type)
{
	bool local = memcmp(dst_of(w), &w->packet->real, sizeof(struct fw_range));

	if (!strcasecmp(type, "local"))
		return is(local);
	return is(!strcasecmp(type, "unicast") && !local);
}

#define FEWEST_PORTS	10

/* What opens a port or two is no rule about media, whose ports nobody knows. */
static enum fw_answer port_is(const struct fw_range *packet, const struct fw_range *value)
{
	enum fw_answer fits = fw_in_range(packet, value);

	if (fits == FW_MAYBE && fw_range_high(value) - fw_range_low(value) + 1 < FEWEST_PORTS)
		return FW_NO;
	return fits;
}

static enum fw_answer field_is(const struct walk *w, enum fw_field field,
			       const struct fw_value *value)
{
	const struct fw_packet *p = w->packet;
	struct fw_range number;

	switch (field) {
	case FW_IIF:
		return same_text(p->iif, value->text);
	case FW_OIF:
		return w->base->hook == FW_PREROUTING ? FW_NO : same_text(p->oif, value->text);
	case FW_HELPER:
		return has_helper(w, value->text);
	case FW_STATE:
		return is(!strcasecmp(state_of(w), value->text));
	case FW_STATUS:
		return has_status(w, value->text);
	case FW_SADDR:
		return fw_in_range(&p->src, &value->range);
	case FW_DADDR:
		return fw_in_range(dst_of(w), &value->range);
	case FW_PROTO:
		number = fw_number(p->protocol, p->protocol);
		return fw_in_range(&number, &value->range);
	case FW_NFPROTO:
		number = fw_number(p->family, p->family);
		return fw_in_range(&number, &value->range);
	case FW_SPORT:
		return fw_in_range(&p->sport, &value->range);
	case FW_DPORT:
		return port_is(&p->dport, &value->range);
	case FW_DTYPE:
		return dst_is(w, value->text);
	case FW_DIRECTION:
		return is(!strcasecmp(value->text, "original"));
	case FW_NEVER:
		return FW_NO;
	default:
		return FW_MAYBE;
	}
}

static enum fw_answer tuple_fits(const struct walk *w, const struct fw_match *match,
				 const struct fw_tuple *tuple)
{
	enum fw_answer all = FW_YES, one;
	unsigned int i;

	if (tuple->any)
		return FW_MAYBE;
	for (i = 0; i < match->fields; i++) {
		one = field_is(w, match->field[i], &tuple->value[i]);
		if (one < all)
			all = one;
	}
	return all;
}

static enum fw_answer match_fits(const struct walk *w, const struct fw_match *match)
{
	enum fw_answer best = match->more ? FW_MAYBE : FW_NO, one;
	const struct fw_tuple *tuple;

	if (match->field[0] == FW_UNKNOWN)
		return FW_MAYBE;
	for (tuple = match->tuples; tuple; tuple = tuple->next) {
		one = tuple_fits(w, match, tuple);
		if (one > best)
			best = one;
	}
	return match->negated ? FW_YES - best : best;
}

static enum fw_answer rule_fits(const struct walk *w, const struct fw_rule *rule)
{
	enum fw_answer all = FW_YES, one;
	const struct fw_match *match;

	for (match = rule->matches; match; match = match->next) {
		one = match_fits(w, match);
		if (one < all)
			all = one;
	}
	return all;
}

static const struct fw_helper *find_helper(const struct fw_table *table, const char *name)
{
	const struct fw_helper *helper;

	for (helper = table->helpers; helper; helper = helper->next)
		if (!strcmp(helper->name, name))
			return helper;
	return NULL;
}

static void in_vain(struct walk *w, const struct fw_rule *rule, const char *why)
{
	if (!w->fate->vain) {
		w->fate->vain = why;
		w->fate->vain_rule = rule;
	}
}

/* An object is given to a connection that is there; the first one stays. */
static void attach_object(struct walk *w, const struct fw_rule *rule)
{
	const struct fw_helper *helper = find_helper(w->base->table, rule->helper);

	if (before_conntrack(w)) {
		in_vain(w, rule, "its priority is before conntrack's (-200), where no connection is there yet");
	} else if (w->fate->untracked) {
		in_vain(w, rule, "a rule before it says notrack");
	} else if (!helper) {
		in_vain(w, rule, "its object is not in its table");
	} else if (helper->protocol != w->packet->protocol) {
		in_vain(w, rule, helper->protocol == IPPROTO_TCP ?
			"its object is for TCP, these packets are UDP" :
			"its object is for UDP, these packets are TCP");
	} else if (helper->family && helper->family != w->packet->family) {
		in_vain(w, rule, helper->family == AF_INET ?
			"its object is for IPv4 alone" : "its object is for IPv6 alone");
	} else if (!w->fate->helper) {
		w->fate->helper = helper->type;
		w->fate->by = rule;
	}
}

/* iptables gives the connection that conntrack will make of the packet a template. */
static void attach_template(struct walk *w, const struct fw_rule *rule)
{
	if (!before_conntrack(w)) {
		in_vain(w, rule, "it is not in the table raw");
	} else if (w->fate->untracked) {
		in_vain(w, rule, "a rule before it says NOTRACK");
	} else if (!w->fate->helper) {
		w->fate->helper = rule->helper;
		w->fate->by = rule;
	}
}

static void side_effects(struct walk *w, const struct fw_rule *rule)
{
	if (rule->notrack && before_conntrack(w) && !w->fate->helper && !w->fate->untracked)
		w->fate->untracked = rule;
	if (rule->helper && w->base->table->tool == FW_NFT)
		attach_object(w, rule);
	else if (rule->helper)
		attach_template(w, rule);
	if (rule->offload)
		w->fate->offload = rule;
}

#define MOST_DEPTH	20

static enum fw_verdict walk_chain(struct walk *w, const struct fw_chain *chain);

static enum fw_verdict jump(struct walk *w, const struct fw_rule *rule)
{
	const struct fw_chain *target = fw_chain_find(w->base->table, rule->target);
	enum fw_verdict verdict;

	if (!target || w->depth >= MOST_DEPTH)
		return FW_CONTINUE;
	w->depth++;
	verdict = walk_chain(w, target);
	w->depth--;
	/* what a chain gone to does not decide goes back to who called the caller */
	if (verdict == FW_CONTINUE && rule->verdict == FW_GOTO)
		return FW_RETURN;
	return verdict;
}

static enum fw_verdict verdict_of(struct walk *w, const struct fw_chain *chain,
				  const struct fw_rule *rule)
{
	enum fw_verdict verdict = rule->verdict;

	if (verdict == FW_JUMP || verdict == FW_GOTO)
		return jump(w, rule);
	if (verdict == FW_DROP) {
		w->fate->chain = chain;
		w->fate->rule = rule;
	}
	/* a program decides: in good hope it lets the packet pass */
	return verdict == FW_QUEUE ? FW_ACCEPT : verdict;
}

/* Of a rule that may match, what it would do for the better. */
static enum fw_verdict rule_verdict(struct walk *w, const struct fw_chain *chain,
				    const struct fw_rule *rule)
{
	enum fw_answer fits = rule_fits(w, rule);
	enum fw_verdict verdict;

	if (fits == FW_NO || (fits == FW_MAYBE && !w->packet->hopeful))
		return FW_CONTINUE;
	if (!rule->nat)
		side_effects(w, rule);
	verdict = verdict_of(w, chain, rule);
	if (fits == FW_MAYBE && verdict != FW_ACCEPT)
		return FW_CONTINUE;
	return verdict;
}

static enum fw_verdict walk_chain(struct walk *w, const struct fw_chain *chain)
{
	const struct fw_rule *rule;
	enum fw_verdict verdict;

	for (rule = chain->rules; rule; rule = rule->next) {
		verdict = rule_verdict(w, chain, rule);
		if (verdict == FW_RETURN)
			return w->depth ? FW_CONTINUE : FW_RETURN;
		if (verdict != FW_CONTINUE)
			return verdict;
	}
	return FW_CONTINUE;
}

/* Returns false if it is dropped. */
static bool walk_base(struct walk *w, const struct fw_chain *base)
{
	enum fw_verdict verdict;

	w->base = base;
	w->depth = 0;
	verdict = walk_chain(w, base);
	if (verdict == FW_ACCEPT)
		return true;
	if (verdict == FW_CONTINUE || verdict == FW_RETURN) {
		if (!base->drops)
			return true;
		w->fate->chain = base;
		w->fate->rule = NULL;
	}
	return false;
}

static bool sees(const struct fw_table *table, const struct fw_packet *packet)
{
	if (packet->bridged || table->family == AF_BRIDGE)
		return packet->bridged && table->family == AF_BRIDGE;
	return !table->family || table->family == packet->family;
}

#define MOST_BASES	256

struct bases {
	const struct fw_chain *chain[MOST_BASES];
	unsigned int count;
};

static void insert(struct bases *bases, const struct fw_chain *chain)
{
	unsigned int i;

	if (bases->count == MOST_BASES)
		return;
	for (i = bases->count++; i && bases->chain[i - 1]->priority > chain->priority; i--)
		bases->chain[i] = bases->chain[i - 1];
	bases->chain[i] = chain;
}

static void bases_of(const struct firewall *fw, const struct fw_packet *packet,
		     enum fw_hook hook, struct bases *bases)
{
	const struct fw_table *table;
	const struct fw_chain *chain;

	bases->count = 0;
	for (table = fw->tables; table; table = table->next) {
		if (!sees(table, packet))
			continue;
		for (chain = table->chains; chain; chain = chain->next)
			if (chain->hook == hook && !chain->nat)
				insert(bases, chain);
	}
}

void fw_walk(const struct firewall *fw, const struct fw_packet *packet, struct fw_fate *fate)
{
	struct walk w = { .fw = fw, .packet = packet, .fate = fate };
	struct bases bases;
	enum fw_hook hook;
	unsigned int i;

	memset(fate, 0, sizeof(*fate));
	for (hook = 0; hook < FW_HOOKS && !fate->dropped; hook++) {
		bases_of(fw, packet, hook, &bases);
		for (i = 0; i < bases.count && !fate->dropped; i++)
			fate->dropped = !walk_base(&w, bases.chain[i]);
	}
	if (fate->untracked)
		fate->helper = NULL;
}

struct visit {
	const struct fw_chain *base;
	fw_rule_fn *take;
	void *data;
	unsigned int depth;
	unsigned int rules;
};

#define MOST_VISITS	1000000	/* chains that many others jump to come again and again */

static void visit_chain(struct visit *v, const struct fw_chain *chain)
{
	const struct fw_chain *target;
	const struct fw_rule *rule;

	for (rule = chain->rules; rule && v->rules++ < MOST_VISITS; rule = rule->next) {
		v->take(v->base, chain, rule, v->data);
		target = rule->target ? fw_chain_find(chain->table, rule->target) : NULL;
		if (!target || v->depth >= 8)
			continue;
		v->depth++;
		visit_chain(v, target);
		v->depth--;
	}
}

void fw_each_rule(const struct firewall *fw, fw_rule_fn *take, void *data)
{
	struct visit v = { .take = take, .data = data };
	const struct fw_table *table;

	for (table = fw->tables; table; table = table->next)
		for (v.base = table->chains; v.base; v.base = v.base->next)
			if (v.base->hook != FW_NO_HOOK)
				visit_chain(&v, v.base);
}
