// SPDX-License-Identifier: BSD-3-Clause
#include "forward_option.h"

#include <packet/semtech.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Cut "key=value" off the end of text. @return the value, or NULL if the last part is not that.
static char *cut_part(char *text, const char *key)
{
	char *comma = strrchr(text, ',');
	size_t n = strlen(key);

	if (comma == NULL || strncmp(comma + 1, key, n) != 0 || comma[n + 1] != '=')
		return NULL;
	*comma = '\0';
	return comma + n + 2;
}

// "10.0.0.0/8" in host byte order, the bits behind the prefix zero. @return whether it is that.
static bool read_net(uint32_t *net, unsigned *prefix_len, char *text)
{
	char *slash = strchr(text, '/'), *end;
	struct in_addr addr;
	unsigned long bits;

	if (slash == NULL)
		return false;
	*slash = '\0';
	bits = strtoul(slash + 1, &end, 10);
	if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || bits < 1 || bits > 30
		|| inet_pton(AF_INET, text, &addr) != 1)
		return false;
	*prefix_len = (unsigned)bits;
	*net = ntohl(addr.s_addr) & UINT32_MAX << (32 - bits);
	return true;
}

// SERVER[:PORT], cut in two. @return whether it is that.
static bool read_server(struct wm_lora_forward *to, char *text)
{
	char *colon = strchr(text, ':'), *end;
	struct in_addr addr;

	if (colon != NULL) {
		unsigned long port = strtoul(colon + 1, &end, 10);

		if (colon[1] < '0' || colon[1] > '9' || *end != '\0' || port == 0 || port > UINT16_MAX)
			return false;
		to->port = (uint16_t)port;
		*colon = '\0';
	}
	if (inet_pton(AF_INET, text, &addr) != 1)
		return false;
	to->server = ntohl(addr.s_addr);
	return true;
}

int forward_option_parse(struct wm_lora_forward *out, const char *text, struct wm_err *err)
{
	// Gateways are in the network that RFC 2544 keeps for tests.
	struct wm_lora_forward to = {.port = WM_SEMTECH_PORT, .gateways = UINT32_C(0xc6120000), .prefix_len = 15};
	char own[128];
	char *gateways;
	bool good = strlen(text) < sizeof(own);

	(void)snprintf(own, sizeof(own), "%s", text);
	gateways = cut_part(own, "gateways");
	if (gateways != NULL)
		good = good && read_net(&to.gateways, &to.prefix_len, gateways);
	if (!good || !read_server(&to, own))
		return wm_err_set(err, -EINVAL,
			"option --lora-forward: '%.64s' is not like 192.0.2.1:1700,gateways=198.18.0.0/15", text);
	*out = to;
	return 0;
}
