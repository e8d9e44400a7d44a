#ifndef OHDC_DISPATCHER_WIKI_WRITE_H
#define OHDC_DISPATCHER_WIKI_WRITE_H

/* Inside of the wiki conversion: what is being written. Blocks: wiki.c; spans and text: wiki_span.c. */

#include "services/dispatcher/wiki.h"

#include <md4c.h>
#include <stdint.h>

enum { WIKI_LIST_DEPTH_MAX = 16 /**< deeper items stay on the last level */ };

/** What the text being written is in. */
enum wiki_inside {
	WIKI_INSIDE_TABLE = 1,
	WIKI_INSIDE_HEAD = 2, /**< of a table */
	WIKI_INSIDE_HEADING = 4,
	WIKI_INSIDE_CODE_BLOCK = 8,
};

/** The state of one conversion. */
struct wiki {
	struct strbuf *out;
	bool is_fresh; /**< a block or item has just begun: what comes next belongs on this line */
	char lists[WIKI_LIST_DEPTH_MAX];
	size_t list_depth;
	int quote_depth;
	unsigned inside; /**< set of enum wiki_inside */
	size_t cell_at;
	const char *language; /**< of the code block; NULL: none that Jira knows */
	struct strbuf code;   /**< of the code block */
	bool in_code_span;
	bool in_link;
	bool in_linked_image; /**< only its text is kept */
	size_t link_at;       /**< where the text of the link begins */
	uint64_t braced;      /**< stack of one bit a span: written as {*} inside of a word */
	size_t plain_mark_at; /**< where the last plain closing mark ended; 0: none */
};

/** Callbacks of md4c; `userdata` is the struct wiki. They always go on. */
int wiki_enter_span(MD_SPANTYPE type, void *detail, void *userdata);
int wiki_leave_span(MD_SPANTYPE type, void *detail, void *userdata);
int wiki_take_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *userdata);

#endif
