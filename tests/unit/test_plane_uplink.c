// SPDX-License-Identifier: BSD-3-Clause
#include <plane/card.h>
#include <plane/uplink.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

// The loopback interface is everywhere, and no default route goes by it.
static void interfaces_that_a_device_is_told_to_use_are_found(void **state)
{
	static const struct {
		const char *args;
		int n;
	} cases[] = {
		{"iface=lo", 1},
		{"path=/dev/vhost-net,queues=1,iface=lo", 1}, // net_virtio_user
		{"iface=dtap0,remote=lo", 1},                 // net_tap: the other one is not there yet
		{"rx_iface=nowhere,tx_iface=lo", 1},          // net_pcap
		{"iface=lo,tx_iface=lo,iface=lo", 3},
		{"", 0},
		{"iface=", 0},
		{"iface=nowhere", 0},
		{"interface=lo,rx_iface=lo,xiface=lo", 0}, // what is only received from is not sent on
		{"iface=a-name-that-is-longer-than-any-interface-has", 0},
		{",,iface=lo,", 1},
	};
	const unsigned lo = if_nametoindex("lo");

	(void)state;
	if (lo == 0)
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *rest = cases[i].args;
		unsigned index;
		int n = 0;

		while ((index = wm_uplink_named(&rest)) > 0) {
			assert_int_equal(index, lo);
			n++;
		}
		if (n != cases[i].n || *rest != '\0')
			fail_msg("'%s': %d", cases[i].args, n);
	}
}

static void loopback_carries_no_default_route(void **state)
{
	char via[IF_NAMESIZE] = "";
	struct wm_err err = {0};
	bool carries = true;

	(void)state;
	if (if_nametoindex("lo") == 0)
		skip();
	assert_int_equal(wm_uplink_find(if_nametoindex("lo"), &carries, via, &err), 0);
	assert_false(carries);
}

// Make a folder and those above it, under root.
static void make(const char *root, const char *folder)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", root, folder);
	for (char *p = path + strlen(root) + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		(void)mkdir(path, 0700);
		*p = '/';
	}
	assert_int_equal(mkdir(path, 0700), 0);
}

// sysfs of a card with two virtual functions; only the loopback interface is sure to be there, and stands for all.
static void interfaces_of_a_card_are_those_of_its_other_functions(void **state)
{
	static const struct {
		const char *device;
		int n;
	} cases[] = {
		{"0000:03:00.0", 1}, // the card itself: its second virtual function
		{"0000:03:10.0", 2}, // one that the kernel does not drive: the card's own, and the other one
		{"0000:04:00.0", 0}, // another card, with an interface of its own
		{"0000:05:00.0", 0}, // none
		{"net_null0", 0},
		{"", 0},
	};
	char root[] = "/tmp/wiremill-test-XXXXXX", path[128], command[160];
	unsigned index[WM_CARD_MAX];

	(void)state;
	if (if_nametoindex("lo") == 0)
		skip();
	assert_non_null(mkdtemp(root));
	make(root, "bus/pci/devices/0000:03:00.0/net/lo");
	make(root, "bus/pci/devices/0000:03:10.0");
	make(root, "bus/pci/devices/0000:03:10.2/net/lo");
	make(root, "bus/pci/devices/0000:04:00.0/net/lo");
	(void)snprintf(path, sizeof(path), "%s/bus/pci/devices/0000:03:00.0/virtfn0", root);
	assert_int_equal(symlink("../0000:03:10.0", path), 0);
	(void)snprintf(path, sizeof(path), "%s/bus/pci/devices/0000:03:00.0/virtfn1", root);
	assert_int_equal(symlink("../0000:03:10.2", path), 0);
	(void)snprintf(path, sizeof(path), "%s/bus/pci/devices/0000:03:10.0/physfn", root);
	assert_int_equal(symlink("../0000:03:00.0", path), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (wm_card_interfaces(root, cases[i].device, index) != cases[i].n)
			fail_msg("'%s'", cases[i].device);
	make(root, "bus/pci/devices/0000:03:10.2/net/not-there-0"); // of another network namespace
	assert_int_equal(wm_card_interfaces(root, "0000:03:10.0", index), 2);
	assert_int_equal(index[0], if_nametoindex("lo"));
	(void)snprintf(command, sizeof(command), "rm -r '%s'", root);
	assert_int_equal(system(command), 0);
}

// Whoever listens hears of a change once, and never waits for one. That one comes: test_guard.py.
static void no_change_is_heard_where_there_is_none(void **state)
{
	struct wm_err err = {0};
	int fd = wm_uplink_listen(&err);

	(void)state;
	assert_true(fd >= 0);
	(void)wm_uplink_changed(fd); // others may change something at any time
	assert_int_equal(close(fd), 0);
	assert_false(wm_uplink_changed(fd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interfaces_that_a_device_is_told_to_use_are_found),
		cmocka_unit_test(loopback_carries_no_default_route),
		cmocka_unit_test(interfaces_of_a_card_are_those_of_its_other_functions),
		cmocka_unit_test(no_change_is_heard_where_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
