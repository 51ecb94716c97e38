/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Echoes: how an address was written in a request whose answer has to give it
 * back as it was (RFC 3261 8.1.1.7, 8.2.6.2, 12.1).
 *
 * A mapping remembers how a phone writes itself, and that is enough for a phone
 * that does so in one way. Here stands what it does not tell: the Via of a
 * second program on the same host, the To of a peer that wrote the private
 * address, and routes from outside that look like the phone's own.
 */
#ifndef SIPALG_ECHO_H
#define SIPALG_ECHO_H

#include <linux/rcupdate.h>
#include "core/flow.h"
#include "sip/msg.h"

#define SIPALG_ECHO_TEXT	47	/* longest host text that is kept */

/**
 * struct sipalg_form - a host as somebody wrote it
 * @text: the host, brackets included
 * @len: its length in bytes; 0: not known
 * @public: it is the public address, not translated
 * @port: as written, host byte order; 0: none
 */
struct sipalg_form {
	u16 port;
	u8 len;
	bool public;
	char text[SIPALG_ECHO_TEXT];
};

/**
 * sipalg_form_read() - how a host is written in a message
 * @form: filled
 * @msg: the message
 * @host: a host of it
 * @public: see &struct sipalg_form
 */
void sipalg_form_read(struct sipalg_form *form, const struct sip_msg *msg,
		      const struct sip_host *host, bool public);

static inline bool sipalg_form_equal(const struct sipalg_form *a,
				     const struct sipalg_form *b)
{
	return a->port == b->port && a->len == b->len &&
	       !memcmp(a->text, b->text, a->len);
}

/**
 * sipalg_echo_add() - remember a form for the answers to a request
 * @flow: its flow
 * @msg: the request
 * @inside: the inside host of the flow
 * @host: the host as it stands there
 * @form: how it was written
 *
 * As long as an answer may come. Of a host that has too many the new one is not
 * kept: its answers are translated as its mapping says. Softirq; takes
 * &sipalg_net.echo_lock.
 */
void sipalg_echo_add(const struct sipalg_flow *flow, const struct sip_msg *msg,
		     const union nf_inet_addr *inside,
		     const struct sip_host *host,
		     const struct sipalg_form *form);

/**
 * sipalg_echo_find() - how a host of a response was written in its request
 * @flow: its flow
 * @msg: the response
 * @inside: the inside host of the flow
 * @host: the host as it stands there
 * @form: out
 *
 * Softirq; takes &sipalg_net.echo_lock.
 *
 * Return: whether it is known.
 */
bool sipalg_echo_find(const struct sipalg_flow *flow, const struct sip_msg *msg,
		      const union nf_inet_addr *inside,
		      const struct sip_host *host, struct sipalg_form *form);

/**
 * sipalg_echo_add_foreign() - a route from outside names what is ours inside
 * @flow: its flow
 * @msg: the message
 * @host: of a Record-Route, Route, Path or Service-Route
 *
 * As long as its dialog may live, or, for a Service-Route, for all dialogs of
 * the host. Softirq; takes &sipalg_net.echo_lock.
 */
void sipalg_echo_add_foreign(const struct sipalg_flow *flow,
			     const struct sip_msg *msg,
			     const struct sip_host *host);

/**
 * sipalg_echo_is_foreign() - is a route that an inside host writes not its own
 * @flow: its flow
 * @msg: the message
 * @host: of a Record-Route, Route, Path or Service-Route
 *
 * Softirq; takes &sipalg_net.echo_lock.
 *
 * Return: true if it came from outside as it is.
 */
bool sipalg_echo_is_foreign(const struct sipalg_flow *flow,
			    const struct sip_msg *msg,
			    const struct sip_host *host);

/* The same, of a message that leaves: as long again as its dialog may live. */
bool sipalg_echo_keep_foreign(const struct sipalg_flow *flow,
			      const struct sip_msg *msg,
			      const struct sip_host *host);

/* The table of a namespace; the second in process context, with packets drained. */
int sipalg_echoes_init(struct sipalg_net *sn);
void sipalg_echoes_exit(struct sipalg_net *sn);

#endif
