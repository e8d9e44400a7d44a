/* network: numeric addresses, networks, and where a call may go. */
#include "common/base/network.h"

#include "tests/unit/check.h"

#include "common/base/banned.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static struct network_list list_of(const char *text)
{
	struct network_list list = {0};
	struct err err = {0};
	CHECK(text ? text : "none", network_list_add(&list, text, &err));
	return list;
}

static void test_network_denies_own_and_neighbours(void)
{
	static const char *const addresses[] = {
		"127.0.0.1",
		"127.255.255.254",
		"0.0.0.0",
		"0.1.2.3",
		"169.254.169.254",
		"169.254.0.1",
		"224.0.0.1",
		"239.1.1.1",
		"255.255.255.255",
		"240.0.0.1",
		"100.100.100.200",
		"168.63.129.16",
		"192.0.0.192",
		/* IPv6 of its own */
		"::",
		"::1",
		"[::1]",
		"0:0:0:0:0:0:0:1",
		"fe80::1",
		"fe80::1%eth0",
		"febf::1",
		"fec0::1",
		"ff02::1",
		"fd00:ec2::254",
		"fd20:ce::254",
		"100::1",
		/* IPv4 inside */
		"::ffff:127.0.0.1",
		"::FFFF:7f00:1",
		"::127.0.0.1",
		"::ffff:0:127.0.0.1",
		"64:ff9b::127.0.0.1",
		"64:ff9b::a9fe:a9fe",
		"64:ff9b:1::7f00:1",
		"64:ff9b:1:ffff::1",
		"2002:7f00:1::",
		"2002:a9fe:a9fe::1",
		"2001:0:4136:e378:8000:63bf:3fff:fdd2",
		"2001:db8::5efe:127.0.0.1",
		"2001:db8::200:5efe:169.254.169.254",
		"::ffff:169.254.169.254",
		"[::ffff:169.254.169.254]",
		"::ffff:0.0.0.0",
		/* no address */
		"",
		"localhost",
		"127.1",
		"2130706433",
		"0x7f.0.0.1",
		"0177.0.0.1",
		"127.0.0.01",
		"1.2.3",
		"1.2.3.4.5",
		"1.2.3.256",
		"1.2.3.4 ",
		"1.2.3.-4",
		":",
		":::",
		"1::2::3",
		"12345::",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"1:2:3:4:5:6:7:8::",
		"::g",
		"1:2:3:4:5:6:7:1.2.3.4",
		"::1.2.3",
		"::1.2.3.4:5",
		"1:",
		":1",
		"1::2:",
		"1:2:3:4:5:6:7:8:",
	};
	struct network_list none = {0};
	for (size_t i = 0; i < ROWS(addresses); i++)
		CHECK(addresses[i], !network_may_open(addresses[i], &none, &none));
}

static void test_network_lets_others_through(void)
{
	static const char *const addresses[] = {
		"10.0.0.1",
		"192.168.1.1",
		"172.16.0.1",
		"8.8.8.8",
		"128.0.0.1",
		"126.255.255.255",
		"169.253.255.255",
		"169.255.0.0",
		"223.255.255.255",
		"192.0.1.1",
		"100.100.100.201",
		"2001:db8::1",
		"fd00::1",
		"fc00::1",
		"2a00:1450:4001:82a::200e",
		"fe00::1",
		"::ffff:10.0.0.1",
		"64:ff9b::8.8.8.8",
		"2002:808:808::1",
		"2001:1::1",
		"1:2:3:4:5:6:7:8",
		"1:2:3:4:5:6:7::",
		"1:2:3:4:5:6:1.2.3.4",
		"2001:db8::5efe:8.8.8.8",
		"[2001:db8::1]",
		"2001:DB8::ABCD",
	};
	struct network_list none = {0};
	for (size_t i = 0; i < ROWS(addresses); i++)
		CHECK(addresses[i], network_may_open(addresses[i], &none, &none));
}

static void test_network_settings_decide(void)
{
	static const struct {
		const char *name, *address, *denied, *allowed;
		bool may;
	} rows[] = {
		{"cluster", "10.42.3.4", "10.42.0.0/16", NULL, false},
		{"cluster, mapped", "::ffff:10.42.3.4", "10.42.0.0/16", NULL, false},
		{"cluster, NAT64", "64:ff9b::10.42.3.4", "10.42.0.0/16", NULL, false},
		{"cluster, 6to4", "2002:a2a:304::", "10.42.0.0/16", NULL, false},
		{"beside it", "10.43.0.0", "10.42.0.0/16", NULL, true},
		{"odd prefix, in", "10.43.255.255", "10.42.0.0/15", NULL, false},
		{"odd prefix, out", "10.44.0.0", "10.42.0.0/15", NULL, true},
		{"host bits do not count", "10.42.3.4", "10.42.9.9/16", NULL, false},
		{"one address", "10.96.0.1", "10.96.0.1", NULL, false},
		{"its neighbour", "10.96.0.2", "10.96.0.1", NULL, true},
		{"IPv6", "fd00:1::5", "fd00:1::/32", NULL, false},
		{"IPv6, beside", "fd00:2::5", "fd00:1::/32", NULL, true},
		{"everything IPv4", "8.8.8.8", "0.0.0.0/0", NULL, false},
		{"but not IPv6", "2001:db8::1", "0.0.0.0/0", NULL, true},
		{"everything", "2001:db8::1", "::/0", NULL, false},
		{"the last of a list", "10.3.0.1", "10.1.0.0/16, 10.2.0.0/16 ,,10.3.0.0/16", NULL, false},
		{"allowed inside", "10.42.3.4", "10.42.0.0/16", "10.42.3.0/24", true},
		{"allowed elsewhere", "10.42.4.4", "10.42.0.0/16", "10.42.3.0/24", false},
		{"loopback allowed", "127.0.0.1", NULL, "127.0.0.0/8", true},
		{"loopback allowed, mapped", "::ffff:127.0.0.1", NULL, "127.0.0.0/8", true},
		{"IPv6 loopback is another", "::1", NULL, "127.0.0.0/8", false},
		{"IPv6 loopback allowed", "::1", NULL, "::1", true},
		{"allowed is no address", "localhost", NULL, "0.0.0.0/0,::/0", false},
	};
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct network_list denied = list_of(rows[i].denied);
		struct network_list allowed = list_of(rows[i].allowed);
		CHECK(rows[i].name, network_may_open(rows[i].address, &denied, &allowed) == rows[i].may);
	}
}

static void test_network_list_says_what_is_wrong(void)
{
	static const char *const wrong[] = {
		"10.0.0.0/33", "fd00::/129", "10.0.0.0/",  "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0",
		"cluster",     "/8",         "10.0.0.0/x", "fd00::/ 8",   "10.0.0.0/8 x", "::ffff::",
	};
	char many[NETWORK_LIST_MAX * 8 + 32] = "";
	struct network_list list = {0};
	struct err err = {0};
	for (size_t i = 0; i < ROWS(wrong); i++) {
		struct network_list other = {0};
		err = (struct err){0};
		CHECK(wrong[i], !network_list_add(&other, wrong[i], &err));
		CHECK(wrong[i], err.code == ERR_INPUT);
		CHECK(wrong[i], strstr(err.message, "is no network, expected") != NULL);
	}
	for (int i = 0; i < NETWORK_LIST_MAX; i++)
		(void)snprintf(many + strlen(many), sizeof(many) - strlen(many), "1.2.3.4,");
	CU_ASSERT_TRUE(network_list_add(&list, many, &err));
	CU_ASSERT_EQUAL(list.count, NETWORK_LIST_MAX);
	CU_ASSERT_FALSE(network_list_add(&list, "1.2.3.4", &err));
	CU_ASSERT_STRING_EQUAL(err.message, "more than 64 networks");
}

void suite_network(void)
{
	CU_pSuite suite = CU_add_suite("network", NULL, NULL);
	CU_ADD_TEST(suite, test_network_denies_own_and_neighbours);
	CU_ADD_TEST(suite, test_network_lets_others_through);
	CU_ADD_TEST(suite, test_network_settings_decide);
	CU_ADD_TEST(suite, test_network_list_says_what_is_wrong);
}
