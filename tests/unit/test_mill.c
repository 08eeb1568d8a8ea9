// SPDX-License-Identifier: BSD-3-Clause
#include "fake_engine.h"
#include "json_memory.h"

#include <capture/capture.h>
#include <flow_line.h>
#include <packet/dissect.h>
#include <pcap_mode.h>
#include <settings.h>
#include <stats.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct wm_engine_model office = {
	.burst = 2, .pause_ns = 40000000, .max_packets = 30, .long_every = 50, .gap_ns = 30000000};
static const struct wm_engine_model scanner = {.burst = 40, .pause_ns = 900000000, .max_packets = 2, .gap_ns = 1000000};

struct run {
	struct settings s;
	struct models models;
	struct wm_form forms[FAKE_FORMS];
	struct wm_plane_stats stats;
	char folder[64], pcap[128], csv[128], labels[128], json[128];
	atomic_bool stop;
};

static void set_up(struct run *r, const struct wm_engine_model *const *models, size_t n)
{
	memset(r, 0, sizeof(*r));
	r->s.seed = 7;
	r->s.workers = 1;
	r->s.rate = (struct wm_rate){.kind = WM_RATE_MODEL, .value = 1};
	assert_int_equal(fake_forms(r->forms), 0);
	for (size_t i = 0; i < n; i++) {
		struct open_model *m = &r->models.at[i];

		(void)snprintf(m->label, sizeof(m->label), "label%zu", i);
		(void)snprintf(m->stem, sizeof(m->stem), "stem%zu", i);
		m->engine = &fake_engine;
		m->forms = r->forms;
		m->n_forms = FAKE_FORMS;
		r->models.sources[i] = (struct wm_source){.engine = &fake_engine, .model = models[i], .speed = 1};
		r->s.models[i] = (struct model_choice){.file = NULL, .weight = 1};
	}
	r->models.n = r->s.n_models = n;
	(void)snprintf(r->folder, sizeof(r->folder), "/tmp/wiremill-test-XXXXXX");
	assert_non_null(mkdtemp(r->folder));
	(void)snprintf(r->pcap, sizeof(r->pcap), "%s/x.pcap", r->folder);
	(void)snprintf(r->csv, sizeof(r->csv), "%s/x.csv", r->folder);
	(void)snprintf(r->labels, sizeof(r->labels), "%s/x.labels", r->folder);
	(void)snprintf(r->json, sizeof(r->json), "%s/x.json", r->folder);
	r->s.pcap = r->pcap;
}

static void clean_up(struct run *r)
{
	const char *files[] = {r->pcap, r->csv, r->labels, r->json};

	for (size_t i = 0; i < 4; i++)
		(void)unlink(files[i]);
	assert_int_equal(rmdir(r->folder), 0);
}

static void go(struct run *r)
{
	struct wm_err err = {0};
	const struct steer steer = {.stop = &r->stop};
	bool began = false;

	r->stats = (struct wm_plane_stats){0};
	if (pcap_run(&r->s, &r->models, &steer, &r->stats, &began, &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(began);
	assert_int_equal(r->stats.generated, r->stats.total.sent + r->stats.queued);
}

static char *read_all(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	size_t cap = 64u << 20;
	char *text = malloc(cap);

	assert_non_null(f);
	assert_non_null(text);
	*len = fread(text, 1, cap - 1, f);
	text[*len] = '\0';
	(void)fclose(f);
	return text;
}

// What the capture holds, as it is read back. @return packets.
static uint64_t read_capture(const char *path, uint64_t *bytes, uint64_t *last_ns)
{
	struct wm_capture_packet p;
	struct wm_capture *c;
	uint64_t n = 0;

	*bytes = *last_ns = 0;
	assert_int_equal(wm_capture_open(&c, path, NULL), 0);
	while (wm_capture_next(c, &p, NULL) == 1) {
		assert_true(p.time_ns >= *last_ns);
		assert_int_equal(p.len, p.cap_len);
		*last_ns = p.time_ns;
		*bytes += p.len;
		n++;
	}
	assert_null(wm_capture_damage(c));
	wm_capture_close(c);
	return n;
}

static void same_seed_same_files_whatever_the_number_of_workers(void **state)
{
	const struct wm_engine_model *const models[] = {&office, &scanner};
	const unsigned workers[] = {1, 1, 2, 4};
	char *want[3] = {0};
	size_t want_len[3] = {0};
	struct run r;

	(void)state;
	set_up(&r, models, 2);
	r.s.packets = 40000;
	r.s.csv = r.csv;
	r.s.labels = r.labels;
	for (size_t i = 0; i < 5; i++) {
		const char *files[] = {r.pcap, r.csv, r.labels};

		r.s.workers = i < 4 ? workers[i] : 1;
		r.s.seed = i < 4 ? 7 : 8;
		go(&r);
		for (size_t k = 0; k < 3; k++) {
			size_t len;
			char *text = read_all(files[k], &len);

			if (i == 0) {
				want[k] = text;
				want_len[k] = len;
				continue;
			}
			assert_true((len == want_len[k] && memcmp(text, want[k], len) == 0) == (i < 4));
			free(text);
		}
	}
	for (size_t k = 0; k < 3; k++)
		free(want[k]);
	clean_up(&r);
}

static void run_ends_at_what_is_reached_first(void **state)
{
	const struct wm_engine_model *const models[] = {&office};
	uint64_t bytes, last_ns;
	struct run r;

	(void)state;
	set_up(&r, models, 1);
	r.s.packets = 1234;
	r.s.flows = 100000;
	go(&r);
	assert_int_equal(read_capture(r.pcap, &bytes, &last_ns), 1234);
	assert_int_equal(r.stats.total.sent, 1234);
	assert_int_equal(r.stats.total.bytes, bytes);
	assert_int_equal(r.stats.traffic_ns, last_ns);

	r.s.flows = 20;
	go(&r);
	assert_int_equal(r.stats.flows_ended, 20);
	assert_true(r.stats.total.sent < 1234);
	assert_int_equal(read_capture(r.pcap, &bytes, &last_ns), r.stats.total.sent);

	r.s.flows = r.s.packets = 0;
	r.s.duration_s = 1.5;
	go(&r);
	assert_int_equal(read_capture(r.pcap, &bytes, &last_ns), r.stats.total.sent);
	assert_true(last_ns < 1500000000 && last_ns > 1400000000);
	clean_up(&r);
}

// However busy the machine is: not before packets were written.
static void *interrupt(void *arg)
{
	struct run *r = arg;
	struct stat file = {0};

	for (int i = 0; i < 6000 && file.st_size < 1 << 16; i++) {
		(void)usleep(10000);
		(void)stat(r->pcap, &file);
	}
	atomic_store(&r->stop, true);
	return NULL;
}

static void interrupted_run_leaves_whole_files(void **state)
{
	const struct wm_engine_model *const models[] = {&office};
	uint64_t bytes, last_ns;
	pthread_t thread;
	struct run r;

	(void)state;
	set_up(&r, models, 1);
	r.s.workers = 2;
	assert_int_equal(pthread_create(&thread, NULL, interrupt, &r), 0);
	go(&r);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(r.stats.total.sent > 0);
	assert_int_equal(read_capture(r.pcap, &bytes, &last_ns), r.stats.total.sent);
	clean_up(&r);
}

static void rate_is_kept_in_the_long_run(void **state)
{
	const struct wm_engine_model *const models[] = {&office};
	double want_s;
	struct run r;

	(void)state;
	set_up(&r, models, 1);
	r.s.packets = 100000;
	r.s.rate = (struct wm_rate){.kind = WM_RATE_PPS, .value = 50000};
	go(&r);
	assert_in_range(r.stats.traffic_ns, 1950000000, 2050000000); // 100000 / 50000 = 2 s
	r.s.rate = (struct wm_rate){.kind = WM_RATE_BPS, .value = 1e8};
	go(&r);
	want_s = (double)(r.stats.total.bytes + 4 * r.stats.total.sent) * 8 / 1e8; // with FCS
	assert_true(
		(double)r.stats.traffic_ns * 1e-9 > 0.97 * want_s && (double)r.stats.traffic_ns * 1e-9 < 1.03 * want_s);
	clean_up(&r);
}

// Field number `column` of a line, as a number.
static uint64_t field(const char *line, int column)
{
	while (column-- > 0)
		line = strchr(line, ',') + 1;
	return strtoull(line, NULL, 10);
}

static void tables_hold_every_packet_that_was_written(void **state)
{
	const struct wm_engine_model *const models[] = {&office, &scanner};
	uint64_t packets = 0, bytes = 0, flows = 0, csv_packets = 0, not_ip = 0;
	char *text, *save = NULL;
	struct run r;
	size_t len;

	(void)state;
	set_up(&r, models, 2);
	r.s.packets = 30000;
	r.s.csv = r.csv;
	r.s.labels = r.labels;
	go(&r);
	text = read_all(r.labels, &len);
	for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "start,", 6) == 0) {
			assert_int_equal(strlen(line) + 1, strlen(flow_label_header));
			continue;
		}
		flows++;
		packets += field(line, 9);
		bytes += field(line, 10);
		if (strstr(line, ",0x88cc,") != NULL)
			not_ip += field(line, 9);
		assert_true((strstr(line, ",label0,stem0,") != NULL) != (strstr(line, ",label1,stem1,") != NULL));
	}
	free(text);
	assert_int_equal(packets, r.stats.total.sent);
	assert_int_equal(bytes, r.stats.total.bytes);
	assert_int_equal(flows, r.stats.flows);
	text = read_all(r.csv, &len);
	for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save))
		if (strncmp(line, "te,", 3) != 0)
			csv_packets += field(line, 10);
	free(text);
	assert_true(not_ip > 0);
	assert_int_equal(csv_packets + not_ip, r.stats.total.sent);
	clean_up(&r);
}

static void flow_lines_are_as_documented(void **state)
{
	static const uint8_t client[16] = {[10] = 0xff, 0xff, 10, 0, 0, 1},
			     server[16] = {[10] = 0xff, 0xff, 10, 0, 0, 2};
	struct flow_record flow = {.ip = 4, .proto = 6, .port = {40000, 80}};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	memcpy(flow.address[0], client, 16);
	memcpy(flow.address[1], server, 16);
	flow.side[0] = (struct flow_side){1500000000, 3750000000, 5, 400, 330, 0x1b, 0, 16};
	flow.side[1] = (struct flow_side){1600000000, 86400000000000, 4, 300, 244, 0x12, 0, 0};
	flow_write_csv(out, &flow, "http");
	flow_write_label(out, &flow, "a \"b\"", "stem");
	flow = (struct flow_record){.proto = 1, .ip = 4, .side[1] = {5, 5, 1, 98, 84, 3, 1, 0}};
	flow_write_csv(out, &flow, "x");
	flow = (struct flow_record){.ethertype = 0x0806, .side[0] = {5, 5, 1, 60, 0, 0, 0, 0}};
	flow_write_csv(out, &flow, "x");
	flow_write_label(out, &flow, "x", "y");
	(void)fclose(out);
	assert_string_equal(text,
		"1970-01-01 00:00:03,2.250,10.0.0.1,10.0.0.2,40000,80,TCP,.AP.SF,0,16,5,330,http\n"
		"1970-01-02 00:00:00,86398.400,10.0.0.2,10.0.0.1,80,40000,TCP,.A..S.,0,0,4,244,http\n"
		"1.500000000,86400.000000000,10.0.0.1,10.0.0.2,40000,80,TCP,\"a \"\"b\"\"\",stem,9,700\n"
		"1970-01-01 00:00:00,0.000,0.0.0.0,0.0.0.0,0,769,ICMP,.A....,0,0,1,84,x\n"
		"0.000000005,0.000000005,00:00:00:00:00:00,00:00:00:00:00:00,0,0,0x0806,x,y,1,60\n");
	free(text);
}

static void statistics_are_json(void **state)
{
	const struct wm_engine_model *const models[] = {&office};
	char file[] = "m.wm";
	struct wm_err err = {0};
	struct wm_file out;
	json_t *root;
	struct run r;

	(void)state;
	set_up(&r, models, 1);
	r.s.packets = 500;
	r.s.models[0].file = file;
	go(&r);
	assert_int_equal(wm_file_begin(&out, r.json, &err), 0);
	assert_int_equal(stats_write_json(&out, &r.stats, &r.models, &r.s, &err), 0);
	root = json_load_file(r.json, 0, NULL);
	assert_non_null(root);
	assert_int_equal(json_integer_value(json_object_get(root, "packets")), 500);
	assert_int_equal(json_integer_value(json_object_get(root, "bytes")), r.stats.total.bytes);
	assert_int_equal(json_array_size(json_object_get(root, "models")), 1);
	json_decref(root);
	clean_up(&r);
}

struct statistics {
	struct wm_plane_stats now, before;
	struct run *run;
};

static json_t *build_statistics(void *arg)
{
	const struct statistics *s = arg;

	return stats_json(&s->now, &s->before, &s->run->models, &s->run->s);
}

// Of a run on ports: two queues, what came back, models and a capture whose names are no UTF-8.
static void statistics_are_whole_or_there_are_none_whichever_allocation_fails(void **state)
{
	const struct wm_engine_model *const models[] = {&office, &scanner};
	struct run r;
	struct statistics stats = {.now = {.n_queues = 2,
					   .n_ports = 1,
					   .n_ways = 1,
					   .n_models = 2,
					   .elapsed_s = 1.5,
					   .port[0].name = "net_null0",
					   .timing = {.ticks_per_ns = 1}},
		.run = &r};
	char file[] = "m\351.wm", flows[] = "f\351.csv", *text;

	(void)state;
	set_up(&r, models, 2);
	r.s.models[0].file = file;
	r.s.flows_from = flows;
	stats.before = stats.now;
	stats.before.elapsed_s = 0.5;
	text = json_whole_or_not_at_all(build_statistics, &stats, 300);
	assert_non_null(strstr(text, "\"file\":\"m?.wm\""));
	assert_non_null(strstr(text, "\"file\":\"f?.csv\""));
	free(text);
	clean_up(&r);
}

static void output_that_cannot_be_written_is_told(void **state)
{
	const struct wm_engine_model *const models[] = {&office};
	struct wm_err err = {0};
	bool began = false;
	struct run r;

	(void)state;
	set_up(&r, models, 1);
	r.s.pcap = "/nonexistent/x.pcap";
	r.s.packets = 10;
	assert_int_equal(pcap_run(&r.s, &r.models, &(struct steer){.stop = &r.stop}, &r.stats, &began, &err), -ENOENT);
	assert_false(began);
	assert_string_equal(err.msg, "/nonexistent/x.pcap: cannot be written: No such file or directory");
	if (access("/dev/full", W_OK) == 0) {
		r.s.pcap = r.pcap;
		r.s.csv = "/dev/full";
		assert_int_equal(
			pcap_run(&r.s, &r.models, &(struct steer){.stop = &r.stop}, &r.stats, &began, &err), -ENOSPC);
		assert_true(began);
		assert_string_equal(
			err.msg, "/dev/full: cannot be written: No space left on device; 4 lines are missing in it");
		r.s.csv = NULL;
		r.s.pcap = "/dev/full";
		r.s.packets = 0; // the end is that nothing can be written
		assert_int_equal(
			pcap_run(&r.s, &r.models, &(struct steer){.stop = &r.stop}, &r.stats, &began, &err), -ENOSPC);
	}
	clean_up(&r);
}

static int read_settings(struct settings *s, const char *line, struct wm_err *err)
{
	static char words[1024];
	char *argv[32] = {0}, *save = NULL;
	int argc = 0;

	(void)snprintf(words, sizeof(words), "wiremill %s", line);
	for (char *w = strtok_r(words, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	return settings_read(s, argc, argv, err);
}

static void settings_are_what_the_command_line_says(void **state)
{
	struct wm_err err = {0};
	struct settings s;

	(void)state;
	assert_int_equal(
		read_settings(&s, "-m a,b.wm,weight=2.5,label=web -m c -o - -n 5 -s 0 -r x4 --flows 3", &err), 0);
	assert_int_equal(s.n_models, 2);
	assert_string_equal(s.models[0].file, "a,b.wm");
	assert_string_equal(s.models[0].label, "web");
	assert_float_equal(s.models[0].weight, 2.5, 0);
	assert_string_equal(s.models[1].file, "c");
	assert_null(s.models[1].label);
	assert_string_equal(s.pcap, "-");
	assert_int_equal(s.packets, 5);
	assert_int_equal(s.flows, 3);
	assert_int_equal(s.seed, 0);
	assert_float_equal(s.rate.value, 4, 0);
	settings_free(&s);
	assert_int_equal(read_settings(&s, "-l 0-2 --no-pci -- -h", &err), 0);
	assert_int_equal(s.eal_argc, 4);
	assert_string_equal(s.eal_argv[3], "--no-pci");
	settings_free(&s);
}

static void eal_options_can_be_one_text(void **state)
{
	char program[] = "wiremill", option[] = "--eal", words[] = "  -l 0-2\t--no-pci --vdev=net_null0 ",
	     model[] = "-mx";
	char *argv[] = {program, option, words, model, NULL};
	struct wm_err err = {0};
	struct settings s;

	(void)state;
	assert_int_equal(settings_read(&s, 4, argv, &err), 0);
	assert_true(s.eal);
	assert_int_equal(s.eal_argc, 5);
	assert_string_equal(s.eal_argv[0], "wiremill");
	assert_string_equal(s.eal_argv[2], "0-2");
	assert_string_equal(s.eal_argv[4], "--vdev=net_null0");
	assert_null(s.eal_argv[5]);
	settings_free(&s);
	assert_int_equal(read_settings(&s, "-l 1 -- --eal a -m x", &err), 0);
	assert_int_equal(s.eal_argc, 3);
	assert_string_equal(s.eal_argv[2], "1");
	settings_free(&s);
}

static void wrong_settings_are_refused_with_a_reason(void **state)
{
	static const struct {
		const char *line, *sentence;
	} cases[] = {
		{"-o x", "option -m MODEL is missing: it names what to mill from"},
		{"-m a", "option -o FILE is missing: it names the pcap to write"},
		{"-m a -o x b.wm", "'b.wm' is no option; models are given with -m"},
		{"-m a,weight=0 -o x", "option --model: weight '0' is not a number in 0.000001..1000000"},
		{"-m a,weight=inf -o x", "option --model: weight 'inf' is not a number in 0.000001..1000000"},
		{"-m ,weight=1 -o x", "option --model: ',weight=1' names no file"},
		{"-m a,label= -o x", "option --model: label '' must have a character and no quote"},
		{"-m a -o x -r 50%", "option --rate: a pcap has no port"},
		{"-m a -o x -r max", "option --rate: a pcap has no port"},
		{"-m a -o x -r fast", "option --rate: rate 'fast' is none"},
		{"-m a -o x -n 0", "option --packets: '0' is not a whole number in 1.."},
		{"-l 1 -- -m a -o x", "option --pcap: a pcap is written without EAL"},
		{"--eal a -m a -o x", "option --pcap: a pcap is written without EAL"},
		{"-c /nonexistent/f -o x", "configuration file /nonexistent/f: No such file or directory"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wm_err err = {0};
		struct settings s;
		int rc = read_settings(&s, cases[i].line, &err);

		if (rc >= 0 || strncmp(err.msg, cases[i].sentence, strlen(cases[i].sentence)) != 0)
			fail_msg("'%s': %d '%s'", cases[i].line, rc, err.msg);
		settings_free(&s);
	}
}

static void command_line_wins_over_the_configuration_file(void **state)
{
	char path[] = "/tmp/wiremill-test-XXXXXX", line[128];
	static const char text[] =
		"model = (\"a\", { file = \"b\"; weight = 2; });\nseed = 7;\npackets = 9;\npcap = \"x\";\n";
	int fd = mkstemp(path);
	struct wm_err err = {0};
	struct settings s;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	(void)close(fd);
	(void)snprintf(line, sizeof(line), "-c %s -s 3", path);
	assert_int_equal(read_settings(&s, line, &err), 0);
	assert_int_equal(s.n_models, 2);
	assert_float_equal(s.models[1].weight, 2, 0);
	assert_int_equal(s.seed, 3);
	assert_int_equal(s.packets, 9);
	settings_free(&s);
	(void)snprintf(line, sizeof(line), "-m c -c %s", path);
	assert_int_equal(read_settings(&s, line, &err), 0);
	assert_int_equal(s.n_models, 1);
	assert_string_equal(s.models[0].file, "c");
	assert_int_equal(s.seed, 7);
	settings_free(&s);
	(void)unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_seed_same_files_whatever_the_number_of_workers),
		cmocka_unit_test(run_ends_at_what_is_reached_first),
		cmocka_unit_test(interrupted_run_leaves_whole_files),
		cmocka_unit_test(rate_is_kept_in_the_long_run),
		cmocka_unit_test(tables_hold_every_packet_that_was_written),
		cmocka_unit_test(flow_lines_are_as_documented),
		cmocka_unit_test(statistics_are_json),
		cmocka_unit_test(statistics_are_whole_or_there_are_none_whichever_allocation_fails),
		cmocka_unit_test(output_that_cannot_be_written_is_told),
		cmocka_unit_test(settings_are_what_the_command_line_says),
		cmocka_unit_test(eal_options_can_be_one_text),
		cmocka_unit_test(wrong_settings_are_refused_with_a_reason),
		cmocka_unit_test(command_line_wins_over_the_configuration_file),
	};

	return cmocka_run_group_tests_name("mill", tests, NULL, NULL);
}
