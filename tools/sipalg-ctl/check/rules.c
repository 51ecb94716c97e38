// SPDX-License-Identifier: GPL-2.0-only
/*
 * The questions that rule sets answer, put to them as packets: does SIP from
 * each side where phones are get the helper, is what is related let pass in
 * each direction, do other rules want the ports of media.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "check/check.h"
#include "ctl.h"

#define MOST_PORTS	32

static const uint8_t families[] = { AF_INET, AF_INET6 };
static const uint8_t protocols[] = { IPPROTO_UDP, IPPROTO_TCP };

static const char *protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? "TCP" : "UDP";
}

static const char *family_name(uint8_t family)
{
	return family == AF_INET ? "IPv4" : "IPv6";
}

void rules_load(struct firewall *fw)
{
	char *text = output_of("nft -j list ruleset 2>/dev/null");

	if (text && !nft_read(fw, text))
		fw->no_json = true;
	free(text);
	text = output_of("{ iptables-nft-save || iptables-save; ip6tables-nft-save || ip6tables-save; } 2>/dev/null");
	if (text)
		iptables_read(fw, text);
	free(text);
	/* asked without need, it would load its tables */
	if (access("/proc/net/ip_tables_names", F_OK) && access("/proc/net/ip6_tables_names", F_OK))
		return;
	text = output_of("{ grep -q . /proc/net/ip_tables_names && iptables-legacy-save;"
			 " grep -q . /proc/net/ip6_tables_names && ip6tables-legacy-save; } 2>/dev/null");
	if (text)
		iptables_read(fw, text);
	free(text);
}

bool rules_bridge(const struct firewall *fw)
{
	const struct fw_table *table;

	for (table = fw->tables; table; table = table->next)
		if (table->family == AF_BRIDGE)
			return true;
	return false;
}

/* The helper that a rule would attach, whether it can or not. */
static const char *helper_of(const struct fw_table *table, const struct fw_rule *rule)
{
	const struct fw_helper *helper;

	if (!rule->helper || table->tool != FW_NFT)
		return rule->helper;
	for (helper = table->helpers; helper; helper = helper->next)
		if (!strcmp(helper->name, rule->helper))
			return helper->type;
	return NULL;
}

struct ports {
	uint16_t *port;
	unsigned int count, most;
};

static void add_port(struct ports *ports, unsigned int port)
{
	unsigned int i;

	for (i = 0; i < ports->count; i++)
		if (ports->port[i] == port)
			return;
	if (ports->count < ports->most && port && port < 65536)
		ports->port[ports->count++] = port;
}

static void take_ports(const struct fw_chain *base, const struct fw_chain *chain,
		       const struct fw_rule *rule, void *data)
{
	const struct fw_match *match;
	const struct fw_tuple *tuple;
	unsigned int i;

	(void)base;
	if (!helper_of(chain->table, rule))
		return;
	for (match = rule->matches; match; match = match->next)
		for (i = 0; i < match->fields; i++)
			if (match->field[i] == FW_DPORT && !match->negated)
				for (tuple = match->tuples; tuple; tuple = tuple->next)
					add_port(data, fw_range_low(&tuple->value[i].range));
}

/* Those that any rule has a helper for; 5060 before all. */
unsigned int rules_ports(const struct check *c, uint16_t *port, unsigned int most)
{
	struct ports ports = { .port = port, .most = most };

	add_port(&ports, 5060);
	fw_each_rule(&c->fw, take_ports, &ports);
	return ports.count;
}

static struct fw_range anywhere(uint8_t family)
{
	struct fw_range range;

	fw_range_read(family == AF_INET ? "0.0.0.0/0" : "::/0", &range);
	return range;
}

/* Where a rule masquerades, the rest of the world is. */
static void names_uplink(const struct fw_chain *base, const struct fw_chain *chain,
			 const struct fw_rule *rule, void *data)
{
	struct network *net = data;
	const struct fw_match *match;
	const struct fw_tuple *tuple;
	unsigned int i;

	(void)base;
	(void)chain;
	if (rule->nat != FW_MASQUERADE && rule->nat != FW_SNAT)
		return;
	for (match = rule->matches; match; match = match->next)
		for (tuple = match->tuples; tuple; tuple = tuple->next)
			for (i = 0; i < net->count; i++)
				if (match->field[0] == FW_OIF && !match->negated &&
				    !strcmp(net->links[i].name, tuple->value[0].text))
					net->links[i].uplink = true;
}

unsigned int uplink_count(const struct check *c)
{
	unsigned int i, count = 0;

	for (i = 0; i < c->net.count; i++)
		count += c->net.links[i].uplink && c->net.links[i].up;
	return count;
}

static bool is_inside(const struct check *c, const struct net_link *link)
{
	return link_is_lan(link) && (!link->uplink || !uplink_count(c));
}

static struct fw_packet signalling_from(const struct check *c, const struct net_link *link,
					uint8_t family, uint8_t protocol, uint16_t port)
{
	const struct fw_range *subnet = link_subnet(link, family);
	struct fw_packet packet = {
		.family = family, .protocol = protocol, .state = "new",
		.iif = link->any ? NULL : link->name, .bridged = link->port,
		.src = subnet ? *subnet : anywhere(family), .dst = anywhere(family),
		.real = anywhere(family), .sport = fw_number(1024, 65535),
		.dport = fw_number(port, port),
	};
	unsigned int i;

	/* the one way out, if there is one */
	for (i = 0; uplink_count(c) == 1 && i < c->net.count; i++)
		if (c->net.links[i].uplink)
			packet.oif = c->net.links[i].name;
	return packet;
}

/* With luck, if not without. */
static void walk(const struct check *c, struct fw_packet *packet, struct fw_fate *fate)
{
	packet->hopeful = false;
	fw_walk(&c->fw, packet, fate);
	if (!fate->dropped && fate->helper)
		return;
	packet->hopeful = true;
	fw_walk(&c->fw, packet, fate);
}

/**
 * struct attached - what became of SIP from inside
 * @any: some of it got the helper
 * @missing: for people: what of it did not, or NULL
 * @vain: why a rule that would attach it does not, or NULL
 * @vain_rule: that rule
 * @other: the in-tree helper got it
 * @port: which it was, if not 5060
 */
struct attached {
	bool any;
	char *missing;
	const char *vain;
	const struct fw_rule *vain_rule;
	const struct fw_rule *other;
	unsigned int port;
};

static bool is_ours(const struct check *c, const char *helper)
{
	return helper && !strcmp(helper, c->helper);
}

/* The ports that rules name, tried until one gets the helper. */
static bool try_ports(const struct check *c, const struct net_link *link, uint8_t family,
		      uint8_t protocol, struct attached *all)
{
	uint16_t ports[MOST_PORTS];
	unsigned int count = rules_ports(c, ports, MOST_PORTS), i;
	struct fw_packet packet;
	struct fw_fate fate;
	bool got = false;

	for (i = 0; i < count; i++) {
		packet = signalling_from(c, link, family, protocol, ports[i]);
		walk(c, &packet, &fate);
		if (is_ours(c, fate.helper)) {
			if (!got && !all->any)
				all->port = ports[i];
			got = true;
			continue;
		}
		if (fate.helper && !strcmp(fate.helper, "sip")) {
			all->other = fate.by;
		} else if (fate.untracked && !all->vain && ports[i] == 5060) {
			all->vain = "conntrack is told not to see these packets";
			all->vain_rule = fate.untracked;
		} else if (fate.vain && !all->vain) {
			all->vain = fate.vain;
			all->vain_rule = fate.vain_rule;
		}
	}
	return got;
}

static void try_link(const struct check *c, const struct net_link *link, struct attached *all)
{
	bool udp = false, got;
	size_t f, p;

	for (f = 0; f < ARRAY_SIZE(families); f++) {
		if (!link->any && !link_subnet(link, families[f]))
			continue;
		for (p = 0; p < ARRAY_SIZE(protocols); p++) {
			got = try_ports(c, link, families[f], protocols[p], all);
			all->any |= got;
			udp |= got;
			/* the translator stands before phones on IPv6 */
			if (!got && !link_is_virtual(link) &&
			    !(c->translator && families[f] == AF_INET6))
				all->missing = text_and(all->missing,
							text_of("%s over %s from %s",
								family_name(families[f]),
								protocol_name(protocols[p]),
								link->name));
		}
	}
}

/* Behind a NAT64 phones come out of its interface, as IPv4. */
static void try_translator(const struct check *c, struct attached *all)
{
	struct net_link link = { .up = true };
	size_t p;

	snprintf(link.name, sizeof(link.name), "%s", c->translator);
	for (p = 0; p < ARRAY_SIZE(protocols); p++)
		all->any |= try_ports(c, &link, AF_INET, protocols[p], all);
}

static void try_all(const struct check *c, struct attached *all)
{
	static const struct net_link bridge = { .name = "bridges", .any = true, .port = true };
	static const struct net_link anywhere = { .name = "anywhere", .any = true };
	unsigned int i, tried = 0;

	memset(all, 0, sizeof(*all));
	if (c->translator)
		try_translator(c, all);
	for (i = 0; i < c->net.count; i++)
		if (is_inside(c, &c->net.links[i])) {
			try_link(c, &c->net.links[i], all);
			tried++;
		}
	if (rules_bridge(&c->fw))
		try_link(c, &bridge, all);
	else if (!tried)
		try_link(c, &anywhere, all);
}

bool rules_attach(const struct check *c)
{
	struct attached all;

	try_all(c, &all);
	return all.any;
}

struct reach {
	const struct fw_rule *rule;
	const char *helper;
	bool found;
};

static void is_reached(const struct fw_chain *base, const struct fw_chain *chain,
		       const struct fw_rule *rule, void *data)
{
	struct reach *reach = data;

	(void)base;
	(void)chain;
	reach->found |= rule == reach->rule;
}

/* Some rule somewhere that would attach it, and the chain that it stands in. */
static const struct fw_rule *stray_rule(const struct check *c, const struct fw_chain **where)
{
	const struct fw_table *table;
	const struct fw_chain *chain;
	const struct fw_rule *rule;

	for (table = c->fw.tables; table; table = table->next)
		for (chain = table->chains; chain; chain = chain->next)
			for (rule = chain->rules; rule; rule = rule->next)
				if (is_ours(c, helper_of(table, rule))) {
					*where = chain;
					return rule;
				}
	return NULL;
}

/* ` (lan, lan2)`: where a newcomer looks for the name that his rule should have. */
static const char *inside_names(const struct check *c)
{
	char *names = NULL;
	unsigned int i;

	for (i = 0; i < c->net.count; i++)
		if (is_inside(c, &c->net.links[i]) && !link_is_virtual(&c->net.links[i]) &&
		    !c->net.links[i].any)
			names = text_and(names, c->net.links[i].name);
	return names ? text_of(" (%s)", names) : "";
}

static const char *why_not(const struct check *c, const struct attached *all)
{
	const struct fw_chain *where = NULL;
	struct reach reach = { .rule = stray_rule(c, &where) };

	if (all->vain)
		return text_of("A rule cannot attach it: %s. The rule: %s", all->vain,
			       all->vain_rule->text);
	if (!reach.rule)
		return "No rule hands packets to sipalg, so it sees none.";
	fw_each_rule(&c->fw, is_reached, &reach);
	if (!reach.found)
		return text_of("The rule that attaches it is in chain %s, which no chain jumps to.",
			       where->name);
	return text_of("The rule that attaches it gets no packet from where phones are%s. The rule: %s",
		       inside_names(c), reach.rule->text);
}

static const char attach_question[] = "a rule attaches the helper";

static void say_blind(const struct check *c)
{
	if (c->fw.no_json)
		say(LEVEL_UNKNOWN, attach_question,
		    "This nft prints no JSON, so its rules cannot be read.",
		    how_to_install(c, "nftables", "nftables-json"));
	else
		say(LEVEL_UNKNOWN, attach_question,
		    "Neither nft nor iptables-save is here to be asked.",
		    how_to_install(c, "nftables", "nftables-json"));
}

static void check_attached(const struct check *c, const struct attached *all)
{
	if (!c->fw.known)
		say_blind(c);
	else if (!all->any)
		say(LEVEL_FAULT, attach_question, why_not(c, all), how_to_attach(c));
	else if (all->vain && all->missing)
		say(LEVEL_FAULT, attach_question,
		    text_of("Not for all: %s. A rule cannot attach it: %s. The rule: %s",
			    all->missing, all->vain, all->vain_rule->text), how_to_attach(c));
	else if (all->missing && uplink_count(c))
		say(LEVEL_NOTE, attach_question, text_of("Not for %s.", all->missing),
		    "If phones are there, add a rule for them as well.");
	else
		say(LEVEL_OK, attach_question, "", "");
}

static void check_in_tree(const struct check *c, const struct attached *all)
{
	bool automatic = c->live && !access("/sys/module/nf_conntrack_sip", F_OK) &&
			 number_in("/proc/sys/net/netfilter/nf_conntrack_helper") > 0;

	if (all->other || (automatic && strcmp(c->helper, "sip")))
		say(LEVEL_FAULT, "the kernel's own SIP helper is out of the way",
		    all->other ? text_of("SIP goes to nf_conntrack_sip; a flow has one helper. The rule: %s",
					 all->other->text) :
		    "nf_conntrack_sip is attached to flows; a flow has one helper.",
		    how_to_unload(c));
	else
		say(LEVEL_OK, "the kernel's own SIP helper is out of the way", "", "");
}

/* From outside to a phone, by a pinhole of a call; or from the phone. */
static struct fw_packet related(const struct check *c, const struct net_link *inside,
				const struct net_link *outside, uint8_t family, bool out)
{
	const struct fw_range *own = outside ? link_subnet(outside, family) : NULL;
	struct fw_packet packet = {
		.family = family, .protocol = IPPROTO_UDP, .state = "related",
		.helper = c->helper, .sport = fw_number(1024, 65535), .dport = c->rtp,
	};
	unsigned int i;

	packet.iif = out ? inside->name : outside ? outside->name : NULL;
	packet.oif = out ? (outside ? outside->name : NULL) : inside->name;
	packet.real = anywhere(family);
	packet.src = packet.real;
	packet.dst = packet.real;
	if (out) {
		packet.src = *link_subnet(inside, family);
		return packet;
	}
	packet.real = *link_subnet(inside, family);
	packet.dst = family == AF_INET6 || !own ? packet.real : packet.dst;
	for (i = 0; family == AF_INET && outside && i < outside->subnet_count; i++)
		if (outside->address[i].family == AF_INET)
			packet.dst = outside->address[i];
	return packet;
}

/**
 * struct passage - what becomes of media between inside and outside
 * @level: worst so far
 * @what: for people
 * @fix: what to type
 */
struct passage {
	enum level level;
	const char *what;
	const char *fix;
};

static const char *who_drops(const struct fw_fate *fate)
{
	if (!fate->rule)
		return text_of("the policy of chain %s %s drops it", fate->chain->table->name,
			       fate->chain->name);
	return text_of("chain %s %s drops it by the rule: %s", fate->chain->table->name,
		       fate->chain->name, fate->rule->text);
}

static void try_passage(const struct check *c, const struct net_link *inside,
			const struct net_link *outside, uint8_t family, bool out,
			struct passage *passage)
{
	struct fw_packet packet = related(c, inside, outside, family, out);
	const char *from = out ? inside->name : outside ? outside->name : "outside";
	const char *to = out ? (outside ? outside->name : "outside") : inside->name;
	struct fw_fate plain, hopeful;

	fw_walk(&c->fw, &packet, &plain);
	if (!plain.dropped)
		return;
	packet.hopeful = true;
	fw_walk(&c->fw, &packet, &hopeful);
	if (!hopeful.dropped && passage->level == LEVEL_OK) {
		passage->level = LEVEL_NOTE;
		passage->what = text_of("%s from %s to %s passes only where another rule lets it, by port or mark; else %s.",
					family_name(family), from, to, who_drops(&plain));
		passage->fix = how_to_accept(c, plain.chain, family);
	}
	if (!hopeful.dropped || passage->level == LEVEL_FAULT)
		return;
	passage->level = LEVEL_FAULT;
	passage->what = text_of("%s from %s to %s is not let pass: %s.", family_name(family), from,
				to, who_drops(&hopeful));
	passage->fix = how_to_accept(c, hopeful.chain, family);
}

/* Does anything from there get the helper? Media of others is not ours to judge. */
static bool has_phones(const struct check *c, const struct net_link *link, uint8_t family)
{
	struct attached all = {};
	size_t p;

	for (p = 0; p < ARRAY_SIZE(protocols); p++)
		if (try_ports(c, link, family, protocols[p], &all))
			return true;
	return false;
}

static void try_uplinks(const struct check *c, const struct net_link *inside, uint8_t family,
			struct passage *passage)
{
	struct passage any = { .level = LEVEL_OK };
	unsigned int i;
	bool tried = false;

	for (i = 0; i < c->net.count; i++) {
		const struct net_link *outside = &c->net.links[i];

		if (!outside->up || !outside->uplink || outside == inside)
			continue;
		tried = true;
		try_passage(c, inside, outside, family, false, passage);
		try_passage(c, inside, outside, family, true, passage);
	}
	if (tried)
		return;
	try_passage(c, inside, NULL, family, false, &any);
	try_passage(c, inside, NULL, family, true, &any);
	if (any.level == LEVEL_FAULT)
		*passage = any;
}

static void try_bridge(const struct check *c, struct passage *passage)
{
	struct fw_packet packet = {
		.family = AF_INET, .bridged = true, .protocol = IPPROTO_UDP, .state = "related",
		.helper = c->helper, .src = anywhere(AF_INET), .dst = anywhere(AF_INET),
		.real = anywhere(AF_INET), .sport = fw_number(1024, 65535), .dport = c->rtp,
		.hopeful = true,
	};
	struct fw_fate fate;

	fw_walk(&c->fw, &packet, &fate);
	if (!fate.dropped)
		return;
	passage->level = LEVEL_FAULT;
	passage->what = text_of("What is bridged is not let pass: %s.", who_drops(&fate));
	passage->fix = how_to_accept(c, fate.chain, AF_INET);
}

static void check_related(const struct check *c, bool attached)
{
	struct passage passage = { .level = LEVEL_OK, .what = "", .fix = "" };
	unsigned int i;
	size_t f;

	for (i = 0; i < c->net.count; i++) {
		const struct net_link *link = &c->net.links[i];

		if (!is_inside(c, link) || link_is_virtual(link))
			continue;
		for (f = 0; f < ARRAY_SIZE(families); f++)
			if (link_subnet(link, families[f]) &&
			    (!attached || has_phones(c, link, families[f])))
				try_uplinks(c, link, families[f], &passage);
	}
	if (rules_bridge(&c->fw))
		try_bridge(c, &passage);
	say(passage.level, "media that comes by a pinhole is accepted", passage.what, passage.fix);
}

/* Rules of NAT that want ports which media is given, or leave it none. */
struct nat_rules {
	const struct check *c;
	char *forwards;
	char *ranges;
	struct fw_range range;
};

static bool is_tcp_only(const struct fw_rule *rule)
{
	struct fw_range udp = fw_number(IPPROTO_UDP, IPPROTO_UDP);
	const struct fw_match *match;
	const struct fw_tuple *tuple;
	bool any;

	for (match = rule->matches; match; match = match->next) {
		if (match->field[0] != FW_PROTO || match->negated)
			continue;
		any = false;
		for (tuple = match->tuples; tuple; tuple = tuple->next)
			any |= fw_in_range(&udp, &tuple->value[0].range) == FW_YES;
		if (!any)
			return true;
	}
	return false;
}

static char *range_text(const struct fw_range *range)
{
	uint32_t low = fw_range_low(range), high = fw_range_high(range);

	return low == high ? text_of("%u", low) : text_of("%u-%u", low, high);
}

static void take_forward(struct nat_rules *nat, const struct fw_rule *rule)
{
	const struct fw_match *match;
	const struct fw_tuple *tuple;

	for (match = rule->matches; match; match = match->next)
		for (tuple = match->tuples; tuple; tuple = tuple->next)
			if (match->field[0] == FW_DPORT && !match->negated &&
			    fw_in_range(&tuple->value[0].range, &nat->c->media) != FW_NO)
				nat->forwards = text_and(nat->forwards,
							 range_text(&tuple->value[0].range));
}

static void take_nat(const struct fw_chain *base, const struct fw_chain *chain,
		     const struct fw_rule *rule, void *data)
{
	struct nat_rules *nat = data;

	(void)base;
	(void)chain;
	if (is_tcp_only(rule))
		return;
	if (rule->nat == FW_DNAT || rule->nat == FW_REDIRECT)
		take_forward(nat, rule);
	if ((rule->nat == FW_MASQUERADE || rule->nat == FW_SNAT) && rule->has_ports &&
	    fw_in_range(&nat->c->media, &rule->ports) != FW_YES) {
		nat->ranges = text_and(nat->ranges, range_text(&rule->ports));
		nat->range = rule->ports;
	}
}

/* Where programs of the router itself listen. */
struct sockets {
	uint16_t port[256];
	unsigned int count;
};

#define TCP_LISTEN	10
#define UDP_UNCONNECTED	7

static bool has_socket(const struct sockets *sockets, unsigned int port)
{
	unsigned int i;

	for (i = 0; i < sockets->count; i++)
		if (sockets->port[i] == port)
			return true;
	return false;
}

static void add_socket(struct sockets *sockets, const char *line)
{
	unsigned int port, state;
	char local[80];

	if (sscanf(line, " %*d: %79[0-9A-Fa-f]:%x %*s %x", local, &port, &state) != 3 || !port ||
	    (state != TCP_LISTEN && state != UDP_UNCONNECTED))
		return;
	/* those of one address inside the machine are nobody's from outside */
	if (!strcmp(local, "0100007F") || !strcmp(local, "00000000000000000000000001000000"))
		return;
	if (sockets->count < ARRAY_SIZE(sockets->port) && !has_socket(sockets, port))
		sockets->port[sockets->count++] = port;
}

/* As the kernel lists them; of rule sets in files there are none. */
static struct sockets sockets_of(const struct check *c, uint8_t protocol)
{
	static const char * const paths[][2] = {
		{ "/proc/net/udp", "/proc/net/udp6" }, { "/proc/net/tcp", "/proc/net/tcp6" },
	};
	struct sockets sockets = {};
	char *text, *line;
	size_t i;

	for (i = 0; c->live && i < 2; i++) {
		text = text_in(paths[protocol == IPPROTO_TCP][i]);
		for (line = text ? strchr(text, '\n') : NULL; line; line = strchr(line + 1, '\n'))
			add_socket(&sockets, line + 1);
		free(text);
	}
	return sockets;
}

/* Those that media is given as well. */
static char *listening(const struct check *c)
{
	struct sockets sockets = sockets_of(c, IPPROTO_UDP);
	char *text = NULL;
	unsigned int i;

	for (i = 0; i < sockets.count; i++) {
		struct fw_range port = fw_number(sockets.port[i], sockets.port[i]);

		if (fw_in_range(&port, &c->media) == FW_YES)
			text = text_and(text, text_of("%u", sockets.port[i]));
	}
	return text;
}

static void check_ports(const struct check *c)
{
	static const char question[] = "media's ports are nobody else's";
	struct nat_rules nat = { .c = c };
	char *sockets = listening(c), *what = NULL;

	fw_each_rule(&c->fw, take_nat, &nat);
	if (sockets)
		what = text_and(what, text_of("programs here listen on UDP %s", sockets));
	if (nat.forwards)
		what = text_and(what, text_of("forwards (dnat) take %s", nat.forwards));
	if (nat.ranges)
		what = text_and(what, text_of("NAT is bound to ports %s", nat.ranges));
	if (!what)
		say(LEVEL_OK, question, "", "");
	else
		say(LEVEL_NOTE, question,
		    text_of("Of media-ports %s: %s.", range_text(&c->media), what),
		    text_of("Give media a range of its own: sipalg-ctl setting set media-ports %s",
			    nat.ranges ? range_text(&nat.range) : "LOW-HIGH"));
}

/* Another program that takes SIP to itself: its ports, and who leads SIP there. */
struct gateways {
	const struct check *c;
	uint16_t ports[MOST_PORTS];
	unsigned int count;
	const struct fw_rule *rule;
};

static bool is_signalling(const struct gateways *gateways, const struct fw_rule *rule)
{
	const struct fw_match *match;
	const struct fw_tuple *tuple;
	unsigned int i;

	for (match = rule->matches; match; match = match->next)
		for (tuple = match->tuples; tuple; tuple = tuple->next)
			for (i = 0; i < gateways->count; i++) {
				struct fw_range port = fw_number(gateways->ports[i],
								 gateways->ports[i]);

				if (match->field[0] == FW_DPORT && !match->negated &&
				    fw_in_range(&port, &tuple->value[0].range) == FW_YES)
					return true;
			}
	return false;
}

static void takes_signalling(const struct fw_chain *base, const struct fw_chain *chain,
			     const struct fw_rule *rule, void *data)
{
	struct gateways *gateways = data;

	(void)base;
	(void)chain;
	if (rule->nat == FW_REDIRECT ||
	    (rule->nat == FW_DNAT && rule->addr.family &&
	     network_has(&gateways->c->net, &rule->addr)))
		if (is_signalling(gateways, rule))
			gateways->rule = rule;
}

static void check_gateways(const struct check *c)
{
	static const char question[] = "no other program takes SIP to itself";
	static const char fix[] =
		"Leave SIP to one of the two: stop that program, or detach the helper.";
	struct gateways gateways = { .c = c };
	char *listening = NULL;
	unsigned int i;
	size_t p;

	gateways.count = rules_ports(c, gateways.ports, ARRAY_SIZE(gateways.ports));
	fw_each_rule(&c->fw, takes_signalling, &gateways);
	for (p = 0; p < ARRAY_SIZE(protocols); p++) {
		struct sockets sockets = sockets_of(c, protocols[p]);

		for (i = 0; i < gateways.count; i++)
			if (has_socket(&sockets, gateways.ports[i]))
				listening = text_and(listening,
						     text_of("%s %u", protocol_name(protocols[p]),
							     gateways.ports[i]));
	}
	if (gateways.rule)
		say(LEVEL_NOTE, question,
		    text_of("A rule leads SIP to this router itself: %s",
			    gateways.rule->text), fix);
	else if (listening)
		say(LEVEL_NOTE, question,
		    text_of("A program here listens on %s: a proxy changes messages, too.",
			    listening), fix);
	else
		say(LEVEL_OK, question, "", "");
}

void check_rules(struct check *c)
{
	struct attached all;

	fw_each_rule(&c->fw, names_uplink, &c->net);
	try_all(c, &all);
	check_in_tree(c, &all);
	check_gateways(c);
	check_attached(c, &all);
	check_related(c, all.any);
	check_ports(c);
}
