// SPDX-License-Identifier: GPL-2.0-only
/*
 * A word in, lines `name value` out, the first with the exit status. Who may open the
 * socket may say all of the words: its directory is root's alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include "sync.h"

static int listener = -1;
static struct sockaddr_un name = { .sun_family = AF_UNIX };

int control_open(void)
{
	if (mkdir(config.run_directory, 0700) && errno != EEXIST)
		return -errno;
	if (snprintf(name.sun_path, sizeof(name.sun_path), "%s/sync.sock",
		     config.run_directory) >= (int)sizeof(name.sun_path))
		return -ENAMETOOLONG;
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0)
		return -errno;
	unlink(name.sun_path);
	if (bind(listener, (struct sockaddr *)&name, sizeof(name)) ||
	    chmod(name.sun_path, 0600) || listen(listener, 8))
		return -errno;
	return 0;
}

int control_fd(void)
{
	return listener;
}

void control_close(void)
{
	if (listener >= 0)
		unlink(name.sun_path);
}

static void answer_status(FILE *out)
{
	struct pair_status status;

	pair_status(&status);
	fprintf(out, "status 0\nrole %s\nepoch %u\nbehind %llu\ndirty %llu\nrecords %llu\n"
		"connected %u\nready %u\n%s%s\n",
		status.standby ? "standby" : "active", status.epoch,
		(unsigned long long)status.behind, (unsigned long long)status.dirty,
		(unsigned long long)status.records, status.connected, pair_is_ready(),
		status.trouble ? "trouble " : "", status.trouble ?: "");
}

static const char *words_for(int err)
{
	switch (err) {
	case 0:
		return "";
	case -EALREADY:
		return "this router is the standby: there is nothing to hand over";
	case -ETIMEDOUT:
		return "the other router has not got all: is it there, and its server a replica?";
	default:
		return strerror(-err);
	}
}

static void answer_done(FILE *out, int err)
{
	fprintf(out, "status %d\n%s%s\n", err ? 2 : 0, err ? "error " : "", words_for(err));
}

static void obey(const char *word, FILE *out)
{
	if (!strcmp(word, "status"))
		answer_status(out);
	else if (!strcmp(word, "ready"))
		fprintf(out, "status %d\n", !pair_is_ready());
	else if (!strcmp(word, "promote"))
		answer_done(out, pair_promote());
	else if (!strcmp(word, "demote"))
		answer_done(out, pair_demote());
	else if (!strcmp(word, "handover"))
		answer_done(out, pair_hand_over());
	else
		answer_done(out, -EINVAL);
}

void control_accept(void)
{
	const struct timeval patience = { .tv_sec = 1 };
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	char word[32] = "";
	FILE *out;

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	out = fdopen(fd, "w");
	if (!out) {
		close(fd);
		return;
	}
	if (recv(fd, word, sizeof(word) - 1, 0) > 0) {
		word[strcspn(word, "\n")] = 0;
		obey(word, out);
	}
	fclose(out);
}
