// SPDX-License-Identifier: BSD-3-Clause
#include <base/grow.h>
#include <capture/reader.h>
#include <packet/dissect.h>

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

// The numbers in files and those in the library's interface differ for raw IP alone, of the types that are decoded.
static int dlt_of(int link)
{
	return link == WM_LINK_RAW ? DLT_RAW : link;
}

static int compile(const struct wm_capture *c, struct wm_filter *filter, struct wm_err *err)
{
	pcap_t *dead = pcap_open_dead(dlt_of(filter->link), WM_RECORD_MAX);
	int rc = 0;

	if (dead == NULL)
		return wm_err_sys(err, -ENOMEM, "%s", c->path);
	errno = 0;
	if (pcap_compile(dead, &filter->program, c->expression, 1, PCAP_NETMASK_UNKNOWN) < 0) {
		filter->passes = !wm_link_known(filter->link) && errno != ENOMEM;
		if (errno == ENOMEM) // which the library calls by many names
			rc = wm_err_sys(err, -ENOMEM, "filter '%s'", c->expression);
		else if (!filter->passes)
			rc = wm_err_set(err, -EINVAL, "filter '%s': %s (link type %d of %s)", c->expression,
				pcap_geterr(dead), filter->link, c->path);
	}
	pcap_close(dead);
	return rc;
}

// @return the filter for a link type, NULL with a sentence and *rc where there cannot be one.
static const struct wm_filter *find(struct wm_capture *c, int link, int *rc, struct wm_err *err)
{
	struct wm_filter filter = {.link = link};

	for (size_t i = 0; i < c->n_filters; i++)
		if (c->filters[i].link == link)
			return &c->filters[i];
	*rc = wm_grow((void **)&c->filters, &c->cap_filters, c->n_filters + 1, sizeof(filter));
	if (*rc < 0) {
		(void)wm_err_sys(err, *rc, "%s", c->path);
		return NULL;
	}
	*rc = compile(c, &filter, err);
	if (*rc < 0)
		return NULL;
	c->filters[c->n_filters] = filter;
	return &c->filters[c->n_filters++];
}

int wm_capture_filter(struct wm_capture *c, const char *expression, struct wm_err *err)
{
	int rc = 0;

	c->expression = strdup(expression);
	if (c->expression == NULL)
		return wm_err_sys(err, -ENOMEM, "%s", c->path);
	if (c->frac_ns > 0) // pcap: there is one link type, and it is known
		(void)find(c, c->link, &rc, err);
	return rc;
}

int wm_filter_match(struct wm_capture *c, const struct wm_capture_packet *pkt, struct wm_err *err)
{
	const struct pcap_pkthdr header = {.caplen = pkt->cap_len, .len = pkt->len};
	int rc = 0;
	const struct wm_filter *filter = find(c, pkt->link, &rc, err);

	if (filter == NULL)
		return rc;
	return filter->passes || pcap_offline_filter(&filter->program, &header, pkt->data) != 0;
}

void wm_filters_free(struct wm_capture *c)
{
	for (size_t i = 0; i < c->n_filters; i++)
		pcap_freecode(&c->filters[i].program);
	free(c->filters);
	free(c->expression);
}
