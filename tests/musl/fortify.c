// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debian builds its libraries with _FORTIFY_SOURCE, whose checks are glibc's. musl
 * has all else that libmnl and libnetfilter_conntrack call; these pass on.
 */
#include <stdarg.h>
#include <stdio.h>

#define FORWARD(call) do {		\
		va_list args;		\
		int len;		\
					\
		va_start(args, format);	\
		len = call;		\
		va_end(args);		\
		return len;		\
	} while (0)

int __printf_chk(int flag, const char *format, ...)
{
	FORWARD(vprintf(format, args));
}

int __fprintf_chk(FILE *file, int flag, const char *format, ...)
{
	FORWARD(vfprintf(file, format, args));
}

int __snprintf_chk(char *text, size_t size, int flag, size_t room, const char *format, ...)
{
	FORWARD(vsnprintf(text, size, format, args));
}
