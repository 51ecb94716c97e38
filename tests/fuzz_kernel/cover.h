/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the fuzzer of the running module and the module: see cover.c. */
#ifndef SIPALG_FUZZ_COVER_H
#define SIPALG_FUZZ_COVER_H

#include <linux/ioctl.h>

#define SIPALG_FUZZ_NAME	"sipalg_fuzz"	/* below /proc */
#define SIPALG_FUZZ_EDGES	65536u		/* counters that are read from it */
#define SIPALG_FUZZ_INPUT	16384u		/* bytes of an input that are kept */
#define SIPALG_FUZZ_FURTHEST	65535u		/* seconds */
/* Numbers of few bits are those of every regular file, and do not come to us. */
#define SIPALG_FUZZ_PUT_FORWARD	_IO('S', 1)	/* ioctl: the clock, by so many seconds */
#define SIPALG_FUZZ_BLOCKS	_IO('S', 2)	/* ioctl: how many blocks have run so far */

#endif
