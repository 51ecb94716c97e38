/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The conntrack helper: where packets come in.
 */
#ifndef SIPALG_HELPER_H
#define SIPALG_HELPER_H

struct nf_conntrack_helper;

/**
 * sipalg_helper_register() - make the helper known to conntrack
 * @name: the name rules attach it by, at most 15 characters
 *
 * Process context, sleeps.
 *
 * Return: 0; -EBUSY if the name is taken; another negative errno.
 */
int sipalg_helper_register(const char *name);

/**
 * sipalg_helper_unregister() - and no more; packets in flight have drained
 *
 * Process context, sleeps.
 */
void sipalg_helper_unregister(void);

/**
 * sipalg_helper_of_udp() - what a flow of UDP points at
 *
 * Return: it, as registered.
 */
struct nf_conntrack_helper *sipalg_helper_of_udp(void);

#endif
