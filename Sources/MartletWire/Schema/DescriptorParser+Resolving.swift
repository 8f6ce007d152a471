internal import MartletCore

/// What was read, with every name of a type replaced by its place.
extension DescriptorParser {
    func resolvedMessages() throws(MartletError) -> [SchemaMessage] {
        var resolved: [SchemaMessage] = []
        for message in messages {
            var fields: [SchemaField] = []
            for raw in message.fields.sorted(by: { $0.number < $1.number }) {
                var field = SchemaField(
                    name: raw.name, jsonName: raw.jsonName, number: raw.number, kind: try kind(of: raw),
                    isRepeated: raw.isRepeated, oneof: raw.isOptional ? nil : raw.oneof, isOptional: raw.isOptional)
                if case .message(let place) = field.kind { field.isMap = messages[place].isMapEntry }
                fields.append(field)
            }
            resolved.append(SchemaMessage(fullName: message.fullName, fields: fields, oneofs: message.oneofs))
        }
        return resolved
    }

    func resolvedServices() throws(MartletError) -> [SchemaService] {
        var resolved: [SchemaService] = []
        for service in services {
            var methods: [SchemaMethod] = []
            for raw in service.methods {
                let method = Method(
                    "/\(service.fullName)/\(raw.name)", clientStreams: raw.clientStreams,
                    serverStreams: raw.serverStreams)
                methods.append(
                    SchemaMethod(
                        name: raw.name, method: method, input: try place(of: raw.input),
                        output: try place(of: raw.output)))
            }
            resolved.append(SchemaService(fullName: service.fullName, methods: methods))
        }
        return resolved
    }

    private func place(of typeName: String) throws(MartletError) -> Int {
        guard let place = messagePlaces[String(typeName.dropFirst())] else { throw Self.undefined(typeName) }
        return place
    }

    private func kind(of field: RawField) throws(MartletError) -> SchemaField.Kind {
        switch field.type {
        case 1: return .double
        case 2: return .float
        case 3: return .int64
        case 4: return .uint64
        case 5: return .int32
        case 6: return .fixed64
        case 7: return .fixed32
        case 8: return .bool
        case 9: return .string
        case 11: return .message(try place(of: field.typeName))
        case 12: return .bytes
        case 13: return .uint32
        case 14:
            guard let place = enumPlaces[String(field.typeName.dropFirst())] else {
                throw Self.undefined(field.typeName)
            }
            return .enumeration(place)
        case 15: return .sfixed32
        case 16: return .sfixed64
        case 17: return .sint32
        case 18: return .sint64
        default: throw MartletError(.invalidArgument, "the field \(field.name) has the type \(field.type)")
        }
    }

    private static func undefined(_ name: String) -> MartletError {
        MartletError(.invalidArgument, "the type \(name) is named and not defined")
    }
}
