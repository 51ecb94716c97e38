/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Eviction: which call is removed when the table is full (S0-12, D5).
 *
 * First calls that have ended or were refused and wait for late messages, then
 * unanswered ones, then answered ones without media, then any other. In each
 * class the address that began most of them loses one: a flood of INVITEs evicts
 * its own calls. A call on hold is not idle.
 */
#ifndef SIPALG_LRU_H
#define SIPALG_LRU_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>

struct sipalg_call;
struct sipalg_net;

enum sipalg_lru_class {
	SIPALG_LRU_ENDED,
	SIPALG_LRU_UNANSWERED,
	SIPALG_LRU_IDLE,
	SIPALG_LRU_ANSWERED,
};

/* Initialise the order of a namespace. */
void sipalg_lru_init(struct sipalg_net *sn);

/**
 * sipalg_lru_active() - move a call to the end of its list
 * @call: locked, in the table
 *
 * Called for each message; moves the call at most once a second, or if its class
 * has changed.
 */
void sipalg_lru_active(struct sipalg_call *call);

/**
 * sipalg_lru_forget() - remove a call from the lists
 * @call: locked
 */
void sipalg_lru_forget(struct sipalg_call *call);

/**
 * sipalg_lru_sort() - move a call to the list of its class and media
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
 * sipalg_lru_make_room() - evict a call, for what it holds of conntrack's tables
 * @call: locked; the one that could not be opened
 *
 * One that is over, or of a host with more calls one that is not answered, or is
 * idle. Where there is none, hosts with most of the calls leave to others what
 * becomes free in the next 64*T1. Softirq; another call's lock is only tried.
 *
 * Return: true if a call was evicted: it may be tried again.
 */
bool sipalg_lru_make_room(struct sipalg_call *call);

/**
 * sipalg_lru_must_wait() - test whether others are waiting for room, and need it more
 * @call: locked
 *
 * Return: true if a call that opens nothing yet must leave it to them.
 */
bool sipalg_lru_must_wait(const struct sipalg_call *call);

/**
 * sipalg_lru_idle() - enforce max-idle-calls (S0-19)
 * @sn: the namespace
 *
 * Evicts the calls that are idle longest; if there are very many, some at a
 * time. Softirq; the caller holds no call's lock.
 */
void sipalg_lru_idle(struct sipalg_net *sn);

/**
 * sipalg_lru_shrink() - max-calls or max-idle-calls may have become less
 * @sn: the namespace
 *
 * Process context, may sleep.
 */
void sipalg_lru_shrink(struct sipalg_net *sn);

#endif
