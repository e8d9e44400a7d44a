/* The frame of a service, each test in a child process of its own: probes, signals, exit statuses, the drain deadline. */

#include "common/io/daemon.h"

#include <CUnit/CUnit.h>
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/io/log.h"
#include "common/io/sysclock.h"
#include "tests/io/capture.h"

#include "common/base/banned.h"

enum {
	DEADLINE_MS = 20000, /* of a test that waits for something */
	LONG_MS = 60000,
	ANSWER_BYTES = 4096,
};

/* The child: a service. `tell` writes one number to the test. */
struct service {
	struct metrics *metrics;
	struct daemon *daemon;
	int report;
};

/* The test's side of a service. */
struct child {
	pid_t pid;
	int report;
	struct capture capture;
};

static void tell(const struct service *service, int64_t number)
{
	if (write(service->report, &number, sizeof(number)) != (ssize_t)sizeof(number)) _exit(99);
}

/* The next number that the child tells, -1 when none comes. */
static int64_t hear(const struct child *child)
{
	struct pollfd ready = {.fd = child->report, .events = POLLIN};
	int64_t number = -1;
	if (poll(&ready, 1, DEADLINE_MS) != 1 || read(child->report, &number, sizeof(number)) != (ssize_t)sizeof(number))
		return -1;
	return number;
}

/* Runs `serve` in a child with a daemon on a free port, whose port is the first number told; it exits with the result. */
static void child_start(struct child *child, struct daemon_options options, int (*serve)(struct service *))
{
	int pipe_ends[2];
	CU_ASSERT_EQUAL_FATAL(pipe(pipe_ends), 0);
	capture_begin(&child->capture);
	child->pid = fork();
	if (child->pid == 0) {
		struct service service = {.metrics = metrics_new(), .report = pipe_ends[1]};
		options.program = "ohdc-test";
		options.admin_listen = "127.0.0.1:0";
		options.metrics = service.metrics;
		if (!daemon_new(&options, &service.daemon, NULL)) _exit(98);
		tell(&service, daemon_admin_port(service.daemon));
		int status = serve(&service);
		daemon_free(service.daemon);
		metrics_free(service.metrics);
		_exit(status);
	}
	(void)close(pipe_ends[1]);
	child->report = pipe_ends[0];
}

/* Waits for the child; returns its exit status, 128 + N after signal N, 200 when it had to be killed. New log in `ret_log`. */
static int child_end(struct child *child, char **ret_log)
{
	int64_t give_up_ms = sysclock_monotonic_ms() + DEADLINE_MS;
	struct pollfd gone = {.fd = child->report, .events = 0};
	int status = 0;
	bool is_killed = false;
	while (waitpid(child->pid, &status, WNOHANG) == 0) {
		if (sysclock_monotonic_ms() > give_up_ms && !is_killed) is_killed = kill(child->pid, SIGKILL) == 0;
		(void)poll(&gone, 0, 5);
	}
	(void)close(child->report);
	*ret_log = capture_end(&child->capture);
	if (is_killed) return 200;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Status of an answer, 0 when it is none. */
static int status_of(const char *answer)
{
	char digits[4] = {0};
	int64_t status = 0;
	if (!text_starts(answer, "HTTP/1.1 ")) return 0;
	memcpy(digits, answer + strlen("HTTP/1.1 "), 3);
	return number_parse(digits, 100, 599, &status, NULL) ? (int)status : 0;
}

/* Status of GET `path` on the port, 0 when there is no answer; the whole answer in `ret_answer`. */
static int get(int64_t port, const char *path, char ret_answer[ANSWER_BYTES])
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char request[128];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = 0;
	ssize_t got = 1;
	ret_answer[0] = '\0';
	(void)snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	    send(fd, request, strlen(request), MSG_NOSIGNAL) > 0) {
		while (got > 0 && len < ANSWER_BYTES - 1) {
			got = recv(fd, ret_answer + len, ANSWER_BYTES - 1 - len, 0);
			len += got > 0 ? (size_t)got : 0;
		}
	}
	ret_answer[len] = '\0';
	(void)close(fd);
	return status_of(ret_answer);
}

static int serve_and_drain(struct service *service)
{
	int status = daemon_wait(service->daemon);
	tell(service, daemon_is_stopping(service->daemon));
	return status;
}

static void test_daemon_stops_on_each_signal(void)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		struct child child;
		char *log;
		child_start(&child, (struct daemon_options){.drain_ms = LONG_MS}, serve_and_drain);
		CU_ASSERT_TRUE(hear(&child) > 0);
		CU_ASSERT_EQUAL(kill(child.pid, signals[i]), 0);
		CU_ASSERT_EQUAL(hear(&child), 1);
		CU_ASSERT_EQUAL(child_end(&child, &log), DAEMON_EXIT_DRAINED);
		CU_ASSERT_PTR_NOT_NULL(strstr(log, "\"message\":\"stopping\""));
		free(log);
	}
}

static int serve_until_a_word(struct service *service)
{
	struct metric *cell = metrics_cell(service->metrics, METRIC_COUNTER, "ohdc_x_total", NULL, "X.");
	char word;
	metric_add(cell, 3);
	daemon_set_ready(service->daemon, true);
	tell(service, 1);
	int status = daemon_wait(service->daemon);
	tell(service, 2);
	/* Draining until the test says a word: probes are answered meanwhile. */
	while (read(STDIN_FILENO, &word, 1) < 0 && errno == EINTR)
		continue;
	return status;
}

static void check_answers_of_a_ready_service(int64_t port)
{
	char answer[ANSWER_BYTES];
	CU_ASSERT_EQUAL(get(port, "/livez", answer), 200);
	CU_ASSERT_EQUAL(get(port, "/readyz", answer), 200);
	CU_ASSERT_EQUAL(get(port, "/elsewhere", answer), 404);
	CU_ASSERT_EQUAL(get(port, "/metrics", answer), 200);
	CU_ASSERT_PTR_NOT_NULL(strcasestr(answer, "content-type: text/plain; version=0.0.4"));
	CU_ASSERT_PTR_NOT_NULL(strstr(answer, "\nohdc_x_total 3\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(answer, "\nprocess_resident_memory_bytes "));
}

static void test_daemon_answers_probes_until_the_end(void)
{
	char answer[ANSWER_BYTES];
	struct child child;
	int input[2];
	char *log;
	int saved_input = dup(STDIN_FILENO);
	CU_ASSERT_EQUAL_FATAL(pipe(input), 0);
	(void)dup2(input[0], STDIN_FILENO);
	child_start(&child, (struct daemon_options){.drain_ms = LONG_MS}, serve_until_a_word);
	(void)dup2(saved_input, STDIN_FILENO);
	int64_t port = hear(&child);
	CU_ASSERT_EQUAL(hear(&child), 1);
	check_answers_of_a_ready_service(port);
	CU_ASSERT_EQUAL(kill(child.pid, SIGTERM), 0);
	CU_ASSERT_EQUAL(hear(&child), 2);
	CU_ASSERT_EQUAL(get(port, "/readyz", answer), 503);
	CU_ASSERT_PTR_NOT_NULL(strstr(answer, "stopping"));
	CU_ASSERT_EQUAL(get(port, "/livez", answer), 200);
	CU_ASSERT_EQUAL(kill(child.pid, SIGTERM), 0); /* one too many must not end the drain */
	CU_ASSERT_EQUAL(get(port, "/livez", answer), 200);
	CU_ASSERT_EQUAL(write(input[1], "x", 1), 1);
	CU_ASSERT_EQUAL(child_end(&child, &log), DAEMON_EXIT_DRAINED);
	free(log);
	(void)close(saved_input);
	(void)close(input[0]);
	(void)close(input[1]);
}

static void test_daemon_is_not_ready_at_first(void)
{
	char answer[ANSWER_BYTES];
	struct child child;
	char *log;
	child_start(&child, (struct daemon_options){.drain_ms = LONG_MS}, serve_and_drain);
	int64_t port = hear(&child);
	CU_ASSERT_EQUAL(get(port, "/readyz", answer), 503);
	CU_ASSERT_PTR_NOT_NULL(strstr(answer, "not ready"));
	CU_ASSERT_EQUAL(get(port, "/livez", answer), 200);
	(void)kill(child.pid, SIGTERM);
	CU_ASSERT_EQUAL(child_end(&child, &log), DAEMON_EXIT_DRAINED);
	free(log);
}

static int serve_failing(struct service *service)
{
	struct err err = {0};
	(void)err_set(&err, ERR_NETWORK, "the first failure");
	daemon_fail(service->daemon, &err);
	(void)err_set(&err, ERR_NETWORK, "the second failure");
	daemon_fail(service->daemon, &err);
	return daemon_wait(service->daemon);
}

static void test_daemon_failure_is_logged_once_and_exits_1(void)
{
	struct child child;
	char *log;
	child_start(&child, (struct daemon_options){.drain_ms = LONG_MS}, serve_failing);
	CU_ASSERT_EQUAL(child_end(&child, &log), DAEMON_EXIT_FAILED);
	CU_ASSERT_PTR_NOT_NULL(strstr(log, "the first failure"));
	CU_ASSERT_PTR_NULL(strstr(log, "the second failure"));
	free(log);
}

static int serve_misconfigured(struct service *service)
{
	struct err err = {0};
	(void)err_set(&err, ERR_INPUT, "SETTING is 'x', expected a y");
	daemon_fail(service->daemon, &err);
	return daemon_wait(service->daemon);
}

static void test_daemon_wrong_setting_exits_2(void)
{
	struct child child;
	char *log;
	child_start(&child, (struct daemon_options){.drain_ms = LONG_MS}, serve_misconfigured);
	CU_ASSERT_EQUAL(child_end(&child, &log), DAEMON_EXIT_CONFIGURATION);
	CU_ASSERT_PTR_NOT_NULL(strstr(log, "SETTING is 'x', expected a y"));
	free(log);
}

static int serve_failing_late(struct service *service)
{
	struct err err = {0};
	(void)kill(getpid(), SIGTERM);
	int status = daemon_wait(service->daemon);
	(void)err_set(&err, ERR_INTERNAL, "while draining");
	daemon_fail(service->daemon, &err);
	return status == DAEMON_EXIT_DRAINED ? daemon_status(service->daemon) : 97;
}

static void test_daemon_failure_while_draining_exits_1(void)
{
	struct child child;
	char *log;
	child_start(&child, (struct daemon_options){.drain_ms = LONG_MS}, serve_failing_late);
	CU_ASSERT_EQUAL(child_end(&child, &log), DAEMON_EXIT_FAILED);
	free(log);
}

static int serve_hanging(struct service *service)
{
	int status = daemon_wait(service->daemon);
	while (status == DAEMON_EXIT_DRAINED)
		(void)pause();
	return status;
}

static void test_daemon_ends_a_stop_that_hangs(void)
{
	struct child child;
	char *log;
	child_start(&child, (struct daemon_options){.drain_ms = 50}, serve_hanging);
	CU_ASSERT_TRUE(hear(&child) > 0);
	(void)kill(child.pid, SIGTERM);
	CU_ASSERT_EQUAL(child_end(&child, &log), DAEMON_EXIT_FAILED);
	CU_ASSERT_PTR_NOT_NULL(strstr(log, "the stop took too long"));
	CU_ASSERT_PTR_NOT_NULL(strstr(log, "\"drain_ms\":50"));
	free(log);
}

static void *pause_long(void *context)
{
	struct service *service = context;
	tell(service, daemon_pause(service->daemon, 1));       /* ends by time */
	tell(service, daemon_pause(service->daemon, LONG_MS)); /* ends by the stop */
	return NULL;
}

static int serve_pausing(struct service *service)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, pause_long, service) != 0) return 97;
	int status = daemon_wait(service->daemon);
	(void)pthread_join(thread, NULL);
	return status;
}

static void test_daemon_pause_ends_by_time_or_by_the_stop(void)
{
	struct child child;
	char *log;
	child_start(&child, (struct daemon_options){.drain_ms = LONG_MS}, serve_pausing);
	CU_ASSERT_TRUE(hear(&child) > 0);
	CU_ASSERT_EQUAL(hear(&child), 0);
	(void)kill(child.pid, SIGTERM);
	CU_ASSERT_EQUAL(hear(&child), 1);
	CU_ASSERT_EQUAL(child_end(&child, &log), DAEMON_EXIT_DRAINED);
	free(log);
}

static int serve_starting(struct service *service)
{
	tell(service, daemon_pause(service->daemon, LONG_MS)); /* as main does while there is no database */
	return daemon_wait(service->daemon);
}

static void test_daemon_stops_a_start_that_waits(void)
{
	struct child child;
	char *log;
	child_start(&child, (struct daemon_options){.drain_ms = LONG_MS}, serve_starting);
	CU_ASSERT_TRUE(hear(&child) > 0);
	(void)kill(child.pid, SIGTERM);
	CU_ASSERT_EQUAL(hear(&child), 1);
	CU_ASSERT_EQUAL(child_end(&child, &log), DAEMON_EXIT_DRAINED);
	free(log);
}

static int serve_timing_the_grace(struct service *service)
{
	(void)kill(getpid(), SIGTERM);
	int64_t start_ms = sysclock_monotonic_ms();
	int status = daemon_wait(service->daemon);

	tell(service, sysclock_monotonic_ms() - start_ms);
	return status;
}

static void test_daemon_waits_for_the_grace(void)
{
	struct child child;
	char *log;
	child_start(&child, (struct daemon_options){.grace_ms = 60, .drain_ms = LONG_MS}, serve_timing_the_grace);
	CU_ASSERT_TRUE(hear(&child) > 0);
	CU_ASSERT_TRUE(hear(&child) >= 60);
	CU_ASSERT_EQUAL(child_end(&child, &log), DAEMON_EXIT_DRAINED);
	free(log);
}

static int serve_beside_another(struct service *service)
{
	struct daemon *second = NULL;
	struct err err = {0};
	char listen[32];
	int broken[2];
	(void)snprintf(listen, sizeof(listen), "127.0.0.1:%u", (unsigned)daemon_admin_port(service->daemon));
	if (daemon_new(&(struct daemon_options){.admin_listen = listen}, &second, &err)) return 97;
	tell(service, err.code);
	if (pipe(broken) != 0 || close(broken[0]) != 0) return 97;
	tell(service, write(broken[1], "x", 1) < 0 ? errno : 0); /* SIGPIPE would end the child */
	return 0;
}

static void test_daemon_address_in_use_is_busy_and_sigpipe_ignored(void)
{
	struct child child;
	char *log;
	child_start(&child, (struct daemon_options){.drain_ms = LONG_MS}, serve_beside_another);
	CU_ASSERT_TRUE(hear(&child) > 0);
	CU_ASSERT_EQUAL(hear(&child), ERR_BUSY);
	CU_ASSERT_EQUAL(hear(&child), EPIPE);
	CU_ASSERT_EQUAL(child_end(&child, &log), 0);
	free(log);
}

void suite_daemon(void)
{
	CU_pSuite suite = CU_add_suite("daemon", NULL, NULL);
	CU_ADD_TEST(suite, test_daemon_stops_on_each_signal);
	CU_ADD_TEST(suite, test_daemon_answers_probes_until_the_end);
	CU_ADD_TEST(suite, test_daemon_is_not_ready_at_first);
	CU_ADD_TEST(suite, test_daemon_failure_is_logged_once_and_exits_1);
	CU_ADD_TEST(suite, test_daemon_wrong_setting_exits_2);
	CU_ADD_TEST(suite, test_daemon_failure_while_draining_exits_1);
	CU_ADD_TEST(suite, test_daemon_ends_a_stop_that_hangs);
	CU_ADD_TEST(suite, test_daemon_pause_ends_by_time_or_by_the_stop);
	CU_ADD_TEST(suite, test_daemon_stops_a_start_that_waits);
	CU_ADD_TEST(suite, test_daemon_waits_for_the_grace);
	CU_ADD_TEST(suite, test_daemon_address_in_use_is_busy_and_sigpipe_ignored);
}
