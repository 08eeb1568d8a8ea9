// SPDX-License-Identifier: BSD-3-Clause
// keys: the keys of the tables of emit.h.
#pragma once

#include <stdint.h>

static inline uint32_t necst_key_token(uint32_t profile, uint32_t token)
{
	return profile << 8 | token;
}

static inline uint32_t necst_key_end(uint32_t profile, uint32_t reverse)
{
	return profile << 1 | reverse;
}

static inline uint32_t necst_key_form(uint32_t group, uint32_t payload)
{
	return group << 16 | payload;
}
