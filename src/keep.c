// SPDX-License-Identifier: GPL-2.0-only
/* Keeps signalling conntracks alive for as long as somebody needs them. */
#include "compat.h"
#include "flow_data.h"
#include "keep.h"

static void refresh(struct nf_conn *ct, u32 time)
{
	/* TCP's own timeout is days: never shorten */
	if (nf_ct_expires(ct) < time)
		sipalg_compat_refresh(ct, time);
}

void sipalg_keep_until(struct nf_conn *ct, unsigned long time)
{
	struct sipalg_flow_data *data = sipalg_flow_data(ct);
	u32 until = nfct_time_stamp + (u32)time;

	if (!data)
		return;
	if (!data->keeps || (s32)(until - data->keep_until) > 0) {
		WRITE_ONCE(data->keep_until, until);
		WRITE_ONCE(data->keeps, true);
	}
	refresh(ct, time);
}

void sipalg_keep_refresh(struct nf_conn *ct)
{
	struct sipalg_flow_data *data = sipalg_flow_data(ct);
	s32 left;

	if (!data || !READ_ONCE(data->keeps))
		return;
	left = READ_ONCE(data->keep_until) - nfct_time_stamp;
	if (left > 0)
		refresh(ct, left);
	else
		WRITE_ONCE(data->keeps, false);
}
