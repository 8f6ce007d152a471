package import MartletCore

extension MessageJSON {
    /// The wire bytes of fields that came as texts: path segments and the pairs of a query.
    ///
    /// A name is a field's, with dots into messages: `model.version`; a model may also be written `guard@3`. A name
    /// that comes again adds to a list. `true` and `false`, numbers and enum names stand as they would in JSON, without
    /// quotes.
    /// - Throws: `.invalidArgument` naming the pair.
    package func wire(
        ofTexts pairs: [(name: String, value: String)], as message: Int
    ) throws(MartletError) -> [UInt8] {
        guard !pairs.isEmpty else { return [] }
        var root = JSONValue.object([])
        for pair in pairs {
            let path = pair.name.split(separator: ".", omittingEmptySubsequences: false)
            try insert(pair.value, at: path[...], pair.name, message, &root)
        }
        return try wire(of: root.serialized, as: message)
    }

    private func insert(
        _ text: String, at path: ArraySlice<Substring>, _ name: String, _ message: Int, _ object: inout JSONValue
    ) throws(MartletError) {
        guard case .object(var members) = object, let first = path.first,
            let field = schema.messages[message].field(named: String(first)), !field.isMap
        else { throw MartletError(.invalidArgument, "\(name.prefix(60)) is not a parameter of this path") }
        let place = members.firstIndex { $0.name == field.jsonName }
        if path.count > 1 {
            guard case .message(let inner) = field.kind, !field.isRepeated else {
                throw MartletError(.invalidArgument, "\(name.prefix(60)) is not a parameter of this path")
            }
            var value = place.map { members[$0].value } ?? .object([])
            try insert(text, at: path.dropFirst(), name, inner, &value)
            if let place { members[place].value = value } else { members.append(.init(field.jsonName, value)) }
        } else {
            let value = try value(of: text, field.kind, name)
            if let place {
                guard field.isRepeated, case .array(let before) = members[place].value else {
                    throw MartletError(.invalidArgument, "\(name.prefix(60)) is given twice")
                }
                members[place].value = .array(before + [value])
            } else {
                members.append(.init(field.jsonName, field.isRepeated ? .array([value]) : value))
            }
        }
        object = .object(members)
    }

    private func value(
        of text: String, _ kind: SchemaField.Kind, _ name: String
    ) throws(MartletError) -> JSONValue {
        switch kind {
        case .message(let place) where schema.messages[place].fullName == "martlet.v1.ModelReference":
            guard let model = ModelReference(parsing: text) else {
                throw MartletError(.invalidArgument, "\(name.prefix(60)) must be name, name@version or name:label")
            }
            switch model.selector {
            case .latest: return ["name": .string(model.name)]
            case .version(let number): return ["name": .string(model.name), "version": .integer(number)]
            case .label(let label): return ["name": .string(model.name), "label": .string(label)]
            }
        case .message:
            throw MartletError(.invalidArgument, "\(name.prefix(60)) has fields of its own; name one of them")
        case .bool:
            switch text {
            // A flag without a value.
            case "true", "1", "": return true
            case "false", "0": return false
            default: throw MartletError(.invalidArgument, "\(name.prefix(60)) must be true or false")
            }
        case .enumeration: return Int32(text).map { .integer($0) } ?? .string(text)
        default: return .string(text)
        }
    }
}
