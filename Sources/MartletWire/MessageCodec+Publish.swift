internal import CMartletProtos
internal import CProtobufC
package import MartletCore

extension MessageCodec {
    /// - Parameter inflatedBytesMax: what the bytes of one part may inflate to.
    /// - Throws: `.resourceExhausted` for compressed bytes above that.
    package func decodePublishPart(
        _ bytes: [UInt8], inflatedBytesMax: Int
    ) throws(MartletError) -> PublishPart {
        try decode(bytes, as: "PublishPart", with: martlet__v1__publish_part__unpack) {
            (part) throws(MartletError) in
            switch part.part_case {
            case MARTLET__V1__PUBLISH_PART__PART_BEGIN:
                if let begin = part.begin?.pointee {
                    return .begin(
                        manifest: CField.bytes(begin.manifest), signature: CField.bytes(begin.signature))
                }
            case MARTLET__V1__PUBLISH_PART__PART_BYTES:
                if let bytes = part.bytes?.pointee {
                    return .bytes(
                        file: try CField.text(bytes.file, "bytes.file"),
                        offset: try CField.integer(bytes.offset, "bytes.offset"),
                        bytes: try bytes.contents(inflatedBytesMax: inflatedBytesMax))
                }
            default: break
            }
            throw MartletError(.invalidArgument, "a PublishPart holds neither begin nor bytes")
        }
    }

    /// - Parameter compresses: tries to make the bytes of a file smaller.
    package func encode(_ part: PublishPart, compresses: Bool = false) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__publish_part__init)
            switch part {
            case .begin(let manifest, let signature):
                let begin = arena.make(martlet__v1__publish_begin__init)
                begin.pointee.manifest = arena.copy(manifest)
                begin.pointee.signature = arena.copy(signature)
                message.pointee.part_case = MARTLET__V1__PUBLISH_PART__PART_BEGIN
                message.pointee.begin = begin
            case .bytes(let file, let offset, let contents):
                let bytes = arena.make(martlet__v1__publish_bytes__init)
                bytes.pointee.file = arena.copy(file)
                bytes.pointee.offset = UInt64(clamping: offset)
                if compresses, let deflated = contents.withUnsafeBytes({ Zlib.deflated($0) }) {
                    bytes.pointee.content_case = MARTLET__V1__PUBLISH_BYTES__CONTENT_ZLIB_DATA
                    bytes.pointee.zlib_data = arena.copy(deflated)
                } else {
                    bytes.pointee.content_case = MARTLET__V1__PUBLISH_BYTES__CONTENT_DATA
                    bytes.pointee.data = arena.copy(contents)
                }
                message.pointee.part_case = MARTLET__V1__PUBLISH_PART__PART_BYTES
                message.pointee.bytes = bytes
            }
            return message
        }
    }

    package func decodePublishEvent(_ bytes: [UInt8]) throws(MartletError) -> PublishEvent {
        try decode(bytes, as: "PublishEvent", with: martlet__v1__publish_event__unpack) {
            (event) throws(MartletError) in
            switch event.event_case {
            case MARTLET__V1__PUBLISH_EVENT__EVENT_HELD:
                if let held = event.held?.pointee {
                    var files: [PublishEvent.HeldFile] = []
                    for (index, element) in CField.elements(held.n_files, held.files).enumerated() {
                        guard let file = element?.pointee else { continue }
                        files.append(
                            PublishEvent.HeldFile(
                                name: try CField.text(file.name, "held.files[\(index)].name"),
                                bytes: try CField.integer(file.bytes, "held.files[\(index)].bytes")))
                    }
                    return .held(files)
                }
            case MARTLET__V1__PUBLISH_EVENT__EVENT_RECEIVED_BYTES:
                return .received(bytes: try CField.integer(event.received_bytes, "received_bytes"))
            case MARTLET__V1__PUBLISH_EVENT__EVENT_PUBLISHED:
                return .published(try ModelIdentity(event.published))
            default: break
            }
            throw MartletError(.invalidArgument, "a PublishEvent has no known event")
        }
    }

    package func encode(_ event: PublishEvent) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__publish_event__init)
            switch event {
            case .held(let files):
                let held = arena.make(martlet__v1__held_files__init)
                held.pointee.n_files = files.count
                held.pointee.files = arena.list(files) { file in
                    let element = arena.make(martlet__v1__held_file__init)
                    element.pointee.name = arena.copy(file.name)
                    element.pointee.bytes = UInt64(clamping: file.bytes)
                    return element
                }
                message.pointee.event_case = MARTLET__V1__PUBLISH_EVENT__EVENT_HELD
                message.pointee.held = held
            case .received(let bytes):
                message.pointee.event_case = MARTLET__V1__PUBLISH_EVENT__EVENT_RECEIVED_BYTES
                message.pointee.received_bytes = UInt64(clamping: bytes)
            case .published(let identity):
                message.pointee.event_case = MARTLET__V1__PUBLISH_EVENT__EVENT_PUBLISHED
                message.pointee.published = identity.build(in: arena)
            }
            return message
        }
    }
}

extension Martlet__V1__PublishBytes {
    /// The bytes as they stand in the file.
    fileprivate func contents(inflatedBytesMax: Int) throws(MartletError) -> [UInt8] {
        switch content_case {
        case MARTLET__V1__PUBLISH_BYTES__CONTENT_DATA: return CField.bytes(data)
        case MARTLET__V1__PUBLISH_BYTES__CONTENT_ZLIB_DATA:
            return try Zlib.inflated(
                UnsafeRawBufferPointer(start: zlib_data.data, count: zlib_data.data == nil ? 0 : zlib_data.len),
                bytesMax: inflatedBytesMax, of: "bytes.zlib_data")
        default: throw MartletError(.invalidArgument, "bytes holds neither data nor zlib_data")
        }
    }
}
