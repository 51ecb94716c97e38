/* SPDX-License-Identifier: GPL-2.0-only */
/* The busiest calls and sources, for top. */
#ifndef SIPALG_CTL_BUSIEST_H
#define SIPALG_CTL_BUSIEST_H

#include <stdbool.h>
#include <stddef.h>

/* Reads all calls; an exit status. */
int busiest_load(void);

/* The line of the @i-th; false: there is none. */
bool busiest_call(unsigned int i, char *text, size_t size);
bool busiest_source(unsigned int i, char *text, size_t size);

#endif
