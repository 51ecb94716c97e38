// SPDX-License-Identifier: GPL-2.0-only
/* Where netlink/ says that it sends events. */
#include "core/event.h"

const struct sipalg_event_ops *sipalg_event_ops __read_mostly;
