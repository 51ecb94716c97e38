// SPDX-License-Identifier: GPL-2.0-only
/* sipalg-ctl sync: the pair of routers, by the daemon sipalg-sync of this one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "ctl.h"

#define RUN_DIRECTORY	"/run/sipalg"

/* Asks, and gives back where the answer comes. */
static FILE *ask_daemon(const char *word)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	const char *directory = getenv("SIPALG_SYNC_DIR");
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s/sync.sock",
		 directory ?: RUN_DIRECTORY);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&name, sizeof(name)) &&
	    dprintf(fd, "%s\n", word) > 0)
		return fdopen(fd, "r");
	if (errno == EACCES)
		fputs("No permission: sipalg-ctl sync is root's\n", stderr);
	else
		fprintf(stderr, "sipalg-sync does not run here (%s): systemctl start sipalg-sync\n",
			name.sun_path);
	if (fd >= 0)
		close(fd);
	return NULL;
}

static void print_pair(const char *name, const char *value)
{
	char *end;
	unsigned long long number = strtoull(value, &end, 10);

	if (!json_wanted)
		printf("%-10s %s\n", name, value);
	else if (*value && !*end)
		json_number(name, number);
	else
		json_word(name, value);
}

/* Lines `name value`, the first the exit status. */
static int print_answer(FILE *daemon)
{
	char line[512], *value;
	int status = REFUSED;

	while (fgets(line, sizeof(line), daemon)) {
		line[strcspn(line, "\n")] = '\0';
		value = strchr(line, ' ');
		if (!value)
			continue;
		*value++ = '\0';
		if (!strcmp(line, "status"))
			status = atoi(value);
		else if (!strcmp(line, "error"))
			fprintf(stderr, "Error: %s\n", value);
		else
			print_pair(line, value);
	}
	return status;
}

int sync_command(int argc, char **argv)
{
	static const char *const words[] = {
		"status", "ready", "promote", "demote", "handover",
	};
	bool object = argc && !strcmp(argv[0], "status") && json_wanted;
	FILE *daemon;
	int status;
	size_t i;

	for (i = 0; argc && i < ARRAY_SIZE(words); i++)
		if (!strcmp(argv[0], words[i]))
			break;
	if (argc != 1 || i == ARRAY_SIZE(words))
		return usage_error("sync is followed by status, ready, promote, demote or handover");
	daemon = ask_daemon(argv[0]);
	if (!daemon)
		return USAGE;
	if (object)
		json_open(NULL, '{');
	status = print_answer(daemon);
	if (object) {
		json_close('}');
		json_end();
	}
	fclose(daemon);
	return status;
}
