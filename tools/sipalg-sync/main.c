// SPDX-License-Identifier: GPL-2.0-only
/* Waits for the module, the server, the control socket, and the next tick. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "sipalg_version.h"
#include "sync.h"

#define TICK	100	/* ms */

static int ends_fd = -1, epoll_fd = -1;
static int watched_store = -1;

/* As sd_notify(3) does, for systemd alone. */
static void notify(const char *state)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len;
	int fd;

	if (!path || strlen(path) >= sizeof(to.sun_path))
		return;
	len = strlen(path);
	memcpy(to.sun_path, path, len);
	if (to.sun_path[0] == '@')
		to.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
	       offsetof(struct sockaddr_un, sun_path) + len);
	close(fd);
}

static int watch(int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* The connection to the server comes and goes. */
static void watch_store(void)
{
	int fd = store_fd();

	/* one that was closed is not watched any more, and its number is used again */
	if (fd >= 0 && watch(fd) && errno != EEXIST)
		say("the server cannot be waited for: %s", strerror(errno));
	watched_store = fd;
}

static int watch_signals(void)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	return signalfd(-1, &ends, SFD_CLOEXEC);
}

static int begin(void)
{
	int err = kernel_open();

	if (err) {
		say(err == -ENOENT ? "the module is not loaded: modprobe sipalg" :
		    "the module cannot be asked: %s", strerror(-err));
		return -1;
	}
	err = pair_begin();
	if (err) {
		say(err == -EPERM ? "no permission: it needs CAP_NET_ADMIN" :
		    "the module refuses: %s", strerror(-err));
		return -1;
	}
	err = control_open();
	if (err) {
		say("%s: %s", config.run_directory, strerror(-err));
		return -1;
	}
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ends_fd = watch_signals();
	return epoll_fd < 0 || ends_fd < 0 || watch(ends_fd) || watch(kernel_fd()) ||
	       watch(control_fd()) ? -1 : 0;
}

static bool happened(int fd)
{
	if (fd == ends_fd)
		return false;
	if (fd == kernel_fd())
		pair_kernel();
	else if (fd == control_fd())
		control_accept();
	else if (fd == watched_store && fd == store_fd())
		pair_store();
	return true;
}

static void run(void)
{
	struct epoll_event events[8];
	uint64_t next = 0;
	int count, i;

	notify("READY=1");
	for (;;) {
		if (clock_ms() >= next) {
			pair_tick();
			next = clock_ms() + TICK;
		}
		watch_store();
		count = epoll_wait(epoll_fd, events, ARRAY_SIZE(events), TICK);
		for (i = 0; i < count; i++)
			if (!happened(events[i].data.fd))
				return;
	}
}

static int usage(FILE *out, int status)
{
	fputs("Usage: sipalg-sync [--config FILE]\n\n"
	      "  -c, --config FILE   default /etc/sipalg-sync.conf\n"
	      "  -h, --help          this text\n"
	      "  -V, --version\n", out);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{},
	};
	const char *path = "/etc/sipalg-sync.conf";
	int option;

	while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) >= 0)
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case 'h':
			return usage(stdout, 0);
		case 'V':
			puts("sipalg-sync " SIPALG_VERSION);
			return 0;
		default:
			return usage(stderr, 1);
		}
	if (optind != argc)
		return usage(stderr, 1);
	if (config_read(path) || begin())
		return 1;
	run();
	notify("STOPPING=1");
	control_close();
	return 0;
}
