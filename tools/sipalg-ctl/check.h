/* SPDX-License-Identifier: GPL-2.0-only */
/* What sipalg-ctl check reads of rule sets. */
#ifndef SIPALG_CTL_CHECK_H
#define SIPALG_CTL_CHECK_H

#include <stdbool.h>

#define LINE_MAX_LEN	2048

/**
 * struct rules - all rule sets, as text; NULL: their tool is not here
 * @nft: of nft list ruleset
 * @ipt: of iptables-save and its likes
 */
struct rules {
	char *nft;
	char *ipt;
};

/* All that a command prints, to be freed; NULL: it cannot be run. */
char *output_of(const char *command);

/* Does a rule attach the helper of this name? */
bool rules_attach(const struct rules *rules, const char *name);

/* Does a chain of forwarding drop what is related, media among it? */
bool rules_keep_out(const struct rules *rules, const char *name);

/* Does a rule hand flows to a flowtable? */
bool rules_offload(const struct rules *rules);

/* Are there rules for what is bridged, and so not forwarded? */
bool rules_bridge(const struct rules *rules);

/* The port of a signalling flow that passes by the helper; 0: there is none. */
unsigned int offloaded_signalling(const char *connections, const char *name);

#endif
