// SPDX-License-Identifier: BSD-3-Clause
#include "mapping.h"

#include <packet/dress.h>
#include <packet/fold.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Forms that say something that is mapped are copied.
int mapping_put(struct open_model *m, const struct wm_map *map)
{
	struct wm_form *forms;

	if (wm_map_is_empty(map))
		return 0;
	forms = reallocarray(NULL, m->n_forms + 1, sizeof(*forms));
	if (forms == NULL)
		return -ENOMEM;
	memcpy(forms, m->forms, m->n_forms * sizeof(*forms));
	for (size_t i = 0; i < m->n_forms; i++)
		wm_map_form(map, &forms[i]);
	m->forms = m->mapped = forms;
	return 0;
}

// Whether a frame of the models that is not IP has the address.
static bool has_mac(const struct models *m, const struct wm_map_mac *mac)
{
	struct wm_map alone = {.n_macs = 1};

	alone.macs[0] = *mac;
	for (size_t i = 0; i < m->n; i++) {
		size_t n;
		const struct wm_form *forms = m->at[i].engine->forms(m->at[i].model, &n);

		for (size_t k = 0; k < n; k++) {
			struct wm_form form = forms[k];

			wm_map_form(&alone, &form);
			if (memcmp(form.head, forms[k].head, form.head_len) != 0)
				return true;
		}
	}
	return false;
}

int mapping_check(const struct models *m, const struct settings *s, struct wm_err *err)
{
	for (unsigned i = 0; i < s->map.n_macs && s->replay.file == NULL; i++) {
		const struct wm_map_mac *mac = &s->map.macs[i];
		const uint8_t *b = mac->from;
		char text[WM_MAC_LEN * 3];

		if (memcmp(mac->from, mac->to, sizeof(mac->to)) == 0 || has_mac(m, mac))
			continue;
		(void)snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
		return wm_err_set(err, -EINVAL,
			"option --map-mac: no frame of the models has %s; MAC addresses of IP packets are made of the "
			"IP "
			"addresses, and change with --map-net",
			text);
	}
	return 0;
}

int mapping_count(struct models *m, const struct settings *s, struct wm_err *err)
{
	struct wm_fold *fold;
	int rc;

	if (!wm_map_folds(&s->map))
		return 0;
	rc = wm_fold_create(&fold, &s->map);
	if (rc < 0)
		return wm_err_sys(err, rc, "option --map-net");
	for (size_t i = 0; i < m->n && s->flows_from == NULL; i++) {
		const struct wm_engine *engine = m->at[i].engine;
		size_t n = 0;
		const uint8_t *hosts = engine->hosts != NULL ? engine->hosts(m->at[i].model, &n) : NULL;

		for (size_t k = 0; k < n; k++)
			wm_fold_add(fold, hosts + k * 16);
	}
	for (size_t i = 0; i < m->follow.n; i++) {
		wm_fold_add(fold, m->follow.at[i].client);
		wm_fold_add(fold, m->follow.at[i].server);
	}
	m->n_folded = wm_fold_count(fold, &m->n_mapped);
	wm_fold_destroy(fold);
	return 0;
}
