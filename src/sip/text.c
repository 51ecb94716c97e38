// SPDX-License-Identifier: GPL-2.0-only
/* The classes of characters that sip_text.h speaks of. */
#include "sip/text.h"

#define MARK	TEXT_TOKEN
#define NAME	(TEXT_TOKEN | TEXT_HOST)
#define DIGIT	(TEXT_TOKEN | TEXT_HOST | TEXT_DIGIT | TEXT_HEX)
#define LETTER	(TEXT_TOKEN | TEXT_HOST | TEXT_ALPHA)

const u8 sip_text_class[256] = {
	[0x00 ... 0x08] = TEXT_CONTROL,
	['\t'] = TEXT_SPACE,
	['\n'] = TEXT_SPACE | TEXT_CONTROL,
	[0x0b ... 0x0c] = TEXT_CONTROL,
	['\r'] = TEXT_SPACE | TEXT_CONTROL,
	[0x0e ... 0x1f] = TEXT_CONTROL,
	[' '] = TEXT_SPACE,
	['!'] = MARK,
	['"'] = TEXT_STOP,
	['%'] = MARK,
	['\''] = MARK,
	['*' ... '+'] = MARK,
	[','] = TEXT_STOP,
	['-' ... '.'] = NAME,
	['0' ... '9'] = DIGIT,
	[';' ... '<'] = TEXT_STOP,
	['A' ... 'F'] = LETTER | TEXT_HEX,
	['G' ... 'Z'] = LETTER,
	['_'] = NAME,
	['`'] = MARK,
	['a' ... 'f'] = LETTER | TEXT_HEX,
	['g' ... 'z'] = LETTER,
	['~'] = MARK,
	[0x7f] = TEXT_CONTROL,
};
