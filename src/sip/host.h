/* SPDX-License-Identifier: GPL-2.0-only */
/* Host and port: the tokens that are translated. */
#ifndef SIPALG_SIP_HOST_H
#define SIPALG_SIP_HOST_H

#include "sip/msg.h"
#include "sip/text.h"

/**
 * sip_host_read() - read a host as URIs and Via write it
 * @msg: the message that [@p, @end) is part of; it remembers addresses
 * @p: where the host begins
 * @end: where reading must stop
 * @host: filled: host, form, bracketed, addr; no port
 *
 * IPv4 addresses, IPv6 references in brackets, domain names (RFC 3261 25.1).
 * Text that resembles IPv4 but violates RFC 3986 (leading zeros, five numbers) is
 * a name, and so never translated; so is text in brackets that is no IPv6
 * address. Any context.
 *
 * Return: the first byte behind the host, or NULL.
 */
const char *sip_host_read(struct sip_msg *msg, const char *p, const char *end,
			  struct sip_host *host);

/**
 * sip_host_read_bare() - read a host, IPv6 also without brackets
 * @msg: the message that [@p, @end) is part of; it remembers addresses
 * @p: where the host begins
 * @end: where it ends
 * @host: filled like sip_host_read() does
 *
 * SDP writes IPv6 without brackets, and so do many in Via's received parameter
 * (RFC 5118 4.5). All of [@p, @end) must be the host. Any context.
 *
 * Return: true if it is one.
 */
bool sip_host_read_bare(struct sip_msg *msg, const char *p, const char *end,
			struct sip_host *host);

/**
 * sip_port_read() - read the digits of a port
 * @msg: the message that [@p, @end) is part of
 * @p: where the digits begin
 * @end: where reading must stop
 * @digits: out: their span
 * @port: out: their value, host byte order
 *
 * Any context.
 *
 * Return: the first byte behind them, NULL for none or more than 65535.
 */
const char *sip_port_read(const struct sip_msg *msg, const char *p, const char *end,
			  struct sip_span *digits, u16 *port);

/**
 * sip_host_add() - add a host to the index
 * @msg: the index
 * @host: what was read; a copy is kept
 * @field: enum sip_field
 * @value: see &struct sip_host
 *
 * When the index is full, host_count stays SIP_MAX_HOSTS + 1 and nothing is
 * stored: sip_parse() then returns SIP_TOO_MANY. Any context.
 *
 * Return: the host's index, or SIP_NO_INDEX.
 */
static inline u16 sip_host_add(struct sip_msg *msg, const struct sip_host *host,
			       enum sip_field field, u8 value)
{
	struct sip_host *slot;

	if (unlikely(msg->host_count >= SIP_MAX_HOSTS)) {
		msg->host_count = SIP_MAX_HOSTS + 1;
		return SIP_NO_INDEX;
	}
	slot = &msg->hosts[msg->host_count];
	*slot = *host;
	slot->field = field;
	slot->value = value;
	return msg->host_count++;
}

static inline struct sip_span sip_span_of(const struct sip_msg *msg, const char *p,
					  const char *end)
{
	return (struct sip_span){ .off = p - msg->data, .len = end - p };
}

#endif
