/* Writes metrics in Prometheus' exposition format 0.0.4. */

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/attr.h"
#include "common/base/number.h"
#include "common/io/metrics_cell.h"

#include "common/base/banned.h"

enum { US_PER_MS = 1000, MS_PER_S = 1000, NS_PER_US = 1000 };

/* Upper bounds in milliseconds, as metrics.c counts them. */
static const char *const bound_names[METRICS_BUCKET_COUNT + 1] = {
	"1", "2.5", "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000", "+Inf",
};

static const char *const type_names[] = {
	[METRIC_COUNTER] = "counter",
	[METRIC_GAUGE] = "gauge",
	[METRIC_HISTOGRAM] = "histogram",
};

static void write_head(struct strbuf *ret, const char *name, const char *help, const char *type)
{
	strbuf_addf(ret, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* name, suffix and labels of a sample, up to its value. */
static void write_name(struct strbuf *ret, const char *name, const char *suffix, const char *labels)
{
	strbuf_add(ret, name);
	strbuf_add(ret, suffix);
	if (labels) strbuf_addf(ret, "{%s}", labels);
	strbuf_add_char(ret, ' ');
}

static void write_histogram(struct strbuf *ret, const char *name, const struct metric *cell)
{
	int64_t count = 0;
	int64_t sum_us = atomic_load_explicit(&cell->value, memory_order_relaxed);
	for (size_t i = 0; i <= METRICS_BUCKET_COUNT; i++) {
		count += atomic_load_explicit(&cell->buckets[i], memory_order_relaxed);
		strbuf_addf(ret, "%s_bucket{%s%sle=\"%s\"} %" PRId64 "\n", name, cell->labels ? cell->labels : "",
			    cell->labels ? "," : "", bound_names[i], count);
	}
	write_name(ret, name, "_sum", cell->labels);
	strbuf_addf(ret, "%" PRId64 ".%03" PRId64 "\n", sum_us / US_PER_MS, sum_us % US_PER_MS);
	write_name(ret, name, "_count", cell->labels);
	strbuf_addf(ret, "%" PRId64 "\n", count);
}

void metrics_write_family(const struct metric_family *family, struct strbuf *ret)
{
	write_head(ret, family->name, family->help, type_names[family->kind]);
	for (const struct metric *cell = family->first; cell; cell = cell->next) {
		if (family->kind == METRIC_HISTOGRAM) {
			write_histogram(ret, family->name, cell);
			continue;
		}
		write_name(ret, family->name, "", cell->labels);
		strbuf_addf(ret, "%" PRId64 "\n", atomic_load_explicit(&cell->value, memory_order_relaxed));
	}
}

/* The kernel's own text: pages of address space, pages in memory, and more. */
static bool read_memory(int64_t *ret_all_pages, int64_t *ret_resident_pages)
{
	FILE *file = fopen("/proc/self/statm", "re");
	char line[128];
	char *rest = line;
	bool is_read;
	if (!file) return false;
	is_read = fgets(line, sizeof(line), file);
	(void)fclose(file);
	return is_read && number_parse(strsep(&rest, " "), 0, INT64_MAX, ret_all_pages, NULL) &&
	       number_parse(strsep(&rest, " "), 0, INT64_MAX, ret_resident_pages, NULL);
}

static void write_bytes(struct strbuf *ret, const char *name, const char *help, int64_t pages)
{
	write_head(ret, name, help, "gauge");
	strbuf_addf(ret, "%s %" PRId64 "\n", name, pages * (int64_t)sysconf(_SC_PAGESIZE));
}

static void write_memory(struct strbuf *ret)
{
	int64_t all;
	int64_t resident;
	if (!read_memory(&all, &resident)) return;
	write_bytes(ret, "process_resident_memory_bytes", "Memory in use.", resident);
	write_bytes(ret, "process_virtual_memory_bytes", "Address space in use.", all);
}

static void write_cpu(struct strbuf *ret)
{
	struct timespec used = {0};
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	write_head(ret, "process_cpu_seconds_total", "User and system time spent.", "counter");
	strbuf_addf(ret, "process_cpu_seconds_total %" PRId64 ".%06" PRId64 "\n", (int64_t)used.tv_sec,
		    (int64_t)used.tv_nsec / NS_PER_US);
}

void metrics_write_process(int64_t started_ms, struct strbuf *ret)
{
	write_memory(ret);
	write_cpu(ret);
	write_head(ret, "process_start_time_seconds", "Start, in seconds since 1970 UTC.", "gauge");
	strbuf_addf(ret, "process_start_time_seconds %" PRId64 ".%03" PRId64 "\n", started_ms / MS_PER_S,
		    started_ms % MS_PER_S);
}
