#ifndef SECKILL_CHIREDIS_SHIM_H
#define SECKILL_CHIREDIS_SHIM_H

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

// The hooks are members of an unnamed struct, whose name in Swift is the compiler's business.
static inline void seckill_redis_attach(
    redisAsyncContext *context, void *owner,
    void (*startReading)(void *), void (*stopReading)(void *),
    void (*startWriting)(void *), void (*stopWriting)(void *),
    void (*freed)(void *)
) {
    context->ev.data = owner;
    context->ev.addRead = startReading;
    context->ev.delRead = stopReading;
    context->ev.addWrite = startWriting;
    context->ev.delWrite = stopWriting;
    context->ev.cleanup = freed;
}

// redisFD of hiredis 1.x is an int wherever Swift runs on POSIX.
static inline int seckill_redis_descriptor(const redisAsyncContext *context) {
    return (int)context->c.fd;
}

#endif
