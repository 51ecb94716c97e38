/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which call goes when the table is full (S0-12).
 *
 * The one that has been silent longest, and unanswered ones before answered
 * ones: whoever floods the table with INVITEs throws out his own.
 */
#ifndef SIPALG_EVICT_H
#define SIPALG_EVICT_H

struct sipalg_call;
struct sipalg_net;

/* Set up the order of a namespace. */
void sipalg_evict_init(struct sipalg_net *sn);

/**
 * sipalg_evict_active() - a call has just been heard of
 * @call: locked, in the table
 *
 * Moves it at most once a second.
 */
void sipalg_evict_active(struct sipalg_call *call);

/**
 * sipalg_evict_forget() - a call leaves the table
 * @call: locked
 */
void sipalg_evict_forget(struct sipalg_call *call);

/**
 * sipalg_evict_one() - make room for one call
 * @sn: the namespace
 *
 * Softirq; the caller holds no call's lock.
 */
void sipalg_evict_one(struct sipalg_net *sn);

#endif
