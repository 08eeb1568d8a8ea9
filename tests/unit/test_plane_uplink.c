// SPDX-License-Identifier: BSD-3-Clause
#include <plane/uplink.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interfaces_that_a_device_is_told_to_use_are_found),
		cmocka_unit_test(loopback_carries_no_default_route),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
