// SPDX-License-Identifier: BSD-3-Clause
// lora_line: a LoRa reception as a line of a table like LoED's (dataset/lora.h), with the three lengths that NeCSTGen
// adds: of the payload in base64, 9, and the first plus 16.
#pragma once

#include <packet/form.h>
#include <packet/sample.h>

#include <stdio.h>

extern const char lora_line_header[];

void lora_line_write(FILE *out, const struct wm_form *form, const struct wm_sample *s);
