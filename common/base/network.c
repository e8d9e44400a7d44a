/* Reads numeric addresses and networks, and judges them. */

#include "common/base/network.h"

#include "common/base/mem.h"
#include "common/base/number.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

enum { V4_BITS = 96, ADDRESS_SIZE = 64, EMBEDDED_AT_END = 12 };

static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};

/* Never, unless allowed: see RFC 6890, and where clouds keep their metadata. */
static const char always_denied[] =
	"0.0.0.0/8,127.0.0.0/8,169.254.0.0/16,192.0.0.0/24,224.0.0.0/4,240.0.0.0/4,100.100.100.200,"
	"168.63.129.16,::/96,::1,64:ff9b:1::/48,100::/64,2001::/32,fe80::/10,fec0::/10,ff00::/8,"
	"fd00:ec2::254,fd20:ce::254,fd00:42::42,fd00:c1::a9fe:a9fe";

/* --- reading ---------------------------------------------------------------------------------------------- */

/* Brackets and a zone are left out. */
static bool read_address(const char *text, uint8_t ret[16])
{
	char plain[ADDRESS_SIZE];
	size_t len = strcspn(text += *text == '[', "]%");
	if (len >= sizeof(plain)) return false;
	(void)snprintf(plain, sizeof(plain), "%.*s", (int)len, text);
	if (strchr(plain, ':')) return inet_pton(AF_INET6, plain, ret) == 1;
	memcpy(ret, mapped, sizeof(mapped));
	return inet_pton(AF_INET, plain, ret + sizeof(mapped)) == 1;
}

static bool read_network(char *word, struct network *ret)
{
	char *slash = strchr(word, '/');
	int64_t bits = 128;
	if (slash) *slash = '\0';
	bool is_v4 = !strchr(word, ':');
	if (!read_address(word, ret->address)) return false;
	if (slash && !number_parse(slash + 1, 0, is_v4 ? 32 : 128, &bits, NULL)) return false;
	ret->prefix = (unsigned)bits + (slash && is_v4 ? V4_BITS : 0);
	return true;
}

bool network_list_add(struct network_list *list, const char *text, struct err *err)
{
	CLEANUP(mem_free_text) char *words = mem_dup(text ? text : "");
	char *rest = words;
	for (char *word; (word = strsep(&rest, ", "));) {
		char shown[ADDRESS_SIZE];
		(void)snprintf(shown, sizeof(shown), "%s", word);
		if (*word == '\0') continue;
		if (list->count == NETWORK_LIST_MAX)
			return err_set(err, ERR_INPUT, "more than %d networks", NETWORK_LIST_MAX);
		if (!read_network(word, &list->list[list->count]))
			return err_set(err, ERR_INPUT, "'%s' is no network, expected 10.0.0.0/8 or fd00::/8", shown);
		list->count++;
	}
	return true;
}

/* --- judging ---------------------------------------------------------------------------------------------- */

static bool is_in(const struct network *network, const uint8_t address[16])
{
	size_t whole = network->prefix / 8;
	unsigned mask = 0xFF00U >> (network->prefix % 8) & 0xFF;
	if (memcmp(network->address, address, whole) != 0) return false;
	return mask == 0 || ((network->address[whole] ^ address[whole]) & mask) == 0;
}

static bool has(const struct network_list *list, const uint8_t address[16])
{
	for (size_t i = 0; i < list->count; i++) {
		if (is_in(&list->list[i], address)) return true;
	}
	return false;
}

/* The forms of an IPv6 address that lead to an IPv4 address. */
static const struct {
	uint8_t start[12];
	size_t from, len, at; /* which bytes tell, and where the address is */
} forms_of_v4[] = {
	{{[8] = 0xFF, [9] = 0xFF}, 0, 12, EMBEDDED_AT_END},           /* ::ffff:0:a.b.c.d */
	{{0, 0x64, 0xFF, 0x9B}, 0, 12, EMBEDDED_AT_END},              /* 64:ff9b::a.b.c.d */
	{{0x20, 0x02}, 0, 2, 2},                                      /* 2002:a.b.c.d:: */
	{{[10] = 0x5E, [11] = 0xFE}, 8, 4, EMBEDDED_AT_END},          /* …::5efe:a.b.c.d */
	{{[8] = 2, [10] = 0x5E, [11] = 0xFE}, 8, 4, EMBEDDED_AT_END}, /* …::200:5efe:a.b.c.d */
};

/* The IPv4 address that an IPv6 address leads to, as mapped address. */
static bool find_embedded(const uint8_t address[16], uint8_t ret[16])
{
	for (size_t i = 0; i < ARRAY_LEN(forms_of_v4); i++) {
		if (memcmp(address + forms_of_v4[i].from, forms_of_v4[i].start + forms_of_v4[i].from,
			   forms_of_v4[i].len) != 0)
			continue;
		memcpy(ret, mapped, sizeof(mapped));
		memcpy(ret + sizeof(mapped), address + forms_of_v4[i].at, 4);
		return true;
	}
	return false;
}

bool network_may_open(const char *address, const struct network_list *denied, const struct network_list *allowed)
{
	struct network_list always = {0};
	uint8_t forms[2][16];
	if (!network_list_add(&always, always_denied, NULL) || !read_address(address, forms[0])) return false;
	size_t count = find_embedded(forms[0], forms[1]) ? 2 : 1;
	for (size_t i = 0; i < count; i++) {
		if ((has(&always, forms[i]) || has(denied, forms[i])) && !has(allowed, forms[i])) return false;
	}
	return true;
}
