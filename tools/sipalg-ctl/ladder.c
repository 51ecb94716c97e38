// SPDX-License-Identifier: GPL-2.0-only
/* The last messages of a call, drawn between its two parties and this router. */
#include <stdio.h>
#include <string.h>
#include "ctl.h"

/* One message, read. */
struct rung {
	uint32_t time;
	uint32_t cseq;
	uint32_t status;
	uint32_t edits;
	const char *word;
	const char *protocol;
	const char *reason;
	bool caller;
	bool retransmitted;
	bool dropped;
};

static void read_rung(const struct nlattr *nest, struct rung *rung)
{
	const struct nlattr *attrs[SIPALG_A_MESSAGE_MAX + 1];

	attrs_nested(nest, attrs, SIPALG_A_MESSAGE_MAX);
	rung->time = number_of(attrs[SIPALG_A_MESSAGE_TIME]);
	rung->cseq = number_of(attrs[SIPALG_A_MESSAGE_CSEQ]);
	rung->status = number_of(attrs[SIPALG_A_MESSAGE_STATUS]);
	rung->edits = number_of(attrs[SIPALG_A_MESSAGE_EDITS]);
	rung->word = word_of(attrs[SIPALG_A_MESSAGE_WORD]);
	rung->protocol = word_of(attrs[SIPALG_A_MESSAGE_PROTOCOL]);
	rung->reason = word_of(attrs[SIPALG_A_MESSAGE_REASON]);
	rung->caller = attrs[SIPALG_A_MESSAGE_CALLER];
	rung->retransmitted = attrs[SIPALG_A_MESSAGE_RETRANSMITTED];
	rung->dropped = attrs[SIPALG_A_MESSAGE_DROPPED];
}

static void rung_json(const struct rung *rung)
{
	json_open(NULL, '{');
	json_number("time_ms", rung->time);
	json_word("from", rung->caller ? "caller" : "callee");
	json_word("method", rung->word);
	json_number("status", rung->status);
	json_number("cseq", rung->cseq);
	json_word("protocol", rung->protocol);
	json_number("edits", rung->edits);
	json_number("retransmitted", rung->retransmitted);
	json_number("dropped", rung->dropped);
	json_word("reason", rung->reason);
	json_close('}');
}

void ladder_json(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;
	struct rung rung;

	json_open("messages", '[');
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == SIPALG_A_MESSAGE) {
			read_rung(attr, &rung);
			rung_json(&rung);
		}
	json_close(']');
}

#define ARROW	15	/* columns; 80 hold two and the longest reason */

/* An arrow with the message's name in it. */
static void print_arrow(const struct rung *rung, bool shown)
{
	char name[32], line[ARROW + 1];
	size_t len;

	if (!shown) {
		printf("%*s", ARROW, "");
		return;
	}
	if (rung->status)
		snprintf(name, sizeof(name), " %u %.9s ", rung->status, rung->word);
	else
		snprintf(name, sizeof(name), " %.12s ", rung->word);
	len = strlen(name);
	if (len > ARROW)
		len = ARROW;
	memset(line, '-', ARROW);
	line[ARROW] = '\0';
	memcpy(line + (ARROW - len) / 2, name, len);
	if (rung->caller)
		line[ARROW - 1] = '>';
	else
		line[0] = '<';
	fputs(line, stdout);
}

static void print_deed(const struct rung *rung)
{
	if (rung->dropped)
		printf(" dropped: %s", rung->reason);
	else if (*rung->reason)
		printf(" unchanged: %s", rung->reason);
	else if (rung->edits)
		printf(" %u edit%s", rung->edits, rung->edits == 1 ? "" : "s");
	if (rung->retransmitted)
		printf(" again");
	putchar('\n');
}

/* What was dropped ends at the router. */
static void print_rung(const struct rung *rung)
{
	printf("%5u.%03u |", rung->time / 1000, rung->time % 1000);
	print_arrow(rung, rung->caller || !rung->dropped);
	putchar(rung->dropped ? 'X' : '|');
	print_arrow(rung, !rung->caller || !rung->dropped);
	putchar('|');
	print_deed(rung);
}

void ladder_print(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;
	struct rung rung;

	printf("\n%9s caller%*srouter%*scallee\n", "seconds", ARROW - 5, "", ARROW - 5, "");
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == SIPALG_A_MESSAGE) {
			read_rung(attr, &rung);
			print_rung(&rung);
		}
}
