import MartletCore
import MartletWire
import Testing

@Suite struct SchemaTests {
    let schema = Schema.embedded

    @Test func `every file of Protos is there, after those it imports`() {
        let names = schema.files.map(\.name)
        #expect(names.contains("martlet/v1/inference.proto"))
        #expect(names.contains("grpc/reflection/v1alpha/reflection.proto"))
        for (place, file) in schema.files.enumerated() {
            for dependency in file.dependencies { #expect(names[..<place].contains(dependency)) }
        }
    }

    @Test func `a method has its path, kinds and types`() throws {
        let method = try #require(schema.method(at: "/martlet.v1.InferenceService/ClassifyDocument"))
        #expect(method.name == "ClassifyDocument")
        #expect(method.method == .classifyDocument)
        #expect(schema.messages[method.input].fullName == "martlet.v1.DocumentChunk")
        #expect(schema.messages[method.output].fullName == "martlet.v1.DocumentEvent")
    }

    @Test func `every method that MartletWire names is in the protos with the same kinds`() {
        let methods: [MartletWire.Method] = [
            .classify, .classifyStream, .classifyDocument, .embed, .tokenize, .detokenize, .listModels, .getModel,
            .watchModels, .loadModel, .unloadModel, .setLabel, .getStatistics, .getServer,
            .loadVersion, .unloadVersion, .clearQuarantine, .setRoute, .listRoutes, .planRollout, .startRollout,
            .listRollouts, .watchRollouts, .promoteRollout, .rollback, .publishVersion,
        ]
        for method in methods { #expect(schema.method(at: method.path)?.method == method) }
    }

    @Test func `a message has its fields, JSON names and oneofs`() throws {
        let place = try #require(schema.message(named: "martlet.v1.ClassifyRequest"))
        let message = schema.messages[place]
        #expect(message.fields.map(\.jsonName) == ["model", "inputs", "overflow", "topK", "returnLogits"])
        #expect(message.field(named: "top_k")?.number == 4)
        #expect(message.field(named: "topK")?.kind == .uint32)
        #expect(message.index(ofNumber: 5) == 4)
        #expect(message.index(ofNumber: 6) == nil)
        let reference = schema.messages[try #require(schema.message(named: "martlet.v1.ModelReference"))]
        #expect(reference.oneofs == ["selector"])
        #expect(reference.fields.map(\.oneof) == [nil, 0, 0])
        #expect(reference.fields.map(\.hasPresence) == [false, true, true])
    }

    @Test func `a map is told from a list, an optional field from a oneof`() throws {
        let place = try #require(schema.message(named: "inference.ModelInferRequest"))
        #expect(schema.messages[place].field(named: "parameters")?.isMap == true)
        #expect(schema.messages[place].field(named: "inputs")?.isMap == false)
        let optional = schema.messages.flatMap(\.fields).filter(\.isOptional)
        #expect(!optional.isEmpty)
        #expect(optional.allSatisfy { $0.oneof == nil && $0.hasPresence })
    }

    @Test func `a symbol leads to its file, and a file to all it imports`() throws {
        for symbol in [
            "martlet.v1.InferenceService", "martlet.v1.InferenceService.Classify", "martlet.v1.ClassifyRequest",
            "martlet.v1.ClassifyRequest.top_k", "martlet.v1.OVERFLOW_WINDOW",
        ] {
            #expect(schema.file(defining: symbol)?.name == "martlet/v1/inference.proto")
        }
        #expect(schema.file(defining: "martlet.v1.Nothing") == nil)
        let file = try #require(schema.file(named: "martlet/v1/inference.proto"))
        #expect(schema.closure(of: file).map(\.name) == ["martlet/v1/inference.proto", "martlet/v1/types.proto"])
    }

    @Test(arguments: [
        [0x0A], [0x0A, 0x05, 0x01], [0x0B], [0x00], [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
        [0x0D, 1, 2, 3], [0x09, 1, 2, 3, 4, 5, 6, 7], [0x08, 0x80], [0x0A, 0x02, 0x0A, 0x01],
    ] as [[UInt8]])
    func `bytes that are no message are refused`(_ bytes: [UInt8]) {
        #expect(throws: MartletError.self) { _ = try Schema(parsing: bytes) }
    }

    @Test func `what the writer writes the reader reads`() throws {
        var writer = WireWriter()
        writer.key(1, .varint)
        writer.varint(.max)
        writer.key(2, .fixed32)
        writer.fixed32(0x0102_0304)
        writer.key(3, .fixed64)
        writer.fixed64(0x0102_0304_0506_0708)
        writer.key(4, .lengthDelimited)
        try writer.delimited { writer in for _ in 0..<300 { writer.varint(7) } }
        writer.key(536_870_911, .lengthDelimited)
        writer.delimited("text".utf8)
        var reader = WireReader(writer.bytes)
        #expect(try reader.next() == .init(number: 1, type: .varint))
        #expect(try reader.varint() == .max)
        #expect(try reader.next() == .init(number: 2, type: .fixed32))
        #expect(try reader.fixed32() == 0x0102_0304)
        #expect(try reader.next() == .init(number: 3, type: .fixed64))
        #expect(try reader.fixed64() == 0x0102_0304_0506_0708)
        #expect(try reader.next() == .init(number: 4, type: .lengthDelimited))
        #expect(try reader.delimited().count == 300)
        #expect(try reader.next() == .init(number: 536_870_911, type: .lengthDelimited))
        #expect(try reader.text() == "text")
        #expect(try reader.next() == nil)
    }
}
