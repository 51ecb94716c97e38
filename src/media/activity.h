/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does media flow? (S2-4, S2-10)
 *
 * Asked of conntrack from the call's timer: a media conntrack's timeout is
 * renewed by each packet, so it tells when the last one came. No RTP packet
 * costs this module anything.
 */
#ifndef SIPALG_MEDIA_ACTIVITY_H
#define SIPALG_MEDIA_ACTIVITY_H

struct sipalg_call;

/**
 * sipalg_media_look() - close channels in which nothing flows any more
 * @call: locked
 *
 * RTP or RTCP in either direction keeps a channel (S2-3); the call goes on
 * without its media, and a re-INVITE opens it again (S2-5).
 */
void sipalg_media_look(struct sipalg_call *call);

/**
 * sipalg_media_begin() - from now on its media is waited for
 * @call: locked; it has just been answered
 *
 * That nothing flowed while it rang is no silence.
 */
void sipalg_media_begin(struct sipalg_call *call);

/**
 * sipalg_media_quiet() - how long nothing has flowed in any channel
 * @call: locked
 *
 * Return: jiffies; ULONG_MAX: it has no media.
 */
unsigned long sipalg_media_quiet(struct sipalg_call *call);

/**
 * sipalg_media_shut() - close all its pinholes, keep the public ports
 * @call: locked
 */
void sipalg_media_shut(struct sipalg_call *call);

/**
 * sipalg_media_reopen() - open what sipalg_media_shut() has closed
 * @call: locked
 *
 * What finds no room is tried again by the call's timer.
 */
void sipalg_media_reopen(struct sipalg_call *call);

#endif
