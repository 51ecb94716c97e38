/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of sipalg-ctl share. */
#ifndef SIPALG_CTL_H
#define SIPALG_CTL_H

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/sipalg.h>
#include <stdbool.h>
#include <stdint.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/* Exit statuses of CONTRACT.md. */
enum { DONE = 0, USAGE = 1, REFUSED = 2, FAULTY = 3 };

extern bool json_wanted;
extern bool json_pretty;

/* Who calls whom is not to be read in what goes into a ticket. */
extern bool mask_wanted;

/**
 * struct request - a question to the kernel
 * @buffer: its bytes
 * @nlh: the message in it; attributes are put with mnl_attr_put_*()
 */
struct request {
	char buffer[16384];
	struct nlmsghdr *nlh;
};

/* netlink.c: each says what is wrong on stderr and returns an exit status. */
int kernel_connect(void);
void request_init(struct request *request, uint8_t command, bool dump);
int request_send(struct request *request, mnl_cb_t answer, void *data);

/* What the kernel has refused the last request with; quiet: and not a word of it. */
extern int request_errno;
extern bool request_quiet;
void attrs_of(const struct nlmsghdr *nlh, const struct nlattr **attrs, int max);
int events_join(void);
int event_next(mnl_cb_t take_event, void *data);
void attrs_nested(const struct nlattr *nest, const struct nlattr **attrs, int max);

/* An attribute's value; "" or 0 if it is not there. */
const char *word_of(const struct nlattr *attr);
uint32_t number_of(const struct nlattr *attr);

/* output.c: JSON as it comes, no tree in memory; and words for people. */
void json_open(const char *key, char bracket);
void json_close(char bracket);
void json_number(const char *key, uint64_t value);
void json_string(const char *key, const char *text, size_t len);
void json_word(const char *key, const char *word);
void json_end(void);
const char *people_time(uint32_t seconds, char *text, size_t size);
const char *endpoint_text(const struct nlattr *nest, char *text, size_t size);
const char *endpoint_short(const struct nlattr *nest, char *text, size_t size);

/* A user or account, masked if that is wanted: no longer than NAME_TEXT. */
#define NAME_TEXT	132
const char *name_text(const struct nlattr *attr, char *text, size_t size);
void json_name(const char *key, const struct nlattr *attr);
void print_safe(const char *text, size_t len, int width);

#define ENDPOINT_TEXT	56
#define PREFIX_TEXT	56

/* `ADDRESS/BITS`, of an address and a byte behind it. */
const char *prefix_text(const uint8_t *bytes, unsigned int len, char *text, size_t size);

#define ENDPOINT_WIDTH	21	/* columns of endpoint_short(): all of IPv4 */

/* Only on a terminal, and not where NO_COLOR (no-color.org) is set. */
enum colour { COLOUR_GOOD, COLOUR_NOTE, COLOUR_BAD };
void colour_begin(enum colour colour);
void colour_end(void);

/* pinhole.c: the connections of a call, as conntrack has them. */
void call_flows_print(const struct nlattr *call);
void call_flows_json(const struct nlattr *call);

/* call.c, registration.c, ladder.c: the same in answers and events. */
void call_json_fields(const struct nlattr *call);
void registration_json_fields(const struct nlattr *registration);
enum ladder { LADDER_NONE, LADDER_TEXT, LADDER_MERMAID, LADDER_SVG };
void ladder_print(const struct nlmsghdr *nlh, enum ladder form, const struct nlattr *call);
void ladder_json(const struct nlmsghdr *nlh);

/* state_dump.c: what only call show prints. */
void state_dump_json(const struct nlattr *memory);
void state_dump_print_timers(const struct nlattr *memory);

/* stats.c: the counters as they were at the last stats_load(). */
int stats_load(void);
uint64_t stats_value(const char *group, const char *name);
uint64_t stats_sum(const char *group);
bool stats_each(unsigned int number, const char *group, const char **name,
		uint64_t *value);

bool stats_at(unsigned int i, const char **group, const char **name, uint64_t *value);
/* Does the counter that stats_at() returns go up and down? */
bool stats_is_gauge(unsigned int i);

/* prometheus.c: the same for its textfile collector. */
void prometheus_print(void);

/* One file an object; argv[0] is the word behind the object's. */
int setting_command(int argc, char **argv);
int call_command(int argc, char **argv);
int registration_command(int argc, char **argv);
int pinhole_command(int argc, char **argv);
int stats_command(int argc, char **argv);
int monitor_command(int argc, char **argv);
int check_command(int argc, char **argv);
int top_command(int argc, char **argv);
int sync_command(int argc, char **argv);
int version_command(bool json);

/* check.c: why the module has seen nothing, for the summary. */
void explain_silence(void);

int summary(void);

/* Prints a usage error and returns USAGE. */
int usage_error(const char *format, ...);

/* Of names and values by turns: does the name at @i stand before it, too? */
bool given_before(char **argv, int i);

/* Reads a whole number; false: it is none, or too large. */
bool read_number(const char *text, uint32_t max, uint32_t *value);

#endif
