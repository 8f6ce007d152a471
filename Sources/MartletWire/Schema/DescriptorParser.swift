internal import MartletCore

/// Reads `FileDescriptorProto`s; field numbers are those of google/protobuf/descriptor.proto.
struct DescriptorParser {
    private(set) var files: [SchemaFile] = []
    private(set) var enums: [SchemaEnum] = []
    private(set) var messagePlaces: [String: Int] = [:]
    private(set) var enumPlaces: [String: Int] = [:]
    private(set) var messages: [RawMessage] = []
    private(set) var services: [RawService] = []
    /// Of the file that is read now.
    private var symbols: [String] = []

    struct RawMessage {
        var fullName = ""
        var fields: [RawField] = []
        var oneofs: [String] = []
        var isMapEntry = false
    }

    struct RawField {
        var name = ""
        var jsonName = ""
        var number = 0
        var type = 0
        /// Such as `.martlet.v1.TextInput`.
        var typeName = ""
        var isRepeated = false
        var oneof: Int?
        var isOptional = false
    }

    struct RawService {
        var fullName = ""
        var methods: [RawMethod] = []
    }

    struct RawMethod {
        var name = ""
        var input = ""
        var output = ""
        var clientStreams = false
        var serverStreams = false
    }

    mutating func read(file bytes: [UInt8]) throws(MartletError) {
        var name = ""
        var package = ""
        var dependencies: [String] = []
        symbols = []
        // The package stands before what is in it, but nothing promises so.
        try Self.fields(of: WireReader(bytes)) { (key, reader) throws(MartletError) in
            switch key {
            case 1: name = try reader.text()
            case 2: package = try reader.text()
            case 3: dependencies.append(try reader.text())
            default: return false
            }
            return true
        }
        try Self.fields(of: WireReader(bytes)) { (key, reader) throws(MartletError) in
            switch key {
            case 4: try message(WireReader(bytes, in: try reader.delimited()), in: package)
            case 5: try enumeration(WireReader(bytes, in: try reader.delimited()), in: package)
            case 6: try service(WireReader(bytes, in: try reader.delimited()), in: package)
            default: return false
            }
            return true
        }
        files.append(SchemaFile(name: name, dependencies: dependencies, bytes: bytes, symbols: symbols))
    }

    /// Calls `take` with every length-delimited, varint or fixed field; it answers false for one it leaves unread.
    private static func fields(
        of reader: WireReader, _ take: (Int, inout WireReader) throws(MartletError) -> Bool
    ) throws(MartletError) {
        var reader = reader
        while let key = try reader.next() {
            if try !take(key.number, &reader) { try reader.skip(key.type) }
        }
    }

    private static func name(_ part: String, in scope: String) -> String { scope.isEmpty ? part : "\(scope).\(part)" }

    private mutating func message(_ reader: WireReader, in scope: String) throws(MartletError) {
        let bytes = reader.bytes
        var message = RawMessage()
        var nested: [Range<Int>] = []
        var nestedEnums: [Range<Int>] = []
        try Self.fields(of: reader) { (key, reader) throws(MartletError) in
            switch key {
            case 1: message.fullName = Self.name(try reader.text(), in: scope)
            case 2: message.fields.append(try Self.field(WireReader(bytes, in: try reader.delimited())))
            case 3: nested.append(try reader.delimited())
            case 4: nestedEnums.append(try reader.delimited())
            case 7:
                try Self.fields(of: WireReader(bytes, in: try reader.delimited())) {
                    (key, reader) throws(MartletError) in
                    guard key == 7 else { return false }
                    message.isMapEntry = try reader.varint() != 0
                    return true
                }
            case 8:
                try Self.fields(of: WireReader(bytes, in: try reader.delimited())) {
                    (key, reader) throws(MartletError) in
                    guard key == 1 else { return false }
                    message.oneofs.append(try reader.text())
                    return true
                }
            default: return false
            }
            return true
        }
        symbols.append(message.fullName)
        symbols.append(contentsOf: message.fields.map { Self.name($0.name, in: message.fullName) })
        symbols.append(contentsOf: message.oneofs.map { Self.name($0, in: message.fullName) })
        messagePlaces[message.fullName] = messages.count
        messages.append(message)
        for range in nested { try self.message(WireReader(bytes, in: range), in: message.fullName) }
        for range in nestedEnums { try enumeration(WireReader(bytes, in: range), in: message.fullName) }
    }

    private static func field(_ reader: WireReader) throws(MartletError) -> RawField {
        var field = RawField()
        try fields(of: reader) { (key, reader) throws(MartletError) in
            switch key {
            case 1: field.name = try reader.text()
            case 3: field.number = Int(truncatingIfNeeded: try reader.varint())
            case 4: field.isRepeated = try reader.varint() == 3
            case 5: field.type = Int(truncatingIfNeeded: try reader.varint())
            case 6: field.typeName = try reader.text()
            case 9: field.oneof = Int(truncatingIfNeeded: try reader.varint())
            case 10: field.jsonName = try reader.text()
            case 17: field.isOptional = try reader.varint() != 0
            default: return false
            }
            return true
        }
        if field.jsonName.isEmpty { field.jsonName = jsonName(of: field.name) }
        return field
    }

    /// `top_k` becomes `topK`.
    static func jsonName(of name: String) -> String {
        var result = ""
        var capitalises = false
        for character in name {
            if character == "_" {
                capitalises = true
            } else {
                result.append(contentsOf: capitalises ? character.uppercased() : String(character))
                capitalises = false
            }
        }
        return result
    }

    private mutating func enumeration(_ reader: WireReader, in scope: String) throws(MartletError) {
        let bytes = reader.bytes
        var name = ""
        var values: [SchemaEnum.Value] = []
        try Self.fields(of: reader) { (key, reader) throws(MartletError) in
            switch key {
            case 1: name = Self.name(try reader.text(), in: scope)
            case 2:
                var valueName = ""
                var number: Int32 = 0
                try Self.fields(of: WireReader(bytes, in: try reader.delimited())) {
                    (key, reader) throws(MartletError) in
                    switch key {
                    case 1: valueName = try reader.text()
                    case 2: number = Int32(truncatingIfNeeded: try reader.varint())
                    default: return false
                    }
                    return true
                }
                values.append(SchemaEnum.Value(name: valueName, number: number))
            default: return false
            }
            return true
        }
        enumPlaces[name] = enums.count
        enums.append(SchemaEnum(fullName: name, values: values))
        symbols.append(name)
        // A value's name stands in the scope around its enum.
        symbols.append(contentsOf: values.map { Self.name($0.name, in: scope) })
    }

    private mutating func service(_ reader: WireReader, in scope: String) throws(MartletError) {
        let bytes = reader.bytes
        var service = RawService()
        try Self.fields(of: reader) { (key, reader) throws(MartletError) in
            switch key {
            case 1: service.fullName = Self.name(try reader.text(), in: scope)
            case 2: service.methods.append(try Self.method(WireReader(bytes, in: try reader.delimited())))
            default: return false
            }
            return true
        }
        symbols.append(service.fullName)
        symbols.append(contentsOf: service.methods.map { Self.name($0.name, in: service.fullName) })
        services.append(service)
    }

    private static func method(_ reader: WireReader) throws(MartletError) -> RawMethod {
        var method = RawMethod()
        try fields(of: reader) { (key, reader) throws(MartletError) in
            switch key {
            case 1: method.name = try reader.text()
            case 2: method.input = try reader.text()
            case 3: method.output = try reader.text()
            case 5: method.clientStreams = try reader.varint() != 0
            case 6: method.serverStreams = try reader.varint() != 0
            default: return false
            }
            return true
        }
        return method
    }
}
