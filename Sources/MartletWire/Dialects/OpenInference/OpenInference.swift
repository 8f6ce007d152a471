/// Messages of the Open Inference Protocol, version 2, with Triton's extensions, as its gRPC and its REST form share
/// them (kserve/open-inference-protocol, triton-inference-server/server: docs/protocol).
package enum OpenInference {
    /// A parameter of a request, a tensor or an answer.
    package enum Parameter: Sendable, Hashable {
        case bool(Bool)
        case integer(Int64)
        case unsigned(UInt64)
        case double(Double)
        case text(String)
    }

    /// How a request names a model.
    package struct ModelName: Sendable, Hashable {
        package var name: String
        /// A number, a version label, or empty.
        package var version: String

        package init(name: String, version: String = "") {
            self.name = name
            self.version = version
        }
    }

    /// What a tensor is, without its values.
    package struct TensorMetadata: Sendable, Hashable {
        package var name: String
        package var datatype: Datatype
        /// -1: any.
        package var shape: [Int]

        package init(name: String, datatype: Datatype, shape: [Int]) {
            self.name = name
            self.datatype = datatype
            self.shape = shape
        }
    }

    /// The element types that this server writes.
    package enum Datatype: String, Sendable {
        case bytes = "BYTES"
        case float32 = "FP32"

        /// As Triton's model configuration names it.
        package var configurationName: String {
            switch self {
            case .bytes: "TYPE_STRING"
            case .float32: "TYPE_FP32"
            }
        }
    }

    package struct ServerMetadata: Sendable, Hashable {
        package var name: String
        package var version: String
        package var extensions: [String]

        package init(name: String, version: String, extensions: [String]) {
            self.name = name
            self.version = version
            self.extensions = extensions
        }
    }

    package struct ModelMetadata: Sendable, Hashable {
        package var name: String
        /// Ready versions, ascending.
        package var versions: [String]
        package var platform: String
        package var inputs: [TensorMetadata]
        package var outputs: [TensorMetadata]

        package init(
            name: String, versions: [String], platform: String, inputs: [TensorMetadata], outputs: [TensorMetadata]
        ) {
            self.name = name
            self.versions = versions
            self.platform = platform
            self.inputs = inputs
            self.outputs = outputs
        }
    }

    /// The part of Triton's model configuration that its clients read. Shapes lack the batch's dimension.
    package struct ModelConfiguration: Sendable, Hashable {
        package var name: String
        package var platform: String
        package var backend: String
        package var batchSizeMax: Int
        package var inputs: [TensorMetadata]
        package var outputs: [TensorMetadata]

        package init(
            name: String, platform: String, backend: String, batchSizeMax: Int, inputs: [TensorMetadata],
            outputs: [TensorMetadata]
        ) {
            self.name = name
            self.platform = platform
            self.backend = backend
            self.batchSizeMax = batchSizeMax
            self.inputs = inputs
            self.outputs = outputs
        }
    }

    /// One version in the index of the model repository.
    package struct RepositoryEntry: Sendable, Hashable {
        package var name: String
        package var version: String
        /// `READY`, `LOADING`, `UNLOADING` or `UNAVAILABLE`.
        package var state: String
        package var reason: String

        package init(name: String, version: String, state: String, reason: String) {
            self.name = name
            self.version = version
            self.state = state
            self.reason = reason
        }
    }
}
