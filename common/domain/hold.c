/* A short list: schemas change once in years. */

#include "common/domain/hold.h"

#include "common/base/banned.h"

bool holds_add(struct holds *holds, int32_t partition, int64_t offset, int64_t now_ms)
{
	for (size_t i = 0; i < holds->count; i++) {
		struct hold *hold = &holds->list[i];
		if (hold->partition != partition) continue;
		hold->offset = offset < hold->offset ? offset : hold->offset;
		return true;
	}
	if (holds->count == HOLDS_MAX) return false;
	holds->list[holds->count++] = (struct hold){partition, offset, now_ms + HOLD_MS};
	return true;
}

bool holds_has(const struct holds *holds, int32_t partition, int64_t offset)
{
	for (size_t i = 0; i < holds->count; i++) {
		if (holds->list[i].partition == partition) return offset >= holds->list[i].offset;
	}
	return false;
}

bool holds_expire(struct holds *holds, int64_t now_ms)
{
	size_t kept = 0;
	for (size_t i = 0; i < holds->count; i++) {
		if (holds->list[i].until_ms > now_ms) holds->list[kept++] = holds->list[i];
	}
	bool is_any = kept < holds->count;
	holds->count = kept;
	return is_any;
}
