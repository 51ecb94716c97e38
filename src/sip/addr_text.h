/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses and numbers as text. */
#ifndef SIPALG_ADDR_TEXT_H
#define SIPALG_ADDR_TEXT_H

#include <linux/types.h>
#include <linux/netfilter.h>

#define SIPALG_IP_TEXT		39	/* the longest IPv6 address */
#define SIPALG_NUMBER_TEXT	10	/* U32_MAX */

/**
 * sipalg_number_text() - write a number in decimal
 * @out: room for SIPALG_NUMBER_TEXT bytes; no NUL is written
 * @value: the number
 *
 * Return: bytes written.
 */
unsigned int sipalg_number_text(char *out, u32 value);

/**
 * sipalg_ip_text() - write an address as RFC 791 and RFC 5952 want it
 * @out: room for SIPALG_IP_TEXT bytes; no brackets, no NUL are written
 * @family: AF_INET or AF_INET6
 * @ip: the address, network byte order
 *
 * Return: bytes written.
 */
unsigned int sipalg_ip_text(char *out, u8 family, const union nf_inet_addr *ip);

#endif
