// SPDX-License-Identifier: BSD-3-Clause
// port_option: what --port says of one port.
#pragma once

#include <plane/choice.h>

/** Parse PORT[,src-mac=MAC][,dst-mac=MAC][,vlan=N][,pacing=nic|tsc][,peer=PORT]. @return 0; -EINVAL with a sentence. */
int port_option_parse(struct wm_port_choice *out, const char *text, struct wm_err *err);
