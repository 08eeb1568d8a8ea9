// SPDX-License-Identifier: BSD-3-Clause
// plane_fake: the data plane with an engine that makes flows up, for tests.
//
//	plane_fake mill [EAL options] -- [KEY=NUMBER]... [rate=RATE]    send; the last line is "sent N" if all adds up
//	plane_fake compare FILE N [long]                                FILE holds just the first N frames, in order
#include "fake_engine.h"

#include <packet/form.h>
#include <plane/plane.h>

#include <pcap/pcap.h>
#include <rte_ethdev.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEED = 7, FRAME_MAX = 65536 };

static const struct wm_engine_model model = {
	.burst = 3, .pause_ns = 20000, .max_packets = 9, .long_every = 50, .gap_ns = 1000000};

static const uint8_t payload[300] = {[0] = 'w', 'i', 'r', 'e', [299] = '!'};
static uint32_t payload_sum[sizeof(payload) / 2 + 1];
static struct wm_form all_forms[FAKE_FORMS];
static atomic_bool stop;
static atomic_bool reported;
static bool longer; // UDP frames are up to 64 KiB long
static bool slower; // the engine takes a nap at each step

static const struct {
	const char *hex;
	bool payload;
} images[FAKE_FORMS] = {
	{"0000000000000000000000000800"
	 "4500000000004000400600000000000000000000"
	 "0000000000000000000000005000000000000000",
		false},
	{"0000000000000000000000000800"
	 "4500000000000000401100000000000000000000"
	 "0000000000000000",
		true},
	{"0000000000000000000000000800"
	 "4500000000000000400100000000000000000000"
	 "0800000000000000",
		false},
	{"00000000000000000000000086dd"
	 "6000000000000640"
	 "00000000000000000000000000000000"
	 "00000000000000000000000000000000"
	 "0000000000000000000000005000000000000000",
		false},
	{"01020304050602aabbccddee0842", false},
};

static void make_forms(void)
{
	for (size_t i = 0; i < FAKE_FORMS; i++) {
		uint8_t image[WM_FORM_HEAD_MAX];
		size_t n = strlen(images[i].hex) / 2;
		struct wm_err err;

		for (size_t k = 0; k < n; k++)
			(void)sscanf(images[i].hex + 2 * k, "%2hhx", &image[k]);
		if (wm_form_init(&all_forms[i], image, n, images[i].payload ? payload : NULL,
			    images[i].payload ? payload_sum : NULL, images[i].payload ? sizeof(payload) : 0, &err)
			< 0) {
			fprintf(stderr, "form %zu: %s\n", i, err.msg);
			exit(1);
		}
	}
}

static const struct wm_form *forms(const struct wm_engine_model *m, size_t *n)
{
	(void)m;
	*n = FAKE_FORMS;
	return all_forms;
}

static void step(struct wm_gen *g, const uint32_t *slots, size_t n, struct wm_step *out)
{
	if (slower)
		(void)usleep(1000);
	fake_engine.gen_step(g, slots, n, out);
	for (size_t i = 0; longer && i < n; i++)
		if (out[i].form == 1) {
			out[i].payload = (uint16_t)(out[i].payload * 46);
			out[i].len = (uint16_t)(42 + out[i].payload);
		}
}

static void on_signal(int sig)
{
	(void)sig;
	atomic_store(&stop, true);
}

static void say(void *arg, const char *sentence)
{
	(void)arg;
	fprintf(stderr, "notice: %s\n", sentence);
}

static void print_queue(const char *name, const struct wm_plane_queue *q)
{
	printf("%s: fresh %" PRIu64 " recycled %" PRIu64 " sent %" PRIu64 " bytes %" PRIu64 " oversize %" PRIu64
	       " lost %" PRIu64 " starved %" PRIu64 " no_mbuf %" PRIu64 " port_full %" PRIu64 " shifts %" PRIu64
	       " shift_ns %" PRIu64 " received %" PRIu64 "\n",
		name, q->fresh, q->recycled, q->sent, q->bytes, q->oversize, q->lost, q->starved, q->no_mbuf,
		q->port_full, q->shifts, q->shift_ns, q->received);
}

static void report(void *arg, const struct wm_plane_stats *stats)
{
	(void)arg;
	atomic_store(&reported, true);
	printf("%.3f s, generated %" PRIu64 " queued %" PRIu64 " waiting %" PRIu64 "\n", stats->elapsed_s,
		stats->generated, stats->queued, stats->waiting);
	print_queue("total", &stats->total);
}

static int adds_up(const struct wm_plane_stats *s)
{
	const struct wm_plane_queue *t = &s->total;
	uint64_t sent = 0;

	for (unsigned i = 0; i < s->n_queues; i++)
		sent += s->queue[i].sent;
	return s->generated == t->fresh + s->queued && sent == t->sent
	       && t->fresh + t->recycled == t->sent + t->oversize + t->lost;
}

// stall=SECONDS: from the first report (stats=) on, nobody takes anything from the first port for so long.
static double stall_s;
static atomic_bool stalled;

static void set(struct wm_plane_options *o, const char *arg)
{
	const char *value = strchr(arg, '=');
	struct wm_err err;
	double number;

	if (value == NULL)
		exit(2);
	number = strtod(++value, NULL);
	if (strncmp(arg, "rate=", 5) == 0 && wm_rate_parse(&o->rate, value, &err) < 0)
		exit(2);
	if (strncmp(arg, "packets=", 8) == 0)
		o->packets = (uint64_t)number;
	if (strncmp(arg, "flows=", 6) == 0)
		o->flows = (uint64_t)number;
	if (strncmp(arg, "seconds=", 8) == 0)
		o->duration_s = number;
	if (strncmp(arg, "queues=", 7) == 0)
		o->queues = (unsigned)number;
	if (strncmp(arg, "split=", 6) == 0)
		o->split = number > 0;
	if (strncmp(arg, "workers=", 8) == 0)
		o->workers = (unsigned)number;
	if (strncmp(arg, "recycle=", 8) == 0) {
		o->recycle = number > 0;
		o->recycle_samples = (size_t)number;
	}
	if (strncmp(arg, "mtu=", 4) == 0)
		o->mtu = (unsigned)number;
	if (strncmp(arg, "ring=", 5) == 0)
		o->ring_samples = (size_t)number;
	if (strncmp(arg, "stall=", 6) == 0)
		stall_s = number;
	if (strncmp(arg, "catch_up=", 9) == 0)
		o->catch_up = (unsigned)number;
	if (strncmp(arg, "stats=", 6) == 0)
		o->stats_s = number;
}

// rate2=RATE,SECONDS: another rate, asked for by another thread so long after the first report (stats=).
static struct wm_plane_wish wish = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct wm_rate rate2;
static double rate2_s;

static void *ask(void *arg)
{
	while (!atomic_load(&reported))
		(void)usleep(1000);
	(void)usleep((useconds_t)(rate2_s * 1e6));
	wm_plane_ask_rate(&wish, &rate2);
	return arg;
}

static void ask_later(const char *arg)
{
	char text[32];
	pthread_t thread;
	struct wm_err err;

	if (sscanf(arg, "rate2=%31[^,],%lf", text, &rate2_s) != 2 || wm_rate_parse(&rate2, text, &err) < 0
		|| pthread_create(&thread, NULL, ask, NULL) != 0)
		exit(2);
	(void)pthread_detach(thread);
}

static uint16_t take(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, void *arg)
{
	(void)port;
	(void)queue;
	(void)pkts;
	(void)arg;
	return atomic_load(&stalled) ? 0 : n;
}

static void *stall(void *arg)
{
	while (!atomic_load(&reported))
		(void)usleep(1000);
	atomic_store(&stalled, true);
	for (double s = 0; s < stall_s && !atomic_load(&stop); s += 0.01)
		(void)usleep(10000);
	atomic_store(&stalled, atomic_load(&stop)); // a run that is stopped finds it as it was
	return arg;
}

static int ready(void *arg, struct wm_err *err)
{
	pthread_t thread;

	(void)arg;
	if (stall_s > 0
		&& (rte_eth_add_tx_callback(0, 0, take, NULL) == NULL || pthread_create(&thread, NULL, stall, NULL) != 0
			|| pthread_detach(thread) != 0))
		return wm_err_set(err, -ENOTSUP, "the port cannot be stalled");
	return 0;
}

static int mill(int argc, char **argv, const struct wm_source *source)
{
	struct wm_plane_options o = {.eal_argv = argv,
		.sources = source,
		.n_sources = 1,
		.seed = SEED,
		.rate.kind = WM_RATE_MAX,
		.stop = &stop,
		.wish = &wish,
		.ready = ready,
		.report = report,
		.notice = say};
	struct wm_plane_stats stats = {0};
	struct wm_err err;
	int rc;

	while (o.eal_argc < argc && strcmp(argv[o.eal_argc], "--") != 0)
		o.eal_argc++;
	for (int i = o.eal_argc + 1; i < argc; i++)
		if (strncmp(argv[i], "rate2=", 6) == 0)
			ask_later(argv[i]);
		else
			set(&o, argv[i]);
	(void)signal(SIGINT, on_signal);
	(void)signal(SIGTERM, on_signal);
	rc = wm_plane_run(&o, &stats, &err);
	if (rc < 0) {
		fprintf(stderr, "plane_fake: %s\n", err.msg);
		return 2;
	}
	report(NULL, &stats);
	for (unsigned i = 0; i < stats.n_queues && stats.n_queues > 1; i++)
		print_queue("queue", &stats.queue[i]);
	if (!adds_up(&stats)) {
		fprintf(stderr, "plane_fake: the counters do not add up\n");
		return 1;
	}
	printf("sent %" PRIu64 "\n", stats.total.sent);
	return 0;
}

static int compare(const char *path, uint64_t n, const struct wm_source *source)
{
	static uint8_t frame[FRAME_MAX];
	char reason[PCAP_ERRBUF_SIZE];
	pcap_t *file = pcap_open_offline(path, reason);
	struct wm_worker *worker = NULL;
	struct pcap_pkthdr *head;
	const uint8_t *data;
	uint64_t i = 0;

	if (file == NULL || wm_worker_create(&worker, source, 1, SEED, 0, 1, NULL) < 0) {
		fprintf(stderr, "plane_fake: %s\n", reason);
		return 2;
	}
	for (; pcap_next_ex(file, &head, &data) == 1; i++) {
		struct wm_sample s;

		(void)wm_worker_next(worker, &s, 1);
		wm_frame_build(frame, &all_forms[s.form], &s, false);
		if (head->caplen != s.len || memcmp(frame, data, s.len) != 0) {
			fprintf(stderr, "plane_fake: frame %" PRIu64 " differs: %u bytes, expected %u\n", i,
				head->caplen, s.len);
			return 1;
		}
	}
	pcap_close(file);
	wm_worker_destroy(worker);
	printf("%" PRIu64 " frames are equal\n", i);
	return i == n ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct wm_engine engine = fake_engine;
	const struct wm_source source = {.engine = &engine, .model = &model, .speed = 1};

	engine.forms = forms;
	engine.gen_step = step;
	for (int i = 1; i < argc; i++)
		longer |= strncmp(argv[i], "long", 4) == 0;
	for (int i = 1; i < argc; i++)
		slower |= strcmp(argv[i], "slow=1") == 0;
	make_forms();
	if (argc >= 3 && strcmp(argv[1], "mill") == 0)
		return mill(argc - 1, argv + 1, &source);
	if (argc >= 4 && strcmp(argv[1], "compare") == 0)
		return compare(argv[2], strtoull(argv[3], NULL, 10), &source);
	fprintf(stderr, "usage: plane_fake mill [EAL options] -- [KEY=NUMBER]... | compare FILE N [long]\n");
	return 2;
}
