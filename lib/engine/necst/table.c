// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/table.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int by_key_and_value(const void *a, const void *b)
{
	const struct necst_pair *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->value > y->value) - (x->value < y->value);
}

static int put_u32(struct wm_model_writer *w, const char *name, const char *part, const uint32_t *data, size_t n)
{
	char full[64];

	(void)snprintf(full, sizeof(full), "%s.%s", name, part);
	return wm_model_put(w, full, WM_U32, 1, &n, data);
}

int necst_table_put(struct wm_model_writer *w, const char *name, struct necst_pair *pairs, size_t n)
{
	uint32_t *mem = calloc(4 * (n + 2), sizeof(*mem));
	uint32_t *key = mem, *first, *value, *upto;
	size_t keys = 0, values = 0;
	int rc;

	if (mem == NULL)
		return -ENOMEM;
	first = key + n + 1;
	value = first + n + 2;
	upto = value + n;
	qsort(pairs, n, sizeof(*pairs), by_key_and_value);
	for (size_t i = 0; i < n; i++) {
		bool new_key = i == 0 || pairs[i].key != pairs[i - 1].key;

		if (new_key) {
			key[keys] = pairs[i].key;
			first[keys++] = (uint32_t)values;
		}
		if (new_key || pairs[i].value != pairs[i - 1].value) {
			value[values] = pairs[i].value;
			upto[values] = new_key ? 0 : upto[values - 1];
			values++;
		}
		upto[values - 1]++;
	}
	first[keys] = (uint32_t)values;
	rc = put_u32(w, name, "key", key, keys);
	if (rc == 0)
		rc = put_u32(w, name, "first", first, keys + 1);
	if (rc == 0)
		rc = put_u32(w, name, "value", value, values);
	if (rc == 0)
		rc = put_u32(w, name, "upto", upto, values);
	free(mem);
	return rc;
}

static int get_u32(const uint32_t **out, size_t *n, const struct wm_model *m, const char *name, const char *part,
	struct wm_err *err)
{
	const void *data;
	char full[64];
	int rc;

	(void)snprintf(full, sizeof(full), "%s.%s", name, part);
	rc = wm_model_tensor(m, full, WM_U32, 1, n, &data, err);
	if (rc == 0)
		*out = data;
	return rc;
}

static bool sound(const struct necst_table *t, size_t values)
{
	if (t->first == NULL || (values > 0 && (t->upto == NULL || t->key == NULL)))
		return false;
	if (t->first[0] != 0 || t->first[t->n] != values)
		return false;
	for (uint32_t i = 0; i < t->n; i++) {
		if (t->first[i] >= t->first[i + 1] || t->first[i + 1] > values || (i > 0 && t->key[i] <= t->key[i - 1]))
			return false;
		for (uint32_t j = t->first[i]; j < t->first[i + 1]; j++)
			if (t->upto[j] <= (j > t->first[i] ? t->upto[j - 1] : 0))
				return false;
	}
	return true;
}

int necst_table_get(struct necst_table *out, const struct wm_model *m, const char *name, struct wm_err *err)
{
	size_t keys = 0, firsts = 0, values = 0;
	struct necst_table t = {0};
	int rc = get_u32(&t.key, &keys, m, name, "key", err);

	if (rc == 0)
		rc = get_u32(&t.first, &firsts, m, name, "first", err);
	if (rc == 0)
		rc = get_u32(&t.value, &values, m, name, "value", err);
	if (rc == 0)
		rc = get_u32(&t.upto, &values, m, name, "upto", err);
	if (rc < 0)
		return rc;
	t.n = (uint32_t)keys;
	if (firsts != keys + 1 || keys >= 1u << 30 || values > UINT32_MAX || !sound(&t, values))
		return wm_err_set(err, -EINVAL, "tensors %s.*: not a table of keys, values and running counts", name);
	*out = t;
	return 0;
}

int necst_table_index(struct necst_table *t)
{
	unsigned bits = 1;

	while (bits < 31 && (1u << bits) < 2 * (uint64_t)t->n)
		bits++;
	t->index = calloc((size_t)1 << bits, sizeof(*t->index));
	if (t->index == NULL)
		return -ENOMEM;
	t->index_bits = bits;
	for (uint32_t row = 0; row < t->n; row++) {
		uint32_t i = necst_table_hash(t->key[row], bits);

		while (t->index[i].n != 0)
			i = (i + 1) & ((1u << bits) - 1);
		t->index[i] = (struct necst_entry){
			t->key[row], t->first[row + 1] - t->first[row], t->first[row], t->value[t->first[row]]};
	}
	return 0;
}

void necst_table_free(struct necst_table *t)
{
	free(t->index);
	t->index = NULL;
}
