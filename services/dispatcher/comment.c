/* Comments as read back, and lists of them. */
#include "services/dispatcher/comment.h"

#include "common/base/mem.h"
#include "common/base/number.h"
#include "services/dispatcher/marker.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

void comment_done(struct comment *comment)
{
	if (!comment) return;
	mem_free(comment->id);
	person_done(&comment->author);
	person_done(&comment->editor);
	MEM_FREE_ALL(comment->text, comment->created, comment->visibility_type, comment->visibility_value);
	*comment = (struct comment){0};
}

void comments_done(struct comments *comments)
{
	if (!comments) return;
	for (size_t i = 0; i < comments->count; i++)
		comment_done(&comments->list[i]);
	comments->count = 0;
}

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

bool comment_may_serve(const struct comment *comment, const struct ask *ask)
{
	if (!comment->visibility_type && !comment->visibility_value) return true;
	return same_text(comment->visibility_type, ask->visibility_type) &&
	       same_text(comment->visibility_value, ask->visibility_value);
}

int64_t comment_id_number(const char *id)
{
	int64_t number = 0;
	if (!id || !number_parse(id, 0, INT64_MAX, &number, NULL)) return 0;
	return number;
}

void comments_add(struct comments *comments, struct comment *comment, const char *skip_id)
{
	CLEANUP(comment_done) struct comment taken = *comment;
	int64_t number = comment_id_number(taken.id);
	size_t at = comments->count;
	*comment = (struct comment){0};
	if (!taken.id || !taken.text || (skip_id && strcmp(taken.id, skip_id) == 0)) return;
	while (at > 0 && comment_id_number(comments->list[at - 1].id) > number)
		at--;
	if (at > 0 && comment_id_number(comments->list[at - 1].id) == number) return;
	if (comments->count == LIMIT_CONTEXT_COMMENTS) {
		if (at == 0) return;
		comment_done(&comments->list[0]); /* the oldest */
		comments->count--;
		at--;
		memmove(&comments->list[0], &comments->list[1], comments->count * sizeof(comments->list[0]));
	}
	memmove(&comments->list[at + 1], &comments->list[at], (comments->count - at) * sizeof(comments->list[0]));
	comments->list[at] = taken;
	comments->count++;
	taken = (struct comment){0};
}

void comment_hits_add(struct comment_hits *hits, enum provider provider, const char *marker, const struct bot *bot,
		      const struct comment *comment)
{
	const char *id = comment->id;
	int64_t number = comment_id_number(id);
	size_t at = hits->count;
	if (!id || !marker_is_last(provider, comment->text, marker) || (bot && !person_is_bot(&comment->author, bot)))
		return;
	while (at > 0 && comment_id_number(hits->ids[at - 1]) > number)
		at--;
	if (at > 0 && strcmp(hits->ids[at - 1], id) == 0) return;
	if (hits->count == COMMENT_HITS_MAX || strlen(id) >= sizeof(hits->ids[0])) return;
	memmove(hits->ids[at + 1], hits->ids[at], (hits->count - at) * sizeof(hits->ids[0]));
	(void)snprintf(hits->ids[at], sizeof(hits->ids[0]), "%s", id);
	hits->count++;
}
