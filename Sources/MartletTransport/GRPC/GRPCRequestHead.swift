package import MartletCore
internal import MartletWire
package import NIOHPACK

/// What the header list of a gRPC request says.
package struct GRPCRequestHead {
    package let path: String
    /// Nil: no deadline.
    package private(set) var timeout: Duration?
    package private(set) var encoding = MessageEncoding.identity
    package private(set) var acceptable: Set<MessageEncoding> = [.identity]
    package private(set) var metadata = CallMetadata()

    /// True when a header list is a gRPC request: a POST whose content type is `application/grpc`, `+codec` or
    /// parameters allowed. Others, gRPC-Web among them, are not ours.
    package static func isGRPC(_ headers: HPACKHeaders) -> Bool {
        guard headers.first(name: ":method") == "POST", let type = headers.first(name: "content-type") else {
            return false
        }
        let name = "application/grpc"
        guard type.utf8.count >= name.utf8.count, type.prefix(name.utf8.count).lowercased() == name
        else { return false }
        guard let next = type.utf8.dropFirst(name.utf8.count).first else { return true }
        return next == UInt8(ascii: "+") || next == UInt8(ascii: ";") || next == UInt8(ascii: " ")
    }

    /// - Throws: `.invalidArgument` naming the header that is wrong, `.unimplemented` for an unknown encoding.
    package init(_ headers: HPACKHeaders) throws(MartletError) {
        var path = ""
        var entries: [(name: String, value: [UInt8])] = []
        for (name, value, _) in headers {
            switch name {
            case ":path": path = value
            case "grpc-timeout": timeout = try GRPCTimeout.parse(value)
            case "grpc-encoding":
                guard let known = MessageEncoding(rawValue: value) else {
                    throw MartletError(
                        .unimplemented,
                        "grpc-encoding names one that is not known here; use one of \(MessageEncoding.accepted)")
                }
                encoding = known
            case "grpc-accept-encoding":
                for part in value.split(separator: ",") {
                    let word = part.drop { $0 == " " }.prefix { $0 != " " }
                    if let known = MessageEncoding(rawValue: String(word)) { acceptable.insert(known) }
                }
            case "content-type", "te", "grpc-message-type": break
            default:
                if name.utf8.first == UInt8(ascii: ":") { break }
                if BinaryMetadata.isBinary(name) {
                    for bytes in try BinaryMetadata.decode(value, of: name) { entries.append((name, bytes)) }
                } else {
                    entries.append((name, Array(value.utf8)))
                }
            }
        }
        self.path = path
        metadata = CallMetadata(entries)
    }
}
