internal import CMartletProtos
internal import CProtobufC
package import MartletCore

extension MessageCodec {
    package func decodeDocumentChunk(_ bytes: [UInt8]) throws(MartletError) -> DocumentChunk {
        try decode(bytes, as: "DocumentChunk", with: martlet__v1__document_chunk__unpack) {
            (chunk) throws(MartletError) in
            var options: DocumentOptions?
            if let given = chunk.options { options = try DocumentOptions(given.pointee) }
            return DocumentChunk(options: options, data: CField.bytes(chunk.data))
        }
    }

    package func encode(_ chunk: DocumentChunk) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__document_chunk__init)
            message.pointee.options = chunk.options?.build(in: arena)
            message.pointee.data = arena.copy(chunk.data)
            return message
        }
    }

    package func decodeDocumentEvent(_ bytes: [UInt8]) throws(MartletError) -> DocumentEvent {
        try decode(bytes, as: "DocumentEvent", with: martlet__v1__document_event__unpack) {
            (event) throws(MartletError) in
            switch event.kind_case {
            case MARTLET__V1__DOCUMENT_EVENT__KIND_WINDOW:
                if let window = event.window?.pointee { return .window(try WindowResult(window, "window")) }
            case MARTLET__V1__DOCUMENT_EVENT__KIND_RUNNING:
                if let running = event.running?.pointee { return .running(try RunningVerdict(running)) }
            case MARTLET__V1__DOCUMENT_EVENT__KIND_FINAL:
                if let final = event.final?.pointee { return .final(try FinalVerdict(final)) }
            default: break
            }
            throw MartletError(.invalidArgument, "a DocumentEvent has no known kind")
        }
    }

    package func encode(_ event: DocumentEvent) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__document_event__init)
            switch event {
            case .window(let window):
                message.pointee.kind_case = MARTLET__V1__DOCUMENT_EVENT__KIND_WINDOW
                message.pointee.window = window.build(in: arena)
            case .running(let running):
                message.pointee.kind_case = MARTLET__V1__DOCUMENT_EVENT__KIND_RUNNING
                message.pointee.running = running.build(in: arena)
            case .final(let final):
                message.pointee.kind_case = MARTLET__V1__DOCUMENT_EVENT__KIND_FINAL
                message.pointee.final = final.build(in: arena)
            }
            return message
        }
    }
}
