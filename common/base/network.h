#ifndef OHDC_BASE_NETWORK_H
#define OHDC_BASE_NETWORK_H

/* Which numeric addresses a call may go to that was named by people: none of this machine, its neighbours, or the cluster. */

#include "common/base/attr.h"
#include "common/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NETWORK_LIST_MAX = 64 };

/** A network; IPv4 as ::ffff:a.b.c.d. */
struct network {
	uint8_t address[16];
	unsigned prefix; /**< bits that count, 0 to 128 */
};

/** Networks of a setting; zeroed means none. */
struct network_list {
	struct network list[NETWORK_LIST_MAX];
	size_t count;
};

/** Append the networks of "10.0.0.0/8, fd00::/8,192.0.2.1" (NULL: none). ERR_INPUT says which word is none, or that they are too many. */
NODISCARD bool network_list_add(struct network_list *list, const char *text, struct err *err);

/**
 * Whether a call may go to a numeric address (IPv4, IPv6, with brackets or a zone). Denied are loopback, link-local, multicast,
 * unspecified, reserved and known metadata addresses and `denied`, also inside IPv6 (mapped, translated, NAT64, 6to4, ISATAP;
 * compatible, Teredo and local NAT64 as a whole), unless `allowed` has it. What is no address may not.
 */
NODISCARD bool network_may_open(const char *address, const struct network_list *denied,
				const struct network_list *allowed);

#endif
