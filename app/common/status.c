// SPDX-License-Identifier: BSD-3-Clause
#include <common/status.h>

#include <errno.h>

int wm_status_of(int rc)
{
	switch (-rc) {
	case 0:
		return STATUS_DONE;
	case EAGAIN:
	case EDQUOT:
	case EFBIG:
	case EIO:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOSPC:
		return STATUS_FAILED;
	default:
		return STATUS_REFUSED;
	}
}
