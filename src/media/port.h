/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Public ports of translated media: which are in use, and by whom.
 */
#ifndef SIPALG_PORT_H
#define SIPALG_PORT_H

#include "core/flow.h"

struct sipalg_media;

/**
 * enum sipalg_port_state - how a stream has its public ports, in the order in
 *	which others may take them where no free one is left
 * @SIPALG_PORT_HELD: for itself: its call lives
 * @SIPALG_PORT_RUNG_OUT: for an answer that may come late
 * @SIPALG_PORT_OVER: the same, of a call that was refused, cancelled or left; the
 *	same phone's next call has them at once
 * @SIPALG_PORT_TAKEN: not any more
 */
enum sipalg_port_state {
	SIPALG_PORT_HELD,
	SIPALG_PORT_RUNG_OUT,
	SIPALG_PORT_OVER,
	SIPALG_PORT_TAKEN,
};

/**
 * sipalg_port_reserve() - find public ports for a stream (S3-40)
 * @flow: the signalling flow, for namespace and zone
 * @media: with family, ports, private ports and public address set; its
 *	public ports are filled
 * @pairs: number of adjacent pairs that must be free, this one being the first
 *
 * The private port itself if it is free and in media-ports, else a random
 * one of the same parity; RTCP's is the next (RFC 4787 REQ-4, RFC 3550). If none
 * is left, one that was lent: of a call that is over, then of one that rang out,
 * the oldest of those that are looked at. Softirq; the caller holds the call's
 * lock, takes port_lock.
 *
 * Return: false if none is free.
 */
bool sipalg_port_reserve(const struct sipalg_flow *flow,
			 struct sipalg_media *media, u16 pairs);

/**
 * sipalg_port_reattach() - take the port that the stream already uses
 * @flow: the signalling flow
 * @media: as for sipalg_port_reserve(), of a call that is up
 *
 * The peer's address must be known: conntrack then tells how the two see each
 * other, if media flowed before the module was loaded (H-23). Softirq; the
 * caller holds the call's lock, takes port_lock.
 *
 * Return: false if no media flowed, or the port is not free.
 */
bool sipalg_port_reattach(const struct sipalg_flow *flow,
			  struct sipalg_media *media);

/**
 * sipalg_port_claim() - take the next pair of port/n (RFC 4566 5.14)
 * @flow: the signalling flow
 * @media: as for sipalg_port_reserve()
 * @port: the public port, host byte order
 *
 * Softirq; the caller holds the call's lock, takes port_lock.
 *
 * Return: false if it is not free any more.
 */
bool sipalg_port_claim(const struct sipalg_flow *flow,
		       struct sipalg_media *media, u16 port);

/**
 * sipalg_port_release() - free the ports of a stream
 * @sn: the namespace
 * @media: the stream
 *
 * Any context, takes port_lock.
 */
void sipalg_port_release(struct sipalg_net *sn, struct sipalg_media *media);

/**
 * sipalg_port_lend() - others may have the ports of a stream if they run short
 * @sn: the namespace
 * @media: the stream, translated; its pinholes are closed and its call is locked
 * @state: SIPALG_PORT_RUNG_OUT or SIPALG_PORT_OVER
 *
 * Takes port_lock.
 */
void sipalg_port_lend(struct sipalg_net *sn, struct sipalg_media *media,
		      enum sipalg_port_state state);

/**
 * sipalg_port_keep() - the stream needs its ports again
 * @sn: the namespace
 * @media: the stream, translated; its call is locked
 *
 * Takes port_lock.
 *
 * Return: false if somebody else has them.
 */
bool sipalg_port_keep(struct sipalg_net *sn, struct sipalg_media *media);

/**
 * sipalg_port_refused() - conntrack has refused a pinhole to a port
 * @sn: the namespace
 * @media: whose
 * @which: SIPALG_RTP or SIPALG_RTCP
 *
 * It is given to nobody for 64*T1. Softirq, takes port_lock.
 */
void sipalg_port_refused(struct sipalg_net *sn, const struct sipalg_media *media,
			 unsigned int which);

/**
 * sipalg_port_owner() - find the stream of a public address and port
 * @flow: of the message that names it: gives namespace, zone and VRF
 * @addr: the public address with an RTP port
 * @private: out: the stream's inside addresses for RTP and RTCP
 * @zone: out: conntrack zone in which they are
 *
 * Any context, takes port_lock.
 *
 * Return: true if it is one of ours.
 */
bool sipalg_port_owner(const struct sipalg_flow *flow,
		       const struct sipalg_addr *addr,
		       struct sipalg_addr *private, u16 *zone);

/**
 * sipalg_ports_init() - set up the table of a namespace
 * @sn: the namespace
 *
 * Process context.
 *
 * Return: 0 or a negative errno.
 */
int sipalg_ports_init(struct sipalg_net *sn);

/**
 * sipalg_ports_exit() - drop the table
 * @sn: the namespace; its calls have gone
 *
 * Process context, sleeps.
 */
void sipalg_ports_exit(struct sipalg_net *sn);

#endif
