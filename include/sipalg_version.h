/* SPDX-License-Identifier: GPL-2.0-only */
/* The version of module and tool; dist/ and CHANGELOG.md name the same. */
#ifndef SIPALG_VERSION_H
#define SIPALG_VERSION_H

#define SIPALG_VERSION	"0.1"

#endif
