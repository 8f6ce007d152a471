/// What `grpc.reflection.v1.ServerReflectionRequest` asks for.
package enum ReflectionRequest: Sendable, Hashable {
    /// Such as `martlet/v1/types.proto`.
    case file(named: String)
    /// A full name without a leading dot.
    case fileContaining(symbol: String)
    case fileExtending(String, number: Int32)
    case extensionNumbers(of: String)
    case services
    /// Nothing, or something newer than this version.
    case unknown
}

package enum ReflectionAnswer: Sendable, Hashable {
    /// Serialised `FileDescriptorProto`s, the one asked for first.
    case files([[UInt8]])
    case services([String])
    /// A gRPC status number and its text; the stream goes on.
    case failure(code: Int32, message: String)
}
