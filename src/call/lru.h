/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which call goes when the table is full (S0-12).
 *
 * The one that has been silent longest, and unanswered ones before answered
 * ones: whoever floods the table with INVITEs throws out his own, be it with
 * such that claim to belong to an answered call.
 */
#ifndef SIPALG_LRU_H
#define SIPALG_LRU_H

struct sipalg_call;
struct sipalg_net;

/* Set up the order of a namespace. */
void sipalg_lru_init(struct sipalg_net *sn);

/**
 * sipalg_lru_active() - a call has just been heard of
 * @call: locked, in the table
 *
 * Moves it at most once a second.
 */
void sipalg_lru_active(struct sipalg_call *call);

/**
 * sipalg_lru_forget() - a call leaves the table
 * @call: locked
 */
void sipalg_lru_forget(struct sipalg_call *call);

/**
 * sipalg_lru_sort() - note whether anything can flow in a call
 * @call: locked, in the table; its pinholes are as they shall be
 */
void sipalg_lru_sort(struct sipalg_call *call);

/**
 * sipalg_lru_one() - make room for one call
 * @sn: the namespace
 *
 * Softirq; the caller holds no call's lock.
 *
 * Return: true if a call has gone.
 */
bool sipalg_lru_one(struct sipalg_net *sn);

/**
 * sipalg_lru_idle() - max-idle-calls (S0-19)
 * @sn: the namespace
 *
 * The calls in which nothing has flowed for longest go if there are too many
 * of them; of very many, some at a time. Softirq; the caller holds no call's
 * lock.
 */
void sipalg_lru_idle(struct sipalg_net *sn);

#endif
