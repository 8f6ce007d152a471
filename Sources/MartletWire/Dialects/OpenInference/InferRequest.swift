extension OpenInference {
    /// Asks a model for what it makes of one tensor of texts.
    package struct InferRequest: Sendable, Hashable {
        package var model: ModelName
        /// The caller's own; the answer carries it.
        package var id: String
        package var parameters: [String: Parameter]
        package var inputs: [Input]
        /// The outputs asked for; none asks for the usual ones.
        package var outputs: [RequestedOutput]

        package init(
            model: ModelName, id: String = "", parameters: [String: Parameter] = [:], inputs: [Input] = [],
            outputs: [RequestedOutput] = []
        ) {
            self.model = model
            self.id = id
            self.parameters = parameters
            self.inputs = inputs
            self.outputs = outputs
        }
    }

    package struct Input: Sendable, Hashable {
        package var name: String
        /// As the client wrote it.
        package var datatype: String
        /// As the client wrote it: nothing about it is checked.
        package var shape: [Int64]
        package var contents: Contents

        package init(name: String, datatype: String, shape: [Int64], contents: Contents) {
            self.name = name
            self.datatype = datatype
            self.shape = shape
            self.contents = contents
        }
    }

    /// The elements of a BYTES tensor.
    package enum Contents: Sendable, Hashable {
        /// Each element behind its length: 4 bytes, little-endian.
        case raw([UInt8])
        case elements([[UInt8]])
    }

    package struct RequestedOutput: Sendable, Hashable {
        package var name: String
        package var parameters: [String: Parameter]

        package init(name: String, parameters: [String: Parameter] = [:]) {
            self.name = name
            self.parameters = parameters
        }
    }
}
