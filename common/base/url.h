#ifndef OHDC_BASE_URL_H
#define OHDC_BASE_URL_H

/* http and https base URLs: read, normalise, compare. No user information, no query, no fragment. */

#include "common/base/attr.h"
#include "common/base/err.h"

#include <stdbool.h>
#include <stdint.h>

/** A base URL in parts; all texts owned. */
struct url {
	bool is_https;
	char *host;   /**< lower case, without port; IPv6 in brackets */
	int64_t port; /**< always set (80 and 443 by default) */
	char *path;   /**< context path: "" or "/jira", no trailing slash */
};

/** Read a base URL; `default_scheme` ("https", or NULL: a scheme is required) serves bare hosts. ERR_INPUT says what is wrong. */
NODISCARD bool url_parse(const char *text, const char *default_scheme, struct url *ret, struct err *err);

/** Free the parts and leave the struct zeroed. */
void url_done(struct url *url);

/** New normalised text: scheme, host, port only when not the default, path; no trailing slash. */
NODISCARD char *url_text(const struct url *url);

/** Whether the host of the URL `text` (any http(s) URL, may have path and query) equals `host` (port and path ignored). */
NODISCARD bool url_has_host(const char *text, const char *host);

#endif
