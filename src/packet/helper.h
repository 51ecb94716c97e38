/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The conntrack helper: where packets come in.
 */
#ifndef SIPALG_HELPER_H
#define SIPALG_HELPER_H

struct nf_conntrack_helper;

/**
 * sipalg_helper_register() - register the helper with conntrack
 * @name: name used in rules, at most 15 characters
 *
 * Process context, sleeps.
 *
 * Return: 0; -EBUSY if the name is taken; another negative errno.
 */
int sipalg_helper_register(const char *name);

/**
 * sipalg_helper_unregister() - unregister it and wait for packets in flight
 *
 * Process context, sleeps.
 */
void sipalg_helper_unregister(void);

/**
 * sipalg_helper_of_udp() - the registered UDP helper
 *
 * Return: the helper.
 */
struct nf_conntrack_helper *sipalg_helper_of_udp(void);

#endif
