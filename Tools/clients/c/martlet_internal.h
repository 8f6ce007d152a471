/* What the files of libmartlet share. Not for its users. */
#ifndef MARTLET_INTERNAL_H
#define MARTLET_INTERNAL_H

#include "martlet.h"
#include "martlet/v1/native.pb-c.h"

enum { PREFIX_BYTES = 5 }; /* before every frame: flags and length (PROTOCOL.md section 2) */

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

/* frames.c */

void martlet_set_status(martlet_status *status, int32_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The connection cannot be used any further; returns false for its callers to pass on. */
bool martlet_over(martlet_connection *connection, int32_t code, const char *reason);

/* The same, because the server broke the protocol. */
bool martlet_broken(martlet_connection *connection, const char *what);

struct budget {
    size_t left;
};

/* What one message may take; nothing is given back, so a message cannot have it twice. */
ProtobufCAllocator martlet_budgeted(struct budget *budget);

/* Room for `count` more bytes at the end; NULL without memory. */
uint8_t *martlet_room(struct bytes *bytes, size_t count);

size_t martlet_held(const struct bytes *bytes);

/* On the monotonic clock. */
int64_t martlet_now_ms(void);

/* Sends what the socket takes now. False when the connection is over. */
bool martlet_flush(martlet_connection *connection);

/* Moves bytes both ways once, waiting until that is possible. False at the deadline and when the connection is over. */
bool martlet_move(martlet_connection *connection, int64_t deadline_ms);

/* part: the generated message of that kind. */
bool martlet_send_frame(martlet_connection *connection, Martlet__V1__Frame__KindCase kind, uint64_t call, void *part);

/* The next complete frame, for martlet_free_frame; NULL when more bytes are needed or the connection is over. */
Martlet__V1__Frame *martlet_next_frame(martlet_connection *connection);

void martlet_free_frame(Martlet__V1__Frame *frame);

/* calls.c */

/* call: NULL before the first. False when the call cannot go on. */
bool martlet_receive_go_away(
    martlet_connection *connection, struct call *call, const Martlet__V1__GoAway *go_away);

/* Runs a call to its end. True when its status is OK. */
bool martlet_run(martlet_connection *connection, struct call *call, uint32_t timeout_ms);

/* An answer of the call, for martlet_free_answer; NULL with the call's status when it is broken. */
ProtobufCMessage *martlet_decode(struct call *call, const uint8_t *bytes, size_t count);

void martlet_free_answer(ProtobufCMessage *answer);

#endif
