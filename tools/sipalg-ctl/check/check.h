/* SPDX-License-Identifier: GPL-2.0-only */
/* What the questions of sipalg-ctl check share. */
#ifndef SIPALG_CTL_CHECK_H
#define SIPALG_CTL_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include "check/firewall.h"
#include "check/network.h"

enum level { LEVEL_OK, LEVEL_NOTE, LEVEL_FAULT, LEVEL_UNKNOWN };

/* Of which system what is to be typed differs. */
enum distribution { SYSTEM_DEBIAN, SYSTEM_OPENWRT, SYSTEM_VYOS, SYSTEM_OTHER };

/**
 * struct check - what the answers depend on
 * @fw: the rule sets
 * @net: the interfaces
 * @helper: the name that the module has registered its helper by
 * @system: where to type
 * @live: of this machine, not of files
 * @max_calls: the setting
 * @chosen: by somebody, it is not the default
 * @peak: most calls at once so far
 * @mode: the setting, as the number of its word
 * @contact: the setting contact-pinhole
 * @media: the setting media-ports
 * @translator: interface that leads to nat64-pool, or NULL
 * @rtp: ports that phones may receive media on
 */
struct check {
	struct firewall fw;
	struct network net;
	const char *helper;
	enum distribution system;
	bool live;
	uint32_t max_calls;
	bool chosen;
	uint32_t peak;
	uint32_t mode;
	bool contact;
	struct fw_range media;
	const char *translator;
	struct fw_range rtp;
};

/* Of the words that the kernel lists for `mode`, the last. */
#define MODE_PINHOLES	2
#define MODE_FULL	3

/* One line of the answer; @what and @fix may be "". */
void say(enum level level, const char *name, const char *what, const char *fix);

/* A text as printf() makes it, never freed. */
char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A text with more behind it, ", " between. */
char *text_and(char *text, const char *more);

/* All that a command prints, to be freed; NULL: it cannot be run. */
char *output_of(const char *command);

/* A file's text, to be freed, or NULL. */
char *text_in(const char *path);

/* A number from /proc or /sys; -1: there is none. */
long number_in(const char *path);

/* system.c: where this is, and what is typed there. */
enum distribution system_of(const char *os_release);
const char *how_to_install(const struct check *c, const char *debian, const char *openwrt);
const char *how_to_set(const struct check *c, const char *sysctl, unsigned long value);
const char *how_to_hash(const struct check *c, unsigned long buckets);
const char *how_to_attach(const struct check *c);
const char *how_to_forget(const struct check *c, const char *protocol, unsigned int port,
			  uint8_t family);
const char *how_to_unload(const struct check *c);
const char *how_to_start_tayga(const struct check *c);
const char *how_to_accept(const struct check *c, const struct fw_chain *chain, uint8_t family);

/* rules.c: what becomes of packets. */
void rules_load(struct firewall *fw);
void check_rules(struct check *c);
bool rules_attach(const struct check *c);
bool rules_bridge(const struct firewall *fw);
unsigned int rules_ports(const struct check *c, uint16_t *ports, unsigned int most);

/* How many interfaces lead to the rest of the world. */
unsigned int uplink_count(const struct check *c);

/* nat64.c: the translator in front of phones on IPv6, if the settings name one. */
void check_nat64(const struct check *c);
const char *nat64_device(void);

/* outer.c: addresses that a NAT outside of this router changes. */
void check_outer(const struct check *c);

/* limits.c: the kernel's, and their mending. */
void check_limits(struct check *c);
int limits_fix(struct check *c);
int limits_undo(void);

/* live.c: calls, registrations and connections as they are now. */
void check_live(struct check *c);

#endif
