#ifndef OHDC_BASE_TEMPLATE_H
#define OHDC_BASE_TEMPLATE_H

/*
 * Fills a text with JSON data. There is no way to put data in unescaped.
 * {{name}} or {{a.b}}: the text or integer (anything else: nothing), with & < > " ' ` = escaped · {{#name}}…{{/name}}: once for each
 * item of a list, once for an object, true, a text that is not empty or an integer but 0; inside, names are looked up in the item
 * first, then outside ({{.}}: the item itself) · {{^name}}…{{/name}}: when it is none of these · {{>name}}: another template, same data.
 */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/strbuf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/** A template by name; texts borrowed. */
struct template_file {
	const char *name; /**< "layout.html" */
	const char *text;
};

/** All templates. */
struct template_set {
	const struct template_file *files;
	size_t count;
};

/**
 * Append `name` filled with `data`. ERR_INTERNAL names the fault: no such template, {{ without a tag, a section that does not end or
 * end as it began (also in what is left out), more than 16 deep, or the text was cut at its ceiling.
 */
NODISCARD bool template_fill(const struct template_set *set, const char *name, const json_t *data, struct strbuf *ret,
			     struct err *err);

#endif
