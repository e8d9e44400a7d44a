#ifndef OHDC_IO_PAGES_H
#define OHDC_IO_PAGES_H

/*
 * Pages for people: templates (common/pages, services/NAME/pages; embedded by tools/embed-pages) in one layout, with strict headers:
 * no script or style but our own files, no frames, no referrer, not stored.
 */

#include "common/base/template.h"
#include "common/io/web.h"

/** Everything that was embedded: *.html, *.css, *.js. Made by tools/embed-pages. */
extern const struct template_file page_files[];
extern const size_t page_file_count;

/**
 * Answer with layout.html, in which {{>…}} is `name`: data has "title" and what the page needs; the layout adds "assets"
 * (address of the assets). Takes `data`. Under another name than a template's: 500.
 */
void pages_reply(struct web_reply *reply, int status, const char *name, json_t *data);

/** A route for GET …/assets/{}: our style sheet and script, cacheable, by name and digest. */
web_handler pages_asset;

#endif
