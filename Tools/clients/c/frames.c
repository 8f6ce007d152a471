/* Bytes and frames of one connection, both ways. */
#include "martlet_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
    FRAME_OVERHEAD = 65536, /* what a frame may hold besides its message (PROTOCOL.md section 2) */
    READ_BYTES = 64 << 10,
};

/* Status */

void martlet_set_status(martlet_status *status, int32_t code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    status->code = code;
    status->retry_after_ms = 0;
    vsnprintf(status->message, sizeof status->message, format, arguments);
    va_end(arguments);
}

bool martlet_over(martlet_connection *connection, int32_t code, const char *reason) {
    if (!connection->is_over) martlet_set_status(&connection->why, code, "%s", reason);
    connection->is_over = true;
    return false;
}

bool martlet_broken(martlet_connection *connection, const char *what) {
    char reason[256];
    snprintf(reason, sizeof reason, "the server broke the protocol: %s", what);
    return martlet_over(connection, MARTLET_INTERNAL, reason);
}

/* Memory */

static void *budget_allocate(void *data, size_t size) {
    struct budget *budget = data;
    if (size > budget->left) return NULL;
    budget->left -= size;
    return malloc(size > 0 ? size : 1);
}

static void budget_free(void *data, void *pointer) {
    (void)data;
    free(pointer);
}

ProtobufCAllocator martlet_budgeted(struct budget *budget) {
    return (ProtobufCAllocator){budget_allocate, budget_free, budget};
}

uint8_t *martlet_room(struct bytes *bytes, size_t count) {
    if (bytes->start == bytes->end) bytes->start = bytes->end = 0;
    if (bytes->start > 0 && bytes->capacity - bytes->end < count) {
        memmove(bytes->data, bytes->data + bytes->start, bytes->end - bytes->start);
        bytes->end -= bytes->start;
        bytes->start = 0;
    }
    if (bytes->capacity - bytes->end < count) {
        if (count > SIZE_MAX / 4 - bytes->end) return NULL;
        size_t capacity = 2 * (bytes->end + count);
        uint8_t *grown = realloc(bytes->data, capacity);
        if (grown == NULL) return NULL;
        bytes->data = grown;
        bytes->capacity = capacity;
    }
    return bytes->data + bytes->end;
}

size_t martlet_held(const struct bytes *bytes) { return bytes->end - bytes->start; }

/* Time */

int64_t martlet_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Bytes in and out */

bool martlet_flush(martlet_connection *connection) {
    struct bytes *out = &connection->out;
    while (martlet_held(out) > 0) {
        ssize_t sent = send(connection->descriptor, out->data + out->start, martlet_held(out), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
        if (sent < 0) return martlet_over(connection, MARTLET_UNAVAILABLE, "the server closed the connection");
        out->start += (size_t)sent;
    }
    return true;
}

bool martlet_move(martlet_connection *connection, int64_t deadline_ms) {
    struct pollfd poller = {connection->descriptor, POLLIN, 0};
    if (martlet_held(&connection->out) > 0) poller.events |= POLLOUT;
    int64_t left = -1;
    if (deadline_ms >= 0) {
        left = deadline_ms - martlet_now_ms();
        if (left <= 0) return false;
        if (left > INT32_MAX) left = INT32_MAX;
    }
    int ready = poll(&poller, 1, (int)left);
    if (ready < 0 && errno != EINTR) return martlet_over(connection, MARTLET_UNAVAILABLE, "the connection broke");
    if (ready <= 0) return true;
    if ((poller.revents & POLLOUT) != 0 && !martlet_flush(connection)) return false;
    if ((poller.revents & (POLLIN | POLLHUP | POLLERR)) == 0) return true;
    uint8_t *target = martlet_room(&connection->in, READ_BYTES);
    if (target == NULL)
        return martlet_over(connection, MARTLET_RESOURCE_EXHAUSTED, "no memory for what the server sends");
    ssize_t got = recv(connection->descriptor, target, READ_BYTES, 0);
    if (got > 0) connection->in.end += (size_t)got;
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK))
        return martlet_over(connection, MARTLET_UNAVAILABLE, "the server closed the connection");
    return true;
}

/* Frames out */

bool martlet_send_frame(martlet_connection *connection, Martlet__V1__Frame__KindCase kind, uint64_t call, void *part) {
    Martlet__V1__Frame frame = MARTLET__V1__FRAME__INIT;
    frame.call_id = call;
    frame.kind_case = kind;
    frame.hello = part; /* every kind is a pointer in the same union */
    size_t size = martlet__v1__frame__get_packed_size(&frame);
    if (size > UINT32_MAX) return martlet_over(connection, MARTLET_RESOURCE_EXHAUSTED, "a message of 4 GiB and more");
    uint8_t *target = martlet_room(&connection->out, PREFIX_BYTES + size);
    if (target == NULL) return martlet_over(connection, MARTLET_RESOURCE_EXHAUSTED, "no memory for a message");
    target[0] = 0;
    for (int place = 0; place < 4; place++) target[1 + place] = (uint8_t)(size >> (24 - 8 * place));
    martlet__v1__frame__pack(&frame, target + PREFIX_BYTES);
    connection->out.end += PREFIX_BYTES + size;
    return true;
}

/* Frames in */

Martlet__V1__Frame *martlet_next_frame(martlet_connection *connection) {
    struct bytes *in = &connection->in;
    if (martlet_held(in) < PREFIX_BYTES) return NULL;
    const uint8_t *prefix = in->data + in->start;
    size_t length = (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 | prefix[4];
    if (prefix[0] != 0) {
        martlet_broken(connection, "flags that nobody asked for");
        return NULL;
    }
    if (length > connection->options.message_bytes_max + FRAME_OVERHEAD) {
        martlet_broken(connection, "a frame above the limit");
        return NULL;
    }
    if (martlet_held(in) - PREFIX_BYTES < length) return NULL;
    struct budget budget = {2 * length + FRAME_OVERHEAD};
    ProtobufCAllocator allocator = martlet_budgeted(&budget);
    Martlet__V1__Frame *frame = martlet__v1__frame__unpack(&allocator, length, prefix + PREFIX_BYTES);
    in->start += PREFIX_BYTES + length;
    if (frame == NULL) martlet_broken(connection, "what it sent is no frame");
    return frame;
}

void martlet_free_frame(Martlet__V1__Frame *frame) {
    struct budget budget = {0};
    ProtobufCAllocator allocator = martlet_budgeted(&budget);
    martlet__v1__frame__free_unpacked(frame, &allocator);
}
