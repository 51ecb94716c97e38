/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rule sets as the kernel walks them: chains by hook and priority, jumps,
 * verdicts; and what becomes of a packet on its way.
 *
 * What a condition says of a packet of which not all is known, or what no tool
 * prints, is "maybe": see struct fw_packet.
 */
#ifndef SIPALG_CTL_FIREWALL_H
#define SIPALG_CTL_FIREWALL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A program that says what is wrong has no use for going on without memory. */
void *must(void *memory);

/* Who wrote a table. */
enum fw_tool { FW_NFT, FW_IPTABLES, FW_IPTABLES_LEGACY };

enum fw_hook { FW_PREROUTING, FW_FORWARD, FW_POSTROUTING, FW_HOOKS, FW_OTHER, FW_NO_HOOK };

/* Where others hook in, by priority. */
#define FW_PRIO_CONNTRACK	(-200)
#define FW_PRIO_DNAT		(-100)

enum fw_answer { FW_NO, FW_MAYBE, FW_YES };

enum fw_field {
	FW_UNKNOWN,		/* maybe, whatever the packet */
	FW_NEVER,
	FW_IIF, FW_OIF,		/* text; a last '*' stands for anything */
	FW_HELPER,		/* of the connection's master; text */
	FW_STATE, FW_STATUS,	/* text: new, related, ...; expected, dnat, ... */
	FW_SADDR, FW_DADDR,
	FW_PROTO, FW_SPORT, FW_DPORT,
	FW_NFPROTO,		/* AF_INET, AF_INET6; others are neither's */
	FW_DTYPE,		/* text: local, unicast, ... */
	FW_DIRECTION,		/* text: original, reply */
};

#define FW_MOST_FIELDS	6

/* Addresses or numbers from @low to @high; network byte order, a number in the last four. */
struct fw_range {
	uint8_t family;		/* of addresses; 0: numbers */
	uint8_t low[16];
	uint8_t high[16];
};

/* One of the values that a field may have. */
struct fw_value {
	const char *text;
	struct fw_range range;
};

/* One of the combinations, a value a field. */
struct fw_tuple {
	struct fw_value value[FW_MOST_FIELDS];
	bool any;		/* the rest that no other names */
	struct fw_tuple *next;
};

/**
 * struct fw_match - a condition
 * @fields: how many fields are looked at together
 * @field: which
 * @negated: true where no tuple fits
 * @more: there may be more tuples than those, it is a set that packets fill
 * @tuples: any of them
 * @next: that must be true as well
 */
struct fw_match {
	unsigned int fields;
	enum fw_field field[FW_MOST_FIELDS];
	bool negated;
	bool more;
	struct fw_tuple *tuples;
	struct fw_match *next;
};

enum fw_verdict { FW_CONTINUE, FW_ACCEPT, FW_DROP, FW_RETURN, FW_JUMP, FW_GOTO, FW_QUEUE };

enum fw_nat { FW_NO_NAT, FW_MASQUERADE, FW_SNAT, FW_DNAT, FW_REDIRECT };

/**
 * struct fw_rule - a rule
 * @matches: all of them must be true
 * @verdict: what follows
 * @target: chain of a jump
 * @helper: it attaches the object of this name, by iptables the helper itself
 * @notrack: conntrack does not see it
 * @offload: it hands the flow to a flowtable
 * @nat: what it translates
 * @addr: to which address, or family 0
 * @ports: to which ports, @has_ports
 * @text: for people
 * @next: after it
 */
struct fw_rule {
	struct fw_match *matches;
	enum fw_verdict verdict;
	const char *target;
	const char *helper;
	bool notrack;
	bool offload;
	enum fw_nat nat;
	struct fw_range addr;
	struct fw_range ports;
	bool has_ports;
	const char *text;
	struct fw_rule *next;
};

struct fw_chain {
	const struct fw_table *table;
	const char *name;
	enum fw_hook hook;
	int priority;
	bool nat;		/* its rules are asked for new connections only, by NAT */
	bool drops;		/* the policy */
	struct fw_rule *rules, **last;
	struct fw_chain *next;
};

/* `ct helper NAME { type "TYPE" protocol P; l3proto F }` */
struct fw_helper {
	const char *name;
	const char *type;
	uint8_t protocol;
	uint8_t family;		/* AF_UNSPEC: both */
	struct fw_helper *next;
};

struct fw_table {
	enum fw_tool tool;
	uint8_t family;		/* AF_INET, AF_INET6, AF_UNSPEC: both, AF_BRIDGE */
	const char *name;
	struct fw_chain *chains;
	struct fw_helper *helpers;
	struct fw_table *next;
};

/**
 * struct firewall - all rule sets of a network namespace
 * @tables: theirs
 * @known: some tool could be asked
 * @no_json: nft is there, and prints no JSON
 */
struct firewall {
	struct fw_table *tables;
	bool known;
	bool no_json;
};

/**
 * struct fw_packet - a packet on its way
 * @family: AF_INET, AF_INET6
 * @bridged: it is not routed
 * @protocol: IPPROTO_UDP, IPPROTO_TCP
 * @iif: where it comes in; NULL: any
 * @oif: where it goes out; NULL: any
 * @src: from any of these
 * @dst: to any of these, as it came
 * @real: the same behind NAT
 * @sport: from any of these
 * @dport: to any of these
 * @state: of its connection
 * @helper: of its connection's master, or NULL
 * @hopeful: what may match accepts or attaches, and drops not; else it does not match
 */
struct fw_packet {
	uint8_t family;
	bool bridged;
	uint8_t protocol;
	const char *iif;
	const char *oif;
	struct fw_range src;
	struct fw_range dst;
	struct fw_range real;
	struct fw_range sport;
	struct fw_range dport;
	const char *state;
	const char *helper;
	bool hopeful;
};

/**
 * struct fw_fate - what became of it
 * @dropped: it did not arrive
 * @chain: which dropped it
 * @rule: by which rule, NULL: the policy
 * @helper: what its connection's helper is, or NULL
 * @by: who attached it
 * @untracked: by this rule conntrack does not see it
 * @vain: a rule would attach a helper, and cannot: why, or NULL
 * @vain_rule: that one
 * @offload: a rule hands its flow to a flowtable
 */
struct fw_fate {
	bool dropped;
	const struct fw_chain *chain;
	const struct fw_rule *rule;
	const char *helper;
	const struct fw_rule *by;
	const struct fw_rule *untracked;
	const char *vain;
	const struct fw_rule *vain_rule;
	const struct fw_rule *offload;
};

/* firewall.c */
struct fw_table *fw_table_add(struct firewall *fw, enum fw_tool tool, uint8_t family,
			      const char *name);
struct fw_chain *fw_chain_find(const struct fw_table *table, const char *name);
struct fw_chain *fw_chain_add(struct fw_table *table, const char *name);
struct fw_rule *fw_rule_add(struct fw_chain *chain, struct fw_rule *rule);
struct fw_match *fw_match_add(struct fw_rule *rule, enum fw_field field);
struct fw_tuple *fw_tuple_add(struct fw_match *match);
struct fw_range fw_number(uint32_t low, uint32_t high);
bool fw_range_read(const char *text, struct fw_range *range);
uint32_t fw_range_low(const struct fw_range *range);
uint32_t fw_range_high(const struct fw_range *range);
enum fw_answer fw_in_range(const struct fw_range *packet, const struct fw_range *value);
uint8_t fw_protocol(const char *name);

/* Walks it from the first chain of prerouting to the last of postrouting. */
void fw_walk(const struct firewall *fw, const struct fw_packet *packet, struct fw_fate *fate);

/* Each rule that packets can get to at all, from a chain with a hook. */
typedef void fw_rule_fn(const struct fw_chain *base, const struct fw_chain *chain,
			const struct fw_rule *rule, void *data);
void fw_each_rule(const struct firewall *fw, fw_rule_fn *take, void *data);

/* nft.c, iptables.c: add what a text tells; false: it is not what it should be. */
bool nft_read(struct firewall *fw, const char *json);
bool iptables_read(struct firewall *fw, const char *text);

#endif
