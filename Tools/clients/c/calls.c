/* One call from its Open to its Status. */
#include "martlet_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    MESSAGE_COST_MIN = 64, /* PROTOCOL.md section 5 */
    UNSENT_MAX = 1 << 20,  /* control answers that the server does not read */
};

static bool send_message(martlet_connection *connection, struct call *call, const ProtobufCMessage *message) {
    size_t size = protobuf_c_message_get_packed_size(message);
    if (connection->server_message_max > 0 && size > connection->server_message_max) {
        martlet_set_status(&call->status, MARTLET_RESOURCE_EXHAUSTED,
            "a message of %zu bytes is over the server's limit of %llu bytes; send less at once", size,
            (unsigned long long)connection->server_message_max);
        return false;
    }
    uint8_t *payload = malloc(size > 0 ? size : 1);
    if (payload == NULL) {
        martlet_set_status(&call->status, MARTLET_RESOURCE_EXHAUSTED, "no memory for a message of %zu bytes", size);
        return false;
    }
    protobuf_c_message_pack(message, payload);
    Martlet__V1__Message part = MARTLET__V1__MESSAGE__INIT;
    part.payload.len = size;
    part.payload.data = payload;
    bool sent = martlet_send_frame(connection, MARTLET__V1__FRAME__KIND_MESSAGE, connection->call, &part);
    free(payload);
    call->may_send -= (int64_t)(size < MESSAGE_COST_MIN ? MESSAGE_COST_MIN : size);
    return sent && martlet_flush(connection);
}

static bool receive_message(martlet_connection *connection, struct call *call, ProtobufCBinaryData payload) {
    size_t cost = payload.len < MESSAGE_COST_MIN ? MESSAGE_COST_MIN : payload.len;
    if (call->may_come <= 0) {
        martlet_set_status(&call->status, MARTLET_INTERNAL, "the server sent a message without credit");
        return false;
    }
    if (payload.len > connection->options.message_bytes_max) {
        martlet_set_status(&call->status, MARTLET_INTERNAL, "the server sent a message above the limit");
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
    return martlet_send_frame(connection, MARTLET__V1__FRAME__KIND_CREDIT, connection->call, &credit) &&
           martlet_flush(connection);
}

bool martlet_receive_go_away(martlet_connection *connection, struct call *call, const Martlet__V1__GoAway *go_away) {
    char reason[256];
    snprintf(reason, sizeof reason, "the server is leaving: %s", go_away->reason);
    martlet_over(connection, go_away->code != 0 ? go_away->code : MARTLET_UNAVAILABLE, reason);
    /* A drain lets the calls it has seen run on. */
    return go_away->code == 0 && call != NULL && connection->call <= go_away->last_call_id;
}

/* False when the call cannot go on: its status, or the connection's, says why. */
static bool receive(martlet_connection *connection, struct call *call, const Martlet__V1__Frame *frame) {
    switch (frame->kind_case) {
    case MARTLET__V1__FRAME__KIND_PING: {
        Martlet__V1__Pong pong = MARTLET__V1__PONG__INIT;
        pong.data = frame->ping->data;
        if (martlet_held(&connection->out) > UNSENT_MAX) return martlet_broken(connection, "it asks and does not read");
        return martlet_send_frame(connection, MARTLET__V1__FRAME__KIND_PONG, 0, &pong) && martlet_flush(connection);
    }
    case MARTLET__V1__FRAME__KIND_PONG: return true;
    case MARTLET__V1__FRAME__KIND_GO_AWAY: return martlet_receive_go_away(connection, call, frame->go_away);
    case MARTLET__V1__FRAME__KIND_MESSAGE:
    case MARTLET__V1__FRAME__KIND_STATUS:
    case MARTLET__V1__FRAME__KIND_CREDIT: break;
    default: return martlet_broken(connection, "a frame that servers do not send here");
    }
    if (frame->call_id == 0 || frame->call_id > connection->call)
        return martlet_broken(connection, "a frame of a call that was never opened");
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
        martlet_set_status(&call->status, frame->status->code, "%s", frame->status->message);
        call->status.retry_after_ms = frame->status->retry_after_ms;
        return true;
    }
}

/* Calls */

static bool open_call(martlet_connection *connection, struct call *call, uint32_t timeout_ms) {
    call->deadline_ms = timeout_ms > 0 ? martlet_now_ms() + timeout_ms : -1;
    call->may_send = connection->server_credit < INT32_MAX ? (int64_t)connection->server_credit : INT32_MAX;
    call->may_come = (int64_t)connection->options.credit_bytes;
    if (connection->is_over) return false;
    connection->call += 1;
    Martlet__V1__Open open = MARTLET__V1__OPEN__INIT;
    open.method = (char *)call->method;
    open.deadline_us = (uint64_t)timeout_ms * 1000;
    if (connection->options.token != NULL) open.token = (char *)connection->options.token;
    return martlet_send_frame(connection, MARTLET__V1__FRAME__KIND_OPEN, connection->call, &open);
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
    return martlet_send_frame(connection, MARTLET__V1__FRAME__KIND_HALF_CLOSE, connection->call, &half_close) &&
           martlet_flush(connection);
}

static bool run_until_done(martlet_connection *connection, struct call *call) {
    bool is_sending = true;
    while (!call->is_done) {
        Martlet__V1__Frame *frame = martlet_next_frame(connection);
        if (frame != NULL) {
            bool goes_on = receive(connection, call, frame);
            martlet_free_frame(frame);
            if (!goes_on) return false;
            continue;
        }
        bool is_lost = connection->is_over && connection->why.code != MARTLET_UNAVAILABLE;
        if (is_lost && martlet_held(&connection->in) == 0) return false;
        /* One message at a time: what the server does not take is not read from the caller, but for one. */
        if (is_sending && (call->ahead == NULL || call->may_send > 0) && martlet_held(&connection->out) == 0) {
            if (!send_next(connection, call, &is_sending)) return false;
            continue;
        }
        if (!martlet_move(connection, call->deadline_ms)) return false;
    }
    return true;
}

/* Ends a call that the server has not ended, and fills in why. */
static void abandon(martlet_connection *connection, struct call *call) {
    Martlet__V1__Cancel cancel = MARTLET__V1__CANCEL__INIT;
    if (call->status.code == 0 && connection->is_over) {
        call->status = connection->why;
    } else if (call->status.code == 0 && call->deadline_ms >= 0 && martlet_now_ms() >= call->deadline_ms) {
        martlet_set_status(&call->status, MARTLET_DEADLINE_EXCEEDED, "no answer came within the call's time");
    } else if (call->status.code == 0) {
        martlet_set_status(&call->status, MARTLET_CANCELLED, "the caller cancelled the call");
    }
    if (!connection->is_over &&
        martlet_send_frame(connection, MARTLET__V1__FRAME__KIND_CANCEL, connection->call, &cancel))
        martlet_flush(connection);
}

bool martlet_run(martlet_connection *connection, struct call *call, uint32_t timeout_ms) {
    bool is_done = open_call(connection, call, timeout_ms) && run_until_done(connection, call);
    if (!is_done) abandon(connection, call);
    return is_done && call->status.code == 0;
}

ProtobufCMessage *martlet_decode(struct call *call, const uint8_t *bytes, size_t count) {
    struct budget budget = {call->decode_bytes_max};
    ProtobufCAllocator allocator = martlet_budgeted(&budget);
    ProtobufCMessage *answer = protobuf_c_message_unpack(call->answer_type, &allocator, count, bytes);
    if (answer == NULL)
        martlet_set_status(
            &call->status, MARTLET_INTERNAL, "the server sent a broken %s", call->answer_type->name);
    return answer;
}

void martlet_free_answer(ProtobufCMessage *answer) {
    struct budget budget = {0};
    ProtobufCAllocator allocator = martlet_budgeted(&budget);
    protobuf_c_message_free_unpacked(answer, &allocator);
}
