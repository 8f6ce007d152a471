extension OpenInference {
    /// What a model makes of the texts of one request.
    package struct InferResponse: Sendable, Hashable {
        package var modelName: String
        package var modelVersion: String
        package var id: String
        package var parameters: [String: Parameter]
        package var outputs: [Output]

        package init(
            modelName: String, modelVersion: String, id: String, parameters: [String: Parameter] = [:],
            outputs: [Output]
        ) {
            self.modelName = modelName
            self.modelVersion = modelVersion
            self.id = id
            self.parameters = parameters
            self.outputs = outputs
        }
    }

    package struct Output: Sendable, Hashable {
        package var name: String
        package var shape: [Int]
        /// Row-major.
        package var elements: Elements

        package init(name: String, shape: [Int], elements: Elements) {
            self.name = name
            self.shape = shape
            self.elements = elements
        }
    }

    package enum Elements: Sendable, Hashable {
        case texts([String])
        case floats([Float])

        package var datatype: Datatype {
            switch self {
            case .texts: .bytes
            case .floats: .float32
            }
        }

        /// Little-endian, without padding; a text behind its length of 4 bytes.
        package var raw: [UInt8] {
            switch self {
            case .floats(let values): values.littleEndianBytes
            case .texts(let texts):
                texts.reduce(into: []) { bytes, text in
                    withUnsafeBytes(of: UInt32(clamping: text.utf8.count).littleEndian) { bytes.append(contentsOf: $0) }
                    bytes.append(contentsOf: text.utf8)
                }
            }
        }
    }
}

extension [Float] {
    /// 4 bytes a value, little-endian.
    package var littleEndianBytes: [UInt8] {
        #if _endian(little)
            withUnsafeBytes { Array<UInt8>($0) }
        #else
            flatMap { Swift.withUnsafeBytes(of: $0.bitPattern.littleEndian) { Array<UInt8>($0) } }
        #endif
    }
}
