/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_BUILD_BUG_H
#define USER_BUILD_BUG_H

#define static_assert(expr, ...) static_assert_2(expr, ##__VA_ARGS__, #expr)
#define static_assert_2(expr, text, ...) _Static_assert(expr, text)

#endif
