/* SPDX-License-Identifier: GPL-2.0-only */
/* TAP for all tests of this folder; they run in one program. */
#ifndef TEST_TAP_H
#define TEST_TAP_H

#include <stdbool.h>

/* One test: its result and its name. Returns @passed. */
bool tap(bool passed, const char *name, ...) __attribute__((format(printf, 2, 3)));

/* A line that explains a failure. */
void tap_note(const char *text, ...) __attribute__((format(printf, 1, 2)));

/* Two texts of several lines that should have been equal. */
void tap_differ(const char *got, const char *expected);

/* Prints the plan; the program's exit status. */
int tap_done(void);

#endif
