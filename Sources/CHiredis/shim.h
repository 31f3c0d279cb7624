#ifndef SECKILL_CHIREDIS_SHIM_H
#define SECKILL_CHIREDIS_SHIM_H

#include <hiredis/hiredis.h>

// Swift imports the array that holds the text as a tuple.
static inline const char *seckill_redis_error(const redisContext *context) {
    return context->errstr;
}

// redisFD of hiredis 1.x is an int wherever Swift runs on POSIX.
static inline int seckill_redis_descriptor(const redisContext *context) {
    return (int)context->fd;
}

#endif
