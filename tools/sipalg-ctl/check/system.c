// SPDX-License-Identifier: GPL-2.0-only
/* What is typed on this system: Debian and its kin, OpenWrt, VyOS. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "check/check.h"
#include "ctl.h"

/* Of os-release(5): ID, or any of ID_LIKE. */
enum distribution system_of(const char *os_release)
{
	static const struct {
		const char *word;
		enum distribution system;
	} known[] = {
		{ "vyos", SYSTEM_VYOS }, { "openwrt", SYSTEM_OPENWRT }, { "debian", SYSTEM_DEBIAN },
		{ "ubuntu", SYSTEM_DEBIAN },
	};
	const char *line;
	char *text = text_in(os_release);
	enum distribution found = SYSTEM_OTHER;
	size_t i;

	for (line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		if (strncmp(line, "ID=", 3) && strncmp(line, "ID_LIKE=", 8))
			continue;
		for (i = 0; i < ARRAY_SIZE(known); i++) {
			const char *at = strstr(line, known[i].word);

			if (at && at < line + strcspn(line, "\n") && known[i].system < found &&
			    found != SYSTEM_VYOS && found != SYSTEM_OPENWRT)
				found = known[i].system;
		}
	}
	free(text);
	return found;
}

static bool has_apk(void)
{
	return !access("/usr/bin/apk", X_OK) || !access("/sbin/apk", X_OK) ||
	       !access("/bin/apk", X_OK);
}

/* OpenWrt's package manager and what it is told: opkg, or apk from 25.12 on. */
static const char *openwrt_install(const char *package)
{
	return text_of(has_apk() ? "apk add %s" : "opkg install %s", package);
}

const char *how_to_install(const struct check *c, const char *debian, const char *openwrt)
{
	if (c->system == SYSTEM_OPENWRT)
		return text_of("Type: %s", openwrt_install(openwrt));
	if (c->system == SYSTEM_OTHER)
		return text_of("Install the package %s.", debian);
	return text_of("Type: apt-get install %s", debian);
}

/* VyOS writes its sysctls anew from its configuration. */
static const char *vyos_word(const char *sysctl)
{
	if (!strcmp(sysctl, "net.netfilter.nf_conntrack_expect_max"))
		return "expect-table-size";
	return !strcmp(sysctl, "net.netfilter.nf_conntrack_max") ? "table-size" : NULL;
}

const char *how_to_set(const struct check *c, const char *sysctl, unsigned long value)
{
	const char *word = c->system == SYSTEM_VYOS ? vyos_word(sysctl) : NULL;

	if (word)
		return text_of("Type: set system conntrack %s %lu; commit", word, value);
	if (c->system == SYSTEM_VYOS)
		return text_of("Type: set system sysctl parameter %s value %lu; commit", sysctl,
			       value);
	if (c->system == SYSTEM_OPENWRT)
		return text_of("Type: echo %s=%lu >>/etc/sysctl.d/99-sipalg.conf; sysctl -p /etc/sysctl.d/99-sipalg.conf",
			       sysctl, value);
	return text_of("Type: sysctl %s=%lu", sysctl, value);
}

const char *how_to_hash(const struct check *c, unsigned long buckets)
{
	if (access("/sys/module/nf_conntrack/initstate", F_OK))
		return text_of("On the kernel's command line: nf_conntrack.expect_hashsize=%lu",
			       buckets);
	if (c->system == SYSTEM_OPENWRT)
		return text_of("In /etc/modules.d/00-sipalg-conntrack: nf_conntrack expect_hashsize=%lu",
			       buckets);
	if (c->system == SYSTEM_VYOS)
		return text_of("Type: set system conntrack hash-size %lu; commit; reboot", buckets);
	return text_of("In /etc/modprobe.d/sipalg-conntrack.conf: options nf_conntrack expect_hashsize=%lu",
		       buckets);
}

static bool has_conntrack(void)
{
	return !access("/usr/sbin/conntrack", X_OK) || !access("/usr/bin/conntrack", X_OK);
}

/* A flow to that port, which then begins anew; @family 0: of any. */
const char *how_to_forget(const struct check *c, const char *protocol, unsigned int port,
			  uint8_t family)
{
	const char *first = c->system == SYSTEM_OPENWRT && !has_conntrack() ?
			    text_of("%s; ", openwrt_install("conntrack")) : "";

	return text_of("Type: %sconntrack -D -p %s --orig-port-dst %u%s", first, protocol, port,
		       family == AF_INET6 ? " -f ipv6" : "");
}

/* OpenWrt's modprobe takes nothing out, and its firewall names each helper it finds. */
const char *how_to_unload(const struct check *c)
{
	if (c->system == SYSTEM_OPENWRT)
		return "Type: sed -i '/_sip$/d' /etc/modules.d/nf-nathelper-extra; fw4 stop; rmmod nf_nat_sip nf_conntrack_sip; fw4 start";
	if (c->system == SYSTEM_VYOS)
		return "Type: delete system conntrack modules sip; commit";
	return "Take out rules of type \"sip\"; modprobe -r nf_nat_sip nf_conntrack_sip";
}

/* Of OpenWrt it is an interface, which has the name that its owner gave it. */
const char *how_to_start_tayga(const struct check *c)
{
	if (c->system == SYSTEM_OPENWRT)
		return "Type: ifup NAME, of the interface with proto tayga in /etc/config/network";
	return "Type: systemctl start tayga";
}

static bool has_table(const struct check *c, const char *name)
{
	const struct fw_table *table;

	for (table = c->fw.tables; table; table = table->next)
		if (table->tool == FW_NFT && table->family != 255 && !strcmp(table->name, name))
			return true;
	return false;
}

/* Who keeps his rules by it, or has tried to attach the helper by it. */
static bool has_iptables(const struct check *c)
{
	const struct fw_table *table;

	for (table = c->fw.tables; table; table = table->next)
		if (table->tool != FW_NFT &&
		    (!strcmp(table->name, "filter") || !strcmp(table->name, "raw")))
			return true;
	return false;
}

const char *how_to_attach(const struct check *c)
{
	if (c->system == SYSTEM_OPENWRT || has_table(c, "fw4"))
		return "In /etc/nftables.d/sipalg.nft, the table that sipalg(4) shows; then: fw4 reload";
	if (c->system == SYSTEM_VYOS)
		return "Type: set system conntrack modules sip; commit (doc: recipes/vyos.md)";
	if (has_table(c, "firewalld"))
		return "By firewall-cmd, as recipes/firewalld.md tells; then: conntrack -D -p udp --dport 5060";
	if (has_iptables(c) && !has_table(c, "filter"))
		return text_of("Type: iptables -t raw -A PREROUTING -p udp --dport 5060 -j CT --helper %s",
			       c->helper);
	return "Load the table that sipalg(4) shows: nft -f FILE; it is for priority filter, not raw.";
}

static const char *iptables_of(const struct fw_table *table, uint8_t family)
{
	if (table->tool == FW_IPTABLES_LEGACY)
		return family == AF_INET ? "iptables-legacy" : "ip6tables-legacy";
	return family == AF_INET ? "iptables" : "ip6tables";
}

static const char *nft_family(const struct fw_table *table)
{
	switch (table->family) {
	case AF_INET:
		return "ip";
	case AF_INET6:
		return "ip6";
	case AF_BRIDGE:
		return "bridge";
	default:
		return "inet";
	}
}

/* What fw4 puts before the rules of a chain of its own, each time it writes them. */
#define FW4_BEFORE	"/usr/share/nftables.d/chain-pre"

const char *how_to_accept(const struct check *c, const struct fw_chain *chain, uint8_t family)
{
	const struct fw_table *table = chain->table;
	const char *name = chain->name;

	if (c->system == SYSTEM_VYOS)
		return "Type: set firewall global-options state-policy related action accept; commit";
	if (table->tool == FW_NFT && !strcmp(table->name, "fw4"))
		return text_of("Type: mkdir -p %s/%s; echo ct state established,related accept >%s/%s/sipalg.nft; fw4 reload",
			       FW4_BEFORE, name, FW4_BEFORE, name);
	if (table->tool == FW_NFT)
		return text_of("Type: nft insert rule %s %s %s ct state established,related accept",
			       nft_family(table), table->name, name);
	if (fw_chain_find(table, "DOCKER-USER"))
		name = "DOCKER-USER";
	return text_of("Type: %s -I %s -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
		       iptables_of(table, family), name);
}
