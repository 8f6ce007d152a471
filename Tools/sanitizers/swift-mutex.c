// Preloaded into tests under the thread sanitizer: tells it of the locks that it cannot see.
//
// A contended `Mutex` of Swift is locked inside libswiftSynchronization, which is built without the sanitizer: what one
// thread wrote under the lock and another reads under it would be called a race. The uncontended way is compiled into
// the program and seen. Both functions take the mutex in Swift's context register.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define CONTEXT __attribute__((swift_context))

__attribute__((weak)) void __tsan_acquire(void *address);
__attribute__((weak)) void __tsan_release(void *address);

__attribute__((swiftcall)) void lock_slow(uint32_t state, CONTEXT void *mutex) __asm__(LOCK_SLOW);
__attribute__((swiftcall)) void lock_slow(uint32_t state, CONTEXT void *mutex) {
    static __attribute__((swiftcall)) void (*next)(uint32_t, CONTEXT void *);
    if (!next) next = dlsym(RTLD_NEXT, LOCK_SLOW);
    next(state, mutex);
    if (__tsan_acquire) __tsan_acquire(mutex);
}

__attribute__((swiftcall)) void unlock_slow(CONTEXT void *mutex) __asm__(UNLOCK_SLOW);
__attribute__((swiftcall)) void unlock_slow(CONTEXT void *mutex) {
    static __attribute__((swiftcall)) void (*next)(CONTEXT void *);
    if (!next) next = dlsym(RTLD_NEXT, UNLOCK_SLOW);
    if (__tsan_release) __tsan_release(mutex);
    next(mutex);
}
