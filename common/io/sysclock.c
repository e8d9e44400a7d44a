/* The kernel's clocks. */
#include "common/io/sysclock.h"

#include <assert.h>
#include <stdio.h>

#include "common/base/banned.h"

static int64_t read_us(clockid_t clock)
{
	struct timespec now;
	/* Cannot fail with a valid clock and address. */
	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t sysclock_now_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000;
}

int64_t sysclock_monotonic_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t sysclock_monotonic_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

struct timespec sysclock_deadline(int64_t ms)
{
	int64_t at_ms = sysclock_monotonic_ms() + ms;
	return (struct timespec){
		.tv_sec = (time_t)(at_ms / 1000),
		.tv_nsec = (long)(at_ms % 1000) * 1000000,
	};
}

void sysclock_init_cond(pthread_cond_t *cond)
{
	pthread_condattr_t monotonic;
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(cond, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
}

void sysclock_text(int64_t ms, char ret[SYSCLOCK_TEXT_SIZE])
{
	int64_t rest = (ms % 1000 + 1000) % 1000;
	time_t seconds = (time_t)((ms - rest) / 1000);
	struct tm parts = {0};
	(void)gmtime_r(&seconds, &parts);
	size_t len = strftime(ret, SYSCLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
	assert(len > 0);
	(void)snprintf(ret + len, SYSCLOCK_TEXT_SIZE - len, ".%03dZ", (int)rest);
}
