/* Metrics: exact exposition text, one cell for one set of labels, no lost counts, a ceiling. */

#include "common/io/metrics.h"

#include <CUnit/CUnit.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/banned.h"

enum { TEXT_BYTES = 1024 * 1024, THREADS = 4, ROUNDS = 20000 };

/* New text of all metrics; free with free(). */
static char *text_of(struct metrics *metrics)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	strbuf_init(&text, TEXT_BYTES);
	metrics_write(metrics, &text);
	CU_ASSERT_FALSE(text.is_cut);
	return strdup(strbuf_text(&text));
}

static void test_metrics_write_counters_and_gauges_by_family(void)
{
	static const char expected[] = "# HELP ohdc_deliveries_total Deliveries answered.\n"
				       "# TYPE ohdc_deliveries_total counter\n"
				       "ohdc_deliveries_total{status=\"200\"} 3\n"
				       "ohdc_deliveries_total{status=\"403\"} 1\n"
				       "# HELP ohdc_jobs Jobs now running.\n"
				       "# TYPE ohdc_jobs gauge\n"
				       "ohdc_jobs -2\n";
	struct metrics *metrics = metrics_new();
	struct metric *ok = metrics_cell(metrics, METRIC_COUNTER, "ohdc_deliveries_total", "status=\"200\"",
					 "Deliveries answered.");
	struct metric *jobs = metrics_cell(metrics, METRIC_GAUGE, "ohdc_jobs", NULL, "Jobs now running.");
	metric_add(ok, 2);
	metric_add(metrics_cell(metrics, METRIC_COUNTER, "ohdc_deliveries_total", "status=\"403\"",
				"Deliveries answered."),
		   1);
	metric_add(metrics_cell(metrics, METRIC_COUNTER, "ohdc_deliveries_total", "status=\"200\"",
				"Deliveries answered."),
		   1);
	metric_set(jobs, 7);
	metric_set(jobs, -2);
	char *text = text_of(metrics);
	CU_ASSERT_TRUE(strncmp(text, expected, strlen(expected)) == 0);
	free(text);
	metrics_free(metrics);
}

static void test_metrics_histogram_is_cumulative_in_ms(void)
{
	struct metrics *metrics = metrics_new();
	struct metric *cell = metrics_cell(metrics, METRIC_HISTOGRAM, "ohdc_produce_ms", "topic=\"webhook\"",
					   "Time to a delivery report.");
	metric_observe_us(cell, 1000);
	metric_observe_us(cell, 1001);
	metric_observe_us(cell, 99999);
	metric_observe_us(cell, 20000000);
	char *text = text_of(metrics);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "# TYPE ohdc_produce_ms histogram\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "ohdc_produce_ms_bucket{topic=\"webhook\",le=\"1\"} 1\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "le=\"2.5\"} 2\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "le=\"50\"} 2\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "le=\"100\"} 3\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "le=\"10000\"} 3\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "le=\"+Inf\"} 4\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "ohdc_produce_ms_sum{topic=\"webhook\"} 20102.000\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "ohdc_produce_ms_count{topic=\"webhook\"} 4\n"));
	free(text);
	metrics_free(metrics);
}

static void *count_up(void *context)
{
	struct metrics *metrics = context;
	for (int i = 0; i < ROUNDS; i++)
		metric_add(metrics_cell(metrics, METRIC_COUNTER, "ohdc_n_total", NULL, "N."), 1);
	return NULL;
}

static void test_metrics_threads_lose_no_count(void)
{
	struct metrics *metrics = metrics_new();
	pthread_t threads[THREADS];
	for (size_t i = 0; i < THREADS; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, count_up, metrics), 0);
	for (size_t i = 0; i < THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	char *text = text_of(metrics);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nohdc_n_total 80000\n"));
	free(text);
	metrics_free(metrics);
}

static void test_metrics_cells_have_a_ceiling(void)
{
	struct metrics *metrics = metrics_new();
	char labels[32];
	for (int i = 0; i < 1100; i++) {
		(void)snprintf(labels, sizeof(labels), "id=\"%d\"", i);
		metric_add(metrics_cell(metrics, METRIC_COUNTER, "ohdc_x_total", labels, "X."), 1);
	}
	char *text = text_of(metrics);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "id=\"1023\""));
	CU_ASSERT_PTR_NULL(strstr(text, "id=\"1024\""));
	free(text);
	metrics_free(metrics);
}

static void test_metrics_show_the_process(void)
{
	struct metrics *metrics = metrics_new();
	char *text = text_of(metrics);
	const char *resident = strstr(text, "\nprocess_resident_memory_bytes ");
	CU_ASSERT_PTR_NOT_NULL_FATAL(resident);
	CU_ASSERT_TRUE(strspn(strchr(resident, ' ') + 1, "0123456789") > 5); /* 100 kB at least */
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nprocess_cpu_seconds_total "));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nprocess_start_time_seconds "));
	free(text);
	metrics_free(metrics);
}

void suite_metrics(void)
{
	CU_pSuite suite = CU_add_suite("metrics", NULL, NULL);
	CU_ADD_TEST(suite, test_metrics_write_counters_and_gauges_by_family);
	CU_ADD_TEST(suite, test_metrics_histogram_is_cumulative_in_ms);
	CU_ADD_TEST(suite, test_metrics_threads_lose_no_count);
	CU_ADD_TEST(suite, test_metrics_cells_have_a_ceiling);
	CU_ADD_TEST(suite, test_metrics_show_the_process);
}
