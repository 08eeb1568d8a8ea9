// SPDX-License-Identifier: BSD-3-Clause
#include <engine/lora/compiled.h>

#include <packet/semtech.h>

#include <errno.h>
#include <stdlib.h>

enum { FIRST_PORT = 49152 }; // a gateway's own (RFC 6335 section 6: dynamic)

static const int64_t longest_ns = INT64_C(1) << LORA_TIME_BITS;

// Rows of `width` numbers of a type, as many as there are. @return 0; -EINVAL with a sentence.
static int get_rows(const void **out, size_t *n, const struct wm_model *m, const char *name, enum wm_dtype dtype,
	size_t width, struct wm_err *err)
{
	size_t shape[2] = {0, width};
	int rc = wm_model_tensor(m, name, dtype, width > 1 ? 2 : 1, shape, out, err);

	*n = shape[0];
	if (rc == 0 && shape[0] > UINT32_MAX / 16)
		rc = wm_err_set(err, -EINVAL, "tensor %s: too many rows", name);
	return rc;
}

static int get_all(struct wm_engine_model *e, const struct wm_model *m, struct wm_err *err)
{
	size_t n_times = 0, n_fades = 0;
	const struct {
		const char *name;
		enum wm_dtype dtype;
		size_t width;
		const void **at;
		size_t *n;
	} tensors[] = {
		{"lora.device", WM_U32, 12, (const void **)&e->devices, &e->n_devices},
		{"lora.time", WM_U64, 3, (const void **)&e->times, &n_times},
		{"lora.link", WM_U32, 4, (const void **)&e->links, &e->n_links},
		{"lora.fade", WM_F32, 8, (const void **)&e->fades, &n_fades},
		{"lora.message", WM_U8, 10, (const void **)&e->messages, &e->n_messages},
		{"lora.frequency", WM_U32, 1, (const void **)&e->frequencies, &e->n_frequencies},
		{"lora.table", WM_U32, 2, (const void **)&e->tables, &e->n_tables},
		{"lora.knot", WM_I64, 1, (const void **)&e->knots, &e->n_knots},
		{"lora.chain", WM_U32, 2, (const void **)&e->chains, &e->n_chains},
		{"lora.state", WM_U32, 4, (const void **)&e->states, &e->n_states},
		{"lora.move", WM_U32, 2, (const void **)&e->moves, &e->n_moves},
		{"lora.gateway", WM_U64, 1, (const void **)&e->gateways, &e->n_gateways},
		{"lora.newcomer", WM_U32, 2, (const void **)&e->newcomers, &e->n_newcomers},
	};

	for (size_t i = 0; i < sizeof(tensors) / sizeof(tensors[0]); i++) {
		int rc = get_rows(
			tensors[i].at, tensors[i].n, m, tensors[i].name, tensors[i].dtype, tensors[i].width, err);

		if (rc < 0)
			return rc;
	}
	if (n_times != e->n_devices || n_fades != e->n_links || e->n_devices == 0 || e->n_gateways == 0
		|| e->n_gateways > UINT16_MAX / 2)
		return wm_err_set(err, -EINVAL, "tensors lora.*: their numbers of rows do not fit together");
	return 0;
}

static bool is_range(size_t first, size_t n, size_t all)
{
	return first <= all && n <= all - first;
}

static int check_tables(const struct wm_engine_model *e, struct wm_err *err)
{
	for (size_t t = 0; t < e->n_tables; t++) {
		const struct lora_table *table = &e->tables[t];

		if (table->n == 0 || !is_range(table->first, table->n, e->n_knots))
			return wm_err_set(err, -EINVAL, "tensor lora.table: row %zu is not inside lora.knot", t);
		for (size_t i = table->first; i < table->first + table->n; i++)
			if (e->knots[i] > longest_ns || e->knots[i] < -longest_ns
				|| (i > table->first && e->knots[i] < e->knots[i - 1]))
				return wm_err_set(err, -EINVAL, "tensor lora.knot: %zu does not ascend", i);
	}
	return 0;
}

// Counts that begin above 0 and ascend, to less than 2^31.
static bool ascends(uint32_t until, uint32_t before)
{
	return until > before && until < UINT32_C(1) << 31;
}

static int check_chains(const struct wm_engine_model *e, struct wm_err *err)
{
	for (size_t c = 0; c < e->n_chains; c++) {
		const struct lora_chain *chain = &e->chains[c];

		if (chain->n == 0 || !is_range(chain->first, chain->n, e->n_states))
			return wm_err_set(err, -EINVAL, "tensor lora.chain: row %zu is not inside lora.state", c);
		for (size_t i = 0; i < chain->n; i++) {
			const struct lora_state *s = &e->states[chain->first + i];

			if (!ascends(s->until, i > 0 ? s[-1].until : 0) || !is_range(s->first, s->n, e->n_moves))
				return wm_err_set(err, -EINVAL, "tensor lora.state: row %zu is no state",
					(size_t)chain->first + i);
			for (size_t k = s->first; k < s->first + s->n; k++)
				if (e->moves[k].state >= chain->n
					|| !ascends(e->moves[k].until, k > s->first ? e->moves[k - 1].until : 0))
					return wm_err_set(err, -EINVAL, "tensor lora.move: row %zu leads nowhere", k);
		}
	}
	return 0;
}

static int check_messages(const struct wm_engine_model *e, struct wm_err *err)
{
	for (size_t i = 0; i < e->n_messages; i++) {
		const struct lora_message *m = &e->messages[i];
		bool fits = m->kind == WM_LORA_DATA   ? m->len >= 12 + (m->fctrl & 15)
			    : m->kind == WM_LORA_JOIN ? m->len == 23
						      : m->kind == WM_LORA_OTHER && m->len > 0;

		if (!fits || m->sf < 5 || m->sf > 12 || m->bw == 0 || m->bw > 4 || m->cr < WM_LORA_CR_MIN
			|| m->cr > WM_LORA_CR_MAX || m->crc > WM_LORA_CRC_BAD)
			return wm_err_set(err, -EINVAL, "tensor lora.message: row %zu is no kind of frame", i);
	}
	return 0;
}

// A chain whose values are numbers below n.
static bool is_chain(const struct wm_engine_model *e, uint32_t chain, size_t n)
{
	if (chain >= e->n_chains)
		return false;
	for (uint32_t i = 0; i < e->chains[chain].n; i++)
		if (e->states[e->chains[chain].first + i].value >= n)
			return false;
	return true;
}

static bool is_table(const struct wm_engine_model *e, uint32_t table)
{
	return table < e->n_tables;
}

static int check_devices(const struct wm_engine_model *e, struct wm_err *err)
{
	for (size_t i = 0; i < e->n_devices; i++) {
		const struct lora_device *d = &e->devices[i];

		if (!is_table(e, d->interval) || (d->repeat != LORA_NONE && !is_table(e, d->repeat))
			|| !is_chain(e, d->message, e->n_messages) || !is_chain(e, d->channel, e->n_frequencies)
			|| (d->advance != LORA_NONE && !is_chain(e, d->advance, UINT16_MAX + 1)) || d->n_links == 0
			|| d->n_links > LORA_LINKS_MAX || !is_range(d->link, d->n_links, e->n_links)
			|| e->times[i].period_ns > (uint64_t)longest_ns || e->times[i].life_ns > (uint64_t)longest_ns
			|| (e->times[i].next_ns > (uint64_t)longest_ns && e->times[i].next_ns != LORA_ANY))
			return wm_err_set(err, -EINVAL, "tensor lora.device: row %zu refers to what is not there", i);
	}
	for (size_t i = 0; i < e->n_links; i++)
		if (e->links[i].gateway >= e->n_gateways || !is_table(e, e->links[i].rssi)
			|| !is_table(e, e->links[i].snr))
			return wm_err_set(err, -EINVAL, "tensor lora.link: row %zu refers to what is not there", i);
	for (size_t i = 0; i < e->n_newcomers; i++)
		if (e->newcomers[i].device >= e->n_devices
			|| !ascends(e->newcomers[i].until, i > 0 ? e->newcomers[i - 1].until : 0))
			return wm_err_set(err, -EINVAL, "tensor lora.newcomer: row %zu is like no device", i);
	if (e->between != LORA_NONE && !is_table(e, e->between))
		return wm_err_set(err, -EINVAL, "metadata lora.between: there is no table %u", e->between);
	return 0;
}

static int make_loratap(struct wm_engine_model *e, unsigned version)
{
	e->forms = calloc(e->n_gateways, sizeof(*e->forms));
	if (e->forms == NULL)
		return -ENOMEM;
	e->n_forms = e->n_gateways;
	for (size_t g = 0; g < e->n_gateways; g++)
		wm_form_loratap(&e->forms[g], version, e->gateways[g]);
	return 0;
}

int lora_open(struct wm_engine_model **out, const struct wm_model *m, struct wm_err *err)
{
	struct wm_engine_model *e = calloc(1, sizeof(*e));
	long long version = 0, between = 0, arrival = 0;
	int rc;

	if (e == NULL)
		return wm_err_sys(err, -ENOMEM, "opening the model");
	rc = wm_model_meta_int(m, "lora.loratap", 0, 1, &version, err);
	if (rc == 0)
		rc = wm_model_meta_int(m, "lora.between", 0, UINT32_MAX, &between, err);
	if (rc == 0)
		rc = wm_model_meta_int(m, "lora.arrival_ns", 0, longest_ns, &arrival, err);
	e->between = (uint32_t)between;
	e->arrival_ns = (uint64_t)arrival;
	rc = rc < 0 ? rc : get_all(e, m, err);
	rc = rc < 0 ? rc : check_tables(e, err);
	rc = rc < 0 ? rc : check_chains(e, err);
	rc = rc < 0 ? rc : check_messages(e, err);
	rc = rc < 0 ? rc : check_devices(e, err);
	if (rc == 0 && make_loratap(e, (unsigned)version) < 0)
		rc = wm_err_sys(err, -ENOMEM, "opening the model");
	if (rc < 0) {
		lora_close(e);
		return rc;
	}
	*out = e;
	return 0;
}

int lora_forward(struct wm_engine_model *e, const struct wm_lora_forward *to, struct wm_err *err)
{
	uint64_t room = (UINT64_C(1) << (32 - to->prefix_len)) - 2; // without the network's own address and broadcast
	struct wm_form *forms;

	if (e->n_gateways > room)
		return wm_err_set(err, -EINVAL, "the model has %zu gateways, but their network has room for %llu",
			e->n_gateways, (unsigned long long)room);
	forms = calloc(2 * e->n_gateways, sizeof(*forms));
	if (forms == NULL)
		return wm_err_sys(err, -ENOMEM, "forwarding");
	for (size_t g = 0; g < e->n_gateways; g++) {
		const struct wm_semtech_route route = {
			.eui = e->gateways[g] != 0 ? e->gateways[g] : UINT64_C(0x0200000000000001) + g,
			.gateway = to->gateways + 1 + (uint32_t)g,
			.server = to->server,
			.gateway_port = (uint16_t)(FIRST_PORT + (e->gateways[g] * 0x9E3779B97F4A7C15u >> 50)),
			.server_port = to->port,
		};

		wm_form_push_data(&forms[2 * g], &route);
		wm_form_push_ack(&forms[2 * g + 1], &route);
	}
	free(e->forms);
	e->forms = forms;
	e->n_forms = 2 * e->n_gateways;
	e->forwards = true;
	return 0;
}

void lora_close(struct wm_engine_model *e)
{
	if (e == NULL)
		return;
	free(e->forms);
	free(e);
}
