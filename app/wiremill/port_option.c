// SPDX-License-Identifier: BSD-3-Clause
#include "port_option.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PART_MAX = WM_PORT_NAME_MAX + 4, VLAN_MAX = 4094 };

static int parse_mac(uint8_t *mac, bool *has, const char *key, const char *value, struct wm_err *err)
{
	struct wm_err why = {0};

	if (*has)
		return wm_err_set(err, -EINVAL, "option --port: %s is given twice", key);
	*has = true;
	if (wm_mac_parse(mac, value, &why) < 0)
		return wm_err_set(err, -EINVAL, "option --port: %s: %s", key, why.msg);
	if (mac[0] & 1)
		return wm_err_set(err, -EINVAL, "option --port: %s: '%s' is the address of a group, not of a station",
			key, value);
	return 0;
}

static int parse_vlan(uint16_t *vlan, const char *value, struct wm_err *err)
{
	size_t n = strspn(value, "0123456789");
	unsigned long v = n > 0 && n <= 4 && value[n] == '\0' ? strtoul(value, NULL, 10) : 0;

	if (v < 1 || v > VLAN_MAX)
		return wm_err_set(
			err, -EINVAL, "option --port: vlan '%s' is not a whole number in 1..%d", value, VLAN_MAX);
	if (*vlan > 0)
		return wm_err_set(err, -EINVAL, "option --port: vlan is given twice");
	*vlan = (uint16_t)v;
	return 0;
}

static int parse_peer(char *peer, const char *value, struct wm_err *err)
{
	if (*value == '\0' || *peer != '\0')
		return wm_err_set(
			err, -EINVAL, "option --port: peer must be one port's number or name, '%s' is not", value);
	(void)snprintf(peer, WM_PORT_NAME_MAX, "%s", value);
	return 0;
}

static int parse_pacing(enum wm_pacing *pacing, const char *value, struct wm_err *err)
{
	bool nic = strcmp(value, "nic") == 0;

	if (!nic && strcmp(value, "tsc") != 0)
		return wm_err_set(err, -EINVAL, "option --port: pacing '%s' is none: write nic or tsc", value);
	if (*pacing != WM_PACING_ANY)
		return wm_err_set(err, -EINVAL, "option --port: pacing is given twice");
	*pacing = nic ? WM_PACING_NIC : WM_PACING_TSC;
	return 0;
}

static int parse_part(struct wm_port_choice *choice, const char *part, struct wm_err *err)
{
	struct wm_dress *d = &choice->dress;

	if (strncmp(part, "src-mac=", 8) == 0)
		return parse_mac(d->src, &d->has_src, "src-mac", part + 8, err);
	if (strncmp(part, "dst-mac=", 8) == 0)
		return parse_mac(d->dst, &d->has_dst, "dst-mac", part + 8, err);
	if (strncmp(part, "vlan=", 5) == 0)
		return parse_vlan(&d->vlan, part + 5, err);
	if (strncmp(part, "peer=", 5) == 0)
		return parse_peer(choice->peer, part + 5, err);
	if (strncmp(part, "pacing=", 7) == 0)
		return parse_pacing(&choice->pacing, part + 7, err);
	return wm_err_set(err, -EINVAL,
		"option --port: '%s' is none of src-mac=MAC, dst-mac=MAC, vlan=N, pacing=nic|tsc and peer=PORT, which "
		"stand behind the "
		"port's "
		"number or name",
		part);
}

// Copy up to the next comma. @return what follows it, NULL if the text ends there.
static const char *next_part(char *part, size_t size, const char *text)
{
	size_t n = strcspn(text, ",");

	n = n < size ? n : size - 1;
	memcpy(part, text, n);
	part[n] = '\0';
	text += strcspn(text, ",");
	return *text == ',' ? text + 1 : NULL;
}

int port_option_parse(struct wm_port_choice *out, const char *text, struct wm_err *err)
{
	struct wm_port_choice choice = {0};
	const char *rest = next_part(choice.name, sizeof(choice.name), text);
	int rc = 0;

	if (choice.name[0] == '\0' || strchr(choice.name, '=') != NULL)
		return wm_err_set(err, -EINVAL,
			"option --port: '%s' does not begin with a port: write its number or its device's name, as in "
			"0,dst-mac=02:00:00:00:00:01",
			text);
	while (rest != NULL && rc == 0) {
		char part[PART_MAX];

		rest = next_part(part, sizeof(part), rest);
		rc = parse_part(&choice, part, err);
	}
	if (rc == 0)
		*out = choice;
	return rc;
}
