internal import CProtobufC
internal import MartletCore

/// Messages to Core values and back; server and client use the same one, from any thread.
///
/// A decode checks form only: a valid message within the memory budget, UTF-8, known enum numbers, finite numbers that
/// fit. What a value means, such as an unknown model, is Serving's to judge. Every decode throws `.invalidArgument`
/// naming the field, or `.resourceExhausted` when the message needs more memory than its budget.
package struct MessageCodec: Sendable {
    private let arenaBytesMax: Int
    private let arenas = ArenaPool()

    /// - Parameter arenaBytesMax: memory that decoding one message may take, beside the value it gives.
    package init(arenaBytesMax: Int) { self.arenaBytesMax = arenaBytesMax }

    func decode<Message, Value>(
        _ bytes: [UInt8], as name: StaticString,
        with unpack: (UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?) ->
            UnsafeMutablePointer<Message>?,
        _ convert: (Message) throws(MartletError) -> Value
    ) throws(MartletError) -> Value {
        try arenas.withArena(budget: arenaBytesMax) { (arena) throws(MartletError) in
            try bytes.withBytes { (bytes) throws(MartletError) in
                try convert(try arena.unpack(bytes, as: name, with: unpack).pointee)
            }
        }
    }

    func encode<Message>(_ build: (Arena) -> UnsafeMutablePointer<Message>) -> [UInt8] {
        arenas.withArena(budget: .max) { arena in CMessage.packed(build(arena)) }
    }
}
