/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes with a page on either side that nobody may touch: reading one byte too
 * far, in front or behind, ends the program.
 */
#ifndef TEST_GUARD_H
#define TEST_GUARD_H

#include <stddef.h>

/* A copy of @data that ends right before a forbidden page. */
const char *guard_behind(const void *data, size_t len);

/* A copy of @data that begins right behind a forbidden page. */
const char *guard_before(const void *data, size_t len);

#endif
