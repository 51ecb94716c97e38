/* SPDX-License-Identifier: GPL-2.0-only */
/* Who is told what has changed. */
#ifndef SIPALG_NETLINK_SYNC_H
#define SIPALG_NETLINK_SYNC_H

struct sipalg_net;

/* A part of a namespace: taken down before what it tells of. */
int sipalg_netlink_sync_init(struct sipalg_net *sn);
void sipalg_netlink_sync_exit(struct sipalg_net *sn);

#endif
