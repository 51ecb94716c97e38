// SPDX-License-Identifier: GPL-2.0-only
/*
 * Limits of the kernel: what calls need, what there is, and how it is raised.
 *
 * A call with one audio stream holds up to EXPECTATIONS and CONNECTIONS. --fix
 * raises what is too low for max-calls, yet never for more calls than fit in
 * SHARE of the memory, and writes down what was there before for --undo.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "check/check.h"
#include "ctl.h"

#define EXPECTATIONS	4
#define CONNECTIONS	5
#define CALL_BYTES	(EXPECTATIONS * 256 + CONNECTIONS * 512)
#define SHARE		16	/* at most one sixteenth of the memory */

#define EXPECT_MAX	"net.netfilter.nf_conntrack_expect_max"
#define CONNTRACK_MAX	"net.netfilter.nf_conntrack_max"
#define ACCT		"net.netfilter.nf_conntrack_acct"
#define HASH_PATH	"/sys/module/nf_conntrack/parameters/expect_hashsize"
#define UNDO_PATH	"/var/run/sipalg-ctl.undo"
#define HASH_MARK	"# By sipalg-ctl check --fix; --undo takes it away.\n"

static const char *sysctl_path(const char *name)
{
	char *path = text_of("/proc/sys/%s", name), *at;

	for (at = path + strlen("/proc/sys/"); *at; at++)
		if (*at == '.')
			*at = '/';
	return path;
}

static long sysctl_value(const char *name)
{
	return number_in(sysctl_path(name));
}

static unsigned long memory_bytes(void)
{
	unsigned long kib = 0;
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemTotal: %lu kB", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib * 1024;
}

/* So many calls that the kernel's tables for them take no more than their share. */
static unsigned long calls_that_fit(void)
{
	return memory_bytes() / SHARE / CALL_BYTES;
}

/* How many calls there shall be room for. */
static unsigned long calls_wanted(const struct check *c)
{
	unsigned long fit = calls_that_fit();

	return fit && fit < c->max_calls ? fit : c->max_calls;
}

static unsigned long power_of_two(unsigned long number)
{
	unsigned long power = 1;

	while (power < number)
		power *= 2;
	return power;
}

/* As many as the calls that there have been, and some. */
static bool is_tight(const struct check *c, long limit, unsigned long each)
{
	return limit >= 0 && c->peak && (unsigned long)limit < c->peak * each * 5 / 4;
}

static void check_limit(const struct check *c, const char *question, const char *sysctl,
			unsigned long each)
{
	long limit = sysctl_value(sysctl);
	unsigned long wanted = calls_wanted(c) * each;

	if (limit < 0 || (unsigned long)limit >= wanted ||
	    (!strcmp(sysctl, CONNTRACK_MAX) && !limit))
		say(LEVEL_OK, question, "", "");
	else
		say(c->chosen ? LEVEL_FAULT : LEVEL_NOTE, question,
		    text_of("There is room for %lu calls at once%s; max-calls allows %u.",
			    limit / each, is_tight(c, limit, each) ?
			    text_of(", and there have been %u", c->peak) : "", c->max_calls),
		    how_to_set(c, sysctl, wanted));
}

static bool is_hash_short(unsigned long pinholes, long *buckets)
{
	*buckets = number_in(HASH_PATH);
	return *buckets > 0 && (unsigned long)*buckets * 8 < pinholes;
}

static unsigned long hash_wanted(const struct check *c)
{
	return power_of_two(calls_wanted(c) * EXPECTATIONS / 2);
}

static void check_hash(const struct check *c)
{
	static const char question[] = "pinholes are found fast among as many as max-calls needs";
	long buckets;

	if (is_hash_short(calls_wanted(c) * EXPECTATIONS, &buckets))
		say(LEVEL_NOTE, question,
		    text_of("Each new connection walks long chains in %ld buckets; set at boot, not later.",
			    buckets), how_to_hash(c, hash_wanted(c)));
	else
		say(LEVEL_OK, question, "", "");
}

void check_limits(struct check *c)
{
	check_limit(c, "the kernel allows the pinholes that max-calls needs", EXPECT_MAX,
		    EXPECTATIONS);
	check_hash(c);
	check_limit(c, "conntrack holds the connections that max-calls needs", CONNTRACK_MAX,
		    CONNECTIONS);
	if (sysctl_value(ACCT) > 0)
		say(LEVEL_OK, "packets and bytes of media are counted", "", "");
	else
		say(LEVEL_NOTE, "packets and bytes of media are counted",
		    "nf_conntrack_acct is off: call show knows no packets and bytes.",
		    how_to_set(c, ACCT, 1));
}

static bool write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	bool done;

	if (!file)
		return false;
	done = fputs(text, file) >= 0;
	return !fclose(file) && done;
}

/* A change that is to be undone: the first value of all is what was there. */
static void remember(const char *path, long before, unsigned long after)
{
	char *text = text_in(UNDO_PATH), *line;
	char old[256];
	long first = before, value;
	FILE *file = fopen(UNDO_PATH ".new", "we");

	for (line = text; file && line && *line; line += strcspn(line, "\n") + 1) {
		if (sscanf(line, "%255s %ld", old, &value) != 2)
			break;
		if (!strcmp(old, path))
			first = value;
		else
			fprintf(file, "%.*s\n", (int)strcspn(line, "\n"), line);
		if (!line[strcspn(line, "\n")])
			break;
	}
	if (file) {
		fprintf(file, "%s %ld %lu\n", path, first, after);
		fclose(file);
		rename(UNDO_PATH ".new", UNDO_PATH);
	}
	free(text);
}

static int raise_limit(const char *sysctl, unsigned long wanted)
{
	const char *path = sysctl_path(sysctl);
	long now = number_in(path);

	/* of conntrack's own table 0 is no limit */
	if (now < 0 || (unsigned long)now >= wanted || (!strcmp(sysctl, CONNTRACK_MAX) && !now))
		return DONE;
	if (!write_text(path, text_of("%lu\n", wanted))) {
		fprintf(stderr, "%s: %s; it is the machine's, not this namespace's: type this without -n\n",
			sysctl, strerror(errno));
		return REFUSED;
	}
	remember(path, now, wanted);
	printf("%s: %ld -> %lu\n", sysctl, now, wanted);
	return DONE;
}

/* The file that this system reads when it loads nf_conntrack. */
static const char *hash_file(const struct check *c)
{
	return c->system == SYSTEM_OPENWRT ? "/etc/modules.d/00-sipalg-conntrack" :
	       "/etc/modprobe.d/sipalg-conntrack.conf";
}

static unsigned long hash_written(const char *path)
{
	char *text = text_in(path), *at = text ? strstr(text, "expect_hashsize=") : NULL;
	unsigned long written = at ? strtoul(at + strlen("expect_hashsize="), NULL, 10) : 0;

	free(text);
	return written;
}

static int write_hash(const struct check *c)
{
	const char *path = hash_file(c), *how;
	long buckets;

	if (!is_hash_short(calls_wanted(c) * EXPECTATIONS, &buckets) ||
	    access("/sys/module/nf_conntrack/initstate", F_OK) || c->system == SYSTEM_VYOS ||
	    hash_written(path) >= hash_wanted(c))
		return DONE;
	how = c->system == SYSTEM_OPENWRT ? "" : "options ";
	if (!write_text(path, text_of(HASH_MARK "%snf_conntrack expect_hashsize=%lu\n", how,
				      hash_wanted(c)))) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return REFUSED;
	}
	printf("%s: expect_hashsize=%lu from the next boot on (now %ld)\n", path, hash_wanted(c),
	       buckets);
	return DONE;
}

int limits_fix(struct check *c)
{
	unsigned long calls = calls_wanted(c);
	int status = DONE;

	printf("for %lu calls at once: max-calls is %u, and what they take of the kernel's tables\n"
	       "stays within 1/%u of the memory\n", calls, c->max_calls, SHARE);
	status |= raise_limit(EXPECT_MAX, calls * EXPECTATIONS);
	status |= raise_limit(CONNTRACK_MAX, calls * CONNECTIONS);
	status |= raise_limit(ACCT, 1);
	status |= write_hash(c);
	return status;
}

/* Only what is still as it was left: others may have changed it since. */
static int undo_line(const char *path, long before, unsigned long after)
{
	long now = number_in(path);

	if (now != (long)after) {
		printf("%s: left at %ld, it was changed since\n", path, now);
		return DONE;
	}
	if (!write_text(path, text_of("%ld\n", before))) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return REFUSED;
	}
	printf("%s: %ld -> %ld\n", path, now, before);
	return DONE;
}

static int undo_file(const char *path)
{
	char *text = text_in(path);
	bool ours = text && !strncmp(text, HASH_MARK, strlen(HASH_MARK));

	free(text);
	if (!ours)
		return DONE;
	if (unlink(path)) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return REFUSED;
	}
	printf("%s: taken away\n", path);
	return DONE;
}

int limits_undo(void)
{
	char *text = text_in(UNDO_PATH), *line, path[256];
	unsigned long after;
	long before;
	int status = DONE;

	for (line = text; line && *line; line += strcspn(line, "\n") + 1) {
		if (sscanf(line, "%255s %ld %lu", path, &before, &after) == 3)
			status |= undo_line(path, before, after);
		if (!line[strcspn(line, "\n")])
			break;
	}
	free(text);
	status |= undo_file("/etc/modprobe.d/sipalg-conntrack.conf");
	status |= undo_file("/etc/modules.d/00-sipalg-conntrack");
	if (!status)
		unlink(UNDO_PATH);
	return status;
}
