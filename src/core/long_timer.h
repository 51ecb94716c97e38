/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exact long timers.
 *
 * The kernel's timer wheel is late by up to an eighth of the time: an hour and a
 * half for twelve hours. Therefore a timer is set before a far deadline, and its
 * function sets it again until the deadline is near: some ten times in twelve
 * hours.
 */
#ifndef SIPALG_LONG_TIMER_H
#define SIPALG_LONG_TIMER_H

#include <linux/jiffies.h>
#include <linux/timer.h>

#define SIPALG_LONG_TIMER_NEAR	(4 * HZ)	/* at most half a second late */

/**
 * sipalg_long_timer_step() - next expiry of the timer for a deadline
 * @deadline: jiffies
 *
 * Return: jiffies: @deadline if it is near or past, else an eighth before it.
 */
static inline unsigned long sipalg_long_timer_step(unsigned long deadline)
{
	long left = deadline - jiffies;

	return left > SIPALG_LONG_TIMER_NEAR ? deadline - left / 8 : deadline;
}

/**
 * sipalg_long_timer_covers() - does a timer come as soon as a deadline wants it
 * @timer: all callers that set it hold the same lock
 * @deadline: jiffies
 *
 * Return: false if it is not pending, or later, or should have come already: the
 * wheel may be late by hours.
 */
static inline bool sipalg_long_timer_covers(const struct timer_list *timer,
					    unsigned long deadline)
{
	return timer_pending(timer) && !time_before(timer->expires, jiffies) &&
	       !time_before(deadline, timer->expires);
}

/**
 * sipalg_long_timer_reduce() - set a timer that may be pending
 * @timer: all callers that set it hold the same lock
 * @deadline: jiffies; a timer that comes earlier stays as it is
 *
 * Return: true if it was pending.
 */
static inline bool sipalg_long_timer_reduce(struct timer_list *timer,
					    unsigned long deadline)
{
	/* the wheel is late: a deadline in the past would seem to be earlier */
	if (time_before(timer->expires, jiffies))
		return mod_timer(timer, sipalg_long_timer_step(deadline));
	return timer_reduce(timer, sipalg_long_timer_step(deadline));
}

#endif
