// SPDX-License-Identifier: GPL-2.0-only
/*
 * sipalg-ctl check: the usual faults of a router's set-up. Each is a sentence
 * with what to type.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "check.h"
#include "ctl.h"

static void verdict(const char *name, const char *fault, const char *fix)
{
	if (json_wanted) {
		json_open(NULL, '{');
		json_word("name", name);
		json_word("state", fault ? "fault" : "ok");
		json_word("fault", fault ? fault : "");
		json_word("fix", fault ? fix : "");
		json_close('}');
	} else if (!fault) {
		printf("ok     %s\n", name);
	} else {
		printf("FAULT  %s\n       %s\n       %s\n", name, fault, fix);
	}
}

/* A number from /proc; -1: there is none. */
static long number_in(const char *path)
{
	FILE *file = fopen(path, "re");
	long number = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &number) != 1)
		number = -1;
	fclose(file);
	return number;
}

/* What cannot be looked at is no fault, and is not called right either. */
static void unknown(const char *name, const char *why, const char *fix)
{
	if (json_wanted) {
		json_open(NULL, '{');
		json_word("name", name);
		json_word("state", "unknown");
		json_word("fault", why);
		json_word("fix", fix);
		json_close('}');
	} else {
		printf("?      %s\n       %s\n       %s\n", name, why, fix);
	}
}

#define SIPALG_PARAMETERS	"/sys/module/sipalg/parameters/"

/* The name that the module has registered its helper by. */
static const char *helper_name(void)
{
	static char name[64];
	FILE *file = fopen(SIPALG_PARAMETERS "helper_name", "re");

	if (!file || fscanf(file, "%63s", name) != 1)
		strcpy(name, "sipalg");
	if (file)
		fclose(file);
	return name;
}

/* Loaded it does no harm: a flow has one helper, and rules say which. */
static void check_in_tree(const struct rules *rules)
{
	bool attached = !access("/sys/module/nf_conntrack_sip", F_OK) &&
			strcmp(helper_name(), "sip") &&
			(rules_attach(rules, "sip") ||
			 number_in("/proc/sys/net/netfilter/nf_conntrack_helper") > 0);

	verdict("the kernel's own SIP helper is out of the way",
		attached ? "nf_conntrack_sip is attached to flows; a flow has one helper." : NULL,
		"Take out rules of type \"sip\"; modprobe -r nf_nat_sip nf_conntrack_sip");
}

static void check_attached(const struct rules *rules)
{
	static const char question[] = "a rule attaches the helper";

	if (rules_attach(rules, helper_name()))
		verdict(question, NULL, NULL);
	else if (!rules->nft && !rules->ipt)
		unknown(question, "Neither nft nor iptables-save is here to be asked.",
			"Type: apt-get install nftables");
	else
		verdict(question, "No rule hands packets to sipalg, so it sees none.",
			"Add one: nft `ct helper set`, or iptables -t raw -j CT --helper sipalg.");
}

static void check_related(const struct rules *rules)
{
	verdict("media that comes by a pinhole is accepted",
		rules_keep_out(rules, helper_name()) ?
		"Forwarding is closed, and no rule there accepts what is related." : NULL,
		"Type: nft insert rule inet TABLE forward ct state established,related accept");
}

/*
 * A flow that has a helper is never offloaded; one that began before the rule
 * that attaches it can be, and then passes by unseen.
 */
static void check_offloaded(const struct rules *rules)
{
	char fix[96], *connections = NULL;
	unsigned int port = 0;

	if (rules_offload(rules))
		connections = output_of("{ conntrack -L; conntrack -L -f ipv6; } 2>/dev/null");
	if (connections)
		port = offloaded_signalling(connections, helper_name());
	free(connections);
	snprintf(fix, sizeof(fix), "Type: conntrack -D -p udp --orig-port-dst %u, also -p tcp",
		 port);
	verdict("no flowtable takes signalling past the helper",
		port ? "A flow was offloaded before a rule attached the helper to it." : NULL, fix);
}

static void rules_load(struct rules *rules)
{
	rules->nft = output_of("nft list ruleset 2>/dev/null");
	rules->ipt = output_of("{ iptables-save; ip6tables-save;"
			       " iptables-legacy-save; ip6tables-legacy-save; } 2>/dev/null");
}

static void rules_free(struct rules *rules)
{
	free(rules->nft);
	free(rules->ipt);
}

static void check_rules(const struct rules *rules)
{
	check_in_tree(rules);
	check_attached(rules);
	check_related(rules);
	check_offloaded(rules);
}

/* What the verdicts depend on. */
struct set {
	uint32_t max_calls;
	uint32_t mode;
};

static int take_limit(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *top[SIPALG_A_MAX + 1], *attrs[SIPALG_A_SETTING_MAX + 1];
	struct set *set = data;
	const char *name;

	attrs_of(nlh, top, SIPALG_A_MAX);
	if (!top[SIPALG_A_SETTING])
		return MNL_CB_OK;
	attrs_nested(top[SIPALG_A_SETTING], attrs, SIPALG_A_SETTING_MAX);
	name = mnl_attr_get_str(attrs[SIPALG_A_SETTING_NAME]);
	if (!strcmp(name, "max-calls"))
		set->max_calls = mnl_attr_get_u32(attrs[SIPALG_A_SETTING_VALUE]);
	if (!strcmp(name, "mode"))
		set->mode = mnl_attr_get_u32(attrs[SIPALG_A_SETTING_VALUE]);
	return MNL_CB_OK;
}

/* Of the words that the kernel lists for `mode`, the last. */
#define MODE_FULL	3

/* 2^n, as the kernel would round it up. */
static unsigned long power_of_two(unsigned long number)
{
	unsigned long power = 1;

	while (power < number)
		power *= 2;
	return power;
}

/* Its chains are walked for each new connection, and it cannot grow. */
static void check_hash(unsigned long pinholes)
{
	long buckets = number_in("/sys/module/nf_conntrack/parameters/expect_hashsize");
	char fix[160];

	snprintf(fix, sizeof(fix), access("/sys/module/nf_conntrack/initstate", F_OK) ?
		 "On the kernel's command line: nf_conntrack.expect_hashsize=%lu" :
		 "In /etc/modprobe.d/x.conf: options nf_conntrack expect_hashsize=%lu",
		 power_of_two(pinholes / 2));
	verdict("pinholes are found fast among as many as max-calls needs",
		buckets > 0 && (unsigned long)buckets * 8 < pinholes ?
		"Each new connection walks long chains; this is set at boot, not later." : NULL,
		fix);
}

/* A call with one audio stream: two pinholes a direction, five connections. */
static void check_limits(unsigned long max_calls)
{
	long expect = number_in("/proc/sys/net/netfilter/nf_conntrack_expect_max");
	long connections = number_in("/proc/sys/net/netfilter/nf_conntrack_max");
	char fix[96];

	snprintf(fix, sizeof(fix), "Type: sysctl net.netfilter.nf_conntrack_expect_max=%lu",
		 4 * max_calls);
	verdict("the kernel allows the pinholes that max-calls needs",
		expect >= 0 && (unsigned long)expect < 4 * max_calls ?
		"Calls beyond a quarter of nf_conntrack_expect_max get no pinholes." : NULL, fix);
	check_hash(4 * max_calls);
	snprintf(fix, sizeof(fix), "Type: sysctl net.netfilter.nf_conntrack_max=%lu",
		 5 * max_calls);
	verdict("conntrack holds the connections that max-calls needs",
		connections > 0 && (unsigned long)connections < 5 * max_calls ?
		"With max-calls calls at once new connections are refused." : NULL, fix);
}

static void check_mode(uint32_t mode)
{
	verdict("messages are translated and pinholes opened",
		mode < MODE_FULL ? "The setting mode says otherwise." : NULL,
		"Type: sipalg-ctl setting set mode full");
}

static void check_accounting(void)
{
	verdict("packets and bytes of media are counted",
		number_in("/proc/sys/net/netfilter/nf_conntrack_acct") > 0 ? NULL :
		"nf_conntrack_acct is off: call show knows no packets and bytes.",
		"Type: sysctl net.netfilter.nf_conntrack_acct=1");
}

/* The larger of all's and an interface's value holds: 1 strict, 2 loose. */
static bool any_strict(void)
{
	long all = number_in("/proc/sys/net/ipv4/conf/all/rp_filter");
	bool strict = false;
	glob_t found;
	size_t i;

	if (all > 1 || glob("/proc/sys/net/ipv4/conf/*/rp_filter", 0, NULL, &found))
		return false;
	for (i = 0; i < found.gl_pathc; i++)
		/* a template for interfaces to come, and one that sends to itself */
		if (!strstr(found.gl_pathv[i], "/default/") && !strstr(found.gl_pathv[i], "/lo/"))
			strict |= number_in(found.gl_pathv[i]) == 1;
	globfree(&found);
	return strict;
}

static void check_routing(const struct rules *rules)
{
	verdict("packets are forwarded",
		number_in("/proc/sys/net/ipv4/ip_forward") > 0 ||
		number_in("/proc/sys/net/ipv6/conf/all/forwarding") > 0 ||
		rules_bridge(rules) ? NULL :
		"Forwarding is off: this machine is no router.",
		"Type: sysctl net.ipv4.ip_forward=1");
	verdict("answers may take another way than questions",
		any_strict() ?
		"rp_filter is strict: media from a second uplink is dropped unseen." : NULL,
		"Where there are two uplinks, type: sysctl net.ipv4.conf.all.rp_filter=2");
}

static int read_settings(struct set *set)
{
	struct request request;

	request_init(&request, SIPALG_CMD_SETTING_GET, true);
	return request_send(&request, take_limit, set);
}

void explain_silence(void)
{
	struct rules rules;
	struct set set = {};

	rules_load(&rules);
	puts("\nNo SIP message has been seen in this network namespace.");
	if (!read_settings(&set) && !set.mode)
		puts("The setting mode is off. Type: sipalg-ctl setting set mode full");
	else if (rules_attach(&rules, helper_name()))
		puts("A rule attaches the helper: either no SIP has come since, or its flow is\n"
		     "older than the rule. Type: conntrack -D -p udp --orig-port-dst 5060");
	else if (rules.nft || rules.ipt)
		puts("No rule attaches the helper: sipalg(4) shows one, sipalg-ctl check looks\n"
		     "for more.");
	else
		puts("Does a rule attach the helper? Neither nft nor iptables-save can be asked.");
	rules_free(&rules);
}

int check_command(int argc, char **argv)
{
	struct rules rules;
	struct set set = {};
	int status;

	if (argc)
		return usage_error("check does not know %s", argv[0]);
	status = read_settings(&set);
	if (status)
		return status;
	rules_load(&rules);
	if (json_wanted)
		json_open(NULL, '[');
	check_rules(&rules);
	check_mode(set.mode);
	check_limits(set.max_calls);
	check_accounting();
	check_routing(&rules);
	rules_free(&rules);
	if (json_wanted) {
		json_close(']');
		json_end();
	}
	return DONE;
}
