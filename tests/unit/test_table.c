// SPDX-License-Identifier: BSD-3-Clause
#include <dataset/table.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#define UGR16 "te,td,sa,da,sp,dp,pr,flg,fwd,stos,pkt,byt,label\n"
#define ROW "2016-04-11 00:03:17,0.5,10.0.0.1,10.0.0.2,1024,53,udp,.A....,0,0,2,120,background\n"
static const int64_t second_ns = 1000000000, row_s = 1460332997; // date -u -d '2016-04-11 00:03:17' +%s

// A table being read from a file of its own.
struct reading {
	struct wm_table *t;
	struct wm_table_row row;
	struct wm_err err;
	int rc;
};

static void write_file(char path[40], const char *text, size_t len)
{
	int fd;
	FILE *f;

	strcpy(path, "/tmp/wiremill-table-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	f = fdopen(fd, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void begin_bytes(struct reading *r, const char *text, size_t len)
{
	char path[40];

	memset(r, 0, sizeof(*r));
	write_file(path, text, len);
	r->rc = wm_table_open(&r->t, path, &r->err);
	assert_int_equal(unlink(path), 0);
}

static void begin(struct reading *r, const char *text)
{
	begin_bytes(r, text, strlen(text));
	if (r->rc < 0)
		print_message("%s\n", r->err.msg);
	assert_int_equal(r->rc, 0);
}

static void expect_row(struct reading *r)
{
	r->rc = wm_table_next(r->t, &r->row, &r->err);
	if (r->rc < 0)
		print_message("%s\n", r->err.msg);
	assert_int_equal(r->rc, 1);
}

static void expect_end(struct reading *r, uint64_t used)
{
	const struct wm_table_counts *n = wm_table_counts(r->t);

	while ((r->rc = wm_table_next(r->t, &r->row, &r->err)) == 1)
		;
	assert_int_equal(r->rc, 0);
	assert_int_equal(n->used, used);
	assert_int_equal(n->rows, n->used + n->untimed + n->uncounted + n->misshapen);
	wm_table_close(r->t);
}

static void expect_numbers(const struct wm_table_row *row, double td, double pkt, double byt, double sp, double dp)
{
	assert_true(row->duration_s == td);
	assert_true(row->packets == pkt);
	assert_true(row->bytes == byt);
	assert_true(row->sport == sp);
	assert_true(row->dport == dp);
}

static void ugr16_is_read_with_and_without_its_names(void **state)
{
	static const char *const texts[] = {UGR16 ROW, ROW, "\xef\xbb\xbf" UGR16 ROW};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct reading r;

		begin(&r, texts[i]);
		assert_int_equal(wm_table_info(r.t)->schema, WM_TABLE_UGR16);
		assert_true(wm_table_info(r.t)->time_is_end);
		assert_true(wm_table_info(r.t)->has[WM_TABLE_LABEL]);
		assert_false(wm_table_info(r.t)->has[WM_TABLE_SERVICE]);
		expect_row(&r);
		assert_int_equal(r.row.line, i == 1 ? 1 : 2);
		assert_int_equal(r.row.time_ns, row_s * second_ns);
		expect_numbers(&r.row, 0.5, 2, 120, 1024, 53);
		assert_string_equal(r.row.src, "10.0.0.1");
		assert_string_equal(r.row.dst, "10.0.0.2");
		assert_string_equal(r.row.proto, "UDP");
		assert_string_equal(r.row.category[WM_TABLE_FLAGS], ".A....");
		assert_string_equal(r.row.category[WM_TABLE_TOS], "0");
		assert_string_equal(r.row.category[WM_TABLE_LABEL], "background");
		assert_string_equal(r.row.category[WM_TABLE_SERVICE], "");
		expect_end(&r, 1);
	}
}

static void netshare_has_microseconds_and_addresses_as_numbers(void **state)
{
	struct reading r;

	(void)state;
	begin(&r, "srcip,dstip,srcport,dstport,proto,ts,td,pkt,byt,type\n"
		  "3232235777,167772161.0,80,1.0,TCP,1460332997000001,0.25,3.4,1e3,background\n");
	assert_int_equal(wm_table_info(r.t)->schema, WM_TABLE_NETSHARE);
	assert_false(wm_table_info(r.t)->time_is_end);
	expect_row(&r);
	assert_int_equal(r.row.time_ns, row_s * second_ns + 1000);
	expect_numbers(&r.row, 0.25, 3.4, 1000, 80, 1);
	assert_string_equal(r.row.src, "192.168.1.1");
	assert_string_equal(r.row.dst, "10.0.0.1");
	assert_string_equal(r.row.category[WM_TABLE_TYPE], "background");
	expect_end(&r, 1);
}

static void zeek_is_read_as_tsv_and_csv_with_both_sides_added(void **state)
{
	static const char *const texts[] = {
		"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
		"#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\tconn_state\torig_"
		"pkts"
		"\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\n"
		"#types\ttime\taddr\tport\taddr\tport\tenum\tstring\tinterval\tstring\tcount\tcount\tcount\tcount\n"
		"1460332997.000000001\t10.0.0.1\t1024\tfe80::1\t53\tudp\t-\t-\tS0\t2\t120\t1\t80\n"
		"1460332998.5\t10.0.0.1\t1024\t\"x\t53\tudp\tdns\t0.1\tSF\t-\t-\t-\t-\n#close\t2016-04-11-01-00-00\n",
		"ts,id.orig_h,id.orig_p,id.resp_h,id.resp_p,proto,service,duration,conn_state,orig_pkts,orig_ip_bytes,"
		"resp_pkts,resp_ip_bytes\r\n"
		"1460332997.000000001,10.0.0.1,1024,fe80::1,53,udp,-,-,S0,2,120,1,80\r\n"
		"1460332998.5,10.0.0.1,1024,\"\"\"x\",53,udp,dns,0.1,SF,-,-,-,-\r\n"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct reading r;

		begin(&r, texts[i]);
		assert_string_equal(wm_table_info(r.t)->name, "zeek");
		expect_row(&r);
		assert_int_equal(r.row.time_ns, row_s * second_ns + 1);
		expect_numbers(&r.row, 0, 3, 200, 1024, 53);
		assert_true(r.row.reply_packets == 1 && r.row.reply_bytes == 80);
		assert_string_equal(r.row.dst, "fe80::1");
		assert_string_equal(r.row.category[WM_TABLE_SERVICE], "-");
		assert_string_equal(r.row.category[WM_TABLE_STATE], "S0");
		expect_row(&r);
		expect_numbers(&r.row, 0.1, 0, 0, 1024, 53);
		assert_string_equal(r.row.dst, "\"x");
		expect_end(&r, 2);
	}
}

static void zeek_logs_that_were_put_together_are_read_as_long_as_their_columns_are_the_same(void **state)
{
#define NAMES "#fields\tts\tduration\tsrc\tdst\tsport\tdport\tproto\tpackets\tbytes\n"
#define LINE "1460332997\t1\ta\tb\t1\t2\tudp\t1\t60\n"
	struct reading r;

	(void)state;
	begin(&r, NAMES LINE "#close\n" NAMES LINE);
	expect_end(&r, 2);
	begin(&r, NAMES LINE "#fields\tts\tduration\n" LINE);
	expect_row(&r);
	assert_int_equal(wm_table_next(r.t, &r.row, &r.err), 0);
	assert_string_equal(
		wm_table_damage(r.t), "line 3: the columns are others than before; give such logs one by one");
	wm_table_close(r.t);
}

static void cidds_has_dates_with_fractions_and_counts_with_letters(void **state)
{
	struct reading r;

	(void)state;
	begin(&r, "Date first seen,Duration,Proto,Src IP Addr,Src Pt,Dst IP Addr,Dst "
		  "Pt,Packets,Bytes,Flows,Flags,Tos,class,"
		  "attackType,attackID,attackDescription\n"
		  "2016-04-11 00:03:17.123,    0.003,TCP  ,192.168.100.5,  445,EXT_SERVER, 8.0,       2,    1.2 M,1,"
		  ".AP...,0,normal,---,---,---\n"
		  "2016-04-11T02:03:17+02:00,0,TCP,a,,b,,1 K,3  G,1,.AP...,0,normal,---,---,\"a, b\"\n");
	assert_int_equal(wm_table_info(r.t)->schema, WM_TABLE_CIDDS);
	expect_row(&r);
	assert_int_equal(r.row.time_ns, row_s * second_ns + 123000000);
	expect_numbers(&r.row, 0.003, 2, 1.2e6, 445, 8);
	assert_string_equal(r.row.proto, "TCP");
	assert_string_equal(r.row.dst, "EXT_SERVER");
	assert_string_equal(r.row.category[WM_TABLE_LABEL], "normal");
	expect_row(&r);
	assert_int_equal(r.row.time_ns, row_s * second_ns);
	expect_numbers(&r.row, 0, 1000, 3e9, 0, 0);
	expect_end(&r, 2);
}

static void labels_have_their_duration_from_start_and_end(void **state)
{
	struct reading r;

	(void)state;
	begin(&r,
		"start,end,src,dst,sport,dport,proto,label,model,packets,bytes\n"
		"1460332997.000000001,1460332999.000000001,10.0.0.1,10.0.0.2,1024,53,UDP,\"a \"\"b\"\"\",dns,2,120\n");
	assert_int_equal(wm_table_info(r.t)->schema, WM_TABLE_LABELS);
	expect_row(&r);
	assert_int_equal(r.row.time_ns, row_s * second_ns + 1);
	expect_numbers(&r.row, 2, 2, 120, 1024, 53);
	assert_string_equal(r.row.category[WM_TABLE_LABEL], "a \"b\"");
	expect_end(&r, 1);
}

static void unit_of_times_is_told_by_the_first(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} times[] = {{"0", 0}, {"-1.5", -1500000000}, {"1460332997.25", 1460332997250000000},
		{"1460332997250", 1460332997250000000}, {"1460332997250000.0", 1460332997250000000},
		{"1460332997250000001", 1460332997250000001}, {"1.46033299725e9", 1460332997250000000}};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct reading r;
		char text[200];

		(void)snprintf(
			text, sizeof(text), "ts,td,sa,da,sp,dp,pr,pkt,byt\n%s,0,a,b,1,2,6,1,60\n", times[i].text);
		begin(&r, text);
		expect_row(&r);
		assert_int_equal(r.row.time_ns, times[i].ns);
		expect_end(&r, 1);
	}
}

static void every_bad_row_is_counted_and_the_first_one_told(void **state)
{
	static const char *const rows[] = {
		"x,0,a,b,1,2,6,1,60",                   // not even a time
		"2016-02-30 00:00:00,0,a,b,1,2,6,1,60", // no such day
		"1e308,0,a,b,1,2,6,1,60",               // not a number where dates are
		"2016-04-11 00:03:17,0,a,b,1,2,6,,60",
		"2016-04-11 00:03:17,0,a,b,1,2,6,1,nan",
		"2016-04-11 00:03:17,0,a,b,1,2,6,1,0x10",
		"2016-04-11 00:03:17,0,a,b,1,2,6,1e999,60",
		"2016-04-11 00:03:17,0,a,b,1,2,6,1",      // cut short
		"2016-04-11 00:03:17,0,a,b,1,2,6,1,60,9", // too many
		"2016-04-11 00:03:17,0,\"a,b,1,2,6,1,60", // open
		"2016-04-11 00:03:17,0,a\"a,b,1,2,6,1,60",
		"2016-04-11 00:03:17,0,a,b,1,2,6\r2016,1,60",
	};
	char text[4096] = "ts,td,sa,da,sp,dp,pr,pkt,byt\n2016-04-11 00:03:17,0,a,b,1,2,6,1,60\n";
	const struct wm_table_counts *n;
	struct reading r;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strcat(text, rows[i]);
		strcat(text, "\n\n");
	}
	strcat(text, "2016-04-11 00:03:18,-1,a,b,-1,1e308,6,-1,1e308"); // odd, but numbers
	begin(&r, text);
	n = wm_table_counts(r.t);
	expect_row(&r);
	expect_row(&r);
	expect_numbers(&r.row, -1, -1, 1e308, -1, 1e308);
	assert_int_equal(n->untimed, 3);
	assert_int_equal(n->uncounted, 5);
	assert_int_equal(n->misshapen, 4);
	assert_string_equal(
		wm_table_fault(r.t), "line 3: 'x' in the column for the time is no date like 2016-04-11 00:03:17");
	expect_end(&r, 2);
}

static void tables_that_cannot_be_used_say_why(void **state)
{
	static const struct {
		const char *text;
		size_t len; // 0 = all
		int rc;
		const char *sentence;
	} tables[] = {
		{"", 0, -ENODATA, ": the file is empty"},
		{"\n\n", 0, -EINVAL,
			": line 1: a flow table needs a column for the time, called any of: ts, te, date first seen, "
			"stime, "
			"start_time, timestamp, start"},
		{"ts,td,sa,da,sp,dp,pr,byt\n", 0, -EINVAL,
			": line 1: a flow table needs a column for the packets, called any of: pkt, packets, pkts"},
		{"ts,id.orig_h,id.orig_p,id.resp_h,id.resp_p,proto,duration,orig_pkts,orig_ip_bytes,resp_pkts\n", 0,
			-EINVAL,
			": line 1: a flow table needs a column for the packets, called any of: pkt, packets, pkts"},
		{"t\0s,td\n", 8, -EINVAL, ": line 1 holds a NUL byte: it must be a flow table's names of columns"},
		{"\"ts,td\n", 0, -EINVAL,
			": line 1 has a quote that does not close, or one in the middle of a field: it must be a "
			"flow table's names of columns"},
		{"#separator \\x09\nx\n", 0, -EINVAL,
			": line 2: where the first line begins with #, Zeek's line \"#fields\" must follow"},
		{UGR16, 0, -ENODATA, ": no row can be used: there are none behind the names of the columns"},
		{UGR16 "soon,0,a,b,1,2,6,,0,0,1,60,x\n", 0, -ENODATA,
			": no row can be used: line 2: 'soon' in the column for the time is no time"},
		{UGR16 "1,0,a,b,1,2,6,,0,0,1,many,x\n", 0, -ENODATA,
			": no row can be used: line 2: 'many' in the column for the bytes is no number"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct reading r;

		begin_bytes(&r, tables[i].text, tables[i].len > 0 ? tables[i].len : strlen(tables[i].text));
		if (r.rc == 0)
			r.rc = wm_table_next(r.t, &r.row, &r.err);
		assert_int_equal(r.rc, tables[i].rc);
		assert_string_equal(strchr(r.err.msg, ':'), tables[i].sentence);
		wm_table_close(r.t);
	}
}

static void a_huge_line_costs_one_row(void **state)
{
	size_t n = 3 << 20, at = 0;
	char *text = malloc(n + 1000);
	struct reading r;

	(void)state;
	assert_non_null(text);
	at += (size_t)sprintf(text, "%s%s", UGR16, ROW);
	memset(text + at, 'x', n);
	at += n;
	at += (size_t)sprintf(text + at, "\n%s", ROW);
	begin_bytes(&r, text, at);
	expect_row(&r);
	expect_row(&r);
	assert_int_equal(r.row.line, 4);
	assert_int_equal(wm_table_counts(r.t)->misshapen, 1);
	assert_string_equal(wm_table_fault(r.t), "line 3 is longer than 64 KiB");
	expect_end(&r, 2);
	free(text);
}

static void gzip_is_read_and_where_it_is_cut_the_rows_before_count(void **state)
{
	enum { ROWS = 20000 };
	char path[40];
	struct reading r = {0};
	gzFile gz;

	(void)state;
	write_file(path, "", 0);
	gz = gzopen(path, "wb");
	assert_non_null(gz);
	assert_true(gzputs(gz, UGR16) > 0);
	for (int i = 0; i < ROWS; i++)
		assert_true(
			gzprintf(gz, "2016-04-11 00:03:17,0,10.0.%d.%d,b,1,2,6,,0,0,1,%d,x\n", i >> 8, i & 255, i) > 0);
	assert_int_equal(gzclose(gz), Z_OK);
	assert_int_equal(wm_table_open(&r.t, path, &r.err), 0);
	expect_end(&r, ROWS);
	assert_int_equal(truncate(path, 10000), 0);
	assert_int_equal(wm_table_open(&r.t, path, &r.err), 0);
	while (wm_table_next(r.t, &r.row, &r.err) == 1)
		;
	assert_in_range(wm_table_counts(r.t)->used, 100, ROWS - 1);
	assert_int_equal(wm_table_counts(r.t)->rows, wm_table_counts(r.t)->used);
	assert_non_null(strstr(wm_table_damage(r.t), "the gzip stream is cut short"));
	wm_table_close(r.t);
	assert_int_equal(unlink(path), 0);
}

static void bytes_changed_at_random_never_break_it(void **state)
{
	static const char text[] = UGR16 ROW ROW "\"2016-04-11 00:03:17\",1.2 M,\"\"\"\",b,1,2,6,,0,0,1,60,x\r\n" ROW;
	uint32_t random = 1;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		char copy[sizeof(text)];
		struct reading r;

		memcpy(copy, text, sizeof(text));
		for (int k = 0; k < 4; k++) {
			random = random * 1664525 + 1013904223;
			copy[(random >> 8) % (sizeof(text) - 1)] = "\",\n\r\t#-9eM.\0 :"[(random >> 28) % 15];
		}
		begin_bytes(&r, copy, sizeof(text) - 1);
		while (r.rc >= 0 && (r.rc = wm_table_next(r.t, &r.row, &r.err)) == 1)
			assert_true(strlen(r.row.proto) < sizeof(text));
		assert_true(r.rc == 0 || r.err.msg[0] != '\0');
		wm_table_close(r.t);
	}
}

static void text_is_told_from_captures(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		bool text;
	} files[] = {{UGR16 ROW, sizeof(UGR16 ROW) - 1, true}, {"", 0, false}, {"\xd4\xc3\xb2\xa1\2\0\4\0", 8, false},
		{"\n\r\r\n\x1c\0\0\0", 8, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[40];

		write_file(path, files[i].bytes, files[i].len);
		assert_int_equal(wm_table_is_text(path), files[i].text);
		assert_int_equal(unlink(path), 0);
	}
	assert_false(wm_table_is_text("/nowhere"));
	assert_false(wm_table_is_text("-"));
}

// Tables that are not part of the sources.
static void published_tables_are_read_whole(void **state)
{
	static const struct {
		const char *name;
		const char *schema;
		uint64_t rows;
		double packets;
		double bytes;
	} tables[] = {{"flows-ugr16/ugr16_20160411_hosts_A.csv", "ugr16", 10810, 317154, 244809416},
		{"flows-iot23/iot23_capture8-1_zeek_conn_10k.csv", "zeek", 10403, 16677, 1070132}};
	const char *folder = getenv("WIREMILL_DATA") != NULL ? getenv("WIREMILL_DATA") : getenv("WIREMILL_DATA_BESIDE");

	(void)state;
	if (folder == NULL)
		skip();
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		double packets = 0, bytes = 0;
		struct reading r = {0};
		char path[600];

		(void)snprintf(path, sizeof(path), "%s/%s", folder, tables[i].name);
		if (access(path, R_OK) != 0)
			skip();
		assert_int_equal(wm_table_open(&r.t, path, &r.err), 0);
		assert_string_equal(wm_table_info(r.t)->name, tables[i].schema);
		while (wm_table_next(r.t, &r.row, &r.err) == 1) {
			packets += r.row.packets;
			bytes += r.row.bytes;
		}
		assert_null(wm_table_fault(r.t));
		assert_true(packets == tables[i].packets && bytes == tables[i].bytes);
		expect_end(&r, tables[i].rows);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ugr16_is_read_with_and_without_its_names),
		cmocka_unit_test(netshare_has_microseconds_and_addresses_as_numbers),
		cmocka_unit_test(zeek_is_read_as_tsv_and_csv_with_both_sides_added),
		cmocka_unit_test(zeek_logs_that_were_put_together_are_read_as_long_as_their_columns_are_the_same),
		cmocka_unit_test(cidds_has_dates_with_fractions_and_counts_with_letters),
		cmocka_unit_test(labels_have_their_duration_from_start_and_end),
		cmocka_unit_test(unit_of_times_is_told_by_the_first),
		cmocka_unit_test(every_bad_row_is_counted_and_the_first_one_told),
		cmocka_unit_test(tables_that_cannot_be_used_say_why),
		cmocka_unit_test(a_huge_line_costs_one_row),
		cmocka_unit_test(gzip_is_read_and_where_it_is_cut_the_rows_before_count),
		cmocka_unit_test(bytes_changed_at_random_never_break_it),
		cmocka_unit_test(text_is_told_from_captures),
		cmocka_unit_test(published_tables_are_read_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
