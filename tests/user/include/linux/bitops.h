/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_BITOPS_H
#define SHIM_BITOPS_H

static inline unsigned int __ffs64(uint64_t word)
{
	return __builtin_ctzll(word);
}

#endif
