/* What callers see of calls: protoc-c's stubs, and streams. */
#include "martlet_internal.h"

#include <stdio.h>
#include <string.h>

static const ProtobufCMethodDescriptor *find(const ProtobufCServiceDescriptor *service, const char *name) {
    for (unsigned place = 0; place < service->n_methods; place++)
        if (strcmp(service->methods[place].name, name) == 0) return &service->methods[place];
    return NULL;
}

static bool method_path(
    char *path, size_t size, const ProtobufCServiceDescriptor *service, const char *method, martlet_status *status) {
    int length = snprintf(path, size, "/%s/%s", service->name, method);
    if (length > 0 && (size_t)length < size) return true;
    martlet_set_status(status, MARTLET_INVALID_ARGUMENT, "the method's name is too long");
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
        martlet_set_status(
            &call->status, MARTLET_INTERNAL,
            "the server answered twice: use martlet_stream for a method that streams");
        return false;
    }
    unary->answer = martlet_decode(call, bytes, count);
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
    martlet_set_status(&service->status, MARTLET_OK, "%s", "");
    if (method_path(path, sizeof path, base->descriptor, method->name, &service->status)) {
        struct call call = {
            .method = path,
            .next = unary_next,
            .payload = unary_payload,
            .data = &unary,
            .answer_type = method->output,
            .decode_bytes_max = service->connection->options.decode_bytes_max,
        };
        is_done = martlet_run(service->connection, &call, service->timeout_ms);
        service->status = call.status;
        if (is_done && unary.answer == NULL)
            martlet_set_status(&service->status, MARTLET_INTERNAL, "the server reported success without an answer");
    }
    closure(is_done ? unary.answer : NULL, closure_data);
    martlet_free_answer(unary.answer);
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
    ProtobufCMessage *answer = martlet_decode(call, bytes, count);
    if (answer == NULL) return false;
    bool goes_on = stream->answer(answer, stream->data);
    martlet_free_answer(answer);
    return goes_on;
}

bool martlet_stream(
    martlet_connection *connection, const ProtobufCServiceDescriptor *service, const char *method, uint32_t timeout_ms,
    martlet_next next, martlet_answer answer, void *data, martlet_status *status) {
    const ProtobufCMethodDescriptor *descriptor = find(service, method);
    struct stream stream = {next, answer, data};
    char path[512];
    martlet_set_status(status, MARTLET_OK, "%s", "");
    if (descriptor == NULL) {
        martlet_set_status(status, MARTLET_INVALID_ARGUMENT, "%s has no method %s", service->name, method);
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
    bool is_done = martlet_run(connection, &call, timeout_ms);
    *status = call.status;
    return is_done;
}
