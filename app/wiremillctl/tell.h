// SPDX-License-Identifier: BSD-3-Clause
// tell: a run's status for a person.
#pragma once

#include <jansson.h>
#include <stdio.h>

/** @param status As the run gives it; what is not there is left out. */
void tell_status(FILE *out, const json_t *status);
