/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The router loses an address by which hosts inside are known: a new lease, a
 * line that goes down for good. Their registrations are void, their signalling
 * flows end, their calls have no media there until they say more.
 */
#ifndef SIPALG_FACE_LOST_H
#define SIPALG_FACE_LOST_H

struct sipalg_net;

/**
 * sipalg_face_lost_init() - be ready for it
 * @sn: the namespace
 *
 * Return: 0.
 */
int sipalg_face_lost_init(struct sipalg_net *sn);

/**
 * sipalg_face_lost_exit() - nobody is on the way to what a face has lost
 * @sn: the namespace; &sipalg_net.dying is set, its interfaces are gone
 *
 * Process context, sleeps.
 */
void sipalg_face_lost_exit(struct sipalg_net *sn);

#endif
