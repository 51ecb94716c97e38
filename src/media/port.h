/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Public ports of translated media: which are in use, and by whom.
 */
#ifndef SIPALG_PORT_H
#define SIPALG_PORT_H

#include "core/flow.h"

struct sipalg_media;

/**
 * sipalg_port_reserve() - find public ports for a stream (S3-40)
 * @flow: the signalling flow, for namespace and zone
 * @media: with family, ports, private ports and public address set; its
 *	public ports are filled
 * @pairs: number of adjacent pairs that must be free, this one being the first
 *
 * The private port itself if it is free and in media-ports, else a random
 * one of the same parity; RTCP's is the next (RFC 4787 REQ-4, RFC 3550).
 * Softirq; the caller holds the call's lock, takes port_lock.
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
 * sipalg_port_owner() - find the stream of a public address and port
 * @sn: the namespace
 * @addr: the public address with an RTP port
 * @private: out: the stream's inside addresses for RTP and RTCP
 *
 * Any context, takes port_lock.
 *
 * Return: true if it is one of ours.
 */
bool sipalg_port_owner(struct sipalg_net *sn, const struct sipalg_addr *addr,
		       struct sipalg_addr *private);

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
