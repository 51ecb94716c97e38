// SPDX-License-Identifier: GPL-2.0-only
/* sipalg-ctl top: the counters once a second, in place, until q. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include "busiest.h"
#include "ctl.h"

#define CLEAR_LINE	"\033[K"
#define CLEAR_BELOW	"\033[J"
#define HOME		"\033[H"

static struct termios saved;
static bool raw;
static int stop_signals = -1;
static int rows, columns;

static void on_resize(int number)
{
	(void)number;	/* it ends poll(): the screen is drawn anew */
}

static void terminal_begin(void)
{
	struct termios quiet;

	if (!tcgetattr(STDIN_FILENO, &saved)) {
		quiet = saved;
		quiet.c_lflag &= ~(ICANON | ECHO);
		raw = !tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
	}
	fputs(HOME CLEAR_BELOW, stdout);
}

static void terminal_end(void)
{
	if (raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	putchar('\n');
	fflush(stdout);
}

/* All that would end or stop the program with the terminal as it is. */
static void signals_begin(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
	struct sigaction resize = { .sa_handler = on_resize };
	sigset_t stop;
	size_t i;

	sigemptyset(&stop);
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		sigaddset(&stop, numbers[i]);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	stop_signals = signalfd(-1, &stop, SFD_CLOEXEC);
	sigaction(SIGWINCH, &resize, NULL);
}

/* The shell gets its terminal as it was, and this program its own on return. */
static void pause_here(void)
{
	terminal_end();
	raise(SIGSTOP);
	terminal_begin();
}

static void measure(void)
{
	struct winsize size;

	rows = 24;
	columns = 80;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row && size.ws_col) {
		rows = size.ws_row;
		columns = size.ws_col;
	}
}

/* One line of the screen, cut to its width; those below the last are not drawn. */
static void draw(int *row, const char *text)
{
	if (*row + 1 >= rows)
		return;
	printf("%.*s" CLEAR_LINE "\n", columns - 1, text);
	(*row)++;
}

struct totals {
	uint64_t calls;
	uint64_t messages;
	double time;
};

static double seconds_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static double rate(uint64_t now, uint64_t before, double seconds)
{
	return now < before || seconds <= 0 ? 0 : (now - before) / seconds;
}

static void draw_totals(int *row, const struct totals *before, const struct totals *now)
{
	double passed = now->time - before->time;
	char line[160];

	snprintf(line, sizeof(line), "calls     %10llu now  %10llu at most  %9.1f/s",
		 (unsigned long long)stats_value("calls", "active"),
		 (unsigned long long)stats_value("calls", "peak"),
		 rate(now->calls, before->calls, passed));
	draw(row, line);
	snprintf(line, sizeof(line), "messages  %10llu in all %27.1f/s",
		 (unsigned long long)now->messages,
		 rate(now->messages, before->messages, passed));
	draw(row, line);
	snprintf(line, sizeof(line), "pinholes  %10llu open  registrations %6llu  memory %llu KiB",
		 (unsigned long long)stats_value("pinholes", "open"),
		 (unsigned long long)stats_value("", "registrations"),
		 (unsigned long long)stats_value("", "memory_bytes") / 1024);
	draw(row, line);
}

static void draw_group(int *row, const char *group, const char *title)
{
	const char *name;
	uint64_t value;
	char line[80];
	unsigned int i;

	draw(row, "");
	draw(row, title);
	for (i = 0; stats_each(i, group, &name, &value); i++) {
		if (!value)
			continue;
		snprintf(line, sizeof(line), "  %-24s %10llu", name,
			 (unsigned long long)value);
		draw(row, line);
	}
}

#define SHOWN	3	/* of each kind */

static void draw_busiest(int *row, const char *title,
			 bool (*line_of)(unsigned int i, char *text, size_t size))
{
	char line[120];
	unsigned int i;

	for (i = 0; i < SHOWN && line_of(i, line, sizeof(line)); i++) {
		if (!i) {
			draw(row, "");
			draw(row, title);
		}
		draw(row, line);
	}
}

static int draw_screen(struct totals *before)
{
	struct totals now;
	int status = stats_load() ?: busiest_load(), row = 0;

	if (status)
		return status;
	now.calls = stats_value("calls", "total");
	now.messages = stats_sum("messages");
	now.time = seconds_now();
	if (!before->time)
		*before = now;
	measure();
	fputs(HOME, stdout);
	draw(&row, "sipalg                                                    q quits");
	draw(&row, "");
	draw_totals(&row, before, &now);
	draw_busiest(&row, "busiest calls", busiest_call);
	draw_busiest(&row, "busiest sources", busiest_source);
	draw_group(&row, "dropped", "dropped");
	draw_group(&row, "passed_unchanged", "passed unchanged");
	draw_group(&row, "calls.ended", "calls ended");
	fputs(CLEAR_BELOW, stdout);
	fflush(stdout);
	*before = now;
	return DONE;
}

/* Returns true when it is to stop: by q, by a signal, or by the end of input. */
static bool wait_second(void)
{
	struct pollfd inputs[] = {
		{ .fd = stop_signals, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};
	struct signalfd_siginfo signal;
	char key;

	if (poll(inputs, ARRAY_SIZE(inputs), 1000) <= 0)
		return false;
	if (inputs[0].revents) {
		if (read(stop_signals, &signal, sizeof(signal)) != sizeof(signal) ||
		    signal.ssi_signo != SIGTSTP)
			return true;
		pause_here();
		return false;
	}
	return read(STDIN_FILENO, &key, 1) != 1 || key == 'q';
}

int top_command(int argc, char **argv)
{
	struct totals before = {};
	int status;

	if (argc)
		return usage_error("top does not know %s", argv[0]);
	if (json_wanted)
		return usage_error("top is for people; -j stats show is for programs");
	status = stats_load();	/* errors belong on a screen that is not ours yet */
	if (status)
		return status;
	signals_begin();
	terminal_begin();
	do {
		status = draw_screen(&before);
	} while (!status && !wait_second());
	terminal_end();
	return status;
}
