// SPDX-License-Identifier: BSD-3-Clause
// keys: the keys of the tables of emit.h.
#pragma once

#include <engine/necst/vocab.h>

#include <stdint.h>

static inline uint32_t necst_key_token(uint32_t profile, uint32_t token)
{
	return profile << 8 | token;
}

static inline uint32_t necst_key_size(uint32_t service, uint32_t token, uint32_t size)
{
	return service << 16 | token << 8 | size;
}

static inline uint32_t necst_key_side(uint32_t profile, uint32_t reverse)
{
	return profile << 1 | reverse;
}

// What of a kind its header image shows: direction, SYN or not, padding.
static inline uint32_t necst_key_end(uint32_t profile, const struct necst_kind *k)
{
	return profile << 4 | (uint32_t)necst_is_syn(k) << 3 | (uint32_t)k->frame << 1 | k->reverse;
}

static inline uint32_t necst_key_form(uint32_t group, uint32_t payload)
{
	return group << 16 | payload;
}
