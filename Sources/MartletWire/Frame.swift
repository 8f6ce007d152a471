/// A call's number on its connection: chosen by the client, odd or even, never used twice, rising.
package typealias CallID = UInt64

/// One frame of the native protocol (Protos/PROTOCOL.md), decoded and checked.
package enum Frame: Sendable, Hashable {
    case hello(Hello)
    case open(CallID, Open)
    /// One message of a call, as protobuf bytes.
    case message(CallID, [UInt8])
    /// The sender sends no more messages on this call.
    case halfClose(CallID)
    /// The end of a call, from the server only.
    case status(CallID, CallStatus)
    case cancel(CallID)
    /// Grants the peer more message bytes on this call.
    case credit(CallID, bytes: UInt64)
    case ping(UInt64)
    case pong(UInt64)
    case goAway(GoAway)

    /// First frame each way, right after the preface.
    package struct Hello: Sendable, Hashable {
        package var protocolVersion: UInt32
        /// Largest message the sender accepts, in bytes.
        package var messageBytesMax: UInt64
        /// Message bytes the peer may send on a new call before it needs a Credit.
        package var initialCreditBytes: UInt64
        package var callsMax: UInt32
        /// True when the sender can inflate zlib-compressed frames.
        package var acceptsCompression: Bool
        /// Such as `martlet/0.1.0`.
        package var software: String

        package init(
            protocolVersion: UInt32 = 1, messageBytesMax: UInt64, initialCreditBytes: UInt64, callsMax: UInt32,
            acceptsCompression: Bool, software: String
        ) {
            self.protocolVersion = protocolVersion
            self.messageBytesMax = messageBytesMax
            self.initialCreditBytes = initialCreditBytes
            self.callsMax = callsMax
            self.acceptsCompression = acceptsCompression
            self.software = software
        }
    }

    package struct Open: Sendable, Hashable {
        /// Such as `/martlet.v1.InferenceService/Classify`.
        package var method: String
        /// Time left when sent, in microseconds; 0 means no deadline.
        package var deadlineMicroseconds: UInt64
        package var metadata: [Metadata]
        package var token: String

        package init(
            method: String, deadlineMicroseconds: UInt64 = 0, metadata: [Metadata] = [], token: String = ""
        ) {
            self.method = method
            self.deadlineMicroseconds = deadlineMicroseconds
            self.metadata = metadata
            self.token = token
        }
    }

    package struct Metadata: Sendable, Hashable {
        package var key: String
        package var value: [UInt8]

        package init(key: String, value: [UInt8]) {
            self.key = key
            self.value = value
        }
    }

    package struct GoAway: Sendable, Hashable {
        /// Calls above this number were not looked at and may be sent again elsewhere.
        package var lastCallID: CallID
        /// A gRPC status number: 0 for a drain, otherwise the protocol error that ends the connection.
        package var code: Int32
        package var reason: String

        package init(lastCallID: CallID, code: Int32, reason: String) {
            self.lastCallID = lastCallID
            self.code = code
            self.reason = reason
        }
    }
}

/// How a call ended. Code 0 is success.
package struct CallStatus: Sendable, Hashable {
    package var code: Int32
    package var message: String
    package var details: [UInt8]
    /// 0: no hint.
    package var retryAfterMilliseconds: UInt32

    package init(code: Int32, message: String = "", details: [UInt8] = [], retryAfterMilliseconds: UInt32 = 0) {
        self.code = code
        self.message = message
        self.details = details
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }

    package static let ok = CallStatus(code: 0)
}
