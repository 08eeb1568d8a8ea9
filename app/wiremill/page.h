// SPDX-License-Identifier: BSD-3-Clause
// page: page.html, as the build has put it into the program.
#pragma once

#include <stddef.h>

extern const char page_html[];
extern const size_t page_html_size;
