/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

/* A property that did not hold: ends the run, and libFuzzer keeps the input. */
#define FUZZ_ASSERT(condition, reason) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "property: %s\n", reason); \
			abort(); \
		} \
	} while (0)

#endif
