/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does media flow? (S2-4, S2-10)
 *
 * Asked of conntrack from the call's timer: a media conntrack's timeout is
 * renewed by each packet, so it tells when the last one came. No RTP packet
 * costs this module anything.
 */
#ifndef SIPALG_MEDIA_IDLE_H
#define SIPALG_MEDIA_IDLE_H

struct sipalg_call;

/**
 * sipalg_media_look() - close channels in which nothing flows any more
 * @call: locked
 *
 * RTP or RTCP in either direction keeps a channel (S2-3); the call goes on
 * without its media, and a re-INVITE opens it again (S2-5).
 */
void sipalg_media_look(struct sipalg_call *call);

#endif
