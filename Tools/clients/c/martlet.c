#include "martlet.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "martlet/v1/native.pb-c.h"

enum {
    PREFACE_BYTES = 8,
    PREFIX_BYTES = 5,
    FRAME_OVERHEAD = 65536,  /* what a frame may hold besides its message (PROTOCOL.md section 2) */
    MESSAGE_COST_MIN = 64,   /* section 5 */
    UNSENT_MAX = 1 << 20,    /* control answers that the server does not read */
    READ_BYTES = 64 << 10,
};

static const char preface[PREFACE_BYTES] = {'M', 'A', 'R', 'T', 'L', 'E', 'T', '1'};

struct bytes {
    uint8_t *data;
    size_t start; /* bytes before it are used up */
    size_t end;
    size_t capacity;
};

struct martlet_connection {
    int descriptor;
    martlet_options options;
    struct bytes in, out;
    uint64_t server_message_max; /* 0: no limit stated */
    uint64_t server_credit;
    uint64_t call; /* the last call's number; 0 before the first */
    bool is_over;  /* no further call can start, because of `why` */
    martlet_status why;
};

/* One call while it runs. */
struct call {
    const char *method;
    int64_t deadline_ms; /* on the monotonic clock; -1: none */
    int64_t may_send;    /* the account of section 5, ours and the server's */
    int64_t may_come;
    uint64_t used; /* answers' cost that was not granted back yet */
    bool is_done;
    martlet_status status;
    int (*next)(const ProtobufCMessage **message, void *data);
    const ProtobufCMessage *ahead; /* read from the caller, and not sent yet */
    /* False ends the call; the status then says why, or is still 0 for a cancel. */
    bool (*payload)(struct call *call, const uint8_t *bytes, size_t count);
    void *data;
    const ProtobufCMessageDescriptor *answer_type;
    size_t decode_bytes_max;
};

/* Status */

static void set(martlet_status *status, int32_t code, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void set(martlet_status *status, int32_t code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    status->code = code;
    status->retry_after_ms = 0;
    vsnprintf(status->message, sizeof status->message, format, arguments);
    va_end(arguments);
}

/* The connection cannot be used any further; returns false for its callers to pass on. */
static bool over(martlet_connection *connection, int32_t code, const char *reason) {
    if (!connection->is_over) set(&connection->why, code, "%s", reason);
    connection->is_over = true;
    return false;
}

static bool broken(martlet_connection *connection, const char *what) {
    char reason[256];
    snprintf(reason, sizeof reason, "the server broke the protocol: %s", what);
    return over(connection, MARTLET_INTERNAL, reason);
}

/* Memory */

struct budget {
    size_t left;
};

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

/* What one message may take; nothing is given back, so a message cannot have it twice. */
static ProtobufCAllocator budgeted(struct budget *budget) {
    return (ProtobufCAllocator){budget_allocate, budget_free, budget};
}

/* Room for `count` more bytes at the end; NULL without memory. */
static uint8_t *room(struct bytes *bytes, size_t count) {
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

static size_t held(const struct bytes *bytes) { return bytes->end - bytes->start; }

/* Time */

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Bytes in and out */

static bool flush(martlet_connection *connection) {
    struct bytes *out = &connection->out;
    while (held(out) > 0) {
        ssize_t sent = send(connection->descriptor, out->data + out->start, held(out), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
        if (sent < 0) return over(connection, MARTLET_UNAVAILABLE, "the server closed the connection");
        out->start += (size_t)sent;
    }
    return true;
}

/* Moves bytes both ways once, waiting until that is possible. False at the deadline and when the connection is over. */
static bool move(martlet_connection *connection, int64_t deadline_ms) {
    struct pollfd poller = {connection->descriptor, POLLIN, 0};
    if (held(&connection->out) > 0) poller.events |= POLLOUT;
    int64_t left = -1;
    if (deadline_ms >= 0) {
        left = deadline_ms - now_ms();
        if (left <= 0) return false;
        if (left > INT32_MAX) left = INT32_MAX;
    }
    int ready = poll(&poller, 1, (int)left);
    if (ready < 0 && errno != EINTR) return over(connection, MARTLET_UNAVAILABLE, "the connection broke");
    if (ready <= 0) return true;
    if ((poller.revents & POLLOUT) != 0 && !flush(connection)) return false;
    if ((poller.revents & (POLLIN | POLLHUP | POLLERR)) == 0) return true;
    uint8_t *target = room(&connection->in, READ_BYTES);
    if (target == NULL) return over(connection, MARTLET_RESOURCE_EXHAUSTED, "no memory for what the server sends");
    ssize_t got = recv(connection->descriptor, target, READ_BYTES, 0);
    if (got > 0) connection->in.end += (size_t)got;
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK))
        return over(connection, MARTLET_UNAVAILABLE, "the server closed the connection");
    return true;
}

/* Frames out */

static bool send_frame(martlet_connection *connection, Martlet__V1__Frame__KindCase kind, uint64_t call, void *part) {
    Martlet__V1__Frame frame = MARTLET__V1__FRAME__INIT;
    frame.call_id = call;
    frame.kind_case = kind;
    frame.hello = part; /* every kind is a pointer in the same union */
    size_t size = martlet__v1__frame__get_packed_size(&frame);
    if (size > UINT32_MAX) return over(connection, MARTLET_RESOURCE_EXHAUSTED, "a message of 4 GiB and more");
    uint8_t *target = room(&connection->out, PREFIX_BYTES + size);
    if (target == NULL) return over(connection, MARTLET_RESOURCE_EXHAUSTED, "no memory for a message");
    target[0] = 0;
    for (int place = 0; place < 4; place++) target[1 + place] = (uint8_t)(size >> (24 - 8 * place));
    martlet__v1__frame__pack(&frame, target + PREFIX_BYTES);
    connection->out.end += PREFIX_BYTES + size;
    return true;
}

static bool send_message(martlet_connection *connection, struct call *call, const ProtobufCMessage *message) {
    size_t size = protobuf_c_message_get_packed_size(message);
    if (connection->server_message_max > 0 && size > connection->server_message_max) {
        set(&call->status, MARTLET_RESOURCE_EXHAUSTED, "a message of %zu bytes is over the server's limit of %llu bytes",
            size, (unsigned long long)connection->server_message_max);
        return false;
    }
    uint8_t *payload = malloc(size > 0 ? size : 1);
    if (payload == NULL) {
        set(&call->status, MARTLET_RESOURCE_EXHAUSTED, "no memory for a message of %zu bytes", size);
        return false;
    }
    protobuf_c_message_pack(message, payload);
    Martlet__V1__Message part = MARTLET__V1__MESSAGE__INIT;
    part.payload.len = size;
    part.payload.data = payload;
    bool sent = send_frame(connection, MARTLET__V1__FRAME__KIND_MESSAGE, connection->call, &part);
    free(payload);
    call->may_send -= (int64_t)(size < MESSAGE_COST_MIN ? MESSAGE_COST_MIN : size);
    return sent && flush(connection);
}

/* Frames in */

/* The next complete frame, to be freed with martlet__v1__frame__free_unpacked; NULL when more bytes are needed or the
 * connection is over. */
static Martlet__V1__Frame *next_frame(martlet_connection *connection) {
    struct bytes *in = &connection->in;
    if (held(in) < PREFIX_BYTES) return NULL;
    const uint8_t *prefix = in->data + in->start;
    size_t length = (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 | prefix[4];
    if (prefix[0] != 0) {
        broken(connection, "flags that nobody asked for");
        return NULL;
    }
    if (length > connection->options.message_bytes_max + FRAME_OVERHEAD) {
        broken(connection, "a frame above the limit");
        return NULL;
    }
    if (held(in) - PREFIX_BYTES < length) return NULL;
    struct budget budget = {2 * length + FRAME_OVERHEAD};
    ProtobufCAllocator allocator = budgeted(&budget);
    Martlet__V1__Frame *frame = martlet__v1__frame__unpack(&allocator, length, prefix + PREFIX_BYTES);
    in->start += PREFIX_BYTES + length;
    if (frame == NULL) broken(connection, "what it sent is no frame");
    return frame;
}

static void free_frame(Martlet__V1__Frame *frame) {
    struct budget budget = {0};
    ProtobufCAllocator allocator = budgeted(&budget);
    martlet__v1__frame__free_unpacked(frame, &allocator);
}

static bool receive_message(martlet_connection *connection, struct call *call, ProtobufCBinaryData payload) {
    size_t cost = payload.len < MESSAGE_COST_MIN ? MESSAGE_COST_MIN : payload.len;
    if (call->may_come <= 0) {
        set(&call->status, MARTLET_INTERNAL, "the server sent a message without credit");
        return false;
    }
    if (payload.len > connection->options.message_bytes_max) {
        set(&call->status, MARTLET_INTERNAL, "the server sent a message above the limit");
        return false;
    }
    call->may_come -= (int64_t)cost;
    if (!call->payload(call, payload.data, payload.len)) return false;
    call->used += cost;
    if (call->used < connection->options.credit_bytes / 2) return true;
    Martlet__V1__Credit credit = MARTLET__V1__CREDIT__INIT;
    credit.bytes = call->used;
    call->may_come += (int64_t)call->used;
    call->used = 0;
    return send_frame(connection, MARTLET__V1__FRAME__KIND_CREDIT, connection->call, &credit) && flush(connection);
}

static bool receive_go_away(martlet_connection *connection, struct call *call, const Martlet__V1__GoAway *go_away) {
    char reason[256];
    snprintf(reason, sizeof reason, "the server is leaving: %s", go_away->reason);
    over(connection, go_away->code != 0 ? go_away->code : MARTLET_UNAVAILABLE, reason);
    /* A drain lets the calls it has seen run on. */
    return go_away->code == 0 && call != NULL && connection->call <= go_away->last_call_id;
}

/* False when the call cannot go on: its status, or the connection's, says why. */
static bool receive(martlet_connection *connection, struct call *call, const Martlet__V1__Frame *frame) {
    switch (frame->kind_case) {
    case MARTLET__V1__FRAME__KIND_PING: {
        Martlet__V1__Pong pong = MARTLET__V1__PONG__INIT;
        pong.data = frame->ping->data;
        if (held(&connection->out) > UNSENT_MAX) return broken(connection, "it asks and does not read");
        return send_frame(connection, MARTLET__V1__FRAME__KIND_PONG, 0, &pong) && flush(connection);
    }
    case MARTLET__V1__FRAME__KIND_PONG: return true;
    case MARTLET__V1__FRAME__KIND_GO_AWAY: return receive_go_away(connection, call, frame->go_away);
    case MARTLET__V1__FRAME__KIND_MESSAGE:
    case MARTLET__V1__FRAME__KIND_STATUS:
    case MARTLET__V1__FRAME__KIND_CREDIT: break;
    default: return broken(connection, "a frame that servers do not send here");
    }
    if (frame->call_id == 0 || frame->call_id > connection->call)
        return broken(connection, "a frame of a call that was never opened");
    if (call == NULL || frame->call_id < connection->call) return true; /* it crossed the call's end */
    switch (frame->kind_case) {
    case MARTLET__V1__FRAME__KIND_MESSAGE: return receive_message(connection, call, frame->message->payload);
    case MARTLET__V1__FRAME__KIND_CREDIT: {
        uint64_t bytes = frame->credit->bytes < INT32_MAX ? frame->credit->bytes : INT32_MAX;
        call->may_send = call->may_send > INT64_MAX / 2 ? call->may_send : call->may_send + (int64_t)bytes;
        return true;
    }
    default:
        call->is_done = true;
        set(&call->status, frame->status->code, "%s", frame->status->message);
        call->status.retry_after_ms = frame->status->retry_after_ms;
        return true;
    }
}

/* Calls */

static bool open_call(martlet_connection *connection, struct call *call, uint32_t timeout_ms) {
    call->deadline_ms = timeout_ms > 0 ? now_ms() + timeout_ms : -1;
    call->may_send = connection->server_credit < INT32_MAX ? (int64_t)connection->server_credit : INT32_MAX;
    call->may_come = (int64_t)connection->options.credit_bytes;
    if (connection->is_over) return false;
    connection->call += 1;
    Martlet__V1__Open open = MARTLET__V1__OPEN__INIT;
    open.method = (char *)call->method;
    open.deadline_us = (uint64_t)timeout_ms * 1000;
    if (connection->options.token != NULL) open.token = (char *)connection->options.token;
    return send_frame(connection, MARTLET__V1__FRAME__KIND_OPEN, connection->call, &open);
}

/* Sends the message that was read ahead, or reads one. False when the call cannot go on. */
static bool send_next(martlet_connection *connection, struct call *call, bool *is_sending) {
    if (call->ahead != NULL) {
        const ProtobufCMessage *message = call->ahead;
        call->ahead = NULL;
        return send_message(connection, call, message);
    }
    int more = call->next(&call->ahead, call->data);
    if (more > 0 && call->ahead != NULL) return true;
    *is_sending = false;
    if (more < 0) return false;
    Martlet__V1__HalfClose half_close = MARTLET__V1__HALF_CLOSE__INIT; /* needs no credit */
    return send_frame(connection, MARTLET__V1__FRAME__KIND_HALF_CLOSE, connection->call, &half_close) &&
           flush(connection);
}

static bool run_until_done(martlet_connection *connection, struct call *call) {
    bool is_sending = true;
    while (!call->is_done) {
        Martlet__V1__Frame *frame = next_frame(connection);
        if (frame != NULL) {
            bool goes_on = receive(connection, call, frame);
            free_frame(frame);
            if (!goes_on) return false;
            continue;
        }
        if (held(&connection->in) == 0 && connection->is_over && connection->why.code != MARTLET_UNAVAILABLE) return false;
        /* One message at a time: what the server does not take is not read from the caller, but for one. */
        if (is_sending && (call->ahead == NULL || call->may_send > 0) && held(&connection->out) == 0) {
            if (!send_next(connection, call, &is_sending)) return false;
            continue;
        }
        if (!move(connection, call->deadline_ms)) return false;
    }
    return true;
}

/* Ends a call that the server has not ended, and fills in why. */
static void abandon(martlet_connection *connection, struct call *call) {
    Martlet__V1__Cancel cancel = MARTLET__V1__CANCEL__INIT;
    if (call->status.code == 0 && connection->is_over) {
        call->status = connection->why;
    } else if (call->status.code == 0 && call->deadline_ms >= 0 && now_ms() >= call->deadline_ms) {
        set(&call->status, MARTLET_DEADLINE_EXCEEDED, "no answer came within the call's time");
    } else if (call->status.code == 0) {
        set(&call->status, MARTLET_CANCELLED, "the caller cancelled the call");
    }
    if (!connection->is_over && send_frame(connection, MARTLET__V1__FRAME__KIND_CANCEL, connection->call, &cancel))
        flush(connection);
}

static bool run(martlet_connection *connection, struct call *call, uint32_t timeout_ms) {
    bool is_done = open_call(connection, call, timeout_ms) && run_until_done(connection, call);
    if (!is_done) abandon(connection, call);
    return is_done && call->status.code == 0;
}

static ProtobufCMessage *decode(struct call *call, const uint8_t *bytes, size_t count) {
    struct budget budget = {call->decode_bytes_max};
    ProtobufCAllocator allocator = budgeted(&budget);
    ProtobufCMessage *answer = protobuf_c_message_unpack(call->answer_type, &allocator, count, bytes);
    if (answer == NULL) set(&call->status, MARTLET_INTERNAL, "the server sent a broken %s", call->answer_type->name);
    return answer;
}

static void free_answer(ProtobufCMessage *answer) {
    struct budget budget = {0};
    ProtobufCAllocator allocator = budgeted(&budget);
    protobuf_c_message_free_unpacked(answer, &allocator);
}

static const ProtobufCMethodDescriptor *find(const ProtobufCServiceDescriptor *service, const char *name) {
    for (unsigned place = 0; place < service->n_methods; place++)
        if (strcmp(service->methods[place].name, name) == 0) return &service->methods[place];
    return NULL;
}

static bool method_path(
    char *path, size_t size, const ProtobufCServiceDescriptor *service, const char *method, martlet_status *status) {
    int length = snprintf(path, size, "/%s/%s", service->name, method);
    if (length > 0 && (size_t)length < size) return true;
    set(status, MARTLET_INVALID_ARGUMENT, "the method's name is too long");
    return false;
}

/* Unary calls, through stubs */

struct unary {
    const ProtobufCMessage *request;
    ProtobufCMessage *answer;
};

static int unary_next(const ProtobufCMessage **message, void *data) {
    struct unary *unary = data;
    *message = unary->request;
    unary->request = NULL;
    return *message != NULL;
}

static bool unary_payload(struct call *call, const uint8_t *bytes, size_t count) {
    struct unary *unary = call->data;
    if (unary->answer != NULL) {
        set(&call->status, MARTLET_INTERNAL, "the server answered twice: use martlet_stream for a method that streams");
        return false;
    }
    unary->answer = decode(call, bytes, count);
    return unary->answer != NULL;
}

static void invoke(
    ProtobufCService *base, unsigned method_index, const ProtobufCMessage *input, ProtobufCClosure closure,
    void *closure_data) {
    martlet_service *service = (martlet_service *)base;
    const ProtobufCMethodDescriptor *method = &base->descriptor->methods[method_index];
    struct unary unary = {input, NULL};
    char path[512];
    bool is_done = false;
    set(&service->status, MARTLET_OK, "%s", "");
    if (method_path(path, sizeof path, base->descriptor, method->name, &service->status)) {
        struct call call = {
            .method = path,
            .next = unary_next,
            .payload = unary_payload,
            .data = &unary,
            .answer_type = method->output,
            .decode_bytes_max = service->connection->options.decode_bytes_max,
        };
        is_done = run(service->connection, &call, service->timeout_ms);
        service->status = call.status;
        if (is_done && unary.answer == NULL)
            set(&service->status, MARTLET_INTERNAL, "the server reported success without an answer");
    }
    closure(is_done ? unary.answer : NULL, closure_data);
    free_answer(unary.answer);
}

static void destroy(ProtobufCService *service) { (void)service; }

void martlet_service_init(
    martlet_service *service, martlet_connection *connection, const ProtobufCServiceDescriptor *descriptor) {
    memset(service, 0, sizeof *service);
    service->base.descriptor = descriptor;
    service->base.invoke = invoke;
    service->base.destroy = destroy;
    service->connection = connection;
}

/* Streams */

struct stream {
    martlet_next next;
    martlet_answer answer;
    void *data;
};

static int stream_next(const ProtobufCMessage **message, void *data) {
    struct stream *stream = data;
    return stream->next(message, stream->data);
}

static bool stream_payload(struct call *call, const uint8_t *bytes, size_t count) {
    struct stream *stream = call->data;
    ProtobufCMessage *answer = decode(call, bytes, count);
    if (answer == NULL) return false;
    bool goes_on = stream->answer(answer, stream->data);
    free_answer(answer);
    return goes_on;
}

bool martlet_stream(
    martlet_connection *connection, const ProtobufCServiceDescriptor *service, const char *method, uint32_t timeout_ms,
    martlet_next next, martlet_answer answer, void *data, martlet_status *status) {
    const ProtobufCMethodDescriptor *descriptor = find(service, method);
    struct stream stream = {next, answer, data};
    char path[512];
    set(status, MARTLET_OK, "%s", "");
    if (descriptor == NULL) {
        set(status, MARTLET_INVALID_ARGUMENT, "%s has no method %s", service->name, method);
        return false;
    }
    if (!method_path(path, sizeof path, service, method, status)) return false;
    struct call call = {
        .method = path,
        .next = stream_next,
        .payload = stream_payload,
        .data = &stream,
        .answer_type = descriptor->output,
        .decode_bytes_max = connection->options.decode_bytes_max,
    };
    bool is_done = run(connection, &call, timeout_ms);
    *status = call.status;
    return is_done;
}

/* Connections */

void martlet_options_init(martlet_options *options) {
    memset(options, 0, sizeof *options);
    options->connect_timeout_ms = 10000;
    options->message_bytes_max = 4 << 20;
    options->credit_bytes = 256 << 10;
    options->decode_bytes_max = 64 << 20;
}

/* Starts to connect without waiting. Returns the socket, or -1. */
static int begin(int family, const struct sockaddr *address, socklen_t length) {
    int descriptor = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -1;
    if (connect(descriptor, address, length) == 0 || errno == EINPROGRESS) return descriptor;
    close(descriptor);
    return -1;
}

static bool is_connected(int descriptor, int64_t deadline_ms) {
    for (;;) {
        struct pollfd poller = {descriptor, POLLOUT, 0};
        int64_t left = deadline_ms - now_ms();
        if (left <= 0) return false;
        int ready = poll(&poller, 1, left > INT32_MAX ? INT32_MAX : (int)left);
        if (ready < 0 && errno == EINTR) continue;
        int error = 0;
        socklen_t length = sizeof error;
        return ready > 0 && getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
    }
}

static int connect_unix(const char *path, int64_t deadline_ms) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) return -1;
    memcpy(address.sun_path, path, strlen(path));
    int descriptor = begin(AF_UNIX, (const struct sockaddr *)&address, sizeof address);
    if (descriptor >= 0 && is_connected(descriptor, deadline_ms)) return descriptor;
    if (descriptor >= 0) close(descriptor);
    return -1;
}

static int connect_tcp(const char *host, const char *port, int64_t deadline_ms) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(host, port, &hints, &found) != 0) return -1;
    int descriptor = -1;
    for (struct addrinfo *one = found; one != NULL && descriptor < 0; one = one->ai_next) {
        descriptor = begin(one->ai_family, one->ai_addr, one->ai_addrlen);
        if (descriptor >= 0 && !is_connected(descriptor, deadline_ms)) {
            close(descriptor);
            descriptor = -1;
        }
    }
    freeaddrinfo(found);
    int yes = 1;
    if (descriptor >= 0) setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return descriptor;
}

/* Returns the socket; -1 with a status when nobody answers, or when the address has another form. */
static int dial(const char *address, int64_t deadline_ms, martlet_status *status) {
    int descriptor = -1;
    if (strncmp(address, "unix:", 5) == 0) {
        descriptor = connect_unix(address + 5, deadline_ms);
    } else {
        const char *colon = strrchr(address, ':');
        size_t length = colon != NULL ? (size_t)(colon - address) : 0;
        bool has_brackets = length >= 2 && address[0] == '[' && address[length - 1] == ']';
        char host[256];
        if (colon == NULL || colon[1] == '\0' || length == 0 || length >= sizeof host) {
            set(status, MARTLET_INVALID_ARGUMENT, "write the address as host:port, [ipv6]:port or unix:/path");
            return -1;
        }
        size_t start = has_brackets ? 1 : 0;
        size_t count = has_brackets ? length - 2 : length;
        memcpy(host, address + start, count);
        host[count] = '\0';
        descriptor = connect_tcp(host, colon + 1, deadline_ms);
    }
    if (descriptor < 0) set(status, MARTLET_UNAVAILABLE, "no server answers there");
    return descriptor;
}

static bool receive_hello(martlet_connection *connection, const Martlet__V1__Frame *frame) {
    if (frame->kind_case == MARTLET__V1__FRAME__KIND_GO_AWAY) return receive_go_away(connection, NULL, frame->go_away);
    if (frame->kind_case != MARTLET__V1__FRAME__KIND_HELLO || frame->call_id != 0)
        return broken(connection, "its first frame is not Hello");
    if (frame->hello->protocol != 1)
        return over(connection, MARTLET_INTERNAL, "the server speaks another version of the protocol");
    connection->server_message_max = frame->hello->message_bytes_max;
    connection->server_credit = frame->hello->initial_credit_bytes;
    return true;
}

static bool shake_hands(martlet_connection *connection, int64_t deadline_ms) {
    Martlet__V1__Hello hello = MARTLET__V1__HELLO__INIT;
    hello.protocol = 1;
    hello.message_bytes_max = connection->options.message_bytes_max;
    hello.initial_credit_bytes = connection->options.credit_bytes;
    hello.software = (char *)"libmartlet/0.1.0";
    uint8_t *target = room(&connection->out, PREFACE_BYTES);
    if (target == NULL) return over(connection, MARTLET_RESOURCE_EXHAUSTED, "no memory");
    memcpy(target, preface, PREFACE_BYTES);
    connection->out.end += PREFACE_BYTES;
    if (!send_frame(connection, MARTLET__V1__FRAME__KIND_HELLO, 0, &hello)) return false;
    while (held(&connection->in) < PREFACE_BYTES)
        if (!move(connection, deadline_ms)) return false;
    if (memcmp(connection->in.data + connection->in.start, preface, PREFACE_BYTES) != 0)
        return over(connection, MARTLET_INTERNAL, "what answers there is not a Martlet server");
    connection->in.start += PREFACE_BYTES;
    for (;;) {
        Martlet__V1__Frame *frame = next_frame(connection);
        if (frame != NULL) {
            bool is_hello = receive_hello(connection, frame);
            free_frame(frame);
            return is_hello;
        }
        if (connection->is_over || !move(connection, deadline_ms)) return false;
    }
}

martlet_connection *martlet_connect(const char *address, const martlet_options *options, martlet_status *status) {
    set(status, MARTLET_OK, "%s", "");
    martlet_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        set(status, MARTLET_RESOURCE_EXHAUSTED, "no memory for a connection");
        return NULL;
    }
    martlet_options_init(&connection->options);
    if (options != NULL) connection->options = *options;
    int64_t deadline_ms = now_ms() + connection->options.connect_timeout_ms;
    connection->descriptor = dial(address, deadline_ms, status);
    if (connection->descriptor < 0) {
        free(connection);
        return NULL;
    }
    if (shake_hands(connection, deadline_ms)) return connection;
    if (connection->is_over)
        *status = connection->why;
    else
        set(status, MARTLET_DEADLINE_EXCEEDED, "no greeting came in time: is it a Martlet server?");
    martlet_close(connection);
    return NULL;
}

void martlet_close(martlet_connection *connection) {
    if (connection == NULL) return;
    close(connection->descriptor);
    free(connection->in.data);
    free(connection->out.data);
    free(connection);
}
