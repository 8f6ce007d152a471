/* libmartlet: a small blocking client of the Martlet native protocol (Protos/PROTOCOL.md), for the stubs that protoc-c
 * generates.
 *
 *     martlet_status status;
 *     martlet_connection *connection = martlet_connect("127.0.0.1:8970", NULL, &status);
 *     martlet_service service;
 *     martlet_service_init(&service, connection, &martlet__v1__inference_service__descriptor);
 *     martlet__v1__inference_service__classify(&service.base, &request, print_answer, NULL);
 *     if (service.status.code != 0) fprintf(stderr, "%s\n", service.status.message);
 *     martlet_close(connection);
 *
 * A connection serves one call at a time and one thread; open one for each thread. Nothing that a server sends costs
 * more memory than the options allow, and nothing it sends is trusted. */
#ifndef MARTLET_H
#define MARTLET_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* gRPC's status numbers, as far as this library makes them up itself; a server may send any. */
enum {
    MARTLET_OK = 0,
    MARTLET_CANCELLED = 1,
    MARTLET_INVALID_ARGUMENT = 3,
    MARTLET_DEADLINE_EXCEEDED = 4,
    MARTLET_RESOURCE_EXHAUSTED = 8,
    MARTLET_INTERNAL = 13,
    MARTLET_UNAVAILABLE = 14,
};

/* How a call ended. */
typedef struct {
    int32_t code;
    uint32_t retry_after_ms; /* before the same call is worth another try; 0: no hint */
    char message[512];       /* for people; cut at its end, never NULL */
} martlet_status;

typedef struct {
    uint32_t connect_timeout_ms; /* from the first packet to the server's Hello */
    size_t message_bytes_max;    /* largest answer */
    size_t credit_bytes;         /* answers that may come ahead of the caller's reading them */
    size_t decode_bytes_max;     /* memory that decoding one answer may take */
    const char *token;           /* bearer token; NULL: none. Must live as long as the connection. */
} martlet_options;

/* 10 s, 4 MiB, 256 KiB, 64 MiB, no token. */
void martlet_options_init(martlet_options *options);

typedef struct martlet_connection martlet_connection;

/* Connects to "host:port", "[ipv6]:port" or "unix:/path" and waits for the server's greeting.
 * options: NULL takes the defaults. Returns NULL on failure, and says why in status. */
martlet_connection *martlet_connect(const char *address, const martlet_options *options, martlet_status *status);

/* NULL is allowed. */
void martlet_close(martlet_connection *connection);

/* What generated stubs are called with: `stub(&service.base, &request, closure, closure_data)`.
 *
 * The closure is called once, before the stub returns: with the answer, which lives as long as the closure runs, or
 * with NULL when the call failed; `status` says which. A method that streams is not for stubs: see martlet_stream. */
typedef struct {
    ProtobufCService base;
    martlet_connection *connection;
    uint32_t timeout_ms; /* for each call; 0 waits for ever */
    martlet_status status;
} martlet_service;

/* The connection must live as long as the service. There is nothing to free. */
void martlet_service_init(
    martlet_service *service, martlet_connection *connection, const ProtobufCServiceDescriptor *descriptor);

/* The next request of a stream. Sets *message, which must live until the next call of this function.
 * Returns 1 for a message, 0 after the last, -1 to cancel the call. Asked one message ahead of what the server
 * takes. */
typedef int (*martlet_next)(const ProtobufCMessage **message, void *data);

/* An answer of a stream, which lives as long as this function runs. Returns false to cancel the call. */
typedef bool (*martlet_answer)(const ProtobufCMessage *answer, void *data);

/* Runs a call of any number of requests and answers, each as soon as the other side takes it.
 * method: such as "ClassifyDocument", a method of the descriptor's service. Returns true when status->code is 0. */
bool martlet_stream(
    martlet_connection *connection, const ProtobufCServiceDescriptor *service, const char *method, uint32_t timeout_ms,
    martlet_next next, martlet_answer answer, void *data, martlet_status *status);

#ifdef __cplusplus
}
#endif

#endif
