/* From an address to a connection that was greeted. */
#include "martlet_internal.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PREFACE_BYTES = 8 };

static const char preface[PREFACE_BYTES] = {'M', 'A', 'R', 'T', 'L', 'E', 'T', '1'};

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
        int64_t left = deadline_ms - martlet_now_ms();
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
            martlet_set_status(
                status, MARTLET_INVALID_ARGUMENT, "write the address as host:port, [ipv6]:port or unix:/path");
            return -1;
        }
        size_t start = has_brackets ? 1 : 0;
        size_t count = has_brackets ? length - 2 : length;
        memcpy(host, address + start, count);
        host[count] = '\0';
        descriptor = connect_tcp(host, colon + 1, deadline_ms);
    }
    if (descriptor < 0) martlet_set_status(status, MARTLET_UNAVAILABLE, "no server answers there");
    return descriptor;
}

static bool receive_hello(martlet_connection *connection, const Martlet__V1__Frame *frame) {
    if (frame->kind_case == MARTLET__V1__FRAME__KIND_GO_AWAY)
        return martlet_receive_go_away(connection, NULL, frame->go_away);
    if (frame->kind_case != MARTLET__V1__FRAME__KIND_HELLO || frame->call_id != 0)
        return martlet_broken(connection, "its first frame is not Hello");
    if (frame->hello->protocol != 1)
        return martlet_over(connection, MARTLET_INTERNAL, "the server speaks another version of the protocol");
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
    uint8_t *target = martlet_room(&connection->out, PREFACE_BYTES);
    if (target == NULL) return martlet_over(connection, MARTLET_RESOURCE_EXHAUSTED, "no memory");
    memcpy(target, preface, PREFACE_BYTES);
    connection->out.end += PREFACE_BYTES;
    if (!martlet_send_frame(connection, MARTLET__V1__FRAME__KIND_HELLO, 0, &hello)) return false;
    while (martlet_held(&connection->in) < PREFACE_BYTES)
        if (!martlet_move(connection, deadline_ms)) return false;
    if (memcmp(connection->in.data + connection->in.start, preface, PREFACE_BYTES) != 0)
        return martlet_over(connection, MARTLET_INTERNAL, "what answers there is not a Martlet server");
    connection->in.start += PREFACE_BYTES;
    for (;;) {
        Martlet__V1__Frame *frame = martlet_next_frame(connection);
        if (frame != NULL) {
            bool is_hello = receive_hello(connection, frame);
            martlet_free_frame(frame);
            return is_hello;
        }
        if (connection->is_over || !martlet_move(connection, deadline_ms)) return false;
    }
}

martlet_connection *martlet_connect(const char *address, const martlet_options *options, martlet_status *status) {
    martlet_set_status(status, MARTLET_OK, "%s", "");
    martlet_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        martlet_set_status(status, MARTLET_RESOURCE_EXHAUSTED, "no memory for a connection");
        return NULL;
    }
    martlet_options_init(&connection->options);
    if (options != NULL) connection->options = *options;
    int64_t deadline_ms = martlet_now_ms() + connection->options.connect_timeout_ms;
    connection->descriptor = dial(address, deadline_ms, status);
    if (connection->descriptor < 0) {
        free(connection);
        return NULL;
    }
    if (shake_hands(connection, deadline_ms)) return connection;
    if (connection->is_over)
        *status = connection->why;
    else
        martlet_set_status(status, MARTLET_DEADLINE_EXCEEDED, "no greeting came in time: is it a Martlet server?");
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
