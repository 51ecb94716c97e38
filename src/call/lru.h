/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Eviction: which call is removed when the table is full (S0-12, D5).
 *
 * Unanswered calls before answered ones, the one without messages longest
 * first: a flood of INVITEs evicts its own calls first.
 */
#ifndef SIPALG_LRU_H
#define SIPALG_LRU_H

struct sipalg_call;
struct sipalg_net;

/* Initialise the lists of a namespace. */
void sipalg_lru_init(struct sipalg_net *sn);

/**
 * sipalg_lru_active() - move a call to the end of its list
 * @call: locked, in the table
 *
 * Called for each message; moves the call at most once a second.
 */
void sipalg_lru_active(struct sipalg_call *call);

/**
 * sipalg_lru_forget() - remove a call from the lists
 * @call: locked
 */
void sipalg_lru_forget(struct sipalg_call *call);

/**
 * sipalg_lru_sort() - put a call without media into the idle list, or take it out
 * @call: locked, in the table; its pinholes are up to date
 */
void sipalg_lru_sort(struct sipalg_call *call);

/**
 * sipalg_lru_one() - evict one call
 * @sn: the namespace
 *
 * Softirq; the caller holds no call's lock.
 *
 * Return: true if a call was evicted.
 */
bool sipalg_lru_one(struct sipalg_net *sn);

/**
 * sipalg_lru_idle() - enforce max-idle-calls (S0-19)
 * @sn: the namespace
 *
 * Evicts the calls that are idle longest; if there are very many, some at a
 * time. Softirq; the caller holds no call's lock.
 */
void sipalg_lru_idle(struct sipalg_net *sn);

#endif
