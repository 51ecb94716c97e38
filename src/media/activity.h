/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Media activity (S2-4, S2-10).
 *
 * The call's timer asks conntrack: each packet renews a media conntrack's
 * timeout, which so tells when the last packet came. No RTP packet passes this
 * module.
 */
#ifndef SIPALG_MEDIA_ACTIVITY_H
#define SIPALG_MEDIA_ACTIVITY_H

struct sipalg_call;

/**
 * sipalg_media_look() - close channels without media
 * @call: locked
 *
 * RTP or RTCP in either direction keeps a channel (S2-3); the call goes on
 * without its media, and a re-INVITE opens it again (S2-5).
 */
void sipalg_media_look(struct sipalg_call *call);

/**
 * sipalg_media_begin() - start the inactivity time of its media
 * @call: locked; it has just been answered
 *
 * Time without media while the call rang does not count.
 */
void sipalg_media_begin(struct sipalg_call *call);

/**
 * sipalg_media_quiet() - time without media in any channel
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
 * sipalg_media_reopen() - open pinholes that sipalg_media_shut() closed
 * @call: locked
 *
 * The call's timer retries pinholes that could not be opened.
 */
void sipalg_media_reopen(struct sipalg_call *call);

#endif
