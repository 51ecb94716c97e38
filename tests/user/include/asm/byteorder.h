/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_BYTEORDER_H
#define SHIM_BYTEORDER_H

#include <endian.h>

#define le64_to_cpu(x)	le64toh(x)
#define le32_to_cpu(x)	le32toh(x)
#define le16_to_cpu(x)	le16toh(x)

#endif
