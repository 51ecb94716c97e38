// SPDX-License-Identifier: GPL-2.0-only
/* sipalg-ctl: options, objects, help. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ctl.h"

#define OUTPUT_BUFFER	(64 << 10)

static const struct object {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} objects[] = {
	{ "setting", setting_command,
	  "  setting list                      all settings with default and range\n"
	  "  setting set NAME VALUE ...        all of them or none\n"
	  "  setting reset                     back to the defaults\n" },
	{ "call", call_command,
	  "  call list [FILTER ...]            one line for each call\n"
	  "  call show ID [--ladder]           one call: parties, dialogs, media, timers,\n"
	  "                                    and its last messages\n"
	  "  call end ID                       close its pinholes and media, remove it\n"
	  "  call end --all [FILTER ...]       the same for all that match\n"
	  "    ID is a call's number or its Call-ID; call-id TEXT is a Call-ID in any\n"
	  "    case. FILTER: call-id TEXT,\n"
	  "    address ADDR[/LEN], port N, state early|confirmed|held|ending,\n"
	  "    older SECONDS, idle SECONDS, from USER, to USER, account USER (either)\n"
	  "    --ladder is followed by --mermaid or --svg for a diagram in another form.\n" },
	{ "registration", registration_command,
	  "  registration list [account NAME]  phones that can be called, and until when\n"
	  "  registration end ID               close its pinholes, forget it\n" },
	{ "pinhole", pinhole_command,
	  "  pinhole list [call ID]            what is open now: from, to, whose, how long\n" },
	{ "stats", stats_command,
	  "  stats show [--prometheus]         counters\n"
	  "  stats reset                       set the counters to zero\n" },
	{ "monitor", monitor_command,
	  "  monitor                           events as they happen, until Ctrl-C\n" },
	{ "check", check_command,
	  "  check                             faults of the set-up, and what to type\n"
	  "  check --fix                       raise limits that are too low; --undo: back\n"
	  "  check --files DIR                 the same of rule sets that were saved there\n" },
	{ "top", top_command,
	  "  top                               live view, until q\n" },
	{ "sync", sync_command,
	  "  sync status                       the pair of routers: role, how far behind\n"
	  "  sync ready                        exit status 0: this one may be active\n"
	  "  sync promote | demote             it is active, or standby, from now on\n"
	  "  sync handover                     returns when the other one has all\n" },
};

static void print_help(FILE *out, const struct object *only)
{
	size_t i;

	fprintf(out, "Usage: sipalg-ctl [OPTION ...] [OBJECT COMMAND ...]\n\n");
	for (i = 0; i < ARRAY_SIZE(objects); i++)
		if (!only || only == &objects[i])
			fputs(objects[i].help, out);
	fputs("\nOptions:\n"
	      "  -j, --json          JSON, for programs\n"
	      "  -p, --pretty        JSON with line breaks\n"
	      "      --mask          names of users are not told: for what goes into a ticket\n"
	      "  -n, --netns NAME    in this network namespace (ip netns)\n"
	      "  -h, --help          this text, or that of one object\n"
	      "  -V, --version       of this tool and of the loaded module\n"
	      "Without an object: a summary that says why nothing happens, if so.\n",
	      out);
}

int usage_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("; see sipalg-ctl --help\n", stderr);
	return USAGE;
}

bool read_number(const char *text, uint32_t max, uint32_t *value)
{
	unsigned long number;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	number = strtoul(text, &end, 10);
	if (*end || number > max)
		return false;
	*value = number;
	return true;
}

bool given_before(char **argv, int i)
{
	int before;

	for (before = 0; before < i; before += 2)
		if (!strcmp(argv[before], argv[i]))
			return true;
	return false;
}

static int enter_netns(const char *name)
{
	char path[4096];
	int fd;

	/* where ip(8) has them; older OpenWrt has no /run */
	snprintf(path, sizeof(path), "/var/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr, "There is no network namespace %s: see ip netns list\n", name);
		return USAGE;
	}
	if (setns(fd, CLONE_NEWNET)) {
		fprintf(stderr, "No permission to enter the namespace %s: run as root\n", name);
		return REFUSED;
	}
	close(fd);
	return DONE;
}

static const struct object *find_object(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(objects); i++)
		if (!strcmp(objects[i].name, name))
			return &objects[i];
	return NULL;
}

static bool asks_for_help(int argc, char **argv)
{
	return argc && (!strcmp(argv[argc - 1], "--help") ||
			!strcmp(argv[argc - 1], "-h") ||
			!strcmp(argv[argc - 1], "help"));
}

static void want_json(bool pretty)
{
	json_wanted = true;
	json_pretty |= pretty;
}

/* What was printed and did not get there was not told: a full disk, a closed pipe. */
static int finish(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "Cannot write: %s\n", strerror(errno ?: EIO));
	return status ?: USAGE;
}

/* `call list -j` is what many type first: the form of output, anywhere. */
static int take_late_options(int argc, char **argv)
{
	int i, left = 0;

	for (i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "-j") || !strcmp(argv[i], "--json"))
			want_json(false);
		else if (!strcmp(argv[i], "-p") || !strcmp(argv[i], "--pretty"))
			want_json(true);
		else if (!strcmp(argv[i], "--mask"))
			mask_wanted = true;
		else
			argv[left++] = argv[i];
	}
	return left;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ "netns", required_argument, NULL, 'n' },
		{ "mask", no_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{}
	};
	const struct object *object;
	bool show_version = false;
	int option, status;

	/* a list of thousands: fewer and longer writes; on a terminal line by line */
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, NULL, _IOFBF, OUTPUT_BUFFER);
	opterr = 0;	/* one sentence, and that is ours */
	while ((option = getopt_long(argc, argv, "+jpn:hV", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			want_json(false);
			break;
		case 'p':
			want_json(true);
			break;
		case 'n':
			status = enter_netns(optarg);
			if (status)
				return status;
			break;
		case 'm':
			mask_wanted = true;
			break;
		case 'h':
			print_help(stdout, NULL);
			return finish(DONE);
		case 'V':
			show_version = true;
			break;
		default:
			return usage_error(optopt == 'n' ? "-n wants a name" :
					   "There is no option %s", argv[optind - 1]);
		}
	}
	argc -= optind;
	argv += optind;
	argc = take_late_options(argc, argv);
	if (show_version)
		return finish(version_command(json_wanted));

	object = argc ? find_object(argv[0]) : NULL;
	if (argc && !object) {
		if (!strcmp(argv[0], "help")) {
			print_help(stdout, NULL);
			return finish(DONE);
		}
		return usage_error("There is no object %s", argv[0]);
	}
	if (object && asks_for_help(argc, argv)) {
		print_help(stdout, object);
		return finish(DONE);
	}
	/* a dump of another router needs no module here */
	if (argc > 2 && !strcmp(argv[0], "check") && !strcmp(argv[1], "--files"))
		return finish(check_command(argc - 1, argv + 1));
	/* a daemon's answer: it says itself when there is no module */
	if (argc && !strcmp(argv[0], "sync"))
		return finish(sync_command(argc - 1, argv + 1));
	status = kernel_connect();
	if (status)
		return status;
	return finish(object ? object->run(argc - 1, argv + 1) : summary());
}
