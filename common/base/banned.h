#ifndef OHDC_BASE_BANNED_H
#define OHDC_BASE_BANNED_H

/* Functions that cannot be used safely become compile errors. Included last, by every .c file of ours. */

/* The C library makes macros of some, which cannot be poisoned. */
#undef alloca
#undef setjmp
#undef sprintf
#undef vsprintf
#undef strncpy
#undef strncat
#undef strcpy
#undef strcat

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol atoll atof
#pragma GCC poison asctime ctime gmtime localtime tmpnam mktemp alloca setjmp longjmp strerror

#endif
