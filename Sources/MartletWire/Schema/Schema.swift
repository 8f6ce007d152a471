internal import CMartletProtos
package import MartletCore

/// The protos as values: what reflection answers, how JSON and wire bytes correspond, and the OpenAPI document's types.
package struct Schema: Sendable {
    package let files: [SchemaFile]
    package let messages: [SchemaMessage]
    package let enums: [SchemaEnum]
    package let services: [SchemaService]

    private let messagePlaces: [String: Int]
    private let methodPlaces: [String: SchemaMethod]

    /// Of the files in `Protos/`.
    package static let embedded: Schema = {
        let bytes = UnsafeBufferPointer(start: martlet_descriptor_set_start(), count: martlet_descriptor_set_size)
        do throws(MartletError) {
            return try Schema(parsing: Array(bytes))
        } catch {
            preconditionFailure("the embedded descriptors are what Tools/generate-protos wrote: \(error)")
        }
    }()

    /// - Parameter descriptorSet: a serialised `google.protobuf.FileDescriptorSet`, its files after those they import.
    /// - Throws: `.invalidArgument` for what is not one, and for a type that is named and not defined.
    package init(parsing descriptorSet: [UInt8]) throws(MartletError) {
        var parser = DescriptorParser()
        var reader = WireReader(descriptorSet)
        while let key = try reader.next() {
            guard key == WireReader.Key(number: 1, type: .lengthDelimited) else {
                try reader.skip(key.type)
                continue
            }
            try parser.read(file: Array(descriptorSet[try reader.delimited()]))
        }
        files = parser.files
        enums = parser.enums
        messages = try parser.resolvedMessages()
        services = try parser.resolvedServices()
        messagePlaces = parser.messagePlaces
        methodPlaces = Dictionary(services.flatMap { $0.methods.map { ($0.method.path, $0) } }) { first, _ in first }
    }

    package func message(named fullName: String) -> Int? { messagePlaces[fullName] }

    /// - Parameter path: such as `/martlet.v1.InferenceService/Classify`.
    package func method(at path: String) -> SchemaMethod? { methodPlaces[path] }

    package func file(named name: String) -> SchemaFile? { files.first { $0.name == name } }

    /// The file that defines a message, field, enum, value, service or method.
    package func file(defining symbol: String) -> SchemaFile? { files.first { $0.symbols.contains(symbol) } }

    /// A file and every file that it imports, each once.
    package func closure(of file: SchemaFile) -> [SchemaFile] {
        var found = [file]
        var place = 0
        while place < found.count {
            for name in found[place].dependencies where !found.contains(where: { $0.name == name }) {
                if let dependency = self.file(named: name) { found.append(dependency) }
            }
            place += 1
        }
        return found
    }
}
