#ifndef OHDC_IO_PAGES_H
#define OHDC_IO_PAGES_H

/*
 * Pages for people: templates (common/pages, services/NAME/pages; embedded by tools/embed-pages) in one layout, with strict headers:
 * no script or style but our own files, no frames, no referrer, not stored. Forms may only be sent to us, and no redirect after a
 * form may lead to another host (browsers refuse it): show a link there instead.
 */

#include "common/base/template.h"
#include "common/io/web.h"

/** Everything that was embedded: *.html, *.css, *.js, *.svg, by name without folders. Made by tools/embed-pages. */
extern const struct template_file page_files[];
extern const size_t page_file_count;

/** Twelve hex digits that change with any of these files. */
extern const char pages_digest[];

/**
 * Answer with layout.html, in which {{>page}} is `name`: data has "title", "product" and what the page needs (see layout.html); added
 * is "assets" (address of the assets up to their names; templates named link* find them at the linker). Takes `data`. Under another
 * name than a template's, or with a faulty template: 500.
 */
void pages_reply(struct web_reply *reply, int status, const char *name, json_t *data);

/** Route for GET …/assets/{}: our style sheet, script and pictures, kept by browsers for as long as the digest is ours. */
web_handler pages_asset;

#endif
