/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lets a newer module follow the flows of an older one (doc/upgrade.md):
 * signalling connections keep a mark in conntrack's helper extension.
 */
#ifndef SIPALG_REATTACH_H
#define SIPALG_REATTACH_H

/**
 * sipalg_reattach_mark() - detach the helper from UDP flows, and mark them
 *
 * Called before the helper is unregistered; packets are not followed from then
 * on. Process context, sleeps.
 */
void sipalg_reattach_mark(void);

/**
 * sipalg_reattach() - attach the helper to all marked flows
 *
 * Restores the mappings of their phones. Called once, after the helper is
 * registered. Process context, sleeps.
 */
void sipalg_reattach(void);

#endif
