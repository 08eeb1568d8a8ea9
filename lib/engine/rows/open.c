// SPDX-License-Identifier: BSD-3-Clause
#include <engine/rows/compiled.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t longest = UINT64_C(1) << 62;

struct opening {
	struct rows_model *r;
	const struct wm_model *m;
	struct wm_err *err;
};

static int get(const struct opening *o, const char *name, const char *part, enum wm_dtype dtype, size_t width,
	const void **data, size_t *n)
{
	size_t shape[2] = {0, width};
	char text[64];
	int rc;

	(void)snprintf(text, sizeof(text), "rows.%s%s", name, part);
	rc = wm_model_tensor(o->m, text, dtype, width > 1 ? 2 : 1, shape, data, o->err);
	*n = shape[0];
	return rc;
}

static int wrong(const struct opening *o, const char *name, size_t row)
{
	return wm_err_set(o->err, -EINVAL, "tensor rows.%s: row %zu is not of this model", name, row);
}

static int get_strings(const struct opening *o, struct rows_strings *out, const char *name)
{
	const uint32_t *ends = NULL;
	const void *data = NULL, *text = NULL;
	size_t n = 0, len = 0, begin = 0, at = 0;
	int rc = get(o, name, ".ends", WM_U32, 1, &data, &n);

	rc = rc < 0 ? rc : get(o, name, ".text", WM_U8, 1, &text, &len);
	if (rc < 0)
		return rc;
	ends = data;
	for (size_t i = 0; i < n; i++) {
		if (ends[i] > len || ends[i] < (i > 0 ? ends[i - 1] : 0)
			|| memchr((const char *)text + begin, 0, ends[i] - begin) != NULL)
			return wrong(o, name, i);
		begin = ends[i];
	}
	out->at = calloc(n + 1, sizeof(*out->at));
	out->text = calloc(len + n + 1, 1);
	if (out->at == NULL || out->text == NULL)
		return wm_err_sys(o->err, -ENOMEM, "opening the model");
	out->n = n;
	begin = 0;
	for (size_t i = 0; i < n; i++) {
		memcpy(out->text + at, (const char *)text + begin, ends[i] - begin);
		out->at[i] = out->text + at;
		at += ends[i] - begin + 1;
		begin = ends[i];
	}
	return 0;
}

static int get_numbers(const struct opening *o, struct rows_numbers *out, const char *name)
{
	const void *bins = NULL, *exact = NULL;
	int rc = get(o, name, ".bins", WM_U64, 2, &bins, &out->n);

	rc = rc < 0 ? rc : get(o, name, ".exact", WM_U64, 1, &exact, &out->n_exact);
	if (rc < 0)
		return rc;
	out->bins = bins;
	out->exact = exact;
	for (size_t i = 0; i < out->n; i++)
		if (out->bins[i].lo > out->bins[i].hi || out->bins[i].hi > longest)
			return wrong(o, name, i);
	for (size_t i = 0; i < out->n_exact; i++)
		if (out->exact[i] > longest)
			return wrong(o, name, i);
	return 0;
}

static int get_all_numbers(const struct opening *o)
{
	static const char *const names[ROWS_NUMBERS] = {
		"gap", "wait", "packets", "bytes", "reply_packets", "reply_bytes", "duration"};
	int rc = 0;

	for (int i = 0; i < ROWS_NUMBERS && rc == 0; i++)
		rc = get_numbers(o, &o->r->numbers[i], names[i]);
	return rc;
}

static int get_apps(const struct opening *o)
{
	struct rows_model *r = o->r;
	const void *apps = NULL, *pairs = NULL, *fresh = NULL, *atoms = NULL;
	int rc = get(o, "apps", "", WM_U32, 2, &apps, &r->n_apps);

	rc = rc < 0 ? rc : get(o, "pairs", "", WM_U16, 2, &pairs, &r->n_pairs);
	rc = rc < 0 ? rc : get(o, "fresh_ports", "", WM_U16, 1, &fresh, &r->n_fresh_ports);
	rc = rc < 0 ? rc : get(o, "atoms", "", WM_U16, 1, &atoms, &r->n_atoms);
	if (rc < 0)
		return rc;
	r->apps = apps;
	r->pairs = pairs;
	r->fresh_ports = fresh;
	r->atoms = atoms;
	for (size_t i = 0; i < r->n_apps; i++)
		if (r->apps[i].proto >= r->protos.n || r->apps[i].port > (ROWS_APP_FRESH | UINT16_MAX))
			return wrong(o, "apps", i);
	r->ported = calloc(r->protos.n + 1, sizeof(*r->ported));
	if (r->ported == NULL)
		return wm_err_sys(o->err, -ENOMEM, "opening the model");
	for (size_t i = 0; i < r->protos.n; i++)
		r->ported[i] = rows_is_ported(r->protos.at[i], strlen(r->protos.at[i]));
	return 0;
}

static int get_networks(const struct opening *o)
{
	static const char *const names[2] = {"new_clients", "new_servers"};
	const void *data = NULL;
	size_t n = 0;
	int rc = 0;

	for (int i = 0; i < 2 && rc == 0; i++) {
		rc = get(o, names[i], "", WM_U8, sizeof(struct rows_network), &data, &o->r->n_newcomers[i]);
		o->r->newcomers[i] = data;
	}
	rc = rc < 0 ? rc : get(o, "keep", "", WM_U32, 2, &data, &n);
	if (rc == 0 && n != 2)
		return wrong(o, "keep", n);
	if (rc == 0)
		memcpy(o->r->keep, data, sizeof(o->r->keep));
	return rc;
}

// How many values a field may draw.
static uint64_t limit_of(const struct rows_model *r, int field)
{
	static const uint8_t number_of[ROWS_FIELDS] = {[ROWS_F_GAP] = ROWS_N_GAP,
		[ROWS_F_GAP_X] = ROWS_N_GAP,
		[ROWS_F_WAIT] = ROWS_N_WAIT,
		[ROWS_F_WAIT_X] = ROWS_N_WAIT,
		[ROWS_F_PKT] = ROWS_N_PKT,
		[ROWS_F_PKT_X] = ROWS_N_PKT,
		[ROWS_F_BYT] = ROWS_N_BYT,
		[ROWS_F_BYT_X] = ROWS_N_BYT,
		[ROWS_F_RPKT] = ROWS_N_RPKT,
		[ROWS_F_RPKT_X] = ROWS_N_RPKT,
		[ROWS_F_RBYT] = ROWS_N_RBYT,
		[ROWS_F_RBYT_X] = ROWS_N_RBYT,
		[ROWS_F_TD] = ROWS_N_TD,
		[ROWS_F_TD_X] = ROWS_N_TD};
	const struct rows_numbers *n = &r->numbers[number_of[field]];

	switch (field) {
	case ROWS_F_CLIENT:
		return ROWS_CLIENT_KNOWN + r->hosts.n;
	case ROWS_F_SERVER:
		return ROWS_SERVER_KNOWN + r->hosts.n;
	case ROWS_F_APP:
		return r->n_apps;
	case ROWS_F_PORT:
		return ROWS_PORT_ATOMS + r->n_atoms;
	case ROWS_F_NEXT:
		return ROWS_REVERSE + 1;
	case ROWS_F_PORTS:
		return r->n_pairs;
	case ROWS_F_GAP_X:
	case ROWS_F_WAIT_X:
	case ROWS_F_PKT_X:
	case ROWS_F_RPKT_X:
	case ROWS_F_BYT_X:
	case ROWS_F_RBYT_X:
	case ROWS_F_TD_X:
		return n->n_exact + 1;
	default:
		return field >= ROWS_F_CATEGORY && field < ROWS_F_CATEGORY + WM_TABLE_CATEGORIES
			       ? r->categories[field - ROWS_F_CATEGORY].n
			       : n->n;
	}
}

static int check_chain(const struct opening *o, int field)
{
	const struct rows_chain *c = &o->r->chains[field];
	const uint64_t limit = limit_of(o->r, field);
	const char *name = rows_fields[field].name;

	if (c->n_root != rows_fields[field].n_root || c->n_levels < 1 || c->n_levels > ROWS_LEVELS)
		return wrong(o, name, 0);
	for (unsigned i = 0; i + 1 < c->n_root + c->n_levels; i++)
		if (c->column[i] >= ROWS_COLUMNS)
			return wrong(o, name, 2 + i);
	for (size_t i = 0; i < c->n_cells; i++) {
		const struct rows_cell *cell = &c->cells[i];

		if (cell->n == 0 || cell->first > c->n_items || cell->n > c->n_items - cell->first)
			return wrong(o, name, i);
		for (uint32_t k = 0; k < cell->n; k++) {
			const struct rows_item *item = &c->items[cell->first + k];

			if (item->value >= limit || item->until <= (k > 0 ? item[-1].until : 0)
				|| item->fresh < (k > 0 ? item[-1].fresh : 0))
				return wrong(o, name, cell->first + k);
		}
	}
	return 0;
}

static int get_chain(const struct opening *o, int field)
{
	struct rows_chain *c = &o->r->chains[field];
	const char *name = rows_fields[field].name;
	const void *head = NULL, *cells = NULL, *items = NULL;
	const uint32_t *h;
	size_t n = 0;
	int rc = get(o, name, ".chain", WM_U32, 1, &head, &n);

	if (rc == 0 && n != 2 + ROWS_LEVELS + 2 + ROWS_LEVELS)
		return wrong(o, name, n);
	rc = rc < 0 ? rc : get(o, name, ".cells", WM_U32, 4, &cells, &c->n_cells);
	rc = rc < 0 ? rc : get(o, name, ".items", WM_U32, 3, &items, &c->n_items);
	if (rc < 0)
		return rc;
	h = head;
	c->n_root = (uint8_t)(h[0] <= 2 ? h[0] : UINT8_MAX);
	c->n_levels = (uint8_t)(h[1] <= ROWS_LEVELS ? h[1] : UINT8_MAX);
	for (unsigned i = 0; i < ROWS_LEVELS + 2; i++)
		c->column[i] = (uint8_t)(h[2 + i] < ROWS_COLUMNS ? h[2 + i] : UINT8_MAX);
	memcpy(c->discount, h + 2 + ROWS_LEVELS + 2, sizeof(c->discount));
	o->r->cells[field] = calloc(c->n_cells + 1, sizeof(*o->r->cells[field]));
	if (o->r->cells[field] == NULL)
		return wm_err_sys(o->err, -ENOMEM, "opening the model");
	if (c->n_cells > 0)
		memcpy(o->r->cells[field], cells, c->n_cells * sizeof(struct rows_cell));
	c->cells = o->r->cells[field];
	c->items = items;
	rc = check_chain(o, field);
	return rc < 0 ? rc : rows_chain_index(c) < 0 ? wm_err_sys(o->err, -ENOMEM, "opening the model") : 0;
}

static int get_number(const struct opening *o, const char *name, uint64_t lo, uint64_t *out)
{
	long long v = 0;
	int rc = wm_model_meta_int(o->m, name, (long long)lo, 1LL << 62, &v, o->err);

	*out = (uint64_t)v;
	return rc;
}

static int get_meta(const struct opening *o)
{
	static const char *const schemas[] = {[WM_TABLE_UGR16] = "ugr16",
		[WM_TABLE_NETSHARE] = "netshare",
		[WM_TABLE_ZEEK] = "zeek",
		[WM_TABLE_CIDDS] = "cidds",
		[WM_TABLE_LABELS] = "labels"};
	const char *schema = wm_model_meta(o->m, "rows.schema");
	struct rows_model *r = o->r;
	uint64_t v = 0;
	int rc;

	for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]) && schema != NULL; i++)
		if (strcmp(schemas[i], schema) == 0)
			r->info = (struct wm_table_info){.schema = (enum wm_table_schema)i, .name = schemas[i]};
	if (r->info.name == NULL)
		return wm_err_set(o->err, -EINVAL, "metadata rows.schema: '%.32s' is none that is known",
			schema != NULL ? schema : "");
	rc = get_number(o, "rows.both_sides", 0, &v);
	r->info.both_sides = v != 0;
	rc = rc < 0 ? rc : get_number(o, "rows.time_is_end", 0, &v);
	r->info.time_is_end = v != 0;
	for (int i = 0; i < WM_TABLE_CATEGORIES && rc == 0; i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "rows.has_%s", rows_fields[ROWS_F_CATEGORY + i].name);
		rc = get_number(o, text, 0, &v);
		r->info.has[i] = v != 0;
	}
	rc = rc < 0 ? rc : get_number(o, "rows.first_ns", 0, &r->first_ns);
	rc = rc < 0 ? rc : get_number(o, "rows.period_ns", 1, &r->period_ns);
	rc = rc < 0 ? rc : get_number(o, "rows.phase_ns", 0, &r->phase_ns);
	rc = rc < 0 ? rc : get_number(o, "rows.time_unit_ns", 1, &r->time_unit_ns);
	return rc < 0 ? rc : get_number(o, "rows.duration_unit_ns", 1, &r->duration_unit_ns);
}

// Chains that a first row cannot do without.
static int check_whole(const struct opening *o)
{
	static const uint8_t needed[] = {ROWS_F_CLIENT, ROWS_F_SERVER, ROWS_F_APP, ROWS_F_NEXT, ROWS_F_PKT, ROWS_F_TD};

	for (size_t i = 0; i < sizeof(needed); i++)
		if (o->r->chains[needed[i]].n_cells == 0)
			return wrong(o, rows_fields[needed[i]].name, 0);
	return 0;
}

int rows_open(struct rows_model **out, const struct wm_model *m, struct wm_err *err)
{
	struct rows_model *r = calloc(1, sizeof(*r));
	const struct opening o = {r, m, err};
	int rc;

	if (r == NULL)
		return wm_err_sys(err, -ENOMEM, "opening the model");
	rc = get_meta(&o);
	rc = rc < 0 ? rc : get_strings(&o, &r->hosts, "hosts");
	rc = rc < 0 ? rc : get_strings(&o, &r->protos, "protocols");
	for (int i = 0; i < WM_TABLE_CATEGORIES && rc == 0; i++)
		rc = get_strings(&o, &r->categories[i], rows_fields[ROWS_F_CATEGORY + i].name);
	rc = rc < 0 ? rc : get_networks(&o);
	rc = rc < 0 ? rc : get_all_numbers(&o);
	rc = rc < 0 ? rc : get_apps(&o);
	for (int i = 0; i < ROWS_FIELDS && rc == 0; i++)
		rc = get_chain(&o, i);
	rc = rc < 0 ? rc : check_whole(&o);
	if (rc < 0) {
		rows_close(r);
		return rc;
	}
	*out = r;
	return 0;
}

static void free_strings(struct rows_strings *s)
{
	free(s->at);
	free(s->text);
}

void rows_close(struct rows_model *r)
{
	if (r == NULL)
		return;
	free_strings(&r->hosts);
	free_strings(&r->protos);
	for (int i = 0; i < WM_TABLE_CATEGORIES; i++)
		free_strings(&r->categories[i]);
	free(r->ported);
	for (int i = 0; i < ROWS_FIELDS; i++) {
		rows_chain_free(&r->chains[i]);
		free(r->cells[i]);
	}
	free(r);
}

const struct wm_table_info *rows_info(const struct rows_model *m)
{
	return &m->info;
}

uint64_t rows_time_unit(const struct rows_model *m)
{
	return m->time_unit_ns;
}

uint64_t rows_duration_unit(const struct rows_model *m)
{
	return m->duration_unit_ns;
}
