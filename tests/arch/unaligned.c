// SPDX-License-Identifier: GPL-2.0-only
/* Reads a number from an odd address: SIGBUS where a processor cannot. */
#include <stdint.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	static const char bytes[] = "0123456789";
	volatile int odd = argc;

	printf("%s reads %u\n", argv[0], *(const volatile uint32_t *)(bytes + odd));
	return 0;
}
