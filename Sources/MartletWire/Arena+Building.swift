internal import CProtobufC

/// Building generated C messages in an arena, for packing right away. Everything lives until the arena's next `reset`.
extension Arena {
    private func memory(_ size: Int) -> UnsafeMutableRawPointer {
        guard let memory = allocate(size) else { preconditionFailure("an arena for encoding has no budget") }
        return memory
    }

    /// A message as `initialise` (a generated `…__init`) leaves it.
    func make<Message>(
        _ initialise: (UnsafeMutablePointer<Message>?) -> Void
    ) -> UnsafeMutablePointer<Message> {
        let message = memory(MemoryLayout<Message>.size).assumingMemoryBound(to: Message.self)
        initialise(message)
        return message
    }

    func copy(_ text: String) -> ProtobufCBinaryData {
        var text = text
        return text.withUTF8 { copy(UnsafeRawBufferPointer($0)) }
    }

    func copy(_ bytes: [UInt8]) -> ProtobufCBinaryData {
        bytes.withUnsafeBytes { copy($0) }
    }

    private func copy(_ bytes: UnsafeRawBufferPointer) -> ProtobufCBinaryData {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return ProtobufCBinaryData(len: 0, data: nil) }
        let target = memory(bytes.count)
        target.copyMemory(from: source, byteCount: bytes.count)
        return ProtobufCBinaryData(len: bytes.count, data: target.assumingMemoryBound(to: UInt8.self))
    }

    /// The pointer array of a repeated message field, one element made from each value.
    func list<Value, Message>(
        _ values: [Value], _ make: (Value) -> UnsafeMutablePointer<Message>
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<Message>?>? {
        let list = memory(values.count * MemoryLayout<UnsafeMutablePointer<Message>?>.stride)
            .assumingMemoryBound(to: UnsafeMutablePointer<Message>?.self)
        for (index, value) in values.enumerated() { list[index] = make(value) }
        return list
    }

    /// The element array of a repeated scalar or bytes field.
    func values<Value, Element>(_ values: [Value], _ make: (Value) -> Element) -> UnsafeMutablePointer<Element>? {
        let list = memory(values.count * MemoryLayout<Element>.stride).assumingMemoryBound(to: Element.self)
        for (index, value) in values.enumerated() { list[index] = make(value) }
        return list
    }
}

/// Packing of built messages.
enum CMessage {
    static func packedSize<Message>(_ message: UnsafeMutablePointer<Message>) -> Int {
        protobuf_c_message_get_packed_size(base(message))
    }

    /// Writes exactly `packedSize(message)` bytes.
    static func pack<Message>(_ message: UnsafeMutablePointer<Message>, to target: UnsafeMutablePointer<UInt8>) {
        protobuf_c_message_pack(base(message), target)
    }

    static func packed<Message>(_ message: UnsafeMutablePointer<Message>) -> [UInt8] {
        let size = packedSize(message)
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            if let target = buffer.baseAddress, size > 0 { pack(message, to: target) }
            count = size
        }
    }

    /// Every generated struct begins with its `ProtobufCMessage`.
    private static func base<Message>(_ message: UnsafeMutablePointer<Message>) -> UnsafePointer<ProtobufCMessage> {
        UnsafePointer(UnsafeMutableRawPointer(message).assumingMemoryBound(to: ProtobufCMessage.self))
    }
}
