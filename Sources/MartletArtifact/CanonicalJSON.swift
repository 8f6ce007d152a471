internal import Foundation
package import MartletCore

/// The one way Martlet writes and reads JSON on disk: sorted keys, two blanks of indent, a line feed at the end.
package enum CanonicalJSON {
    package static func encode(_ value: some Encodable, file: String) throws(MartletError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
        } catch {
            throw MartletError(
                .internalError, "\(file): a value cannot be written as JSON (NaN or infinite?)", cause: error)
        }
    }

    /// Checks nesting and keys, then decodes. The caller has checked the size.
    package static func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: UnsafeRawBufferPointer, file: String
    ) throws(MartletError) -> Value {
        try JSONGuard.check(bytes, file: file)
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw .refused(file, explain(error))
        } catch {
            throw .refused(file, "is not JSON")
        }
    }

    private static func explain(_ error: DecodingError) -> String {
        func path(_ context: DecodingError.Context) -> String {
            let keys = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
            return keys.isEmpty ? "the document" : quoted(keys.joined(separator: "."))
        }
        return switch error {
        case .keyNotFound(let key, let context):
            "the field \(quoted(key.stringValue)) is missing in \(path(context))"
        case .typeMismatch(_, let context): "\(path(context)) has another type than expected"
        case .valueNotFound(_, let context): "\(path(context)) is null"
        case .dataCorrupted(let context):
            context.codingPath.isEmpty ? "is not JSON" : "\(path(context)) has a value that is not known"
        @unknown default: "is not as expected"
        }
    }
}
